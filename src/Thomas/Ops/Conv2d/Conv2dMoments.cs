using Thomas.Graphs;
using Thomas.Kernels;

namespace Thomas.Ops;

/// <summary>
/// <see cref="Conv2d"/> and the moments of its result. Operands and settings as there; results: y, and mean, variance and rest [cOut], the rest being what the
/// mean lost when it was rounded. The pass <c>fuse-batch-norm-moments</c> makes it where <see cref="BatchNormFromMoments"/> reads them.
/// </summary>
internal sealed partial class Conv2dMoments : ConvolutionMoments
{
    internal override Op Convolution => OpCatalog.Conv2d;

    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) => ProductKernel.Convolution(node, context);
}
