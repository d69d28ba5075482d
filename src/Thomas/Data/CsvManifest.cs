using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;

namespace Thomas.Data;

/// <summary>
/// A data set as a text file of lines <c>path,label</c> or <c>path,label,split</c>, or with a first line that names these columns, in any order and among
/// others. Between fields are commas, semicolons, tabs or bars. Paths are relative to the manifest's folder, with / or \. Fields may be in double quotes, a
/// double quote inside is doubled (RFC 4180). Blank lines, and lines that begin with #, are passed over. A split is train, val or test, or another word of
/// <see cref="SubsetNames"/>; if one line has one, all must.
/// </summary>
internal static class CsvManifest
{
    private const int Shown = 10;

    /// <summary>Reads a manifest. Nothing is decoded yet.</summary>
    /// <param name="path">The manifest.</param>
    /// <param name="skipMissing">Whether images that do not exist are passed over with a note, if there are others.</param>
    /// <returns>The data set; classes are in ordinal order of their names, samples in the order of the lines.</returns>
    /// <exception cref="DataException">The manifest is missing, unreadable or empty, or a line is wrong; the message gives its number.</exception>
    public static Dataset Load(string path, bool skipMissing = false)
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
        List<Record> records = ReadRecords(path, text, SeparatorOf(path, text, folder), folder);
        ManifestColumns? named = records.Count == 0 ? null : ManifestColumns.OfHeader(records[0].Fields);
        if (named is not null) records.RemoveAt(0);
        if (records.Count == 0) throw new DataException($"The manifest '{path}' lists no images; write one line path,label per image.");
        List<string> notes = [];
        List<Entry> entries = ReadEntries(path, records, named ?? ColumnsOf(path, records, folder), folder);
        entries = PassOverMissing(path, entries, skipMissing, notes);
        NoteRepetitions(entries, notes);
        entries = MatchParts(entries, notes);

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

