using System;
using System.Numerics;
using System.Runtime.CompilerServices;
using Thomas.Kernels.Reduce;
using Thomas.Kernels.Simd;
using V128 = System.Runtime.Intrinsics.Vector128<float>;
using V256 = System.Runtime.Intrinsics.Vector256<float>;
using V512 = System.Runtime.Intrinsics.Vector512<float>;

namespace Thomas.Kernels.Normalization;

/// <summary>
/// Mean and variance of the columns of a float32 matrix, read once. A band of rows sums deviations from a shift, the mean of its first rows, and their squares;
/// bands are joined in double (Chan, Golub and LeVeque 1983).
/// </summary>
/// <remarks>
/// With a shift that is the mean of p of the band's n rows, (mean - shift)^2 is at most n/p times the variance of the band, however the data lie. So what
/// cancels when the squares are moved to the mean costs log2(n/p) bits at most, which is 5.
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
        OfBlock(x, stride, 0, rows, rows, columns, shift, mean, squares);
    }

    /// <summary>
    /// Likewise for a band of <paramref name="bandRows"/> rows that comes block by block: rows [row, row + rows) of it. After the last block, mean and squares
    /// are those of the band; until then they and <paramref name="shift"/> belong to this method.
    /// </summary>
    public static void OfBlock(float* x, nint stride, int row, int rows, int bandRows, int columns, float* shift, float* mean, float* squares)
    {
        int c = 0;
        if (CpuFeatures.VectorLength >= 16) c = OfBlock<Simd512, V512>(x, stride, row, rows, bandRows, columns, shift, mean, squares, c);
        if (CpuFeatures.VectorLength >= 8 && c < columns) c = OfBlock<Simd256, V256>(x, stride, row, rows, bandRows, columns, shift, mean, squares, c);
        if (CpuFeatures.VectorLength >= 4 && c < columns) c = OfBlock<Simd128, V128>(x, stride, row, rows, bandRows, columns, shift, mean, squares, c);
        if (c < columns) OfBlock<Simd1, float>(x, stride, row, rows, bandRows, columns, shift, mean, squares, c);
    }

    /// <summary>
    /// Joins the bands for <paramref name="columns"/> columns. Band k has its results at <paramref name="means"/> + k * <paramref name="stride"/>, likewise
    /// <paramref name="squares"/>. The variance is divided by the count of rows.
    /// </summary>
    public static void Join(float* means, float* squares, nint stride, in RowBands bands, int rows, int columns, double* mean, double* variance)
    {
        int c = 0;
        for (; c <= columns - Vector<float>.Count; c += Vector<float>.Count)
            JoinVector(means + c, squares + c, stride, bands, rows, mean + c, variance + c);
        for (; c < columns; c++)
        {
            double m = 0, v = 0;
            for (int band = 0; band < bands.Bands; band++)
                m += (double)bands.RowsOf(band) / rows * means[(band * stride) + c];
            for (int band = 0; band < bands.Bands; band++)
            {
                double shift = means[(band * stride) + c] - m;
                v += ((double)squares[(band * stride) + c] / rows) + ((double)bands.RowsOf(band) / rows * shift * shift);
            }

            (mean[c], variance[c]) = (m, v);
        }
    }

    /// <summary>The bands of a vector's columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void JoinVector(float* means, float* squares, nint stride, in RowBands bands, int rows, double* mean, double* variance)
    {
        int count = bands.Bands, bandRows = bands.BandRows;
        Vector<double> m0 = Vector<double>.Zero, m1 = m0, v0 = m0, v1 = m0, perRow = new(1.0 / rows);
        for (int band = 0; band < count; band++)
        {
            Vector<double> share = new((double)Math.Min(bandRows, rows - (band * bandRows)) / rows);
            Vector.Widen(Vector.Load(means + (band * stride)), out Vector<double> a, out Vector<double> b);
            m0 += share * a;
            m1 += share * b;
        }

        for (int band = 0; band < count; band++)
        {
            Vector<double> share = new((double)Math.Min(bandRows, rows - (band * bandRows)) / rows);
            Vector.Widen(Vector.Load(means + (band * stride)), out Vector<double> a, out Vector<double> b);
            Vector.Widen(Vector.Load(squares + (band * stride)), out Vector<double> p, out Vector<double> q);
            a -= m0;
            b -= m1;
            v0 += (p * perRow) + (share * a * a);
            v1 += (q * perRow) + (share * b * b);
        }

        m0.Store(mean);
        m1.Store(mean + Vector<double>.Count);
        v0.Store(variance);
        v1.Store(variance + Vector<double>.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int OfBlock<TSimd, TVec>(
        float* x, nint stride, int row, int rows, int bandRows, int columns, float* shift, float* sums, float* squares, int first)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        int end = columns - ((columns - first) % TSimd.Length);
        if (row == 0) Start<TSimd, TVec>(x, stride, Math.Min(rows, (bandRows + RowsPerShiftRow - 1) / RowsPerShiftRow), shift, sums, squares, first, end);
        Add<TSimd, TVec>(x, stride, rows, shift, sums, squares, first, end);
        if (row + rows == bandRows) Finish<TSimd, TVec>(bandRows, shift, sums, squares, first, end);
        return end;
    }

    /// <summary>The shift: the mean of some rows. No sums yet.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Start<TSimd, TVec>(float* x, nint stride, int rows, float* shift, float* sums, float* squares, int first, int end)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec zero = TSimd.Create(0), scale = TSimd.Create(1f / rows);
        for (int c = first; c < end; c += TSimd.Length)
        {
            TSimd.Store(TSimd.Multiply(TSimd.Load(x + c), scale), shift + c);
            TSimd.Store(zero, sums + c);
            TSimd.Store(zero, squares + c);
        }

        for (int r = 1; r < rows; r++)
        {
            for (int c = first; c < end; c += TSimd.Length)
                TSimd.Store(TSimd.MultiplyAdd(TSimd.Load(x + (r * stride) + c), scale, TSimd.Load(shift + c)), shift + c);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Add<TSimd, TVec>(float* x, nint stride, int rows, float* shift, float* sums, float* squares, int first, int end)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
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
        for (int row = 4 * quarter; row < rows; row++, x += stride)
        {
            for (int c = first; c < end; c += TSimd.Length)
            {
                TVec a = TSimd.Subtract(TSimd.Load(x + c), TSimd.Load(shift + c));
                TSimd.Store(TSimd.Add(TSimd.Load(sums + c), a), sums + c);
                TSimd.Store(TSimd.MultiplyAdd(a, a, TSimd.Load(squares + c)), squares + c);
            }
        }
    }

    /// <summary>From the sums of deviations from the shift to the mean, and from their squares to those of deviations from the mean.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Finish<TSimd, TVec>(int rows, float* shift, float* sums, float* squares, int first, int end)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec zero = TSimd.Create(0), scale = TSimd.Create(1f / rows);
        for (int c = first; c < end; c += TSimd.Length)
        {
            TVec s = TSimd.Load(sums + c), mean = TSimd.Multiply(s, scale);
            TVec moved = TSimd.Subtract(TSimd.Load(squares + c), TSimd.Multiply(s, mean));
            TSimd.Store(TSimd.AtLeast(zero, moved), squares + c);
            TSimd.Store(TSimd.Add(TSimd.Load(shift + c), mean), sums + c);
        }
    }
}
