using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using Thomas.Formats.Onnx.Proto;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;

namespace Thomas.Formats.Onnx;

/// <summary>
/// Weights that the source stored as integers are written as integers again, as long as they lie on their grid. Between QuantizeLinear and DequantizeLinear
/// ONNX Runtime takes every layer for one of integers: weights that it finds there as floats it rounds itself, with one scale for the whole tensor, which
/// ruins networks whose channels differ in size. So no pair stands behind a layer whose weights are floats.
/// </summary>
internal sealed partial class OnnxEmitter
{
    /// <summary>A bias may count in steps that differ this much from those of the sums it is added to.</summary>
    private const float StepTolerance = 1e-5f;

    /// <summary>Biases, and whether they count in steps of their layer's sums, as runtimes of integers assume without looking.</summary>
    private readonly Dictionary<Value, bool> _biases = [];

    /// <summary>Results of layers whose weights are floats, and what is computed from them up to the next rounding.</summary>
    private readonly HashSet<Value> _followsFloats = [];

    /// <summary>Goes through the graph once, before anything is written.</summary>
    private void StudyWeights(Graph graph)
    {
        Dictionary<Value, bool> known = [];
        foreach (Node node in graph.Nodes)
        {
            if (node.Op is FakeQuantize) continue;
            bool isLayer = LinearNode.TryGet(node, out LinearNode layer), follows = isLayer && !IsOnGrid(node.Inputs[1], known);
            foreach (Value input in node.Inputs) follows |= _followsFloats.Contains(input);
            if (follows) _followsFloats.Add(node.Output);
            if (layer.Bias is Value bias) _biases[bias] = _biases.GetValueOrDefault(bias, true) && CountsInSums(node);
        }
    }

    private static bool IsOnGrid(Value weights, Dictionary<Value, bool> known)
    {
        if (!known.TryGetValue(weights, out bool isOnGrid))
        {
            known[weights] = isOnGrid = weights.Constant is TensorData data && Integers(data, false, out _) is not null;
        }

        return isOnGrid;
    }

    /// <summary>Whether the bias of a layer has the scale of its input times that of its weights, for every channel.</summary>
    private static bool CountsInSums(Node layer)
    {
        if (layer.Inputs[2].Constant?.Quantization is not Quantization bias || layer.Inputs[1].Constant?.Quantization is not Quantization weights) return false;
        Value x = layer.Inputs[0];
        while (x.Producer is { Op: Reshape or Transpose or MaxPool2d or Slice } mover) x = mover.Inputs[0];
        if (x.Producer?.Attributes is not FakeQuantizeAttributes { Quantization: { IsPerTensor: true } grid }) return false;
        for (int i = 0; i < Math.Max(bias.Scales.Length, weights.Scales.Length); i++)
        {
            float wanted = grid.Scales[0] * weights.Scales[weights.IsPerTensor ? 0 : i], actual = bias.Scales[bias.IsPerTensor ? 0 : i];
            if (MathF.Abs(actual - wanted) > StepTolerance * wanted) return false;
        }

        return true;
    }

    /// <summary>
    /// Adds a constant as integers and a DequantizeLinear that makes the very same real numbers of them; null where no grid is known, or some element
    /// lies off it, as after training.
    /// </summary>
    private string? AddIntegers(Value value, string wanted, TensorData data)
    {
        bool isBias = _biases.TryGetValue(value, out bool countsInSums);
        if ((isBias && !countsInSums) || Integers(data, isBias, out int shift) is not int[] integers) return null;
        Quantization grid = data.Quantization!;
        Shape perScale = grid.IsPerTensor ? new Shape() : new Shape(grid.Scales.Length);
        DType stored = isBias ? DType.I32 : DType.U8;
        List<string> operands = [
            AddIntegerInitializer($"{wanted}/integers", stored, data.Type.Shape, integers), Floats($"{wanted}/scale", perScale, grid.Scales)];

        // Integers of 32 bits have no zero point.
        if (!isBias)
        {
            operands.Add(AddIntegerInitializer($"{wanted}/zero_point", stored, perScale, Array.ConvertAll(grid.ZeroPoints.ToArray(), zero => zero + shift)));
        }

        AttributeProto[] attributes = grid.IsPerTensor ? [] : [Int("axis", grid.Axis)];
        return Add("DequantizeLinear", operands.ToArray(), Unique(wanted), attributes);
    }

    private string AddIntegerInitializer(string wanted, DType stored, Shape shape, ReadOnlySpan<int> integers)
    {
        byte[] bytes = new byte[integers.Length * stored.SizeBytes()];
        if (stored == DType.I32) MemoryMarshal.AsBytes(integers).CopyTo(bytes);
        else
        {
            for (int i = 0; i < bytes.Length; i++) bytes[i] = unchecked((byte)integers[i]);
        }

        return AddInitializer(wanted, new TensorData(new TensorType(stored, shape), bytes));
    }

    /// <summary>
    /// The integers that stand for these real numbers exactly: of 32 bits for a bias, else 0 to 255; null where there are none. Signed ones are shifted: on
    /// processors with AVX2 and without VNNI, ONNX Runtime's products of unsigned images and signed weights saturate at 16 bits, those of two unsigned
    /// factors do not.
    /// </summary>
    private static int[]? Integers(TensorData data, bool isBias, out int shift)
    {
        shift = 0;
        if (GridIntegers.Of(data) is not int[] integers) return null;
        int low = 0, high = 0;
        bool centered = true;
        foreach (int zero in data.Quantization!.ZeroPoints)
        {
            centered &= zero == 0;
            low = Math.Min(low, zero);
            high = Math.Max(high, zero);
        }

        foreach (int integer in integers)
        {
            low = Math.Min(low, integer);
            high = Math.Max(high, integer);
        }

        if (isBias) return centered ? integers : null;
        if (low < 0) shift = 128;
        if (low < sbyte.MinValue || high > byte.MaxValue - shift) return null;
        foreach (ref int integer in integers.AsSpan()) integer += shift;
        return integers;
    }

    /// <summary>
    /// Whether a clipping changes nothing, since the grid that its result is rounded to ends at its bounds or within. ONNX Runtime takes a layer for one of
    /// integers only where its rounding follows at once.
    /// </summary>
    private bool IsDoneByGrid(Value result, Activation activation)
    {
        (float low, float high) = activation == Activation.Relu ? (0, float.PositiveInfinity) : activation == Activation.Relu6 ? (0, 6)
            : activation.Kind == ActivationKind.Clip ? (activation.A, activation.B) : (float.NaN, float.NaN);
        if (_outputs.Contains(result) || result.Consumers is not [{ Attributes: FakeQuantizeAttributes a }] || !a.Quantization.IsPerTensor) return false;
        Quantization grid = a.Quantization;
        float scale = grid.Scales[0], zero = grid.ZeroPoints[0];
        return (long)a.Maximum - a.Minimum == byte.MaxValue && MathF.Round(low / scale) + zero <= a.Minimum && MathF.Round(high / scale) + zero >= a.Maximum;
    }
}
