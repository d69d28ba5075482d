using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class Activate
{
    internal override OpenClKernel CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        Activation activation = ((ActivateAttributes)node.Attributes).Activation;
        return new OpenClKernel(
            $"f32_{activation.Kind.ToString().ToLowerInvariant()}",
            ElementwiseLaunches.Map(ActivationMacros.Value(activation).Text, node.Output.Shape.ElementCount, context.Limits));
    }
}
