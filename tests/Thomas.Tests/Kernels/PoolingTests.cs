using System;
using System.Runtime.CompilerServices;
using Thomas.Kernels;
using Thomas.Kernels.Pool;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Kernels;

public unsafe class PoolingTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(16)]
    [InlineData(29)]
    public void Pooling_matches_reference(int channels)
    {
        foreach (ConvGeometry g in WindowCases.All(channels, channels))
        {
            Check(g, PoolingKind.Max, withNaN: false);
            Check(g, PoolingKind.Max, withNaN: true);
            Check(g, PoolingKind.Average, withNaN: false);
            Check(g, PoolingKind.AverageWithPadding, withNaN: true);
        }
    }

    [Fact]
    public void Taps_beyond_the_padding_do_not_count_in_ceil_mode()
    {
        // 5 wide, padded by 1 on both sides, window 3, stride 2, one more output than fits: its window is columns 5..7 of 0..6 (padded).
        ConvGeometry g = new(1, 1, 5, 1, 1, 1, 4, 1, 3, StrideW: 2, PadLeft: 1);
        using GuardedBuffer x = new(5), y = new(4);
        x.Span.Fill(6f);
        Pooling kernel = new(g, PoolingKind.AverageWithPadding, padBottom: 0, padRight: 1);
        kernel.RunItems(x.Pointer, y.Pointer, 0, kernel.Items);
        Assert.Equal([4f, 6f, 4f, 0f], y.Span.ToArray());
    }

    [Fact]
    public void A_window_wholly_outside_gives_minus_infinity_or_zero()
    {
        ConvGeometry g = new(1, 2, 2, 3, 3, 4, 4, 1, 1, PadTop: 1, PadLeft: 1);
        using GuardedBuffer x = GuardedBuffer.Random(12, 1), y = new(48);
        Pooling max = new(g, PoolingKind.Max);
        max.RunItems(x.Pointer, y.Pointer, 0, max.Items);
        Assert.Equal(float.NegativeInfinity, y.Span[0]);
        Pooling average = new(g, PoolingKind.Average);
        average.RunItems(x.Pointer, y.Pointer, 0, average.Items);
        Assert.Equal(0f, y.Span[0]);
        Assert.Equal(x.Span[0], y.Span[15]);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Check(ConvGeometry g, PoolingKind kind, bool withNaN)
    {
        using GuardedBuffer x = GuardedBuffer.Random((long)g.Batch * g.InH * g.InW * g.ChannelStride, 1), y = new((long)g.OutPixels * g.Channels);
        if (withNaN) x.Span[(int)x.Length / 2] = float.NaN;
        int bottom = Math.Max(0, ((g.OutH - 1) * g.StrideH) + ((g.KernelH - 1) * g.DilationH) + 1 - g.PadTop - g.InH);
        int right = Math.Max(0, ((g.OutW - 1) * g.StrideW) + ((g.KernelW - 1) * g.DilationW) + 1 - g.PadLeft - g.InW);
        Pooling kernel = new(g, kind, bottom, right);
        for (int row = 0; row < kernel.Items; row++)
            kernel.RunItems(x.Pointer, y.Pointer, row, row + 1);
        for (int i = 0; i < y.Length; i++)
        {
            double sum = 0, scale = 0, max = double.NegativeInfinity;
            int count = 0;
            foreach ((int pixel, _, _) in WindowCases.TapsOf(g, i / g.Channels))
            {
                double value = x.Span[(pixel * g.ChannelStride) + (i % g.Channels)];
                sum += value;
                scale += Math.Abs(value);
                max = Math.Max(max, value);
                count++;
            }
            if (kind == PoolingKind.AverageWithPadding) count = g.KernelH * g.KernelW;
            double expected = kind == PoolingKind.Max ? max : count == 0 ? 0 : sum / count;
            Tolerance.Check(y.Span[i], expected, Tolerance.Sum(scale / Math.Max(1, count), Math.Max(1, count)), $"{kind} {g} [{i}]");
        }
    }
}
