using Thomas.Kernels;
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

        Assert.Equal(3, checks);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Every_width_and_padding_matches(int stride)
    {
        foreach (ConvGeometry g in WindowCases.Widths(3, stride, 19)) Check(g);
    }

    /// <summary>Several ranges of several blocks, each of which fetches what comes after it.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Far_tensors_are_cut_correctly(int stride)
    {
        ConvGeometry g = WindowCases.Far(stride);
        Assert.True(new DepthwiseJointGradient(g).Items > 3);
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
    }

    /// <summary>dx has the bits of the input gradient by itself, written apart or over x; dw is what its definition says, item by item in any order.</summary>
    private static void Check(in ConvGeometry g)
    {
        int channels = g.Channels;
        using GuardedBuffer x = GuardedBuffer.Random((long)g.Batch * g.InH * g.InW * channels, 1), dy = GuardedBuffer.Random((long)g.OutPixels * channels, 2);
        using GuardedBuffer w = GuardedBuffer.Random(9 * channels, 3), dx = new(x.Length), dw = new(9 * channels), over = new(x.Length), dwOver = new(9 * channels);
        x.Span.CopyTo(over.Span);
        Run(g, x, dy, w, dx, dw);
        Run(g, over, dy, w, over, dwOver);
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
            ConvolutionTests.ForEachTap(g, pixel, (source, ky, kx) =>
            {
                for (int c = 0; c < channels; c++)
                    sums.Add((((ky * 3) + kx) * channels) + c, (double)dy.Span[(pixel * channels) + c] * x.Span[(source * channels) + c]);
            });
        }

        sums.Check(dw, g.OutPixels, g.ToString());
    }

    private static void Run(in ConvGeometry g, GuardedBuffer x, GuardedBuffer dy, GuardedBuffer w, GuardedBuffer dx, GuardedBuffer dw)
    {
        DepthwiseJointGradient kernel = new(g);
        using GuardedBuffer partial = new(kernel.PartialFloats);
        for (int item = kernel.Items - 1; item >= 0; item--)
            kernel.RunItems(x.Pointer, dy.Pointer, w.Pointer, dx.Pointer, dw.Pointer, partial.Pointer, item, item + 1);
        for (int item = kernel.SumItems - 1; item >= 0; item--)
            kernel.Sum(dw.Pointer, partial.Pointer, item, item + 1);
    }
}
