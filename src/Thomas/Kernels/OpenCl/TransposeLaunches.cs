using System;
using System.Collections.Generic;
using System.Globalization;

namespace Thomas.Kernels.OpenCl;

/// <summary>Launches that reorder axes through tiles in local memory, so that both arrays are gone through along neighbors.</summary>
internal static class TransposeLaunches
{
    // Below, most items of a tile would have nothing to do.
    private const int LeastSize = 8;

    private const int BatchAxes = 5;

    /// <summary>
    /// The launch; null where one of the arrays has no axis of neighbors that pays, or the device too little for a tile: then a plain copy is as good.
    /// </summary>
    /// <param name="axes">The axes in the order of the result.</param>
    /// <param name="context">The device.</param>
    public static OpenClLaunch? Of(CopyAxes axes, OpenClKernelContext context)
    {
        int b = Array.IndexOf(axes.From, 1);
        if (axes.To[0] != 1 || b <= 0 || axes.Sizes[0] < LeastSize || axes.Sizes[b] < LeastSize) return null;
        if (TileOf(context.Limits) is not (int tile, int rows)) return null;
        OpenClProgram program = OpenClProgram.Of("transpose", ("TILE", Text(tile)), ("ROWS", Text(rows)));
        CopyAxes batch = axes.Without(0, b);
        int tilesA = Tiles(axes.Sizes[0], tile), tiles = tilesA * Tiles(axes.Sizes[b], tile), batches = batch.Product(0);
        int groups = Math.Min(batches, CopyLaunches.MostGroups);
        bool one = batch.Count == 0;
        List<LaunchArgument> arguments =
        [
            LaunchArgument.Input(0).As("TX"), LaunchArgument.Output().As("TX"), axes.Sizes[0], axes.Sizes[b], axes.From[0], axes.To[b], tilesA, batches, groups,
            batch.Count, one ? 0 : batch.From[^1], one ? 0 : batch.To[^1],
        ];
        CopyLaunches.AddInner(arguments, batch, 0, BatchAxes, 1);
        OpenClLaunch launch = new(program, "transpose", new WorkSize(checked(tiles * tile), rows, groups), new WorkSize(tile, rows), [.. arguments]);
        return context.CanUse(launch) ? launch : null;
    }

    /// <summary>Size of a tile and rows that are moved at once.</summary>
    private static (int Tile, int Rows)? TileOf(OpenClLimits limits)
    {
        foreach ((int tile, int rows) in ((int, int)[])[(32, 8), (16, 4)])
        {
            if (limits.WorkGroup >= tile * rows && limits.LocalBytes >= tile * (tile + 1) * sizeof(int)) return (tile, rows);
        }

        return null;
    }

    private static int Tiles(int size, int tile) => ((size - 1) / tile) + 1;

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
