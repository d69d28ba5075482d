using System;
using Thomas.Graphs;
using Thomas.Kernels.Quantized;

namespace Thomas.Ops;

/// <summary>Settings of <see cref="Quantize"/>.</summary>
/// <param name="Grid">The grid of the result.</param>
/// <param name="Rule">How quotients are rounded.</param>
internal sealed record QuantizeAttributes(StepGrid Grid, QuantizationRule Rule) : OpAttributes
{
    /// <summary>The map of one number.</summary>
    public QuantizeKernel Kernel() => new(Rule, Grid.Scale, Grid.ZeroPoint, Grid.Minimum, Grid.Maximum);
}

/// <summary>Real numbers as steps of a grid of 8 bits; NaN as zero.</summary>
internal sealed partial class Quantize : Op
{
    /// <inheritdoc/>
    public override string Name => "Quantize";

    /// <inheritdoc/>
    public override string Formula => "y[i] = clamp(round(x[i] / scale) + zeroPoint, min, max)";

    /// <inheritdoc/>
    internal override bool IsTrainingOnly => true;

    /// <summary>Straight through, by real numbers; 0 at the ends of the grid.</summary>
    internal override void Gradient(GradientContext g)
    {
        StepGrid grid = g.Attributes<QuantizeAttributes>().Grid;
        g.Add(0, StepGradients.BeforeRounding(g, grid, grid.Minimum, grid.Maximum));
    }

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 1);
        return [inputs[0] with { DType = ((QuantizeAttributes)attributes).Grid.Type }];
    }

    internal override long Elementwise(Node node) => 4L * node.Output.Shape.ElementCount;

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        QuantizeKernel map = args.Attributes<QuantizeAttributes>().Kernel();
        ReadOnlySpan<T> x = args.Inputs[0].Span;
        Span<T> y = args.Output.Span;
        for (int i = 0; i < y.Length; i++) y[i] = T.CreateTruncating(map.Apply(float.CreateTruncating(x[i])));
    }
}
