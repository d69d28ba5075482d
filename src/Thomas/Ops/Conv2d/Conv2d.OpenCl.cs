using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class Conv2d
{
    internal override OpenClKernel? CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        Conv2dAttributes a = (Conv2dAttributes)node.Attributes;
        Shape x = node.Inputs[0].Shape, filter = node.Inputs[1].Shape, y = node.Output.Shape;
        if (x.ElementCount == 0 || filter.ElementCount == 0 || y.ElementCount == 0) return null;
        ConvGeometry window = a.Window.ToGeometry(x, y, filter[3]);
        int k = filter.Product(1, 4), outputs = filter[0] / a.Groups;
        Product product = new()
        {
            M = y.Product(0, 3),
            N = outputs,
            K = k,
            Count = a.Groups,
            FormA = window.IsPointwise ? MatrixForm.Rows : MatrixForm.Patches,
            FormB = MatrixForm.Columns,
            LdA = x[3],
            LdB = k,
            LdC = y[3],
            StepA = filter[3],
            StepB = a.Groups == 1 ? 0 : outputs * k,
            StepC = outputs,
            Window = window,
            Bias = a.HasBias ? LaunchArgument.Input(2) : null,
            Residual = a.HasResidual ? LaunchArgument.Input(node.Inputs.Count - 1) : null,
            Activation = a.Activation,
            IsConstantB = node.Inputs[1].IsConstant,
        };
        return ProductLaunches.Create("conv", product, context);
    }
}
