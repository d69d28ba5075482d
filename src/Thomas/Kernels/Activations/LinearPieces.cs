using System.Runtime.CompilerServices;
using Thomas.Kernels.Elementwise;
using Thomas.Kernels.Simd;

namespace Thomas.Kernels.Activations;

/// <summary>The gradients of functions that are made of straight pieces.</summary>
internal static class LinearPieces
{
    /// <summary>
    /// dy * slope where y lies strictly between the bounds, else dy * 0; NaN where y is NaN. The gradient of clipping a linear function, from its result.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVec ClipGradient<TSimd, TVec>(TVec dy, TVec y, float lower, float upper, float slope)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec flat = GradientMasks.ZeroOrNaN<TSimd, TVec>(y);
        TVec derivative = TSimd.SelectIfLess(TSimd.Create(lower), y, TSimd.Create(slope), flat);
        return TSimd.Multiply(dy, TSimd.SelectIfLess(y, TSimd.Create(upper), derivative, flat));
    }

    /// <summary>dy where y is above 0, else alpha * dy; NaN where y is NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVec LeakyGradient<TSimd, TVec>(TVec dy, TVec y, float alpha)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec below = TSimd.Add(GradientMasks.ZeroOrNaN<TSimd, TVec>(y), TSimd.Create(alpha));
        return TSimd.Multiply(dy, TSimd.SelectIfLess(TSimd.Create(0f), y, TSimd.Create(1f), below));
    }
}
