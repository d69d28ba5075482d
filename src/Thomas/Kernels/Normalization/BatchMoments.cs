using System.Runtime.CompilerServices;
using Thomas.Kernels.Reduce;
using Thomas.Kernels.Simd;
using V128 = System.Runtime.Intrinsics.Vector128<float>;
using V256 = System.Runtime.Intrinsics.Vector256<float>;
using V512 = System.Runtime.Intrinsics.Vector512<float>;

namespace Thomas.Kernels.Normalization;

/// <summary>
/// Mean and variance of the columns of a float32 matrix. Each tile of rows has its own mean and its own sum of squared deviations from it: two passes, the second in the
/// first-level cache, which also corrects the rounding of the first. Tiles are joined in double. Nothing cancels, however large the mean is (Chan, Golub and LeVeque 1983).
/// </summary>
internal static unsafe class BatchMoments
{
    /// <summary>Rows of a tile: a tile fills the first-level cache.</summary>
    public const int TileRows = 128;

    /// <summary>mean[c] = (sum over r of x[r * stride + c]) / rows; squares[c] = sum over r of (x[r * stride + c] - mean[c])^2, c in [0, columns).</summary>
    public static void OfTile(float* x, nint stride, int rows, int columns, float* mean, float* squares)
    {
        int c = 0;
        if (CpuFeatures.VectorLength >= 16)
            c = OfTile<Simd512, V512>(x, stride, rows, columns, mean, squares, c);
        if (CpuFeatures.VectorLength >= 8)
            c = OfTile<Simd256, V256>(x, stride, rows, columns, mean, squares, c);
        if (CpuFeatures.VectorLength >= 4)
            c = OfTile<Simd128, V128>(x, stride, rows, columns, mean, squares, c);
        OfTile<Simd1, float>(x, stride, rows, columns, mean, squares, c);
    }

    /// <summary>
    /// Joins the bands of <paramref name="tiles"/> for at most <see cref="ColumnTiles.Width"/> columns. Band k has its results at
    /// <paramref name="means"/> + k * <paramref name="stride"/>, likewise <paramref name="squares"/>. The variance is divided by the count of rows.
    /// </summary>
    public static void Join(float* means, float* squares, nint stride, in ColumnTiles tiles, int rows, int columns, double* mean, double* variance)
    {
        for (int c = 0; c < columns; c++)
            mean[c] = variance[c] = 0;
        for (int band = 0; band < tiles.Bands; band++)
        {
            double share = (double)tiles.RowsOf(band) / rows;
            for (int c = 0; c < columns; c++)
                mean[c] += share * means[(band * stride) + c];
        }

        for (int band = 0; band < tiles.Bands; band++)
        {
            double share = (double)tiles.RowsOf(band) / rows;
            for (int c = 0; c < columns; c++)
            {
                double shift = means[(band * stride) + c] - mean[c];
                variance[c] += ((double)squares[(band * stride) + c] / rows) + (share * shift * shift);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int OfTile<TSimd, TVec>(float* x, nint stride, int rows, int columns, float* mean, float* squares, int c)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec count = TSimd.Create(rows);
        for (; c <= columns - (4 * TSimd.Length); c += 4 * TSimd.Length)
        {
            TVec m0 = TSimd.Create(0), m1 = m0, m2 = m0, m3 = m0;
            float* from = x + c;
            for (int r = 0; r < rows; r++, from += stride)
            {
                m0 = TSimd.Add(m0, TSimd.Load(from));
                m1 = TSimd.Add(m1, TSimd.Load(from + TSimd.Length));
                m2 = TSimd.Add(m2, TSimd.Load(from + (2 * TSimd.Length)));
                m3 = TSimd.Add(m3, TSimd.Load(from + (3 * TSimd.Length)));
            }

            (m0, m1, m2, m3) = (TSimd.Divide(m0, count), TSimd.Divide(m1, count), TSimd.Divide(m2, count), TSimd.Divide(m3, count));
            TVec s0 = TSimd.Create(0), s1 = s0, s2 = s0, s3 = s0, e0 = s0, e1 = s0, e2 = s0, e3 = s0;
            from = x + c;
            for (int r = 0; r < rows; r++, from += stride)
            {
                TVec d0 = TSimd.Subtract(TSimd.Load(from), m0), d1 = TSimd.Subtract(TSimd.Load(from + TSimd.Length), m1);
                TVec d2 = TSimd.Subtract(TSimd.Load(from + (2 * TSimd.Length)), m2), d3 = TSimd.Subtract(TSimd.Load(from + (3 * TSimd.Length)), m3);
                e0 = TSimd.Add(e0, d0);
                e1 = TSimd.Add(e1, d1);
                e2 = TSimd.Add(e2, d2);
                e3 = TSimd.Add(e3, d3);
                s0 = TSimd.MultiplyAdd(d0, d0, s0);
                s1 = TSimd.MultiplyAdd(d1, d1, s1);
                s2 = TSimd.MultiplyAdd(d2, d2, s2);
                s3 = TSimd.MultiplyAdd(d3, d3, s3);
            }

            Store<TSimd, TVec>(m0, e0, s0, count, mean + c, squares + c);
            Store<TSimd, TVec>(m1, e1, s1, count, mean + c + TSimd.Length, squares + c + TSimd.Length);
            Store<TSimd, TVec>(m2, e2, s2, count, mean + c + (2 * TSimd.Length), squares + c + (2 * TSimd.Length));
            Store<TSimd, TVec>(m3, e3, s3, count, mean + c + (3 * TSimd.Length), squares + c + (3 * TSimd.Length));
        }

        for (; c <= columns - TSimd.Length; c += TSimd.Length)
        {
            TVec m = TSimd.Create(0), s = m, e = m;
            float* from = x + c;
            for (int r = 0; r < rows; r++, from += stride)
                m = TSimd.Add(m, TSimd.Load(from));
            m = TSimd.Divide(m, count);
            from = x + c;
            for (int r = 0; r < rows; r++, from += stride)
            {
                TVec d = TSimd.Subtract(TSimd.Load(from), m);
                e = TSimd.Add(e, d);
                s = TSimd.MultiplyAdd(d, d, s);
            }

            Store<TSimd, TVec>(m, e, s, count, mean + c, squares + c);
        }

        return c;
    }

    /// <summary>Stores mean and squares, corrected by the sum e of the deviations, which would be 0 without rounding.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TSimd, TVec>(TVec m, TVec e, TVec s, TVec count, float* mean, float* squares)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec shift = TSimd.Divide(e, count);
        TSimd.Store(TSimd.Add(m, shift), mean);
        TSimd.Store(TSimd.Subtract(s, TSimd.Multiply(e, shift)), squares);
    }
}
