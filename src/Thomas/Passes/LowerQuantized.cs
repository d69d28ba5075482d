using System;
using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Kernels.Quantized;
using Thomas.Ops;

namespace Thomas.Passes;

/// <summary>A layer with weights that is computed in integers.</summary>
/// <param name="Node">The layer.</param>
/// <param name="X">The grid of its input.</param>
/// <param name="Axis">The axis of its weights along which scales may run.</param>
internal readonly record struct QuantizedLayerNode(Node Node, StepGrid X, int Axis);

/// <summary>
/// Computes in integers what a file of 8 bits means so: from grid to grid, a layer with its activation and the rounding behind it becomes one operator on 8-bit
/// tensors. What has no such operator stays in float32 between <see cref="Dequantize"/> and <see cref="Quantize"/>, and so does all that reads trained numbers,
/// unless these are rounded to grids by <see cref="RoundWeights"/> and <see cref="RoundBias"/>.
/// </summary>
/// <remarks>
/// A value that lies on a grid has two forms, real numbers and steps. Each is made where it is first asked for, so a conversion stands only where an integer
/// operator meets another one.
/// </remarks>
internal sealed partial class LowerQuantized
{
    private readonly Graph _graph;
    private readonly RequantizationRule _rule;
    private readonly GraphRewriter _rewriter;
    private readonly Dictionary<Value, StepGrid> _grids = [];
    private readonly Dictionary<Node, Func<Value>> _lowered = [];
    private readonly HashSet<Node> _inside = [];
    private readonly Dictionary<Value, Value> _reals = [];
    private readonly Dictionary<Value, Value> _steps = [];
    private readonly Dictionary<Value, Node> _weights = [];
    private readonly List<QuantizedLayerNode> _layers = [];

    private LowerQuantized(Graph graph, RequantizationRule rule)
    {
        _graph = graph;
        _rule = rule;
        _rewriter = new GraphRewriter(graph);
    }

    /// <summary>Rounds sums as applications of TensorFlow Lite and ONNX Runtime do.</summary>
    public static Graph Run(Graph graph) => new LowerQuantized(graph, RequantizationRule.Float).Rewrite();

    /// <summary>Rounds sums as TensorFlow Lite's built-in kernels do.</summary>
    public static Graph RunFixedPoint(Graph graph) => new LowerQuantized(graph, RequantizationRule.FixedPoint).Rewrite();

    /// <summary>The layers with weights that are computed in integers, in the order of the graph.</summary>
    public static IReadOnlyList<QuantizedLayerNode> Layers(Graph graph)
    {
        LowerQuantized lower = new(graph, RequantizationRule.Float);
        lower.FindChains();
        return lower._layers;
    }

    private void FindChains()
    {
        foreach (Node node in _graph.Nodes)
        {
            if (node.Op is FakeQuantize) Visit(node);
            else if (KeptGrid(node) is { } kept) _grids.Add(node.Output, kept);
        }
    }

    private Graph Rewrite()
    {
        FindChains();
        if (_lowered.Count == 0) return _graph;
        foreach (Node node in _graph.Nodes)
        {
            if (_inside.Contains(node)) continue;
            if (_lowered.TryGetValue(node, out Func<Value>? emit))
            {
                _rewriter.Enter(node);
                _steps.Add(node.Output, emit());
            }
            else if (!_grids.ContainsKey(node.Output))
            {
                CopyReal(node);
            }
        }

        foreach (Value output in _graph.Outputs) _rewriter.Set(output, Real(output));
        return EliminateDeadNodes.Run(_rewriter.Build());
    }

    /// <summary>Notes the grid of a rounding, and how it is computed in integers where it can be.</summary>
    private void Visit(Node rounding)
    {
        FakeQuantizeAttributes attributes = (FakeQuantizeAttributes)rounding.Attributes;
        if (StepGrid.Of(attributes) is not { } grid) return;
        Func<Value>? emit = Match(new Chain(rounding, grid, attributes.Arithmetic));
        _grids.Add(rounding.Output, grid);
        if (emit is not null) _lowered.Add(rounding, emit);
    }

