using System;
using System.Runtime.CompilerServices;

namespace Thomas.Kernels.Gemm;

/// <summary>
/// Copies some input rows of one image with their padding, so that every window of an output row lies at a fixed distance from the one before. Only one group's
/// channels are copied. Beside the rows it needs <see cref="Slack"/> floats, which a tile may read for nothing.
/// </summary>
internal static unsafe class InputStrip
{
    /// <summary>Floats after the last row.</summary>
    public const int Slack = 4;

    /// <summary>Floats of a row.</summary>
    public static int RowLength(in ConvGeometry g) => (((g.OutW - 1) * g.StrideW) + ((g.KernelW - 1) * g.DilationW) + 1) * g.Channels;

    /// <summary>Whether no window reaches into padding, so that the input can be read where it lies.</summary>
    public static bool IsNeedless(in ConvGeometry g) =>
        g.PadTop <= 0 && g.PadLeft <= 0
        && ((g.OutH - 1) * g.StrideH) - g.PadTop + ((g.KernelH - 1) * g.DilationH) < g.InH
        && ((g.OutW - 1) * g.StrideW) - g.PadLeft + ((g.KernelW - 1) * g.DilationW) < g.InW;

    /// <summary>Copies rows [first, first + count), which may lie outside the image.</summary>
    /// <param name="g">The window.</param>
    /// <param name="image">First channel of the image's first pixel.</param>
    /// <param name="first">First input row.</param>
    /// <param name="count">Rows.</param>
    /// <param name="strip">Receives the rows.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Copy(in ConvGeometry g, float* image, int first, int count, float* strip)
    {
        int length = RowLength(g);
        for (int y = first; y < first + count; y++, strip += length)
            CopyRow(g, image, y, strip);
        Memory.Fill(strip, Slack, 0f);
    }

    /// <summary>Copies row y, which may lie outside the image: <see cref="RowLength"/> floats.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void CopyRow(in ConvGeometry g, float* image, int y, float* target)
    {
        int length = RowLength(g), pixels = length / g.Channels;
        if ((uint)y >= (uint)g.InH)
        {
            Memory.Fill(target, length, 0f);
            return;
        }

        int left = Math.Clamp(g.PadLeft, 0, pixels), right = Math.Clamp(g.InW + g.PadLeft, left, pixels);
        float* source = image + ((((nint)y * g.InW) + left - g.PadLeft) * g.ChannelStride);
        Memory.Fill(target, left * g.Channels, 0f);
        if (g.Channels == g.ChannelStride)
        {
            Memory.Copy(source, target + (left * g.Channels), (right - left) * g.Channels);
        }
        else
        {
            for (int x = left; x < right; x++, source += g.ChannelStride)
                Memory.Copy(source, target + (x * g.Channels), g.Channels);
        }

        Memory.Fill(target + (right * g.Channels), length - (right * g.Channels), 0f);
    }
}
