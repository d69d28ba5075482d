using System;
using System.Collections.Generic;
using System.IO;
using Thomas.Formats.TfLite.Schema;
using Thomas.Graphs;

namespace Thomas.Formats.TfLite;

/// <summary>Reads TensorFlow Lite (LiteRT) models: schema version 3, one graph.</summary>
internal static class TfLiteReader
{
    private const int SchemaVersion = 3;

    /// <summary>Whether the bytes carry the format's identifier.</summary>
    public static bool Recognizes(ReadOnlySpan<byte> file) => file.Length >= 8 && file.Slice(4, 4).SequenceEqual("TFL3"u8);

    /// <summary>Reads a model; constants borrow their bytes from the file where they are float32.</summary>
    /// <param name="bytes">The file.</param>
    /// <param name="name">Its name in messages.</param>
    /// <param name="pictureSize">Height and width of the pictures, for files that leave them open.</param>
    /// <exception cref="ModelFormatException">The bytes are damaged.</exception>
    /// <exception cref="UnsupportedModelException">Operators or uses of them are not supported; all are listed.</exception>
    /// <exception cref="GraphException">The file's operators and tensors do not fit one another.</exception>
    public static Model Read(ReadOnlyMemory<byte> bytes, string name, int? pictureSize = null)
    {
        FlatFile file = new(bytes, name);
        FlatTable root = file.Root("model");
        ModelTable tables = new(root);
        file.Require(tables.Version == SchemaVersion, root.Place, $"its schema version is {tables.Version}, expected {SchemaVersion}");
        Graph graph = TfLiteImporter.Import(file, tables, pictureSize, out TfLiteImporter importer);
        TfLiteMetadata metadata = TfLiteMetadata.Read(file, tables);
        List<string> notes = [.. metadata.Notes];
        if (importer.HasGrids) notes.Add("8-bit model: runs dequantized to float32, rounded to the file's grids after each operator.");
        else if (importer.HasIntegerWeights) notes.Add("8-bit weights: run dequantized to float32.");
        if (importer.HasHalfWeights) notes.Add("16-bit weights are widened to float32.");
        if (importer.FileBatch > 1) notes.Add($"The file fixes a batch of {importer.FileBatch}; it is read as 1.");
        Preprocessing? preprocessing = PreprocessingOf(importer, graph, metadata, notes);
        ModelInfo info = new()
        {
            Name = string.IsNullOrWhiteSpace(metadata.Name) ? Path.GetFileName(name) : metadata.Name,
            SourceFormat = ModelFormat.TfLite,
            SourceVersion = $"TFLite schema {SchemaVersion}",
            Labels = metadata.Labels,
            Preprocessing = preprocessing,
            InputLayout = importer.InputLayout,
            BatchIsSymbolic = importer.BatchIsSymbolic,
            IsQuantized = importer.HasGrids || importer.HasIntegerWeights,
            Metadata = metadata.Pairs,
            Notes = notes,
        };
        return new Model(graph, info);
    }

    /// <summary>
    /// From Thomas' own pairs; else, for an unsigned 8-bit input, from its scale, as TFLite's task library feeds raw bytes to such inputs whatever the
    /// metadata says; else from TFLite metadata.
    /// </summary>
    private static Preprocessing? PreprocessingOf(TfLiteImporter importer, Graph graph, TfLiteMetadata metadata, List<string> notes)
    {
        if (metadata.Preprocessing is not null) return metadata.Preprocessing;
        Shape input = graph.Inputs[0].Shape;
        if (input.Rank != 4 || input[3] is not (1 or 3)) return null;
        Preprocessing plain = new() { Width = input[2], Height = input[1], ColorOrder = input[3] == 1 ? ColorOrder.Gray : ColorOrder.Rgb };
        Preprocessing? found = null;
        if (importer.FirstInput is { Type: TfLiteType.UINT8 } tensor)
        {
            Quantization? grid = tensor.Quantization;
            found = plain with { Mean = new ChannelValues(grid?.ZeroPoints[0] ?? 0), Std = new ChannelValues(grid is null ? 1 : 1 / grid.Scales[0]) };
            notes.Add("The input is 8-bit: raw picture bytes are its values, and the normalization follows from its scale and zero point.");
        }
        else if (metadata.Normalization is var (mean, std))
        {
            found = plain with { Mean = mean, Std = std };
            notes.Add("The normalization of pictures is the one in the file's metadata.");
        }

        try
        {
            found?.Check();
            return found;
        }
        catch (ArgumentException e)
        {
            notes.Add($"The file's normalization of pictures is not used: {e.Message}");
            return null;
        }
    }
}
