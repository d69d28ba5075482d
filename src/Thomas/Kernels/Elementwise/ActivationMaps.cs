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

/// <summary>y = max(x, 0).</summary>
internal readonly struct ReluMap : IUnaryMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => TSimd.AtLeast(TSimd.Create(0f), x);
}

/// <summary>y = min(max(x, 0), 6).</summary>
internal readonly struct Relu6Map : IUnaryMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => TSimd.AtMost(TSimd.Create(6f), TSimd.AtLeast(TSimd.Create(0f), x));
}

/// <summary>y = min(max(x, lower), upper).</summary>
internal readonly struct ClipMap(float lower, float upper) : IUnaryMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => TSimd.AtMost(TSimd.Create(upper), TSimd.AtLeast(TSimd.Create(lower), x));
}

/// <summary>y = x where x is at least 0, else alpha * x.</summary>
internal readonly struct LeakyReluMap(float alpha) : IUnaryMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => TSimd.SelectIfLess(x, TSimd.Create(0f), TSimd.Multiply(TSimd.Create(alpha), x), x);
}

/// <summary>y = 1 / (1 + exp(-x)).</summary>
internal readonly struct SigmoidMap : IUnaryMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => VectorMath.Sigmoid<TSimd, TVec>(x);
}

/// <summary>y = min(max(alpha * x + beta, 0), 1). ONNX: alpha 0.2, beta 0.5 by default; MobileNetV3: alpha 1/6.</summary>
internal readonly struct HardSigmoidMap(float alpha, float beta) : IUnaryMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => TSimd.AtMost(TSimd.Create(1f), TSimd.AtLeast(TSimd.Create(0f), TSimd.MultiplyAdd(TSimd.Create(alpha), x, TSimd.Create(beta))));
}

/// <summary>y = x * min(max(x + 3, 0), 6) / 6.</summary>
internal readonly struct HardSwishMap : IUnaryMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec gate = TSimd.AtMost(TSimd.Create(6f), TSimd.AtLeast(TSimd.Create(0f), TSimd.Add(x, TSimd.Create(3f))));
        return TSimd.Multiply(TSimd.Multiply(x, TSimd.Create(1f / 6f)), gate);
    }
}

/// <summary>y = x / (1 + exp(-x)); 0 at minus infinity.</summary>
internal readonly struct SiluMap : IUnaryMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        // Below the bound x * sigmoid(x) is under the smallest float; the bound keeps infinity * 0 away.
        TVec bounded = TSimd.AtLeast(TSimd.Create(-110f), x);
        return TSimd.Multiply(bounded, VectorMath.Sigmoid<TSimd, TVec>(bounded));
    }
}

/// <summary>y = tanh(x).</summary>
internal readonly struct TanhMap : IUnaryMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => VectorMath.Tanh<TSimd, TVec>(x);
}
