using System;
using Thomas.Kernels.Reduce;

namespace Thomas.Kernels.Normalization;

/// <summary>
/// Mean and variance of the columns of a result whose rows are taken in as they are written, while a near cache still holds them; see
/// <see cref="BatchMoments"/>. What the mean loses when it is rounded to float32 is handed out too: it is not small beside deviations that are small beside the
/// mean.
/// </summary>
/// <param name="rows">Rows of the result, which follow each other without gaps.</param>
/// <param name="columns">Columns of the result.</param>
/// <param name="bands">The bands in which the rows come.</param>
internal sealed unsafe class ResultMoments(int rows, int columns, RowBands bands)
{
    private const int JoinColumns = 128;

    private float* _shifts;
    private float* _means;
    private float* _squares;
    private float* _mean;
    private float* _variance;
    private float* _rest;

    /// <summary>Bytes of scratch memory for all threads.</summary>
    public long WorkspaceBytes => 3L * bands.Bands * columns * sizeof(float);

    /// <summary>Items of <see cref="TakePieces"/>.</summary>
    public int Pieces => bands.Count;

    /// <summary>Items of <see cref="Join"/>.</summary>
    public int JoinItems => (columns + JoinColumns - 1) / JoinColumns;

    /// <summary>Sets the memory.</summary>
    public void Bind(byte* workspace, float* mean, float* variance, float* rest)
    {
        nint size = (nint)bands.Bands * columns;
        _shifts = (float*)workspace;
        _means = _shifts + size;
        _squares = _means + size;
        _mean = mean;
        _variance = variance;
        _rest = rest;
    }

    /// <summary>Takes in a piece of some rows. Of each column those of a band come in order and from one thread, cut in the same way in every run.</summary>
    /// <param name="first">First element.</param>
    /// <param name="row">First row.</param>
    /// <param name="count">Number of rows.</param>
    /// <param name="column">First column.</param>
    /// <param name="width">Number of columns.</param>
    public void Take(float* first, int row, int count, int column, int width)
    {
        (int band, int bandRow) = Math.DivRem(row, bands.BandRows);
        nint place = ((nint)band * columns) + column;
        BatchMoments.OfBlock(first, columns, bandRow, count, bands.RowsOf(band), width, _shifts + place, _means + place, _squares + place);
    }

    /// <summary>Takes in pieces [begin, end) of a result that is there already.</summary>
    public void TakePieces(float* result, int begin, int end)
    {
        for (int item = begin; item < end; item++)
        {
            ColumnTile tile = bands[item];
            Take(result + ((nint)tile.Row * columns) + tile.Column, tile.Row, tile.Rows, tile.Column, tile.Columns);
        }
    }

    /// <summary>Joins the bands, once all rows are in.</summary>
    public void Join(int begin, int end)
    {
        double* mean = stackalloc double[JoinColumns], variance = stackalloc double[JoinColumns];
        for (int item = begin; item < end; item++)
        {
            int first = item * JoinColumns, count = Math.Min(JoinColumns, columns - first);
            BatchMoments.Join(_means + first, _squares + first, columns, bands, rows, count, mean, variance);
            for (int i = 0; i < count; i++)
            {
                float rounded = (float)mean[i];
                _mean[first + i] = rounded;
                _variance[first + i] = (float)variance[i];
                _rest[first + i] = (float)(mean[i] - rounded);
            }
        }
    }
}
