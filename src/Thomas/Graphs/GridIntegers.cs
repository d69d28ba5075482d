using System;
using System.Runtime.InteropServices;

namespace Thomas.Graphs;

/// <summary>The integers that stand for the real numbers of a constant, where it remembers a grid and every number still lies on it.</summary>
internal static class GridIntegers
{
    /// <summary>More steps than this from zero are no weight, and would leave 32 bits.</summary>
    private const double MaximumSteps = 1 << 30;

    /// <summary>
    /// Integers q with real = scale * (q - zeroPoint), bit for bit; those of the file where the constant has them. Null where some number lies off the grid, as
    /// after training.
    /// </summary>
    /// <param name="data">The constant.</param>
    /// <param name="inDouble">
    /// Whether the product counts that is rounded to float32 once, as readers of <c>.tflite</c> compute it; else steps beyond 2^24 are rounded before, as the
    /// DequantizeLinear of <c>.onnx</c> does. Below, both are the same.
    /// </param>
    public static int[]? Of(TensorData data, bool inDouble = false)
    {
        Shape shape = data.Type.Shape;
        if (data.Quantization is not Quantization grid || data.Type.DType != DType.F32) return null;
        int channels = grid.Scales.Length;
        if (channels > 1 && (grid.Axis >= shape.Rank || shape[grid.Axis] != channels)) return null;
        if (data.Steps is { } kept)
        {
            int[] widened = new int[shape.ElementCount];
            ReadOnlySpan<byte> bytes = kept.Bytes.Span;
            bool isSigned = kept.Type.DType == DType.I8;
            for (int i = 0; i < widened.Length; i++) widened[i] = isSigned ? (sbyte)bytes[i] : bytes[i];
            return widened;
        }

        ReadOnlySpan<float> reals = data.Floats;
        ReadOnlySpan<int> stored = MemoryMarshal.Cast<byte, int>(data.Integers.Span);
        if (stored.Length == reals.Length) return stored.ToArray();
        int[] integers = new int[reals.Length];
        int inner = channels == 1 ? Math.Max(1, reals.Length) : shape.Product(grid.Axis + 1, shape.Rank);
        for (int i = 0; i < integers.Length; i++)
        {
            int channel = channels == 1 ? 0 : i / inner % channels;
            float scale = grid.Scales[channel];
            double steps = Math.Round((double)reals[i] / scale);
            if (!(Math.Abs(steps) <= MaximumSteps)) return null;
            float real = inDouble ? (float)(steps * scale) : (float)steps * scale;
            if (real != reals[i]) return null;
            integers[i] = (int)steps + grid.ZeroPoints[channel];
        }

        return integers;
    }
}
