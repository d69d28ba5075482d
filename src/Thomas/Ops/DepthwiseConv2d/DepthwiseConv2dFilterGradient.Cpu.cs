using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Depthwise;

namespace Thomas.Ops;

internal sealed partial class DepthwiseConv2dFilterGradient
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) => new Kernel(node);

    private sealed unsafe class Kernel : CpuKernel
    {
        private readonly DepthwiseFilterGradient _gradient;
        private float* _x;
        private float* _dy;
        private float* _dw;
        private float* _partial;

        public Kernel(Node node)
        {
            Conv2dGradientAttributes a = (Conv2dGradientAttributes)node.Attributes;
            Shape x = node.Inputs[0].Shape, dy = node.Inputs[1].Shape;
            _gradient = new DepthwiseFilterGradient(a.Window.ToGeometry(x, dy, x[3]), dy[3] / x[3]);
        }

        public override string Name => _gradient.KernelName;

        public override int Phases => 2;

        public override long WorkspaceBytes(int threads) => (long)_gradient.PartialFloats * sizeof(float);

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            _x = (float*)inputs[0];
            _dy = (float*)inputs[1];
            _dw = (float*)outputs[0];
            _partial = (float*)workspace;
        }

        public override int Items(int phase) => phase == 0 ? _gradient.Items : _gradient.SumItems;

        public override void Run(int phase, int begin, int end, int thread)
        {
            if (phase == 0) _gradient.RunItems(_x, _dy, _dw, _partial, begin, end);
            else _gradient.Sum(_dw, _partial, begin, end);
        }
    }
}
