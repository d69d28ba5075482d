using System;
using System.Collections.Generic;
using System.Globalization;

namespace Thomas.Data;

/// <summary>Which fields of a manifest's lines are the path, the label and the split.</summary>
/// <param name="Path">Number of the field with the path.</param>
/// <param name="Label">Number of the field with the label.</param>
/// <param name="Split">Number of the field with the split; -1 for none.</param>
/// <param name="IsNamed">Whether a first line names them, so that lines may have more fields.</param>
internal sealed record ManifestColumns(int Path, int Label, int Split, bool IsNamed)
{
    private static readonly HashSet<string> PathWords = new(StringComparer.Ordinal)
    {
        "path", "file", "filename", "filepath", "image", "imagepath", "imagename", "imagefile", "img", "imgpath", "imgname", "imagefilename",
    };

    private static readonly HashSet<string> LabelWords = new(StringComparer.Ordinal)
    {
        "label", "labels", "labelname", "class", "classname", "classlabel", "category", "categoryname", "target",
    };

    private static readonly HashSet<string> SplitWords = new(StringComparer.Ordinal)
    {
        "split", "set", "subset", "part", "partition", "fold", "usage", "mluse", "dataset",
    };

    /// <summary>The columns that a first line names; null if it names no path or no label.</summary>
    public static ManifestColumns? OfHeader(List<string> fields)
    {
        int path = Find(fields, PathWords), label = Find(fields, LabelWords);
        return path < 0 || label < 0 ? null : new ManifestColumns(path, label, Find(fields, SplitWords), IsNamed: true);
    }

    /// <summary>The columns by what stands in them: the path is an image, the split is always a word for one, an index is always a number.</summary>
    /// <param name="records">Fields of the lines; at least one.</param>
    /// <param name="isImage">Whether a field names an image.</param>
    /// <returns>The columns; null if that cannot be told.</returns>
    public static ManifestColumns? OfContents(IReadOnlyList<List<string>> records, Func<string, bool> isImage)
    {
        List<string> first = records[0];
        int path = Math.Max(0, first.FindIndex(field => isImage(field)));
        List<int> others = [];
        for (int i = 0; i < first.Count; i++)
        {
            if (i != path) others.Add(i);
        }

        int split = others.Count < 2 ? -1 : others.FindLastIndex(i => All(records, i, IsSplit));
        if (split >= 0)
        {
            split = others[split];
            others.Remove(split);
        }

        if (others is [int index, _] && index == 0 && All(records, index, IsNumber)) others.Remove(index);

        // As it is documented; what is wrong with a line is then said of that line.
        if (others is [1, 2] && path == 0) return new ManifestColumns(0, 1, 2, IsNamed: false);
        return others is [int label] ? new ManifestColumns(path, label, split, IsNamed: false) : null;
    }

    /// <summary>The part of the set that a field names: none where it is empty. Null where it is no word for one.</summary>
    public static Subset? SplitOf(string field) =>
        field.Length == 0 || field.Equals("unassigned", StringComparison.OrdinalIgnoreCase) ? Subset.Unassigned : SubsetNames.Parse(field);

    private static int Find(List<string> fields, HashSet<string> words) => fields.FindIndex(field => words.Contains(Plain(field)));

    private static string Plain(string field)
    {
        string plain = field.ToLowerInvariant();
        foreach (string separator in (ReadOnlySpan<string>)[" ", "_", "-", "."]) plain = plain.Replace(separator, "", StringComparison.Ordinal);
        return plain;
    }

    private static bool All(IReadOnlyList<List<string>> records, int column, Predicate<string> holds)
    {
        foreach (List<string> fields in records)
        {
            if (column >= fields.Count || !holds(fields[column])) return false;
        }

        return true;
    }

    private static bool IsSplit(string field) => field.Length > 0 && SplitOf(field) is not null;

    private static bool IsNumber(string field) => long.TryParse(field, NumberStyles.None, CultureInfo.InvariantCulture, out _);
}
