using System;

using SkiaSharp;

using Thomas.Data;

namespace Thomas.Imaging;

/// <summary>
/// Reduces an image while it is decoded: each pixel of the result is the mean, rounded, of a square of pixels. Where the sides are no multiples of the
/// square's, some squares are a row or column smaller, spread evenly, so that nothing shifts. Only the result is held, and the sums of one row of it.
/// </summary>
internal sealed class BoxReducer : PixelSink
{
    /// <summary>Largest side of a square: the sum of its pixels stays below 2^32.</summary>
    public const int MaximumFactor = 4096;

    private readonly int _height;
    private readonly RgbColor _background;
    private readonly bool _anyOrder;
    private readonly int _rows;
    private readonly int _columns;
    private readonly int[] _columnOf;
    private readonly int[] _widths;
    private readonly uint[] _sums;
    private readonly uint[] _means;
    private readonly Upright _result;
    private int _rowsInSums;

    /// <param name="width">Stored width.</param>
    /// <param name="height">Stored height.</param>
    /// <param name="factor">Side of a square.</param>
    /// <param name="origin">Where the stored image's first row and column belong.</param>
    /// <param name="anyOrder">Whether pixels may come in another order than row by row, as in interlaced files; the sums of all rows are held then.</param>
    /// <param name="background">What transparent pixels are laid over.</param>
    public BoxReducer(int width, int height, int factor, SKEncodedOrigin origin, bool anyOrder, RgbColor background)
    {
        (_height, _anyOrder, _background) = (height, anyOrder, background);
        _columns = Reduced(width, factor);
        _rows = Reduced(height, factor);
        _sums = new uint[checked(_columns * 3 * (anyOrder ? _rows : 1))];
        _means = new uint[_columns];
        _columnOf = anyOrder ? new int[width] : [];
        for (int x = 0; x < _columnOf.Length; x++) _columnOf[x] = (int)((long)x * _columns / width);
        _widths = new int[_columns];
        for (int column = 0; column < _columns; column++) _widths[column] = Start(column + 1, width, _columns) - Start(column, width, _columns);
        _result = new Upright(_columns, _rows, origin, background);
    }

    /// <summary>Pixels of the result along a side.</summary>
    public static int Reduced(int length, int factor) => (int)(((long)length + factor - 1) / factor);

    /// <summary>Bytes that reducing takes.</summary>
    public static long Cost(int width, int height, int factor, bool anyOrder)
    {
        long columns = Reduced(width, factor);
        long rows = Reduced(height, factor);
        return (columns * rows * 3) + (columns * 3 * sizeof(uint) * (anyOrder ? rows : 1)) + (columns * 2 * sizeof(uint))
            + (anyOrder ? (long)width * sizeof(int) : 0);
    }

    /// <inheritdoc/>
    public override void Add(int y, int x, int step, ReadOnlySpan<uint> pixels)
    {
        int cellRow = (int)((long)y * _rows / _height);
        Span<uint> sums = _anyOrder ? _sums.AsSpan(cellRow * _columns * 3, _columns * 3) : _sums;
        if (step == 1)
        {
            AddRow(sums, pixels);
        }
        else
        {
            for (int i = 0; i < pixels.Length; i++, x += step)
            {
                AddTo(sums.Slice(_columnOf[x] * 3, 3), Over(_background, pixels[i]));
            }
        }

        if (!_anyOrder && ++_rowsInSums == RowsOf(cellRow))
        {
            Flush(cellRow, sums);
            _rowsInSums = 0;
        }
    }

    /// <inheritdoc/>
    public override RgbImage Finish()
    {
        if (_anyOrder)
        {
            for (int row = 0; row < _rows; row++)
            {
                Flush(row, _sums.AsSpan(row * _columns * 3, _columns * 3));
            }
        }

        return _result.Finish();
    }

    private int RowsOf(int cellRow) => Start(cellRow + 1, _height, _rows) - Start(cellRow, _height, _rows);

    // The first of the pixels x with x * cells / length == cell.
    private static int Start(int cell, int length, int cells) => (int)((((long)cell * length) + cells - 1) / cells);

    private void AddRow(Span<uint> sums, ReadOnlySpan<uint> pixels)
    {
        for (int column = 0, at = 0; column < _widths.Length; column++, at += 3)
        {
            ReadOnlySpan<uint> cell = pixels[.._widths[column]];
            pixels = pixels[cell.Length..];

            // Red and blue share a sum: 4096 pixels of 8 bits stay below 2^20, far from the 32 bits between the two.
            ulong redBlue = 0;
            uint green = 0;
            foreach (uint stored in cell)
            {
                uint pixel = Over(_background, stored);
                redBlue += (pixel & 255) | ((ulong)(pixel & 0xFF0000) << 16);
                green += (pixel >> 8) & 255;
            }

            sums[at] += (uint)redBlue;
            sums[at + 1] += green;
            sums[at + 2] += (uint)(redBlue >> 32);
        }
    }

    private static void AddTo(Span<uint> sums, uint pixel)
    {
        sums[0] += pixel & 255;
        sums[1] += (pixel >> 8) & 255;
        sums[2] += (pixel >> 16) & 255;
    }

    private void Flush(int cellRow, Span<uint> sums)
    {
        int rows = RowsOf(cellRow);
        for (int column = 0; column < _columns; column++)
        {
            uint count = (uint)(rows * _widths[column]);
            ReadOnlySpan<uint> cell = sums.Slice(column * 3, 3);
            _means[column] = Mean(cell[0], count) | (Mean(cell[1], count) << 8) | (Mean(cell[2], count) << 16) | 0xFF000000;
        }

        _result.Add(cellRow, 0, 1, _means);
        sums.Clear();
    }

    private static uint Mean(uint sum, uint count) => (uint)((sum + ((ulong)count / 2)) / count);
}
