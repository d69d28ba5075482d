using System;
using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;

namespace Thomas.Quantizing;

/// <summary>
/// Where a network in <see cref="IntegerForm"/> is rounded: at its input and after each operator that runtimes compute in 8-bit integers, where the file has
/// tensors. Operators that only move numbers keep their operand's grid, and so do pools and concatenations, so all these values share one.
/// </summary>
internal sealed class GridPlan
{
    private readonly Graph _graph;
    private readonly HashSet<Value> _onGrid = [];
    private readonly HashSet<Value> _inside = [];
    private readonly int[] _parents;
    private readonly Dictionary<int, FakeQuantizeAttributes> _fixed = [];

    /// <summary>Studies a graph.</summary>
    public GridPlan(Graph graph)
    {
        _graph = graph;
        _parents = new int[graph.Values.Count];
        for (int i = 0; i < _parents.Length; i++) _parents[i] = i;
        FindGrids();
        Unite();
    }

    /// <summary>Whether the value lies on a grid.</summary>
    public bool IsOnGrid(Value value) => _onGrid.Contains(value);

    /// <summary>Whether a rounding must follow the value: it is on a grid, and what computes it leaves the grids of its operands.</summary>
    public bool IsRounded(Value value) =>
        _onGrid.Contains(value) && value.Producer?.Op is not FakeQuantize && (value.Producer is null || !OnlyMoves(value.Producer));

    /// <summary>The values that share a grid have one group.</summary>
    public int GroupOf(Value value)
    {
        int root = value.Id;
        while (_parents[root] != root) root = _parents[root];
        return root;
    }

    /// <summary>The grid that kernels or the file insist on; null where the range of the numbers decides.</summary>
    public FakeQuantizeAttributes? FixedOf(Value value) => _fixed.GetValueOrDefault(GroupOf(value));

    /// <summary>Whether an operator has kernels of 8-bit integers in the runtimes that files are written for.</summary>
    public static bool IsCapable(Node node) => node.Op switch
    {
        Conv2d or DepthwiseConv2d or Dense => HasConstantWeights(node),
        Add or Subtract or Multiply => IsFiniteOperand(node.Inputs[0]) && IsFiniteOperand(node.Inputs[1])
            && !(node.Inputs[0].IsConstant && node.Inputs[1].IsConstant)
            && (node.Inputs[0].Shape == node.Inputs[1].Shape || node.Output.Shape.Rank <= 4),
        MatMul => node.Output.Shape.Rank <= 4 && !node.Inputs[0].IsConstant && !node.Inputs[1].IsConstant,
        AveragePool2d => IsPlain((AveragePool2dAttributes)node.Attributes, node),
        Reduce => ((ReduceAttributes)node.Attributes) is { Axes.Count: > 0, Kind: ReduceKind.Mean or ReduceKind.Sum },
        Softmax => ((SoftmaxAttributes)node.Attributes) is { Logarithm: false } or { Beta: 1 },
        Activate => IsCapable(((ActivateAttributes)node.Attributes).Activation),
        _ => OnlyMoves(node),
    };

    /// <summary>Whether an operator only moves numbers, or picks among them.</summary>
    public static bool OnlyMoves(Node node) => node.Op switch
    {
        Reshape or Transpose or Slice => true,
        Concat => HasNoConstant(node),
        MaxPool2d => ((MaxPool2dAttributes)node.Attributes).Window is { DilationH: 1, DilationW: 1 },
        Pad => ((PadAttributes)node.Attributes).Value == 0,
        _ => false,
    };

    private static bool IsCapable(Activation activation) =>
        IntegerForm.CanFuse(activation) || activation.Kind is ActivationKind.Sigmoid or ActivationKind.Tanh or ActivationKind.HardSwish
        || (activation.Kind == ActivationKind.LeakyRelu && activation.A >= 0);

    private static bool HasConstantWeights(Node node) =>
        LinearNode.TryGet(node, out LinearNode layer) && !layer.HasResidual && layer.Weights.IsConstant && (layer.Bias is null || layer.Bias.IsConstant)
        && (layer.Activation == Activation.None || IntegerForm.CanFuse(layer.Activation));

    private static bool HasNoConstant(Node node)
    {
        foreach (Value input in node.Inputs)
        {
            if (input.IsConstant) return false;
        }

        return true;
    }

    private static bool IsFiniteOperand(Value value)
    {
        if (value.Constant is not TensorData data) return value.Type.DType == DType.F32;
        foreach (float number in data.Widened)
        {
            if (!float.IsFinite(number)) return false;
        }

        return true;
    }

