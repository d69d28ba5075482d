using System;
using System.Diagnostics;
using System.Numerics;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Elementwise;

namespace Thomas.Ops;

/// <summary>
/// An element-wise function of two tensors that broadcast by NumPy's rule: the last axes are aligned, a size of 1 stretches.
/// </summary>
internal abstract partial class BinaryOp : Op
{
    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 2);
        Require(inputs[0].DType == inputs[1].DType, $"operands are {inputs[0].DType} and {inputs[1].DType}");
        Require(Shape.TryBroadcast(inputs[0].Shape, inputs[1].Shape, out Shape shape), $"shapes {inputs[0].Shape} and {inputs[1].Shape} do not broadcast");
        return [new TensorType(inputs[0].DType, shape)];
    }

    internal override bool CanOverwrite(Node node, int input) =>
        node.Inputs[input].Shape == node.Output.Shape && !ReferenceEquals(node.Inputs[0], node.Inputs[1]);

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

    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) => new BroadcastKernel(this, node);

    /// <summary>y[i] = f(a[i], b[i]) for i in [0, count), on vectors, one operand possibly a single number; y may be an operand.</summary>
    internal abstract unsafe void Row(BroadcastRow form, float* a, float* b, float* y, nint count);

    /// <summary>The definition in OpenCL C, of <c>(a)</c> and <c>(b)</c>.</summary>
    internal abstract string OpenClExpression { get; }

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

    private protected static unsafe void Row<TMap>(TMap map, BroadcastRow form, float* a, float* b, float* y, nint count)
        where TMap : struct, IBinaryMap
    {
        switch (form)
        {
            case BroadcastRow.ScalarA: ElementwiseLoop.BinaryScalar(new SwappedMap<TMap>(map), b, *a, y, count); break;
            case BroadcastRow.ScalarB: ElementwiseLoop.BinaryScalar(map, a, *b, y, count); break;
            case BroadcastRow.Arrays: ElementwiseLoop.Binary(map, a, b, y, count); break;
            default: throw new UnreachableException($"Unknown {form}.");
        }
    }
}
