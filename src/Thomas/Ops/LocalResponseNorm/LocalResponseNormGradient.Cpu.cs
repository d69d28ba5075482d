using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Reduce;

namespace Thomas.Ops;

internal sealed partial class LocalResponseNormGradient
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) =>
        new Kernel((LocalResponseNormAttributes)node.Attributes, node.Output.Shape);

    private sealed unsafe class Kernel(LocalResponseNormAttributes a, Shape shape) : CpuKernel
    {
        private readonly LocalResponseNormGradientKernel _gradient = new(shape[-1], a.Size, a.Bias, a.Alpha, a.Beta);
        private float* _x;
        private float* _dy;
        private float* _dx;
        private float* _workspace;

        public override string Name => LocalResponseNormGradientKernel.KernelName;

        public override long WorkspaceBytes(int threads) => (long)threads * _gradient.WorkspaceLength * sizeof(float);

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            _x = (float*)inputs[0];
            _dy = (float*)inputs[1];
            _dx = (float*)outputs[0];
            _workspace = (float*)workspace;
        }

        public override int Items(int phase) => shape.ElementCount / shape[-1];

        public override void Run(int phase, int begin, int end, int thread) =>
            _gradient.RunItems(_x, _dy, _dx, _workspace + ((nint)thread * _gradient.WorkspaceLength), begin, end);
    }
}
