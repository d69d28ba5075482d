using Thomas.Graphs;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class Cast
{
    internal override OpenClKernel CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        DType from = node.Inputs[0].Type.DType, to = node.Output.Type.DType;
        string name = $"{from}_to_{to}_cast".ToLowerInvariant();

        // A cast of 16-bit floats to their own type makes each NaN a quiet one.
        return new OpenClKernel(
            name, from == to && !from.IsHalf()
                ? CopyLaunches.Bytes(node.Output.Type.SizeBytes, context.Limits)
                : CastLaunches.Of(from.ToString(), to.ToString(), node.Output.Shape.ElementCount, context.Limits))
        {
            ReadsOwnTypes = true,
        };
    }
}
