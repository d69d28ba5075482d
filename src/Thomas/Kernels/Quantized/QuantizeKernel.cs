using System;

namespace Thomas.Kernels.Quantized;

/// <summary>float32 to 8 bits: y = round(clamp(x / scale, lower - zero, upper - zero)) + zero. NaN becomes the zero point.</summary>
internal sealed unsafe class QuantizeKernel
{
    private readonly QuantizationRule _rule;
    private readonly float _scale;
    private readonly int _zero;
    private readonly float _least;
    private readonly float _most;

    /// <summary>Creates the map.</summary>
    /// <param name="rule">How it divides and rounds.</param>
    /// <param name="scale">Distance of neighboring steps.</param>
    /// <param name="zero">The step that stands for 0.</param>
    /// <param name="lower">The smallest result.</param>
    /// <param name="upper">The largest result.</param>
    public QuantizeKernel(QuantizationRule rule, float scale, int zero, int lower, int upper)
    {
        (_rule, _scale, _zero) = (rule, rule == QuantizationRule.Reciprocal ? 1f / scale : scale, zero);
        (_least, _most) = (lower - zero, upper - zero);
    }

    /// <summary>The definition.</summary>
    public int Apply(float x)
    {
        float steps = _rule == QuantizationRule.Reciprocal ? x * _scale : x / _scale;
        if (float.IsNaN(steps)) return _zero;
        steps = Math.Clamp(steps, _least, _most);
        return (int)MathF.Round(steps, _rule == QuantizationRule.AwayFromZero ? MidpointRounding.AwayFromZero : MidpointRounding.ToEven) + _zero;
    }

    /// <summary>Does a run of elements.</summary>
    public void Run(float* x, byte* y, nint count)
    {
        for (nint i = 0; i < count; i++) y[i] = (byte)Apply(x[i]);
    }
}
