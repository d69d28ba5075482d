using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;

namespace Thomas.Kernels.Elementwise;

/// <summary><see cref="FakeQuantizeKernel"/> with a scale of 1: x is clipped to the integers' range, then rounded, halves to even.</summary>
/// <param name="low">The smallest integer less the zero point.</param>
/// <param name="high">The largest integer less the zero point.</param>
internal readonly struct WholeNumberMap(float low, float high) : IUnaryMap
{
    // Adding 0 makes a negative zero the positive one that adding and subtracting the zero point would give.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => TSimd.Add(TSimd.RoundToEven(TSimd.AtMost(TSimd.Create(high), TSimd.AtLeast(TSimd.Create(low), x))), TSimd.Create(0f));
}
