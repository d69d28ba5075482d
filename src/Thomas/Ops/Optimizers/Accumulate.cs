using System;
using Thomas.Graphs;

namespace Thomas.Ops;

/// <summary>
/// Adds a gradient to its sum over micro-batches. Operands: the sum (a variable), the gradient, keep []: 0 at the first micro-batch of a step, which overwrites
/// whatever the sum holds, 1 at the others. Result: the sum, in the operand's memory.
/// </summary>
internal sealed partial class Accumulate : Op
{
    /// <inheritdoc/>
    public override string Name => "Accumulate";

    /// <inheritdoc/>
    public override string Formula => "sum' = keep = 0 ? grad : sum + grad";

    internal override bool IsTrainingOnly => true;

    internal override string NoGradientReason => "it changes variables after the gradients are known";

    internal override int UpdatedInput(int output) => 0;

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 3);
        Require(inputs[1].Shape == inputs[0].Shape, $"the gradient {inputs[1].Shape} differs from the sum {inputs[0].Shape}");
        Require(inputs[2].Shape.ElementCount == 1, $"keep {inputs[2].Shape} must be one number");
        return [inputs[0]];
    }

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        ReadOnlySpan<T> sum = args.Inputs[0].Span, grad = args.Inputs[1].Span;
        bool keep = args.Inputs[2].Span[0] != T.Zero;
        Span<T> y = args.Output.Span;
        for (int i = 0; i < y.Length; i++) y[i] = keep ? sum[i] + grad[i] : grad[i];
    }
}
