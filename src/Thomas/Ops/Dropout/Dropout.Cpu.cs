using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Elementwise;

namespace Thomas.Ops;

internal sealed partial class Dropout
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) =>
        new Kernel((DropoutAttributes)node.Attributes, node.Output.Shape.ElementCount);

    private sealed unsafe class Kernel(DropoutAttributes a, int count) : ElementwiseKernel(count)
    {
        private float* _step;

        public override string Name => ElementwiseLoop.KernelName("dropout");

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            base.Bind(inputs, outputs, workspace, threads);
            _step = (float*)inputs[1];
        }

        protected override void RunElements(int begin, int count) => new DropoutMask(a.Seed, *_step, a.Rate).Apply(X + begin, Y + begin, begin, count);
    }
}
