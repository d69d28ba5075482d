using Thomas.Graphs;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class BatchNormFromMoments
{
    internal override OpenClKernel CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        BatchNormTrainingAttributes a = (BatchNormTrainingAttributes)node.Attributes;
        int channels = node.Output.Shape[-1];
        LaunchArgument[] operands =
        [
            LaunchArgument.Input(0), LaunchArgument.Input(1), LaunchArgument.Input(2), LaunchArgument.Input(3), LaunchArgument.Input(4),
            LaunchArgument.Input(5),
        ];
        return new OpenClKernel("f32_batchnormfrommoments", BatchNormLaunches.Normalize(
            node.Output.Shape.ElementCount / channels, channels, operands, a.Epsilon, (a.Activation.Function.Lower, a.Activation.Function.Upper),
            context.Limits));
    }
}
