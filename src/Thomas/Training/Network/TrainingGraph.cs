using System;
using System.Collections.Generic;
using Thomas.Autodiff;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Passes;
using Thomas.Runtime;

namespace Thomas.Training;

/// <summary>What the graphs of a training step are built for.</summary>
/// <param name="Batch">Images of one run of the step graph: the batch, or the micro-batch where gradients are summed.</param>
/// <param name="Optimizer">The update rule.</param>
/// <param name="Accumulate">Whether runs only sum gradients, and a second graph applies them.</param>
/// <param name="Immediate">Whether a parameter is updated as soon as its gradient exists. Off only to prove that it changes no result.</param>
/// <param name="MicroBatches">Runs of a step: live batch normalization moves its statistics in each, so each moves them less.</param>
/// <param name="Dropout">Share of the last layer's inputs that become zero.</param>
/// <param name="DropoutSeed">Seed of their choice.</param>
/// <param name="Meets">Whether gradients that another device has summed are added before the update.</param>
/// <param name="Rounding">How sums of 8-bit layers are rounded where the network stays on grids.</param>
internal sealed record TrainingGraphOptions(
    int Batch, OptimizerOptions Optimizer, bool Accumulate = false, bool Immediate = true, int MicroBatches = 1, float Dropout = 0, ulong DropoutSeed = 0,
    bool Meets = false, QuantizedRounding Rounding = QuantizedRounding.Float)
{
    /// <summary>Whether a network that stays on grids is computed in integers. Off only to compare with real numbers.</summary>
    public bool InIntegers { get; init; } = true;

    /// <summary>
    /// Whether weights on grids are trained as real numbers, which is the rule of quantization-aware scaling. Off only to show what it is for: then a step of
    /// the optimizer is one of the integers.
    /// </summary>
    public bool ScalesGradients { get; init; } = true;
}

/// <summary>
/// The graphs of a training step. Inputs of <see cref="Step"/>: images, targets [n,c], weights [n], then control [4] or, where gradients are summed, keep [];
/// with dropout also the number of the run []. Outputs: loss [], probabilities [n,c], then the updated variables. <see cref="Apply"/> takes control.
/// </summary>
internal sealed class TrainingGraph
{
    /// <summary>Share of the batch in the running statistics, PyTorch's default.</summary>
    private const double StatisticsMomentum = 0.1;

    private readonly TrainingGraphOptions _options;
    private readonly Dictionary<Variable, TrainedParameter> _parameters = [];
    private readonly List<Variable> _variables = [];
    private readonly List<(Variable Parameter, Variable Average)> _averages = [];
    private readonly List<Variable> _sums = [], _incoming = [];
    private readonly bool _accumulate;
    private readonly float _statisticsMomentum;
    private Value? _dropoutStep;

