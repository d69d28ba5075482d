using Thomas.Graphs;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class BatchNorm
{
    internal override OpenClKernel CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        int channels = node.Output.Shape[-1];
        LaunchArgument[] operands =
            [LaunchArgument.Input(0), LaunchArgument.Input(1), LaunchArgument.Input(2), LaunchArgument.Input(3), LaunchArgument.Input(4)];
        return new OpenClKernel("f32_batchnorm", BatchNormLaunches.Normalize(
            node.Output.Shape.ElementCount / channels, channels, operands, ((BatchNormAttributes)node.Attributes).Epsilon,
            (float.NegativeInfinity, float.PositiveInfinity), context.Limits));
    }
}
