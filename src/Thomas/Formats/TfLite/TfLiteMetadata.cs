using System;
using System.Collections.Generic;
using System.Text;
using System.Text.Unicode;
using Thomas.Formats.TfLite.Schema;

namespace Thomas.Formats.TfLite;

/// <summary>
/// What a file says about itself: the metadata table of TFLite Support (a FlatBuffer of its own, in a buffer named TFLITE_METADATA), label files in
/// a zip archive appended to the file, and further named buffers, which Thomas uses for key-value pairs.
/// </summary>
internal sealed class TfLiteMetadata
{
    /// <summary>Name of the buffer that holds the metadata table.</summary>
    public const string TableKey = "TFLITE_METADATA";

    /// <summary>Name of the buffer with the oldest runtime that runs the file: says nothing about a file that Thomas writes.</summary>
    public const string RuntimeKey = "min_runtime_version";

    private const int MaxEntries = 1024;
    private const int MaxTextBytes = 1 << 20;
    private const byte NormalizationUnit = 1;
    private const byte AxisLabels = 2, ValueLabels = 3;

    private readonly Dictionary<string, string> _pairs = new(StringComparer.Ordinal);
    private readonly List<string> _notes = [];
    private string? _labelFile;

    private TfLiteMetadata()
    {
    }

    /// <summary>The model's name; empty where the file has none.</summary>
    public string Name { get; private set; } = "";

    public IReadOnlyList<string>? Labels { get; private set; }

    /// <summary>The preprocessing that Thomas wrote.</summary>
    public Preprocessing? Preprocessing { get; private set; }

    /// <summary>The preset that was guessed for the file that Thomas made this one from.</summary>
    public string? Guess { get; private set; }

    /// <summary>The feature vectors that Thomas wrote.</summary>
    public Rehearsal? Rehearsal { get; private set; }

    /// <summary>Mean and standard deviation of the first input by TFLite's metadata.</summary>
    public (ChannelValues Mean, ChannelValues Std)? Normalization { get; private set; }

    /// <summary>Text entries, those of the preprocessing left out.</summary>
    public IReadOnlyDictionary<string, string> Pairs => _pairs;

    public IReadOnlyList<string> Notes => _notes;

    public static TfLiteMetadata Read(FlatFile file, ModelTable model)
    {
        TfLiteMetadata metadata = new();
        metadata.ReadEntries(file, model);
        metadata.ReadPreprocessing();
        metadata.ReadLabels(file);
        if (metadata._pairs.Remove(PreprocessingText.GuessKey, out string? guess)) metadata.Guess = guess;
        if (metadata._pairs.Remove(Rehearsal.Key, out string? vectors))
        {
            metadata.Rehearsal = Rehearsal.Parse(vectors);
            if (metadata.Rehearsal is null) metadata._notes.Add(Rehearsal.Unreadable);
        }

        return metadata;
    }

    private void ReadEntries(FlatFile file, ModelTable model)
    {
        FlatTables entries = model.Metadata, buffers = model.Buffers;
        file.Require(entries.Count <= MaxEntries, new FlatPlace("model"), $"it has {entries.Count} metadata entries; at most {MaxEntries} are read");
        bool hasTable = false;
        for (int i = 0; i < entries.Count; i++)
        {
            FlatTable table = entries[i];
            MetadataTable entry = new(table);
            file.Require(entry.Buffer < (uint)buffers.Count, table.Place, $"refers to buffer {entry.Buffer} of {buffers.Count}");
            ReadOnlyMemory<byte> data = new BufferTable(buffers[(int)entry.Buffer]).Data;
            string name = entry.Name ?? "";
            if (name == TableKey && !hasTable)
            {
                ReadTable(new FlatFile(data, file.Name));
                hasTable = true;
            }
            else if (name is not ("" or TableKey or RuntimeKey)) ReadPair(file, table.Place, name, data.Span);
        }
    }

    private void ReadPair(FlatFile file, FlatPlace place, string name, ReadOnlySpan<byte> text)
    {
        text = text.TrimEnd((byte)0);
        if (text.Length > MaxTextBytes || text.Contains((byte)0) || !Utf8.IsValid(text))
        {
            _notes.Add($"The metadata entry '{name}' is not text and is dropped.");
            return;
        }

        file.ChargeText(text.Length, place);
        _pairs[name] = Encoding.UTF8.GetString(text);
    }

    /// <summary>Field numbers are those of tflite-support's metadata_schema.fbs, version 1.1.0.</summary>
    private void ReadTable(FlatFile file)
    {
        FlatTable model = file.Root(TableKey);
        Name = model.String(0) ?? "";
        ReadOnlySpan<(int Field, string Key)> texts = [(1, "description"), (2, "version"), (4, "author"), (5, "license")];
        foreach ((int field, string key) in texts)
        {
            if (model.String(field) is { Length: > 0 } text) _pairs.TryAdd(key, text);
        }

        FlatTables graphs = model.Tables(3, "graph metadata");
        if (graphs.Count == 0) return;
        FlatTables inputs = graphs[0].Tables(2, "input metadata"), outputs = graphs[0].Tables(3, "output metadata");
        if (inputs.Count > 0) ReadNormalization(inputs[0].Tables(4, "process unit"));
        for (int i = 0; i < Math.Min(outputs.Count, MaxEntries); i++) ReadLabelFile(outputs[i].Tables(6, "associated file"));
    }

    private void ReadNormalization(FlatTables units)
    {
        for (int i = 0; i < Math.Min(units.Count, MaxEntries); i++)
        {
            if (units[i].Byte(0) != NormalizationUnit) continue;
            FlatTable options = units[i].Table(1, new FlatPlace("normalization"));
            ReadOnlySpan<float> mean = options.Floats(0), std = options.Floats(1);
            if (mean.Length is 1 or 3 && std.Length is 1 or 3) Normalization = (Channels(mean), Channels(std));
            else _notes.Add($"The metadata's normalization has {mean.Length} means and {std.Length} deviations and is not used.");
            return;
        }
    }

    private static ChannelValues Channels(ReadOnlySpan<float> values) =>
        values.Length == 1 ? new ChannelValues(values[0]) : new ChannelValues(values[0], values[1], values[2]);

    private void ReadLabelFile(FlatTables files)
    {
        for (int i = 0; i < Math.Min(files.Count, MaxEntries) && _labelFile is null; i++)
        {
            if (files[i].Byte(2) is AxisLabels or ValueLabels) _labelFile = files[i].String(0);
        }
    }

    private void ReadPreprocessing()
    {
        try
        {
            Preprocessing = PreprocessingText.Parse(_pairs);
        }
        catch (FormatException e)
        {
            _notes.Add(e.Message);
            return;
        }

        if (Preprocessing is null) return;
        foreach (KeyValuePair<string, string> pair in PreprocessingText.Format(Preprocessing)) _pairs.Remove(pair.Key);
    }

    private void ReadLabels(FlatFile file)
    {
        if (AppendedZip.ReadText(file.Bytes, _labelFile, out string? problem) is { } text) Labels = SplitLines(text);
        else if (problem is not null) _notes.Add($"The label file inside the model is not used: {problem}");
    }

    private static string[] SplitLines(string text)
    {
        string[] lines = (text.EndsWith('\n') ? text[..^1] : text).Split('\n');
        for (int i = 0; i < lines.Length; i++) lines[i] = lines[i].TrimEnd('\r');
        return lines;
    }
}
