using System;
using Thomas.Graphs;

namespace Thomas.Ops;

/// <summary>Settings of a matrix product.</summary>
/// <param name="TransposeA">Whether the matrices of the first operand are stored as [k,m].</param>
/// <param name="TransposeB">Whether the matrices of the second operand are stored as [n,k].</param>
internal sealed record MatMulAttributes(bool TransposeA = false, bool TransposeB = false) : OpAttributes;

/// <summary>
/// Products of matrices, either of which may be stored transposed. Operands: a [..,m,k], b [..,k,n]. The axes before the matrices count products; they
/// broadcast by NumPy's rule. Attention is such products of two activations; a matrix of weights on the right is <see cref="Dense"/>.
/// </summary>
internal sealed partial class MatMul : Op
{
    /// <inheritdoc/>
    public override string Name => "MatMul";

    /// <inheritdoc/>
    public override string Formula => "y[..,i,j] = sum_k a[..,i,k] * b[..,k,j]";

    internal override ElementTypes OperandTypes(int operand, OpAttributes attributes) => ElementTypes.Floats;

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        MatMulAttributes t = (MatMulAttributes)attributes;
        RequireInputs(inputs, 2);
        Shape a = inputs[0].Shape, b = inputs[1].Shape;
        Require(a.Rank >= 2 && b.Rank >= 2 && a[t.TransposeA ? -2 : -1] == b[t.TransposeB ? -1 : -2], $"{a} and {b} do not fit ({t})");
        Require(Shape.TryBroadcast(Products(a), Products(b), out Shape products), $"the axes before the matrices of {a} and {b} do not broadcast");
        Shape y = new([.. products.Dims, a[t.TransposeA ? -1 : -2], b[t.TransposeB ? -2 : -1]]);
        Require(a[-1] > 0 && a[-2] > 0 && y[-1] > 0, $"the matrices of {a} and {b} must not be empty");
        return [new TensorType(DType.F32, y)];
    }

    internal override long MultiplyAdds(Node node) =>
        node.Output.Shape.ElementCount * (long)node.Inputs[0].Shape[((MatMulAttributes)node.Attributes).TransposeA ? -2 : -1];

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        MatMulAttributes t = args.Attributes<MatMulAttributes>();
        Shape a = args.Inputs[0].Shape, b = args.Inputs[1].Shape, y = args.Output.Shape, products = Products(y);
        (int strideI, int strideA) = t.TransposeA ? (1, a[-1]) : (a[-1], 1);
        (int strideB, int strideJ) = t.TransposeB ? (1, b[-1]) : (b[-1], 1);
        int length = a[t.TransposeA ? -2 : -1];
        int[] stepsA = BinaryOp.BroadcastStrides(Products(a), products), stepsB = BinaryOp.BroadcastStrides(Products(b), products);
        for (int product = 0; product < products.ElementCount; product++)
        {
            ReadOnlySpan<T> left = args.Inputs[0].Span[(a[-1] * a[-2] * Matrix(product, products, stepsA))..],
                right = args.Inputs[1].Span[(b[-1] * b[-2] * Matrix(product, products, stepsB))..];
            Span<T> result = args.Output.Span[(product * y[-1] * y[-2])..];
            for (int i = 0; i < y[-2]; i++)
                for (int j = 0; j < y[-1]; j++)
                {
                    double sum = 0;
                    for (int k = 0; k < length; k++)
                        sum += double.CreateTruncating(left[(i * strideI) + (k * strideA)]) * double.CreateTruncating(right[(k * strideB) + (j * strideJ)]);
                    result[(i * y[-1]) + j] = T.CreateTruncating(sum);
                }
        }
    }

    /// <summary>The axes before the matrices.</summary>
    private static Shape Products(Shape shape) => new(shape.Dims[..^2]);

    /// <summary>Which matrix of an operand belongs to a product.</summary>
    private static int Matrix(int product, Shape products, ReadOnlySpan<int> steps)
    {
        int matrix = 0;
        for (int axis = products.Rank - 1; axis >= 0; axis--)
        {
            matrix += product % products[axis] * steps[axis];
            product /= products[axis];
        }

        return matrix;
    }
}
