using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;

namespace Thomas.Kernels.Elementwise;

/// <summary>z = x * slope where y lies strictly between the bounds, else x * 0; NaN where y is NaN. The gradient of clipping a linear function, from its result.</summary>
internal readonly struct ClipGradientMap(float lower, float upper, float slope) : IBinaryMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x, TVec y)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec flat = GradientMasks.ZeroOrNaN<TSimd, TVec>(y);
        TVec derivative = TSimd.SelectIfLess(TSimd.Create(lower), y, TSimd.Create(slope), flat);
        return TSimd.Multiply(x, TSimd.SelectIfLess(y, TSimd.Create(upper), derivative, flat));
    }
}

/// <summary>z = x where y is above 0, else alpha * x; NaN where y is NaN. With alpha 0 the gradient of ReLU.</summary>
internal readonly struct LeakyReluGradientMap(float alpha) : IBinaryMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x, TVec y)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec below = TSimd.Add(GradientMasks.ZeroOrNaN<TSimd, TVec>(y), TSimd.Create(alpha));
        return TSimd.Multiply(x, TSimd.SelectIfLess(TSimd.Create(0f), y, TSimd.Create(1f), below));
    }
}

/// <summary>z = x * y * (1 - y), y the sigmoid.</summary>
internal readonly struct SigmoidGradientMap : IBinaryMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x, TVec y)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => TSimd.Multiply(x, TSimd.Multiply(y, TSimd.Subtract(TSimd.Create(1f), y)));
}

/// <summary>z = x * (1 - y) * (1 + y), y the hyperbolic tangent; the product keeps the bits that 1 - y^2 loses.</summary>
internal readonly struct TanhGradientMap : IBinaryMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x, TVec y)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec one = TSimd.Create(1f);
        return TSimd.Multiply(x, TSimd.Multiply(TSimd.Subtract(one, y), TSimd.Add(one, y)));
    }
}

/// <summary>z = x * (0 below -3, y / 3 + 1/2 up to 3, 1 above), y the argument of hard swish.</summary>
internal readonly struct HardSwishGradientMap : IBinaryMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x, TVec y)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec middle = TSimd.Add(TSimd.Divide(y, TSimd.Create(3f)), TSimd.Create(0.5f));
        TVec derivative = TSimd.SelectIfLess(TSimd.Create(3f), y, TSimd.Create(1f), middle);
        return TSimd.Multiply(x, TSimd.SelectIfLess(y, TSimd.Create(-3f), TSimd.Create(0f), derivative));
    }
}

/// <summary>z = x * s * (1 + y * (1 - s)) with s the sigmoid of y, the argument of SiLU.</summary>
internal readonly struct SiluGradientMap : IBinaryMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x, TVec y)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec one = TSimd.Create(1f), s = VectorMath.Sigmoid<TSimd, TVec>(y);
        return TSimd.Multiply(x, TSimd.Multiply(s, TSimd.MultiplyAdd(y, TSimd.Subtract(one, s), one)));
    }
}

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
