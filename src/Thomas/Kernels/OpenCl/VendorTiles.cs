using System;
using System.Text.RegularExpressions;

namespace Thomas.Kernels.OpenCl;

/// <summary>Which family of matrix kernels, and which block or tile of it, is fastest on the GPUs of phones, by the measurements that others have published.</summary>
/// <param name="Family">The family.</param>
/// <param name="Block">The block of a work-item, and the work-items of a group; of the family of registers.</param>
/// <param name="Tile">The tile; of the family of local memory.</param>
internal sealed partial record VendorTiles(TileFamily Family, ItemBlock? Block = null, ProductTile? Tile = null)
{
    // 64 x 64 a group of 8 x 16 items.
    private static readonly VendorTiles Usual = Registers(4, 2, 8, 16);

    /// <summary>What suits a device; null for one that is no phone's.</summary>
    /// <param name="vendor">Who made it.</param>
    /// <param name="name">Its name.</param>
    /// <param name="version">Version of OpenCL, as the driver words it; Adreno drivers have the model there.</param>
    /// <param name="units">Its compute units.</param>
    public static VendorTiles? Of(string vendor, string name, string version, int units)
    {
        string text = $"{vendor} {name}";
        if (Has(text, "adreno") || Has(text, "qualcomm"))
        {
            Match model = Adreno().Match($"{name} {version}");
            return model.Success ? model.Groups[1].Value switch
            {
                "710" or "720" or "730" or "740" => Registers(4, 4, 8, 16),
                "825" => Local(32, 64, 32, 4, 4),
                _ => Usual,
            } : Usual;
        }

        if (Has(text, "mali") || Has(text, "immortalis") || Word(text, "arm"))
        {
            if (Has(name, "G610")) return Registers(8, 1, 8, 8);
            if (Has(name, "G615")) return units >= 6 ? Registers(4, 1, 4, 4) : Usual;
            if (Has(name, "G68")) return Registers(4, 2, 8, 8);
            return Has(name, "T628") ? Local(32, 64, 32, 4, 8) : Usual;
        }

        if (Has(text, "powervr") || Has(text, "imagination")) return Registers(8, 2, 8, 8);
        return null;
    }

    private static VendorTiles Registers(int rows, int vectors, int groupN, int groupM) =>
        new(TileFamily.Registers, new ItemBlock(rows, vectors, 4, new WorkSize(groupN, groupM)));

    private static VendorTiles Local(int m, int n, int k, int itemM, int itemN) => new(TileFamily.Local, Tile: ProductTile.Of(m, n, k, itemM, itemN));

    private static bool Has(string text, string part) => text.Contains(part, StringComparison.OrdinalIgnoreCase);

    private static bool Word(string text, string word) => Array.Exists(text.Split(' '), part => part.Equals(word, StringComparison.OrdinalIgnoreCase));

    [GeneratedRegex(@"Adreno\D*(\d{3})", RegexOptions.IgnoreCase)]
    private static partial Regex Adreno();
}
