using Thomas.Graphs;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class DepthwiseConv2dFilterGradient
{
    internal override OpenClKernel CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        Shape x = node.Inputs[0].Shape, dy = node.Inputs[1].Shape;
        Window2d window = ((Conv2dGradientAttributes)node.Attributes).Window;
        return DepthwiseGradientLaunches.Filter(window.ToGeometry(x, dy, x[3]), dy[3] / x[3], context.Limits);
    }
}
