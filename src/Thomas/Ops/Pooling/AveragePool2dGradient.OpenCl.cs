using Thomas.Graphs;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class AveragePool2dGradient
{
    internal override OpenClKernel CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        AveragePool2dGradientAttributes a = (AveragePool2dGradientAttributes)node.Attributes;
        Shape dx = node.Output.Shape;
        return dx.ElementCount == 0
            ? new OpenClKernel("f32_averagepool_gradient")
            : new OpenClKernel(
                "f32_averagepool_gradient",
                PoolLaunches.AverageGradient(a.Window.ToGeometry(dx, node.Inputs[0].Shape, dx[3]), a.CountPadding, context.Limits));
    }
}
