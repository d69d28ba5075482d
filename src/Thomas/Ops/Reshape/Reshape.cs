using System;
using Thomas.Graphs;

namespace Thomas.Ops;

/// <summary>Settings of reshaping.</summary>
/// <param name="Dims">The new sizes; 0 copies the operand's size at that position (so the batch stays open), one -1 takes what is left.</param>
internal sealed record ReshapeAttributes(IntList Dims) : OpAttributes
{
    /// <summary>Keeps every size of a tensor of the given rank: a second name for the same numbers.</summary>
    internal static ReshapeAttributes Same(int rank) => new(new IntList(new int[rank]));

    /// <summary>Gives a tensor this very shape.</summary>
    internal static ReshapeAttributes To(Shape shape) => new(new IntList(shape.Dims));
}

/// <summary>The same elements in the same order under another shape.</summary>
internal sealed partial class Reshape : Op
{
    /// <inheritdoc/>
    public override string Name => "Reshape";

    /// <inheritdoc/>
    public override string Formula => "y = x, row-major order kept";

    internal override ElementTypes OperandTypes(int operand, OpAttributes attributes) => ElementTypes.All;

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 1);
        IntList wanted = ((ReshapeAttributes)attributes).Dims;
        Shape x = inputs[0].Shape;
        int[] dims = wanted.Items.ToArray();
        long known = 1;
        int open = -1;
        for (int i = 0; i < dims.Length; i++)
        {
            Require(dims[i] >= -1, $"sizes {wanted} are not valid");
            if (dims[i] == 0)
            {
                Require(i < x.Rank, $"size {i} of {wanted} copies an axis that {x} does not have");
                dims[i] = x[i];
            }

            if (dims[i] == -1)
            {
                Require(open < 0, $"sizes {wanted} leave more than one open");
                open = i;
            }
            else
            {
                known = checked(known * dims[i]);
            }
        }

        if (open >= 0)
        {
            Require(known > 0 && x.ElementCount % known == 0, $"{x} does not divide into {wanted}");
            dims[open] = (int)(x.ElementCount / known);
            known *= dims[open];
        }

        Require(known == x.ElementCount, $"{x} has {x.ElementCount} elements, {wanted} asks for {known}");
        return [new TensorType(inputs[0].DType, new Shape(dims))];
    }

    internal override bool IsView(Node node) => true;

    internal override long Elementwise(Node node) => 0;

    internal override void Gradient(GradientContext g) => g.Add(0, g.Emit(this, "gradInput", [g.GradOutput], ReshapeAttributes.To(g.Input(0).Shape)));

    internal override void Reference<T>(ReferenceArgs<T> args) => args.Inputs[0].Span.CopyTo(args.Output.Span);
}
