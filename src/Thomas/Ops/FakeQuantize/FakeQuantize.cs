using System;
using Thomas.Graphs;

namespace Thomas.Ops;

/// <summary>Settings of <see cref="FakeQuantize"/>.</summary>
/// <param name="Quantization">Scale and zero point, per tensor or along the last axis.</param>
/// <param name="Minimum">The smallest integer of the grid, for example -128.</param>
/// <param name="Maximum">The largest integer of the grid, for example 127.</param>
/// <param name="Arithmetic">Whose integer arithmetic the grid belongs to, where it is computed with as such.</param>
internal sealed record FakeQuantizeAttributes(
    Quantization Quantization, int Minimum, int Maximum, QuantizedArithmetic Arithmetic = QuantizedArithmetic.TfLite) : OpAttributes
{
    /// <inheritdoc/>
    public override string ToString() => Quantization.IsPerTensor
        ? $"{{ scale = {Quantization.Scales[0]}, zeroPoint = {Quantization.ZeroPoints[0]}, range = [{Minimum},{Maximum}] }}"
        : $"{{ scales = {Quantization.Scales.Length}, range = [{Minimum},{Maximum}] }}";
}

/// <summary>
/// Rounds real numbers to the grid of an 8-bit tensor and clamps them to its range, so that a quantized model computes in float32 what its file
/// says (Jacob et al. 2018). Ties round to even.
/// </summary>
internal sealed partial class FakeQuantize : Op
{
    /// <inheritdoc/>
    public override string Name => "FakeQuantize";

    /// <inheritdoc/>
    public override string Formula => "y[i] = scale * (clamp(round(x[i] / scale) + zeroPoint, min, max) - zeroPoint)";

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 1);
        FakeQuantizeAttributes a = (FakeQuantizeAttributes)attributes;
        Require(a.Minimum < a.Maximum, $"range [{a.Minimum}, {a.Maximum}] is empty");
        Require(
            a.Quantization.IsPerTensor || (inputs[0].Shape.Rank >= 1 && a.Quantization.Scales.Length == inputs[0].Shape[-1]),
            $"{a.Quantization.Scales.Length} scales do not fit {inputs[0].Shape}");
        return [inputs[0]];
    }

    internal override bool CanOverwrite(Node node, int input) => input == 0;

    internal override long Elementwise(Node node) => 5L * node.Output.Shape.ElementCount;

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        FakeQuantizeAttributes a = args.Attributes<FakeQuantizeAttributes>();
        ReadOnlySpan<float> scales = a.Quantization.Scales;
        ReadOnlySpan<int> zeroPoints = a.Quantization.ZeroPoints;
        ReadOnlySpan<T> x = args.Inputs[0].Span;
        Span<T> y = args.Output.Span;
        for (int i = 0; i < y.Length; i++)
        {
            int c = i % scales.Length;
            T scale = T.CreateTruncating(scales[c]), zero = T.CreateTruncating(zeroPoints[c]);
            T q = T.Round(x[i] / scale, MidpointRounding.ToEven) + zero;
            y[i] = T.IsNaN(q) ? q : (T.Min(T.Max(q, T.CreateTruncating(a.Minimum)), T.CreateTruncating(a.Maximum)) - zero) * scale;
        }
    }
}
