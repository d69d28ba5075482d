using System;
using System.IO;
using System.Threading;
using Thomas.Formats;
using Thomas.Formats.Onnx;
using Thomas.Formats.TfLite;
using Thomas.Graphs;
using Thomas.Passes;

namespace Thomas;

/// <summary>Reading and writing of model files, whatever the format.</summary>
internal static class ModelFiles
{
    public static Model Load(string path, CancellationToken cancellation = default) => Load(InputFile.Read(path, "model", cancellation: cancellation), path);

    public static Model Load(Stream stream, string name) => Load(InputFile.Read(stream, name, "model"), name);

    public static Model Load(ReadOnlyMemory<byte> file, string name)
    {
        if (file.Length == 0) throw new ModelFormatException(name, "byte 0", "the file is empty");
        try
        {
            Model model = TfLiteReader.Recognizes(file.Span) ? TfLiteReader.Read(file, name) : OnnxReader.Read(file, name);
            Graph graph = ImportPasses.Run(model.Graph);
            ModelLimits.Check(graph, name);
            return new Model(graph, model.Info);
        }
        catch (GraphException e)
        {
            throw new ModelFormatException(name, "graph", e.Message, e);
        }
    }

    public static void Save(Model model, string path)
    {
        ModelFormat format = FormatOf(path);
        AtomicFile.Write(path, stream => Save(model, stream, format));
    }

    public static void Save(Model model, Stream stream, ModelFormat format)
    {
        if (format == ModelFormat.Onnx) OnnxWriter.Write(model, stream);
        else TfLiteWriter.Write(model, stream);
    }

    /// <summary>The format that a path's ending names.</summary>
    public static ModelFormat FormatOf(string path) => Path.GetExtension(path).ToUpperInvariant() switch
    {
        ".ONNX" => ModelFormat.Onnx,
        ".TFLITE" => ModelFormat.TfLite,
        string other => throw new OutputException($"Cannot tell the format of '{path}' from its ending '{other}'; use .tflite or .onnx."),
    };
}
