using Thomas.Graphs;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class Reshape
{
    /// <summary>As on the CPU, only for a reshape that cannot be a view.</summary>
    internal override OpenClKernel CreateOpenClKernel(Node node, OpenClKernelContext context) =>
        new("x8_copy", CopyLaunches.Bytes(node.Output.Type.SizeBytes, context.Limits)) { ReadsOwnTypes = true };
}
