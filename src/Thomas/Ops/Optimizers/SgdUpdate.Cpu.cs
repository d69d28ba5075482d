using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Elementwise;
using Thomas.Kernels.Optimizers;

namespace Thomas.Ops;

internal sealed partial class SgdUpdate
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) =>
        new Kernel((SgdAttributes)node.Attributes, node.Output.Shape.ElementCount);

    private sealed unsafe class Kernel(SgdAttributes a, int count) : ElementwiseKernel(count)
    {
        private float* _v;
        private float* _grad;
        private float* _control;

        public override string Name => ElementwiseLoop.KernelName("sgd");

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            base.Bind(inputs, outputs, workspace, threads);
            _v = (float*)inputs[1];
            _grad = (float*)inputs[2];
            _control = (float*)inputs[3];
        }

        protected override void RunElements(int begin, int count)
        {
            float rate = _control[0] * a.RateFactor;
            SgdStep step = new(
                rate, _control[1], a.Momentum, a.Decoupled ? Math.Max(0, 1 - (rate * a.WeightDecay)) : 1, a.Decoupled ? 0 : a.WeightDecay, a.Nesterov);
            step.Run(Y + begin, _v + begin, _grad + begin, count);
        }
    }
}
