using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using Google.Protobuf;
using Thomas.Formats.Onnx.Proto;
using Thomas.Graphs;

namespace Thomas.Formats.Onnx;

/// <summary>Reads ONNX models of every published operator set and IR version.</summary>
internal static class OnnxReader
{
    /// <summary>Messages nest four deep in a model without control flow; the limit only has to stop hostile files.</summary>
    private const int RecursionLimit = 32;

    /// <summary>Parses the file and imports its graph.</summary>
    /// <exception cref="ModelFormatException">The file is damaged.</exception>
    /// <exception cref="UnsupportedModelException">The file uses what is not supported; everything is listed.</exception>
    /// <param name="file">The file's bytes.</param>
    /// <param name="name">Its name in messages.</param>
    /// <param name="imageSize">Height and width of the images, for files that leave them open.</param>
    /// <param name="folder">Where files with more weights are; null where the model came without a place.</param>
    public static Model Read(ReadOnlyMemory<byte> file, string name, int? imageSize = null, string? folder = null)
    {
        ModelProto proto = Parse(file, name);
        // IR versions 1 and 2 name no operator set and mean the first.
        if (proto.Graph is null || (proto.OpsetImport.Count == 0 && proto.IrVersion is not (1 or 2)))
        {
            throw new ModelFormatException(name, "model", "this is not an ONNX model: it has no graph or names no operator set");
        }

        int opset = Opset(proto, name);
        OnnxMetadata metadata = OnnxMetadata.Read(proto.MetadataProps, name);
        OnnxImporter importer = new(proto.Graph, opset, name, file.Length, metadata.Layout, OpenSize(metadata, imageSize), new ExternalData(name, folder));
        importer.AddFunctions(proto.Functions);
        Graph graph = importer.Import();
        List<string> notes = importer.Notes;
        if (metadata.HasUnreadableRehearsal) notes.Add(Rehearsal.Unreadable);
        if (opset > OnnxOperatorSets.Newest)
        {
            notes.Add(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"The file's operator set {opset} is newer than {OnnxOperatorSets.Newest}, the newest known to this version; its operators are read "
                    + $"as defined in {OnnxOperatorSets.Newest}."));
        }

        (Preprocessing, string)? evidence = metadata.Preprocessing is null ? InputEvidence.Find(graph, importer.InputClaims with
        {
            Metadata = metadata.Normalization,
            Order = metadata.Order,
        }) : null;
        ModelInfo info = new()
        {
            Name = proto.Graph.Name.Length > 0 ? proto.Graph.Name : Path.GetFileNameWithoutExtension(name),
            SourceFormat = ModelFormat.Onnx,
            SourceVersion = string.Create(CultureInfo.InvariantCulture, $"ONNX opset {opset}, IR {proto.IrVersion}"),
            Labels = metadata.Labels,
            Preprocessing = metadata.Preprocessing ?? evidence?.Item1,
            PreprocessingSource = evidence?.Item2 ?? "",
            GuessedPreset = metadata.Guess,
            Rehearsal = metadata.Rehearsal,
            InputLayout = importer.InputLayout,
            BatchIsSymbolic = importer.BatchIsSymbolic,
            IsQuantized = importer.IsQuantized,
            Metadata = metadata.Others,
            Notes = notes,
        };
        return new Model(graph, info);
    }

    private static ModelProto Parse(ReadOnlyMemory<byte> file, string name)
    {
        // The array-backed stream knows its end, so that a false length is found before anything is allocated for it.
        using MemoryStream stream = System.Runtime.InteropServices.MemoryMarshal.TryGetArray(file, out ArraySegment<byte> segment)
            ? new MemoryStream(segment.Array!, segment.Offset, segment.Count, writable: false)
            : new MemoryStream(file.ToArray(), writable: false);
        using CodedInputStream input = CodedInputStream.CreateWithLimits(stream, int.MaxValue, RecursionLimit);
        try
        {
            return ModelProto.Parser.ParseFrom(input);
        }
        catch (Exception e) when (e is InvalidProtocolBufferException or IOException)
        {
            string place = string.Create(CultureInfo.InvariantCulture, $"near byte {input.Position} of {file.Length}");
            throw new ModelFormatException(name, place, $"this is not an ONNX model, or it is damaged: {e.Message}", e);
        }
    }

    /// <summary>Height and width where the file leaves them open: as asked for, else those that its preprocessing makes.</summary>
    private static (int Height, int Width)? OpenSize(OnnxMetadata metadata, int? asked) =>
        asked is int size ? (size, size) : metadata.Preprocessing is Preprocessing known ? (known.Height, known.Width) : null;

    private static int Opset(ModelProto proto, string name)
    {
        if (proto.OpsetImport.Count == 0) return 1;
        foreach (OperatorSetIdProto import in proto.OpsetImport)
        {
            if (import.Domain is not ("" or "ai.onnx")) continue;
            return import.Version is >= 1 and <= OnnxOperatorSets.Largest
                ? (int)import.Version
                : throw new ModelFormatException(name, "opset_import", $"operator set {import.Version} does not exist");
        }

        throw new ModelFormatException(name, "opset_import", "the standard operator set is not named");
    }
}
