using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Quantized;

namespace Thomas.Ops;

internal sealed partial class QuantizedAveragePool2d
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context)
    {
        QuantizedAveragePool2dAttributes a = (QuantizedAveragePool2dAttributes)node.Attributes;
        int taps = a.Window.KernelH * a.Window.KernelW;

        // With padding the windows have several divisors.
        if (a.Window.Padding != default && (a.CountPadding || a.Rule is not null)) return new ReferenceKernel(node);
        Requantization finish = new(a.Rule ?? default, [Ratio(a, taps)], a.Y.ZeroPoint, a.Lower, a.Upper);
        return new QuantizedPoolingKernel(node, a.Window, a.Rule is null ? QuantizedPoolKind.Average : QuantizedPoolKind.Sum, a.X, finish);
    }
}

/// <summary>Pooling of 8-bit tensors; items are output rows.</summary>
internal sealed unsafe class QuantizedPoolingKernel(Node node, Window2d window, QuantizedPoolKind kind, Grid x, Requantization finish) : CpuKernel
{
    private readonly QuantizedPooling _pooling = new(
        window.ToGeometry(node.Inputs[0].Shape, node.Output.Shape, node.Output.Shape[3]), kind, new QuantizedOperand(x.Scale, x.ZeroPoint, x.Type == DType.I8),
        finish);

    private byte* _x;
    private byte* _y;

    public override string Name => $"i8_{kind.ToString().ToLowerInvariant()}pool";

    public override bool WritesFloats => false;

    public override bool ReadsFloats(int input) => false;

    /// <summary>The largest of each window of 8-bit numbers.</summary>
    public static QuantizedPoolingKernel Max(Node node, Window2d window)
    {
        (int low, int high) = Grid.Ends(node.Output.Type.DType);
        return new QuantizedPoolingKernel(node, window, QuantizedPoolKind.Max, new Grid(1, 0, low, high), new Requantization(default, [1], 0, low, high));
    }

    public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
    {
        _x = (byte*)inputs[0];
        _y = (byte*)outputs[0];
    }

    public override int Items(int phase) => _pooling.Items;

    public override void Run(int phase, int begin, int end, int thread) => _pooling.RunItems(_x, _y, begin, end);
}