    /// <summary>The grid on which an operator leaves numbers that it only moves or picks; null for others.</summary>
    private StepGrid? KeptGrid(Node node)
    {
        bool keeps = node.Op is Reshape or Transpose or MaxPool2d or Slice or Concat || (node.Op is Pad && ((PadAttributes)node.Attributes).Value == 0);
        if (!keeps || !_grids.TryGetValue(node.Inputs[0], out StepGrid grid)) return null;
        for (int i = 1; i < node.Inputs.Count; i++)
        {
            if (!_grids.TryGetValue(node.Inputs[i], out StepGrid other) || other != grid) return null;
        }

        return grid;
    }

    /// <summary>The value as real numbers.</summary>
    private Value Real(Value old)
    {
        if (_reals.TryGetValue(old, out Value? real)) return real;
        if (old.Producer is not Node node) real = _rewriter.Map(old);
        else if (IsInteger(old))
        {
            DequantizeAttributes from = new(_grids[old]);
            real = Emit(node, () => _rewriter.Builder.Add(OpCatalog.Dequantize, [Steps(old)], from, node.Name));
        }
        else
        {
            CopyReal(node);
            return _reals[old];
        }

        _reals.Add(old, real);
        return real;
    }

    /// <summary>The value as steps of its grid.</summary>
    private Value Steps(Value old)
    {
        if (_steps.TryGetValue(old, out Value? steps)) return steps;
        Node node = old.Producer!;
        StepGrid grid = _grids[old];
        steps = Emit(node, () =>
        {
            string name = $"{node.Name}/steps";
            if (node.Attributes is FakeQuantizeAttributes rounding)
            {
                QuantizeAttributes to = new(grid, QuantizedRules.QuantizationOf(_rule, rounding.Arithmetic));
                return _rewriter.Builder.Add(OpCatalog.Quantize, [Real(node.Inputs[0])], to, name);
            }

            Value[] operands = new Value[node.Inputs.Count];
            for (int i = 0; i < operands.Length; i++) operands[i] = Steps(node.Inputs[i]);
            OpAttributes attributes = node.Attributes is PadAttributes pad ? pad with { Value = grid.ZeroPoint } : node.Attributes;
            return _rewriter.Builder.Add(node.Op, operands, attributes, name);
        });
        _steps.Add(old, steps);
        return steps;
    }

    /// <summary>Whether steps are what is computed, so that real numbers follow from them.</summary>
    private bool IsInteger(Value value)
    {
        if (value.Producer is not Node node || !_grids.ContainsKey(value)) return false;
        return node.Op is FakeQuantize ? _lowered.ContainsKey(node) || _steps.ContainsKey(value) : IsInteger(node.Inputs[0]);
    }

    private void CopyReal(Node node)
    {
        foreach (Value input in node.Inputs) _rewriter.Set(input, Real(input));
        Node copy = _rewriter.Copy(node);
        for (int i = 0; i < node.Outputs.Count; i++) _reals.Add(node.Outputs[i], copy.Outputs[i]);
    }

    /// <summary>Adds what belongs to a node before the one that is being rewritten.</summary>
    private Value Emit(Node node, Func<Value> add)
    {
        (Stage stage, int place, ulong halves) = (_rewriter.Builder.Stage, _rewriter.Builder.Place, _rewriter.Builder.Halves);
        _rewriter.Enter(node);
        Value value = add();
        (_rewriter.Builder.Stage, _rewriter.Builder.Place, _rewriter.Builder.Halves) = (stage, place, halves);
        return value;
    }

    /// <summary>The producer of a value that nothing else reads; null where something does.</summary>
    private Node? OnlyFor(Value value) => value.Consumers.Count == 1 && !_graph.IsOutput(value) && value.Producer is { Outputs.Count: 1 } node ? node : null;

    /// <summary>A rounding that ends a chain.</summary>
    private readonly record struct Chain(Node Rounding, StepGrid Grid, QuantizedArithmetic Arithmetic)
    {
        public string Name => $"{Rounding.Name}/steps";
    }
}
