using System;
using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;

namespace Thomas.Formats.TfLite.Writing;

/// <summary>
/// Which nodes of a graph that rounds to 8-bit grids become operators of integers: those whose operands lie on grids and whose result is rounded to one before
/// anybody else reads it, and those that only move numbers of a grid. All others compute in float32, between DEQUANTIZE and QUANTIZE.
/// </summary>
internal sealed class IntegerPlan
{
    /// <summary>A bias may count in steps that differ this much from those of the sums that it is added to; runtimes allow about as much.</summary>
    private const float StepTolerance = 1e-5f;

    /// <summary>Axes that the runtimes' kernels stretch operands of integers along.</summary>
    private const int MaxBroadcastRank = 4;

    private readonly Graph _graph;
    private readonly Dictionary<Value, FakeQuantizeAttributes> _grids = [];
    private readonly Dictionary<Node, (Node Node, Activation Activation)> _computed = [];
    private readonly HashSet<Node> _deferred = [];
    private readonly HashSet<Node> _kept = [];

    private IntegerPlan(Graph graph) => _graph = graph;

    /// <summary>Goes through a graph.</summary>
    public static IntegerPlan Of(Graph graph)
    {
        IntegerPlan plan = new(graph);
        foreach (Node node in graph.Nodes) plan.Study(node);
        return plan;
    }

    /// <summary>Whether anything is computed in integers.</summary>
    public bool IsEmpty => _computed.Count == 0;

    /// <summary>The nodes with weights that compute in float32 although they stand in the graph of an 8-bit network.</summary>
    public List<Node> FloatLayers()
    {
        List<Node> layers = [];
        foreach (Node node in _graph.Nodes)
        {
            if (LinearNode.HasConstantWeights(node) && !_deferred.Contains(node)) layers.Add(node);
        }

        return layers;
    }

    /// <summary>The grid that a value lies on as integers; null where it is of real numbers only.</summary>
    public FakeQuantizeAttributes? GridOf(Value value) => _grids.GetValueOrDefault(value);

    /// <summary>Whether the node is written where its result is rounded.</summary>
    public bool IsDeferred(Node node) => _deferred.Contains(node);

    /// <summary>Whether the node moves integers.</summary>
    public bool Moves(Node node) => _kept.Contains(node);

    /// <summary>The node that computes what a rounding rounds, and the activation between the two; null where that is computed in float32.</summary>
    public (Node Node, Activation Activation)? ComputedBy(Node rounding) => _computed.TryGetValue(rounding, out (Node, Activation) found) ? found : null;

    private void Study(Node node)
    {
        if (node.Op is FakeQuantize)
        {
            FakeQuantizeAttributes grid = (FakeQuantizeAttributes)node.Attributes;
            if (!IsByte(grid)) return;
            _grids[node.Output] = grid;
            if (Source(node) is not (Node source, Activation activation, var between) || !CanCompute(source, activation, grid)) return;
            _computed[node] = (source, activation);
            _deferred.Add(source);
            if (between is not null) _deferred.Add(between);
        }
        else if (CommonGrid(node) is FakeQuantizeAttributes grid && OnlyMoves(node))
        {
            _grids[node.Output] = grid;
            _kept.Add(node);
        }
    }

    /// <summary>Whether a grid is one of int8 or uint8 numbers.</summary>
    public static bool IsByte(FakeQuantizeAttributes grid) =>
        grid.Quantization.IsPerTensor && (grid.Minimum, grid.Maximum) is (sbyte.MinValue, sbyte.MaxValue) or (byte.MinValue, byte.MaxValue)
        && grid.Quantization.ZeroPoints[0] >= grid.Minimum && grid.Quantization.ZeroPoints[0] <= grid.Maximum;

