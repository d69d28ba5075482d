using System.Runtime.CompilerServices;
using Thomas.Kernels.Reduce;
using Thomas.Kernels.Simd;
using V128 = System.Runtime.Intrinsics.Vector128<float>;
using V256 = System.Runtime.Intrinsics.Vector256<float>;
using V512 = System.Runtime.Intrinsics.Vector512<float>;

namespace Thomas.Kernels.Normalization;

/// <summary>
/// Mean and variance of the columns of a float32 matrix, read once. A band of rows sums deviations from a shift, the mean of its first rows, and their squares; bands are
/// joined in double (Chan, Golub and LeVeque 1983).
/// </summary>
/// <remarks>
/// With a shift that is the mean of p of the band's n rows, (mean - shift)^2 is at most n/p times the variance of the band, however the data lie. So what cancels when
/// the squares are moved to the mean costs log2(n/p) bits at most, which is 5.
/// </remarks>
internal static unsafe class BatchMoments
{
    /// <summary>Rows of a band for each row of those that give the shift.</summary>
    private const int RowsPerShiftRow = 32;

    /// <summary>
    /// mean[c] = (sum over r of x[r * stride + c]) / rows; squares[c] = sum over r of (x[r * stride + c] - mean[c])^2, c in [0, columns), columns at most
    /// <see cref="RowBands.Width"/>.
    /// </summary>
    public static void OfBand(float* x, nint stride, int rows, int columns, float* mean, float* squares)
    {
        float* shift = stackalloc float[RowBands.Width];
        int c = 0;
        if (CpuFeatures.VectorLength >= 16)
            c = OfBand<Simd512, V512>(x, stride, rows, columns, shift, mean, squares, c);
        if (CpuFeatures.VectorLength >= 8 && c < columns)
            c = OfBand<Simd256, V256>(x, stride, rows, columns, shift, mean, squares, c);
        if (CpuFeatures.VectorLength >= 4 && c < columns)
            c = OfBand<Simd128, V128>(x, stride, rows, columns, shift, mean, squares, c);
        if (c < columns)
            OfBand<Simd1, float>(x, stride, rows, columns, shift, mean, squares, c);
    }

    /// <summary>
    /// Joins the bands for <paramref name="columns"/> columns. Band k has its results at <paramref name="means"/> + k * <paramref name="stride"/>, likewise
    /// <paramref name="squares"/>. The variance is divided by the count of rows.
    /// </summary>
    public static void Join(float* means, float* squares, nint stride, in RowBands bands, int rows, int columns, double* mean, double* variance)
    {
        for (int c = 0; c < columns; c++)
            mean[c] = variance[c] = 0;
        for (int band = 0; band < bands.Bands; band++)
        {
            double share = (double)bands.RowsOf(band) / rows;
            for (int c = 0; c < columns; c++)
                mean[c] += share * means[(band * stride) + c];
        }

        for (int band = 0; band < bands.Bands; band++)
        {
            double share = (double)bands.RowsOf(band) / rows;
            for (int c = 0; c < columns; c++)
            {
                double shift = means[(band * stride) + c] - mean[c];
                variance[c] += ((double)squares[(band * stride) + c] / rows) + (share * shift * shift);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int OfBand<TSimd, TVec>(float* x, nint stride, int rows, int columns, float* shift, float* sums, float* squares, int first)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        int end = columns - ((columns - first) % TSimd.Length), shiftRows = (rows + RowsPerShiftRow - 1) / RowsPerShiftRow;
        TVec zero = TSimd.Create(0), shiftScale = TSimd.Create(1f / shiftRows), scale = TSimd.Create(1f / rows);
        for (int c = first; c < end; c += TSimd.Length)
        {
            TSimd.Store(TSimd.Multiply(TSimd.Load(x + c), shiftScale), shift + c);
            TSimd.Store(zero, sums + c);
            TSimd.Store(zero, squares + c);
        }

        for (int r = 1; r < shiftRows; r++)
        {
            for (int c = first; c < end; c += TSimd.Length)
                TSimd.Store(TSimd.MultiplyAdd(TSimd.Load(x + (r * stride) + c), shiftScale, TSimd.Load(shift + c)), shift + c);
        }

        // Four rows at a time that lie far apart: four streams, each of which goes on where it ended, as prefetchers like it.
        int quarter = rows / 4;
        nint step = quarter * stride;
        for (int r = 0; r < quarter; r++, x += stride)
        {
            for (int c = first; c < end; c += TSimd.Length)
            {
                TVec k = TSimd.Load(shift + c);
                float* from = x + c;
                TVec d0 = TSimd.Subtract(TSimd.Load(from), k), d1 = TSimd.Subtract(TSimd.Load(from + step), k);
                from += 2 * step;
                TVec d2 = TSimd.Subtract(TSimd.Load(from), k), d3 = TSimd.Subtract(TSimd.Load(from + step), k);
                TSimd.Store(TSimd.Add(TSimd.Load(sums + c), TSimd.Add(TSimd.Add(d0, d1), TSimd.Add(d2, d3))), sums + c);
                TVec q = TSimd.MultiplyAdd(d1, d1, TSimd.Multiply(d0, d0)), p = TSimd.MultiplyAdd(d3, d3, TSimd.Multiply(d2, d2));
                TSimd.Store(TSimd.Add(TSimd.Load(squares + c), TSimd.Add(q, p)), squares + c);
            }
        }

        x += 3 * step;
        int row = 4 * quarter;
        for (; row < rows; row++, x += stride)
        {
            for (int c = first; c < end; c += TSimd.Length)
            {
                TVec a = TSimd.Subtract(TSimd.Load(x + c), TSimd.Load(shift + c));
                TSimd.Store(TSimd.Add(TSimd.Load(sums + c), a), sums + c);
                TSimd.Store(TSimd.MultiplyAdd(a, a, TSimd.Load(squares + c)), squares + c);
            }
        }

        for (int c = first; c < end; c += TSimd.Length)
        {
            TVec s = TSimd.Load(sums + c), mean = TSimd.Multiply(s, scale);
            TVec moved = TSimd.Subtract(TSimd.Load(squares + c), TSimd.Multiply(s, mean));
            TSimd.Store(TSimd.AtLeast(zero, moved), squares + c);
            TSimd.Store(TSimd.Add(TSimd.Load(shift + c), mean), sums + c);
        }

        return end;
    }
}
