using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;
using V128 = System.Runtime.Intrinsics.Vector128<float>;
using V256 = System.Runtime.Intrinsics.Vector256<float>;
using V512 = System.Runtime.Intrinsics.Vector512<float>;

namespace Thomas.Kernels.Normalization;

/// <summary>Linear functions with coefficients for each column, on a tile of rows <c>stride</c> floats apart. The result may be an operand.</summary>
internal static unsafe class ChannelAffine
{
    /// <summary>y[r, c] = factor[c] * x[r, c] + offset[c].</summary>
    public static void Apply(float* x, float* y, nint stride, int rows, int columns, float* factor, float* offset)
    {
        int c = 0;
        if (CpuFeatures.VectorLength >= 16)
            c = Apply<Simd512, V512>(x, y, stride, rows, columns, factor, offset, c);
        if (CpuFeatures.VectorLength >= 8)
            c = Apply<Simd256, V256>(x, y, stride, rows, columns, factor, offset, c);
        if (CpuFeatures.VectorLength >= 4)
            c = Apply<Simd128, V128>(x, y, stride, rows, columns, factor, offset, c);
        Apply<Simd1, float>(x, y, stride, rows, columns, factor, offset, c);
    }

    /// <summary>z[r, c] = factorX[c] * x[r, c] + factorY[c] * y[r, c] + offset[c].</summary>
    public static void Apply(float* x, float* y, float* z, nint stride, int rows, int columns, float* factorX, float* factorY, float* offset)
    {
        int c = 0;
        if (CpuFeatures.VectorLength >= 16)
            c = Apply<Simd512, V512>(x, y, z, stride, rows, columns, factorX, factorY, offset, c);
        if (CpuFeatures.VectorLength >= 8)
            c = Apply<Simd256, V256>(x, y, z, stride, rows, columns, factorX, factorY, offset, c);
        if (CpuFeatures.VectorLength >= 4)
            c = Apply<Simd128, V128>(x, y, z, stride, rows, columns, factorX, factorY, offset, c);
        Apply<Simd1, float>(x, y, z, stride, rows, columns, factorX, factorY, offset, c);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int Apply<TSimd, TVec>(float* x, float* y, nint stride, int rows, int columns, float* factor, float* offset, int c)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        for (; c <= columns - (2 * TSimd.Length); c += 2 * TSimd.Length)
        {
            TVec f0 = TSimd.Load(factor + c), f1 = TSimd.Load(factor + c + TSimd.Length);
            TVec o0 = TSimd.Load(offset + c), o1 = TSimd.Load(offset + c + TSimd.Length);
            float* from = x + c, to = y + c;
            for (int r = 0; r < rows; r++, from += stride, to += stride)
            {
                TVec y0 = TSimd.MultiplyAdd(f0, TSimd.Load(from), o0), y1 = TSimd.MultiplyAdd(f1, TSimd.Load(from + TSimd.Length), o1);
                TSimd.Store(y0, to);
                TSimd.Store(y1, to + TSimd.Length);
            }
        }

        for (; c <= columns - TSimd.Length; c += TSimd.Length)
        {
            TVec f = TSimd.Load(factor + c), o = TSimd.Load(offset + c);
            float* from = x + c, to = y + c;
            for (int r = 0; r < rows; r++, from += stride, to += stride)
                TSimd.Store(TSimd.MultiplyAdd(f, TSimd.Load(from), o), to);
        }

        return c;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int Apply<TSimd, TVec>(float* x, float* y, float* z, nint stride, int rows, int columns, float* factorX, float* factorY, float* offset, int c)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        for (; c <= columns - (2 * TSimd.Length); c += 2 * TSimd.Length)
        {
            TVec f0 = TSimd.Load(factorX + c), f1 = TSimd.Load(factorX + c + TSimd.Length);
            TVec g0 = TSimd.Load(factorY + c), g1 = TSimd.Load(factorY + c + TSimd.Length);
            TVec o0 = TSimd.Load(offset + c), o1 = TSimd.Load(offset + c + TSimd.Length);
            nint at = c;
            for (int r = 0; r < rows; r++, at += stride)
            {
                TVec z0 = TSimd.MultiplyAdd(f0, TSimd.Load(x + at), TSimd.MultiplyAdd(g0, TSimd.Load(y + at), o0));
                TVec z1 = TSimd.MultiplyAdd(f1, TSimd.Load(x + at + TSimd.Length), TSimd.MultiplyAdd(g1, TSimd.Load(y + at + TSimd.Length), o1));
                TSimd.Store(z0, z + at);
                TSimd.Store(z1, z + at + TSimd.Length);
            }
        }

        for (; c <= columns - TSimd.Length; c += TSimd.Length)
        {
            TVec f = TSimd.Load(factorX + c), g = TSimd.Load(factorY + c), o = TSimd.Load(offset + c);
            nint at = c;
            for (int r = 0; r < rows; r++, at += stride)
                TSimd.Store(TSimd.MultiplyAdd(f, TSimd.Load(x + at), TSimd.MultiplyAdd(g, TSimd.Load(y + at), o)), z + at);
        }

        return c;
    }
}
