using Thomas.Graphs;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class SliceGradient
{
    internal override OpenClKernel CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        SliceGradientAttributes a = (SliceGradientAttributes)node.Attributes;
        Shape dy = node.Inputs[0].Shape;
        SpreadAxis[] axes = new SpreadAxis[dy.Rank];
        for (int i = 0; i < axes.Length; i++) axes[i] = new SpreadAxis(node.Output.Shape[i], a.Begin[i], dy[i], a.Step[i]);
        return new OpenClKernel("x32_slice_gradient", CopyLaunches.Spread(axes, 0, context.Limits));
    }
}
