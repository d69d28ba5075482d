using System;

namespace Thomas.Kernels.Reduce;

/// <summary>A part of a matrix.</summary>
/// <param name="RowTile">Which band of rows.</param>
/// <param name="Row">First row.</param>
/// <param name="Rows">Number of rows.</param>
/// <param name="Column">First column.</param>
/// <param name="Columns">Number of columns.</param>
internal readonly record struct ColumnTile(int RowTile, int Row, int Rows, int Column, int Columns);

/// <summary>
/// Cuts a row-major matrix into tiles for sums over its rows. The cuts depend on the matrix alone, so that sums made tile by tile do not depend on the number
/// of threads. Tiles of the same rows follow one another.
/// </summary>
/// <param name="rows">Rows of the matrix.</param>
/// <param name="columns">Columns of the matrix.</param>
/// <param name="tileRows">Rows of a tile.</param>
internal readonly struct ColumnTiles(int rows, int columns, int tileRows)
{
    /// <summary>Columns of a tile: four cache lines.</summary>
    public const int Width = 64;

    /// <summary>Bands of rows.</summary>
    public int Bands => (rows + tileRows - 1) / tileRows;

    /// <summary>Tiles of one band.</summary>
    public int Blocks => (columns + Width - 1) / Width;

    /// <summary>All tiles.</summary>
    public int Count => Bands * Blocks;

    public ColumnTile this[int index]
    {
        get
        {
            (int band, int block) = Math.DivRem(index, Blocks);
            int row = band * tileRows, column = block * Width;
            return new ColumnTile(band, row, RowsOf(band), column, Math.Min(Width, columns - column));
        }
    }

    /// <summary>Rows of a band.</summary>
    public int RowsOf(int band) => Math.Min(tileRows, rows - (band * tileRows));
}
