using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Elementwise;
using Thomas.Kernels.Optimizers;

namespace Thomas.Ops;

internal sealed partial class AdamUpdate
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) =>
        new Kernel((AdamAttributes)node.Attributes, node.Output.Shape.ElementCount);

    private sealed unsafe class Kernel(AdamAttributes a, int count) : ElementwiseKernel(count)
    {
        private float* _m;
        private float* _v;
        private float* _grad;
        private float* _control;

        public override string Name => ElementwiseLoop.KernelName("adam");

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            base.Bind(inputs, outputs, workspace, threads);
            _m = (float*)inputs[1];
            _v = (float*)inputs[2];
            _grad = (float*)inputs[3];
            _control = (float*)inputs[4];
        }

        protected override void RunElements(int begin, int count)
        {
            float rate = _control[0] * a.RateFactor;
            AdamStep step = new(
                rate * _control[2], _control[1], _control[3], a.Beta1, a.Beta2, a.Epsilon, a.Decoupled ? Math.Max(0, 1 - (rate * a.WeightDecay)) : 1,
                a.Decoupled ? 0 : a.WeightDecay);
            step.Run(Y + begin, _m + begin, _v + begin, _grad + begin, count);
        }
    }
}
