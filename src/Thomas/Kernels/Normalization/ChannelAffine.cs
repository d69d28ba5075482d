using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;
using V128 = System.Runtime.Intrinsics.Vector128<float>;
using V256 = System.Runtime.Intrinsics.Vector256<float>;
using V512 = System.Runtime.Intrinsics.Vector512<float>;

namespace Thomas.Kernels.Normalization;

/// <summary>
/// Linear functions of deviations from a mean, with coefficients for each column, on a tile of rows <c>stride</c> floats apart. The result may be an operand.
/// The mean is subtracted first: folded into the offset it would cancel where deviations are small.
/// </summary>
internal static unsafe class ChannelAffine
{
    /// <summary>y[r, c] = factor[c] * (x[r, c] - mean[c]) + offset[c].</summary>
    public static void Apply(float* x, float* y, nint stride, int rows, int columns, float* mean, float* factor, float* offset)
    {
        int c = 0;
        if (CpuFeatures.VectorLength >= 16)
            c = Apply<Simd512, V512>(x, y, stride, rows, columns, mean, factor, offset, c);
        if (CpuFeatures.VectorLength >= 8)
            c = Apply<Simd256, V256>(x, y, stride, rows, columns, mean, factor, offset, c);
        if (CpuFeatures.VectorLength >= 4)
            c = Apply<Simd128, V128>(x, y, stride, rows, columns, mean, factor, offset, c);
        Apply<Simd1, float>(x, y, stride, rows, columns, mean, factor, offset, c);
    }

    /// <summary>z[r, c] = factorX[c] * (x[r, c] - mean[c]) + factorY[c] * y[r, c] + offset[c].</summary>
    public static void Apply(
        float* x, float* y, float* z, nint stride, int rows, int columns, float* mean, float* factorX, float* factorY, float* offset)
    {
        int c = 0;
        if (CpuFeatures.VectorLength >= 16)
            c = Apply<Simd512, V512>(x, y, z, stride, rows, columns, mean, factorX, factorY, offset, c);
        if (CpuFeatures.VectorLength >= 8)
            c = Apply<Simd256, V256>(x, y, z, stride, rows, columns, mean, factorX, factorY, offset, c);
        if (CpuFeatures.VectorLength >= 4)
            c = Apply<Simd128, V128>(x, y, z, stride, rows, columns, mean, factorX, factorY, offset, c);
        Apply<Simd1, float>(x, y, z, stride, rows, columns, mean, factorX, factorY, offset, c);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int Apply<TSimd, TVec>(float* x, float* y, nint stride, int rows, int columns, float* mean, float* factor, float* offset, int c)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        for (; c <= columns - (2 * TSimd.Length); c += 2 * TSimd.Length)
        {
            TVec m0 = TSimd.Load(mean + c), m1 = TSimd.Load(mean + c + TSimd.Length);
            TVec f0 = TSimd.Load(factor + c), f1 = TSimd.Load(factor + c + TSimd.Length);
            TVec o0 = TSimd.Load(offset + c), o1 = TSimd.Load(offset + c + TSimd.Length);
            float* from = x + c, to = y + c;
            for (int r = 0; r < rows; r++, from += stride, to += stride)
            {
                TVec y0 = TSimd.MultiplyAdd(f0, TSimd.Subtract(TSimd.Load(from), m0), o0);
                TVec y1 = TSimd.MultiplyAdd(f1, TSimd.Subtract(TSimd.Load(from + TSimd.Length), m1), o1);
                TSimd.Store(y0, to);
                TSimd.Store(y1, to + TSimd.Length);
            }
        }

        for (; c <= columns - TSimd.Length; c += TSimd.Length)
        {
            TVec m = TSimd.Load(mean + c), f = TSimd.Load(factor + c), o = TSimd.Load(offset + c);
            float* from = x + c, to = y + c;
            for (int r = 0; r < rows; r++, from += stride, to += stride)
                TSimd.Store(TSimd.MultiplyAdd(f, TSimd.Subtract(TSimd.Load(from), m), o), to);
        }

        return c;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int Apply<TSimd, TVec>(
        float* x, float* y, float* z, nint stride, int rows, int columns, float* mean, float* factorX, float* factorY, float* offset, int c)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        for (; c <= columns - (2 * TSimd.Length); c += 2 * TSimd.Length)
        {
            TVec m0 = TSimd.Load(mean + c), m1 = TSimd.Load(mean + c + TSimd.Length);
            TVec f0 = TSimd.Load(factorX + c), f1 = TSimd.Load(factorX + c + TSimd.Length);
            TVec g0 = TSimd.Load(factorY + c), g1 = TSimd.Load(factorY + c + TSimd.Length);
            TVec o0 = TSimd.Load(offset + c), o1 = TSimd.Load(offset + c + TSimd.Length);
            nint at = c;
            for (int r = 0; r < rows; r++, at += stride)
            {
                TVec z0 = TSimd.MultiplyAdd(g0, TSimd.Load(y + at), o0), z1 = TSimd.MultiplyAdd(g1, TSimd.Load(y + at + TSimd.Length), o1);
                z0 = TSimd.MultiplyAdd(f0, TSimd.Subtract(TSimd.Load(x + at), m0), z0);
                z1 = TSimd.MultiplyAdd(f1, TSimd.Subtract(TSimd.Load(x + at + TSimd.Length), m1), z1);
                TSimd.Store(z0, z + at);
                TSimd.Store(z1, z + at + TSimd.Length);
            }
        }

        for (; c <= columns - TSimd.Length; c += TSimd.Length)
        {
            TVec m = TSimd.Load(mean + c), f = TSimd.Load(factorX + c), g = TSimd.Load(factorY + c), o = TSimd.Load(offset + c);
            nint at = c;
            for (int r = 0; r < rows; r++, at += stride)
            {
                TVec value = TSimd.MultiplyAdd(g, TSimd.Load(y + at), o);
                TSimd.Store(TSimd.MultiplyAdd(f, TSimd.Subtract(TSimd.Load(x + at), m), value), z + at);
            }
        }

        return c;
    }
}
