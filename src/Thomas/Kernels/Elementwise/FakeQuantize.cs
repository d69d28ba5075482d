using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;
using V128 = System.Runtime.Intrinsics.Vector128<float>;
using V256 = System.Runtime.Intrinsics.Vector256<float>;
using V512 = System.Runtime.Intrinsics.Vector512<float>;

namespace Thomas.Kernels.Elementwise;

/// <summary>
/// Rounds float32 values to what a quantized tensor can hold: y = scale * (min(max(round(x / scale) + zero, qMin), qMax) - zero).
/// NaN stays NaN. y may be x.
/// </summary>
internal static unsafe class FakeQuantize
{
    /// <summary>The name in logs.</summary>
    public static string KernelName => ElementwiseLoop.KernelName("fakequant");

    /// <summary>One scale and zero point for all elements.</summary>
    public static void PerTensor(float* x, float* y, nint count, float scale, float zero, float qMin, float qMax, bool halfAwayFromZero)
    {
        if (!halfAwayFromZero && CpuFeatures.HasFusedMultiplyAdd && FakeQuantizeMap.IsExact(scale, zero, qMin, qMax))
            ElementwiseLoop.Map(new FakeQuantizeMap(scale, zero, qMin, qMax), x, y, count);
        else
            ElementwiseLoop.Map(new FakeQuantizeDivisionMap(scale, zero, qMin, qMax, halfAwayFromZero), x, y, count);
    }

    /// <summary>A scale and a zero point for each column of rows [0, rows).</summary>
    public static void PerChannel(
        float* x, float* y, nint rows, int channels, float* scales, float* zeros, float qMin, float qMax, bool halfAwayFromZero)
    {
        for (nint r = 0; r < rows; r++)
        {
            float* from = x + (r * channels);
            float* to = y + (r * channels);
            int c = 0;
            if (CpuFeatures.VectorLength >= 16)
                c = Row<Simd512, V512>(from, to, channels, scales, zeros, qMin, qMax, halfAwayFromZero, c);
            if (CpuFeatures.VectorLength >= 8)
                c = Row<Simd256, V256>(from, to, channels, scales, zeros, qMin, qMax, halfAwayFromZero, c);
            if (CpuFeatures.VectorLength >= 4)
                c = Row<Simd128, V128>(from, to, channels, scales, zeros, qMin, qMax, halfAwayFromZero, c);
            Row<Simd1, float>(from, to, channels, scales, zeros, qMin, qMax, halfAwayFromZero, c);
        }
    }

    /// <summary>The formula on vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static TVec Apply<TSimd, TVec>(TVec x, TVec scale, TVec zero, TVec qMin, TVec qMax, bool halfAwayFromZero)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec q = TSimd.Divide(x, scale);
        q = halfAwayFromZero ? RoundHalfAway<TSimd, TVec>(q) : TSimd.RoundToEven(q);
        q = TSimd.AtMost(qMax, TSimd.AtLeast(qMin, TSimd.Add(q, zero)));
        return TSimd.Multiply(scale, TSimd.Subtract(q, zero));
    }

    private static TVec RoundHalfAway<TSimd, TVec>(TVec x)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec size = TSimd.Abs(x), whole = TSimd.Floor(size);
        TVec rounded = TSimd.SelectIfLess(TSimd.Subtract(size, whole), TSimd.Create(0.5f), whole, TSimd.Add(whole, TSimd.Create(1f)));
        return TSimd.SelectIfLess(x, TSimd.Create(0f), TSimd.Negate(rounded), rounded);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int Row<TSimd, TVec>(
        float* x, float* y, int channels, float* scales, float* zeros, float qMin, float qMax, bool halfAwayFromZero, int c)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec low = TSimd.Create(qMin), high = TSimd.Create(qMax);
        for (; c <= channels - TSimd.Length; c += TSimd.Length)
        {
            TVec value = Apply<TSimd, TVec>(TSimd.Load(x + c), TSimd.Load(scales + c), TSimd.Load(zeros + c), low, high, halfAwayFromZero);
            TSimd.Store(value, y + c);
        }

        return c;
    }
}

/// <summary>See <see cref="FakeQuantize"/>.</summary>
internal readonly struct FakeQuantizeDivisionMap(float scale, float zero, float qMin, float qMax, bool halfAwayFromZero) : IUnaryMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => FakeQuantize.Apply<TSimd, TVec>(
            x, TSimd.Create(scale), TSimd.Create(zero), TSimd.Create(qMin), TSimd.Create(qMax), halfAwayFromZero);
}
