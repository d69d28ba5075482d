using System;
using System.Numerics;
using Thomas.Graphs;

namespace Thomas.Ops;

/// <summary>
/// An element-wise function of two tensors that broadcast by NumPy's rule: the last axes are aligned, a size of 1 stretches.
/// </summary>
public abstract partial class BinaryOp : Op
{
    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 2);
        Require(inputs[0].DType == inputs[1].DType, $"operands are {inputs[0].DType} and {inputs[1].DType}");
        Require(Shape.TryBroadcast(inputs[0].Shape, inputs[1].Shape, out Shape shape), $"shapes {inputs[0].Shape} and {inputs[1].Shape} do not broadcast");
        return [new TensorType(inputs[0].DType, shape)];
    }

    internal override int InPlaceInput(Node node)
    {
        for (int i = 0; i < 2; i++)
        {
            if (!node.Inputs[i].IsConstant && node.Inputs[i].Shape == node.Output.Shape && !ReferenceEquals(node.Inputs[0], node.Inputs[1])) return i;
        }

        return -1;
    }

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        ReadOnlySpan<T> a = args.Inputs[0].Span, b = args.Inputs[1].Span;
        Span<T> y = args.Output.Span;
        Shape shape = args.Output.Shape;
        int[] stridesA = BroadcastStrides(args.Inputs[0].Shape, shape), stridesB = BroadcastStrides(args.Inputs[1].Shape, shape);
        Span<int> index = stackalloc int[Shape.MaxRank];
        index.Clear();
        int offsetA = 0, offsetB = 0;
        for (int i = 0; i < y.Length; i++)
        {
            y[i] = Apply(a[offsetA], b[offsetB]);
            for (int axis = shape.Rank - 1; axis >= 0; axis--)
            {
                offsetA += stridesA[axis];
                offsetB += stridesB[axis];
                if (++index[axis] < shape[axis]) break;
                offsetA -= index[axis] * stridesA[axis];
                offsetB -= index[axis] * stridesB[axis];
                index[axis] = 0;
            }
        }
    }

    /// <summary>The scalar definition.</summary>
    internal abstract T Apply<T>(T a, T b)
        where T : IBinaryFloatingPointIeee754<T>;

    /// <summary>Row-major strides of an operand along the result's axes: 0 where it stretches.</summary>
    internal static int[] BroadcastStrides(Shape operand, Shape result)
    {
        int[] own = operand.Strides();
        int[] strides = new int[result.Rank];
        for (int i = 0; i < operand.Rank; i++)
        {
            int axis = result.Rank - operand.Rank + i;
            strides[axis] = operand[i] == 1 ? 0 : own[i];
        }

        return strides;
    }
}
