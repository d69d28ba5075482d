using Thomas.Graphs;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class SoftmaxCrossEntropyGradient
{
    internal override OpenClKernel CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        Shape shape = node.Output.Shape;
        return shape.ElementCount == 0
            ? new OpenClKernel("f32_crossentropy_gradient")
            : new OpenClKernel("f32_crossentropy_gradient", SoftmaxLaunches.CrossEntropyGradient(shape[0], shape[1], context.Limits));
    }
}
