using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class ActivateGradient
{
    internal override OpenClKernel? CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        ActivateAttributes a = (ActivateAttributes)node.Attributes;
        if (a.Saved is not null) return null;
        Activation activation = a.Activation;
        return new OpenClKernel(
            $"f32_{activation.Kind.ToString().ToLowerInvariant()}_gradient",
            ElementwiseLaunches.ActivationGradient(activation, node.Output.Shape.ElementCount, context.Limits));
    }
}
