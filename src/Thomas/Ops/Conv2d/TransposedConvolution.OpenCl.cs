using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal abstract partial class TransposedConvolution
{
    internal override OpenClKernel? CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        Conv2dGradientAttributes a = (Conv2dGradientAttributes)node.Attributes;
        Shape dy = node.Inputs[0].Shape, filter = node.Inputs[1].Shape, dx = node.Output.Shape;
        if (dy.ElementCount == 0 || filter.ElementCount == 0 || dx.ElementCount == 0) return null;
        int outputs = filter[0] / a.Groups, taps = filter[1] * filter[2];
        ConvGeometry window = a.Window.ToGeometry(dx, dy, outputs);
        bool pointwise = window.IsPointwise;
        Product product = new()
        {
            M = dx.Product(0, 3),
            N = filter[3],
            K = taps * outputs,
            Count = a.Groups,
            FormA = pointwise ? MatrixForm.Rows : MatrixForm.Patches,
            FormB = pointwise ? MatrixForm.Rows : MatrixForm.Taps,
            LdA = dy[3],
            LdB = filter[3],
            LdC = dx[3],
            StepA = outputs,
            StepB = outputs * taps * filter[3],
            StepC = filter[3],
            Window = window,
            IsBackward = !pointwise,
        };
        return ProductLaunches.Create("conv_input_gradient", product, context);
    }
}
