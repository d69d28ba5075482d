using Thomas.Graphs;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class MaxPool2d
{
    internal override OpenClKernel CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        Shape x = node.Inputs[0].Shape, y = node.Output.Shape;
        return y.ElementCount == 0
            ? new OpenClKernel("f32_maxpool")
            : new OpenClKernel("f32_maxpool", PoolLaunches.Max(((MaxPool2dAttributes)node.Attributes).Window.ToGeometry(x, y, x[3]), context.Limits));
    }
}
