using Thomas.Graphs;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class SoftmaxCrossEntropy
{
    internal override OpenClKernel? CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        Shape shape = node.Inputs[0].Shape;
        if (shape.ElementCount == 0) return null;
        (OpenClLaunch[] launches, long workspace) = SoftmaxLaunches.CrossEntropy(shape[0], shape[1], context.Limits);
        return new OpenClKernel("f32_crossentropy", launches) { Workspace = workspace };
    }
}
