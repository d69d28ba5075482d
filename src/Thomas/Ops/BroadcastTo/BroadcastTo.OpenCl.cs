using Thomas.Graphs;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class BroadcastTo
{
    internal override OpenClKernel CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        Shape y = node.Output.Shape;
        CopyAxes axes = CopyAxes.Of(y.Dims, BinaryOp.BroadcastStrides(node.Inputs[0].Shape, y), y.Strides());
        return new OpenClKernel("x32_broadcast", CopyLaunches.Box(axes, 0, 0, context.Limits));
    }
}
