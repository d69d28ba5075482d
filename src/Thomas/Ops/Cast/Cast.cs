using System;
using Thomas.Graphs;

namespace Thomas.Ops;

/// <summary>Settings of a cast.</summary>
/// <param name="Target">Element type of the result.</param>
internal sealed record CastAttributes(DType Target) : OpAttributes;

/// <summary>
/// The elements in another type. To floats: the nearest number, ties to even (to BF16 by way of float32), an infinity beyond the largest. To integers: without
/// the fraction, the nearest end beyond the range, 0 for NaN.
/// </summary>
internal sealed partial class Cast : Op
{
    /// <inheritdoc/>
    public override string Name => "Cast";

    /// <inheritdoc/>
    public override string Formula => "y[i] = x[i] in the target's type";

    /// <summary>Models compute in float32; what they hold in 16 bits are weights, which the operators themselves take.</summary>
    internal override bool IsTrainingOnly => true;

    internal override ElementTypes OperandTypes(int operand, OpAttributes attributes) => ElementTypes.All;

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 1);
        DType target = ((CastAttributes)attributes).Target;
        Require(ElementTypes.All.Contains(target), $"the target {target} must be {ElementTypes.All.Describe()}");
        return [inputs[0] with { DType = target }];
    }

    /// <summary>Emits the cast back: the gradient has the operand's type. Integers have none.</summary>
    internal override void Gradient(GradientContext g)
    {
        DType source = g.Input(0).Type.DType, target = g.Attributes<CastAttributes>().Target;
        if (!source.IsFloat() || !target.IsFloat())
        {
            throw new GraphException($"{g.Node} from {source} to {target} cannot be trained through: integers have no gradient");
        }

        g.Add(0, g.Emit(this, "gradInput", [g.GradOutput], new CastAttributes(source)));
    }

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        DType target = args.Attributes<CastAttributes>().Target;
        Span<T> x = args.Inputs[0].Span, y = args.Output.Span;
        for (int i = 0; i < y.Length; i++) y[i] = T.CreateTruncating(Elements.Round(target, double.CreateTruncating(x[i])));
    }
}
