using Thomas.Graphs;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class Transpose
{
    internal override OpenClKernel CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        IntList perm = ((TransposeAttributes)node.Attributes).Perm;
        Shape y = node.Output.Shape;
        int[] own = node.Inputs[0].Shape.Strides(), from = new int[own.Length];
        for (int i = 0; i < from.Length; i++) from[i] = own[perm[i]];
        CopyAxes axes = CopyAxes.Of(y.Dims, from, y.Strides());
        return TransposeLaunches.Of(axes, context) is OpenClLaunch tiled
            ? new OpenClKernel("x32_transpose_tiles", tiled)
            : new OpenClKernel("x32_transpose", CopyLaunches.Box(axes, 0, 0, context.Limits));
    }
}
