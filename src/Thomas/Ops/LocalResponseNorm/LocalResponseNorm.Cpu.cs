using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Reduce;

namespace Thomas.Ops;

internal sealed partial class LocalResponseNorm
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) =>
        new Kernel((LocalResponseNormAttributes)node.Attributes, node.Output.Shape);

    private sealed unsafe class Kernel(LocalResponseNormAttributes a, Shape shape) : CpuKernel
    {
        private readonly int _channels = shape[-1];
        private float* _x;
        private float* _y;

        public override string Name => LocalResponseNormKernel.KernelName;

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            _x = (float*)inputs[0];
            _y = (float*)outputs[0];
        }

        public override int Items(int phase) => _channels == 0 ? 0 : shape.ElementCount / _channels;

        public override void Run(int phase, int begin, int end, int thread) =>
            LocalResponseNormKernel.RunItems(_x, _y, _channels, a.Size, a.Bias, a.Alpha, a.Beta, begin, end);
    }
}
