using System;
using System.Runtime.CompilerServices;
using Thomas.Kernels;
using Thomas.Kernels.Activations;
using Thomas.Kernels.Depthwise;
using Thomas.Kernels.Gemm;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Kernels;

public unsafe class ConvolutionTests
{
    [Theory]
    [InlineData(1, 3)]
    [InlineData(3, 8)]
    [InlineData(5, 33)]
    public void Convolution_matches_reference(int cIn, int cOut)
    {
        foreach (ConvGeometry g in WindowCases.All(cIn, cIn))
            CheckConvolution(g, cOut, groups: 1);
    }

    [Fact]
    public void Groups_run_as_one_product_each()
    {
        foreach (ConvGeometry g in WindowCases.All(2, 6))
            CheckConvolution(g, 5, groups: 3);
    }

    [Fact]
    public void Patches_longer_than_a_block_are_cut_inside_a_window_row()
    {
        ConvGeometry g = new(1, 5, 6, 80, 80, 5, 6, 3, 3, PadTop: 1, PadLeft: 1);
        CheckConvolution(g, 7, groups: 1);
        CheckConvolution(g with { DilationW = 2, PadLeft = 2 }, 3, groups: 1);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(16)]
    [InlineData(24)]
    [InlineData(31)]
    [InlineData(45)]
    public void Depthwise_matches_reference(int channels)
    {
        foreach (ConvGeometry g in WindowCases.All(channels, channels))
        {
            CheckDepthwise(g, 1, Activation.Relu6, bias: true);
            if (channels < 8) CheckDepthwise(g, 1, new Activation(ActivationKind.HardSwish), bias: false);
        }
    }

    [Theory]
    [InlineData(3, 1)]
    [InlineData(3, 2)]
    [InlineData(5, 1)]
    [InlineData(5, 2)]
    public void Depthwise_of_every_width_matches_reference(int kernel, int stride)
    {
        foreach (ConvGeometry g in WindowCases.Widths(kernel, stride, 19))
            CheckDepthwise(g, 1, Activation.Relu6, bias: true);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Depthwise_of_far_tensors_stays_inside_them(int stride) => CheckDepthwise(WindowCases.Far(stride), 1, Activation.None, bias: true);

    [Fact]
    public void Depthwise_with_multiplier_matches_reference()
    {
        foreach (ConvGeometry g in WindowCases.All(3, 3))
            CheckDepthwise(g, 2, Activation.Clip(-0.5f, 0.75f), bias: true);
    }

    [Fact]
    public void Depthwise_reads_a_channel_range_of_wider_pixels()
    {
        foreach (ConvGeometry g in WindowCases.All(5, 9))
            CheckDepthwise(g, 1, Activation.None, bias: true);
    }

    [Fact]
    public void Depthwise_passes_NaN_on_to_the_windows_that_see_it()
    {
        ConvGeometry g = new(1, 6, 9, 20, 20, 6, 9, 3, 3, PadTop: 1, PadLeft: 1);
        using GuardedBuffer x = GuardedBuffer.Random(6 * 9 * 20, 1), w = GuardedBuffer.Random(9 * 20, 2), y = new(6 * 9 * 20);
        x.Span[(((2 * 9) + 4) * 20) + 17] = float.NaN;
        DepthwiseConvolution kernel = new(g, 1, Activation.Relu6);
        kernel.RunItems(x.Pointer, w.Pointer, null, y.Pointer, 0, kernel.Items);
        for (int i = 0; i < y.Length; i++)
        {
            int c = i % 20, ox = i / 20 % 9, oy = i / 180;
            Assert.Equal(c == 17 && Math.Abs(ox - 4) <= 1 && Math.Abs(oy - 2) <= 1, float.IsNaN(y.Span[i]));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CheckConvolution(ConvGeometry g, int cOut, int groups)
    {
        int total = cOut * groups;
        using GuardedBuffer x = GuardedBuffer.Random((long)g.Batch * g.InH * g.InW * g.ChannelStride, 1);
        using GuardedBuffer w = GuardedBuffer.Random((long)total * g.PatchLength, 2), bias = GuardedBuffer.Random(total, 3);
        using GuardedBuffer y = new((long)g.OutPixels * total);
        MatrixProduct product = MatrixProduct.ForConvolution(g, cOut, Activation.Relu, 1);
        for (int group = 0; group < groups; group++)
        {
            using GuardedBuffer packed = new((long)(PackedMatrix.Bytes(g.PatchLength, cOut) / sizeof(float)));
            float* filter = w.Pointer + (group * cOut * g.PatchLength);
            PackedMatrix.PackTransposed(filter, g.PatchLength, g.PatchLength, cOut, bias.Pointer + (group * cOut), packed.Pointer);
            MatrixProductTests.Run(product, new MatrixProductArgs
            {
                A = x.Pointer + (group * g.Channels),
                PackedB = packed.Pointer,
                C = y.Pointer + (group * cOut),
                StrideC = total,
            });
        }

        for (int i = 0; i < y.Length; i++)
        {
            int o = i % total, first = o / cOut * g.Channels;
            double sum = bias.Span[o], scale = 1;
            foreach ((int pixel, int ky, int kx) in WindowCases.TapsOf(g, i / total))
            {
                for (int c = 0; c < g.Channels; c++)
                {
                    double term = (double)x.Span[(pixel * g.ChannelStride) + first + c]
                        * w.Span[(o * g.PatchLength) + (((ky * g.KernelW) + kx) * g.Channels) + c];
                    sum += term;
                    scale += Math.Abs(term);
                }
            }
            Tolerance.Check(y.Span[i], Math.Max(sum, 0), Tolerance.Sum(scale, g.PatchLength), $"{g} cOut {cOut} [{i}]");
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CheckDepthwise(ConvGeometry g, int multiplier, Activation activation, bool bias)
    {
        int total = g.Channels * multiplier;
        using GuardedBuffer x = GuardedBuffer.Random(((long)g.Batch * g.InH * g.InW * g.ChannelStride) - g.ChannelStride + g.Channels, 1);
        using GuardedBuffer w = GuardedBuffer.Random(g.KernelH * g.KernelW * total, 2), b = GuardedBuffer.Random(total, 3);
        using GuardedBuffer y = new((long)g.OutPixels * total);
        DepthwiseConvolution kernel = new(g, multiplier, activation);
        for (int row = kernel.Items - 1; row >= 0; row--)
            kernel.RunItems(x.Pointer, w.Pointer, bias ? b.Pointer : null, y.Pointer, row, row + 1);
        for (int i = 0; i < y.Length; i++)
        {
            int o = i % total;
            double sum = bias ? b.Span[o] : 0, scale = 1;
            foreach ((int pixel, int ky, int kx) in WindowCases.TapsOf(g, i / total))
            {
                double term = (double)x.Span[(pixel * g.ChannelStride) + (o / multiplier)] * w.Span[(((ky * g.KernelW) + kx) * total) + o];
                sum += term;
                scale += Math.Abs(term);
            }
            Tolerance.Check(y.Span[i], ReferenceMath.Activate(activation, sum), Tolerance.Sum(scale, g.KernelH * g.KernelW), $"{g} x{multiplier} [{i}]");
        }
    }
}