    private TrainingGraph(Trainee trainee, TrainingGraphOptions options)
    {
        _options = options;
        _statisticsMomentum = (float)(1 - Math.Pow(1 - StatisticsMomentum, 1.0 / options.MicroBatches));
        _accumulate = options.Accumulate || options.Meets || options.Optimizer.ClipNorm is not null;
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
                if (!options.ScalesGradients && trainee.Grids?.StepOf(parameter) is { } step) gradient = Unscaled(rewriter.Builder, gradient, step);
                if (!_accumulate) return Update(rewriter.Builder, parameter, gradient, rewriter.Map(control));
                Variable sum = new(parameter.Name + ".gradientSum", parameter.Shape, VariableKind.Gradient);
                sums.Add((parameter, sum));
                return [rewriter.Builder.Add(OpCatalog.Accumulate, [rewriter.Builder.Variable(sum), gradient, rewriter.Map(control)], name: sum.Name + "/new")];
            },
            options.Immediate);
        foreach ((_, Variable sum) in sums) _sums.Add(sum);
        _variables.AddRange(_sums);
        if (options.Meets) Meet = MeetGraph();
        if (_accumulate) Apply = ApplyGraph(sums);
    }

    /// <summary>One run over a batch or micro-batch.</summary>
    public Graph Step { get; }

    /// <summary>The update by summed gradients; null where <see cref="Step"/> updates by itself.</summary>
    public Graph? Apply { get; }

    /// <summary>Adds <see cref="Incoming"/> to <see cref="Sums"/>; takes keep, which is 1. Null where no other device works at the same step.</summary>
    public Graph? Meet { get; }

    /// <summary>The sums of gradients, in an order that only parameters and options decide; empty where there are none.</summary>
    public IReadOnlyList<Variable> Sums => _sums;

    /// <summary>Where the other device's sums are put, in the order of <see cref="Sums"/>.</summary>
    public IReadOnlyList<Variable> Incoming => _incoming;

    /// <summary>All variables: parameters, statistics, sums of gradients, moments.</summary>
    public IReadOnlyList<Variable> Variables => _variables;

    /// <summary>The average over the steps of each parameter, where averages are kept. They begin as the parameters do.</summary>
    public IReadOnlyList<(Variable Parameter, Variable Average)> Averages => _averages;

    /// <summary>Whether the step graph has the last input, which dropout takes its mask from.</summary>
    public bool HasDropout => _dropoutStep is not null;

    /// <summary>Builds the graphs.</summary>
    /// <exception cref="GraphException">Something between a trained tensor and the loss cannot be trained through.</exception>
    public static TrainingGraph Build(Trainee trainee, TrainingGraphOptions options) => new(trainee, options);

    /// <summary>The gradient with which real numbers change as their integers would by their own: dL/dw * s^2 of a step s.</summary>
    private static Value Unscaled(GraphBuilder builder, Value gradient, (Shape Shape, float[] Sizes) step)
    {
        float[] squares = Array.ConvertAll(step.Sizes, static size => size * size);
        return builder.Add(OpCatalog.Multiply, [gradient, builder.Constant($"{gradient.Name}/steps", TensorData.FromFloats(step.Shape, squares))]);
    }

    /// <summary>The network at the batch size; in integers already, where its gradients are those of integer operators.</summary>
    private Graph ScoresGraph(Trainee trainee, int batch)
    {
        Graph scores = Rebatch.Run(trainee.Graph, batch);
        if (trainee.Grids is null || !_options.InIntegers) return scores;
        scores = FusePad.Run(FoldConstants.Run(scores));
        return _options.Rounding == QuantizedRounding.Float ? LowerQuantized.Run(scores) : LowerQuantized.RunFixedPoint(scores);
    }

    /// <summary>The forward graph at the batch size, with the loss as its first output.</summary>
    private (Graph Graph, Value Control) WithLoss(Trainee trainee, int batch)
    {
        Graph scores = ScoresGraph(trainee, batch);
        GraphRewriter rewriter = new(scores);
        GraphBuilder builder = rewriter.Builder;
        Value targets = builder.Input("targets", scores.Outputs[0].Type);
        Value weights = builder.Input("weights", new TensorType(DType.F32, new Shape(batch)));
        Value control = _accumulate
            ? builder.Input("keep", new TensorType(DType.F32, new Shape()))
            : builder.Input("control", new TensorType(DType.F32, new Shape(UpdateOp.ControlLength)));
        List<Value> statistics = [];
        foreach (Node node in scores.Nodes)
        {
            if (node.Op is BatchNorm && node.Inputs[3].IsVariable) MakeLive(rewriter, node, statistics);
            else if (_options.Dropout > 0 && IsHead(node)) AddDropout(rewriter, node);
            else rewriter.Copy(node);
        }

        Value logits = rewriter.Map(scores.Outputs[0]);
        Node loss = builder.AddNode(OpCatalog.SoftmaxCrossEntropy, [logits, targets, weights], null, "loss");
        return (builder.Build([.. loss.Outputs, .. statistics]), control);
    }

    private bool IsHead(Node node) =>
        LinearNode.TryGet(node, out LinearNode layer) && layer.Weights.Variable is Variable weight
        && _parameters.TryGetValue(weight, out TrainedParameter? parameter) && parameter.IsHead;

    private void AddDropout(GraphRewriter rewriter, Node node)
    {
        rewriter.Enter(node);
        GraphBuilder builder = rewriter.Builder;
        Value[] operands = rewriter.MapInputs(node);
        _dropoutStep ??= builder.Input("dropoutStep", new TensorType(DType.F32, new Shape()));
        operands[0] = builder.Add(
            OpCatalog.Dropout, [operands[0], _dropoutStep], new DropoutAttributes(_options.Dropout, _options.DropoutSeed), $"{node.Name}/dropout");
        rewriter.Set(node.Output, builder.AddNode(node.Op, operands, node.Attributes, node.Name).Output);
    }

    /// <summary>Normalizes by the batch's own statistics and moves the stored ones towards them, the variance without bias (Bessel), as PyTorch does.</summary>
    private void MakeLive(GraphRewriter rewriter, Node node, List<Value> updated)
    {
        GraphBuilder builder = rewriter.Builder;
        Value[] operands = rewriter.MapInputs(node);
        Node live = builder.AddNode(
            OpCatalog.BatchNormTraining, operands.AsSpan(0, 3), new BatchNormTrainingAttributes(((BatchNormAttributes)node.Attributes).Epsilon), node.Name);
        rewriter.Set(node.Output, live.Output);
        int count = operands[0].Shape.ElementCount / operands[0].Shape[-1];
        float[] factors = [1, count > 1 ? (float)count / (count - 1) : 1];
        builder.Stage = Stage.Update;
        for (int i = 0; i < 2; i++)
        {
            Value running = operands[3 + i];
            MovingAverageAttributes attributes = new(_statisticsMomentum, factors[i]);
            updated.Add(builder.Add(OpCatalog.MovingAverage, [running, live.Outputs[1 + i]], attributes, running.Name + "/new"));
        }

        builder.Stage = Stage.Forward;
    }

    private Graph MeetGraph()
    {
        GraphBuilder builder = new() { Stage = Stage.Update };
        Value keep = builder.Input("keep", new TensorType(DType.F32, new Shape()));
        List<Value> results = [];
        foreach (Variable sum in _sums)
        {
            Variable other = new(sum.Name + ".incoming", sum.Shape, VariableKind.Gradient);
            _incoming.Add(other);
            results.Add(builder.Add(OpCatalog.Accumulate, [builder.Variable(sum), builder.Variable(other), keep], name: sum.Name + "/met"));
        }

        _variables.AddRange(_incoming);
        return builder.Build([.. results]);
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
        Value moved = builder.Add(
            OpCatalog.MovingAverage, [builder.Variable(average), update.Output], new MovingAverageAttributes(1 - decay), average.Name + "/new");
        return [.. update.Outputs, moved];
    }
}
