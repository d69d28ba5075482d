using System;
using System.Diagnostics;
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
    private const long LongBytes = 64 << 20;
    private const int StartBytes = 4096;

    public static Model Load(string path, ModelLoadOptions? options = null, CancellationToken cancellation = default)
    {
        if (Directory.Exists(path)) throw new ModelFormatException(path, "", ModelFolder.Describe(path));
        RefuseByStart(path);
        options ??= new ModelLoadOptions();
        return Load(InputFile.Read(path, "model", cancellation: cancellation), path, options with { DataFolder = options.DataFolder ?? FolderOf(path) });
    }

    public static Model Load(Stream stream, string name, ModelLoadOptions? options = null) => Load(InputFile.Read(stream, name, "model"), name, options);

    public static Model Load(ReadOnlyMemory<byte> file, string name, ModelLoadOptions? options = null)
    {
        if (options?.ImageSize is int size) ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size, nameof(options));
        if (file.Length == 0) throw new ModelFormatException(name, "byte 0", "the file is empty");
        try
        {
            bool isTfLite = TfLiteReader.Recognizes(file.Span);
            if (!isTfLite) RequireOnnx(file.Span, name);
            Model model = isTfLite ? TfLiteReader.Read(file, name, options?.ImageSize) : OnnxReader.Read(file, name, options?.ImageSize, options?.DataFolder);
            Graph graph = ImportPasses.Run(ForSingleImages(model, name));
            ModelLimits.Check(graph, name);
            model = new Model(graph, model.Info);
            return options?.ImageSize is int wanted && HasOtherSize(graph, wanted) ? model.WithImageSize(wanted, wanted) : model;
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

    /// <summary>Long files that are something else are named for what they are before they are read whole.</summary>
    private static void RefuseByStart(string path)
    {
        byte[] start;
        try
        {
            if (InputFile.LengthOf(path) < LongBytes) return;
            start = InputFile.ReadStart(path, StartBytes);
        }
        catch (Exception e) when (InputFile.IsReadError(e))
        {
            // Reading it says why.
            return;
        }

        // What is in an archive stands at its end, and a message is known by its fields only.
        if (!TfLiteReader.Recognizes(start) && FileKind.RecognizeStart(start) is FileKind kind) throw NotAModel(path, kind);
    }

    private static ModelFormatException NotAModel(string name, FileKind kind) =>
        new(name, "byte 0", $"this is {kind.Name}, not a .tflite or .onnx model{(kind.Remedy is null ? "" : $"; {kind.Remedy.TrimEnd()}")}");

    /// <summary>An ONNX file has no signature. What is something else is named for what it is, and what is cut off for that.</summary>
    private static void RequireOnnx(ReadOnlySpan<byte> file, string name)
    {
        if (MessageKinds.IsOnnx(file))
        {
            long missing = MessageKinds.MissingBytes(file);
            if (missing > 0)
            {
                throw new ModelFormatException(
                    name, $"byte {file.Length}", $"the file is cut off: it should have {file.Length + missing} bytes; download or copy it again");
            }

            return;
        }

        if (FileKind.Recognize(file) is FileKind kind) throw NotAModel(name, kind);
    }

    public static void Save(Model model, string path, SaveOptions options)
    {
        ModelFormat format = FormatOf(path);
        AtomicFile.Write(path, stream => Save(model, stream, format, options));
    }

    public static void Save(Model model, Stream stream, ModelFormat format, SaveOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (!Enum.IsDefined(format)) throw new ArgumentOutOfRangeException(nameof(format), format, "The format cannot be written.");
        Model written = WrittenBatch.Apply(new Model(model.Graph, model.Info with { GuessedPreset = ImageInput.GuessFor(model) }), format, options);
        switch (format)
        {
            case ModelFormat.Onnx: OnnxWriter.Write(written, stream); break;
            case ModelFormat.TfLite: TfLiteWriter.Write(written, stream, options); break;
            default: throw new UnreachableException($"Unknown {format}.");
        }
    }

    /// <summary>The format that a path's ending names.</summary>
    public static ModelFormat FormatOf(string path) => Path.GetExtension(path).ToUpperInvariant() switch
    {
        ".ONNX" => ModelFormat.Onnx,
        ".TFLITE" => ModelFormat.TfLite,
        string other => throw new OutputException($"Cannot tell the format of '{path}' from its extension '{other}'; use .tflite or .onnx."),
    };
}
