using System;
using System.Runtime.CompilerServices;
using Thomas.Kernels;
using Thomas.Kernels.Pool;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Kernels;

public unsafe class PoolingGradientTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(16)]
    [InlineData(29)]
    public void Max_pooling_gives_the_gradient_to_the_first_maximum(int channels)
    {
        foreach (ConvGeometry g in WindowCases.All(channels, channels)) CheckMax(g);

        // Windows that reach from one block of rows into the next, with steps between windows and between taps.
        CheckMax(new ConvGeometry(2, 27, 5, channels, channels, 13, 5, 3, 1, StrideH: 2));
        CheckMax(new ConvGeometry(1, 30, 4, channels, channels, 9, 3, 4, 2, StrideH: 3, DilationH: 2, PadTop: 2));
        CheckMax(new ConvGeometry(1, 26, 3, channels, channels, 15, 3, 12, 1));

        // Windows side by side: the whole input, and all but a last row or column.
        CheckMax(new ConvGeometry(2, 20, 6, channels, channels, 10, 3, 2, 2, StrideH: 2, StrideW: 2));
        CheckMax(new ConvGeometry(2, 21, 7, channels, channels, 10, 3, 2, 2, StrideH: 2, StrideW: 2));
        CheckMax(new ConvGeometry(1, 9, 6, channels, channels, 3, 2, 3, 3, StrideH: 3, StrideW: 3));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(16)]
    [InlineData(29)]
    public void Average_pooling_spreads_the_gradient(int channels)
    {
        foreach (ConvGeometry g in WindowCases.All(channels, channels))
        {
            CheckAverage(g, countPadding: false);
            CheckAverage(g, countPadding: true);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CheckMax(ConvGeometry g)
    {
        using GuardedBuffer x = GuardedBuffer.Random((long)g.Batch * g.InH * g.InW * g.Channels, 1), y = new((long)g.OutPixels * g.Channels);
        using GuardedBuffer dy = GuardedBuffer.Random(y.Length, 2), dx = new(x.Length);

        // Few different values, so that most windows have several maxima.
        foreach (ref float value in x.Span) value = MathF.Round(value * 2);
        double[] expected = new double[dx.Length], scale = new double[dx.Length];
        for (int i = 0; i < y.Length; i++)
        {
            int winner = -1, channel = i % g.Channels;
            y.Span[i] = float.NegativeInfinity;
            foreach ((int pixel, _, _) in WindowCases.TapsOf(g, i / g.Channels))
            {
                int at = (pixel * g.Channels) + channel;
                if (!(x.Span[at] > y.Span[i])) continue;
                y.Span[i] = x.Span[at];
                winner = at;
            }
            if (winner < 0) continue;
            expected[winner] += dy.Span[i];
            scale[winner] += Math.Abs(dy.Span[i]);
        }

        MaxPoolingGradient kernel = new(g);
        for (int item = kernel.Items - 1; item >= 0; item--) kernel.RunItems(x.Pointer, y.Pointer, dy.Pointer, dx.Pointer, item, item + 1);
        for (int i = 0; i < dx.Length; i++) Tolerance.Check(dx.Span[i], expected[i], Tolerance.Sum(scale[i], g.KernelH * g.KernelW), $"{g} [{i}]");
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CheckAverage(ConvGeometry g, bool countPadding)
    {
        using GuardedBuffer dy = GuardedBuffer.Random((long)g.OutPixels * g.Channels, 2), dx = new((long)g.Batch * g.InH * g.InW * g.Channels);
        double[] expected = new double[dx.Length], scale = new double[dx.Length];
        for (int i = 0; i < dy.Length; i++)
        {
            int channel = i % g.Channels;
            int count = WindowCases.TapsOf(g, i / g.Channels).Length;
            double share = (double)dy.Span[i] / (countPadding ? g.KernelH * g.KernelW : Math.Max(1, count));
            foreach ((int pixel, _, _) in WindowCases.TapsOf(g, i / g.Channels))
            {
                expected[(pixel * g.Channels) + channel] += share;
                scale[(pixel * g.Channels) + channel] += Math.Abs(share);
            }
        }

        int bottom = Math.Max(0, ((g.OutH - 1) * g.StrideH) + ((g.KernelH - 1) * g.DilationH) + 1 - g.PadTop - g.InH);
        int right = Math.Max(0, ((g.OutW - 1) * g.StrideW) + ((g.KernelW - 1) * g.DilationW) + 1 - g.PadLeft - g.InW);
        AveragePoolingGradient kernel = new(g, countPadding, bottom, right);
        for (int row = kernel.Items - 1; row >= 0; row--) kernel.RunItems(dy.Pointer, dx.Pointer, row, row + 1);
        for (int i = 0; i < dx.Length; i++)
            Tolerance.Check(dx.Span[i], expected[i], Tolerance.Sum(scale[i], g.KernelH * g.KernelW, rel: 2), $"{g} counted {countPadding} [{i}]");
    }
}
