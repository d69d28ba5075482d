using System;
using System.Collections.Generic;

namespace Thomas.Kernels.OpenCl;

/// <summary>A tile in local memory.</summary>
/// <param name="M">Its rows.</param>
/// <param name="N">Its columns.</param>
/// <param name="K">Steps along the sums that are in local memory at a time.</param>
/// <param name="ItemM">Rows of a work-item.</param>
/// <param name="ItemN">Columns of a work-item.</param>
/// <param name="Efficiency">Share of the peak rate that it reaches, about, where there is enough to do.</param>
internal sealed record ProductTile(int M, int N, int K, int ItemM, int ItemN, double Efficiency)
{
    private const int Pad = 4, MostPieces = 1024, MostTriedPieces = 2048, MostPieceFloats = 32 << 20;

    // More sums than this an item can keep in registers only on desktop GPUs, which have this much local memory. (A driver of a CPU, Mesa's llvmpipe 22.3, even
    // gives wrong results for them.)
    private const int SumsOfPhones = 64;
    private const long LocalBytesOfDesktops = 48 << 10;

    // Of the estimates: multiply-adds of a compute unit in a cycle, cycles of a step that nothing hides, cycles of one more launch, bytes in a cycle for each
    // unit.
    private const double UnitRate = 128, StepCycles = 300, LaunchCycles = 4000, UnitBytes = 16;

    // Those that the estimates choose from.
    private static readonly ProductTile[] Usual =
    [
        new(128, 128, 16, 16, 8, 0.85), new(128, 128, 16, 8, 16, 0.85), new(128, 64, 16, 8, 8, 0.84), new(64, 128, 16, 8, 8, 0.84), new(64, 64, 16, 8, 4, 0.78),
        new(128, 32, 16, 8, 4, 0.68), new(64, 32, 16, 8, 4, 0.66), new(32, 64, 16, 4, 8, 0.62), new(32, 32, 16, 8, 4, 0.5), new(32, 32, 16, 4, 4, 0.45),
        new(128, 16, 16, 8, 4, 0.4), new(16, 64, 16, 4, 4, 0.35), new(64, 16, 32, 4, 4, 0.35), new(16, 32, 32, 4, 4, 0.3),
    ];

    /// <summary>The shapes that there are: those that estimates choose from, and those that only measurements do.</summary>
    public static IReadOnlyList<ProductTile> All { get; } =
    [
        .. Usual,
        new(256, 128, 8, 16, 8, 0.8), new(128, 256, 8, 8, 16, 0.8), new(128, 128, 16, 8, 8, 0.75), new(128, 128, 8, 8, 8, 0.7), new(64, 128, 16, 4, 8, 0.6),
        new(128, 64, 16, 8, 4, 0.6), new(128, 64, 32, 8, 4, 0.6), new(64, 64, 8, 4, 4, 0.5), new(64, 64, 16, 4, 4, 0.5), new(64, 64, 32, 4, 4, 0.5),
        new(64, 64, 16, 8, 8, 0.5), new(64, 64, 32, 8, 4, 0.5), new(32, 128, 16, 4, 8, 0.45), new(64, 32, 16, 4, 4, 0.4), new(32, 64, 16, 4, 4, 0.4),
        new(32, 64, 32, 4, 4, 0.4), new(64, 32, 32, 4, 4, 0.4), new(32, 32, 32, 4, 4, 0.35), new(16, 64, 32, 4, 4, 0.25), new(16, 128, 16, 4, 8, 0.3),
        new(32, 16, 32, 4, 4, 0.2), new(32, 64, 32, 4, 8, 0.4),
    ];

    /// <summary>The tile of a shape; null if there is none.</summary>
    public static ProductTile? Of(int m, int n, int k, int itemM, int itemN)
    {
        foreach (ProductTile tile in All)
        {
            if ((tile.M, tile.N, tile.K, tile.ItemM, tile.ItemN) == (m, n, k, itemM, itemN)) return tile;
        }

        return null;
    }

    /// <summary>Work-items of a group.</summary>
    public int Items => M / ItemM * (N / ItemN);

