using Thomas.Graphs;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class AdamUpdate
{
    internal override OpenClKernel CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        int count = node.Output.Shape.ElementCount;
        AdamAttributes a = (AdamAttributes)node.Attributes;
        return new OpenClKernel(
            "f32_adam", UpdateLaunches.Adam(count, a.RateFactor, a.Beta1, a.Beta2, a.Epsilon, a.WeightDecay, a.Decoupled, context.Limits));
    }
}