    private static bool IsPlain(AveragePool2dAttributes a, Node node)
    {
        Window2d window = a.Window;
        Shape x = node.Inputs[0].Shape;
        return window is { DilationH: 1, DilationW: 1 } && (a.Activation == Activation.None || IntegerForm.CanFuse(a.Activation))
            && (window.Padding == Padding2d.None || a.CountPadding
                || window.Padding == Window2d.Same(x[1], x[2], window.ExtentH, window.ExtentW, window.StrideH, window.StrideW));
    }

    /// <summary>The activation that the operator before it applies; null where it stands for itself.</summary>
    private Node? FusedInto(Node node)
    {
        if (node.Op is not Activate || !IntegerForm.CanFuse(((ActivateAttributes)node.Attributes).Activation)) return null;
        return node.Inputs[0] is { Producer: { Op: Add or Subtract or Multiply } before, Consumers.Count: 1 } value && !_graph.IsOutput(value)
            && IsCapable(before) ? before : null;
    }

    private void FindGrids()
    {
        foreach (Node node in _graph.Nodes)
        {
            if (node.Op is FakeQuantize)
            {
                // What the file rounds already keeps its grid, and what only this reads needs none of its own.
                _onGrid.Add(node.Output);
                if (node.Inputs[0].Consumers.Count == 1 && !_graph.IsOutput(node.Inputs[0])) _inside.Add(node.Inputs[0]);
            }

            if (OnlyMoves(node) || !IsCapable(node)) continue;
            if (FusedInto(node) is not null) _inside.Add(node.Inputs[0]);
            foreach (Value input in node.Inputs)
            {
                if (!input.IsConstant) _onGrid.Add(input);
            }

            _onGrid.Add(node.Output);
        }

        // What is moved to an operator of integers is rounded before it is moved; what is moved from one stays on the grid.
        for (int i = _graph.Nodes.Count - 1; i >= 0; i--)
        {
            Node node = _graph.Nodes[i];
            if (!OnlyMoves(node) || !_onGrid.Contains(node.Output)) continue;
            foreach (Value input in node.Inputs) _onGrid.Add(input);
        }

        foreach (Node node in _graph.Nodes)
        {
            bool all = OnlyMoves(node);
            foreach (Value input in node.Inputs) all &= _onGrid.Contains(input);
            if (all) _onGrid.Add(node.Output);
        }

        _onGrid.ExceptWith(_inside);
    }

    private void Unite()
    {
        foreach (Node node in _graph.Nodes)
        {
            if (!_onGrid.Contains(node.Output)) continue;
            if (OwnGrid(node) is FakeQuantizeAttributes grid) _fixed[GroupOf(node.Output)] = grid;
            if (!OnlyMoves(node) && node.Op is not AveragePool2d) continue;
            foreach (Value input in node.Inputs)
            {
                // What comes to a concatenation on a grid that it cannot leave is rounded once more, unless all of it comes on that grid.
                if (node.Op is Concat && FixedOf(input) is not null && !IsOnOneGrid(node)) continue;
                int from = GroupOf(input), to = GroupOf(node.Output);
                if (from == to) continue;
                _parents[to] = from;
                if (_fixed.Remove(to, out FakeQuantizeAttributes? moved)) _fixed[from] = moved;
            }
        }
    }

    /// <summary>Whether all operands come on one grid, as in a network that has its grids already.</summary>
    private bool IsOnOneGrid(Node node)
    {
        FakeQuantizeAttributes? first = FixedOf(node.Inputs[0]);
        foreach (Value input in node.Inputs)
        {
            if (first is null || FixedOf(input) is not FakeQuantizeAttributes own || own.Minimum != first.Minimum) return false;
            Quantization a = first.Quantization, b = own.Quantization;
            if (!a.Scales.SequenceEqual(b.Scales) || !a.ZeroPoints.SequenceEqual(b.ZeroPoints)) return false;
        }

        return true;
    }

    private static FakeQuantizeAttributes? OwnGrid(Node node)
    {
        if (node.Op is FakeQuantize) return (FakeQuantizeAttributes)node.Attributes;
        if (node.Attributes is SoftmaxAttributes softmax) return softmax.Logarithm ? Grid(16f / 256, 127) : Grid(1f / 256, -128);
        return node.Attributes is not ActivateAttributes { Activation.Kind: var kind } ? null
            : kind == ActivationKind.Sigmoid ? Grid(1f / 256, -128)
            : kind == ActivationKind.Tanh ? Grid(1f / 128, 0) : null;
    }

    /// <summary>A grid of int8 numbers.</summary>
    public static FakeQuantizeAttributes Grid(float scale, int zeroPoint) => new(new Quantization([scale], [zeroPoint]), sbyte.MinValue, sbyte.MaxValue);
}
