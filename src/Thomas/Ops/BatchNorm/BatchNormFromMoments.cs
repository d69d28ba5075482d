using System;
using Thomas.Graphs;
using Thomas.Kernels.Activations;

namespace Thomas.Ops;

/// <summary>
/// <see cref="BatchNormTraining"/> with moments that are known already. Operands: x [..., c], scale [c], shift [c], and mean, variance and rest [c] as
/// <see cref="Conv2dMoments"/> has them; result: y like x.
/// </summary>
internal sealed partial class BatchNormFromMoments : Op
{
    /// <inheritdoc/>
    public override string Name => "BatchNormFromMoments";

    /// <inheritdoc/>
    public override string Formula => "y[i,c] = f((x[i,c] - mean[c] - rest[c]) / sqrt(variance[c] + epsilon) * scale[c] + shift[c])";

    internal override bool IsTrainingOnly => true;

    internal override string NoGradientReason => "it is built after the gradients";

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 6);
        BatchNormTrainingAttributes settings = (BatchNormTrainingAttributes)attributes;
        Require(settings.Epsilon >= 0, "epsilon must not be negative");
        Require(BatchNormTrainingAttributes.Fuses(settings.Activation), $"the activation {settings.Activation.Kind} must be a separate node");
        Shape x = inputs[0].Shape;
        Require(x.Rank >= 1, "x must not be a scalar");
        for (int i = 1; i < 6; i++) Require(inputs[i].Shape == new Shape(x[-1]), $"operand {i} of shape {inputs[i].Shape} does not fit {x[-1]} channels");
        return [inputs[0]];
    }

    internal override bool CanOverwrite(Node node, int input) => input == 0;

    internal override long Elementwise(Node node) => 4L * node.Output.Shape.ElementCount;

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        (double epsilon, ActivationFunction activation) =
            (args.Attributes<BatchNormTrainingAttributes>().Epsilon, args.Attributes<BatchNormTrainingAttributes>().Activation.Function);
        ReadOnlySpan<T> x = args.Inputs[0].Span;
        Span<T> y = args.Output.Span;
        int channels = args.Inputs[1].Shape[0];
        for (int i = 0; i < x.Length; i++)
        {
            double deviation = double.CreateTruncating(x[i]) - At(3, i) - At(5, i);
            y[i] = T.CreateTruncating(activation.Value((deviation / Math.Sqrt(At(4, i) + epsilon) * At(1, i)) + At(2, i)));
        }

        double At(int operand, int i) => double.CreateTruncating(args.Inputs[operand].Span[i % channels]);
    }
}
