using System;

namespace Thomas.Kernels.Quantized;

/// <summary>A positive real factor as multiplier * 2^(shift - 31), with multiplier in [2^30, 2^31), as TensorFlow Lite's built-in kernels hold it.</summary>
/// <param name="Multiplier">The significand in steps of 2^-31.</param>
/// <param name="Shift">The exponent; right where negative.</param>
internal readonly record struct FixedPointFactor(int Multiplier, int Shift)
{
    private const int Digits = 31;

    /// <summary>The nearest such factor; 0 below 2^-32, where every product rounds to 0.</summary>
    public static FixedPointFactor Of(double factor)
    {
        if (factor == 0) return default;
        int exponent = Math.ILogB(factor) + 1;
        long significand = (long)Math.Round(Math.ScaleB(factor, Digits - exponent), MidpointRounding.AwayFromZero);
        if (significand == 1L << Digits)
        {
            significand /= 2;
            exponent++;
        }

        return exponent < -Digits ? default : new FixedPointFactor((int)significand, exponent);
    }

    /// <summary>x times the factor, rounded twice: the high half of the doubled product, then the shift to the right, halves away from zero.</summary>
    public int Apply(int x)
    {
        int left = Math.Max(Shift, 0), right = Math.Max(-Shift, 0);
        return ShiftRight(HighProduct(x << left, Multiplier), right);
    }

    /// <summary>round(2 * x * y / 2^32), halves away from zero; the one product that does not fit, of the smallest numbers, is the largest number.</summary>
    public static int HighProduct(int x, int y)
    {
        if (x == int.MinValue && y == int.MinValue) return int.MaxValue;
        long product = (long)x * y, nudge = product >= 0 ? 1L << 30 : 1 - (1L << 30);
        return (int)((product + nudge) / (1L << Digits));
    }

    /// <summary>round(x / 2^bits), halves away from zero.</summary>
    public static int ShiftRight(int x, int bits)
    {
        int mask = (int)((1L << bits) - 1), rest = x & mask, threshold = (mask >> 1) + (x < 0 ? 1 : 0);
        return (x >> bits) + (rest > threshold ? 1 : 0);
    }
}
