using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using Google.Protobuf;
using Thomas.Formats.Onnx.Proto;
using Thomas.Graphs;

namespace Thomas.Formats.Onnx;

/// <summary>Reads ONNX models of operator sets 7 to 21.</summary>
internal static class OnnxReader
{
    private const int OldestOpset = 7;
    private const int NewestOpset = 21;

    /// <summary>Messages nest four deep in a model without control flow; the limit only has to stop hostile files.</summary>
    private const int RecursionLimit = 32;

    /// <summary>Parses the file and imports its graph.</summary>
    /// <exception cref="ModelFormatException">The file is damaged.</exception>
    /// <exception cref="UnsupportedModelException">The file uses what is not supported; everything is listed.</exception>
    public static Model Read(ReadOnlyMemory<byte> file, string name)
    {
        ModelProto proto = Parse(file, name);
        if (proto.Graph is null || proto.OpsetImport.Count == 0)
            throw new ModelFormatException(name, "model", "this is no ONNX model: it has no graph or names no operator set");
        int opset = Opset(proto, name);
        OnnxMetadata metadata = OnnxMetadata.Read(proto.MetadataProps, name);
        OnnxImporter importer = new(proto.Graph, opset, name, file.Length, metadata.Layout);
        Graph graph = importer.Import();
        List<string> notes = importer.Notes;
        Preprocessing? preprocessing = metadata.Preprocessing ?? importer.ImpliedPreprocessing(notes);
        ModelInfo info = new()
        {
            Name = proto.Graph.Name.Length > 0 ? proto.Graph.Name : Path.GetFileNameWithoutExtension(name),
            SourceFormat = ModelFormat.Onnx,
            SourceVersion = string.Create(CultureInfo.InvariantCulture, $"ONNX opset {opset}, IR {proto.IrVersion}"),
            Labels = metadata.Labels,
            Preprocessing = preprocessing,
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
            throw new ModelFormatException(name, place, $"this is no ONNX model, or it is damaged: {e.Message}", e);
        }
    }

    private static int Opset(ModelProto proto, string name)
    {
        foreach (OperatorSetIdProto import in proto.OpsetImport)
        {
            if (import.Domain is not ("" or "ai.onnx")) continue;
            if (import.Version is >= OldestOpset and <= NewestOpset) return (int)import.Version;
            throw new UnsupportedModelException(name, [$"ONNX operator set {import.Version} ({OldestOpset} to {NewestOpset} are read)"]);
        }

        throw new ModelFormatException(name, "opset_import", "the standard operator set is not named");
    }
}
