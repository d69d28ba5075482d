using Thomas.Graphs;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class Pad
{
    internal override OpenClKernel CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        PadAttributes a = (PadAttributes)node.Attributes;
        Shape x = node.Inputs[0].Shape;
        SpreadAxis[] axes = new SpreadAxis[x.Rank];
        for (int i = 0; i < axes.Length; i++) axes[i] = new SpreadAxis(node.Output.Shape[i], a.Before[i], x[i], 1);
        return new OpenClKernel("x32_pad", CopyLaunches.Spread(axes, a.Value, context.Limits));
    }
}