    /// <summary>The node whose result only this rounding reads, perhaps through an activation that operators can apply themselves.</summary>
    private (Node Source, Activation Activation, Node? Between)? Source(Node rounding)
    {
        if (OnlyProducer(rounding.Inputs[0]) is not Node last) return null;
        if (last.Op is Activate && ((ActivateAttributes)last.Attributes).Activation is var activation && CanFuse(activation)
            && OnlyProducer(last.Inputs[0]) is Node { Op: Conv2d or DepthwiseConv2d or Dense or Add or Subtract or Multiply } before
            && ActivationOf(before) == Activation.None) return (before, activation, last);
        return (last, ActivationOf(last), null);
    }

    private Node? OnlyProducer(Value value) => value.Consumers.Count == 1 && !_graph.IsOutput(value) ? value.Producer : null;

    private static Activation ActivationOf(Node node) => LinearNode.TryGet(node, out LinearNode linear) ? linear.Activation
        : node.Attributes is AveragePool2dAttributes pool ? pool.Activation : Activation.None;

    private static bool CanFuse(Activation activation) =>
        activation == Activation.None || TfLiteActivations.ToFused(activation) != Schema.FusedActivation.NONE;

    private bool CanCompute(Node node, Activation activation, FakeQuantizeAttributes grid)
    {
        if (!CanFuse(activation)) return false;
        switch (node.Op)
        {
            case Conv2d when !((Conv2dAttributes)node.Attributes).HasResidual:
                return CanComputeLayer(node, 0, grid);
            case DepthwiseConv2d:
                return CanComputeLayer(node, 3, grid);
            case Dense:
                return CanComputeLayer(node, 0, grid);
            case Add or Subtract or Multiply:
                bool stretches = node.Inputs[0].Shape != node.Inputs[1].Shape;
                return (!stretches || node.Output.Shape.Rank <= MaxBroadcastRank) && IsOperand(node.Inputs[0], grid) && IsOperand(node.Inputs[1], grid);
            case MatMul:
                return node.Output.Shape.Rank <= MaxBroadcastRank && SharesType(node, grid);
            case AveragePool2d:
                return CommonGrid(node) is FakeQuantizeAttributes same && SameGrid(same, grid) && IsPlainPool((AveragePool2dAttributes)node.Attributes, node);
            case Reduce:
                ReduceAttributes reduce = (ReduceAttributes)node.Attributes;
                return reduce.Axes.Count > 0 && reduce.Kind is ReduceKind.Mean or ReduceKind.Sum && SharesType(node, grid);
            case Softmax:
                SoftmaxAttributes softmax = (SoftmaxAttributes)node.Attributes;
                return SharesType(node, grid) && (softmax.Logarithm ? softmax.Beta == 1 && IsGrid(grid, 16f / 256, 255) : IsGrid(grid, 1f / 256, 0));
            case Activate:
                Activation function = ((ActivateAttributes)node.Attributes).Activation;
                return SharesType(node, grid) && TfLiteActivations.ComputesIntegers(function, grid);
            default:
                return false;
        }
    }

    /// <summary>Operands on a grid of the same type as the result's.</summary>
    private bool SharesType(Node node, FakeQuantizeAttributes grid)
    {
        foreach (Value input in node.Inputs)
        {
            if (GridOf(input) is not FakeQuantizeAttributes own || own.Minimum != grid.Minimum) return false;
        }

        return true;
    }

    private bool IsOperand(Value value, FakeQuantizeAttributes grid) => value.Constant is TensorData data
        ? data.Quantization is { IsPerTensor: true } && Bytes(data, grid.Minimum) is not null
        : GridOf(value) is FakeQuantizeAttributes own && own.Minimum == grid.Minimum;

    /// <summary>A layer of integers: weights of the type of its images, a bias that counts in steps of the sums.</summary>
    private bool CanComputeLayer(Node node, int channelAxis, FakeQuantizeAttributes grid)
    {
        if (!LinearNode.TryGet(node, out LinearNode layer) || GridOf(node.Inputs[0]) is not FakeQuantizeAttributes input) return false;
        if (input.Minimum != grid.Minimum || layer.Weights.Constant is not { Quantization: Quantization weights } data) return false;
        bool isSigned = grid.Minimum < 0;
        if (Bytes(data, grid.Minimum) is null || !weights.IsPerTensor && (weights.Axis != channelAxis || !isSigned)) return false;
        if (isSigned && weights.ZeroPoints.ContainsAnyExcept(0)) return false;
        return layer.Bias is null || BiasSteps(layer.Bias, input, weights) is not null;
    }

