using System;
using Thomas.Graphs;
using Thomas.Kernels.Activations;

namespace Thomas.Ops;

/// <summary>Settings of batch normalization in training.</summary>
/// <param name="Epsilon">Added to the variance.</param>
/// <param name="Activation">Applied to the result: none, or one that clips (relu, relu6, clip).</param>
internal sealed record BatchNormTrainingAttributes(float Epsilon, Activation Activation = default) : OpAttributes
{
    /// <summary>Whether the activation is one that the operators take over.</summary>
    internal static bool Fuses(Activation activation) => ActivationCatalog.IsKnown(activation.Kind) && activation.Function.IsClip;
}

/// <summary>
/// Batch normalization with the statistics of the batch, over the last axis (Ioffe and Szegedy 2015). Operands: x [..., c], scale [c], shift [c]; results: y
/// like x, and mean and variance [c] of x over all other axes, the variance divided by the count. <see cref="MovingAverage"/> turns those into the statistics
/// of <see cref="BatchNorm"/>.
/// </summary>
internal sealed partial class BatchNormTraining : Op
{
    /// <inheritdoc/>
    public override string Name => "BatchNormTraining";

    /// <inheritdoc/>
    public override string Formula =>
        "mean[c] = mean_i x[i,c]; variance[c] = mean_i (x[i,c] - mean[c])^2; y[i,c] = f((x[i,c] - mean[c]) / sqrt(variance[c] + epsilon) * scale[c] + "
        + "shift[c])";

    internal override bool IsTrainingOnly => true;

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 3);
        BatchNormTrainingAttributes settings = (BatchNormTrainingAttributes)attributes;
        Require(settings.Epsilon >= 0, "epsilon must not be negative");
        Require(BatchNormTrainingAttributes.Fuses(settings.Activation), $"the activation {settings.Activation.Kind} must be a separate node");
        Shape x = inputs[0].Shape;
        Require(x.Rank >= 1, "x must not be a scalar");
        for (int i = 1; i < 3; i++) Require(inputs[i].Shape == new Shape(x[-1]), $"operand {i} of shape {inputs[i].Shape} does not fit {x[-1]} channels");
        return [inputs[0], inputs[1], inputs[1]];
    }

    // Also in place: x is read for the last time as y is written. The gradient reads x, so this happens only where there is none.
    internal override bool CpuCanOverwrite(Node node, int input) => input == 0;

    internal override bool OpenClCanOverwrite(Node node, int input) => input == 0;

    internal override long Elementwise(Node node) => 6L * node.Output.Shape.ElementCount;

    internal override void Gradient(GradientContext g)
    {
        if (g.GradOutputs[1] is not null || g.GradOutputs[2] is not null)
        {
            throw new GraphException($"{g.Node}: mean and variance cannot be differentiated separately");
        }

        Value[] operands = [g.Input(0), g.GradOutput, g.Input(1), g.Node.Outputs[1], g.Node.Outputs[2]];
        if (g.Attributes<BatchNormTrainingAttributes>().Activation.Kind != ActivationKind.None) operands = [.. operands, g.Input(2)];
        Node gradient = g.Builder.AddNode(OpCatalog.BatchNormTrainingGradient, operands, g.Node.Attributes, $"{g.Node.Name}/gradInput");
        for (int i = 0; i < 3; i++)
        {
            if (g.Needs(i)) g.Add(i, gradient.Outputs[i]);
        }
    }

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        (double epsilon, ActivationFunction activation) =
            (args.Attributes<BatchNormTrainingAttributes>().Epsilon, args.Attributes<BatchNormTrainingAttributes>().Activation.Function);
        ReadOnlySpan<T> x = args.Inputs[0].Span, scale = args.Inputs[1].Span, shift = args.Inputs[2].Span;
        Span<T> y = args.Outputs[0].Span;
        int channels = scale.Length, rows = x.Length / channels;
        for (int c = 0; c < channels; c++)
        {
            double mean = 0, variance = 0;
            for (int i = c; i < x.Length; i += channels) mean += double.CreateTruncating(x[i]);
            mean /= rows;
            for (int i = c; i < x.Length; i += channels)
            {
                double deviation = double.CreateTruncating(x[i]) - mean;
                variance += deviation * deviation;
            }

            variance /= rows;
            args.Outputs[1].Span[c] = T.CreateTruncating(mean);
            args.Outputs[2].Span[c] = T.CreateTruncating(variance);
            double factor = double.CreateTruncating(scale[c]) / Math.Sqrt(variance + epsilon);
            for (int i = c; i < x.Length; i += channels)
                y[i] = T.CreateTruncating(activation.Value(((double.CreateTruncating(x[i]) - mean) * factor) + double.CreateTruncating(shift[c])));
        }
    }
}
