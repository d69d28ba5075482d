using System;
using Thomas.Kernels.Quantized;

namespace Thomas.Ops;

/// <summary>
/// Hard-swish of 8-bit numbers as TensorFlow Lite's built-in kernel computes it, in fixed point of 16 bits: x is brought to steps of the result, not shifted
/// yet, and to a number r of which 2^15 stands for 3; then y = x * (r + 1) / 2, r between -1 and 1, is shifted.
/// </summary>
internal readonly struct HardSwishSteps
{
    private const int FinerBits = 7, OneBits = 15;

    private readonly StepGrid _x;
    private readonly StepGrid _y;
    private readonly (short Multiplier, int Shift) _result;
    private readonly (short Multiplier, int Shift) _gate;

    /// <summary>Creates the map.</summary>
    public HardSwishSteps(StepGrid x, StepGrid y)
    {
        const float Three = 3f / (1 << OneBits);
        (_x, _y) = (x, y);
        float finer = 1f / (1 << FinerBits) * x.Scale;
        _result = Short(finer / y.Scale);
        _gate = Short(finer / Three);
    }

    /// <summary>The definition.</summary>
    public int Apply(int step)
    {
        short fine = (short)((step - _x.ZeroPoint) << FinerBits), scaled = HighProduct(fine, _result.Multiplier), gate = fine;
        if (_gate.Shift > 0) gate = ShiftLeft(gate, _gate.Shift - 1);
        gate = HighProduct(gate, _gate.Multiplier);
        if (_gate.Shift > 0) gate = ShiftLeft(gate, 1);
        if (_gate.Shift < 0) gate = (short)FixedPointFactor.ShiftRight(gate, -_gate.Shift);
        gate = (short)((gate + (1 << OneBits)) >> 1);

        // Truncated, which cancels what the roundings before it add in the mean.
        short product = (short)(gate * scaled / (1 << OneBits));
        int result = _result.Shift < 0 ? FixedPointFactor.ShiftRight(product, -_result.Shift) : product << _result.Shift;
        return Math.Clamp((short)result + _y.ZeroPoint, _y.Minimum, _y.Maximum);
    }

    /// <summary>A factor with a significand of 16 bits.</summary>
    private static (short Multiplier, int Shift) Short(float factor)
    {
        const int Half = 1 << 15;
        FixedPointFactor exact = FixedPointFactor.Of(factor);
        return (exact.Multiplier >= int.MaxValue - Half ? short.MaxValue : (short)((exact.Multiplier + Half) >> 16), exact.Shift);
    }

    /// <summary>round(2 a b / 2^16).</summary>
    private static short HighProduct(short a, short b)
    {
        if (a == short.MinValue && b == short.MinValue) return short.MaxValue;
        int product = a * b, nudge = product >= 0 ? 1 << 14 : 1 - (1 << 14);
        return (short)((product + nudge) / (1 << OneBits));
    }

    private static short ShiftLeft(short x, int bits) => (short)Math.Clamp((long)x << bits, short.MinValue, short.MaxValue);
}
