using Thomas.Graphs;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class ReduceMaxGradient
{
    internal override OpenClKernel CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        Shape shape = node.Output.Shape;
        return shape.ElementCount == 0
            ? new OpenClKernel("f32_reduce_max_gradient")
            : new OpenClKernel("f32_reduce_max_gradient", ReduceLaunches.MaxGradient(shape[0], shape[1], shape[2], context.Limits));
    }
}
