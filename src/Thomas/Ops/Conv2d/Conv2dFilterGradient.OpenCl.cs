using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class Conv2dFilterGradient
{
    internal override OpenClKernel? CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        Conv2dGradientAttributes a = (Conv2dGradientAttributes)node.Attributes;
        Shape x = node.Inputs[0].Shape, dy = node.Inputs[1].Shape, dw = node.Output.Shape;
        if (a.X is not null || x.ElementCount == 0 || dy.ElementCount == 0 || dw.ElementCount == 0) return null;
        ConvGeometry window = a.Window.ToGeometry(x, dy, dw[3]);
        int k = dw.Product(1, 4), outputs = dw[0] / a.Groups;
        Product product = new()
        {
            M = outputs,
            N = k,
            K = dy.Product(0, 3),
            Count = a.Groups,
            FormA = MatrixForm.Columns,
            FormB = window.IsPointwise ? MatrixForm.Rows : MatrixForm.Patches,
            LdA = dy[3],
            LdB = x[3],
            LdC = k,
            StepA = outputs,
            StepB = dw[3],
            StepC = outputs * k,
            Window = window,
            A = LaunchArgument.Input(1),
            B = LaunchArgument.Input(0),
        };
        return ProductLaunches.Create("conv_filter_gradient", product, context);
    }
}
