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
    /// <param name="imageSize">Height and width of the images, for files that leave them open.</param>
    /// <exception cref="ModelFormatException">The bytes are damaged.</exception>
    /// <exception cref="UnsupportedModelException">Operators or uses of them are not supported; all are listed.</exception>
    /// <exception cref="GraphException">The file's operators and tensors do not fit one another.</exception>
    public static Model Read(ReadOnlyMemory<byte> bytes, string name, int? imageSize = null)
    {
        FlatFile file = new(bytes, name);
        FlatTable root = file.Root("model");
        ModelTable tables = new(root);
        file.Require(tables.Version == SchemaVersion, root.Place, $"its schema version is {tables.Version}, expected {SchemaVersion}");
        Graph graph = TfLiteImporter.Import(file, tables, imageSize, out TfLiteImporter importer);
        TfLiteMetadata metadata = TfLiteMetadata.Read(file, tables);
        List<string> notes = [.. metadata.Notes];
        if (importer.HasGrids) notes.Add("8-bit model: computes in integers, as TensorFlow Lite does; what is trained is float32 rounded to the file's grids.");
        else if (importer.HasIntegerWeights) notes.Add("8-bit weights: run dequantized to float32.");
        if (importer.HasHalfWeights) notes.Add("16-bit weights stay 16-bit in memory and in files; all computation is in float32.");
        if (importer.Decisions.Count > 0)
        {
            notes.Add(
                $"The file's output {string.Join(", ", importer.Decisions)} is a decision (the best class or classes); the scores behind it are read "
                + $"instead, '{graph.Outputs[0].Name}'.");
        }

        if (tables.Subgraphs.Count > 1)
        {
            notes.Add(
                $"The file has {tables.Subgraphs.Count} graphs; "
                + $"{(importer.Signature is string signature ? $"that of the signature '{signature}'" : "the first")} is read.");
        }

        if (importer.FileBatch > 1) notes.Add($"The file fixes a batch of {importer.FileBatch}; it is read with a batch of 1.");
        (Preprocessing, string)? evidence = metadata.Preprocessing is null ? InputEvidence.Find(graph, Claims(importer, metadata)) : null;
        ModelInfo info = new()
        {
            Name = string.IsNullOrWhiteSpace(metadata.Name) ? Path.GetFileName(name) : metadata.Name,
            SourceFormat = ModelFormat.TfLite,
            SourceVersion = $"TFLite schema {SchemaVersion}",
            Labels = metadata.Labels,
            Preprocessing = metadata.Preprocessing ?? evidence?.Item1,
            PreprocessingSource = evidence?.Item2 ?? "",
            GuessedPreset = metadata.Guess,
            Rehearsal = metadata.Rehearsal,
            InputLayout = importer.InputLayout,
            BatchIsSymbolic = importer.BatchIsSymbolic,
            IsQuantized = importer.HasGrids || importer.HasIntegerWeights,
            Metadata = metadata.Pairs,
            Notes = notes,
        };
        return new Model(graph, info);
    }

    private static InputClaims Claims(TfLiteImporter importer, TfLiteMetadata metadata)
    {
        InputNumbers numbers = importer.FirstInput.Type switch
        {
            TfLiteType.UINT8 => InputNumbers.UInt8,
            TfLiteType.INT8 => InputNumbers.Int8,
            TfLiteType.INT16 => InputNumbers.Int16,
            _ => InputNumbers.Real,
        };
        return new InputClaims(numbers, numbers == InputNumbers.Real ? null : importer.FirstInput.Quantization, metadata.Normalization);
    }
}
