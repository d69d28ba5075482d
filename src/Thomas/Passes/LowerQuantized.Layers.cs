using System;
using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;

namespace Thomas.Passes;

/// <content>What is computed in integers.</content>
internal sealed partial class LowerQuantized
{
    /// <summary>What adds the integer form of a chain, whose steps it returns; null where there is none.</summary>
    private Func<Value>? Match(Chain chain)
    {
        Value before = chain.Rounding.Inputs[0];
        if (_grids.TryGetValue(before, out StepGrid from))
        {
            return Table(chain, before, from, "requantize", QuantizedTables.Requantize(from, chain.Grid, _rule, chain.Arithmetic), QuantizedTables.Same);
        }

        if (OnlyFor(before) is not Node last) return null;
        if (last.Op is Activate && _grids.TryGetValue(last.Inputs[0], out from))
        {
            Activation function = ((ActivateAttributes)last.Attributes).Activation;
            Func<int, int> map = QuantizedTables.Function(from, chain.Grid, function, _rule, chain.Arithmetic);
            return Inside(Table(chain, last.Inputs[0], from, $"{function.Kind}", map, QuantizedTables.Slope(function.Function)), last);
        }

        Activation activation = default;
        Node? node = last;
        if (last.Op is Activate)
        {
            activation = ((ActivateAttributes)last.Attributes).Activation;
            node = activation.Function.IsClip ? OnlyFor(last.Inputs[0]) : null;
        }

        Func<Value>? emit = node is null ? null : MatchNode(chain, node, activation);
        return node == last ? Inside(emit, last) : Inside(emit, node!, last);
    }

    private Func<Value>? MatchNode(Chain chain, Node node, Activation activation)
    {
        if (node.Op is Concat && activation == default) return MatchConcat(chain, node);
        if (node.Op is Add or Subtract or Multiply) return MatchBinary(chain, node, activation);
        if (!_grids.TryGetValue(node.Inputs[0], out StepGrid x)) return null;
        Activation own = node.Attributes switch
        {
            Conv2dAttributes a => a.Activation,
            DepthwiseConv2dAttributes a => a.Activation,
            DenseAttributes a => a.Activation,
            AveragePool2dAttributes a => a.Activation,
            _ => default,
        };

        // One of the two is none: nobody clips twice.
        if ((own != default && activation != default) || !own.Function.IsClip) return null;
        (int lower, int upper) = QuantizedRules.Bounds((own == default ? activation : own).Function, chain.Grid, _rule);
        switch (node.Op, node.Attributes)
        {
            case (Conv2d, Conv2dAttributes { HasResidual: false } a):
                return Layer(chain, node, new QuantizedConv2dAttributes(a.Window, a.Groups, a.HasBias, x, null!, chain.Grid, lower, upper, _rule), 0);
            case (DepthwiseConv2d, DepthwiseConv2dAttributes a):
                return Layer(chain, node, new QuantizedConv2dAttributes(a.Window, 1, a.HasBias, x, null!, chain.Grid, lower, upper, _rule), 3);
            case (Dense, DenseAttributes a):
                return Layer(chain, node, new QuantizedConv2dAttributes(new Window2d(1, 1), 1, a.HasBias, x, null!, chain.Grid, lower, upper, _rule), 0);
            case (AveragePool2d, AveragePool2dAttributes a):
                bool stays = x == chain.Grid && chain.Arithmetic == QuantizedArithmetic.TfLite;
                if (a.Window.Padding != default && (a.CountPadding || !stays)) return null;
                return Pool(chain, node, new QuantizedAveragePool2dAttributes(a.Window, x, chain.Grid, lower, upper, stays ? null : _rule));
            case (Reduce, ReduceAttributes { Kind: ReduceKind.Mean } a):
                return Mean(chain, node, a.Axes, new QuantizedAveragePool2dAttributes(default, x, chain.Grid, lower, upper, _rule));
            case (Softmax, SoftmaxAttributes { Logarithm: false } a) when activation == default:
                return () => _rewriter.Builder.Add(
                    OpCatalog.QuantizedSoftmax, [Steps(node.Inputs[0])], new QuantizedSoftmaxAttributes(x, chain.Grid, a.Beta), chain.Name);
            default:
                return null;
        }
    }

