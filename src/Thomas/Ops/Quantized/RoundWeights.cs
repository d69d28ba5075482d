using System;
using System.Runtime.InteropServices;
using Thomas.Graphs;
using Thomas.Kernels.Quantized;

namespace Thomas.Ops;

/// <summary>Settings of <see cref="RoundWeights"/>.</summary>
/// <param name="Grid">The least scales and the zero points: one, or one for each index of an axis.</param>
/// <param name="Minimum">The smallest step.</param>
/// <param name="Maximum">The largest step.</param>
/// <param name="AsSteps">Whether the result are the steps, else their real numbers.</param>
internal sealed record RoundWeightsAttributes(Quantization Grid, int Minimum, int Maximum, bool AsSteps = false) : OpAttributes
{
    /// <summary>The range of the steps.</summary>
    public WeightGrid Range => new(Minimum, Maximum);

    /// <summary>The type that holds the steps.</summary>
    public DType Type => Minimum < 0 ? DType.I8 : DType.U8;

    /// <summary>How elements of a shape lie: [outer, channels, inner].</summary>
    public (int Outer, int Inner) Layout(Shape shape) =>
        Grid.IsPerTensor ? (1, shape.ElementCount) : (shape.Product(0, Grid.Axis), shape.Product(Grid.Axis + 1, shape.Rank));

    /// <inheritdoc/>
    public override string ToString() => $"{{ scales = {Grid.Scales.Length}, range = [{Minimum},{Maximum}]{(AsSteps ? ", steps" : "")} }}";
}

/// <summary>
/// Weights that are trained as real numbers, on a grid of 8 bits whose scales follow them. Operand: w; results: the rounded weights, or their steps, and the
/// scales, one or one per channel.
/// </summary>
internal sealed partial class RoundWeights : Op
{
    /// <inheritdoc/>
    public override string Name => "RoundWeights";

    /// <inheritdoc/>
    public override string Formula =>
        "s[c] = max(s0[c], max_i w[c,i] / (max - zero[c] + 1/2), -min_i w[c,i] / (zero[c] - min + 1/2)); "
        + "q[c,i] = clamp(round(w[c,i] / s[c]) + zero[c], min, max); y[c,i] = s[c] * (q[c,i] - zero[c]) or q[c,i]";

    /// <inheritdoc/>
    internal override bool IsTrainingOnly => true;

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 1);
        RoundWeightsAttributes a = (RoundWeightsAttributes)attributes;
        Shape shape = inputs[0].Shape;
        Quantization grid = a.Grid;
        int scales = grid.Scales.Length;
        Require(grid.IsPerTensor || (grid.Axis < shape.Rank && shape[grid.Axis] == scales), $"{scales} scales do not fit {shape}");
        foreach (int zero in grid.ZeroPoints) Require(a.Minimum <= zero && zero <= a.Maximum, $"zero {zero} is outside [{a.Minimum}, {a.Maximum}]");
        return [inputs[0] with { DType = a.AsSteps ? a.Type : DType.F32 }, new TensorType(DType.F32, new Shape(scales))];
    }

    internal override long Elementwise(Node node) => 7L * node.Output.Shape.ElementCount;

    /// <summary>Straight through: nothing is clipped. The scales have no gradient.</summary>
    internal override void Gradient(GradientContext g)
    {
        if (g.GradOutputs[0] is Value dy) g.Add(0, dy);
    }

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        RoundWeightsAttributes a = args.Attributes<RoundWeightsAttributes>();
        Span<T> w = args.Inputs[0].Span, y = args.Outputs[0].Span;
        float[] weights = new float[w.Length];
        for (int i = 0; i < w.Length; i++) weights[i] = float.CreateTruncating(w[i]);
        int[] steps = Steps(weights, args.Inputs[0].Shape, a, out float[] scales);
        (_, int inner) = a.Layout(args.Inputs[0].Shape);
        for (int i = 0; i < y.Length; i++)
        {
            int c = i / inner % scales.Length;
            float real = float.IsNaN(weights[i]) ? float.NaN : (steps[i] - a.Grid.ZeroPoints[c]) * scales[c];
            y[i] = T.CreateTruncating(a.AsSteps ? steps[i] : real);
        }

        for (int c = 0; c < scales.Length; c++) args.Outputs[1].Span[c] = T.CreateTruncating(scales[c]);
    }

    /// <summary>Rounded weights as a constant that remembers its grid.</summary>
    internal static TensorData Rounded(float[] weights, Shape shape, RoundWeightsAttributes a)
    {
        int[] steps = Steps(weights, shape, a, out float[] scales);
        (_, int inner) = a.Layout(shape);
        float[] real = new float[weights.Length];
        for (int i = 0; i < real.Length; i++)
        {
            int c = i / inner % scales.Length;
            real[i] = (steps[i] - a.Grid.ZeroPoints[c]) * scales[c];
        }

        return TensorData.FromFloats(shape, real, new Quantization(scales, a.Grid.ZeroPoints, a.Grid.Axis));
    }

    private static int[] Steps(float[] weights, Shape shape, RoundWeightsAttributes a, out float[] scales)
    {
        (_, int inner) = a.Layout(shape);
        int channels = a.Grid.Scales.Length;
        float[] least = new float[channels], most = new float[channels];
        for (int i = 0; i < weights.Length; i++)
        {
            int c = i / inner % channels;
            if (weights[i] < least[c]) least[c] = weights[i];
            if (weights[i] > most[c]) most[c] = weights[i];
        }

        scales = new float[channels];
        for (int c = 0; c < channels; c++) scales[c] = a.Range.Scale(a.Grid.Scales[c], a.Grid.ZeroPoints[c], least[c], most[c]);
        int[] steps = new int[weights.Length];
        for (int i = 0; i < steps.Length; i++)
        {
            int c = i / inner % channels;
            steps[i] = a.Range.Step(weights[i], scales[c], a.Grid.ZeroPoints[c]);
        }

        return steps;
    }
}

