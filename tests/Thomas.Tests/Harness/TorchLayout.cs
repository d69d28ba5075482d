using System;

namespace Thomas.Tests.Harness;

/// <summary>
/// From PyTorch's order of elements, channels before height and width, to Thomas' and back. One permutation serves all tensors: activations
/// (n, c, h, w), filters (cOut, cIn, kH, kW), depthwise filters as (1, c, kH, kW), and dense weights behind a flatten of [c, h, w] as (outputs, c, h, w).
/// </summary>
internal static class TorchLayout
{
    /// <summary>[n, c, h, w] to [n, h, w, c].</summary>
    public static float[] ToChannelsLast(ReadOnlySpan<float> values, int n, int c, int h, int w) => SwapInner(values, n, c, h * w);

    /// <summary>[n, h, w, c] to [n, c, h, w].</summary>
    public static float[] ToChannelsFirst(ReadOnlySpan<float> values, int n, int c, int h, int w) => SwapInner(values, n, h * w, c);

    // [count, rows, columns] to [count, columns, rows].
    private static float[] SwapInner(ReadOnlySpan<float> values, int count, int rows, int columns)
    {
        if (values.Length != count * rows * columns)
        {
            throw new ArgumentException($"{values.Length} elements are not {count} * {rows} * {columns}.", nameof(values));
        }

        float[] swapped = new float[values.Length];
        for (int i = 0; i < count; i++)
        {
            int start = i * rows * columns;
            for (int r = 0; r < rows; r++)
            {
                for (int c = 0; c < columns; c++) swapped[start + (c * rows) + r] = values[start + (r * columns) + c];
            }
        }

        return swapped;
    }
}