    /// <summary>Local memory of a group.</summary>
    public long LocalBytes => 2L * sizeof(float) * K * (M + Pad + N + Pad);

    /// <summary>The tile and the number of pieces that should be fastest; null where no tile fits the device.</summary>
    public static (ProductTile Tile, int Pieces)? Choose(Product product, OpenClLimits limits)
    {
        (ProductTile Tile, int Pieces)? best = null;
        double least = double.PositiveInfinity;
        IReadOnlyList<ProductTile> tiles = limits.Tile is ProductTile vendors && vendors.Fits(product, limits) ? [vendors] : Usual;
        foreach (ProductTile tile in tiles)
        {
            if (!tile.Fits(product, limits)) continue;
            for (int pieces = 1; pieces <= MostPieces && tile.CanCut(product, pieces); pieces *= 2)
            {
                double cycles = tile.Cycles(product, pieces, limits);
                if (cycles >= least) continue;
                (least, best) = (cycles, (tile, pieces));
            }
        }

        return best;
    }

    /// <summary>The numbers of pieces that are worth a measurement: powers of 2.</summary>
    public IEnumerable<int> PiecesOf(Product product)
    {
        for (int pieces = 1; pieces <= MostTriedPieces && CanCut(product, pieces); pieces *= 2) yield return pieces;
    }

    /// <summary>Whether the pieces of a product's sums are not too many for memory.</summary>
    public static bool HasRoom(Product product, int pieces) => pieces == 1 || product.SizeC * pieces <= MostPieceFloats;

    /// <summary>Whether a device can run it, and its work-items can share the loads of the operands evenly.</summary>
    public bool Fits(Product product, OpenClLimits limits) =>
        Items <= limits.WorkGroup && LocalBytes <= limits.LocalBytes && (ItemM * ItemN <= SumsOfPhones || limits.LocalBytes >= LocalBytesOfDesktops)
        && Shares(M, product.FormA == MatrixForm.Columns, ProductLaunches.WidthA(product))
        && Shares(N, product.FormB != MatrixForm.Columns, ProductLaunches.WidthB(product));

    /// <summary>
    /// Whether moments of four columns of each work-item, which are vectors of 4 and their count, have room where the tiles of the operands were.
    /// </summary>
    public bool HasRoomForMoments => Items * 8 <= 2 * K * (M + Pad) && Items * 5 <= 2 * K * (N + Pad);

    /// <summary>Whether lines of an operand's tile, or parts of a line, are divided among all work-items without a rest.</summary>
    /// <param name="size">Rows or columns.</param>
    /// <param name="along">Whether lines lie along them rather than along the sums.</param>
    /// <param name="width">Numbers that are read at once.</param>
    private bool Shares(int size, bool along, int width)
    {
        int wide = (along ? size : K) / width, lines = along ? K : size;
        return Items % wide == 0 && lines % (Items / wide) == 0;
    }

    /// <summary>Whether each piece has enough steps, and all together have room.</summary>
    private bool CanCut(Product product, int pieces) => pieces == 1 || (product.K / pieces >= 2 * K && HasRoom(product, pieces));

    /// <summary>Cycles of a product, about.</summary>
    public double Cycles(Product product, int pieces, OpenClLimits limits)
    {
        int units = limits.ComputeUnits;
        double groups = (double)Blocks(product.M, M) * Blocks(product.N, N) * product.Count * pieces;
        double steps = Math.Ceiling((double)product.K / pieces / K);
        double compute = Math.Ceiling(groups / units) * M * N * K * steps / (UnitRate * Efficiency);
        double traffic = groups * steps * K * (M + N) * sizeof(float) / (UnitBytes * units);
        double latency = StepCycles * steps;
        double sum = pieces == 1 ? 0 : LaunchCycles + ((pieces + 1) * (double)product.SizeC * sizeof(float) / (UnitBytes * units));
        return Math.Max(compute, traffic) + latency + sum;
    }

    private static int Blocks(int size, int block) => (size + block - 1) / block;
}
