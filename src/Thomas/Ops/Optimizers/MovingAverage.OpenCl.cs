using Thomas.Graphs;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class MovingAverage
{
    internal override OpenClKernel CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        int count = node.Output.Shape.ElementCount;
        MovingAverageAttributes a = (MovingAverageAttributes)node.Attributes;
        return new OpenClKernel(
            "f32_movingaverage", UpdateLaunches.MovingAverage(count, 1 - a.Momentum, a.Momentum * a.Factor, context.Limits));
    }
}
