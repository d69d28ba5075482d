using Thomas.Graphs;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class Dense
{
    internal override OpenClKernel? CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        DenseAttributes a = (DenseAttributes)node.Attributes;
        Shape x = node.Inputs[0].Shape, y = node.Output.Shape;
        if (x.ElementCount == 0 || y.ElementCount == 0) return null;
        Product product = new()
        {
            M = y[0],
            N = y[1],
            K = x[1],
            FormB = MatrixForm.Columns,
            LdA = x[1],
            LdB = x[1],
            LdC = y[1],
            Bias = a.HasBias ? LaunchArgument.Input(2) : null,
            Activation = a.Activation,
            IsConstantB = node.Inputs[1].IsConstant,
        };
        return ProductLaunches.Create("dense", product, context);
    }
}
