using System;
using System.Runtime.CompilerServices;
using Thomas.Kernels;
using Thomas.Kernels.Depthwise;
using Thomas.Kernels.Gemm;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Kernels;

public unsafe class ConvolutionGradientTests
{
    [Theory]
    [InlineData(1, 3, 1)]
    [InlineData(3, 8, 1)]
    [InlineData(4, 15, 1)]
    [InlineData(5, 33, 1)]
    [InlineData(2, 5, 3)]
    public void Gradients_match_their_definition(int cIn, int cOut, int groups)
    {
        foreach (ConvGeometry g in WindowCases.All(cIn, cIn * groups))
        {
            CheckInput(g, cOut, groups);
            CheckInput(g, cOut, groups, scatter: true);
            CheckFilter(g, cOut, groups);
        }
    }

    [Fact]
    public void Scattering_is_chosen_where_padding_would_cost_more()
    {
        ConvGeometry lenet = new(2, 12, 12, 20, 20, 8, 8, 5, 5), same = new(2, 14, 14, 20, 20, 14, 14, 3, 3, PadTop: 1, PadLeft: 1);
        Assert.True(Pays(lenet, 50));
        Assert.False(Pays(same, 50));
        CheckInput(lenet, 50, 1);
        CheckInput(lenet, 300, 1);
        CheckInput(lenet with { Batch = 1, InH = 40, OutH = 36 }, 31, 1);

        static bool Pays(in ConvGeometry g, int cOut) => InputGradientScatter.Pays(g, GradientPhase.Of(g, cOut, cOut, out _), cOut);
    }

