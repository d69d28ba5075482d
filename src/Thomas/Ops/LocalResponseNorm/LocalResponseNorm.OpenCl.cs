using Thomas.Graphs;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class LocalResponseNorm
{
    internal override OpenClKernel CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        LocalResponseNormAttributes a = (LocalResponseNormAttributes)node.Attributes;
        Shape shape = node.Output.Shape;
        return shape.ElementCount == 0
            ? new OpenClKernel("f32_lrn")
            : new OpenClKernel(
                "f32_lrn", new LocalResponseNormLaunches(shape.ElementCount, shape[-1], a.Size, a.Bias, a.Alpha, a.Beta).Forward(context.Limits));
    }
}
