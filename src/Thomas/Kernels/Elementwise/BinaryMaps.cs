using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;

namespace Thomas.Kernels.Elementwise;

/// <summary>z = x + y.</summary>
internal readonly struct AddMap : IBinaryMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x, TVec y)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => TSimd.Add(x, y);
}

/// <summary>z = x - y.</summary>
internal readonly struct SubtractMap : IBinaryMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x, TVec y)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => TSimd.Subtract(x, y);
}

/// <summary>z = x * y.</summary>
internal readonly struct MultiplyMap : IBinaryMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x, TVec y)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => TSimd.Multiply(x, y);
}

/// <summary>z = x / y.</summary>
internal readonly struct DivideMap : IBinaryMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x, TVec y)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => TSimd.Divide(x, y);
}

/// <summary>z = max(x, y).</summary>
internal readonly struct MaxMap : IBinaryMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x, TVec y)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => TSimd.Max(x, y);
}

/// <summary>z = min(x, y).</summary>
internal readonly struct MinMap : IBinaryMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x, TVec y)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => TSimd.Min(x, y);
}

/// <summary>z = a * x + b * y.</summary>
internal readonly struct WeightedSumMap(float a, float b) : IBinaryMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x, TVec y)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => TSimd.MultiplyAdd(TSimd.Create(b), y, TSimd.Multiply(TSimd.Create(a), x));
}

/// <summary>The same function with its operands exchanged.</summary>
internal readonly struct SwappedMap<TMap>(TMap map) : IBinaryMap
    where TMap : struct, IBinaryMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x, TVec y)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => map.Invoke<TSimd, TVec>(y, x);
}
