using System;

namespace Thomas.Kernels.Quantized;

/// <summary>
/// How a layer's 32-bit sums become 8-bit numbers: times ratio[o] = (scale of x) * (scale of w[o]) / (scale of y), rounded, from the zero point on, between
/// the ends of the grid or of the activation.
/// </summary>
internal sealed class Requantization
{
    private readonly float[] _ratios;
    private readonly FixedPointFactor[] _factors;

    /// <summary>Creates the map.</summary>
    /// <param name="rule">How it rounds.</param>
    /// <param name="ratios">One per output channel, or one for all. <see cref="RequantizationRule.Float"/> rounds them to float32 first: pass what was computed
    /// in float32.</param>
    /// <param name="zeroPoint">The step that stands for zero.</param>
    /// <param name="lower">The smallest result.</param>
    /// <param name="upper">The largest result.</param>
    public Requantization(RequantizationRule rule, ReadOnlySpan<double> ratios, int zeroPoint, int lower, int upper)
    {
        Rule = rule;
        ZeroPoint = zeroPoint;
        Lower = lower;
        Upper = upper;
        _ratios = new float[ratios.Length];
        _factors = new FixedPointFactor[ratios.Length];
        for (int i = 0; i < ratios.Length; i++) Set(i, ratios[i]);
    }

    public RequantizationRule Rule { get; }

    public int ZeroPoint { get; }

    public int Lower { get; }

    public int Upper { get; }

    /// <summary>The ratios in float32: one, or one per channel.</summary>
    public ReadOnlySpan<float> Ratios => _ratios;

    /// <summary>The ratios in fixed point.</summary>
    public ReadOnlySpan<FixedPointFactor> Factors => _factors;

    /// <summary>Changes a ratio; what was packed for kernels stays as it is.</summary>
    public void Set(int index, double ratio)
    {
        _ratios[index] = (float)ratio;
        _factors[index] = FixedPointFactor.Of(ratio);
    }

    /// <summary>The definition.</summary>
    public int Apply(int sum, int channel)
    {
        int i = _ratios.Length == 1 ? 0 : channel;
        if (Rule == RequantizationRule.FixedPoint) return Math.Clamp(_factors[i].Apply(sum) + ZeroPoint, Lower, Upper);
        float steps = Math.Clamp(sum * _ratios[i], Lower - ZeroPoint, Upper - ZeroPoint);
        return (int)MathF.Round(steps, MidpointRounding.ToEven) + ZeroPoint;
    }
}
