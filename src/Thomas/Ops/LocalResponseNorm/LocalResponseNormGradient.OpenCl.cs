using Thomas.Graphs;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class LocalResponseNormGradient
{
    internal override OpenClKernel? CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        LocalResponseNormAttributes a = (LocalResponseNormAttributes)node.Attributes;
        Shape shape = node.Output.Shape;
        if (shape.ElementCount == 0) return new OpenClKernel("f32_lrn_gradient");
        OpenClLaunch? launch = new LocalResponseNormLaunches(shape.ElementCount, shape[-1], a.Size, a.Bias, a.Alpha, a.Beta).Gradient(context.Limits);
        return launch is null ? null : new OpenClKernel("f32_lrn_gradient", launch);
    }
}
