using System;
using Thomas.Graphs;

namespace Thomas.Ops;

/// <summary>Settings of a moving average.</summary>
/// <param name="Momentum">m: the share of the new value, as PyTorch counts it. A decay d, as averages of weights are usually given, is m = 1 - d.</param>
/// <param name="Factor">f: a factor on the new value. Of n/(n-1) it makes the variance of a batch of n elements unbiased, as PyTorch keeps it.</param>
internal sealed record MovingAverageAttributes(float Momentum, float Factor = 1) : OpAttributes;

/// <summary>
/// Moves an average towards a value: a running statistic of batch normalization (Ioffe and Szegedy 2015), or an average of weights (Polyak and Juditsky 1992).
/// Operands: the average (a variable), the value; result: the average, in the operand's memory.
/// </summary>
internal sealed partial class MovingAverage : Op
{
    /// <inheritdoc/>
    public override string Name => "MovingAverage";

    /// <inheritdoc/>
    public override string Formula => "average' = (1 - m) * average + m * f * value";

    internal override bool IsTrainingOnly => true;

    internal override string NoGradientReason => "it changes variables and the loss does not depend on it";

    internal override int UpdatedInput(int output) => 0;

    internal override long Elementwise(Node node) => 2L * node.Output.Shape.ElementCount;

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 2);
        Require(inputs[1].Shape == inputs[0].Shape, $"the value {inputs[1].Shape} differs from the average {inputs[0].Shape}");
        Require(((MovingAverageAttributes)attributes).Momentum is >= 0 and <= 1, "the momentum must lie in [0, 1]");
        return [inputs[0]];
    }

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        MovingAverageAttributes a = args.Attributes<MovingAverageAttributes>();
        ReadOnlySpan<T> average = args.Inputs[0].Span, value = args.Inputs[1].Span;
        Span<T> y = args.Output.Span;
        T momentum = T.CreateTruncating(a.Momentum), gain = momentum * T.CreateTruncating(a.Factor);
        for (int i = 0; i < y.Length; i++) y[i] = ((T.One - momentum) * average[i]) + (gain * value[i]);
    }
}
