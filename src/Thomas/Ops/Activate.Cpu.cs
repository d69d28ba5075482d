using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Activations;
using Thomas.Kernels.Elementwise;

namespace Thomas.Ops;

internal sealed partial class Activate
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) =>
        new Kernel(((ActivateAttributes)node.Attributes).Activation, node.Output.Shape.ElementCount);

    private sealed unsafe class Kernel(Activation activation, int count) : ElementwiseKernel(count)
    {
        private readonly ActivationFunction _function = activation.Function;

        public override string Name => ElementwiseLoop.KernelName(activation.Kind.ToString().ToLowerInvariant());

        protected override void RunElements(int begin, int count) => _function.Apply(X + begin, Y + begin, count);
    }
}
