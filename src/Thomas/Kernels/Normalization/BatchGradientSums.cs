using System.Numerics;
using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;
using V128 = System.Runtime.Intrinsics.Vector128<float>;
using V256 = System.Runtime.Intrinsics.Vector256<float>;
using V512 = System.Runtime.Intrinsics.Vector512<float>;

namespace Thomas.Kernels.Normalization;

/// <summary>The two sums over a batch that the gradient of batch normalization needs of each channel, for one band of rows, and of all bands.</summary>
internal static unsafe class BatchGradientSums
{
    /// <summary>
    /// sums[c] = sum over r of g[r, c]; products[c] = sum over r of g[r, c] * (x[r, c] - mean[c]); rows are <paramref name="stride"/> floats apart; g is dy, or
    /// where <paramref name="clip"/> is set what the clipping lets through of it.
    /// </summary>
    public static void OfBand(float* x, float* dy, nint stride, int rows, int columns, float* mean, in ClipMask clip, float* sums, float* products)
    {
        if (clip.IsSet) OfBand<C1>(x, dy, stride, rows, columns, mean, clip, sums, products);
        else OfBand<C0>(x, dy, stride, rows, columns, mean, clip, sums, products);
    }

    /// <summary>The sums of all bands, which are <paramref name="stride"/> floats apart.</summary>
    public static void Join(float* sums, nint stride, int bands, int columns, double* result)
    {
        int c = 0;
        for (; c <= columns - Vector<float>.Count; c += Vector<float>.Count)
        {
            Vector<double> s0 = Vector<double>.Zero, s1 = s0;
            for (int band = 0; band < bands; band++)
            {
                Vector.Widen(Vector.Load(sums + (band * stride) + c), out Vector<double> a, out Vector<double> b);
                s0 += a;
                s1 += b;
            }

            s0.Store(result + c);
            s1.Store(result + c + Vector<double>.Count);
        }

        for (; c < columns; c++)
        {
            result[c] = 0;
            for (int band = 0; band < bands; band++)
                result[c] += sums[(band * stride) + c];
        }
    }

    private static void OfBand<TMask>(float* x, float* dy, nint stride, int rows, int columns, float* mean, in ClipMask clip, float* sums, float* products)
        where TMask : struct, IConstant
    {
        int c = 0;
        if (CpuFeatures.VectorLength >= 16) c = OfBand<Simd512, V512, TMask>(x, dy, stride, rows, columns, mean, clip, sums, products, c);
        if (CpuFeatures.VectorLength >= 8 && c < columns) c = OfBand<Simd256, V256, TMask>(x, dy, stride, rows, columns, mean, clip, sums, products, c);
        if (CpuFeatures.VectorLength >= 4 && c < columns) c = OfBand<Simd128, V128, TMask>(x, dy, stride, rows, columns, mean, clip, sums, products, c);
        if (c < columns) OfBand<Simd1, float, TMask>(x, dy, stride, rows, columns, mean, clip, sums, products, c);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int OfBand<TSimd, TVec, TMask>(
        float* x, float* dy, nint stride, int rows, int columns, float* mean, in ClipMask clip, float* sums, float* products, int first)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        where TMask : struct, IConstant
    {
        int end = columns - ((columns - first) % TSimd.Length);
        TVec zero = TSimd.Create(0), lower = TSimd.Create(clip.Lower), upper = TSimd.Create(clip.Upper);
        float* factor = clip.Factor, offset = clip.Offset;
        for (int c = first; c < end; c += TSimd.Length)
        {
            TSimd.Store(zero, sums + c);
            TSimd.Store(zero, products + c);
        }

        // Two rows at a time that lie far apart; see BatchMoments.
        int half = rows / 2;
        nint step = half * stride;
        for (int r = 0; r < half; r++, x += stride, dy += stride)
        {
            for (int c = first; c < end; c += TSimd.Length)
            {
                TVec m = TSimd.Load(mean + c), f = TMask.Value > 0 ? TSimd.Load(factor + c) : zero, o = TMask.Value > 0 ? TSimd.Load(offset + c) : zero;
                TVec a = TSimd.Subtract(TSimd.Load(x + c), m), b = TSimd.Subtract(TSimd.Load(x + step + c), m);
                TVec g = ClipMask.Apply<TSimd, TVec, TMask>(TSimd.Load(dy + c), a, f, o, lower, upper);
                TVec h = ClipMask.Apply<TSimd, TVec, TMask>(TSimd.Load(dy + step + c), b, f, o, lower, upper);
                TSimd.Store(TSimd.Add(TSimd.Load(sums + c), TSimd.Add(g, h)), sums + c);
                TSimd.Store(TSimd.Add(TSimd.Load(products + c), TSimd.MultiplyAdd(g, a, TSimd.Multiply(h, b))), products + c);
            }
        }

        x += step;
        dy += step;
        for (int r = 2 * half; r < rows; r++, x += stride, dy += stride)
        {
            for (int c = first; c < end; c += TSimd.Length)
            {
                TVec a = TSimd.Subtract(TSimd.Load(x + c), TSimd.Load(mean + c)), g = TSimd.Load(dy + c);
                if (TMask.Value > 0) g = ClipMask.Apply<TSimd, TVec, TMask>(g, a, TSimd.Load(factor + c), TSimd.Load(offset + c), lower, upper);
                TSimd.Store(TSimd.Add(TSimd.Load(sums + c), g), sums + c);
                TSimd.Store(TSimd.MultiplyAdd(g, a, TSimd.Load(products + c)), products + c);
            }
        }

        return end;
    }
}
