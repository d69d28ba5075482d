using System;
using System.Collections.Generic;
using Thomas.Kernels;
using Thomas.Kernels.Activations;
using Thomas.Kernels.Gemm;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Kernels;

public unsafe class WindowRowsTests
{
    /// <summary>Batch, input rows and columns, channels, kernel rows and columns, strides, padding on the four sides, dilation of rows.</summary>
    private static readonly int[][] Windows =
    [
        [1, 9, 11, 3, 3, 3, 1, 1, 1, 1, 1, 1, 1],
        [2, 17, 23, 3, 3, 3, 2, 2, 0, 0, 1, 1, 1],
        [1, 12, 31, 5, 3, 3, 2, 2, 1, 1, 0, 0, 1],
        [1, 28, 28, 1, 5, 5, 1, 1, 2, 2, 2, 2, 1],
        [3, 14, 14, 8, 5, 5, 1, 1, 0, 0, 0, 0, 1],
        [5, 3, 13, 4, 3, 3, 1, 1, 1, 1, 1, 1, 1],
        [40, 2, 8, 2, 2, 1, 1, 1, 1, 0, 0, 0, 1],
        [1, 15, 16, 2, 3, 2, 1, 1, 2, 0, 2, 1, 2],
        [2, 8, 17, 7, 1, 1, 2, 2, 0, 0, 0, 0, 1],
        [1, 7, 16, 6, 1, 3, 1, 1, -1, -2, -2, -1, 1],
        [2, 5, 12, 80, 3, 3, 1, 1, 1, 1, 1, 1, 1],
        [1, 4, 10, 190, 3, 3, 1, 1, 1, 1, 1, 1, 1],
        [1, 20, 150, 4, 3, 3, 1, 1, 1, 1, 1, 1, 1],
    ];

    public static IEnumerable<object[]> Cases()
    {
        for (int window = 0; window < Windows.Length; window++)
        {
            yield return [window, 1, 8];
            yield return [window, 3, 19];
            yield return [window, 1, 70];
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Rows_give_the_bits_of_gathered_patches(int window, int groups, int outputs)
    {
        ConvGeometry g = Geometry(Windows[window], groups);
        Assert.NotNull(WindowRows.For(g));
        int k = g.PatchLength, total = outputs * groups;
        Activation activation = outputs == 19 ? new Activation(ActivationKind.HardSwish) : Activation.Relu6;
        using GuardedBuffer x = GuardedBuffer.Random((long)g.Batch * g.InH * g.InW * g.ChannelStride, 1), w = GuardedBuffer.Random((long)outputs * k, 2);
        using GuardedBuffer bias = GuardedBuffer.Random(outputs, 3), residual = GuardedBuffer.Random((long)g.OutPixels * total, 4);
        using GuardedBuffer packed = MatrixProductTests.Pack(w, k, outputs, bias), patches = new((long)g.OutPixels * k);
        using GuardedBuffer expected = new((long)g.OutPixels * outputs), y = new((long)g.OutPixels * total);
        for (int group = 0; group < groups; group++)
        {
            PatchGather.Gather(g, x.Pointer + (group * g.Channels), 0, g.OutPixels, 0, k, patches.Pointer, k);
            MatrixProductArgs args = new() { A = patches.Pointer, StrideA = k, PackedB = packed.Pointer, C = expected.Pointer, StrideC = outputs };

            // It joins after the first block of k, and the two ways cut long sums at different places.
            args.Residual = k <= 512 ? residual.Pointer + (group * outputs) : null;
            args.StrideResidual = total;
            MatrixProductTests.Run(MatrixProduct.ForMatrix(g.OutPixels, outputs, k, activation, 1), args);
            args.A = x.Pointer + (group * g.Channels);
            args.C = y.Pointer + (group * outputs);
            args.StrideC = total;
            foreach (int threads in new[] { 1, 3 })
            {
                MatrixProduct product = MatrixProduct.ForConvolution(g, outputs, activation, threads);
                using GuardedBuffer workspace = new((long)(product.WorkspaceBytes / sizeof(float)));
                for (int item = product.Items - 1; item >= 0; item--)
                {
                    workspace.Span.Fill(float.NaN);
                    product.RunItems(args, item, item + 1, (byte*)workspace.Pointer);
                }

                for (int m = 0; m < g.OutPixels; m++)
                    Expect.True(
                        expected.Span.Slice(m * outputs, outputs).SequenceEqual(y.Span.Slice((m * total) + (group * outputs), outputs)), $"{g}, pixel {m}");
                y.Span.Fill(float.NaN);
            }
        }
    }

    [Fact]
    public void Rows_within_the_input_need_no_memory()
    {
        Assert.Equal((nuint)0, WindowRows.For(new ConvGeometry(2, 24, 24, 3, 3, 22, 22, 3, 3))!.WorkspaceBytes);
        Assert.Equal((nuint)0, WindowRows.For(new ConvGeometry(2, 24, 24, 3, 6, 12, 12, 1, 1, 2, 2))!.WorkspaceBytes);
        Assert.NotEqual((nuint)0, WindowRows.For(new ConvGeometry(2, 24, 24, 3, 6, 22, 22, 3, 3))!.WorkspaceBytes);
        Assert.NotEqual((nuint)0, WindowRows.For(new ConvGeometry(2, 24, 24, 3, 3, 23, 24, 3, 3, PadLeft: 1))!.WorkspaceBytes);
    }

    [Fact]
    public void Copies_stay_small()
    {
        Assert.InRange(WindowRows.For(new ConvGeometry(1, 224, 224, 64, 64, 224, 224, 3, 3, PadTop: 1, PadLeft: 1))!.WorkspaceBytes, 1u, 3u * 226 * 64 * 4);
        Assert.InRange(WindowRows.For(new ConvGeometry(32, 28, 28, 32, 32, 28, 28, 3, 3, PadTop: 1, PadLeft: 1))!.WorkspaceBytes, 1u, 128u * 1024);
    }

    [Fact]
    public void Patches_are_gathered_where_rows_do_not_serve()
    {
        Assert.Null(WindowRows.For(new ConvGeometry(1, 16, 16, 8, 8, 16, 16, 1, 1)));
        Assert.Null(WindowRows.For(new ConvGeometry(1, 20, 20, 8, 8, 16, 16, 3, 3, DilationW: 2)));
        Assert.Null(WindowRows.For(new ConvGeometry(1, 16, 16, 512, 512, 16, 16, 3, 3, PadTop: 1, PadLeft: 1)));
        Assert.Null(WindowRows.For(new ConvGeometry(64, 3, 3, 8, 8, 1, 1, 3, 3)));
    }

    private static ConvGeometry Geometry(int[] w, int groups) => new(
        w[0], w[1], w[2], w[3], w[3] * groups,
        ((w[1] + w[8] + w[10] - ((w[4] - 1) * w[12]) - 1) / w[6]) + 1, ((w[2] + w[9] + w[11] - w[5]) / w[7]) + 1,
        w[4], w[5], w[6], w[7], w[12], 1, w[8], w[9]);
}
