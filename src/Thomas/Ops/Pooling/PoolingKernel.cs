using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Activations;
using Thomas.Kernels.Pool;

namespace Thomas.Ops;

/// <summary>Max and average pooling on vectors over channels; items are output rows.</summary>
internal sealed unsafe class PoolingKernel : CpuKernel
{
    private readonly Kernels.Pool.Pooling _pooling;
    private readonly ActivationFunction _activation;
    private readonly int _rowLength;
    private float* _x;
    private float* _y;

    public PoolingKernel(Node node, Window2d window, PoolingKind kind, Activation activation)
    {
        Shape x = node.Inputs[0].Shape, y = node.Output.Shape;
        _pooling = new Kernels.Pool.Pooling(window.ToGeometry(x, y, x[3]), kind, window.Padding.Bottom, window.Padding.Right);
        _activation = activation.Function;
        _rowLength = y[2] * y[3];
    }

    public override string Name => _pooling.KernelName;

    public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
    {
        _x = (float*)inputs[0];
        _y = (float*)outputs[0];
    }

    public override int Items(int phase) => _pooling.Items;

    public override void Run(int phase, int begin, int end, int thread)
    {
        _pooling.RunItems(_x, _y, begin, end);
        if (_activation.Kind == ActivationKind.None) return;
        float* rows = _y + ((nint)begin * _rowLength);
        _activation.Apply(rows, rows, (nint)(end - begin) * _rowLength);
    }
}
