using System;

namespace Thomas.Kernels.Reduce;

/// <summary>
/// Cuts a row-major matrix into bands of whole rows for sums over its rows, so that memory is read front to back; rows of many columns are cut too. The cuts
/// depend on the matrix alone, so that sums made band by band do not depend on the number of threads.
/// </summary>
/// <param name="rows">Rows of the matrix.</param>
/// <param name="columns">Columns of the matrix.</param>
/// <param name="bandRows">Rows of all bands but the last.</param>
internal readonly struct RowBands(int rows, int columns, int bandRows)
{
    /// <summary>Most columns of a piece.</summary>
    public const int Width = 1024;

    private const int WantedBands = 32;
    private const int LeastRows = 64;

    /// <summary>About 32 bands, of at least 64 rows.</summary>
    /// <param name="rows">Rows of the matrix.</param>
    /// <param name="columns">Columns of the matrix.</param>
    public RowBands(int rows, int columns)
        : this(rows, columns, Math.Max(LeastRows, ((rows + WantedBands - 1) / WantedBands + 7) & ~7))
    {
    }

    /// <summary>Rows of all bands but the last, which may have fewer.</summary>
    public int BandRows => bandRows;

    /// <summary>Bands of rows.</summary>
    public int Bands => (rows + BandRows - 1) / BandRows;

    /// <summary>Pieces of one band.</summary>
    public int Blocks => (columns + Width - 1) / Width;

    /// <summary>Columns of all pieces of a band but the last, which may have fewer; whole cache lines.</summary>
    public int BlockColumns => ((columns + Blocks - 1) / Blocks + 15) & ~15;

    /// <summary>All pieces.</summary>
    public int Count => Bands * Blocks;

    /// <summary>A piece; those of the same rows follow one another.</summary>
    public ColumnTile this[int index]
    {
        get
        {
            (int band, int block) = Math.DivRem(index, Blocks);
            return new ColumnTile(band, band * BandRows, RowsOf(band), block * BlockColumns, ColumnsOf(block));
        }
    }

    /// <summary>
    /// Bands of a matrix that comes in blocks of so many rows: about 32, each at most 32 blocks, so that of its first block alone one row in 32 can be taken.
    /// </summary>
    /// <param name="rows">Rows of the matrix.</param>
    /// <param name="columns">Columns of the matrix.</param>
    /// <param name="blockRows">Rows of a block.</param>
    public static RowBands OfBlocks(int rows, int columns, int blockRows)
    {
        int blocks = (rows + blockRows - 1) / blockRows;
        return new(rows, columns, blockRows * Math.Clamp((blocks + WantedBands - 1) / WantedBands, 1, WantedBands));
    }

    /// <summary>Rows of a band.</summary>
    public int RowsOf(int band) => Math.Min(BandRows, rows - (band * BandRows));

    /// <summary>Columns of a piece.</summary>
    public int ColumnsOf(int block) => Math.Min(BlockColumns, columns - (block * BlockColumns));
}
