using System;
using System.Collections.Generic;
using System.IO;

namespace Thomas.Data;

/// <summary>
/// A data set as a text file of lines <c>path,label</c> or <c>path,label,split</c>. Paths are relative to the manifest's folder. Fields may be in double
/// quotes, a double quote inside is doubled (RFC 4180). A first line <c>path,label</c> or <c>path,label,split</c> is a header. Blank lines are passed over. A
/// split is train, val, validation or test, and if one line has one, all must.
/// </summary>
internal static class CsvManifest
{
    /// <summary>Reads a manifest. Nothing is decoded yet.</summary>
    /// <param name="path">The manifest.</param>
    /// <returns>The data set; classes are in ordinal order of their names, samples in the order of the lines.</returns>
    /// <exception cref="DataException">The manifest is missing, unreadable or empty, or a line is wrong; the message gives its number.</exception>
    public static Dataset Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string text;
        try
        {
            text = InputFile.ReadText(path, InputFile.ManifestBytes);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"The manifest '{path}' cannot be read: {error.Message}", error);
        }

        string folder = Path.GetDirectoryName(Path.GetFullPath(path)) ?? "";
        List<Entry> entries = ReadEntries(path, text, folder);
        if (entries.Count == 0)
        {
            throw new DataException($"The manifest '{path}' lists no images; write one line path,label per image.");
        }

        SortedSet<string> labels = new(StringComparer.Ordinal);
        foreach (Entry entry in entries)
        {
            labels.Add(entry.Label);
        }

        List<string> classNames = [.. labels];
        List<Sample> samples = new(entries.Count);
        foreach (Entry entry in entries)
        {
            samples.Add(new Sample(ImageSource.FromFile(entry.Path), classNames.BinarySearch(entry.Label, StringComparer.Ordinal), entry.Subset));
        }

        return new Dataset(path, classNames, samples);
    }

    private readonly record struct Entry(string Path, string Label, Subset Subset);

    private static List<Entry> ReadEntries(string manifest, string text, string folder)
    {
        List<Entry> entries = [];
        CsvReader reader = new(manifest, text);
        List<string> fields = [];
        bool first = true;
        while (reader.ReadRecord(fields))
        {
            bool isHeader = first && IsHeader(fields);
            first = false;
            if (isHeader)
            {
                continue;
            }

            Entry entry = ParseEntry(manifest, reader.RecordLine, fields, folder);
            if (entries.Count > 0 && (entries[0].Subset == Subset.Unassigned) != (entry.Subset == Subset.Unassigned))
            {
                throw Wrong(manifest, reader.RecordLine, "some lines name a split and some do not; name it on all lines or on none");
            }

            entries.Add(entry);
        }

        return entries;
    }

    private static bool IsHeader(List<string> fields) =>
        fields.Count is 2 or 3 && fields[0].Equals("path", StringComparison.OrdinalIgnoreCase)
        && fields[1].Equals("label", StringComparison.OrdinalIgnoreCase) &&
        (fields.Count == 2 || fields[2].Equals("split", StringComparison.OrdinalIgnoreCase));

    private static Entry ParseEntry(string manifest, int line, List<string> fields, string folder)
    {
        if (fields.Count is not (2 or 3))
        {
            throw Wrong(manifest, line, $"found {fields.Count} field(s), expected path,label or path,label,split; put fields with commas in double quotes");
        }

        if (string.IsNullOrWhiteSpace(fields[0]) || string.IsNullOrWhiteSpace(fields[1]))
        {
            throw Wrong(manifest, line, string.IsNullOrWhiteSpace(fields[0]) ? "the path is empty" : "the label is empty");
        }

        Subset subset = Subset.Unassigned;
        if (fields.Count == 3 && fields[2].Length > 0)
        {
            subset = SubsetNames.Parse(fields[2]) ?? throw Wrong(manifest, line, $"the split is '{fields[2]}', expected train, val or test");
        }

        string path = Path.Combine(folder, fields[0]);
        if (!File.Exists(path))
        {
            throw Wrong(manifest, line, $"the image '{fields[0]}' does not exist (paths are relative to the manifest)");
        }

        return new Entry(path, fields[1], subset);
    }

    private static DataException Wrong(string manifest, int line, string problem) => new($"{manifest}, line {line}: {problem}.");
}
