using System;
using System.Collections.Generic;
using System.Globalization;

namespace Thomas.Kernels.OpenCl;

/// <summary>What a work-item computes of a product where the group has no tile in local memory.</summary>
/// <param name="Rows">Rows.</param>
/// <param name="Vectors">Vectors of a row.</param>
/// <param name="Width">Numbers of a vector.</param>
/// <param name="Group">Work-items of a group.</param>
internal readonly record struct ItemBlock(int Rows, int Vectors, int Width, WorkSize Group)
{
    /// <summary>Its shape in names of kernels.</summary>
    public string Name => string.Create(CultureInfo.InvariantCulture, $"{Rows}x{Vectors * Width}");

    /// <summary>The block for a device: 4 x 8 a work-item on phones; as many registers as a CPU has.</summary>
    public static ItemBlock Choose(int m, int n, OpenClLimits limits)
    {
        bool isCpu = limits.Family == TileFamily.Items;
        int width = isCpu ? Math.Max(4, limits.VectorWidth) : 4;
        while (width > n) width /= 2;
        int vectors = n > width ? 2 : 1, most = isCpu ? (limits.VectorWidth >= 16 ? 8 : 6) : 4;
        WorkSize group = isCpu || limits.WorkGroup < 64 ? new WorkSize(1) : limits.WorkGroup < 128 ? new WorkSize(8, 8) : new WorkSize(8, 16);
        return new ItemBlock(Math.Min(most, m), vectors, width, group);
    }

    /// <summary>How many blocks a result has.</summary>
    public long Blocks(int m, int n)
    {
        WorkSize items = Items(m, n, 1);
        return items.Count;
    }

    /// <summary>Work-items of so many results.</summary>
    public WorkSize Items(int m, int n, int count) => new((n + (Vectors * Width) - 1) / (Vectors * Width), (m + Rows - 1) / Rows, count);

    /// <summary>The macros of the source, which is for one purpose.</summary>
    public List<(string, string)> Macros(string purpose) => [("MR", Text(Rows)), ("NV", Text(Vectors)), ("VW", Text(Width)), (purpose, "1")];

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
