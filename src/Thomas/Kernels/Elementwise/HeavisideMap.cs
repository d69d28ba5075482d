using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;

namespace Thomas.Kernels.Elementwise;

/// <summary>z = 1 where x is above y, 1/2 where they are equal, 0 where it is below.</summary>
internal readonly struct HeavisideMap : IBinaryMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x, TVec y)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        // Clipped from both sides, any number becomes 1/2 and NaN stays.
        TVec half = TSimd.Create(0.5f);
        TVec equal = TSimd.AtMost(half, TSimd.AtLeast(half, TSimd.Max(x, y)));
        return TSimd.SelectIfLess(y, x, TSimd.Create(1f), TSimd.SelectIfLess(x, y, TSimd.Create(0f), equal));
    }
}
