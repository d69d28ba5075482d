using Thomas.Graphs;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class Cast
{
    internal override OpenClKernel CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        DType from = node.Inputs[0].Type.DType, to = node.Output.Type.DType;
        return new OpenClKernel(
            $"{from}_to_{to}_cast".ToLowerInvariant(), CastLaunches.Of(from.ToString(), to.ToString(), node.Output.Shape.ElementCount, context.Limits))
        {
            ReadsOwnTypes = true,
        };
    }
}
