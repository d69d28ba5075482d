using System;
using Thomas.Graphs;

namespace Thomas.Ops;

/// <summary>Settings of gradient clipping.</summary>
/// <param name="Bound">The largest norm that gradients keep.</param>
internal sealed record ClipByGlobalNormAttributes(float Bound) : OpAttributes;

/// <summary>
/// Clips by the norm of all gradients together (Pascanu et al. 2013): lowers the factor on gradients in the control vector. Operands: control [4], then every
/// gradient; result: control [4].
/// </summary>
internal sealed partial class ClipByGlobalNorm : Op
{
    /// <inheritdoc/>
    public override string Name => "ClipByGlobalNorm";

    /// <inheritdoc/>
    public override string Formula =>
        "n = |control[1]| * sqrt(sum over all gradients of grad[i]^2); control'[1] = n > bound ? control[1] * bound / n : control[1]; the rest stays";

    internal override bool IsTrainingOnly => true;

    internal override string NoGradientReason => "it changes variables after the gradients are known";

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        Require(inputs.Length >= 2, "expects control and at least one gradient");
        Require(inputs[0].Shape == new Shape(UpdateOp.ControlLength), $"control {inputs[0].Shape} must be [{UpdateOp.ControlLength}]");
        Require(((ClipByGlobalNormAttributes)attributes).Bound > 0, "the bound must be positive");
        return [inputs[0]];
    }

    internal override long Elementwise(Node node)
    {
        long count = 0;
        for (int i = 1; i < node.Inputs.Count; i++) count += 2L * node.Inputs[i].Shape.ElementCount;
        return count;
    }

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        double sum = 0, bound = args.Attributes<ClipByGlobalNormAttributes>().Bound;
        for (int i = 1; i < args.Inputs.Length; i++)
        {
            foreach (T value in args.Inputs[i].Span) sum += double.CreateTruncating(value) * double.CreateTruncating(value);
        }

        args.Inputs[0].Span.CopyTo(args.Output.Span);
        double norm = Math.Sqrt(sum) * Math.Abs(double.CreateTruncating(args.Inputs[0].Span[1]));
        if (norm > bound) args.Output.Span[1] *= T.CreateTruncating(bound / norm);
    }
}
