using System;
using System.Runtime.CompilerServices;
using Thomas.Kernels;
using Thomas.Kernels.Activations;
using Thomas.Kernels.Depthwise;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Kernels;

public unsafe class DepthwiseJointGradientTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(7)]
    [InlineData(16)]
    [InlineData(31)]
    [InlineData(45)]
    public void Gradients_match_their_definition(int channels)
    {
        int checks = 0;
        foreach (ConvGeometry g in WindowCases.All(channels, channels))
        {
            if (!DepthwiseJointGradient.Fits(g)) continue;
            Check(g);
            checks++;
        }

        Assert.Equal(2, checks);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Every_width_and_padding_matches(int stride)
    {
        int fitting = 0;
        foreach (ConvGeometry g in WindowCases.Widths(3, stride, 19))
        {
            if (!DepthwiseJointGradient.Fits(g)) continue;
            Check(g);
            fitting++;
        }

        Assert.InRange(fitting, 20, 52);
    }

    /// <summary>Several ranges of several blocks, each of which fetches what comes after it.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Far_tensors_are_cut_correctly(int stride)
    {
        ConvGeometry g = WindowCases.Far(stride);
        Assert.True(new DepthwiseJointGradient(g, Activation.None).Items > 3);
        Check(g);
    }

    [Fact]
    public void Other_windows_do_not_fit()
    {
        ConvGeometry g = new(1, 9, 9, 4, 4, 9, 9, 3, 3, PadTop: 1, PadLeft: 1);
        Assert.True(DepthwiseJointGradient.Fits(g));
        Assert.False(DepthwiseJointGradient.Fits(g with { KernelW = 5, PadLeft = 2 }));
        Assert.False(DepthwiseJointGradient.Fits(g with { StrideH = 2, OutH = 5 }));
        Assert.False(DepthwiseJointGradient.Fits(g with { DilationW = 2, PadLeft = 2 }));
        Assert.False(DepthwiseJointGradient.Fits(g with { PadTop = -1, OutH = 6 }));
        Assert.False(DepthwiseJointGradient.Fits(g with { StrideH = 2, StrideW = 2, PadTop = 0, PadLeft = 0, InH = 8, OutH = 3, OutW = 4 }));
    }

    /// <summary>The gradient before a clipping, its sums, and NaN where there was one.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Clipping_is_undone_to_the_bits_of_its_own_gradient(int stride)
    {
        ConvGeometry g = new(3, 13, 17, 37, 37, ((13 - 1) / stride) + 1, ((17 - 1) / stride) + 1, 3, 3, stride, stride, PadTop: 1, PadLeft: 1);
        foreach (Activation activation in ActivationSamples.All)
        {
            ActivationFunction function = activation.Function;
            if (!function.IsClip || activation.Kind == ActivationKind.None) continue;
            using GuardedBuffer x = GuardedBuffer.Random((long)g.Batch * g.InH * g.InW * g.Channels, 1),
                dy = GuardedBuffer.Random((long)g.OutPixels * g.Channels, 2);
            for (int i = 0; i < x.Length; i++) x.Span[i] = i % 1009 == 0 ? float.NaN : Math.Clamp(x.Span[i], function.Lower, function.Upper);
            using GuardedBuffer w = GuardedBuffer.Random(9 * g.Channels, 3), dx = new(x.Length), clipped = new(x.Length), dw = new(9 * g.Channels),
                db = new(g.Channels);
            Run(g, Activation.None, x, dy, w, dx, dw, db);
            Run(g, activation, x, dy, w, clipped, dw, db);
            function.ApplyGradient(dx.Pointer, x.Pointer, dx.Pointer, (int)dx.Length);
            Assert.Equal(dx.Span, clipped.Span);
            Sums sums = new(g.Channels);
            for (int i = 0; i < dx.Length; i++) sums.Add(i % g.Channels, dx.Span[i]);
            sums.Check(db, g.Batch * g.InH * g.InW, $"{activation}");
        }
    }

    /// <summary>dx has the bits of the input gradient by itself, written apart or over x; dw is what its definition says, item by item in any order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Check(in ConvGeometry g)
    {
        int channels = g.Channels;
        using GuardedBuffer x = GuardedBuffer.Random((long)g.Batch * g.InH * g.InW * channels, 1), dy = GuardedBuffer.Random((long)g.OutPixels * channels, 2);
        using GuardedBuffer w = GuardedBuffer.Random(9 * channels, 3), dx = new(x.Length), dw = new(9 * channels), over = new(x.Length),
            dwOver = new(9 * channels), none = new(0);
        x.Span.CopyTo(over.Span);
        Run(g, Activation.None, x, dy, w, dx, dw, none);
        Run(g, Activation.None, over, dy, w, over, dwOver, none);
        Assert.Equal(dx.Span, over.Span);
        Assert.Equal(dw.Span, dwOver.Span);

        DepthwiseInputGradient input = new(g, 1);
        using GuardedBuffer packed = new(input.PackedFloats);
        if (input.PackedFloats > 0) input.Pack(w.Pointer, packed.Pointer);
        input.RunItems(dy.Pointer, input.PackedFloats > 0 ? packed.Pointer : w.Pointer, over.Pointer, 0, input.Items);
        Assert.Equal(over.Span, dx.Span);

        Sums sums = new((int)dw.Length);
        for (int pixel = 0; pixel < g.OutPixels; pixel++)
        {
            foreach ((int source, int ky, int kx) in WindowCases.TapsOf(g, pixel))
            {
                for (int c = 0; c < channels; c++)
                    sums.Add((((ky * 3) + kx) * channels) + c, (double)dy.Span[(pixel * channels) + c] * x.Span[(source * channels) + c]);
            }
        }

        sums.Check(dw, g.OutPixels, g.ToString());
    }

    private static void Run(
        in ConvGeometry g, Activation activation, GuardedBuffer x, GuardedBuffer dy, GuardedBuffer w, GuardedBuffer dx, GuardedBuffer dw, GuardedBuffer db)
    {
        DepthwiseJointGradient kernel = new(g, activation);
        using GuardedBuffer partial = new(kernel.PartialFloats);
        for (int item = kernel.Items - 1; item >= 0; item--)
            kernel.RunItems(x.Pointer, default, null, dy.Pointer, w.Pointer, dx.Pointer, dw.Pointer, db.Pointer, partial.Pointer, item, item + 1);
        for (int item = kernel.SumItems - 1; item >= 0; item--)
            kernel.Sum(dw.Pointer, db.Pointer, partial.Pointer, item, item + 1);
    }
}
