using System;
using Thomas.Graphs;

namespace Thomas.Ops;

/// <summary>
/// dL/d(logits) of <see cref="SoftmaxCrossEntropy"/>. Operands: probabilities [n,c], targets [n,c], weights [n], dLoss []; result [n,c]. Rows of weight 0 give
/// zeros.
/// </summary>
internal sealed partial class SoftmaxCrossEntropyGradient : Op
{
    /// <inheritdoc/>
    public override string Name => "SoftmaxCrossEntropyGradient";

    /// <inheritdoc/>
    public override string Formula => "dx[n,i] = dLoss * weights[n] * (probabilities[n,i] * sum_j targets[n,j] - targets[n,i])";

    internal override bool IsTrainingOnly => true;

    internal override string NoGradientReason => "it is a gradient itself, and training needs first derivatives only";

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 4);
        Shape shape = inputs[0].Shape;
        Require(shape.Rank == 2 && inputs[1].Shape == shape, $"probabilities {shape} and targets {inputs[1].Shape} must both be [n,c]");
        Require(inputs[2].Shape == new Shape(shape[0]), $"weights {inputs[2].Shape} must be [{shape[0]}]");
        Require(inputs[3].Shape.ElementCount == 1, $"dLoss {inputs[3].Shape} must be one number");
        return [inputs[0]];
    }

    internal override bool CanOverwrite(Node node, int input) => input == 0;

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        Shape shape = args.Output.Shape;
        int classes = shape[1];
        double dLoss = double.CreateTruncating(args.Inputs[3].Span[0]);
        for (int n = 0; n < shape[0]; n++)
        {
            ReadOnlySpan<T> probabilities = args.Inputs[0].Span.Slice(n * classes, classes), targets = args.Inputs[1].Span.Slice(n * classes, classes);
            Span<T> dx = args.Output.Span.Slice(n * classes, classes);
            double weight = double.CreateTruncating(args.Inputs[2].Span[n]) * dLoss, sum = 0;
            foreach (T target in targets) sum += double.CreateTruncating(target);
            for (int i = 0; i < classes; i++)
            {
                dx[i] = weight == 0
                    ? T.Zero
                    : T.CreateTruncating(weight * ((double.CreateTruncating(probabilities[i]) * sum) - double.CreateTruncating(targets[i])));
            }
        }
    }
}
