using System;
using System.Collections.Generic;
using System.Globalization;

namespace Thomas.Kernels.OpenCl;

/// <summary>How a product is computed: a tile in local memory, or blocks of work-items that read global memory; and how many pieces its sums are cut into.</summary>
/// <param name="Tile">The tile in local memory; null for none.</param>
/// <param name="Block">The block of a work-item where there is no tile.</param>
/// <param name="Pieces">Pieces of the sums, which a second launch adds; 1 where one launch does all.</param>
internal sealed record ProductChoice(ProductTile? Tile, ItemBlock Block, int Pieces)
{
    // An estimate beyond so many times the least is not worth a measurement; nor are blocks without a tile on a device that has tiles, but for few rows.
    private const double MostEstimate = 3;
    private const int MostRowsWithoutTile = 64;

    /// <summary>Its shape, as records on disk and names of kernels have it.</summary>
    public string Name => string.Create(
        CultureInfo.InvariantCulture,
        $"{(Tile is ProductTile t ? $"local:{t.M}x{t.N}x{t.K}:{t.ItemM}x{t.ItemN}" : $"items:{Block.Rows}x{Block.Vectors}x{Block.Width}:{Block.Group.X}x{Block.Group.Y}")}:{Pieces}");

    /// <summary>A choice by its name; null if the text is none.</summary>
    public static ProductChoice? Parse(string text)
    {
        string[] parts = text.Split(':');
        if (parts.Length != 4 || NumbersOf(parts[3], 1) is not [int pieces] || NumbersOf(parts[1], 3) is not [int a, int b, int c]) return null;
        if (NumbersOf(parts[2], 2) is not [int x, int y]) return null;
        switch (parts[0])
        {
            case "local":
                return ProductTile.Of(a, b, c, x, y) is ProductTile tile ? new ProductChoice(tile, default, pieces) : null;
            case "items" when ItemBlock.IsShape(a, b, c): return new ProductChoice(null, new ItemBlock(a, b, c, new WorkSize(x, y)), pieces);
            default: return null;
        }
    }

    /// <summary>What is taken where nothing was measured.</summary>
    /// <param name="product">The product.</param>
    /// <param name="limits">Limits of the device.</param>
    public static ProductChoice Default(Product product, OpenClLimits limits)
    {
        if (limits.Family == TileFamily.Local && ProductTile.Choose(product, limits) is (ProductTile tile, int pieces)) return new ProductChoice(tile, default, pieces);
        (int m, int n) = SizeOf(product);
        ItemBlock block = ItemBlock.Choose(m, n, limits);
        return new ProductChoice(null, block, block.Pieces(product, limits));
    }

    /// <summary>What is taken where the default is of no use: another tile, then no tile, then none and whole sums.</summary>
    public static IEnumerable<ProductChoice> Replacements(Product product, OpenClLimits limits)
    {
        ProductChoice usual = Default(product, limits);
        if (usual.Tile is not null)
        {
            ProductTile small = ProductTile.Of(32, 32, 16, 4, 4)!;
            if (small.Fits(product, limits)) yield return new ProductChoice(small, default, 1);
        }

        (int m, int n) = SizeOf(product);
        ItemBlock block = ItemBlock.Choose(m, n, limits with { Block = null });
        yield return new ProductChoice(null, block, block.Pieces(product, limits));
        yield return new ProductChoice(null, new ItemBlock(Math.Min(2, m), 1, 1, new WorkSize(1)), 1);
    }

    /// <summary>All choices that there are for a product on a device, the default first.</summary>
    /// <param name="product">The product.</param>
    /// <param name="limits">Limits of the device.</param>
    public static IReadOnlyList<ProductChoice> All(Product product, OpenClLimits limits)
    {
        ProductChoice first = Default(product, limits);
        List<ProductChoice> all = [first];
        HashSet<ProductChoice> seen = [first];
        if (limits.Family != TileFamily.Items)
        {
            foreach (ProductTile tile in ProductTile.All)
            {
                if (!tile.Fits(product, limits)) continue;
                foreach (int pieces in tile.PiecesOf(product)) Add(new ProductChoice(tile, default, pieces));
            }
        }

        (int m, int n) = SizeOf(product);
        foreach (ItemBlock block in ItemBlock.All(m, n, limits))
        {
            int pieces = block.Pieces(product, limits);
            Add(new ProductChoice(null, block, pieces));
            if (pieces == 1) continue;
            Add(new ProductChoice(null, block, pieces * 2));
            Add(new ProductChoice(null, block, Math.Max(1, pieces / 2)));
        }

        return all;

        void Add(ProductChoice choice)
        {
            if (seen.Add(choice) && choice.Serves(product, limits)) all.Add(choice);
        }
    }

