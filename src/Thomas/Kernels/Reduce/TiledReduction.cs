namespace Thomas.Kernels.Reduce;

/// <summary>
/// y[o, i] = reduction over r of x[o, r, i], float32, where the reduced axes have been brought into the form [outer, reduce, inner]. Global average pooling is
/// the mean of [n, h*w, c], a bias gradient the sum of [1, n*h*w, c]. Long reductions are cut into bands; the second phase adds their results in order. The
/// cuts depend on the shape alone.
/// </summary>
internal sealed unsafe class TiledReduction
{
    private const int BandRows = 512;
    private const int BandElements = 16384;

    private readonly ReductionKind _kind;
    private readonly int _outer;
    private readonly int _reduce;
    private readonly int _inner;
    private readonly ColumnTiles _tiles;
    private readonly float _divisor;

    public TiledReduction(ReductionKind kind, int outer, int reduce, int inner)
    {
        (_kind, _outer, _reduce, _inner) = (kind, outer, reduce, inner);
        _tiles = new ColumnTiles(reduce, inner, inner == 1 ? BandElements : BandRows);
        _divisor = kind == ReductionKind.Mean ? reduce : 1;
    }

    /// <summary>The results of the bands.</summary>
    public long WorkspaceBytes => _tiles.Bands == 1 ? 0 : (long)_outer * _tiles.Bands * _inner * sizeof(float);

    /// <summary>Independent items of a phase, 0 or 1.</summary>
    public int Items(int phase) => phase == 0 ? _outer * _tiles.Count : _tiles.Bands == 1 ? 0 : _outer * _tiles.Blocks;

    /// <summary>Does items [begin, end) of a phase.</summary>
    public void RunItems(int phase, float* x, float* y, float* workspace, int begin, int end)
    {
        bool single = _tiles.Bands == 1;
        int perOuter = phase == 0 ? _tiles.Count : _tiles.Blocks;
        for (int item = begin; item < end; item++)
        {
            int o = item / perOuter;
            ColumnTile tile = _tiles[item % perOuter];
            float* bands = workspace + ((nint)o * _tiles.Bands * _inner), result = y + ((nint)o * _inner) + tile.Column;
            if (phase == 1) Reduce(bands + tile.Column, _tiles.Bands, tile.Columns, result, _divisor);
            else
            {
                Reduce(
                    x + (((nint)o * _reduce) + tile.Row) * _inner + tile.Column, tile.Rows, tile.Columns,
                    single ? result : bands + ((nint)tile.RowTile * _inner) + tile.Column, single ? _divisor : 1);
            }
        }
    }

    private void Reduce(float* x, int rows, int columns, float* y, float divisor)
    {
        if (_inner == 1) *y = Reduction.Row(_kind, x, rows) / divisor;
        else Reduction.Columns(_kind, x, _inner, y, rows, columns, divisor);
    }
}
