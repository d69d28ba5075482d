using System;

namespace Thomas.Kernels.Gemm;

/// <summary>
/// What a step of k costs in a product of some shape, in multiply-adds of one lane: how algorithms are compared. Follows from shapes and tier alone.
/// </summary>
internal static class TileCost
{
    /// <summary>Sums that a tile needs so that none waits for the one before.</summary>
    private const int MinSums = 6;

    /// <summary>
    /// Of a product with so many rows and columns. Columns are cut as <see cref="GemmTiles"/> does, and part of a vector takes as long as a whole one, or half
    /// of a very wide one.
    /// </summary>
    public static int Of(int rows, int columns)
    {
        int vector = CpuFeatures.VectorLength, smallest = vector == 16 ? 8 : vector, tiles = (rows + GemmTiles.Rows - 1) / GemmTiles.Rows, cost = 0;
        for (int left = columns, width; left > 0; left -= width)
        {
            width = PieceOf(left);
            int sums = Math.Max(1, width / vector);
            cost += Math.Max(width, smallest) * Math.Max(rows, tiles * MinSums / sums);
        }

        return cost;
    }

    /// <summary>Columns of the next tile.</summary>
    private static int PieceOf(int columns)
    {
        int width = PackedMatrix.PanelWidth;
        while (width > Math.Max(4, columns))
            width /= 2;
        return Math.Min(width, columns);
    }
}
