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
    private const int MostRows = 16, MostVectors = 4, LeastPixels = 64, ItemsPerUnit = 8, MostPieceFloats = 16 << 20;

    /// <summary>Its shape in names of kernels.</summary>
    public string Name => string.Create(CultureInfo.InvariantCulture, $"{Rows}x{Vectors * Width}");

    /// <summary>The block for a device: on phones that of the vendor, or 4 x 8 a work-item; as many registers as a CPU has.</summary>
    public static ItemBlock Choose(int m, int n, OpenClLimits limits)
    {
        bool isCpu = limits.Family == TileFamily.Items;
        int width = limits.Vector == 1 ? 1 : isCpu ? Math.Max(4, limits.VectorWidth) : 4;
        while (width > n) width /= 2;
        WorkSize group = isCpu || limits.WorkGroup < 64 ? new WorkSize(1) : limits.WorkGroup < 128 ? new WorkSize(8, 8) : new WorkSize(8, 16);
        int rows = isCpu ? (limits.VectorWidth >= 16 ? 8 : 6) : 4, vectors = 2;
        if (!isCpu && limits.Block is ItemBlock vendors)
        {
            (rows, vectors) = (vendors.Rows, vendors.Vectors);
            if (vendors.Group.Count <= limits.WorkGroup) group = vendors.Group;
        }

        if (limits.Vector == 1) vectors = MostVectors;
        return new ItemBlock(Math.Min(rows, m), Math.Min(vectors, (n + width - 1) / width), width, limits.IsFlat ? new WorkSize((int)group.Count) : group);
    }

    /// <summary>Blocks that are worth a measurement.</summary>
    public static IEnumerable<ItemBlock> All(int m, int n, OpenClLimits limits)
    {
        ItemBlock usual = Choose(m, n, limits);
        foreach (int rows in (int[])[2, 4, 6, 8])
        {
            foreach (int vectors in (int[])[1, 2, 4])
            {
                if (limits.Family == TileFamily.Items)
                {
                    yield return usual with { Rows = Math.Min(rows, m), Vectors = vectors };
                    continue;
                }

                foreach (WorkSize group in (WorkSize[])[new(8, 16), new(16, 8), new(8, 8), new(4, 4)])
                    yield return usual with { Rows = Math.Min(rows, m), Vectors = vectors, Group = limits.IsFlat ? new WorkSize((int)group.Count) : group };
            }
        }
    }

    /// <summary>Whether a device can compute a result by such blocks.</summary>
    public bool Fits(int m, int n, OpenClLimits limits) =>
        IsShape(Rows, Vectors, Width) && Group.Count <= limits.WorkGroup && Rows <= m && n > Width * (Vectors - 1) && n >= Width;

    /// <summary>How many steps another block is away: doublings of rows, vectors, and the group's sides.</summary>
    public double DistanceTo(ItemBlock other) =>
        Doublings(Rows, other.Rows) + Doublings(Vectors, other.Vectors) + Doublings(Group.X, other.Group.X) + Doublings(Group.Y, other.Group.Y);

    /// <summary>Whether there are such blocks.</summary>
    public static bool IsShape(int rows, int vectors, int width) =>
        rows is > 0 and <= MostRows && vectors is > 0 and <= MostVectors && width is 1 or 2 or 4 or 8 or 16;

    /// <summary>Pieces that the sums of a filter's gradient are cut into, so that all units have enough to do; 1 for other products.</summary>
    public int Pieces(Product product, OpenClLimits limits)
    {
        if (!product.IsFilter) return 1;
        bool plain = product.FormB == MatrixForm.Rows;
        long blocks = Blocks(plain ? product.N : product.Window.Channels, product.M) * (plain ? 1L : product.Taps) * product.Count;
        long wanted = ((long)limits.ComputeUnits * ItemsPerUnit * Group.Count) + blocks - 1;
        return (int)Math.Max(1, Math.Min(Math.Min(wanted / blocks, product.K / LeastPixels), MostPieceFloats / Math.Max(1, product.SizeC)));
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

    private static double Doublings(int a, int b) => Math.Abs(Math.Log2((double)a / b));

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
