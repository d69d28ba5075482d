using System;
using Thomas.Graphs;

namespace Thomas.Ops;

/// <summary>dL/dx of local response normalization across the last axis. Operands: x and dy of one shape.</summary>
internal sealed partial class LocalResponseNormGradient : Op
{
    /// <inheritdoc/>
    public override string Name => "LocalResponseNormGradient";

    /// <inheritdoc/>
    public override string Formula =>
        "dx[..,c] = dy[..,c] * d[..,c]^-beta - 2 * alpha * beta * x[..,c] * sum_j dy[..,j] * x[..,j] * d[..,j]^(-beta-1) over the j whose windows hold c, "
        + "d = bias + alpha * sum of x^2 over the window";

    internal override bool IsTrainingOnly => true;

    internal override string NoGradientReason => "it is a gradient itself, and training needs first derivatives only";

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 2);
        Require(inputs[0].Shape.Rank >= 1, "x must not be a scalar");
        Require(inputs[0].Shape == inputs[1].Shape, $"x {inputs[0].Shape} and dy {inputs[1].Shape} differ");
        Require(((LocalResponseNormAttributes)attributes).Size >= 1, "the window must hold at least one channel");
        return [inputs[0]];
    }

    internal override long Elementwise(Node node) => node.Output.Shape.ElementCount * (8L + (2L * ((LocalResponseNormAttributes)node.Attributes).Size));

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        LocalResponseNormAttributes a = args.Attributes<LocalResponseNormAttributes>();
        int channels = args.Output.Shape[-1], before = (a.Size - 1) / 2, after = a.Size / 2;
        double[] d = new double[channels];
        for (int start = 0; start < args.Output.Shape.ElementCount; start += channels)
        {
            ReadOnlySpan<T> x = args.Inputs[0].Span.Slice(start, channels), dy = args.Inputs[1].Span.Slice(start, channels);
            Span<T> dx = args.Output.Span.Slice(start, channels);
            for (int c = 0; c < channels; c++)
            {
                double sum = 0;
                for (int j = Math.Max(0, c - before); j <= Math.Min(channels - 1, c + after); j++)
                    sum += double.CreateTruncating(x[j]) * double.CreateTruncating(x[j]);
                d[c] = a.Bias + (a.Alpha * sum);
            }

            for (int c = 0; c < channels; c++)
            {
                double sum = 0;
                for (int j = Math.Max(0, c - after); j <= Math.Min(channels - 1, c + before); j++)
                    sum += double.CreateTruncating(dy[j]) * double.CreateTruncating(x[j]) * Math.Pow(d[j], -a.Beta - 1);
                dx[c] = T.CreateTruncating(
                    (double.CreateTruncating(dy[c]) * Math.Pow(d[c], -a.Beta)) - (2.0 * a.Alpha * a.Beta * double.CreateTruncating(x[c]) * sum));
            }
        }
    }
}
