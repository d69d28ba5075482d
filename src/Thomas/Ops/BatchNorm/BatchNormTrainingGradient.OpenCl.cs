using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class BatchNormTrainingGradient
{
    internal override OpenClKernel CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        BatchNormTrainingAttributes a = (BatchNormTrainingAttributes)node.Attributes;
        int channels = node.Output.Shape[-1];
        ActivationFunction function = a.Activation.Function;
        return BatchNormLaunches.TrainingGradient(
            node.Output.Shape.ElementCount / channels, channels, a.Epsilon,
            a.Activation.Kind == ActivationKind.None ? null : (function.Lower, function.Upper), context.Limits);
    }
}
