using System;
using System.Collections.Generic;

namespace Thomas.Kernels.OpenCl;

/// <summary>
/// Moments of a product's result over its rows. Where it can, the launch that makes the result sums them up for the rows that a group or a work-item makes,
/// and a small launch joins those; elsewhere other launches read the result once more.
/// </summary>
internal static class ProductMoments
{
    private const long Alignment = 512;

    // A work-item makes blocks one below the other until it has so many rows, so that there are few moments to write. Less than the least is not worth it.
    private const int MostRows = 128, LeastRows = 16;

    // Work-items that each compute unit should have left, of a CPU and of a GPU.
    private const int ItemsOfCores = 8, ItemsOfUnits = 512;

    /// <summary>Whether the launch that makes the result can sum up its moments.</summary>
    /// <param name="product">The product.</param>
    /// <param name="choice">How it is computed.</param>
    /// <param name="limits">Limits of the device.</param>
    public static bool Fuses(Product product, ProductChoice choice, OpenClLimits limits)
    {
        if (product.IsFilter) return false;
        if (choice.Tile is ProductTile tile) return choice.Pieces == 1 && tile.HasRoomForMoments;
        int rows = BlocksOf(product, choice.Block, limits) * choice.Block.Rows;
        return rows >= Math.Min(LeastRows, product.M);
    }

    /// <summary>How many blocks a work-item makes.</summary>
    /// <param name="product">The product.</param>
    /// <param name="block">Its block.</param>
    /// <param name="limits">Limits of the device.</param>
    public static int BlocksOf(Product product, ItemBlock block, OpenClLimits limits)
    {
        long all = block.Blocks(product.M, product.N) * product.Count;
        long wanted = (long)limits.ComputeUnits * (limits.Family == TileFamily.Items ? ItemsOfCores : ItemsOfUnits);
        return (int)Math.Clamp(all / wanted, 1, Math.Max(1, MostRows / block.Rows));
    }

    /// <summary>Adds what the launch that makes the result needs to sum up its moments.</summary>
    /// <param name="macros">Its macros.</param>
    /// <param name="arguments">Its arguments before sizes.</param>
    /// <param name="partial">Where the moments go.</param>
    public static void Add(List<(string, string)> macros, List<LaunchArgument> arguments, LaunchArgument partial)
    {
        macros.Add(("MOMENTS", "1"));
        arguments.Add(partial);
    }

    /// <summary>The kernel whose launches make the result, with a last one that joins the moments if there are any.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="launches">The launches that make the result.</param>
    /// <param name="product">The product.</param>
    /// <param name="blockRows">Rows that moments are of, at first.</param>
    /// <param name="workspace">Workspace of the launches; moments lie behind it.</param>
    /// <param name="limits">Limits of the device.</param>
    /// <param name="constants">Constants of the launches.</param>
    public static OpenClKernel Joined(
        string name, List<OpenClLaunch> launches, Product product, int blockRows, long workspace, OpenClLimits limits, long constants = 0)
    {
        if (product.Moments is not var (mean, variance, rest)) return new OpenClKernel(name, [.. launches]) { Constants = constants, Workspace = workspace };
        workspace = (workspace + Alignment - 1) / Alignment * Alignment;
        launches.Add(BatchNormLaunches.JoinBlocks(product.M, product.LdC, blockRows, LaunchArgument.Workspace(workspace), [mean, variance, rest], limits));
        return new OpenClKernel($"{name}_moments", [.. launches])
        {
            Constants = constants,
            Workspace = workspace + (3L * sizeof(float) * product.LdC * ColumnPlan.Up(product.M, blockRows)),
        };
    }

    /// <summary>A kernel that makes the result, with launches that read it, rounded if it is stored so, for its moments.</summary>
    /// <param name="kernel">The kernel.</param>
    /// <param name="product">The product.</param>
    /// <param name="limits">Limits of the device.</param>
    public static OpenClKernel Apart(OpenClKernel kernel, Product product, OpenClLimits limits)
    {
        (LaunchArgument mean, LaunchArgument variance, LaunchArgument rest) = product.Moments!.Value;
        ColumnPlan plan = new(product.M, product.LdC, limits);
        return kernel.Then(
            "_moments_apart", BatchNormLaunches.MomentsBytes(plan),
            [.. BatchNormLaunches.Moments(plan, product.C.As("TX"), [mean, variance, rest], LaunchArgument.Workspace())]);
    }
}
