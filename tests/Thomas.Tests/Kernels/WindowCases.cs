using System.Runtime.CompilerServices;
using System;
using System.Collections.Generic;
using Thomas.Kernels;
using Thomas.Kernels.Depthwise;
using Xunit;

namespace Thomas.Tests.Kernels;

/// <summary>Windows that a sliding-window kernel must get right; channels are put in by the test.</summary>
internal static class WindowCases
{
    public static IEnumerable<ConvGeometry> All(int channels, int channelStride)
    {
        yield return Make(1, 5, 7, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1);
        yield return Make(3, 6, 9, 3, 3, 2, 2, 1, 1, 0, 0, 1, 1);
        yield return Make(1, 8, 11, 5, 5, 1, 1, 1, 1, 2, 2, 2, 2);
        yield return Make(1, 9, 13, 5, 5, 2, 2, 1, 1, 1, 2, 2, 1);
        yield return Make(2, 7, 6, 2, 3, 1, 2, 1, 1, 0, 1, 2, 3);
        yield return Make(1, 12, 10, 3, 2, 3, 2, 1, 1, 1, 0, 0, 2);
        yield return Make(1, 11, 14, 3, 3, 1, 1, 2, 3, 2, 1, 3, 0);
        yield return Make(1, 4, 4, 7, 7, 1, 1, 1, 1, 3, 3, 3, 3);
        yield return Make(2, 5, 3, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0);
        yield return Make(1, 5, 6, 1, 1, 2, 2, 1, 1, 0, 0, 0, 0);
        yield return Make(1, 3, 20, 1, 3, 1, 1, 1, 1, 0, 1, 0, 1);
        yield return Make(1, 20, 2, 5, 1, 2, 1, 1, 1, 3, 0, 4, 0);
        yield return Make(1, 6, 17, 3, 5, 1, 2, 1, 1, 1, 1, 1, 1);
        yield return Make(1, 6, 9, 3, 3, 1, 1, 1, 1, -1, -2, 1, 0);

        ConvGeometry Make(int n, int h, int w, int kH, int kW, int sH, int sW, int dH, int dW, int top, int left, int bottom, int right) => new(
            n, h, w, channels, channelStride,
            ((h + top + bottom - ((kH - 1) * dH) - 1) / sH) + 1, ((w + left + right - ((kW - 1) * dW) - 1) / sW) + 1,
            kH, kW, sH, sW, dH, dW, top, left);
    }

    /// <summary>
    /// Square windows over 1 to 13 columns and 1 to 6 rows, with every padding on the left and above that leaves a tap inside, and with a crop.
    /// </summary>
    public static IEnumerable<ConvGeometry> Widths(int kernel, int stride, int channels)
    {
        for (int width = 1; width <= 13; width++)
        {
            for (int pad = -1; pad < kernel; pad++)
            {
                int height = 1 + (width % 6), right = (width + pad) % kernel;
                int outW = ((width + pad + right - kernel) / stride) + 1, outH = ((height + pad + right - kernel) / stride) + 1;
                if (width + pad + right >= kernel && height + pad + right >= kernel)
                {
                    yield return new ConvGeometry(2, height, width, channels, channels, outH, outW, kernel, kernel, stride, stride, PadTop: pad, PadLeft: pad);
                }
            }
        }
    }

    /// <summary>A 3x3 window over tensors too large for a cache.</summary>
    public static ConvGeometry Far(int stride)
    {
        ConvGeometry g = new(3, 121, 119, 50, 50, ((121 - 1) / stride) + 1, ((119 - 1) / stride) + 1, 3, 3, stride, stride, PadTop: 1, PadLeft: 1);
        Assert.True((long)g.Channels * ((g.Batch * g.InH * g.InW) + g.OutPixels) > DepthwiseConvolution.NearFloats);
        return g;
    }

    /// <summary>The taps of an output pixel that lie inside the input.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static ReadOnlySpan<Tap> TapsOf(in ConvGeometry g, int outPixel)
    {
        Tap[] taps = new Tap[g.KernelH * g.KernelW];
        int count = 0, ox = outPixel % g.OutW, oy = outPixel / g.OutW % g.OutH, n = outPixel / g.OutW / g.OutH;
        for (int ky = 0; ky < g.KernelH; ky++)
        {
            for (int kx = 0; kx < g.KernelW; kx++)
            {
                int iy = (oy * g.StrideH) - g.PadTop + (ky * g.DilationH), ix = (ox * g.StrideW) - g.PadLeft + (kx * g.DilationW);
                if (iy >= 0 && iy < g.InH && ix >= 0 && ix < g.InW) taps[count++] = new Tap((((n * g.InH) + iy) * g.InW) + ix, ky, kx);
            }
        }

        return taps.AsSpan(0, count);
    }

    /// <summary>A tap of a window: the input pixel that it reads, and its row and column in the window.</summary>
    internal readonly record struct Tap(int Pixel, int Row, int Column);
}
