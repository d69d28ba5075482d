using Thomas.Graphs;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class Accumulate
{
    internal override OpenClKernel CreateOpenClKernel(Node node, OpenClKernelContext context) =>
        new("f32_accumulate", UpdateLaunches.Accumulate(node.Output.Shape.ElementCount, context.Limits));
}
