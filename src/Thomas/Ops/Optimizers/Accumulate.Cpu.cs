using System;
using System.Runtime.InteropServices;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Elementwise;

namespace Thomas.Ops;

internal sealed partial class Accumulate
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) => new Kernel(node.Output.Shape.ElementCount);

    private sealed unsafe class Kernel(int count) : ElementwiseKernel(count)
    {
        private float* _grad;
        private float* _keep;

        public override string Name => ElementwiseLoop.KernelName("accumulate");

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            base.Bind(inputs, outputs, workspace, threads);
            _grad = (float*)inputs[1];
            _keep = (float*)inputs[2];
        }

        protected override void RunElements(int begin, int count)
        {
            if (*_keep == 0) NativeMemory.Copy(_grad + begin, Y + begin, (nuint)count * sizeof(float));
            else ElementwiseLoop.Binary(default(AddMap), X + begin, _grad + begin, Y + begin, count);
        }
    }
}
