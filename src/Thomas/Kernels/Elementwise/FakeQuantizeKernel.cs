using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;
using V128 = System.Runtime.Intrinsics.Vector128<float>;
using V256 = System.Runtime.Intrinsics.Vector256<float>;
using V512 = System.Runtime.Intrinsics.Vector512<float>;

namespace Thomas.Kernels.Elementwise;

/// <summary>
/// Rounds float32 values to what a quantized tensor can hold: y = scale * (min(max(round(x / scale) + zero, qMin), qMax) - zero).
/// Halves are rounded to even. NaN stays NaN. y may be x.
/// </summary>
internal static unsafe class FakeQuantizeKernel
{
    /// <summary>The name in logs.</summary>
    public static string KernelName => ElementwiseLoop.KernelName("fakequant");

    /// <summary>One scale and zero point for all elements.</summary>
    /// <param name="x">Operand.</param>
    /// <param name="y">Result.</param>
    /// <param name="count">Elements.</param>
    /// <param name="scale">Distance of neighboring values.</param>
    /// <param name="zero">The integer that stands for 0.</param>
    /// <param name="qMin">The smallest integer.</param>
    /// <param name="qMax">The largest integer.</param>
    /// <param name="byReciprocal">Whether to do without a division; only where <see cref="FakeQuantizeMap.IsExact"/> says that it gives the same bits.</param>
    public static void PerTensor(float* x, float* y, nint count, float scale, float zero, float qMin, float qMax, bool byReciprocal)
    {
        if (byReciprocal && scale == 1f) ElementwiseLoop.Map(new WholeNumberMap(qMin - zero, qMax - zero), x, y, count);
        else if (byReciprocal) ElementwiseLoop.Map(new FakeQuantizeMap(scale, zero, qMin, qMax), x, y, count);
        else ElementwiseLoop.Map(new FakeQuantizeDivisionMap(scale, zero, qMin, qMax), x, y, count);
    }

    /// <summary>A scale and a zero point for each column of rows [0, rows).</summary>
    public static void PerChannel(
        float* x, float* y, nint rows, int channels, float* scales, float* zeros, float qMin, float qMax)
    {
        for (nint r = 0; r < rows; r++)
        {
            float* from = x + (r * channels);
            float* to = y + (r * channels);
            int c = 0;
            if (CpuFeatures.VectorLength >= 16) c = Row<Simd512, V512>(from, to, channels, scales, zeros, qMin, qMax, c);
            if (CpuFeatures.VectorLength >= 8) c = Row<Simd256, V256>(from, to, channels, scales, zeros, qMin, qMax, c);
            if (CpuFeatures.VectorLength >= 4) c = Row<Simd128, V128>(from, to, channels, scales, zeros, qMin, qMax, c);
            Row<Simd1, float>(from, to, channels, scales, zeros, qMin, qMax, c);
        }
    }

    /// <summary>The formula on vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static TVec Apply<TSimd, TVec>(TVec x, TVec scale, TVec zero, TVec qMin, TVec qMax)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec q = TSimd.RoundToEven(TSimd.Divide(x, scale));
        q = TSimd.AtMost(qMax, TSimd.AtLeast(qMin, TSimd.Add(q, zero)));
        return TSimd.Multiply(scale, TSimd.Subtract(q, zero));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int Row<TSimd, TVec>(
        float* x, float* y, int channels, float* scales, float* zeros, float qMin, float qMax, int c)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec low = TSimd.Create(qMin), high = TSimd.Create(qMax);
        for (; c <= channels - TSimd.Length; c += TSimd.Length)
        {
            TVec value = Apply<TSimd, TVec>(TSimd.Load(x + c), TSimd.Load(scales + c), TSimd.Load(zeros + c), low, high);
            TSimd.Store(value, y + c);
        }

        return c;
    }
}

/// <summary>See <see cref="FakeQuantizeKernel"/>.</summary>
internal readonly struct FakeQuantizeDivisionMap(float scale, float zero, float qMin, float qMax) : IUnaryMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVec Invoke<TSimd, TVec>(TVec x)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => FakeQuantizeKernel.Apply<TSimd, TVec>(
            x, TSimd.Create(scale), TSimd.Create(zero), TSimd.Create(qMin), TSimd.Create(qMax));
}
