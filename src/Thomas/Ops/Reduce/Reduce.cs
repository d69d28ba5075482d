using System;
using System.Diagnostics;
using Thomas.Graphs;

namespace Thomas.Ops;

/// <summary>How a reduction combines elements.</summary>
internal enum ReduceKind
{
    /// <summary>Arithmetic mean.</summary>
    Mean,

    /// <summary>Sum.</summary>
    Sum,

    /// <summary>Maximum; NaN if there is one.</summary>
    Max,
}

/// <summary>Settings of a reduction.</summary>
/// <param name="Kind">How elements combine.</param>
/// <param name="Axes">The axes that vanish; ascending, not negative.</param>
/// <param name="KeepDims">Whether the reduced axes stay with size 1.</param>
internal sealed record ReduceAttributes(ReduceKind Kind, IntList Axes, bool KeepDims) : OpAttributes;

/// <summary>Mean, sum or maximum over some axes; global average pooling is the mean over axes 1 and 2 of an NHWC tensor.</summary>
internal sealed partial class Reduce : Op
{
    /// <inheritdoc/>
    public override string Name => "Reduce";

    /// <inheritdoc/>
    public override string Formula => "y[kept] = mean | sum | max over reduced axes of x[kept, reduced]";

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 1);
        ReduceAttributes a = (ReduceAttributes)attributes;
        Require(Enum.IsDefined(a.Kind), $"there is no reduction {a.Kind}");
        Shape x = inputs[0].Shape;
        for (int i = 0; i < a.Axes.Count; i++)
        {
            Require(a.Axes[i] >= 0 && a.Axes[i] < x.Rank && (i == 0 || a.Axes[i] > a.Axes[i - 1]), $"axes {a.Axes} are not ascending axes of {x}");
            Require(x[a.Axes[i]] > 0, $"axis {a.Axes[i]} of {x} is empty");
        }

        int[] dims = new int[a.KeepDims ? x.Rank : x.Rank - a.Axes.Count];
        int at = 0;
        for (int axis = 0; axis < x.Rank; axis++)
        {
            bool reduced = a.Axes.Items.Contains(axis);
            if (!reduced) dims[at++] = x[axis];
            else if (a.KeepDims) dims[at++] = 1;
        }

        return [new TensorType(inputs[0].DType, new Shape(dims))];
    }

    internal override long Elementwise(Node node) => node.Inputs[0].Shape.ElementCount;

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        ReduceAttributes a = args.Attributes<ReduceAttributes>();
        Shape x = args.Inputs[0].Shape;
        ReadOnlySpan<T> input = args.Inputs[0].Span;
        Span<T> output = args.Output.Span;
        int[] strides = OutputStrides(x, a.Axes);
        double[] sums = new double[output.Length];
        (bool isMax, bool isMean) = a.Kind switch
        {
            ReduceKind.Mean => (false, true),
            ReduceKind.Sum => (false, false),
            ReduceKind.Max => (true, false),
            _ => throw new UnreachableException($"{a.Kind} has no definition."),
        };
        Array.Fill(sums, isMax ? double.NegativeInfinity : 0);
        Span<int> index = stackalloc int[Shape.MaxRank];
        index.Clear();
        int target = 0;
        for (int i = 0; i < input.Length; i++)
        {
            double value = double.CreateTruncating(input[i]);
            sums[target] = isMax ? Math.Max(sums[target], value) : sums[target] + value;
            for (int axis = x.Rank - 1; axis >= 0; axis--)
            {
                target += strides[axis];
                if (++index[axis] < x[axis]) break;
                target -= index[axis] * strides[axis];
                index[axis] = 0;
            }
        }

        int reducedCount = output.Length == 0 ? 1 : input.Length / output.Length;
        for (int i = 0; i < output.Length; i++) output[i] = T.CreateTruncating(isMean ? sums[i] / reducedCount : sums[i]);
    }

    /// <summary>Strides in the result along the operand's axes; 0 along reduced ones.</summary>
    private static int[] OutputStrides(Shape x, IntList axes)
    {
        int[] strides = new int[x.Rank];
        int stride = 1;
        for (int axis = x.Rank - 1; axis >= 0; axis--)
        {
            if (axes.Items.Contains(axis)) continue;
            strides[axis] = stride;
            stride *= x[axis];
        }

        return strides;
    }
}
