using System;
using System.Runtime.CompilerServices;
using Thomas.Kernels.Copy;
using Thomas.Kernels.Elementwise;
using Thomas.Kernels.Simd;
using V128 = System.Runtime.Intrinsics.Vector128<float>;
using V256 = System.Runtime.Intrinsics.Vector256<float>;
using V512 = System.Runtime.Intrinsics.Vector512<float>;

namespace Thomas.Kernels.Reduce;

/// <summary>
/// z[r, c] = map(x[r, c], y[r, c]) and sums[c] = sum over r of z[r, c], in one pass over memory: a few rows of z are added while they are in the first-level
/// cache. Bands of rows as in <see cref="TiledReduction"/>, added in order by the second phase, so the sums have the bits of a reduction of z.
/// </summary>
internal sealed unsafe class MapColumnSums
{
    private const int BandRows = 512;
    private const int WantedItems = 16;
    private const int ChunkElements = 2048;
    private const int MinWidth = 256;

    private readonly int _rows;
    private readonly int _columns;
    private readonly int _bands;
    private readonly int _width;
    private readonly int _blocks;

    /// <param name="rows">Rows of the matrices.</param>
    /// <param name="columns">Columns of the matrices.</param>
    public MapColumnSums(int rows, int columns)
    {
        (_rows, _columns) = (rows, columns);
        _bands = (rows + BandRows - 1) / BandRows;

        // Whole rows unless that leaves few items.
        int blocks = Math.Clamp((WantedItems + _bands - 1) / _bands, 1, Math.Max(1, columns / MinWidth));
        _width = ((columns + blocks - 1) / blocks + 15) / 16 * 16;
        _blocks = (columns + _width - 1) / _width;
    }

    /// <summary>Floats of a thread's memory for the y of a piece, where those are kept in 16 bits.</summary>
    public int WidenedFloats => (Math.Max(ChunkElements, Math.Min(_width, _columns)) + 15) & ~15;

    /// <summary>The results of the bands.</summary>
    public long WorkspaceBytes => _bands == 1 ? 0 : (long)_bands * _columns * sizeof(float);

    /// <summary>Independent items of a phase, 0 or 1.</summary>
    public int Items(int phase) => phase == 0 ? _bands * _blocks : _bands == 1 ? 0 : _blocks;

    /// <summary>Does items [begin, end) of phase 0; z may be x or y.</summary>
    /// <param name="map">The map.</param>
    /// <param name="x">Its first operand.</param>
    /// <param name="y">Its second operand; not used where that is kept in 16 bits.</param>
    /// <param name="kept">The second operand in 16 bits, if it is.</param>
    /// <param name="z">The result.</param>
    /// <param name="sums">Its sums.</param>
    /// <param name="workspace">The results of the bands.</param>
    /// <param name="widened"><see cref="WidenedFloats"/> floats of the thread, where y is kept in 16 bits.</param>
    /// <param name="begin">First item.</param>
    /// <param name="end">One past the last item.</param>
    public void RunItems<TMap>(
        TMap map, float* x, float* y, KeptFloats kept, float* z, float* sums, float* workspace, float* widened, int begin, int end)
        where TMap : struct, IBinaryMap
    {
        for (int item = begin; item < end; item++)
        {
            int band = item / _blocks, column = item % _blocks * _width, columns = Math.Min(_width, _columns - column);
            float* target = (_bands == 1 ? sums : workspace + ((nint)band * _columns)) + column;
            Memory.Fill(target, columns, 0f);
            int last = Math.Min((band + 1) * BandRows, _rows), step = Math.Max(1, ChunkElements / columns);
            for (int row = band * BandRows; row < last; row += step)
            {
                nint offset = ((nint)row * _columns) + column;
                int rows = Math.Min(step, last - row);
                if (kept.Exist) RunKept(map, x + offset, kept, offset, z + offset, widened, rows, columns);
                else if (columns == _columns) ElementwiseLoop.Binary(map, x + offset, y + offset, z + offset, (nint)rows * columns);
                else ElementwiseLoop.BinaryRows(map, x + offset, y + offset, z + offset, _columns, rows, columns);
                AddRows(z + offset, _columns, target, rows, columns);
            }
        }
    }

    /// <summary>The map over some rows of some columns, whose y is widened first.</summary>
    private void RunKept<TMap>(TMap map, float* x, KeptFloats y, nint first, float* z, float* widened, int rows, int columns)
        where TMap : struct, IBinaryMap
    {
        if (columns == _columns)
        {
            nint count = (nint)rows * columns;
            y.Widen(first, widened, count);
            ElementwiseLoop.Binary(map, x, widened, z, count);
            return;
        }

        for (nint row = 0; row < rows; row++)
        {
            nint at = row * _columns;
            y.Widen(first + at, widened, columns);
            ElementwiseLoop.Binary(map, x + at, widened, z + at, columns);
        }
    }

    /// <summary>Does items [begin, end) of phase 1.</summary>
    public void Sum(float* workspace, float* sums, int begin, int end)
    {
        int column = begin * _width, columns = Math.Min(end * _width, _columns) - column;
        Reduction.Columns(ReductionKind.Sum, workspace + column, _columns, sums + column, _bands, columns, 1);
    }

    /// <summary>sums[c] = ((sums[c] + z[0, c]) + z[1, c]) + ...</summary>
    private static void AddRows(float* z, nint stride, float* sums, int rows, int columns)
    {
        int c = 0;
        if (CpuFeatures.VectorLength >= 16) c = AddRows<Simd512, V512>(z, stride, sums, rows, columns, c);
        if (CpuFeatures.VectorLength >= 8 && c < columns) c = AddRows<Simd256, V256>(z, stride, sums, rows, columns, c);
        if (CpuFeatures.VectorLength >= 4 && c < columns) c = AddRows<Simd128, V128>(z, stride, sums, rows, columns, c);
        if (c < columns) AddRows<Simd1, float>(z, stride, sums, rows, columns, c);
    }

    /// <summary>The columns from c on that fill vectors; gives the first one left.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int AddRows<TSimd, TVec>(float* z, nint stride, float* sums, int rows, int columns, int c)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        for (; c <= columns - (2 * TSimd.Length); c += 2 * TSimd.Length)
        {
            TVec even = TSimd.Load(sums + c), odd = TSimd.Load(sums + c + TSimd.Length);
            float* from = z + c;
            for (int r = 0; r < rows; r++, from += stride)
            {
                even = TSimd.Add(even, TSimd.Load(from));
                odd = TSimd.Add(odd, TSimd.Load(from + TSimd.Length));
            }

            TSimd.Store(even, sums + c);
            TSimd.Store(odd, sums + c + TSimd.Length);
        }

        for (; c <= columns - TSimd.Length; c += TSimd.Length)
        {
            TVec sum = TSimd.Load(sums + c);
            float* from = z + c;
            for (int r = 0; r < rows; r++, from += stride)
                sum = TSimd.Add(sum, TSimd.Load(from));
            TSimd.Store(sum, sums + c);
        }

        return c;
    }
}
