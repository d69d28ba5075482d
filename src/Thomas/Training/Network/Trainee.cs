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

/// <summary>
/// A model whose trained constants have become variables; the graphs of training and evaluation are made from it, and a model again from the variables.
/// </summary>
internal sealed class Trainee
{
    private readonly Model _model;
    private readonly Graph _source;
    private readonly Dictionary<Value, Variable> _variables = [];
    private readonly ClassOutput _output;
    private Value _scores = null!;
    private float _factor = 1;

    private Trainee(Model model, Graph source, BatchNormMode batchNorm)
    {
        _model = model;
        _source = source;
        _output = ClassOutput.Find(model);
        BatchNorm = batchNorm;
    }

    /// <summary>From images to class scores [1,c], before any softmax; trained tensors are variables.</summary>
    public Graph Graph { get; private set; } = null!;

    /// <summary>What is trained, in the order of the graph.</summary>
    public IReadOnlyList<TrainedParameter> Parameters { get; private set; } = [];

    /// <summary>The stored statistics of live batch normalization.</summary>
    public IReadOnlyList<Variable> Statistics { get; private set; } = [];

    /// <summary>What batch normalization does.</summary>
    public BatchNormMode BatchNorm { get; }

    /// <summary>The grids that trained weights stay on; null where they leave them, or there are none.</summary>
    public TrainedGrids? Grids { get; private set; }

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

    /// <summary>
    /// The graph that parameters are chosen from: the model's, with batch normalization folded if it is frozen and the policy trains weights.
    /// </summary>
    public static Graph SourceOf(Model model, UpdatePolicy policy, BatchNormMode batchNorm) =>
        batchNorm == BatchNormMode.Live || policy.Kind == UpdateKind.Norm ? model.Graph : FoldBatchNorm.Run(FoldConstants.Run(FusePad.Run(model.Graph)));

    /// <summary>Prepares a model by a policy that needs no memory plan.</summary>
    /// <exception cref="ThomasException">The policy has nothing to train in this model.</exception>
    public static Trainee Create(Model model, UpdatePolicy policy, BatchNormMode batchNorm, Compression compression = Compression.None)
    {
        Graph source = SourceOf(model, policy, batchNorm);
        return Create(model, source, TrainableSet.Select(source, policy), batchNorm, compression);
    }

