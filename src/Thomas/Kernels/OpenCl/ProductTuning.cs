using System;
using System.Collections.Generic;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Thomas.Kernels.OpenCl;

/// <summary>
/// What measurements on a device have shown: for shapes of products the way that is fastest, and how much faster than the default it is. As text it is lines of
/// <c>form m n k count choice gain</c> between the device that it is of and a digest of all that; a text of another device, or a damaged one, is not read.
/// </summary>
internal sealed class ProductTuning
{
    /// <summary>A shape further away than this, in doublings of sizes, says nothing about another.</summary>
    public const double NearDistance = 3;

    // What is this much faster at one shape is taken to be faster at a near one.
    private const double GainToTransfer = 1.1;
    private const string Title = "thomas products 1", Default = "default";

    private readonly Dictionary<ProductShape, Entry> _entries = [];

    /// <summary>How many shapes are known.</summary>
    public int Count => _entries.Count;

    /// <summary>Remembers what was measured.</summary>
    /// <param name="shape">The shape.</param>
    /// <param name="choice">What is fastest; null for the default.</param>
    /// <param name="gain">Time of the default by its time; 1 for the default.</param>
    public void Add(ProductShape shape, ProductChoice? choice, double gain) => _entries[shape] = new Entry(choice, choice is null ? 1 : gain);

    /// <summary>Takes over what another record knows and this one does not.</summary>
    public void AddMissing(ProductTuning other)
    {
        foreach ((ProductShape shape, Entry entry) in other._entries) _entries.TryAdd(shape, entry);
    }

    /// <summary>Whether a shape was measured.</summary>
    /// <param name="shape">The shape.</param>
    /// <param name="choice">What is fastest; null for the default.</param>
    public bool TryFind(ProductShape shape, out ProductChoice? choice)
    {
        bool found = _entries.TryGetValue(shape, out Entry entry);
        choice = entry.Choice;
        return found;
    }

    /// <summary>Whether a shape nearby was measured.</summary>
    /// <param name="product">The product.</param>
    /// <param name="limits">Limits of the device.</param>
    /// <param name="within">The largest distance.</param>
    /// <param name="choice">What the nearest one's measurement suggests; null for the default.</param>
    public bool TryFindNear(Product product, OpenClLimits limits, double within, out ProductChoice? choice)
    {
        ProductShape shape = ProductShape.Of(product);
        Entry? nearest = null;
        double least = double.PositiveInfinity;
        string name = "";
        foreach ((ProductShape other, Entry entry) in _entries)
        {
            // Of two that are equally far the choice's name decides, so that the order of the record is of no account.
            double distance = shape.DistanceTo(other);
            if (distance > within || distance > least || (distance == least && string.CompareOrdinal(entry.Name, name) >= 0)) continue;
            (nearest, least, name) = (entry, distance, entry.Name);
        }

        choice = nearest is { Choice: ProductChoice near, Gain: >= GainToTransfer } && near.Serves(product, limits) ? near : null;
        return nearest is not null;
    }

    /// <summary>The record as text.</summary>
    /// <param name="device">Device, driver and sources that it is of.</param>
    public string Write(string device)
    {
        StringBuilder text = new();
        text.Append(Title).Append('\n').Append(OneLine(device)).Append('\n');
        List<string> lines = [];
        foreach ((ProductShape shape, Entry entry) in _entries)
        {
            lines.Add(string.Create(
                CultureInfo.InvariantCulture, $"{shape.Form} {shape.M} {shape.N} {shape.K} {shape.Count} {entry.Choice?.Name ?? Default} {entry.Gain:F3}\n"));
        }

        lines.Sort(StringComparer.Ordinal);
        text.AppendJoin("", lines);
        return text.Append(Digest(text.ToString())).Append('\n').ToString();
    }

    /// <summary>A record from its text; null if it is of another device or damaged.</summary>
    /// <param name="text">What <see cref="Write"/> gave.</param>
    /// <param name="device">Device, driver and sources that it must be of.</param>
    public static ProductTuning? Read(string text, string device)
    {
        string head = $"{Title}\n{OneLine(device)}\n";
        int end = text.LastIndexOf('\n', Math.Max(0, text.Length - 2)) + 1;
        if (!text.StartsWith(head, StringComparison.Ordinal) || end < head.Length || text[end..] != Digest(text[..end]) + '\n') return null;
        ProductTuning tuning = new();
        foreach (string line in text[head.Length..end].Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] words = line.Split(' ');
            int[] sizes = new int[4];
            bool isWhole = words.Length == 7;
            for (int i = 0; isWhole && i < sizes.Length; i++) isWhole = int.TryParse(words[i + 1], NumberStyles.None, CultureInfo.InvariantCulture, out sizes[i]) && sizes[i] > 0;
            if (!isWhole || !double.TryParse(words[6], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double gain)) return null;
            ProductChoice? choice = ProductChoice.Parse(words[5]);
            if (choice is null && words[5] != Default) return null;
            tuning.Add(new ProductShape(words[0], sizes[0], sizes[1], sizes[2], sizes[3]), choice, gain);
        }

        return tuning;
    }

    private static string Digest(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private static string OneLine(string text) => text.ReplaceLineEndings(" ");

    /// <summary>What is known of a shape.</summary>
    /// <param name="Choice">What is fastest; null for the default.</param>
    /// <param name="Gain">Time of the default by its time.</param>
    private readonly record struct Entry(ProductChoice? Choice, double Gain)
    {
        public string Name => Choice?.Name ?? Default;
    }
}
