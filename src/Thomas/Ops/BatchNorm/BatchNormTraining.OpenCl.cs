using Thomas.Graphs;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class BatchNormTraining
{
    internal override OpenClKernel CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        BatchNormTrainingAttributes a = (BatchNormTrainingAttributes)node.Attributes;
        int channels = node.Output.Shape[-1];
        return BatchNormLaunches.Training(
            node.Output.Shape.ElementCount / channels, channels, a.Epsilon, (a.Activation.Function.Lower, a.Activation.Function.Upper), context.Limits);
    }
}
