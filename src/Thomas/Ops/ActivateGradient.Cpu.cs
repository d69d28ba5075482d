using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Elementwise;

namespace Thomas.Ops;

public sealed partial class ActivateGradient
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) =>
        new Kernel(((ActivateAttributes)node.Attributes).Activation, node.Output.Shape.ElementCount);

    private sealed unsafe class Kernel(Activation activation, int count) : ElementwiseKernel(count)
    {
        private float* _saved;

        public override string Name => ElementwiseLoop.KernelName($"{activation.Kind.ToString().ToLowerInvariant()}gradient");

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            base.Bind(inputs, outputs, workspace, threads);
            _saved = (float*)inputs[1];
        }

        protected override void RunElements(int begin, int count)
        {
            float* dy = X + begin, saved = _saved + begin, dx = Y + begin;
            switch (activation.Kind)
            {
                case ActivationKind.Relu: ElementwiseLoop.Binary(new LeakyReluGradientMap(0), dy, saved, dx, count); break;
                case ActivationKind.Relu6: ElementwiseLoop.Binary(new ClipGradientMap(0, 6, 1), dy, saved, dx, count); break;
                case ActivationKind.Clip: ElementwiseLoop.Binary(new ClipGradientMap(activation.A, activation.B, 1), dy, saved, dx, count); break;
                case ActivationKind.LeakyRelu: ElementwiseLoop.Binary(new LeakyReluGradientMap(activation.A), dy, saved, dx, count); break;
                case ActivationKind.Sigmoid: ElementwiseLoop.Binary(default(SigmoidGradientMap), dy, saved, dx, count); break;
                case ActivationKind.HardSigmoid: ElementwiseLoop.Binary(new ClipGradientMap(0, 1, activation.A), dy, saved, dx, count); break;
                case ActivationKind.HardSwish: ElementwiseLoop.Binary(default(HardSwishGradientMap), dy, saved, dx, count); break;
                case ActivationKind.Silu: ElementwiseLoop.Binary(default(SiluGradientMap), dy, saved, dx, count); break;
                case ActivationKind.Tanh: ElementwiseLoop.Binary(default(TanhGradientMap), dy, saved, dx, count); break;
                default: throw new InvalidOperationException($"{activation.Kind} has no gradient kernel.");
            }
        }
    }
}
