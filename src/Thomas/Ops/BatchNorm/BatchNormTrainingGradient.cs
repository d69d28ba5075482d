using System;
using Thomas.Graphs;
using Thomas.Kernels.Activations;

namespace Thomas.Ops;

/// <summary>
/// The gradients of <see cref="BatchNormTraining"/>, through the batch's statistics too (Ioffe and Szegedy 2015, section 3). Operands: x [..., c], dy like x,
/// scale [c], mean [c], variance [c], and shift [c] where an activation is applied to the result; results: dx like x, dScale [c], dShift [c].
/// </summary>
internal sealed partial class BatchNormTrainingGradient : Op
{
    /// <inheritdoc/>
    public override string Name => "BatchNormTrainingGradient";

    /// <inheritdoc/>
    public override string Formula =>
        "r[c] = 1 / sqrt(variance[c] + epsilon); h[i,c] = (x[i,c] - mean[c]) * r[c]; g[i,c] = dy[i,c] * f'(h[i,c] * scale[c] + shift[c]); dShift[c] = " +
        "sum_i g[i,c]; " +
        "dScale[c] = sum_i g[i,c] * h[i,c]; dx[i,c] = scale[c] * r[c] * (g[i,c] - (dShift[c] + h[i,c] * dScale[c]) / n), n the count of i";

    internal override bool IsTrainingOnly => true;

    internal override string NoGradientReason => "it is a gradient itself, and training needs first derivatives only";

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        BatchNormTrainingAttributes settings = (BatchNormTrainingAttributes)attributes;
        int operands = settings.Activation.Kind == ActivationKind.None ? 5 : 6;
        RequireInputs(inputs, operands);
        Require(settings.Epsilon >= 0, "epsilon must not be negative");
        Require(BatchNormTrainingAttributes.Fuses(settings.Activation), $"the activation {settings.Activation.Kind} must be a separate node");
        Shape x = inputs[0].Shape;
        Require(x.Rank >= 1, "x must not be a scalar");
        Require(inputs[1].Shape == x, $"dy {inputs[1].Shape} and x {x} differ");
        for (int i = 2; i < operands; i++)
            Require(inputs[i].Shape == new Shape(x[-1]), $"operand {i} of shape {inputs[i].Shape} does not fit {x[-1]} channels");
        return [inputs[0], inputs[2], inputs[2]];
    }

    internal override bool CpuCanOverwrite(Node node, int input) => input < 2;

    internal override bool OpenClCanOverwrite(Node node, int input) => input < 2;

    internal override long Elementwise(Node node) => 8L * node.Output.Shape.ElementCount;

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        BatchNormTrainingAttributes settings = args.Attributes<BatchNormTrainingAttributes>();
        ReadOnlySpan<T> x = args.Inputs[0].Span, dy = args.Inputs[1].Span;
        Span<T> dx = args.Outputs[0].Span;
        int channels = args.Inputs[2].Shape[0], rows = x.Length / channels;
        double[] g = new double[x.Length];
        ActivationFunction activation = settings.Activation.Function;
        bool clips = settings.Activation.Kind != ActivationKind.None;
        for (int c = 0; c < channels; c++)
        {
            double scale = double.CreateTruncating(args.Inputs[2].Span[c]), mean = double.CreateTruncating(args.Inputs[3].Span[c]);
            double shift = clips ? double.CreateTruncating(args.Inputs[5].Span[c]) : 0;
            double r = 1 / Math.Sqrt(double.CreateTruncating(args.Inputs[4].Span[c]) + settings.Epsilon), dScale = 0, dShift = 0;
            for (int i = c; i < x.Length; i += channels)
            {
                double h = (double.CreateTruncating(x[i]) - mean) * r;
                g[i] = double.CreateTruncating(dy[i]) * (clips ? activation.Derivative((h * scale) + shift) : 1);
                dShift += g[i];
                dScale += g[i] * h;
            }

            for (int i = c; i < x.Length; i += channels)
            {
                double h = (double.CreateTruncating(x[i]) - mean) * r;
                dx[i] = T.CreateTruncating(scale * r * (g[i] - ((dShift + (h * dScale)) / rows)));
            }

            args.Outputs[1].Span[c] = T.CreateTruncating(dScale);
            args.Outputs[2].Span[c] = T.CreateTruncating(dShift);
        }
    }
}
