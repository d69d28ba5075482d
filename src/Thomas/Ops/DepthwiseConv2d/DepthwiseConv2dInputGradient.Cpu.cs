using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Depthwise;

namespace Thomas.Ops;

internal sealed partial class DepthwiseConv2dInputGradient
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) => new Kernel(node);

    private sealed unsafe class Kernel : CpuKernel
    {
        private readonly DepthwiseInputGradient _gradient;
        private float* _dy;
        private float* _filter;
        private float* _packed;
        private float* _dx;

        public Kernel(Node node)
        {
            Conv2dGradientAttributes a = (Conv2dGradientAttributes)node.Attributes;
            Shape dy = node.Inputs[0].Shape, dx = node.Output.Shape;
            _gradient = new DepthwiseInputGradient(a.Window.ToGeometry(dx, dy, dx[3]), dy[3] / dx[3]);
        }

        public override string Name => _gradient.KernelName;

        public override int Phases => 2;

        public override long WorkspaceBytes(int threads) => (long)_gradient.PackedFloats * sizeof(float);

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            _dy = (float*)inputs[0];
            _filter = (float*)inputs[1];
            _packed = _gradient.PackedFloats > 0 ? (float*)workspace : _filter;
            _dx = (float*)outputs[0];
        }

        public override int Items(int phase) => phase == 1 ? _gradient.Items : _gradient.PackedFloats > 0 ? 1 : 0;

        public override void Run(int phase, int begin, int end, int thread)
        {
            if (phase == 0) _gradient.Pack(_filter, _packed);
            else _gradient.RunItems(_dy, _packed, _dx, begin, end);
        }
    }
}