    /// <summary>The bias as integers in steps of the sums of a layer; null where it lies between them.</summary>
    public static int[]? BiasSteps(Value bias, FakeQuantizeAttributes input, Quantization weights)
    {
        if (bias.Constant is not { Quantization: Quantization steps } data || steps.ZeroPoints.ContainsAnyExcept(0)) return null;
        for (int i = 0; i < Math.Max(steps.Scales.Length, weights.Scales.Length); i++)
        {
            float wanted = input.Quantization.Scales[0] * weights.Scales[weights.IsPerTensor ? 0 : i], actual = steps.Scales[steps.IsPerTensor ? 0 : i];
            if (MathF.Abs(actual - wanted) > StepTolerance * wanted) return null;
        }

        return GridIntegers.Of(data, inDouble: true);
    }

    /// <summary>The steps of a bias of zeros.</summary>
    public static Quantization SumSteps(FakeQuantizeAttributes input, Quantization weights)
    {
        float[] scales = new float[weights.Scales.Length];
        for (int i = 0; i < scales.Length; i++) scales[i] = Math.Max(input.Quantization.Scales[0] * weights.Scales[i], float.Epsilon);
        return new Quantization(scales, new int[scales.Length]);
    }

    /// <summary>A constant as numbers of the type that begins at <paramref name="minimum"/>; null where it does not fit.</summary>
    public static byte[]? Bytes(TensorData data, int minimum)
    {
        if (GridIntegers.Of(data, inDouble: true) is not int[] integers) return null;
        byte[] bytes = new byte[integers.Length];
        for (int i = 0; i < bytes.Length; i++)
        {
            if (integers[i] < minimum || integers[i] > minimum + byte.MaxValue) return null;
            bytes[i] = unchecked((byte)integers[i]);
        }

        foreach (int zero in data.Quantization!.ZeroPoints)
        {
            if (zero < minimum || zero > minimum + byte.MaxValue) return null;
        }

        return bytes;
    }

    private static bool IsPlainPool(AveragePool2dAttributes a, Node node) =>
        a.Window is { DilationH: 1, DilationW: 1 } window
        && (window.Padding == Padding2d.None || a.CountPadding || GraphEmitter.IsSame(node.Inputs[0].Shape, window));

    private static bool OnlyMoves(Node node) => node.Op switch
    {
        Reshape or Transpose or Slice or Concat => true,
        MaxPool2d => ((MaxPool2dAttributes)node.Attributes).Window is { DilationH: 1, DilationW: 1 },
        Pad => ((PadAttributes)node.Attributes).Value == 0,
        _ => false,
    };

    /// <summary>The grid that all operands share; null where they share none.</summary>
    private FakeQuantizeAttributes? CommonGrid(Node node)
    {
        FakeQuantizeAttributes? common = null;
        foreach (Value input in node.Inputs)
        {
            if (GridOf(input) is not FakeQuantizeAttributes grid || (common is not null && !SameGrid(common, grid))) return null;
            common = grid;
        }

        return common;
    }

    /// <summary>Whether two grids are the same numbers under the same integers.</summary>
    public static bool SameGrid(FakeQuantizeAttributes a, FakeQuantizeAttributes b) =>
        a.Minimum == b.Minimum && a.Quantization.Scales[0] == b.Quantization.Scales[0] && a.Quantization.ZeroPoints[0] == b.Quantization.ZeroPoints[0];

    /// <summary>Whether a grid is the one that a kernel insists on: the scale, and zero so many steps above the smallest number.</summary>
    public static bool IsGrid(FakeQuantizeAttributes grid, float scale, int zeroAbove) =>
        grid.Quantization.Scales[0] == scale && grid.Quantization.ZeroPoints[0] - grid.Minimum == zeroAbove;
}
