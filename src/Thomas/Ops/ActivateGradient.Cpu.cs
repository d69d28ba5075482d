using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Elementwise;

namespace Thomas.Ops;

public sealed partial class ActivateGradient
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) =>
        new Kernel(((ActivateAttributes)node.Attributes).Activation, node.Output.Shape.ElementCount);

    /// <summary>Uses the map (dy, saved) to dx of an activation.</summary>
    internal static void WithMap<TUse>(Activation activation, TUse use)
        where TUse : struct, IBinaryMapUse
    {
        switch (activation.Kind)
        {
            case ActivationKind.Relu: use.Invoke(new LeakyReluGradientMap(0)); break;
            case ActivationKind.Relu6: use.Invoke(new ClipGradientMap(0, 6, 1)); break;
            case ActivationKind.Clip: use.Invoke(new ClipGradientMap(activation.A, activation.B, 1)); break;
            case ActivationKind.LeakyRelu: use.Invoke(new LeakyReluGradientMap(activation.A)); break;
            case ActivationKind.Sigmoid: use.Invoke(default(SigmoidGradientMap)); break;
            case ActivationKind.HardSigmoid: use.Invoke(new ClipGradientMap(0, 1, activation.A)); break;
            case ActivationKind.HardSwish: use.Invoke(default(HardSwishGradientMap)); break;
            case ActivationKind.Silu: use.Invoke(default(SiluGradientMap)); break;
            case ActivationKind.Tanh: use.Invoke(default(TanhGradientMap)); break;
            default: throw new InvalidOperationException($"{activation.Kind} has no gradient kernel.");
        }
    }

    private sealed unsafe class Kernel(Activation activation, int count) : ElementwiseKernel(count)
    {
        private float* _saved;

        public override string Name => ElementwiseLoop.KernelName($"{activation.Kind.ToString().ToLowerInvariant()}gradient");

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            base.Bind(inputs, outputs, workspace, threads);
            _saved = (float*)inputs[1];
        }

        protected override void RunElements(int begin, int count) => WithMap(activation, new Elements(X + begin, _saved + begin, Y + begin, count));

        private readonly struct Elements(float* dy, float* saved, float* dx, int count) : IBinaryMapUse
        {
            public void Invoke<TMap>(TMap map)
                where TMap : struct, IBinaryMap
                => ElementwiseLoop.Binary(map, dy, saved, dx, count);
        }
    }
}
