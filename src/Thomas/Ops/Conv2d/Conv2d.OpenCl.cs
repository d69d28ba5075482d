using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class Conv2d
{
    internal override OpenClKernel? CreateOpenClKernel(Node node, OpenClKernelContext context) =>
        ProductOf(node) is Product product ? ProductLaunches.Create("conv", product, context) : null;

    /// <summary>The product of a node with these operands, settings and first result; null if any of them is empty.</summary>
    internal static Product? ProductOf(Node node)
    {
        Conv2dAttributes a = (Conv2dAttributes)node.Attributes;
        Shape x = node.Inputs[0].Shape, filter = node.Inputs[1].Shape, y = node.Output.Shape;
        if (x.ElementCount == 0 || filter.ElementCount == 0 || y.ElementCount == 0) return null;
        return ProductOf(a, x, filter, y) with
        {
            Bias = a.HasBias ? LaunchArgument.Input(2) : null,
            Residual = a.HasResidual ? LaunchArgument.Input(node.Inputs.Count - 1) : null,
            IsConstantB = node.Inputs[1].IsConstant,
        };
    }

    /// <summary>The product of a convolution, without bias and residual.</summary>
    internal static Product ProductOf(Conv2dAttributes a, Shape x, Shape filter, Shape y)
    {
        ConvGeometry window = a.Window.ToGeometry(x, y, filter[3]);
        int k = filter.Product(1, 4), outputs = filter[0] / a.Groups;
        return new Product
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
            Activation = a.Activation,
        };
    }
}