    /// <summary>Prepares a model.</summary>
    /// <param name="model">The model; its <see cref="ClassOutput"/> holds one score or probability of a softmax for each class.</param>
    /// <param name="source">Its graph as <see cref="SourceOf"/> gives it.</param>
    /// <param name="selected">Parameters of <paramref name="source"/>.</param>
    /// <param name="batchNorm">What batch normalization does whose scale or shift is trained, or that belongs to a layer that is.</param>
    /// <param name="compression">Whether an 8-bit network stays one: <see cref="Compression.Int8"/>.</param>
    /// <exception cref="ThomasException">It shall stay an 8-bit network and is none.</exception>
    public static Trainee Create(
        Model model, Graph source, IReadOnlyList<Parameter> selected, BatchNormMode batchNorm, Compression compression = Compression.None)
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
        if (compression == Compression.Int8) trainee.Grids = TrainedGrids.Find(model, source, trainee._variables.ContainsKey);
        trainee.Graph = trainee.ScoresGraph();
        return trainee;
    }

    /// <summary>Hash of the structure and of all constants that are not trained: models of the same hash differ only in what a checkpoint holds.</summary>
    public UInt128 FrozenHash() => ModelHash.Of(_source, _variables.ContainsKey);

    /// <summary>The model with the variables' present contents; its class output holds probabilities, or logits where they are wanted.</summary>
    public Model ToModel(VariableStore store, bool logits = false)
    {
        GraphRewriter rewriter = new(_source);
        Dictionary<Value, TensorData> trained = [];
        foreach ((Value constant, Variable variable) in _variables)
        {
            float[] values = new float[variable.Shape.ElementCount];
            store.Read(variable, values);
            trained.Add(constant, TensorData.FromFloats(constant.Shape, values));
        }

        Grids?.Round(trained);
        foreach ((Value constant, TensorData data) in trained) rewriter.Set(constant, rewriter.Builder.Constant(constant.Name, data));

        foreach (Node node in _source.Nodes) rewriter.Copy(node);
        // Vectors of layers that are others now.
        ModelInfo info = _model.Info with { Rehearsal = null };
        if (Grids is not null) info = info with { IsQuantized = true, WritesIntegers = true };
        Value old = _source.Outputs[_output.Index];
        bool isProbability = _output is { Kind: ScoreKind.Probability, IsIndependent: false }
            && ReferenceEquals(_output.Scores, _model.Graph.Outputs[_output.Index]);
        if (logits ? ReferenceEquals(old, _scores) : isProbability) return new Model(rewriter.Build(), info);

        Value[] outputs = new Value[_source.Outputs.Count];
        string[] names = new string[outputs.Length];
        for (int i = 0; i < outputs.Length; i++) (outputs[i], names[i]) = (rewriter.Map(_source.Outputs[i]), _source.Outputs[i].Name);
        Value scores = Logits(rewriter);
        outputs[_output.Index] = logits ? scores : rewriter.Builder.Add(OpCatalog.Softmax, [scores], new SoftmaxAttributes(), "probabilities");
        if (ClassOutput.IsFalseName(old.Name, isProbability: !logits)) names[_output.Index] = logits ? "logits" : "probabilities";
        Graph graph = EliminateDeadNodes.Run(rewriter.Builder.Build(outputs));
        return new Model(NameOutputs.Run(graph, names), info);
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
        _scores = BeforeSoftmax(_source.Outputs[_output.Index], out _factor);
        GraphRewriter rewriter = new(_source);
        foreach ((Value constant, Variable variable) in _variables) rewriter.Set(constant, rewriter.Builder.Variable(variable));
        foreach (Node node in _source.Nodes)
        {
            if (Grids?.TryCopy(node, rewriter) != true) rewriter.Copy(node);
        }

        return EliminateDeadNodes.Run(rewriter.Builder.Build(Logits(rewriter)));
    }

    /// <summary>Scores as [1,c], whatever axes of size 1 the model has around them and whatever factor its softmax has.</summary>
    private Value Logits(GraphRewriter rewriter)
    {
        Value scores = rewriter.Map(_scores);
        Shape shape = scores.Shape;
        if (shape.Rank != 2 || shape[0] != 1)
        {
            int large = 0;
            foreach (int size in shape.Dims) large += size > 1 ? 1 : 0;
            if (shape.Rank == 0 || shape[0] != 1 || large > 1)
            {
                throw new ThomasException(
                    $"{_model.Info.Name}: the scores {scores} are not one vector per image; this model cannot be trained as a classifier.");
            }

            scores = rewriter.Builder.Add(OpCatalog.Reshape, [scores], new ReshapeAttributes(new IntList(0, shape.ElementCount)), "scores");
        }

        if (_factor == 1) return scores;
        Value factor = rewriter.Builder.Constant("softmax.factor", TensorData.FromFloats(new Shape(1), [_factor]));
        return rewriter.Builder.Add(OpCatalog.Multiply, [scores, factor], name: "scaled");
    }

    /// <summary>
    /// What goes into the first softmax on the way back from the output, through nodes that only move or round, and the factor of that softmax; the output
    /// itself and 1 where there is none.
    /// </summary>
    private static Value BeforeSoftmax(Value output, out float factor)
    {
        Value scores = output;
        factor = 1;
        for (Value at = output; at.Producer is Node node;)
        {
            if (node.Op is Softmax) factor = ((SoftmaxAttributes)node.Attributes).Beta;
            if ((ScorePatterns.SoftmaxLogits(node) ?? (node.Op is Softmax ? node.Inputs[0] : null)) is Value logits) scores = at = logits;
            else if (node.Op is Reshape or FakeQuantize or Transpose) at = node.Inputs[0];
            else break;
        }

        return scores;
    }
}
