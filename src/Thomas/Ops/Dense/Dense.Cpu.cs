using Thomas.Graphs;
using Thomas.Kernels;

namespace Thomas.Ops;

internal sealed partial class Dense
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) => ProductKernel.Dense(node, context);
}
