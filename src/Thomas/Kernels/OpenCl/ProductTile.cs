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
    private const int Pad = 4, MostPieces = 256, MostPieceFloats = 32 << 20;

    // Of the estimates: multiply-adds of a compute unit in a cycle, cycles of a step that nothing hides, cycles of one more launch, bytes in a cycle for each unit.
    private const double UnitRate = 128, StepCycles = 300, LaunchCycles = 4000, UnitBytes = 16;

    /// <summary>The shapes that there are.</summary>
    public static IReadOnlyList<ProductTile> All { get; } =
    [
        new(128, 128, 16, 8, 8, 0.75), new(128, 64, 16, 8, 4, 0.6), new(64, 64, 16, 4, 4, 0.5), new(128, 32, 16, 8, 4, 0.45), new(64, 32, 16, 4, 4, 0.4),
        new(32, 64, 16, 4, 4, 0.4), new(32, 32, 16, 4, 4, 0.35), new(128, 16, 16, 8, 4, 0.3), new(16, 64, 16, 4, 4, 0.25),
    ];

    /// <summary>Work-items of a group.</summary>
    public int Items => M / ItemM * (N / ItemN);

    /// <summary>Local memory of a group.</summary>
    public long LocalBytes => 2L * sizeof(float) * K * (M + Pad + N + Pad);

    /// <summary>The tile and the number of pieces that should be fastest; null where no tile fits the device.</summary>
    public static (ProductTile Tile, int Pieces)? Choose(Product product, OpenClLimits limits)
    {
        (ProductTile Tile, int Pieces)? best = null;
        double least = double.PositiveInfinity;
        foreach (ProductTile tile in All)
        {
            if (tile.Items > limits.WorkGroup || tile.LocalBytes > limits.LocalBytes) continue;
            for (int pieces = 1; pieces <= MostPieces; pieces *= 2)
            {
                if (pieces > 1 && (product.K / pieces < 2 * tile.K || product.SizeC * pieces > MostPieceFloats)) break;
                double cycles = tile.Cycles(product, pieces, limits);
                if (cycles >= least) continue;
                (least, best) = (cycles, (tile, pieces));
            }
        }

        return best;
    }

    /// <summary>Cycles of a product, about.</summary>
    private double Cycles(Product product, int pieces, OpenClLimits limits)
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
