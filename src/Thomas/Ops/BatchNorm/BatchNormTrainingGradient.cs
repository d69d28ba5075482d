using System;
using Thomas.Graphs;

namespace Thomas.Ops;

/// <summary>
/// The gradients of <see cref="BatchNormTraining"/>, through the batch's statistics too (Ioffe and Szegedy 2015, section 3). Operands: x [..., c], dy like x, scale [c], mean [c],
/// variance [c]; results: dx like x, dScale [c], dShift [c].
/// </summary>
public sealed partial class BatchNormTrainingGradient : Op
{
    /// <inheritdoc/>
    public override string Name => "BatchNormTrainingGradient";

    /// <inheritdoc/>
    public override string Formula =>
        "r[c] = 1 / sqrt(variance[c] + epsilon); h[i,c] = (x[i,c] - mean[c]) * r[c]; dShift[c] = sum_i dy[i,c]; dScale[c] = sum_i dy[i,c] * h[i,c]; " +
        "dx[i,c] = scale[c] * r[c] * (dy[i,c] - (dShift[c] + h[i,c] * dScale[c]) / n), n the count of i";

    internal override bool IsTrainingOnly => true;

    internal override string NoGradientReason => "it is a gradient itself, and training needs first derivatives only";

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 5);
        Require(((BatchNormAttributes)attributes).Epsilon >= 0, "epsilon must not be negative");
        Shape x = inputs[0].Shape;
        Require(x.Rank >= 1, "x must not be a scalar");
        Require(inputs[1].Shape == x, $"dy {inputs[1].Shape} and x {x} differ");
        for (int i = 2; i < 5; i++) Require(inputs[i].Shape == new Shape(x[-1]), $"operand {i} of shape {inputs[i].Shape} does not fit {x[-1]} channels");
        return [inputs[0], inputs[2], inputs[2]];
    }

    internal override bool CanOverwrite(Node node, int input) => input < 2;

    internal override long Elementwise(Node node) => 8L * node.Output.Shape.ElementCount;

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        double epsilon = args.Attributes<BatchNormAttributes>().Epsilon;
        ReadOnlySpan<T> x = args.Inputs[0].Span, dy = args.Inputs[1].Span;
        Span<T> dx = args.Outputs[0].Span;
        int channels = args.Inputs[2].Shape[0], rows = x.Length / channels;
        for (int c = 0; c < channels; c++)
        {
            double scale = double.CreateTruncating(args.Inputs[2].Span[c]), mean = double.CreateTruncating(args.Inputs[3].Span[c]);
            double r = 1 / Math.Sqrt(double.CreateTruncating(args.Inputs[4].Span[c]) + epsilon), dScale = 0, dShift = 0;
            for (int i = c; i < x.Length; i += channels)
            {
                dShift += double.CreateTruncating(dy[i]);
                dScale += double.CreateTruncating(dy[i]) * (double.CreateTruncating(x[i]) - mean) * r;
            }

            for (int i = c; i < x.Length; i += channels)
            {
                double h = (double.CreateTruncating(x[i]) - mean) * r;
                dx[i] = T.CreateTruncating(scale * r * (double.CreateTruncating(dy[i]) - ((dShift + (h * dScale)) / rows)));
            }

            args.Outputs[1].Span[c] = T.CreateTruncating(dScale);
            args.Outputs[2].Span[c] = T.CreateTruncating(dShift);
        }
    }
}
