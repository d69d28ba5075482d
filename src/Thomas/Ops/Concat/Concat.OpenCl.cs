using Thomas.Graphs;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class Concat
{
    internal override OpenClKernel CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        int axis = ((ConcatAttributes)node.Attributes).Axis;
        int[] lengths = new int[node.Inputs.Count];
        for (int i = 0; i < lengths.Length; i++) lengths[i] = node.Inputs[i].Shape.Product(axis, node.Inputs[i].Shape.Rank);
        return new OpenClKernel("x32_concat", CopyLaunches.Concat(node.Output.Shape.Product(0, axis), lengths, context.Limits));
    }
}
