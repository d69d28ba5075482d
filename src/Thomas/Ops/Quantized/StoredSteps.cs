using System;
using System.Runtime.InteropServices;
using Thomas.Graphs;

namespace Thomas.Ops;

/// <summary>Constants on grids as operands of operators on 8-bit tensors.</summary>
internal static class StoredSteps
{
    /// <summary>The weights as steps of their grid, in 8 bits; null where they do not all lie on it.</summary>
    /// <param name="data">Real numbers.</param>
    /// <param name="axis">The axis along which scales may run.</param>
    public static TensorData? Of(TensorData data, int axis)
    {
        if (data.Quantization is not { } grid || (!grid.IsPerTensor && grid.Axis != axis)) return null;
        if (data.Steps is { } kept) return kept;
        if (GridIntegers.Of(data) is not int[] integers) return null;
        int smallest = 0, largest = 0;
        foreach (int zero in grid.ZeroPoints) (smallest, largest) = (Math.Min(smallest, zero), Math.Max(largest, zero));
        byte[] steps = new byte[integers.Length];
        for (int i = 0; i < steps.Length; i++)
        {
            (smallest, largest) = (Math.Min(smallest, integers[i]), Math.Max(largest, integers[i]));
            steps[i] = (byte)integers[i];
        }

        DType? type = smallest >= sbyte.MinValue && largest <= sbyte.MaxValue ? DType.I8 : smallest >= 0 && largest <= byte.MaxValue ? DType.U8 : null;
        return type is { } found ? new TensorData(data.Type with { DType = found }, steps, grid) : null;
    }

    /// <summary>A bias in steps of (scale of x) * (scale of the filter), in 32 bits; null where it does not lie on that grid.</summary>
    /// <param name="data">Real numbers, one per output channel.</param>
    /// <param name="xScale">The scale of x.</param>
    /// <param name="filter">The grid of the filter.</param>
    public static TensorData? OfBias(TensorData data, float xScale, Quantization filter)
    {
        if (data.Quantization is null)
        {
            float[] scales = new float[filter.Scales.Length];
            for (int i = 0; i < scales.Length; i++)
            {
                scales[i] = xScale * filter.Scales[i];
                if (!(scales[i] > 0)) return null;
            }

            data = new TensorData(data.Type, data.Bytes, new Quantization(scales, new int[scales.Length]));
        }

        Quantization grid = data.Quantization!;
        if (GridIntegers.Of(data) is not int[] steps) return null;
        for (int i = 0; i < steps.Length; i++) steps[i] -= grid.ZeroPoints[grid.IsPerTensor ? 0 : i];
        return new TensorData(data.Type with { DType = DType.I32 }, MemoryMarshal.AsBytes(steps.AsSpan()).ToArray());
    }
}
