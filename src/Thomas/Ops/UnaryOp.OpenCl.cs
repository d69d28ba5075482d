using Thomas.Graphs;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal abstract partial class UnaryOp
{
    internal override OpenClKernel CreateOpenClKernel(Node node, OpenClKernelContext context) => new(
        $"f32_{Name.ToLowerInvariant()}", ElementwiseLaunches.Map(OpenClExpression, node.Output.Shape.ElementCount, context.Limits));
}
