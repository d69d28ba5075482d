using System;
using Thomas.Graphs;

namespace Thomas.Ops;

/// <summary>Settings of batch normalization.</summary>
/// <param name="Epsilon">Added to the variance.</param>
internal sealed record BatchNormAttributes(float Epsilon) : OpAttributes;

/// <summary>
/// Batch normalization with stored statistics over the last axis (Ioffe and Szegedy 2015). Operands: x [..., c], scale [c], shift [c], mean [c], variance [c].
/// </summary>
internal sealed partial class BatchNorm : Op
{
    /// <inheritdoc/>
    public override string Name => "BatchNorm";

    /// <inheritdoc/>
    public override string Formula => "y[..,c] = (x[..,c] - mean[c]) / sqrt(variance[c] + epsilon) * scale[c] + shift[c]";

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 5);
        Require(((BatchNormAttributes)attributes).Epsilon >= 0, "epsilon must not be negative");
        Shape x = inputs[0].Shape;
        Require(x.Rank >= 1, "x must not be a scalar");
        for (int i = 1; i < 5; i++)
            Require(inputs[i].Shape.Rank == 1 && inputs[i].Shape[0] == x[-1], $"operand {i} of shape {inputs[i].Shape} does not fit {x[-1]} channels");
        return [inputs[0]];
    }

    internal override bool CanOverwrite(Node node, int input) => input == 0;

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        double epsilon = args.Attributes<BatchNormAttributes>().Epsilon;
        ReadOnlySpan<T> x = args.Inputs[0].Span, scale = args.Inputs[1].Span, shift = args.Inputs[2].Span, mean = args.Inputs[3].Span,
            variance = args.Inputs[4].Span;
        Span<T> y = args.Output.Span;
        for (int i = 0, c = 0; i < y.Length; i++, c = c + 1 == scale.Length ? 0 : c + 1)
        {
            double normalized = (double.CreateTruncating(x[i]) - double.CreateTruncating(mean[c])) / Math.Sqrt(double.CreateTruncating(variance[c]) + epsilon);
            y[i] = T.CreateTruncating((normalized * double.CreateTruncating(scale[c])) + double.CreateTruncating(shift[c]));
        }
    }
}
