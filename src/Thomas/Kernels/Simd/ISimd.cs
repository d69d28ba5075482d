namespace Thomas.Kernels.Simd;

/// <summary>
/// The vector operations that kernels are written in. A kernel is generic over an implementation and its vector type, so that one
/// body serves every width; the calls are resolved and inlined at compile time. <typeparamref name="TVec"/> is <see cref="float"/>,
/// Vector128, Vector256 or Vector512 of float.
/// </summary>
internal unsafe interface ISimd<TVec>
    where TVec : unmanaged
{
    /// <summary>Floats in a vector.</summary>
    static abstract int Length { get; }

    static abstract TVec Load(float* source);

    static abstract void Store(TVec value, float* destination);

    /// <summary>Stores past the caches, where the hardware can; the destination is aligned to the vector's size. See <see cref="StreamingStores"/>.</summary>
    static abstract void StoreStreaming(TVec value, float* destination);

    static abstract TVec Create(float value);

    static abstract TVec Add(TVec x, TVec y);

    static abstract TVec Subtract(TVec x, TVec y);

    static abstract TVec Multiply(TVec x, TVec y);

    static abstract TVec Divide(TVec x, TVec y);

    /// <summary>x * y + z, in one rounding where the hardware has it.</summary>
    static abstract TVec MultiplyAdd(TVec x, TVec y, TVec z);

    /// <summary>The larger of <paramref name="bound"/>, which is no NaN, and <paramref name="x"/>; NaN where x is NaN.</summary>
    static abstract TVec AtLeast(TVec bound, TVec x);

    /// <summary>The smaller of <paramref name="bound"/>, which is no NaN, and <paramref name="x"/>; NaN where x is NaN.</summary>
    static abstract TVec AtMost(TVec bound, TVec x);

    /// <summary>The larger; NaN where either is NaN.</summary>
    static abstract TVec Max(TVec x, TVec y);

    /// <summary>The smaller; NaN where either is NaN.</summary>
    static abstract TVec Min(TVec x, TVec y);

    static abstract TVec Sqrt(TVec x);

    static abstract TVec Abs(TVec x);

    static abstract TVec Negate(TVec x);

    static abstract TVec Log(TVec x);

    static abstract TVec Floor(TVec x);

    /// <summary>Nearest integer, halves to even.</summary>
    static abstract TVec RoundToEven(TVec x);

    /// <summary>x * 2^n for whole n in [-126, 127]; NaN where x is NaN.</summary>
    static abstract TVec ScaleByPowerOfTwo(TVec x, TVec n);

    /// <summary>y where x is below <paramref name="limit"/>, else z (also where x is NaN).</summary>
    static abstract TVec SelectIfLess(TVec x, TVec limit, TVec y, TVec z);

    /// <summary>Sum of the lanes, in a fixed order.</summary>
    static abstract float Sum(TVec x);
}
