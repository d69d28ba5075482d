using System;
using Thomas.Graphs;

namespace Thomas.Ops;

/// <summary>Settings of a matrix product.</summary>
/// <param name="TransposeA">Whether the first operand is stored as [k,m].</param>
/// <param name="TransposeB">Whether the second operand is stored as [n,k].</param>
public sealed record MatMulAttributes(bool TransposeA = false, bool TransposeB = false) : OpAttributes;

/// <summary>Product of two matrices, either of which may be stored transposed. Operands: a [m,k], b [k,n]. The gradients of a dense layer are such products.</summary>
public sealed partial class MatMul : Op
{
    /// <inheritdoc/>
    public override string Name => "MatMul";

    /// <inheritdoc/>
    public override string Formula => "y[i,j] = sum_k a[i,k] * b[k,j]";

    internal override bool IsTrainingOnly => true;

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        MatMulAttributes t = (MatMulAttributes)attributes;
        RequireInputs(inputs, 2);
        Shape a = inputs[0].Shape, b = inputs[1].Shape;
        Require(a.Rank == 2 && b.Rank == 2 && a[t.TransposeA ? 0 : 1] == b[t.TransposeB ? 1 : 0], $"{a} and {b} do not fit ({t})");
        return [new TensorType(DType.F32, new Shape(a[t.TransposeA ? 1 : 0], b[t.TransposeB ? 0 : 1]))];
    }

    internal override long MultiplyAdds(Node node) => node.Inputs[0].Shape.ElementCount * (long)node.Output.Shape[1];

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        MatMulAttributes t = args.Attributes<MatMulAttributes>();
        Shape a = args.Inputs[0].Shape, b = args.Inputs[1].Shape, y = args.Output.Shape;
        (int strideI, int strideA) = t.TransposeA ? (1, a[1]) : (a[1], 1);
        (int strideB, int strideJ) = t.TransposeB ? (1, b[1]) : (b[1], 1);
        int length = t.TransposeA ? a[0] : a[1];
        ReadOnlySpan<T> left = args.Inputs[0].Span, right = args.Inputs[1].Span;
        for (int i = 0; i < y[0]; i++)
            for (int j = 0; j < y[1]; j++)
            {
                double sum = 0;
                for (int k = 0; k < length; k++)
                    sum += double.CreateTruncating(left[(i * strideI) + (k * strideA)]) * double.CreateTruncating(right[(k * strideB) + (j * strideJ)]);
                args.Output.Span[(i * y[1]) + j] = T.CreateTruncating(sum);
            }
    }
}