    /// <summary>
    /// A convolution or dense layer with weights on a grid, constant or rounded to it; <paramref name="axis"/> is the filter's axis of output channels.
    /// </summary>
    private Func<Value>? Layer(Chain chain, Node node, QuantizedConv2dAttributes attributes, int axis)
    {
        RoundWeightsAttributes? rounding = node.Inputs[1].Producer?.Attributes as RoundWeightsAttributes;
        TensorData? filter = rounding is null && node.Inputs[1].Constant is { } weights ? StoredSteps.Of(weights, axis) : null;
        Quantization? grid = filter is null ? rounding?.Grid : filter.Quantization;
        if (grid is null || (!grid.IsPerTensor && grid.Axis != axis)) return null;
        attributes = attributes with { Filter = grid, HasScales = rounding is not null };
        TensorData? bias = null;
        if (attributes.HasBias && node.Inputs[2].Producer?.Op is not RoundBias)
        {
            bias = rounding is null && node.Inputs[2].Constant is { } real ? StoredSteps.OfBias(real, attributes.X.Scale, grid) : null;
            if (bias is null) return null;
        }

        _layers.Add(new QuantizedLayerNode(node, attributes.X, axis));
        return () =>
        {
            GraphBuilder b = _rewriter.Builder;
            Value x = Steps(node.Inputs[0]);
            bool isDense = node.Op is Dense;
            if (isDense) x = b.Add(OpCatalog.Reshape, [x], new ReshapeAttributes(new IntList(0, 1, 1, x.Shape[1])), $"{chain.Name}/pixels");
            List<Value> operands = [x, filter is null ? WeightSteps(node.Inputs[1]).Output : b.Constant($"{node.Inputs[1].Name}/steps", filter)];
            Shape shape = operands[1].Shape;
            if (isDense)
            {
                Shape pointwise = new(shape[0], 1, 1, shape[1]);
                operands[1] = filter is null
                    ? b.Add(OpCatalog.Reshape, [operands[1]], ReshapeAttributes.To(pointwise), $"{operands[1].Name}/pointwise")
                    : b.Constant($"{node.Inputs[1].Name}/steps", filter.Reshaped(pointwise));
            }

            if (bias is not null) operands.Add(b.Constant($"{node.Inputs[2].Name}/steps", bias));
            else if (attributes.HasBias) operands.Add(BiasSteps(node.Inputs[2], attributes.X.Scale));
            if (filter is null) operands.Add(WeightSteps(node.Inputs[1]).Outputs[1]);
            Op op = node.Op is DepthwiseConv2d ? OpCatalog.QuantizedDepthwiseConv2d : OpCatalog.QuantizedConv2d;
            Value y = b.Add(op, operands.ToArray(), attributes, chain.Name);
            return isDense ? b.Add(OpCatalog.Reshape, [y], new ReshapeAttributes(new IntList(0, y.Shape[3])), $"{chain.Name}/row") : y;
        };
    }

    /// <summary>The steps of rounded weights and their scales.</summary>
    private Node WeightSteps(Value rounded)
    {
        if (_weights.TryGetValue(rounded, out Node? steps)) return steps;
        Node rounding = rounded.Producer!;
        RoundWeightsAttributes attributes = ((RoundWeightsAttributes)rounding.Attributes) with { AsSteps = true };
        steps = _rewriter.Builder.AddNode(OpCatalog.RoundWeights, [_rewriter.Map(rounding.Inputs[0])], attributes, $"{rounded.Name}/steps");
        _weights.Add(rounded, steps);
        return steps;
    }

    /// <summary>The steps of a rounded bias.</summary>
    private Value BiasSteps(Value rounded, float xScale)
    {
        Node rounding = rounded.Producer!;
        Value scales = rounding.Inputs[1].Producer is { Op: RoundWeights } weights ? WeightSteps(weights.Output).Outputs[1] : _rewriter.Map(rounding.Inputs[1]);
        return _rewriter.Builder.Add(
            OpCatalog.RoundBias, [_rewriter.Map(rounding.Inputs[0]), scales], new RoundBiasAttributes(xScale, AsSteps: true), $"{rounded.Name}/steps");
    }

    private Func<Value> Pool(Chain chain, Node node, QuantizedAveragePool2dAttributes attributes) => () =>
        _rewriter.Builder.Add(OpCatalog.QuantizedAveragePool2d, [Steps(node.Inputs[0])], attributes, chain.Name);

