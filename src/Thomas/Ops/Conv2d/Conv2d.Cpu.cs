using Thomas.Graphs;
using Thomas.Kernels;

namespace Thomas.Ops;

internal sealed partial class Conv2d
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) => ProductKernel.Convolution(node, context);
}
