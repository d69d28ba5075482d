using Thomas.Graphs;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class SgdUpdate
{
    internal override OpenClKernel CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        int count = node.Output.Shape.ElementCount;
        SgdAttributes a = (SgdAttributes)node.Attributes;
        return new OpenClKernel("f32_sgd", UpdateLaunches.Sgd(count, a.RateFactor, a.Momentum, a.WeightDecay, a.Decoupled, a.Nesterov, context.Limits));
    }
}
