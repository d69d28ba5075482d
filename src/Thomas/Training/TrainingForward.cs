using System.Collections.Generic;
using Thomas.Autodiff;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Passes;

namespace Thomas.Training;

/// <summary>
/// Copies a network's forward graph as training runs it: batch normalization whose statistics are variables takes the statistics of the batch and moves the stored ones,
/// and dropout stands before the last layer.
/// </summary>
internal sealed class TrainingForward
{
    /// <summary>Share of a batch's statistics in the stored ones after its step, as PyTorch's default.</summary>
    public const float StatisticsMomentum = 0.1f;

    private readonly Graph _scores;
    private readonly GraphRewriter _rewriter;
    private readonly HashSet<Variable> _heads = [];
    private readonly HashSet<Variable> _live;
    private readonly List<Value> _statistics = [];
    private readonly float _dropout;
    private readonly ulong _seed;

    /// <param name="trainee">The network.</param>
    /// <param name="scores">Its graph at the batch size.</param>
    /// <param name="dropout">Share of the last layer's inputs that become zero.</param>
    /// <param name="seed">Seed of dropout.</param>
    public TrainingForward(Trainee trainee, Graph scores, float dropout, ulong seed)
    {
        _dropout = dropout;
        _seed = seed;
        _live = [.. trainee.Statistics];
        foreach (TrainedParameter parameter in trainee.Parameters)
        {
            if (parameter is { IsHead: true, Role: ParameterRole.Weight }) _heads.Add(parameter.Variable);
        }

        _scores = scores;
        _rewriter = new GraphRewriter(scores);
    }

    /// <summary>The graph under construction.</summary>
    public GraphBuilder Builder => _rewriter.Builder;

    /// <summary>The stored statistics after the step.</summary>
    public IReadOnlyList<Value> Statistics => _statistics;

    /// <summary>The number that dropout takes its mask from, fed anew for each run; an input, there only with dropout.</summary>
    public Value? DropoutStep { get; private set; }

    /// <summary>Copies the nodes and returns the class scores. Inputs that are to come before dropout's must be there already.</summary>
    public Value Run()
    {
        foreach (Node node in _scores.Nodes) Copy(node);
        return _rewriter.Map(_scores.Outputs[0]);
    }

    private void Copy(Node node)
    {
        if (node.Op is BatchNorm && node.Inputs[3].Variable is Variable mean && _live.Contains(mean)) CopyLive(node);
        else if (_dropout > 0 && node.Op is Conv2d or DepthwiseConv2d or Dense && node.Inputs[1].Variable is Variable weight && _heads.Contains(weight)) CopyWithDropout(node);
        else _rewriter.Copy(node);
    }

    private void CopyLive(Node node)
    {
        _rewriter.Enter(node);
        Value[] inputs = _rewriter.MapInputs(node);
        Node live = Builder.AddNode(OpCatalog.BatchNormTraining, [inputs[0], inputs[1], inputs[2]], node.Attributes, node.Name);
        _rewriter.Set(node.Output, live.Output);

        // PyTorch keeps the unbiased variance.
        float count = (float)inputs[0].Shape.ElementCount / inputs[1].Shape.ElementCount;
        float unbias = count > 1 ? count / (count - 1) : 1;
        Builder.Stage = Stage.Update;
        _statistics.Add(Builder.Add(OpCatalog.MovingAverage, [inputs[3], live.Outputs[1]], new MovingAverageAttributes(StatisticsMomentum), $"{inputs[3].Name}/new"));
        _statistics.Add(Builder.Add(OpCatalog.MovingAverage, [inputs[4], live.Outputs[2]], new MovingAverageAttributes(StatisticsMomentum, unbias), $"{inputs[4].Name}/new"));
        Builder.Stage = Stage.Forward;
    }

    private void CopyWithDropout(Node node)
    {
        _rewriter.Enter(node);
        Value[] inputs = _rewriter.MapInputs(node);
        DropoutStep ??= Builder.Input("dropoutStep", new TensorType(DType.F32, new Shape()));
        inputs[0] = Builder.Add(OpCatalog.Dropout, [inputs[0], DropoutStep], new DropoutAttributes(_dropout, _seed), $"{node.Name}/dropout");
        Node copy = Builder.AddNode(node.Op, inputs, node.Attributes, node.Name);
        _rewriter.Set(node.Output, copy.Output);
    }
}
