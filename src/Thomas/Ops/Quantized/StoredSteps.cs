using System;
using System.Runtime.InteropServices;
using Thomas.Graphs;

namespace Thomas.Ops;

/// <summary>The integers that a file stored for a constant whose real numbers a model holds.</summary>
internal static class StoredSteps
{
    /// <summary>The weights as steps of their grid, in 8 bits; null where they do not all lie on it.</summary>
    /// <param name="data">Real numbers.</param>
    /// <param name="axis">The axis along which scales may run.</param>
    public static TensorData? Of(TensorData data, int axis)
    {
        if (data.Type.DType != DType.F32 || data.Quantization is not { } grid) return null;
        Shape shape = data.Type.Shape;
        if (!grid.IsPerTensor && (grid.Axis != axis || grid.Scales.Length != shape[axis])) return null;
        ReadOnlySpan<float> real = data.Floats, scales = grid.Scales;
        ReadOnlySpan<int> zeros = grid.ZeroPoints;
        int inner = grid.IsPerTensor ? real.Length : shape.Product(axis + 1, shape.Rank), smallest = 0, largest = 0;
        foreach (int zero in zeros) (smallest, largest) = (Math.Min(smallest, zero), Math.Max(largest, zero));
        byte[] steps = new byte[real.Length];
        for (int start = 0; start < real.Length; start += inner)
        {
            int channel = start / inner % scales.Length, zero = zeros[channel];
            float scale = scales[channel];
            for (int i = start; i < start + inner; i++)
            {
                float step = MathF.Round(real[i] / scale);
                if (step * scale != real[i] || !(Math.Abs(step) <= byte.MaxValue)) return null;
                int q = (int)step + zero;
                (smallest, largest) = (Math.Min(smallest, q), Math.Max(largest, q));
                steps[i] = (byte)q;
            }
        }

        DType? type = smallest >= sbyte.MinValue && largest <= sbyte.MaxValue ? DType.I8 : smallest >= 0 && largest <= byte.MaxValue ? DType.U8 : null;
        return type is { } found ? new TensorData(new TensorType(found, shape), steps, grid) : null;
    }

    /// <summary>A bias in steps of (scale of x) * (scale of the filter), in 32 bits; null where it does not lie on that grid.</summary>
    /// <param name="data">Real numbers, one per output channel.</param>
    /// <param name="xScale">The scale of x.</param>
    /// <param name="filter">The grid of the filter.</param>
    public static TensorData? OfBias(TensorData data, float xScale, Quantization filter)
    {
        if (data.Type.DType != DType.F32) return null;
        ReadOnlySpan<float> real = data.Floats;
        Quantization? own = data.Quantization;
        int[] steps = new int[real.Length];
        ReadOnlySpan<int> stored = MemoryMarshal.Cast<byte, int>(data.Integers.Span);
        for (int i = 0; i < steps.Length; i++)
        {
            if (own is not null && stored.Length == steps.Length)
            {
                steps[i] = stored[i] - own.ZeroPoints[own.IsPerTensor ? 0 : i];
                continue;
            }

            float scale = own is not null ? own.Scales[own.IsPerTensor ? 0 : i] : xScale * filter.Scales[filter.IsPerTensor ? 0 : i];
            double step = Math.Round((double)real[i] / scale);
            if (!(Math.Abs(step) <= int.MaxValue) || (float)step * scale != real[i]) return null;
            steps[i] = (int)step;
        }

        return new TensorData(new TensorType(DType.I32, data.Type.Shape), MemoryMarshal.AsBytes(steps.AsSpan()).ToArray());
    }
}
