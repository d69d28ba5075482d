using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;

namespace Thomas.Kernels.Elementwise;

/// <summary>What the gradients of functions with flat parts share.</summary>
internal static class GradientMasks
{
    /// <summary>0, or NaN where y is NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVec ZeroOrNaN<TSimd, TVec>(TVec y)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => TSimd.AtMost(TSimd.Create(0f), TSimd.AtLeast(TSimd.Create(0f), y));
}
