using Thomas.Graphs;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class MatMul
{
    internal override OpenClKernel? CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        MatMulAttributes t = (MatMulAttributes)node.Attributes;
        Shape a = node.Inputs[0].Shape, b = node.Inputs[1].Shape, y = node.Output.Shape;
        if (a.ElementCount == 0 || b.ElementCount == 0) return null;

        // One distance from product to product; operands that stretch along some axes before the matrices and not along others have more.
        BroadcastAxes axes = BroadcastAxes.Of(Products(a), Products(b), Products(y));
        if (axes.Sizes.Length > 1) return null;
        Product product = new()
        {
            M = y[-2],
            N = y[-1],
            K = a[t.TransposeA ? -2 : -1],
            Count = axes.Sizes[0],
            FormA = t.TransposeA ? MatrixForm.Columns : MatrixForm.Rows,
            FormB = t.TransposeB ? MatrixForm.Columns : MatrixForm.Rows,
            LdA = a[-1],
            LdB = b[-1],
            LdC = y[-1],
            StepA = axes.StridesA[0] * a[-1] * a[-2],
            StepB = axes.StridesB[0] * b[-1] * b[-2],
            StepC = y[-1] * y[-2],
            IsConstantB = node.Inputs[1].IsConstant,
        };
        return ProductLaunches.Create("matmul", product, context);
    }
}
