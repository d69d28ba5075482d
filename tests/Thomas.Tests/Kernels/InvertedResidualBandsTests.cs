using System;
using Thomas.Kernels;
using Thomas.Kernels.Activations;
using Thomas.Kernels.Blocks;
using Thomas.Kernels.Depthwise;
using Thomas.Kernels.Gemm;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Kernels;

public unsafe class InvertedResidualBandsTests
{
    [Theory]
    [InlineData(5, 9, 7)]
    [InlineData(4, 35, 3)]
    [InlineData(3, 34, 0)]
    [InlineData(0, 8, 33)]
    public void Items_in_any_order_give_the_bits_of_the_parts_and_stay_inside_their_memory(int inputs, int hidden, int outputs)
    {
        foreach (ConvGeometry g in WindowCases.All(hidden, hidden))
        {
            if (g.DilationH != 1) continue;
            foreach ((int threads, int rows) in ((int, int)[])[(1, 56), (1, 2), (2, 56), (7, 2)])
                Check(g, inputs, outputs, threads, new BlockSizes(rows, 1));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Far_inputs_are_read_in_order_inside_them(int stride) => Check(WindowCases.Far(stride), 0, 5, 1, BlockSizes.Default);

    /// <summary>Runs all items from the last to the first, as the last of the threads.</summary>
    private static void Check(ConvGeometry g, int inputs, int outputs, int threads, BlockSizes blocks)
    {
        int hidden = g.Channels, xChannels = inputs > 0 ? inputs : hidden, yChannels = outputs > 0 ? outputs : hidden;
        using GuardedBuffer x = GuardedBuffer.Random((long)g.Batch * g.InH * g.InW * xChannels, 1);
        using GuardedBuffer expand = Packed(inputs, hidden, 2), project = Packed(outputs > 0 ? hidden : 0, outputs, 3);
        using GuardedBuffer filter = GuardedBuffer.Random((long)g.KernelH * g.KernelW * hidden, 4), bias = GuardedBuffer.Random(hidden, 5);
        using GuardedBuffer residual = GuardedBuffer.Random((long)g.OutPixels * yChannels, 6), y = new(residual.Length), ordered = new(filter.Length);
        InvertedResidualBands bands = new(
            g, inputs, outputs, Activation.Relu6, new Activation(ActivationKind.HardSwish), Activation.Clip(-2, 2), threads, blocks);
        using GuardedBuffer workspace = new(bands.WorkspaceBytes(threads) / sizeof(float));
        bands.PackFilter(filter.Pointer, ordered.Pointer);
        InvertedResidualArgs args = new()
        {
            X = x.Pointer,
            Expand = expand.Pointer,
            Filter = ordered.Pointer,
            Bias = bias.Pointer,
            Project = project.Pointer,
            Residual = residual.Pointer,
            Y = y.Pointer,
        };
        for (int item = bands.Items - 1; item >= 0; item--)
            bands.RunItems(args, item, item + 1, workspace.Pointer, threads - 1, threads);
        for (int item = bands.ProjectItems - 1; item >= 0; item--)
            bands.RunProjectItems(args, item, item + 1, workspace.Pointer, threads);

        using GuardedBuffer expanded = new((long)g.Batch * g.InH * g.InW * hidden), convolved = new((long)g.OutPixels * hidden), expected = new(y.Length);
        float* source = x.Pointer;
        if (inputs > 0)
        {
            Multiply(source, expand, expanded, inputs, hidden, Activation.Relu6, null);
            source = expanded.Pointer;
        }

        DepthwiseConvolution depthwise = new(g, 1, new Activation(ActivationKind.HardSwish));
        GuardedBuffer result = outputs > 0 ? expected : convolved;
        depthwise.RunItems(source, filter.Pointer, bias.Pointer, convolved.Pointer, 0, depthwise.Items);
        if (outputs > 0) Multiply(convolved.Pointer, project, expected, hidden, outputs, Activation.Clip(-2, 2), residual.Pointer);
        Expect.True(result.Span.SequenceEqual(y.Span), $"{g}, {inputs} to {outputs} channels, {threads} threads, {blocks}");
    }

    /// <summary>A packed matrix with bias; a single float where there is none.</summary>
    private static GuardedBuffer Packed(int k, int n, int seed)
    {
        if (k == 0) return new GuardedBuffer(1);
        using GuardedBuffer weights = GuardedBuffer.Random((long)k * n, seed), bias = GuardedBuffer.Random(n, seed + 10);
        GuardedBuffer packed = new((long)(PackedMatrix.Bytes(k, n) / sizeof(float)));
        PackedMatrix.PackTransposed(weights.Pointer, k, k, n, bias.Pointer, packed.Pointer);
        return packed;
    }

    private static void Multiply(float* a, GuardedBuffer packed, GuardedBuffer c, int k, int n, Activation activation, float* residual) =>
        MatrixProductTests.Run(
            MatrixProduct.ForMatrix((int)(c.Length / n), n, k, activation, 1),
            new MatrixProductArgs { A = a, StrideA = k, PackedB = packed.Pointer, C = c.Pointer, StrideC = n, Residual = residual, StrideResidual = n });
}
