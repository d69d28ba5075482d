using Thomas.Graphs;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class Softmax
{
    internal override OpenClKernel CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        SoftmaxAttributes a = (SoftmaxAttributes)node.Attributes;
        Shape shape = node.Output.Shape;
        string name = a.Logarithm ? "f32_logsoftmax" : "f32_softmax";
        return shape.ElementCount == 0
            ? new OpenClKernel(name)
            : new OpenClKernel(name, SoftmaxLaunches.Softmax(shape.ElementCount / shape[-1], shape[-1], a.Beta, a.Logarithm, context.Limits));
    }
}
