using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Activations;
using Thomas.Kernels.Elementwise;

namespace Thomas.Ops;

internal sealed partial class ActivateGradient
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) =>
        new Kernel(((ActivateAttributes)node.Attributes).Activation, node.Output.Shape.ElementCount);

    private sealed unsafe class Kernel(Activation activation, int count) : ElementwiseKernel(count)
    {
        private readonly ActivationFunction _function = activation.Function;
        private float* _saved;

        public override string Name => ElementwiseLoop.KernelName($"{activation.Kind.ToString().ToLowerInvariant()}gradient");

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            base.Bind(inputs, outputs, workspace, threads);
            _saved = (float*)inputs[1];
        }

        protected override void RunElements(int begin, int count) => _function.ApplyGradient(X + begin, _saved + begin, Y + begin, count);
    }
}
