using Thomas.Graphs;
using Thomas.Kernels;

namespace Thomas.Ops;

public sealed partial class Dense
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) => ProductKernel.Dense(node, context);
}
