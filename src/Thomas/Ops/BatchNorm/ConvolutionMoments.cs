using System;
using Thomas.Graphs;

namespace Thomas.Ops;

/// <summary>
/// A convolution and, of its result over all axes but the last, the mean, the variance (divided by the count) and what the mean lost when it was rounded.
/// <see cref="BatchNormFromMoments"/> reads them. The pass <c>fuse-batch-norm-moments</c> makes the two of a convolution and <see cref="BatchNormTraining"/>,
/// so that the result need not be read for them.
/// </summary>
internal abstract class ConvolutionMoments : Op
{
    private const string MomentsFormula =
        "mean[o] = mean_{n,p,q} y[n,p,q,o]; variance[o] = mean_{n,p,q} (y[n,p,q,o] - mean[o])^2; rest[o] = mean[o] before rounding - mean[o]";

    private protected ConvolutionMoments()
    {
    }

    /// <inheritdoc/>
    public override string Name => $"{Convolution.Name}Moments";

    /// <inheritdoc/>
    public override string Formula => $"{Convolution.Formula}; {MomentsFormula}";

    internal override bool IsTrainingOnly => true;

    internal override string NoGradientReason => "it is built after the gradients";

    /// <summary>The convolution alone.</summary>
    internal abstract Op Convolution { get; }

    internal override ElementTypes OperandTypes(int operand, OpAttributes attributes) => Convolution.OperandTypes(operand, attributes);

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        TensorType y = Convolution.InferTypes(inputs, attributes)[0], moment = new(y.DType, new Shape(y.Shape[-1]));
        return [y, moment, moment, moment];
    }

    internal override long MultiplyAdds(Node node) => Convolution.MultiplyAdds(node);

    internal override long Elementwise(Node node) => 4L * node.Output.Shape.ElementCount;

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        Convolution.Reference(args);
        ReadOnlySpan<T> y = args.Output.Span;
        int channels = args.Output.Shape[-1], rows = y.Length / channels;
        for (int c = 0; c < channels; c++)
        {
            double mean = 0, variance = 0;
            for (int i = c; i < y.Length; i += channels) mean += double.CreateTruncating(y[i]);
            mean /= rows;
            for (int i = c; i < y.Length; i += channels)
            {
                double deviation = double.CreateTruncating(y[i]) - mean;
                variance += deviation * deviation;
            }

            T rounded = T.CreateTruncating(mean);
            args.Outputs[1].Span[c] = rounded;
            args.Outputs[2].Span[c] = T.CreateTruncating(variance / rows);
            args.Outputs[3].Span[c] = T.CreateTruncating(mean - double.CreateTruncating(rounded));
        }
    }
}
