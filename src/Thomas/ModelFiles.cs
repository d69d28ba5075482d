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
    public static Model Load(string path, ModelLoadOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= new ModelLoadOptions();
        return Load(InputFile.Read(path, "model", cancellation: cancellation), path, options with { DataFolder = options.DataFolder ?? FolderOf(path) });
    }

    public static Model Load(Stream stream, string name, ModelLoadOptions? options = null) => Load(InputFile.Read(stream, name, "model"), name, options);

    public static Model Load(ReadOnlyMemory<byte> file, string name, ModelLoadOptions? options = null)
    {
        if (options?.PictureSize is int size) ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size, nameof(options));
        if (file.Length == 0) throw new ModelFormatException(name, "byte 0", "the file is empty");
        try
        {
            Model model = TfLiteReader.Recognizes(file.Span) ? TfLiteReader.Read(file, name, options?.PictureSize) : OnnxReader.Read(file, name, options?.PictureSize, options?.DataFolder);
            Graph graph = ImportPasses.Run(ForSingleImages(model, name));
            ModelLimits.Check(graph, name);
            model = new Model(graph, model.Info);
            return options?.PictureSize is int wanted && HasOtherSize(graph, wanted) ? model.WithPictureSize(wanted, wanted) : model;
        }
        catch (GraphException e)
        {
            throw new ModelFormatException(name, "graph", e.Message, e);
        }
    }

    private static Graph ForSingleImages(Model model, string name)
    {
        try
        {
            return Rebatch.FromFile(model.Graph, model.Info.BatchIsSymbolic);
        }
        catch (GraphException e)
        {
            throw new UnsupportedModelException(name, [e.Message]);
        }
    }

    private static bool HasOtherSize(Graph graph, int size) => graph.Inputs[0].Shape is var shape && (shape.Rank != 4 || shape[1] != size || shape[2] != size);

    private static string FolderOf(string path) => Path.GetDirectoryName(path) is string { Length: > 0 } folder ? folder : ".";

    public static void Save(Model model, string path, SaveOptions options)
    {
        ModelFormat format = FormatOf(path);
        AtomicFile.Write(path, stream => Save(model, stream, format, options));
    }

    public static void Save(Model model, Stream stream, ModelFormat format, SaveOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        Model written = WrittenBatch.Apply(model, format, options);
        if (format == ModelFormat.Onnx) OnnxWriter.Write(written, stream);
        else TfLiteWriter.Write(written, stream);
    }

    /// <summary>The format that a path's ending names.</summary>
    public static ModelFormat FormatOf(string path) => Path.GetExtension(path).ToUpperInvariant() switch
    {
        ".ONNX" => ModelFormat.Onnx,
        ".TFLITE" => ModelFormat.TfLite,
        string other => throw new OutputException($"Cannot tell the format of '{path}' from its ending '{other}'; use .tflite or .onnx."),
    };
}
