using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Copy;

namespace Thomas.Ops;

/// <summary>Settings of padding.</summary>
/// <param name="Before">Elements added before each axis; one per axis.</param>
/// <param name="After">Elements added after each axis; one per axis.</param>
/// <param name="Value">What they hold.</param>
internal sealed record PadAttributes(IntList Before, IntList After, float Value = 0) : OpAttributes;

/// <summary>Surrounds a tensor with a constant.</summary>
internal sealed partial class Pad : Op
{
    /// <inheritdoc/>
    public override string Name => "Pad";

    /// <inheritdoc/>
    public override string Formula => "y[before + i] = x[i], value elsewhere";

    internal override ElementTypes OperandTypes(int operand, OpAttributes attributes) => ElementTypes.F32 | QuantizedRules.Steps;

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 1);
        PadAttributes a = (PadAttributes)attributes;
        Shape x = inputs[0].Shape;
        Require(a.Before.Count == x.Rank && a.After.Count == x.Rank, $"needs {x.Rank} pads before and after, got {a.Before} and {a.After}");
        int[] dims = new int[x.Rank];
        for (int i = 0; i < dims.Length; i++)
        {
            Require(a.Before[i] >= 0 && a.After[i] >= 0, $"pads must not be negative: {a.Before}, {a.After}");
            dims[i] = checked(x[i] + a.Before[i] + a.After[i]);
        }

        return [new TensorType(inputs[0].DType, new Shape(dims))];
    }

    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context)
    {
        PadAttributes a = (PadAttributes)node.Attributes;
        Shape x = node.Inputs[0].Shape;
        nint[] target = CopyKernel.Strides(node.Output.Shape);
        nint offset = 0;
        for (int i = 0; i < target.Length; i++) offset += a.Before[i] * target[i];
        if (ByteCopyKernel.Serves(node))
        {
            return new ByteCopyKernel(node.Output.Shape.ElementCount, (byte)(int)a.Value).Add(x.Dims, CopyKernel.Strides(x), target, 0, offset);
        }

        StridedCopy copy = new(x.Dims, CopyKernel.Strides(x), target);
        return new CopyKernel([new CopyKernel.Box(copy, 0, offset)], node.Output.Shape.ElementCount, a.Value);
    }

    internal override void Gradient(GradientContext g)
    {
        Shape x = g.Input(0).Shape;
        int[] steps = new int[x.Rank];
        Array.Fill(steps, 1);
        g.Add(
            0, g.Emit(
                OpCatalog.Slice, "gradInput", [g.GradOutput],
                new SliceAttributes(g.Attributes<PadAttributes>().Before, new IntList(x.Dims), new IntList(steps))));
    }

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        PadAttributes a = args.Attributes<PadAttributes>();
        args.Output.Span.Fill(T.CreateTruncating(a.Value));
        Shape x = args.Inputs[0].Shape;
        if (x.ElementCount == 0) return;
        int[] strides = args.Output.Shape.Strides();
        int origin = 0;
        for (int i = 0; i < x.Rank; i++) origin += a.Before[i] * strides[i];
        ReadOnlySpan<T> input = args.Inputs[0].Span;
        Span<T> output = args.Output.Span;
        Span<int> index = stackalloc int[Shape.MaxRank];
        index.Clear();
        int target = origin;
        foreach (T value in input)
        {
            output[target] = value;
            for (int axis = x.Rank - 1; axis >= 0; axis--)
            {
                target += strides[axis];
                if (++index[axis] < x[axis]) break;
                target -= index[axis] * strides[axis];
                index[axis] = 0;
            }
        }
    }
}
