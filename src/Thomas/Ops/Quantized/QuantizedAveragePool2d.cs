using System;
using Thomas.Graphs;
using Thomas.Kernels.Quantized;

namespace Thomas.Ops;

/// <summary>Settings of <see cref="QuantizedAveragePool2d"/>.</summary>
/// <param name="Window">Window size, stride and padding.</param>
/// <param name="X">The grid of x.</param>
/// <param name="Y">The grid of the result.</param>
/// <param name="Lower">The smallest result, in steps.</param>
/// <param name="Upper">The largest result, in steps.</param>
/// <param name="Rule">How the mean goes from one grid to the other, without padding; null where both are one grid and the mean of steps is rounded, halves away
/// from zero.</param>
internal sealed record QuantizedAveragePool2dAttributes(Window2d Window, StepGrid X, StepGrid Y, int Lower, int Upper, RequantizationRule? Rule) : OpAttributes
{
    /// <summary>How the sum of a whole window becomes its result; of the bounds alone where there is no rule.</summary>
    public Requantization Finish()
    {
        int taps = Window.KernelH * Window.KernelW;
        double ratio = Rule == RequantizationRule.FixedPoint ? (double)X.Scale / ((double)Y.Scale * taps) : X.Scale / (Y.Scale * taps);
        return new Requantization(Rule ?? default, [ratio], Y.ZeroPoint, Lower, Upper);
    }
}

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
        + "k = taps inside x";

    /// <inheritdoc/>
    internal override bool IsTrainingOnly => true;

    internal override ElementTypes OperandTypes(int operand, OpAttributes attributes) => QuantizedRules.Steps;

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 1);
        QuantizedAveragePool2dAttributes a = (QuantizedAveragePool2dAttributes)attributes;
        QuantizedRules.RequireGrid(inputs[0], a.X);
        PoolingRules.Check(a.Window);
        Require(a.Rule is null || a.Window.Padding == default, "a mean that changes its grid takes no padding");
        return [new TensorType(a.Y.Type, a.Window.OutputShape(inputs[0].Shape, inputs[0].Shape.Rank == 4 ? inputs[0].Shape[3] : 0))];
    }

    internal override long Elementwise(Node node)
    {
        Window2d window = ((QuantizedAveragePool2dAttributes)node.Attributes).Window;
        return node.Output.Shape.ElementCount * (long)window.KernelH * window.KernelW;
    }

    internal override void Gradient(GradientContext g)
    {
        QuantizedAveragePool2dAttributes a = g.Attributes<QuantizedAveragePool2dAttributes>();
        Shape x = g.Input(0).Shape;
        Value dy = StepGradients.BeforeRounding(g, a.Y, a.Lower, a.Upper);
        g.Add(0, g.Emit(OpCatalog.AveragePool2dGradient, "gradInput", [dy], new AveragePool2dGradientAttributes(a.Window, x[1], x[2])));
    }

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        QuantizedAveragePool2dAttributes a = args.Attributes<QuantizedAveragePool2dAttributes>();
        QuantizedPooling pooling = PoolingOf(a, args.Node);
        PoolingRules.ForEachWindow(args, a.Window, (input, taps, _) =>
        {
            int sum = 0;
            foreach (int tap in taps) sum += int.CreateTruncating(input[tap]);
            return T.CreateTruncating(pooling.Apply(sum, 0, taps.Length));
        });
    }

    private static QuantizedPooling PoolingOf(QuantizedAveragePool2dAttributes a, Node node) => new(
        a.Window.ToGeometry(node.Inputs[0].Shape, node.Output.Shape, node.Output.Shape[3]),
        a.Rule is null ? QuantizedPoolKind.Average : QuantizedPoolKind.Sum, a.X.Operand, a.Finish());
}
