using System;
using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;

namespace Thomas.Kernels.Elementwise;

/// <summary>
/// <see cref="FakeQuantizeKernel"/> without a division: the quotient by the reciprocal of the scale, corrected once by its fused remainder. That is nearly
/// always the correctly rounded quotient (Markstein 1990), and always within two units in its last place. x is clipped first, to what the ends of the range
/// stand for.
/// </summary>
internal readonly struct FakeQuantizeMap(float scale, float zero, float qMin, float qMax) : IUnaryMap
{
    private const int MostIntegers = 1 << 10;

    /// <summary>Numbers to either side of a half's: more than two units in the last place of the quotient.</summary>
    private const int Neighbors = 6;

    private readonly float _low = scale * (qMin - zero);
    private readonly float _high = scale * (qMax - zero);
    private readonly float _inverse = 1 / scale;

    /// <summary>
    /// Whether every x gives the bits of the division. Two quotients that close round to different integers only next to a half, so it is enough to try the
    /// numbers around each of these; ranges with many integers are left to the division.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static bool IsExact(float scale, float zero, float qMin, float qMax)
    {
        if (!CpuFeatures.HasFusedMultiplyAdd || scale is not (> 1e-15f and < 1e15f) || !(Math.Abs(zero) < 1 << 20) || !(qMax - qMin <= MostIntegers)
            || !(Math.Abs(qMin) < 1 << 20))
        {
            return false;
        }

        if (!float.IsInteger(qMin) || !float.IsInteger(qMax) || !float.IsInteger(zero)) return false;
        float inverse = 1 / scale;
        for (float half = qMin - zero + 0.5f; half < qMax - zero; half++)
        {
            int bits = BitConverter.SingleToInt32Bits(half * scale);
            for (int step = -Neighbors; step <= Neighbors; step++)
            {
                float x = BitConverter.Int32BitsToSingle(bits + step), quotient = x * inverse;
                quotient = MathF.FusedMultiplyAdd(MathF.FusedMultiplyAdd(-quotient, scale, x), inverse, quotient);
                if (MathF.Round(quotient) != MathF.Round(x / scale)) return false;
            }
        }

        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec inverse = TSimd.Create(_inverse), divisor = TSimd.Create(scale);
        x = TSimd.AtMost(TSimd.Create(_high), TSimd.AtLeast(TSimd.Create(_low), x));
        TVec quotient = TSimd.Multiply(x, inverse);
        TVec remainder = TSimd.MultiplyAdd(TSimd.Negate(quotient), divisor, x);
        quotient = TSimd.RoundToEven(TSimd.MultiplyAdd(remainder, inverse, quotient));

        // Adding 0 makes a negative zero the positive one that adding and subtracting the zero point would give.
        return TSimd.Multiply(divisor, TSimd.Add(quotient, TSimd.Create(0f)));
    }
}
