using Thomas.Graphs;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal abstract partial class BinaryOp
{
    internal override OpenClKernel? CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        BroadcastAxes axes = BroadcastAxes.Of(node.Inputs[0].Shape, node.Inputs[1].Shape, node.Output.Shape);
        int count = node.Output.Shape.ElementCount;
        string name = $"f32_{Name.ToLowerInvariant()}";
        if (axes.Sizes.Length == 1)
        {
            return new OpenClKernel(name, ElementwiseLaunches.Map(OpenClExpression, count, axes.StridesA[0] == 0, axes.StridesB[0] == 0, context.Limits));
        }

        if (axes.Sizes.Length > ElementwiseLaunches.MostAxes) return null;
        return new OpenClKernel($"{name}_strided", ElementwiseLaunches.Map(OpenClExpression, count, axes.Sizes, axes.StridesA, axes.StridesB, context.Limits));
    }
}
