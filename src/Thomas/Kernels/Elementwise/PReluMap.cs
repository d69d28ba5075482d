using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;

namespace Thomas.Kernels.Elementwise;

/// <summary>z = x where x is at least 0, else x * y.</summary>
internal readonly struct PReluMap : IBinaryMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x, TVec y)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => TSimd.SelectIfLess(x, TSimd.Create(0f), TSimd.Multiply(x, y), x);
}
