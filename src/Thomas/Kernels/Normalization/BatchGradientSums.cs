using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;
using V128 = System.Runtime.Intrinsics.Vector128<float>;
using V256 = System.Runtime.Intrinsics.Vector256<float>;
using V512 = System.Runtime.Intrinsics.Vector512<float>;

namespace Thomas.Kernels.Normalization;

/// <summary>The two sums over a batch that the gradient of batch normalization needs of each channel, for one tile of rows.</summary>
internal static unsafe class BatchGradientSums
{
    /// <summary>sums[c] = sum over r of dy[r, c]; products[c] = sum over r of dy[r, c] * (x[r, c] - mean[c]); rows are <paramref name="stride"/> floats apart.</summary>
    public static void OfTile(float* x, float* dy, nint stride, int rows, int columns, float* mean, float* sums, float* products)
    {
        int c = 0;
        if (CpuFeatures.VectorLength >= 16)
            c = OfTile<Simd512, V512>(x, dy, stride, rows, columns, mean, sums, products, c);
        if (CpuFeatures.VectorLength >= 8)
            c = OfTile<Simd256, V256>(x, dy, stride, rows, columns, mean, sums, products, c);
        if (CpuFeatures.VectorLength >= 4)
            c = OfTile<Simd128, V128>(x, dy, stride, rows, columns, mean, sums, products, c);
        OfTile<Simd1, float>(x, dy, stride, rows, columns, mean, sums, products, c);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int OfTile<TSimd, TVec>(float* x, float* dy, nint stride, int rows, int columns, float* mean, float* sums, float* products, int c)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        for (; c <= columns - (2 * TSimd.Length); c += 2 * TSimd.Length)
        {
            TVec m0 = TSimd.Load(mean + c), m1 = TSimd.Load(mean + c + TSimd.Length);
            TVec s0 = TSimd.Create(0), s1 = s0, p0 = s0, p1 = s0;
            float* fromX = x + c, fromDy = dy + c;
            for (int r = 0; r < rows; r++, fromX += stride, fromDy += stride)
            {
                TVec g0 = TSimd.Load(fromDy), g1 = TSimd.Load(fromDy + TSimd.Length);
                s0 = TSimd.Add(s0, g0);
                s1 = TSimd.Add(s1, g1);
                p0 = TSimd.MultiplyAdd(g0, TSimd.Subtract(TSimd.Load(fromX), m0), p0);
                p1 = TSimd.MultiplyAdd(g1, TSimd.Subtract(TSimd.Load(fromX + TSimd.Length), m1), p1);
            }

            TSimd.Store(s0, sums + c);
            TSimd.Store(s1, sums + c + TSimd.Length);
            TSimd.Store(p0, products + c);
            TSimd.Store(p1, products + c + TSimd.Length);
        }

        for (; c <= columns - TSimd.Length; c += TSimd.Length)
        {
            TVec m = TSimd.Load(mean + c), s = TSimd.Create(0), p = s;
            float* fromX = x + c, fromDy = dy + c;
            for (int r = 0; r < rows; r++, fromX += stride, fromDy += stride)
            {
                TVec g = TSimd.Load(fromDy);
                s = TSimd.Add(s, g);
                p = TSimd.MultiplyAdd(g, TSimd.Subtract(TSimd.Load(fromX), m), p);
            }

            TSimd.Store(s, sums + c);
            TSimd.Store(p, products + c);
        }

        return c;
    }
}