/// <summary>Settings of <see cref="RoundBias"/>.</summary>
/// <param name="XScale">The scale of the layer's input.</param>
/// <param name="AsSteps">Whether the result are the steps, 32-bit integers, else their real numbers.</param>
internal sealed record RoundBiasAttributes(float XScale, bool AsSteps = false) : OpAttributes;

/// <summary>
/// A bias that is trained as real numbers, on the grid of the sums that it is added to. Operands: b [c] and the scales of the layer's weights, one or c of
/// them.
/// </summary>
internal sealed partial class RoundBias : Op
{
    /// <summary>Sums have 32 bits; a bias takes at most half of them.</summary>
    private const double MostSteps = 1 << 30;

    /// <inheritdoc/>
    public override string Name => "RoundBias";

    /// <inheritdoc/>
    public override string Formula => "q[c] = round(b[c] / (scaleX * s[c])); y[c] = scaleX * s[c] * q[c] or q[c]";

    /// <inheritdoc/>
    internal override bool IsTrainingOnly => true;

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 2);
        Shape scales = inputs[1].Shape;
        Require(inputs[0].Shape.Rank == 1, $"the bias {inputs[0].Shape} must have one axis");
        Require(scales.Rank == 1 && (scales[0] == 1 || scales[0] == inputs[0].Shape[0]), $"{scales} scales do not fit the bias {inputs[0].Shape}");
        return [inputs[0] with { DType = ((RoundBiasAttributes)attributes).AsSteps ? DType.I32 : DType.F32 }];
    }

    internal override long Elementwise(Node node) => 4L * node.Output.Shape.ElementCount;

    /// <summary>Straight through; the scales have no gradient.</summary>
    internal override void Gradient(GradientContext g)
    {
        if (g.Needs(0)) g.Add(0, g.GradOutput);
    }

    /// <summary>The steps of a bias, halves to even; 0 for NaN.</summary>
    internal static int Steps(float bias, float scale)
    {
        double steps = Math.Round((double)bias / scale, MidpointRounding.ToEven);
        return double.IsNaN(steps) ? 0 : (int)Math.Clamp(steps, -MostSteps, MostSteps);
    }

    /// <summary>A rounded bias as a constant that remembers its integers.</summary>
    internal static TensorData Rounded(ReadOnlySpan<float> bias, float xScale, ReadOnlySpan<float> scales)
    {
        float[] real = new float[bias.Length], grid = new float[scales.Length];
        int[] steps = new int[bias.Length];
        for (int i = 0; i < grid.Length; i++) grid[i] = xScale * scales[i];
        for (int i = 0; i < steps.Length; i++)
        {
            float scale = grid[grid.Length == 1 ? 0 : i];
            steps[i] = Steps(bias[i], scale);
            real[i] = steps[i] * scale;
        }

        byte[] integers = MemoryMarshal.AsBytes(steps.AsSpan()).ToArray();
        return TensorData.FromFloats(new Shape(bias.Length), real, new Quantization(grid, new int[grid.Length]), integers);
    }

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        RoundBiasAttributes a = args.Attributes<RoundBiasAttributes>();
        ReadOnlySpan<T> b = args.Inputs[0].Span, scales = args.Inputs[1].Span;
        Span<T> y = args.Output.Span;
        for (int i = 0; i < y.Length; i++)
        {
            float bias = float.CreateTruncating(b[i]), scale = a.XScale * float.CreateTruncating(scales[scales.Length == 1 ? 0 : i]);
            int steps = Steps(bias, scale);
            y[i] = T.CreateTruncating(a.AsSteps ? steps : float.IsNaN(bias) ? float.NaN : steps * scale);
        }
    }
}