    /// <summary>The choices that are worth a measurement, the default first: those of the least estimates, and neighbors of the default block.</summary>
    /// <param name="product">The product.</param>
    /// <param name="limits">Limits of the device.</param>
    /// <param name="most">How many at most.</param>
    public static IReadOnlyList<ProductChoice> Candidates(Product product, OpenClLimits limits, int most)
    {
        IReadOnlyList<ProductChoice> all = All(product, limits);
        List<(double Cost, ProductChoice Choice)> ranked = [];
        double least = double.PositiveInfinity;
        Dictionary<ProductTile, double> bests = [];
        foreach (ProductChoice choice in all)
        {
            if (choice.Tile is not ProductTile tile) continue;
            double cycles = tile.Cycles(product, choice.Pieces, limits);
            bests[tile] = Math.Min(cycles, bests.GetValueOrDefault(tile, double.PositiveInfinity));
            least = Math.Min(least, cycles);
        }

        foreach (ProductChoice choice in all)
        {
            if (choice == all[0]) continue;
            if (choice.Tile is ProductTile tile)
            {
                // Several numbers of pieces are worth it only for tiles that are good themselves.
                double cycles = tile.Cycles(product, choice.Pieces, limits);
                if (cycles <= MostEstimate * least) ranked.Add((cycles * (cycles > bests[tile] ? 1.25 : 1) / least, choice));
            }
            else if (all[0].Tile is null)
            {
                ranked.Add((choice.Block.DistanceTo(all[0].Block) + (choice.Pieces == all[0].Pieces ? 0 : 0.5), choice));
            }
            else if (choice.Block == ItemBlock.Choose(SizeOf(product).M, SizeOf(product).N, limits) && product.M <= MostRowsWithoutTile)
            {
                ranked.Add((1, choice));
            }
        }

        // Of tiles on a device whose default has none some are tried too, after the nearest blocks.
        ranked.Sort(static (a, b) => a.Cost != b.Cost ? a.Cost.CompareTo(b.Cost) : string.CompareOrdinal(a.Choice.Name, b.Choice.Name));
        List<ProductChoice> chosen = [all[0]];
        for (int i = 0; i < ranked.Count && chosen.Count < most; i++) chosen.Add(ranked[i].Choice);
        return chosen;
    }

    /// <summary>Whether it can compute a product on a device.</summary>
    public bool Serves(Product product, OpenClLimits limits)
    {
        if (Pieces < 1 || (Pieces > 1 && Pieces > product.K) || !ProductTile.HasRoom(product, Pieces)) return false;
        if (Tile is not null) return Tile.Fits(product, limits);
        (int m, int n) = SizeOf(product);
        return Block.Fits(m, n, limits) && (Pieces == 1 || product.IsFilter);
    }

    /// <summary>Rows and columns of the result as blocks of items see it.</summary>
    private static (int M, int N) SizeOf(Product product) =>
        !product.IsFilter ? (product.M, product.N) : (product.FormB == MatrixForm.Rows ? product.N : product.Window.Channels, product.M);

    /// <summary>So many positive numbers with x between them; null for anything else.</summary>
    private static int[]? NumbersOf(string text, int count)
    {
        const int Most = 1 << 16;
        string[] parts = text.Split('x');
        if (parts.Length != count) return null;
        int[] numbers = new int[count];
        for (int i = 0; i < count; i++)
        {
            if (!int.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out numbers[i]) || numbers[i] is < 1 or > Most) return null;
        }

        return numbers;
    }
}
