using Thomas.Graphs;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class Conv2dMoments
{
    internal override OpenClKernel? CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        if (Conv2d.ProductOf(node) is not Product product) return null;
        product = product with { Moments = (LaunchArgument.Output(1), LaunchArgument.Output(2), LaunchArgument.Output(3)) };
        return ProductLaunches.Create("conv", product, context);
    }
}
