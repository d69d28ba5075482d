using System;
using System.Runtime.CompilerServices;

namespace Thomas.Kernels.Gemm;

/// <summary>
/// Copies the input patches of output pixels (im2col) a block at a time: row m of the block is the window of output pixel m in the
/// order ky, kx, channel, which is the order of an OHWI filter. Neighboring taps are neighbors in memory unless the window is dilated
/// or only one group's channels are read, so a patch is mostly KernelH copies.
/// </summary>
internal static unsafe class PatchGather
{
    /// <summary>Copies elements [k0, k1) of the patches of output pixels [m0, m1).</summary>
    /// <param name="g">The window.</param>
    /// <param name="input">First channel of the first pixel.</param>
    /// <param name="m0">First output pixel, counted over the whole batch.</param>
    /// <param name="m1">One past the last output pixel.</param>
    /// <param name="k0">First patch element.</param>
    /// <param name="k1">One past the last patch element.</param>
    /// <param name="target">Receives the rows.</param>
    /// <param name="stride">Floats from one row of the target to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Gather(in ConvGeometry g, float* input, int m0, int m1, int k0, int k1, float* target, nint stride)
    {
        bool joined = g.DilationW == 1 && g.Channels == g.ChannelStride;
        nint rowStride = (nint)g.InW * g.ChannelStride;
        int ox = m0 % g.OutW;
        int oy = m0 / g.OutW % g.OutH;
        int n = m0 / g.OutW / g.OutH;
        for (int m = m0; m < m1; m++, target += stride)
        {
            float* image = input + (n * g.InH * rowStride);
            int iy0 = (oy * g.StrideH) - g.PadTop, ix0 = (ox * g.StrideW) - g.PadLeft;
            int tapRow = g.KernelW * g.Channels;
            if (joined && k0 == 0 && k1 == g.KernelH * tapRow && ix0 >= 0 && ix0 + g.KernelW <= g.InW
                && iy0 >= 0 && iy0 + ((g.KernelH - 1) * g.DilationH) < g.InH)
            {
                float* row = image + (iy0 * rowStride) + ((nint)ix0 * g.Channels);
                for (int ky = 0; ky < g.KernelH; ky++, row += g.DilationH * rowStride)
                    Memory.Copy(row, target + (ky * tapRow), tapRow);
                Advance(g, ref ox, ref oy, ref n);
                continue;
            }

            for (int ky = k0 / tapRow; ky * tapRow < k1; ky++)
            {
                int begin = Math.Max(k0 - (ky * tapRow), 0), end = Math.Min(k1 - (ky * tapRow), tapRow);
                int iy = iy0 + (ky * g.DilationH);
                float* run = target + (ky * tapRow) - k0;
                if ((uint)iy >= (uint)g.InH) Memory.Fill(run + begin, end - begin, 0f);
                else if (joined) CopyJoined(g, image + (iy * rowStride), ix0, begin, end, run);
                else CopyTaps(g, image + (iy * rowStride), ix0, begin, end, run);
            }

            Advance(g, ref ox, ref oy, ref n);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Advance(in ConvGeometry g, ref int ox, ref int oy, ref int n)
    {
        if (++ox < g.OutW) return;
        ox = 0;
        if (++oy < g.OutH) return;
        oy = 0;
        n++;
    }

    /// <summary>Elements [begin, end) of one window row whose taps are adjacent in memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyJoined(in ConvGeometry g, float* row, int ix0, int begin, int end, float* run)
    {
        int first = Math.Clamp(-ix0 * g.Channels, begin, end);
        int last = Math.Clamp((g.InW - ix0) * g.Channels, first, end);
        Memory.Fill(run + begin, first - begin, 0f);
        Memory.Copy(row + ((nint)ix0 * g.Channels) + first, run + first, last - first);
        Memory.Fill(run + last, end - last, 0f);
    }

    private static void CopyTaps(in ConvGeometry g, float* row, int ix0, int begin, int end, float* run)
    {
        for (int kx = begin / g.Channels; kx * g.Channels < end; kx++)
        {
            int first = Math.Max(begin, kx * g.Channels), last = Math.Min(end, (kx + 1) * g.Channels);
            int ix = ix0 + (kx * g.DilationW);
            if ((uint)ix >= (uint)g.InW) Memory.Fill(run + first, last - first, 0f);
            else Memory.Copy(row + ((nint)ix * g.ChannelStride) + (first - (kx * g.Channels)), run + first, last - first);
        }
    }
}
