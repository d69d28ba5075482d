using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class ActivateBiasGradient
{
    internal override OpenClKernel? CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        Activation activation = ((ActivateAttributes)node.Attributes).Activation;
        Shape shape = node.Output.Shape;
        if (shape.ElementCount == 0 || ((ActivateAttributes)node.Attributes).Saved is not null) return null;
        (OpenClLaunch[] launches, long workspace) =
            BiasGradientLaunches.Of(activation, shape.ElementCount / shape[-1], shape[-1], context.Limits);
        return new OpenClKernel($"f32_{activation.Kind.ToString().ToLowerInvariant()}_bias_gradient", launches) { Workspace = workspace };
    }
}
