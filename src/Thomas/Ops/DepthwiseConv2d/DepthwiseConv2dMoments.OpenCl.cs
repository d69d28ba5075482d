using Thomas.Graphs;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class DepthwiseConv2dMoments
{
    internal override OpenClKernel CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        (string name, OpenClLaunch[] launches) = DepthwiseConv2d.Launches(node, context);
        Shape y = node.Output.Shape;
        ColumnPlan plan = new(y.Product(0, 3), y[3], context.Limits);
        LaunchArgument[] results = [LaunchArgument.Output(1), LaunchArgument.Output(2), LaunchArgument.Output(3)];
        return new OpenClKernel(
            $"{name}_moments", [.. launches, .. BatchNormLaunches.Moments(plan, LaunchArgument.Output(), results, LaunchArgument.Workspace())])
        {
            Workspace = BatchNormLaunches.MomentsBytes(plan),
        };
    }
}