        return new Dataset(path, classNames, samples) { Notes = notes };
    }

    private readonly record struct Record(int Line, List<string> Fields);

    private readonly record struct Entry(int Line, string Name, string Path, string Label, Subset Subset);

    /// <summary>Matches the parts by the names of their classes, as those of a folder are: what is not learned is not checked either.</summary>
    private static List<Entry> MatchParts(List<Entry> entries, List<string> notes)
    {
        SortedSet<string> learned = new(StringComparer.Ordinal);
        bool hasTrain = false;
        foreach (Entry entry in entries)
        {
            hasTrain |= entry.Subset == Subset.Train;
            if (entry.Subset is Subset.Train or Subset.Unassigned) learned.Add(entry.Label);
        }

        if (!hasTrain) return entries;
        foreach ((Subset part, string name) in ((Subset, string)[])[(Subset.Validation, "val"), (Subset.Test, "test")])
        {
            SortedSet<string> checkedToo = new(StringComparer.Ordinal), extra = new(StringComparer.Ordinal);
            foreach (Entry entry in entries)
            {
                if (entry.Subset == part) (learned.Contains(entry.Label) ? checkedToo : extra).Add(entry.Label);
            }

            // A part of which nothing is left is a mistake of another kind, which training tells of.
            if (extra.Count == 0 || checkedToo.Count == 0) continue;
            notes.Add($"'{name}' has images of {Dataset.Quote([.. extra])}, which 'train' does not have; they are passed over");
            entries = entries.FindAll(entry => entry.Subset != part || learned.Contains(entry.Label));
        }

        return entries;
    }

    /// <summary>The character with which the first line names columns or an image.</summary>
    private static char SeparatorOf(string manifest, string text, string folder)
    {
        foreach (char separator in (ReadOnlySpan<char>)[',', ';', '\t', '|'])
        {
            // What is wrong in later lines is said when they are read.
            CsvReader reader = new(manifest, text, separator);
            List<string> fields = [];
            while (TryRead(reader, fields))
            {
                if (fields.TrueForAll(static field => field.Length == 0) || IsComment(fields, folder)) continue;
                if (fields.Count > 1 && (ManifestColumns.OfHeader(fields) is not null || fields.Exists(field => IsImage(field, folder)))) return separator;
                break;
            }
        }

        return ',';
    }

    private static bool TryRead(CsvReader reader, List<string> fields)
    {
        try
        {
            return reader.ReadRecord(fields);
        }
        catch (DataException)
        {
            return false;
        }
    }

    private static List<Record> ReadRecords(string manifest, string text, char separator, string folder)
    {
        List<Record> records = [];
        CsvReader reader = new(manifest, text, separator);
        List<string> fields = [];
        while (reader.ReadRecord(fields))
        {
            // Spreadsheets leave lines of empty fields at the end.
            if (fields.TrueForAll(static field => field.Length == 0) || IsComment(fields, folder)) continue;
            records.Add(new Record(reader.RecordLine, [.. fields]));
        }

        return records;
    }

    private static bool IsComment(List<string> fields, string folder) => fields[0].StartsWith('#') && !File.Exists(Resolve(folder, fields[0]));

    private static bool IsImage(string field, string folder) =>
        !string.IsNullOrWhiteSpace(field) && (ImageFolder.IsImage(field) || File.Exists(Resolve(folder, field)));

    private static ManifestColumns ColumnsOf(string manifest, List<Record> records, string folder)
    {
        List<List<string>> fields = records.ConvertAll(static record => record.Fields);
        int line = records[0].Line, count = fields[0].Count;
        bool hasImage = fields[0].Exists(field => IsImage(field, folder));
        if (!hasImage && fields.Count > 1 && fields[1].Exists(field => IsImage(field, folder)))
        {
            throw Wrong(manifest, line, $"the columns {Dataset.Quote(fields[0])} are not known; name them path, label and, if there is one, split");
        }

        return ManifestColumns.OfContents(fields, field => IsImage(field, folder)) ?? throw WrongCount(manifest, line, count);
    }

    private static List<Entry> ReadEntries(string manifest, List<Record> records, ManifestColumns columns, string folder)
    {
        List<Entry> entries = [];
        foreach ((int line, List<string> fields) in records)
        {
            Entry entry = ParseEntry(manifest, line, fields, columns, folder);
            if (entries.Count > 0 && (entries[0].Subset == Subset.Unassigned) != (entry.Subset == Subset.Unassigned))
            {
                throw Wrong(manifest, line, "some lines name a split and some do not; name it on all lines or on none");
            }

            entries.Add(entry);
        }

        return entries;
    }

    private static Entry ParseEntry(string manifest, int line, List<string> fields, ManifestColumns columns, string folder)
    {
        // Without a first line that names the columns, there are those that are read and no others; of the documented three the last may be missing.
        bool isDocumented = !columns.IsNamed && columns is { Path: 0, Label: 1 };
        int split = isDocumented ? 2 : columns.Split, last = Math.Max(columns.Path, columns.Label);
        if (fields.Count <= last || (!columns.IsNamed && fields.Count > Math.Max(last, split) + 1)) throw WrongCount(manifest, line, fields.Count);
        string name = fields[columns.Path], label = fields[columns.Label];
        if (string.IsNullOrWhiteSpace(name) || string.IsNullOrWhiteSpace(label))
        {
            throw Wrong(manifest, line, string.IsNullOrWhiteSpace(name) ? "the path is empty" : "the label is empty");
        }

        Subset subset = Subset.Unassigned;
        if (split >= 0 && split < fields.Count)
        {
            subset = ManifestColumns.SplitOf(fields[split]) ?? throw Wrong(manifest, line, $"the split is '{fields[split]}', expected train, val or test");
        }

        return new Entry(line, name, Resolve(folder, name), label, subset);
    }

    /// <summary>The file that a manifest means; one written on Windows has other separators.</summary>
    private static string Resolve(string folder, string name)
    {
        string path = Path.Combine(folder, name);
        return name.Contains('\\', StringComparison.Ordinal) && !File.Exists(path) ? Path.Combine(folder, name.Replace('\\', '/')) : path;
    }

    private static List<Entry> PassOverMissing(string manifest, List<Entry> entries, bool skips, List<string> notes)
    {
        List<Entry> missing = entries.FindAll(static entry => !File.Exists(entry.Path));
        if (missing.Count == 0) return entries;
        if (missing.Count == 1 && !skips)
        {
            throw Wrong(
                manifest, missing[0].Line,
                $"the image '{missing[0].Name}' does not exist (paths are relative to the manifest; --skip-missing passes over it)");
        }

        List<string> named = missing[..Math.Min(Shown, missing.Count)].ConvertAll(
            static entry => string.Create(CultureInfo.InvariantCulture, $"'{entry.Name}' (line {entry.Line})"));
        string more = missing.Count > Shown ? string.Create(CultureInfo.InvariantCulture, $" and {missing.Count - Shown} more") : "";
        string list = string.Create(
            CultureInfo.InvariantCulture, $"{missing.Count} of {entries.Count} images do not exist: {string.Join(", ", named)}{more}");
        if (!skips || missing.Count == entries.Count)
        {
            throw new DataException($"{manifest}: {list}. Paths are relative to the manifest; --skip-missing passes over images that do not exist.");
        }

        notes.Add($"{list}; they are passed over");
        return entries.FindAll(static entry => File.Exists(entry.Path));
    }

    /// <summary>Says which images stand there more than once: with two labels, or in two parts.</summary>
    private static void NoteRepetitions(List<Entry> entries, List<string> notes)
    {
        Dictionary<string, Entry> seen = new(StringComparer.Ordinal);
        List<string> labels = [], parts = [], twice = [];
        foreach (Entry entry in entries)
        {
            if (seen.TryAdd(Path.GetFullPath(entry.Path), entry)) continue;
            Entry first = seen[Path.GetFullPath(entry.Path)];
            string lines = string.Create(CultureInfo.InvariantCulture, $"'{entry.Name}' (lines {first.Line} and {entry.Line})");
            (first.Label != entry.Label ? labels : first.Subset != entry.Subset ? parts : twice).Add(lines);
        }

        Note(labels, "under two labels, which a model can only learn one of");
        Note(parts, "in two parts of the set, so that what is measured is partly what was learnt");
        Note(twice, "twice");

        void Note(List<string> lines, string how)
        {
            if (lines.Count == 0) return;
            string more = lines.Count > Shown ? string.Create(CultureInfo.InvariantCulture, $" and {lines.Count - Shown} more") : "";
            notes.Add($"listed {how}: {string.Join(", ", lines[..Math.Min(Shown, lines.Count)])}{more}");
        }
    }

    private static DataException WrongCount(string manifest, int line, int count) => Wrong(
        manifest, line,
        $"found {count} field(s), expected path,label or path,label,split, or a first line that names the columns; put fields with commas in double quotes");

    private static DataException Wrong(string manifest, int line, string problem) => new($"{manifest}, line {line}: {problem}.");
}
