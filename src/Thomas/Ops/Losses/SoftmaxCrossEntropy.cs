using System;
using Thomas.Graphs;

namespace Thomas.Ops;

/// <summary>
/// Cross-entropy between target distributions and the softmax of class scores, summed with a weight for each row. Operands: logits [n,c], targets [n,c]
/// (one-hot, smoothed or mixed), weights [n]; results: loss [] and probabilities [n,c]. Weights of 1/n give the batch mean; of 0, rows that do not count.
/// </summary>
internal sealed partial class SoftmaxCrossEntropy : Op
{
    /// <inheritdoc/>
    public override string Name => "SoftmaxCrossEntropy";

    /// <inheritdoc/>
    public override string Formula => "p[n,i] = e^x[n,i] / sum_j e^x[n,j]; loss = -sum_n weights[n] * sum_i targets[n,i] * ln p[n,i]";

    internal override bool IsTrainingOnly => true;

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 3);
        Shape logits = inputs[0].Shape;
        Require(logits.Rank == 2, $"logits {logits} must be [n,c]");
        Require(inputs[1].Shape == logits, $"targets {inputs[1].Shape} and logits {logits} differ");
        Require(inputs[2].Shape == new Shape(logits[0]), $"weights {inputs[2].Shape} must be [{logits[0]}]");
        return [new TensorType(DType.F32, new Shape()), inputs[0]];
    }

    internal override long Elementwise(Node node) => 6L * node.Inputs[0].Shape.ElementCount;

    internal override void Gradient(GradientContext g)
    {
        if (g.GradOutputs[1] is not null) throw new GraphException($"{g.Node}: only the loss can be differentiated");
        if (g.Needs(1) || g.Needs(2)) throw new GraphException($"{g.Node}: targets and weights cannot be trained");
        g.Add(0, g.Emit(OpCatalog.SoftmaxCrossEntropyGradient, "gradLogits", [g.Node.Outputs[1], g.Input(1), g.Input(2), g.GradOutput]));
    }

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        Shape shape = args.Inputs[0].Shape;
        int classes = shape[1];
        double loss = 0;
        for (int n = 0; n < shape[0]; n++)
        {
            ReadOnlySpan<T> x = args.Inputs[0].Span.Slice(n * classes, classes), targets = args.Inputs[1].Span.Slice(n * classes, classes);
            Span<T> probabilities = args.Outputs[1].Span.Slice(n * classes, classes);
            double max = double.NegativeInfinity, sum = 0, cross = 0;
            foreach (T value in x) max = Math.Max(max, double.CreateTruncating(value));
            foreach (T value in x) sum += Math.Exp(double.CreateTruncating(value) - max);
            double logSum = Math.Log(sum) + max;
            for (int i = 0; i < classes; i++)
            {
                double logarithm = double.CreateTruncating(x[i]) - logSum, target = double.CreateTruncating(targets[i]);
                probabilities[i] = T.CreateTruncating(Math.Exp(logarithm));

                // A class that is impossible and does not occur adds nothing, although 0 * -infinity is NaN.
                if (target != 0) cross -= target * logarithm;
            }

            double weight = double.CreateTruncating(args.Inputs[2].Span[n]);
            if (weight != 0) loss += weight * cross;
        }

        args.Outputs[0].Span[0] = T.CreateTruncating(loss);
    }
}
