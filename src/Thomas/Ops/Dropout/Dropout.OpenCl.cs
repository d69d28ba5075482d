using Thomas.Graphs;
using Thomas.Kernels.Elementwise;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class Dropout
{
    internal override OpenClKernel CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        DropoutAttributes a = (DropoutAttributes)node.Attributes;
        return new OpenClKernel(
            "f32_dropout", DropoutLaunches.Of(
                node.Output.Shape.ElementCount, DropoutMask.SplitMix64(a.Seed), DropoutMask.Threshold(a.Rate), 1 - a.Rate, context.Limits));
    }
}
