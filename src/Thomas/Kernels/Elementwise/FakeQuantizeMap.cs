using System;
using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;

namespace Thomas.Kernels.Elementwise;

/// <summary>
/// <see cref="FakeQuantize"/> without a division, halves rounded to even: the quotient by the reciprocal of the scale, corrected once by its fused remainder, is the
/// correctly rounded quotient (Markstein 1990), so the bits are those of the division. x is clipped first, to what the ends of the range stand for.
/// </summary>
internal readonly struct FakeQuantizeMap(float scale, float zero, float qMin, float qMax) : IUnaryMap
{
    private readonly float _low = scale * (qMin - zero);
    private readonly float _high = scale * (qMax - zero);
    private readonly float _inverse = 1 / scale;

    /// <summary>Whether the corrected quotient is that of the division: nothing overflows or leaves the normal numbers, and the integers are exact.</summary>
    public static bool IsExact(float scale, float zero, float qMin, float qMax) =>
        scale is > 1e-15f and < 1e15f && Math.Abs(qMin) < 1 << 20 && Math.Abs(qMax) < 1 << 20 && Math.Abs(zero) < 1 << 20 && float.IsInteger(qMin) && float.IsInteger(qMax) && float.IsInteger(zero);

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
