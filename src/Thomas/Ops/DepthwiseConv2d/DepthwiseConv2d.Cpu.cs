using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Depthwise;

namespace Thomas.Ops;

public sealed partial class DepthwiseConv2d
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) => new Kernel(node);

    private sealed unsafe class Kernel : CpuKernel
    {
        private readonly DepthwiseConvolution _convolution;
        private readonly bool _hasBias;
        private float* _x;
        private float* _filter;
        private float* _bias;
        private float* _y;

        public Kernel(Node node)
        {
            DepthwiseConv2dAttributes a = (DepthwiseConv2dAttributes)node.Attributes;
            Shape x = node.Inputs[0].Shape, y = node.Output.Shape;
            _convolution = new DepthwiseConvolution(a.Window.ToGeometry(x, y, x[3]), y[3] / x[3], a.Activation.ToKernel());
            _hasBias = a.HasBias;
        }

        public override string Name => _convolution.KernelName;

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            _x = (float*)inputs[0];
            _filter = (float*)inputs[1];
            _bias = _hasBias ? (float*)inputs[2] : null;
            _y = (float*)outputs[0];
        }

        public override int Items(int phase) => _convolution.Items;

        public override void Run(int phase, int begin, int end, int thread) => _convolution.RunItems(_x, _filter, _bias, _y, begin, end);
    }
}
