using System;
using Thomas.Graphs;

namespace Thomas.Ops;

/// <summary>Settings of local response normalization.</summary>
/// <param name="Size">Channels in the window.</param>
/// <param name="Alpha">Factor on the sum of squares; ONNX's alpha divided by its size.</param>
/// <param name="Beta">Exponent.</param>
/// <param name="Bias">Added to the scaled sum.</param>
internal sealed record LocalResponseNormAttributes(int Size, float Alpha, float Beta, float Bias) : OpAttributes;

/// <summary>Local response normalization across the last axis (Krizhevsky et al. 2012, section 3.3).</summary>
internal sealed partial class LocalResponseNorm : Op
{
    /// <inheritdoc/>
    public override string Name => "LocalResponseNorm";

    /// <inheritdoc/>
    public override string Formula => "y[..,c] = x[..,c] * (bias + alpha * sum_{j = c - floor((size-1)/2)}^{c + ceil((size-1)/2)} x[..,j]^2)^-beta";

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 1);
        Require(inputs[0].Shape.Rank >= 1, "x must not be a scalar");
        Require(((LocalResponseNormAttributes)attributes).Size >= 1, "the window must hold at least one channel");
        return [inputs[0]];
    }

    internal override long Elementwise(Node node) => node.Output.Shape.ElementCount * (4L + ((LocalResponseNormAttributes)node.Attributes).Size);

    internal override void Gradient(GradientContext g) =>
        g.Add(0, g.Emit(OpCatalog.LocalResponseNormGradient, "gradInput", [g.Input(0), g.GradOutput], g.Attributes<LocalResponseNormAttributes>()));

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        LocalResponseNormAttributes a = args.Attributes<LocalResponseNormAttributes>();
        int channels = args.Output.Shape[-1], before = (a.Size - 1) / 2, after = a.Size / 2;
        for (int start = 0; start < args.Output.Shape.ElementCount; start += channels)
        {
            ReadOnlySpan<T> x = args.Inputs[0].Span.Slice(start, channels);
            Span<T> y = args.Output.Span.Slice(start, channels);
            for (int c = 0; c < channels; c++)
            {
                double sum = 0;
                for (int j = Math.Max(0, c - before); j <= Math.Min(channels - 1, c + after); j++)
                    sum += double.CreateTruncating(x[j]) * double.CreateTruncating(x[j]);
                y[c] = T.CreateTruncating(double.CreateTruncating(x[c]) * Math.Pow(a.Bias + (a.Alpha * sum), -a.Beta));
            }
        }
    }
}
