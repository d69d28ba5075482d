using System;
using Thomas.Graphs;

namespace Thomas.Ops;

/// <summary>Settings of softmax.</summary>
/// <param name="Logarithm">Whether the logarithm of the result is returned.</param>
/// <param name="Beta">Factor on the exponent.</param>
internal sealed record SoftmaxAttributes(bool Logarithm = false, float Beta = 1) : OpAttributes;

/// <summary>Normalized exponentials along the last axis, computed with the maximum subtracted.</summary>
internal sealed partial class Softmax : Op
{
    /// <inheritdoc/>
    public override string Name => "Softmax";

    /// <inheritdoc/>
    public override string Formula => "y[..,i] = e^(beta*x[..,i]) / sum_j e^(beta*x[..,j]), or its logarithm";

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 1);
        Require(inputs[0].Shape.Rank >= 1, "x must not be a scalar");
        return [inputs[0]];
    }

    internal override bool CpuCanOverwrite(Node node, int input) => input == 0;

    internal override long Elementwise(Node node) => 4L * node.Output.Shape.ElementCount;

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        SoftmaxAttributes a = args.Attributes<SoftmaxAttributes>();
        int n = args.Output.Shape[-1];
        for (int start = 0; start < args.Output.Shape.ElementCount; start += n)
        {
            ReadOnlySpan<T> x = args.Inputs[0].Span.Slice(start, n);
            Span<T> y = args.Output.Span.Slice(start, n);
            double max = double.NegativeInfinity, sum = 0;
            foreach (T value in x) max = Math.Max(max, a.Beta * double.CreateTruncating(value));
            foreach (T value in x) sum += Math.Exp((a.Beta * double.CreateTruncating(value)) - max);
            for (int i = 0; i < y.Length; i++)
            {
                double shifted = (a.Beta * double.CreateTruncating(x[i])) - max;
                y[i] = T.CreateTruncating(a.Logarithm ? shifted - Math.Log(sum) : Math.Exp(shifted) / sum);
            }
        }
    }
}