    [Fact]
    public void Long_sums_and_wide_filters_are_cut_correctly()
    {
        ConvGeometry many = new(2, 30, 31, 3, 3, 30, 31, 3, 3, PadTop: 1, PadLeft: 1);
        Assert.True(new FilterGradientProduct(many, 9, 9).PartialFloats > 0);
        CheckFilter(many, 9, 1);
        ConvGeometry wide = new(1, 5, 6, 80, 80, 5, 6, 3, 3, PadTop: 1, PadLeft: 1);
        CheckFilter(wide, 7, 1);
        CheckInput(wide, 7, 1);
        ConvGeometry pointwise = new(1, 40, 33, 36, 36, 40, 33, 1, 1);
        Assert.Equal(0u, new FilterGradientProduct(pointwise, 100, 100).WorkspaceBytes);
        CheckFilter(pointwise, 100, 1);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 1)]
    [InlineData(4, 1)]
    [InlineData(7, 1)]
    [InlineData(16, 1)]
    [InlineData(31, 1)]
    [InlineData(45, 1)]
    [InlineData(3, 2)]
    public void Depthwise_gradients_match_their_definition(int channels, int multiplier)
    {
        foreach (ConvGeometry g in WindowCases.All(channels, channels))
        {
            CheckDepthwiseInput(g, multiplier);
            CheckDepthwiseFilter(g, multiplier);
        }
    }

    [Fact]
    public void Long_depthwise_sums_are_cut_correctly()
    {
        ConvGeometry g = new(3, 13, 17, 20, 20, 13, 17, 3, 3, PadTop: 1, PadLeft: 1);
        Assert.True(new DepthwiseFilterGradient(g, 1).PartialFloats > 0);
        CheckDepthwiseFilter(g, 1);
        CheckDepthwiseFilter(g, 2);
    }

    [Theory]
    [InlineData(3, 1)]
    [InlineData(3, 2)]
    [InlineData(5, 1)]
    [InlineData(5, 2)]
    public void Depthwise_gradients_of_every_width_match_their_definition(int kernel, int stride)
    {
        foreach (ConvGeometry g in WindowCases.Widths(kernel, stride, 19))
        {
            CheckDepthwiseInput(g, 1);
            CheckDepthwiseFilter(g, 1);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Depthwise_gradients_of_far_tensors_stay_inside_them(int stride)
    {
        ConvGeometry g = WindowCases.Far(stride);
        CheckDepthwiseInput(g, 1);
        CheckDepthwiseFilter(g, 1);
    }

    [Fact]
    public void Input_gradient_does_not_depend_on_the_threads()
    {
        foreach (ConvGeometry g in WindowCases.All(34, 34))
        {
            using GuardedBuffer dy = GuardedBuffer.Random((long)g.OutPixels * 40, 1), w = GuardedBuffer.Random(40L * g.PatchLength, 2);
            using GuardedBuffer one = InputGradient(g, 40, 1, 1, dy, w);
            foreach (int threads in new[] { 2, 3 })
            {
                using GuardedBuffer many = InputGradient(g, 40, 1, threads, dy, w);
                Assert.True(one.Span.SequenceEqual(many.Span));
            }

            using GuardedBuffer scattered = InputGradientByScatter(g, 40, 1, 1, dy, w), shared = InputGradientByScatter(g, 40, 1, 3, dy, w);
            Assert.True(scattered.Span.SequenceEqual(shared.Span));
        }
    }

    [Fact]
    public void NaN_reaches_what_it_is_multiplied_into()
    {
        ConvGeometry g = new(1, 6, 9, 4, 4, 6, 9, 3, 3, PadTop: 1, PadLeft: 1);
        using GuardedBuffer dy = GuardedBuffer.Random(6 * 9 * 5, 1), w = GuardedBuffer.Random(5 * 36, 2);
        dy.Span[(((2 * 9) + 4) * 5) + 3] = float.NaN;
        using GuardedBuffer dx = InputGradient(g, 5, 1, 1, dy, w);
        for (int i = 0; i < dx.Length; i++)
            Assert.Equal(Math.Abs((i / 4 % 9) - 4) <= 1 && Math.Abs((i / 36) - 2) <= 1, float.IsNaN(dx.Span[i]));
    }

    private static GuardedBuffer InputGradient(ConvGeometry g, int cOut, int groups, int threads, GuardedBuffer dy, GuardedBuffer w)
    {
        int cIn = g.ChannelStride;
        GuardedBuffer dx = new((long)g.Batch * g.InH * g.InW * cIn);
        InputGradientProduct product = new(g, cOut, cOut * groups, threads);
        if (product.RowsToClear > 0) dx.Span.Clear();
        using GuardedBuffer packed = new((long)(product.PackedBytes / sizeof(float))), workspace = new((long)(product.WorkspaceBytes / sizeof(float)));
        for (int group = 0; group < groups; group++)
        {
            packed.Span.Fill(float.NaN);
            for (int item = product.PackItems - 1; item >= 0; item--)
                product.Pack(w.Pointer + (group * cOut * g.PatchLength), packed.Pointer, item, item + 1);
            int half = product.Items / 2;
            foreach ((int begin, int end) in new[] { (half, product.Items), (0, half) })
                product.RunItems(dy.Pointer + (group * cOut), packed.Pointer, dx.Pointer + (group * g.Channels), begin, end, (byte*)workspace.Pointer);
        }

        return dx;
    }

    private static GuardedBuffer InputGradientByScatter(ConvGeometry g, int cOut, int groups, int threads, GuardedBuffer dy, GuardedBuffer w)
    {
        GuardedBuffer dx = new((long)g.Batch * g.InH * g.InW * g.ChannelStride);
        InputGradientScatter product = new(g, cOut, cOut * groups, threads);
        using GuardedBuffer packed = new((long)(product.PackedBytes / sizeof(float))), workspace = new((long)(product.WorkspaceBytes / sizeof(float)));
        for (int group = 0; group < groups; group++)
        {
            for (int item = product.PackItems - 1; item >= 0; item--)
                product.Pack(w.Pointer + (group * cOut * g.PatchLength), packed.Pointer, item, item + 1);
            for (int item = product.Items - 1; item >= 0; item--)
                product.RunItems(dy.Pointer + (group * cOut), packed.Pointer, dx.Pointer + (group * g.Channels), item, item + 1, (byte*)workspace.Pointer);
        }

        return dx;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CheckInput(ConvGeometry g, int cOut, int groups, bool scatter = false)
    {
        int total = cOut * groups, cIn = g.ChannelStride;
        using GuardedBuffer dy = GuardedBuffer.Random((long)g.OutPixels * total, 1), w = GuardedBuffer.Random((long)total * g.PatchLength, 2);
        using GuardedBuffer dx = scatter ? InputGradientByScatter(g, cOut, groups, 2, dy, w) : InputGradient(g, cOut, groups, 2, dy, w);
        Sums sums = new((int)dx.Length);
        for (int pixel = 0; pixel < g.OutPixels; pixel++)
        {
            foreach ((int target, int ky, int kx) in WindowCases.TapsOf(g, pixel))
            {
                for (int o = 0; o < total; o++)
                {
                    for (int c = 0; c < g.Channels; c++)
                    {
                        sums.Add((target * cIn) + (o / cOut * g.Channels) + c,
                            (double)dy.Span[(pixel * total) + o] * w.Span[(o * g.PatchLength) + (((ky * g.KernelW) + kx) * g.Channels) + c]);
                    }
                }
            }
        }

        sums.Check(dx, g.KernelH * g.KernelW * cOut, $"{g} cOut {cOut} groups {groups}");
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CheckFilter(ConvGeometry g, int cOut, int groups)
    {
        int total = cOut * groups, cIn = g.ChannelStride, size = cOut * g.PatchLength;
        using GuardedBuffer x = GuardedBuffer.Random((long)g.Batch * g.InH * g.InW * cIn, 1), dy = GuardedBuffer.Random((long)g.OutPixels * total, 2);
        using GuardedBuffer dw = new((long)size * groups);
        FilterGradientProduct product = new(g, cOut, total);
        using GuardedBuffer partial = new(product.PartialFloats), workspace = new((long)(product.WorkspaceBytes / sizeof(float)));
        for (int group = 0; group < groups; group++)
        {
            float* target = dw.Pointer + (group * size);
            for (int item = product.Items - 1; item >= 0; item--)
                product.RunItems(
                    x.Pointer + (group * g.Channels), dy.Pointer + (group * cOut), target, partial.Pointer, item, item + 1, (byte*)workspace.Pointer);
            for (int item = product.SumItems - 1; item >= 0; item--)
                product.Sum(target, partial.Pointer, item, item + 1);
        }

        Sums sums = new((int)dw.Length);
        for (int pixel = 0; pixel < g.OutPixels; pixel++)
        {
            foreach ((int source, int ky, int kx) in WindowCases.TapsOf(g, pixel))
            {
                for (int o = 0; o < total; o++)
                {
                    for (int c = 0; c < g.Channels; c++)
                    {
                        sums.Add((o * g.PatchLength) + (((ky * g.KernelW) + kx) * g.Channels) + c,
                            (double)dy.Span[(pixel * total) + o] * x.Span[(source * cIn) + (o / cOut * g.Channels) + c]);
                    }
                }
            }
        }

        sums.Check(dw, g.OutPixels, $"{g} cOut {cOut} groups {groups}");
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CheckDepthwiseInput(ConvGeometry g, int multiplier)
    {
        int total = g.Channels * multiplier;
        using GuardedBuffer dy = GuardedBuffer.Random((long)g.OutPixels * total, 1), w = GuardedBuffer.Random(g.KernelH * g.KernelW * total, 2);
        using GuardedBuffer dx = new((long)g.Batch * g.InH * g.InW * g.Channels);
        DepthwiseInputGradient kernel = new(g, multiplier);
        using GuardedBuffer packed = new(kernel.PackedFloats);
        if (kernel.PackedFloats > 0) kernel.Pack(w.Pointer, packed.Pointer);
        for (int row = kernel.Items - 1; row >= 0; row--)
            kernel.RunItems(dy.Pointer, kernel.PackedFloats > 0 ? packed.Pointer : w.Pointer, dx.Pointer, row, row + 1);
        Sums sums = new((int)dx.Length);
        for (int pixel = 0; pixel < g.OutPixels; pixel++)
        {
            foreach ((int target, int ky, int kx) in WindowCases.TapsOf(g, pixel))
            {
                for (int o = 0; o < total; o++)
                    sums.Add((target * g.Channels) + (o / multiplier), (double)dy.Span[(pixel * total) + o] * w.Span[(((ky * g.KernelW) + kx) * total) + o]);
            }
        }

        sums.Check(dx, g.KernelH * g.KernelW * multiplier, $"{g} x{multiplier}");
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CheckDepthwiseFilter(ConvGeometry g, int multiplier)
    {
        int total = g.Channels * multiplier;
        using GuardedBuffer x = GuardedBuffer.Random((long)g.Batch * g.InH * g.InW * g.Channels, 1), dy = GuardedBuffer.Random((long)g.OutPixels * total, 2);
        using GuardedBuffer dw = new(g.KernelH * g.KernelW * total);
        DepthwiseFilterGradient kernel = new(g, multiplier);
        using GuardedBuffer partial = new(kernel.PartialFloats);
        for (int item = kernel.Items - 1; item >= 0; item--)
            kernel.RunItems(x.Pointer, dy.Pointer, dw.Pointer, partial.Pointer, item, item + 1);
        for (int item = kernel.SumItems - 1; item >= 0; item--)
            kernel.Sum(dw.Pointer, partial.Pointer, item, item + 1);
        Sums sums = new((int)dw.Length);
        for (int pixel = 0; pixel < g.OutPixels; pixel++)
        {
            foreach ((int source, int ky, int kx) in WindowCases.TapsOf(g, pixel))
            {
                for (int o = 0; o < total; o++)
                    sums.Add((((ky * g.KernelW) + kx) * total) + o, (double)dy.Span[(pixel * total) + o] * x.Span[(source * g.Channels) + (o / multiplier)]);
            }
        }

        sums.Check(dw, g.OutPixels, $"{g} x{multiplier}");
    }
}