    /// <summary>A mean over axes that follow each other: a pool over an image of one column.</summary>
    private Func<Value>? Mean(Chain chain, Node node, IntList axes, QuantizedAveragePool2dAttributes attributes)
    {
        if (axes.Count == 0) return null;
        for (int i = 1; i < axes.Count; i++)
        {
            if (axes[i] != axes[i - 1] + 1) return null;
        }

        Shape x = node.Inputs[0].Shape;
        int taken = x.Product(axes[0], axes[axes.Count - 1] + 1);
        Shape image = new(x.Product(0, axes[0]), taken, 1, x.Product(axes[axes.Count - 1] + 1, x.Rank));
        return () =>
        {
            GraphBuilder b = _rewriter.Builder;
            Value column = b.Add(OpCatalog.Reshape, [Steps(node.Inputs[0])], ReshapeAttributes.To(image), $"{chain.Name}/column");
            Value y = b.Add(OpCatalog.QuantizedAveragePool2d, [column], attributes with { Window = new Window2d(taken, 1) }, $"{chain.Name}/mean");
            return b.Add(OpCatalog.Reshape, [y], ReshapeAttributes.To(node.Output.Shape), chain.Name);
        };
    }

    /// <summary>A sum, difference or product of two tensors on grids, one of which may be constant.</summary>
    private Func<Value>? MatchBinary(Chain chain, Node node, Activation activation)
    {
        if (chain.Arithmetic == QuantizedArithmetic.Onnx && !IsOnnxSum(node, activation)) return null;
        (StepGrid Grid, Func<Value> Steps)? a = Operand(node.Inputs[0]), b = Operand(node.Inputs[1]);
        if (a is not { } left || b is not { } right) return null;
        (int lower, int upper) = QuantizedRules.Bounds(activation.Function, chain.Grid, _rule);
        QuantizedBinaryAttributes attributes = new(left.Grid, right.Grid, chain.Grid, lower, upper, _rule, node.Op is Subtract, chain.Arithmetic);
        Op op = node.Op is Multiply ? OpCatalog.QuantizedMultiply : OpCatalog.QuantizedAdd;
        return () => _rewriter.Builder.Add(op, [left.Steps(), right.Steps()], attributes, chain.Name);

        (StepGrid, Func<Value>)? Operand(Value value)
        {
            if (_grids.TryGetValue(value, out StepGrid grid)) return (grid, () => Steps(value));
            if (value.Constant is not { Quantization.IsPerTensor: true } real || StoredSteps.Of(real, 0) is not { } steps) return null;
            (int low, int high) = StepGrid.Ends(steps.Type.DType);
            StepGrid constant = new(real.Quantization.Scales[0], real.Quantization.ZeroPoints[0], low, high);
            return (constant, () => _rewriter.Builder.Constant($"{value.Name}/steps", steps));
        }
    }

    /// <summary>Whether ONNX Runtime's optimizer makes a sum of 8-bit numbers of it.</summary>
    private static bool IsOnnxSum(Node node, Activation activation) => node.Op is Add && activation == default
        && node.Inputs[0].Shape == node.Inputs[1].Shape && !node.Inputs[0].IsConstant && !node.Inputs[1].IsConstant && node.Output.Shape.ElementCount > 1;

    /// <summary>Parts on grids of their own are brought to the result's before they are joined.</summary>
    private Func<Value>? MatchConcat(Chain chain, Node node)
    {
        foreach (Value part in node.Inputs)
        {
            if (!_grids.ContainsKey(part)) return null;
        }

        return () =>
        {
            Value[] parts = new Value[node.Inputs.Count];
            for (int i = 0; i < parts.Length; i++)
            {
                StepGrid from = _grids[node.Inputs[i]];
                Func<int, int> map = QuantizedTables.Join(from, chain.Grid, _rule, chain.Arithmetic);
                parts[i] = from == chain.Grid ? Steps(node.Inputs[i]) : Table(chain, node.Inputs[i], from, "requantize", map, QuantizedTables.Same)();
            }

            return _rewriter.Builder.Add(OpCatalog.Concat, parts, node.Attributes, chain.Name);
        };
    }

    private Func<Value> Table(
        Chain chain, Value x, StepGrid from, string name, Func<int, int> f, Func<float, (float Value, float Slope)> slope) => () =>
    {
        if (from == chain.Grid && name == "requantize") return Steps(x);
        LookUpAttributes attributes = LookUpAttributes.Of(from, chain.Grid, name, f).WithSlopes(from, chain.Grid, slope);
        return _rewriter.Builder.Add(OpCatalog.LookUp, [Steps(x)], attributes, chain.Name);
    };

    /// <summary>Takes nodes that the chain computes itself out of the graph.</summary>
    private Func<Value>? Inside(Func<Value>? emit, params ReadOnlySpan<Node> nodes)
    {
        if (emit is null) return null;
        foreach (Node node in nodes) _inside.Add(node);
        return emit;
    }
}
