using System;
using System.Collections.Generic;
using Thomas.Autodiff;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Passes;
using Thomas.Runtime;

namespace Thomas.Training;

/// <summary>How batch normalization that a model still has behaves in training.</summary>
public enum BatchNormMode
{
    /// <summary>
    /// Stored statistics. Where the policy trains weights, normalization is first folded into them, as it is for inference; the tuned model has none left.
    /// </summary>
    Frozen,

    /// <summary>Statistics of the batch, which also move the stored ones.</summary>
    Live,
}

/// <summary>A variable that is trained.</summary>
/// <param name="Variable">Its memory.</param>
/// <param name="Role">What it does in its layer.</param>
/// <param name="IsHead">Whether it belongs to the last layer.</param>
internal sealed record TrainedParameter(Variable Variable, ParameterRole Role, bool IsHead);

/// <summary>A model whose trained constants have become variables; the graphs of training and evaluation are made from it, and a model again from the variables.</summary>
internal sealed class Trainee
{
    private readonly Model _model;
    private readonly Graph _source;
    private readonly Dictionary<Value, Variable> _variables = [];

    private Trainee(Model model, Graph source, BatchNormMode batchNorm)
    {
        _model = model;
        _source = source;
        BatchNorm = batchNorm;
    }

    /// <summary>From pictures to class scores [1,c], before any softmax; trained tensors are variables.</summary>
    public Graph Graph { get; private set; } = null!;

    /// <summary>What is trained, in the order of the graph.</summary>
    public IReadOnlyList<TrainedParameter> Parameters { get; private set; } = [];

    /// <summary>The stored statistics of live batch normalization.</summary>
    public IReadOnlyList<Variable> Statistics { get; private set; } = [];

    /// <summary>What batch normalization does.</summary>
    public BatchNormMode BatchNorm { get; }

    /// <summary>Number of classes.</summary>
    public int Classes => Graph.Outputs[0].Shape[1];

    /// <summary>Elements of all trained tensors.</summary>
    public long TrainedElements
    {
        get
        {
            long count = 0;
            foreach (TrainedParameter parameter in Parameters) count += parameter.Variable.Shape.ElementCount;
            return count;
        }
    }

    /// <summary>The graph that parameters are chosen from: the model's, with batch normalization folded if it is frozen and the policy trains weights.</summary>
    public static Graph SourceOf(Model model, UpdatePolicy policy, BatchNormMode batchNorm) =>
        batchNorm == BatchNormMode.Live || policy.Kind == UpdateKind.Norm ? model.Graph : FoldBatchNorm.Run(FoldConstants.Run(FusePad.Run(model.Graph)));

    /// <summary>Prepares a model by a policy that needs no memory plan.</summary>
    /// <exception cref="ThomasException">The policy has nothing to train in this model.</exception>
    public static Trainee Create(Model model, UpdatePolicy policy, BatchNormMode batchNorm)
    {
        Graph source = SourceOf(model, policy, batchNorm);
        return Create(model, source, TrainableSet.Select(source, policy), batchNorm);
    }

    /// <summary>Prepares a model.</summary>
    /// <param name="model">The model; its first output holds class scores or probabilities.</param>
    /// <param name="source">Its graph as <see cref="SourceOf"/> gives it.</param>
    /// <param name="selected">Parameters of <paramref name="source"/>.</param>
    /// <param name="batchNorm">What batch normalization does whose scale or shift is trained, or that belongs to a layer that is.</param>
    public static Trainee Create(Model model, Graph source, IReadOnlyList<Parameter> selected, BatchNormMode batchNorm)
    {
        Trainee trainee = new(model, source, batchNorm);
        int last = 0;
        foreach (Parameter parameter in Parameter.Find(source)) last = Math.Max(last, parameter.Layer);
        List<TrainedParameter> parameters = [];
        foreach (Parameter parameter in selected)
        {
            Variable variable = new(parameter.Constant.Name, parameter.Constant.Shape, VariableKind.Weight, parameter.Constant.Constant);
            trainee._variables.Add(parameter.Constant, variable);
            parameters.Add(new TrainedParameter(variable, parameter.Role, parameter.Layer == last));
        }

        trainee.Parameters = parameters;
        if (batchNorm == BatchNormMode.Live) trainee.MakeStatisticsVariable();
        trainee.Graph = trainee.ScoresGraph();
        return trainee;
    }

    /// <summary>The model with the variables' present contents.</summary>
    public Model ToModel(VariableStore store)
    {
        GraphRewriter rewriter = new(_source);
        foreach ((Value constant, Variable variable) in _variables)
            rewriter.Set(constant, rewriter.Builder.Constant(constant.Name, TensorData.FromFloats(constant.Shape, store[variable].ToArray())));
        foreach (Node node in _source.Nodes) rewriter.Copy(node);
        return new Model(rewriter.Build(), _model.Info);
    }

    /// <summary>Live normalization is that whose scale or shift is trained: the others stand in the frozen part.</summary>
    private void MakeStatisticsVariable()
    {
        List<Variable> statistics = [];
        foreach (Node node in _source.Nodes)
        {
            if (node.Op is not Ops.BatchNorm || !(_variables.ContainsKey(node.Inputs[1]) || _variables.ContainsKey(node.Inputs[2]))) continue;
            for (int i = 3; i < 5; i++)
            {
                Value value = node.Inputs[i];
                if (!value.IsConstant || _variables.ContainsKey(value)) continue;
                Variable variable = new(value.Name, value.Shape, VariableKind.Statistic, value.Constant);
                _variables.Add(value, variable);
                statistics.Add(variable);
            }
        }

        Statistics = statistics;
    }

    private Graph ScoresGraph()
    {
        Value scores = BeforeSoftmax(_source.Outputs[0]);
        GraphRewriter rewriter = new(_source);
        foreach ((Value constant, Variable variable) in _variables) rewriter.Set(constant, rewriter.Builder.Variable(variable));
        foreach (Node node in _source.Nodes) rewriter.Copy(node);
        Value output = rewriter.Map(scores);
        if (output.Shape.Rank != 2)
        {
            if (output.Shape.Rank == 0 || output.Shape[0] != 1 || output.Shape[-1] != output.Shape.ElementCount)
                throw new ThomasException($"{_model.Info.Name}: the scores {output} are not one vector a picture; this model cannot be trained as a classifier.");
            output = rewriter.Builder.Add(OpCatalog.Reshape, [output], new ReshapeAttributes(new IntList(0, output.Shape[-1])), "scores");
        }

        return EliminateDeadNodes.Run(rewriter.Builder.Build(output));
    }

    /// <summary>What goes into the first softmax on the way back from the output, through nodes that only move or round; the output itself where there is none.</summary>
    private static Value BeforeSoftmax(Value output)
    {
        Value scores = output;
        for (Value at = output; at.Producer is Node { Op: Softmax or Reshape or FakeQuantize } node; at = node.Inputs[0])
        {
            if (node.Op is Softmax) scores = node.Inputs[0];
        }

        return scores;
    }
}
