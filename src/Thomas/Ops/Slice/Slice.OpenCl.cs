using Thomas.Graphs;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class Slice
{
    internal override OpenClKernel CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        SliceAttributes a = (SliceAttributes)node.Attributes;
        Shape y = node.Output.Shape;
        int[] from = node.Inputs[0].Shape.Strides();
        int first = 0;
        for (int i = 0; i < from.Length; i++)
        {
            first += a.Begin[i] * from[i];
            from[i] *= a.Step[i];
        }

        return new OpenClKernel("x32_slice", CopyLaunches.Box(CopyAxes.Of(y.Dims, from, y.Strides()), first, 0, context.Limits));
    }
}
