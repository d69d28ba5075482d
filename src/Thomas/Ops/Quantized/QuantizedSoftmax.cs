using System;
using Thomas.Graphs;

namespace Thomas.Ops;

/// <summary>Settings of <see cref="QuantizedSoftmax"/>.</summary>
/// <param name="X">The grid of x.</param>
/// <param name="Y">The grid of the result.</param>
/// <param name="Beta">Factor of x.</param>
internal sealed record QuantizedSoftmaxAttributes(StepGrid X, StepGrid Y, float Beta = 1) : OpAttributes
{
    /// <summary>exp(-d * beta * scale) for each distance d, in steps, from the largest of a row; float32, as TensorFlow Lite tabulates it.</summary>
    public float[] Exponentials()
    {
        float[] table = new float[LookUpAttributes.Length];
        float factor = -X.Scale * Beta;
        for (int i = 0; i < table.Length; i++) table[i] = MathF.Exp(factor * i);
        return table;
    }
}

/// <summary>
/// Softmax along the last axis of an 8-bit tensor: exponentials from a table, their sum and the quotient in float32 (TensorFlow Lite's optimized kernel).
/// </summary>
internal sealed partial class QuantizedSoftmax : Op
{
    /// <inheritdoc/>
    public override string Name => "QuantizedSoftmax";

    /// <inheritdoc/>
    public override string Formula =>
        "y[i,k] = clamp(round(e[i,k] / (scaleY * sum_j e[i,j])) + zeroY, min, max), e[i,k] = exp(beta * scaleX * (x[i,k] - max_j x[i,j]))";

    /// <inheritdoc/>
    internal override bool IsTrainingOnly => true;

    internal override string NoGradientReason => "the gradient of probabilities needs more digits than 8 bits hold";

    internal override ElementTypes OperandTypes(int operand, OpAttributes attributes) => QuantizedRules.Steps;

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 1);
        QuantizedSoftmaxAttributes a = (QuantizedSoftmaxAttributes)attributes;
        QuantizedRules.RequireGrid(inputs[0], a.X);
        Require(inputs[0].Shape.Rank >= 1, "expects at least one axis");
        return [inputs[0] with { DType = a.Y.Type }];
    }

    internal override long Elementwise(Node node) => 4L * node.Output.Shape.ElementCount;

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        QuantizedSoftmaxAttributes a = args.Attributes<QuantizedSoftmaxAttributes>();
        float[] table = a.Exponentials();
        int columns = args.Output.Shape[-1];
        for (int start = 0; start < args.Output.Span.Length; start += columns)
        {
            ReadOnlySpan<T> x = args.Inputs[0].Span.Slice(start, columns);
            Span<T> y = args.Output.Span.Slice(start, columns);
            T max = x[0];
            foreach (T value in x) max = T.Max(max, value);
            float sum = 0;
            foreach (T value in x) sum += table[int.CreateTruncating(max - value)];
            float factor = 1 / (sum * a.Y.Scale);
            for (int k = 0; k < columns; k++) y[k] = T.CreateTruncating(Step(a.Y, table[int.CreateTruncating(max - x[k])], factor));
        }
    }

    private static int Step(StepGrid y, float exponential, float factor) =>
        (int)Math.Clamp(MathF.Round(exponential * factor, MidpointRounding.AwayFromZero) + y.ZeroPoint, y.Minimum, y.Maximum);
}
