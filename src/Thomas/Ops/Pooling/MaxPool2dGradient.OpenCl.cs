using Thomas.Graphs;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class MaxPool2dGradient
{
    internal override OpenClKernel CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        Shape x = node.Inputs[0].Shape, y = node.Inputs[1].Shape;
        Window2d window = ((MaxPool2dAttributes)node.Attributes).Window;
        return x.ElementCount == 0
            ? new OpenClKernel("f32_maxpool_gradient")
            : new OpenClKernel("f32_maxpool_gradient", PoolLaunches.MaxGradient(window.ToGeometry(x, y, x[3]), context.Limits));
    }
}
