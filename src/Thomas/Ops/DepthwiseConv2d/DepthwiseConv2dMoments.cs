using Thomas.Graphs;
using Thomas.Kernels;

namespace Thomas.Ops;

/// <summary>
/// <see cref="DepthwiseConv2d"/> and the moments of its result. Operands and settings as there; results: y, and mean, variance and rest [cOut], the rest being
/// what the mean lost when it was rounded. The pass <c>fuse-batch-norm-moments</c> makes it where <see cref="BatchNormFromMoments"/> reads them.
/// </summary>
internal sealed partial class DepthwiseConv2dMoments : ConvolutionMoments
{
    internal override Op Convolution => OpCatalog.DepthwiseConv2d;

    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) => new DepthwiseConv2d.Kernel(node, hasMoments: true);
}
