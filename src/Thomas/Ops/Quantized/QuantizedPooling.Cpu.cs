using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Quantized;

namespace Thomas.Ops;

internal sealed partial class QuantizedAveragePool2d
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) =>
        new QuantizedPoolingKernel("i8_averagepool", PoolingOf((QuantizedAveragePool2dAttributes)node.Attributes, node));
}

/// <summary>Pooling of 8-bit tensors; items are output rows.</summary>
internal sealed unsafe class QuantizedPoolingKernel(string name, QuantizedPooling pooling) : CpuKernel
{
    private byte* _x;
    private byte* _y;

    public override string Name => name;

    public override bool WritesFloats => false;

    public override bool ReadsFloats(int input) => false;

    /// <summary>The largest of each window of 8-bit numbers.</summary>
    public static QuantizedPoolingKernel Max(Node node, Window2d window)
    {
        (int low, int high) = StepGrid.Ends(node.Output.Type.DType);
        QuantizedPooling pooling = new(
            window.ToGeometry(node.Inputs[0].Shape, node.Output.Shape, node.Output.Shape[3]), QuantizedPoolKind.Max, new StepGrid(1, 0, low, high).Operand,
            new Requantization(default, [1], 0, low, high));
        return new QuantizedPoolingKernel("x8_maxpool", pooling);
    }

    public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
    {
        _x = (byte*)inputs[0];
        _y = (byte*)outputs[0];
    }

    public override int Items(int phase) => pooling.Items;

    public override void Run(int phase, int begin, int end, int thread) => pooling.RunItems(_x, _y, begin, end);
}
