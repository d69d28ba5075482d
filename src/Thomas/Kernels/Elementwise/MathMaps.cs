using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;

namespace Thomas.Kernels.Elementwise;

/// <summary>y = x.</summary>
internal readonly struct IdentityMap : IUnaryMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => x;
}

/// <summary>y = exp(x).</summary>
internal readonly struct ExpMap : IUnaryMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => VectorMath.Exp<TSimd, TVec>(x);
}

/// <summary>y = ln(x); minus infinity at 0, NaN below.</summary>
internal readonly struct LogMap : IUnaryMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => TSimd.Log(x);
}

/// <summary>y = sqrt(x); NaN below 0.</summary>
internal readonly struct SqrtMap : IUnaryMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => TSimd.Sqrt(x);
}

/// <summary>y = 1 / sqrt(x), both steps correctly rounded.</summary>
internal readonly struct RsqrtMap : IUnaryMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => TSimd.Divide(TSimd.Create(1f), TSimd.Sqrt(x));
}

/// <summary>y = -x.</summary>
internal readonly struct NegateMap : IUnaryMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => TSimd.Negate(x);
}

/// <summary>y = |x|.</summary>
internal readonly struct AbsMap : IUnaryMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => TSimd.Abs(x);
}

/// <summary>y = 1 above 0, -1 below, else x: a zero of either sign, or NaN.</summary>
internal readonly struct SignMap : IUnaryMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec zero = TSimd.Create(0f);
        return TSimd.SelectIfLess(x, zero, TSimd.Create(-1f), TSimd.SelectIfLess(zero, x, TSimd.Create(1f), x));
    }
}

/// <summary>y = x * x.</summary>
internal readonly struct SquareMap : IUnaryMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => TSimd.Multiply(x, x);
}

/// <summary>y = 1 / x.</summary>
internal readonly struct ReciprocalMap : IUnaryMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => TSimd.Divide(TSimd.Create(1f), x);
}

/// <summary>y = the largest whole number not above x.</summary>
internal readonly struct FloorMap : IUnaryMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => TSimd.Floor(x);
}

/// <summary>y = the nearest whole number, halves to even.</summary>
internal readonly struct RoundMap : IUnaryMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => TSimd.RoundToEven(x);
}

/// <summary>y = erf(x), as x times a quotient of polynomials in x^2; beyond 4 it is 1.</summary>
internal readonly struct ErfMap : IUnaryMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => VectorMath.Erf<TSimd, TVec>(x);
}

/// <summary>y = scale * x + shift.</summary>
internal readonly struct AffineMap(float scale, float shift) : IUnaryMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => TSimd.MultiplyAdd(TSimd.Create(scale), x, TSimd.Create(shift));
}
