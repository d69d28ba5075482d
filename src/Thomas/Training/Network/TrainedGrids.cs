using System;
using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Passes;

namespace Thomas.Training;

/// <summary>
/// The layers of an 8-bit network that are trained and stay on their grids: weights on grids that follow them, biases on the grids of their sums. What is
/// trained are real numbers; each forward pass rounds them, and so does the model that is written.
/// </summary>
internal sealed class TrainedGrids
{
    private readonly Func<Value, bool> _isTrained;
    private readonly Dictionary<Node, QuantizedLayerNode> _layers = [];
    private readonly Dictionary<Value, RoundWeightsAttributes> _weights = [];
    private readonly Dictionary<string, (Shape Shape, float[] Sizes)> _steps = new(StringComparer.Ordinal);

    private TrainedGrids(Func<Value, bool> isTrained) => _isTrained = isTrained;

    /// <summary>Finds them.</summary>
    /// <param name="model">The model, for messages.</param>
    /// <param name="source">The graph that parameters were chosen from.</param>
    /// <param name="isTrained">Whether a constant of it is trained.</param>
    /// <exception cref="ThomasException">The network has no layer between grids of 8 bits.</exception>
    public static TrainedGrids Find(Model model, Graph source, Func<Value, bool> isTrained)
    {
        IReadOnlyList<QuantizedLayerNode> layers = LowerQuantized.Layers(source);
        if (layers.Count == 0)
        {
            throw new ThomasException(
                $"{model.Info.Name} has no layer between grids of 8 bits: the compression 'int8' trains 8-bit .tflite files and .onnx files in QDQ form. A "
                + "float network becomes one by 'thomas convert --int8'.");
        }

        TrainedGrids grids = new(isTrained);
        foreach (QuantizedLayerNode layer in layers) grids.Add(layer);
        return grids;
    }

    private void Add(QuantizedLayerNode layer)
    {
        Value weights = layer.Node.Inputs[1];
        Value? bias = BiasOf(layer.Node);
        bool isShared = weights.Consumers.Count > 1 || bias?.Consumers.Count > 1;
        if (isShared || !(_isTrained(weights) || (bias is not null && _isTrained(bias)))) return;
        _layers.Add(layer.Node, layer);
        Quantization grid = weights.Constant!.Quantization!;
        int[] dims = new int[weights.Shape.Rank];
        Array.Fill(dims, 1);
        if (!grid.IsPerTensor) dims[layer.Axis] = grid.Scales.Length;
        if (_isTrained(weights))
        {
            _weights.Add(weights, GridOf(weights.Constant, layer.Axis));
            _steps.Add(weights.Name, (new Shape(dims), grid.Scales.ToArray()));
        }

        if (bias is null || !_isTrained(bias)) return;
        float[] sums = grid.Scales.ToArray();
        for (int i = 0; i < sums.Length; i++) sums[i] *= layer.X.Scale;
        _steps.Add(bias.Name, (new Shape(sums.Length), sums));
    }

    /// <summary>The size of a step of a trained tensor at the start, in a shape that broadcasts to it; null for one that is on no grid.</summary>
    public (Shape Shape, float[] Sizes)? StepOf(Variable variable) => _steps.TryGetValue(variable.Name, out (Shape, float[]) step) ? step : null;

    /// <summary>Copies a layer so that it reads rounded numbers; false for nodes that are none of these layers.</summary>
    public bool TryCopy(Node node, GraphRewriter rewriter)
    {
        if (!_layers.TryGetValue(node, out QuantizedLayerNode layer)) return false;
        rewriter.Enter(node);
        GraphBuilder builder = rewriter.Builder;
        Value[] operands = rewriter.MapInputs(node);
        Value? scales = null;
        if (_weights.TryGetValue(node.Inputs[1], out RoundWeightsAttributes? grid))
        {
            Node rounded = builder.AddNode(OpCatalog.RoundWeights, [operands[1]], grid, $"{node.Inputs[1].Name}/rounded");
            (operands[1], scales) = (rounded.Output, rounded.Outputs[1]);
        }

        if (BiasOf(node) is Value bias)
        {
            scales ??= builder.Constant($"{node.Inputs[1].Name}/scales", ScalesOf(node.Inputs[1].Constant!));
            operands[2] = builder.Add(OpCatalog.RoundBias, [operands[2], scales], new RoundBiasAttributes(layer.X.Scale), $"{bias.Name}/rounded");
        }

        rewriter.Set(node.Output, builder.Add(node.Op, operands, node.Attributes, node.Name));
        return true;
    }

    /// <summary>Brings trained numbers to their grids, and biases to those of the weights beside them.</summary>
    /// <param name="tensors">What was trained; receives biases that were not.</param>
    public void Round(Dictionary<Value, TensorData> tensors)
    {
        foreach ((Node node, QuantizedLayerNode layer) in _layers)
        {
            Value weights = node.Inputs[1];
            Quantization grid = weights.Constant!.Quantization!;
            if (_weights.TryGetValue(weights, out RoundWeightsAttributes? attributes))
            {
                TensorData rounded = RoundWeights.Rounded(tensors[weights].ToFloats(), weights.Shape, attributes);
                tensors[weights] = rounded;
                grid = rounded.Quantization!;
            }

            if (BiasOf(node) is Value bias)
            {
                tensors[bias] = RoundBias.Rounded((tensors.GetValueOrDefault(bias) ?? bias.Constant!).Widened, layer.X.Scale, grid.Scales);
            }
        }
    }

    private static Value? BiasOf(Node node) => LinearNode.TryGet(node, out LinearNode layer) ? layer.Bias : null;

    private static TensorData ScalesOf(TensorData weights)
    {
        float[] scales = weights.Quantization!.Scales.ToArray();
        return TensorData.FromFloats(new Shape(scales.Length), scales);
    }

    /// <summary>The grid with the range that the file's steps have: signed ones reach -128 only where some do.</summary>
    private static RoundWeightsAttributes GridOf(TensorData weights, int axis)
    {
        TensorData steps = StoredSteps.Of(weights, axis)!;
        Quantization grid = weights.Quantization!;
        if (steps.Type.DType != DType.I8) return new RoundWeightsAttributes(grid, byte.MinValue, byte.MaxValue);
        int least = -sbyte.MaxValue;
        foreach (byte step in steps.Bytes.Span) least = Math.Min(least, (sbyte)step);
        foreach (int zero in grid.ZeroPoints) least = Math.Min(least, zero);
        return new RoundWeightsAttributes(grid, least, sbyte.MaxValue);
    }
}
