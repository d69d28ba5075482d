using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Copy;

namespace Thomas.Ops;

/// <summary>Settings of concatenation.</summary>
/// <param name="Axis">The axis that the operands are joined along; not negative.</param>
internal sealed record ConcatAttributes(int Axis) : OpAttributes;

/// <summary>Joins tensors along one axis; the other sizes must agree.</summary>
internal sealed partial class Concat : Op
{
    /// <inheritdoc/>
    public override string Name => "Concat";

    /// <inheritdoc/>
    public override string Formula => "y[.., offset_k + i, ..] = x_k[.., i, ..]";

    internal override ElementTypes OperandTypes(int operand, OpAttributes attributes) => ElementTypes.F32 | QuantizedRules.Steps;

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        int axis = ((ConcatAttributes)attributes).Axis;
        Require(inputs.Length >= 1, "expects at least one operand");
        Shape first = inputs[0].Shape;
        Require(axis >= 0 && axis < first.Rank, $"axis {axis} is outside {first}");
        long total = 0;
        foreach (TensorType input in inputs)
        {
            Require(input.DType == inputs[0].DType, $"{input} does not fit {inputs[0]}");
            Require(input.Shape.Rank == first.Rank && input.Shape.With(axis, first[axis]) == first, $"{input.Shape} does not fit {first} outside axis {axis}");
            total += input.Shape[axis];
        }

        Require(total <= int.MaxValue, "the result is too large");
        return [new TensorType(inputs[0].DType, first.With(axis, (int)total))];
    }

    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context)
    {
        int axis = ((ConcatAttributes)node.Attributes).Axis;
        nint[] target = CopyKernel.Strides(node.Output.Shape);
        CopyKernel.Box[] boxes = new CopyKernel.Box[node.Inputs.Count];
        ByteCopyKernel bytes = new();
        nint offset = 0;
        for (int i = 0; i < boxes.Length; i++)
        {
            Shape x = node.Inputs[i].Shape;
            bytes.Add(x.Dims, CopyKernel.Strides(x), target, 0, offset);
            boxes[i] = new CopyKernel.Box(new StridedCopy(x.Dims, CopyKernel.Strides(x), target), 0, offset);
            offset += x[axis] * target[axis];
        }

        return ByteCopyKernel.Serves(node) ? bytes : new CopyKernel(boxes);
    }

    internal override void Gradient(GradientContext g)
    {
        int axis = g.Attributes<ConcatAttributes>().Axis;
        int[] begin = new int[g.Output.Shape.Rank], steps = new int[begin.Length];
        Array.Fill(steps, 1);
        for (int i = 0; i < g.Node.Inputs.Count; i++)
        {
            Shape x = g.Input(i).Shape;
            if (g.Needs(i))
            {
                g.Add(
                    i, g.Emit(OpCatalog.Slice, "gradInput", [g.GradOutput], new SliceAttributes(new IntList(begin), new IntList(x.Dims), new IntList(steps))));
            }

            begin[axis] += x[axis];
        }
    }

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        int axis = args.Attributes<ConcatAttributes>().Axis;
        Shape y = args.Output.Shape;
        int outer = y.Product(0, axis), inner = y.Product(axis + 1, y.Rank), rowLength = y[axis] * inner, offset = 0;
        foreach (RefTensor<T> input in args.Inputs)
        {
            int length = input.Shape[axis] * inner;
            for (int i = 0; i < outer; i++) input.Span.Slice(i * length, length).CopyTo(args.Output.Span[((i * rowLength) + offset)..]);
            offset += length;
        }
    }
}
