using System;

namespace Thomas.Kernels;

/// <summary>One axis of a sliding window: which taps of an output position, and which output positions, lie inside the input.</summary>
internal static class Window
{
    /// <summary>The taps [first, end) of a window starting at <paramref name="origin"/> that lie in [0, length).</summary>
    public static (int First, int End) Taps(int origin, int kernel, int dilation, int length)
    {
        int first = origin >= 0 ? 0 : Math.Min(kernel, (-origin + dilation - 1) / dilation);
        int end = origin >= length ? first : Math.Min(kernel, ((length - 1 - origin) / dilation) + 1);
        return (first, Math.Max(first, end));
    }

    /// <summary>The output positions [first, end) of [0, outputs) whose whole window lies in [0, length).</summary>
    public static (int First, int End) Interior(int outputs, int stride, int pad, int kernel, int dilation, int length)
    {
        int first = pad <= 0 ? 0 : Math.Min(outputs, (pad + stride - 1) / stride);
        int room = length - 1 - ((kernel - 1) * dilation) + pad;
        int end = room < 0 ? first : Math.Min(outputs, (room / stride) + 1);
        return (first, Math.Max(first, end));
    }
}
