using System.Collections.Generic;
using Thomas.Autodiff;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Passes;

namespace Thomas.Training;

/// <summary>What the graphs of a training step are built for.</summary>
/// <param name="Batch">Pictures of one run of the step graph: the batch, or the micro-batch where gradients are summed.</param>
/// <param name="Optimizer">The update rule.</param>
/// <param name="Accumulate">Whether runs only sum gradients, and a second graph applies them.</param>
/// <param name="Immediate">Whether a parameter is updated as soon as its gradient exists. Off only to prove that it changes no result.</param>
/// <param name="Dropout">Share of the last layer's inputs that become zero.</param>
/// <param name="DropoutSeed">Seed of their choice.</param>
internal sealed record TrainingGraphOptions(
    int Batch, OptimizerOptions Optimizer, bool Accumulate = false, bool Immediate = true, float Dropout = 0, ulong DropoutSeed = 0);

/// <summary>
/// The graphs of a training step. Inputs of <see cref="Step"/>: pictures, targets [n,c], weights [n], then control [4] or, where gradients are summed, keep [];
/// with dropout also the number of the run []. Outputs: loss [], probabilities [n,c], then the updated variables. <see cref="Apply"/> takes control.
/// </summary>
internal sealed class TrainingGraph
{
    private readonly TrainingGraphOptions _options;
    private readonly Dictionary<Variable, TrainedParameter> _parameters = [];
    private readonly List<Variable> _variables = [];
    private readonly List<(Variable Parameter, Variable Average)> _averages = [];
    private readonly bool _accumulate;

    private TrainingGraph(Trainee trainee, TrainingGraphOptions options)
    {
        _options = options;
        _accumulate = options.Accumulate || options.Optimizer.ClipNorm is not null;
        foreach (TrainedParameter parameter in trainee.Parameters)
        {
            _parameters.Add(parameter.Variable, parameter);
            _variables.Add(parameter.Variable);
        }

        _variables.AddRange(trainee.Statistics);
        (Graph loss, Value control) = WithLoss(trainee, options.Batch);
        List<(Variable Parameter, Variable Sum)> sums = [];
        Step = Differentiate.Run(
            loss,
            _parameters.Keys,
            (rewriter, parameter, gradient) =>
            {
                if (!_accumulate) return Update(rewriter.Builder, parameter, gradient, rewriter.Map(control));
                Variable sum = new(parameter.Name + ".gradientSum", parameter.Shape, VariableKind.Gradient);
                sums.Add((parameter, sum));
                return [rewriter.Builder.Add(OpCatalog.Accumulate, [rewriter.Builder.Variable(sum), gradient, rewriter.Map(control)], name: sum.Name + "/new")];
            },
            options.Immediate);
        foreach ((_, Variable sum) in sums) _variables.Add(sum);
        if (_accumulate) Apply = ApplyGraph(sums);
    }

    /// <summary>One run over a batch or micro-batch.</summary>
    public Graph Step { get; }

    /// <summary>The update by summed gradients; null where <see cref="Step"/> updates by itself.</summary>
    public Graph? Apply { get; }

    /// <summary>All variables: parameters, statistics, sums of gradients, moments.</summary>
    public IReadOnlyList<Variable> Variables => _variables;

    /// <summary>The average over the steps of each parameter, where averages are kept. They begin as the parameters do.</summary>
    public IReadOnlyList<(Variable Parameter, Variable Average)> Averages => _averages;

    /// <summary>Whether the step graph has the last input, which dropout takes its mask from.</summary>
    public bool HasDropout { get; private set; }

    /// <summary>Builds the graphs.</summary>
    /// <exception cref="GraphException">Something between a trained tensor and the loss cannot be trained through.</exception>
    public static TrainingGraph Build(Trainee trainee, TrainingGraphOptions options) => new(trainee, options);

    /// <summary>The forward graph at the batch size, with the loss as its first output.</summary>
    private (Graph Graph, Value Control) WithLoss(Trainee trainee, int batch)
    {
        Graph scores = Rebatch.Run(trainee.Graph, batch);
        TrainingForward forward = new(trainee, scores, _options.Dropout, _options.DropoutSeed);
        GraphBuilder builder = forward.Builder;
        Value targets = builder.Input("targets", scores.Outputs[0].Type);
        Value weights = builder.Input("weights", new TensorType(DType.F32, new Shape(batch)));
        Value control = _accumulate
            ? builder.Input("keep", new TensorType(DType.F32, new Shape()))
            : builder.Input("control", new TensorType(DType.F32, new Shape(UpdateOp.ControlLength)));
        Value logits = forward.Run();
        HasDropout = forward.DropoutStep is not null;
        Node loss = builder.AddNode(OpCatalog.SoftmaxCrossEntropy, [logits, targets, weights], null, "loss");
        return (builder.Build([.. loss.Outputs, .. forward.Statistics]), control);
    }

    private Graph ApplyGraph(List<(Variable Parameter, Variable Sum)> sums)
    {
        GraphBuilder builder = new() { Stage = Stage.Update };
        Value control = builder.Input("control", new TensorType(DType.F32, new Shape(UpdateOp.ControlLength)));
        if (_options.Optimizer.ClipNorm is float bound)
        {
            List<Value> operands = [control];
            foreach ((_, Variable sum) in sums) operands.Add(builder.Variable(sum));
            control = builder.Add(OpCatalog.ClipByGlobalNorm, [.. operands], new ClipByGlobalNormAttributes(bound), "clipped");
        }

        List<Value> results = [];
        foreach ((Variable parameter, Variable sum) in sums) results.AddRange(Update(builder, parameter, builder.Variable(sum), control));
        return builder.Build([.. results]);
    }

    private IReadOnlyList<Value> Update(GraphBuilder builder, Variable parameter, Value gradient, Value control)
    {
        UpdateOp op = _options.Optimizer.Op;
        List<Value> operands = [builder.Variable(parameter)];
        for (int i = 0; i < op.Moments; i++)
        {
            Variable moment = new($"{parameter.Name}.moment{i + 1}", parameter.Shape, VariableKind.OptimizerState);
            _variables.Add(moment);
            operands.Add(builder.Variable(moment));
        }

        operands.Add(gradient);
        operands.Add(control);
        Node update = builder.AddNode(op, [.. operands], _options.Optimizer.Attributes(_parameters[parameter]), parameter.Name + "/new");
        if (_options.Optimizer.AverageDecay is not float decay) return update.Outputs;
        Variable average = new(parameter.Name + ".average", parameter.Shape, VariableKind.OptimizerState, parameter.Initial);
        _variables.Add(average);
        _averages.Add((parameter, average));
        Value moved = builder.Add(OpCatalog.MovingAverage, [builder.Variable(average), update.Output], new MovingAverageAttributes(1 - decay), average.Name + "/new");
        return [.. update.Outputs, moved];
    }
}
