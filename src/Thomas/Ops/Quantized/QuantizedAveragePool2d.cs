using System;
using Thomas.Graphs;
using Thomas.Kernels.Quantized;

namespace Thomas.Ops;

/// <summary>Settings of <see cref="QuantizedAveragePool2d"/>.</summary>
/// <param name="Window">Window size, stride and padding.</param>
/// <param name="CountPadding">Whether padding counts as zeros in the mean.</param>
/// <param name="X">The grid of x.</param>
/// <param name="Y">The grid of the result.</param>
/// <param name="Lower">The smallest result, in steps.</param>
/// <param name="Upper">The largest result, in steps.</param>
/// <param name="Rule">How the mean goes from one grid to the other; null where both are one grid and the mean of steps is rounded, halves away from zero.</param>
internal sealed record QuantizedAveragePool2dAttributes(
    Window2d Window, bool CountPadding, Grid X, Grid Y, int Lower, int Upper, RequantizationRule? Rule) : OpAttributes;

/// <summary>
/// Mean of each window of an 8-bit tensor, by sums in 32 bits. Every window must cover at least one real element. TensorFlow Lite's pools stay on their grid;
/// its means and ONNX Runtime's pools change it.
/// </summary>
internal sealed partial class QuantizedAveragePool2d : Op
{
    /// <inheritdoc/>
    public override string Name => "QuantizedAveragePool2d";

    /// <inheritdoc/>
    public override string Formula =>
        "y[n,p,q,c] = clamp(round(sum_{i,j} (x[n, p*sH - top + i*dH, q*sW - left + j*dW, c] - zeroX) * scaleX / (k * scaleY)) + zeroY, lower, upper), "
        + "k = taps inside x, or with padding counted kH*kW";

    /// <inheritdoc/>
    internal override bool IsTrainingOnly => true;

    internal override string NoGradientReason => QuantizedRules.NoGradient;

    internal override ElementTypes OperandTypes(int operand, OpAttributes attributes) => QuantizedRules.Steps;

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 1);
        QuantizedAveragePool2dAttributes a = (QuantizedAveragePool2dAttributes)attributes;
        QuantizedRules.RequireGrid(inputs[0], a.X);
        PoolingRules.Check(a.Window);
        return [new TensorType(a.Y.Type, a.Window.OutputShape(inputs[0].Shape, inputs[0].Shape.Rank == 4 ? inputs[0].Shape[3] : 0))];
    }

    internal override long Elementwise(Node node)
    {
        Window2d window = ((QuantizedAveragePool2dAttributes)node.Attributes).Window;
        return node.Output.Shape.ElementCount * (long)window.KernelH * window.KernelW;
    }

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        QuantizedAveragePool2dAttributes a = args.Attributes<QuantizedAveragePool2dAttributes>();
        PoolingRules.ForEachWindow(args, a.Window, (input, taps, counted) =>
        {
            int sum = 0;
            foreach (int tap in taps) sum += int.CreateTruncating(input[tap]);
            return T.CreateTruncating(Mean(a, sum, taps.Length, a.CountPadding ? counted : taps.Length));
        });
    }

    /// <summary>The result for the sum of so many steps, to be divided by another number where padding counts.</summary>
    internal static int Mean(QuantizedAveragePool2dAttributes a, int sum, int taps, int divisor)
    {
        if (a.Rule is not RequantizationRule rule)
        {
            sum += (divisor - taps) * a.X.ZeroPoint;
            int half = divisor / 2;
            return Math.Clamp((sum + (sum > 0 ? half : -half)) / divisor, a.Lower, a.Upper);
        }

        return new Requantization(rule, [Ratio(a, divisor)], a.Y.ZeroPoint, a.Lower, a.Upper).Apply(sum - (taps * a.X.ZeroPoint), 0);
    }

    /// <summary>What a sum of so many steps is multiplied by, in the precision of the rule.</summary>
    private static double Ratio(QuantizedAveragePool2dAttributes a, int divisor) => a.Rule == RequantizationRule.FixedPoint
        ? (double)a.X.Scale / ((double)a.Y.Scale * divisor)
        : a.X.Scale / (a.Y.Scale * divisor);
}
