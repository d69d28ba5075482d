using Thomas.Graphs;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class DepthwiseConv2dInputGradient
{
    internal override OpenClKernel CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        Shape dy = node.Inputs[0].Shape, x = node.Output.Shape;
        Window2d window = ((Conv2dGradientAttributes)node.Attributes).Window;
        return DepthwiseGradientLaunches.Input(window.ToGeometry(x, dy, x[3]), dy[3] / x[3], context.Limits);
    }
}
