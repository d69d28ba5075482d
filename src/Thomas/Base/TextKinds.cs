using System;
using System.Text;

namespace Thomas;

/// <summary>Kinds of text files, known by their first words.</summary>
internal static class TextKinds
{
    private const int Looked = 4096;
    private const int Quoted = 48;
    private const string Download = "it was downloaded instead of the file; download the file itself";

    private static readonly FileKind Lfs = new(
        "a git-lfs pointer to a file that was not downloaded", FileFamily.Text, "run 'git lfs pull' in its repository");
    private static readonly FileKind Annex = new(
        "a git-annex pointer to a file that was not downloaded", FileFamily.Text, "run 'git annex get' in its repository");
    private static readonly FileKind Html = new("an HTML page", FileFamily.Text, Download);
    private static readonly FileKind Svg = new("an SVG drawing", FileFamily.Image, "give a .tflite or .onnx file");
    private static readonly FileKind OpenVino = new(
        "an OpenVINO network (.xml)", FileFamily.Model, "give the original .onnx or .tflite model it was converted from");
    private static readonly FileKind Error = new("an XML error message from a server", FileFamily.Text, Download);
    private static readonly FileKind TensorFlowJs = new(
        "a TensorFlow.js model (model.json)", FileFamily.Model, "convert the model it was converted from to .tflite, or export it as TensorFlow Lite");
    private static readonly FileKind Keras = new(
        "a Keras network without weights (JSON)", FileFamily.Model, "convert the whole model to .tflite with tf.lite.TFLiteConverter.from_keras_model");
    private static readonly FileKind MxNet = new("an MXNet network (JSON)", FileFamily.Model, "export the model to .onnx");
    private static readonly FileKind Caffe = new("a Caffe or TensorFlow network in text form", FileFamily.Model, "convert the model to .onnx");
    private static readonly FileKind Darknet = new("a Darknet network (.cfg)", FileFamily.Model, "convert the model to .onnx");

    /// <summary>The kind of a text; null if the file is no text.</summary>
    public static FileKind? Recognize(ReadOnlySpan<byte> file)
    {
        string? text = Decode(file);
        if (text is null) return null;
        string start = text.TrimStart();
        if (start.Length == 0) return new FileKind("a file of white space", FileFamily.Text);
        if (Begins("version https://git-lfs") || Begins("version https://hawser")) return Lfs;
        if (Begins("/annex/objects/")) return Annex;
        if (Begins("<!doctype html") || Begins("<html") || Begins("<head") || Begins("<body")) return Html;
        if (Begins("<svg")) return Svg;
        if (Begins("<"))
        {
            if (Has("<svg")) return Svg;
            if (Has("<html") || Has("<!doctype html")) return Html;
            if (Has("<net ") && Has("<layer")) return OpenVino;
            return Has("<error") ? Error : new FileKind("an XML file", FileFamily.Text, "give a .tflite or .onnx file");
        }

        if (Begins("{") || Begins("["))
        {
            if (Has("\"modelTopology\"") || Has("\"weightsManifest\"")) return TensorFlowJs;
            if (Has("\"class_name\"") && Has("\"config\"")) return Keras;
            if (Has("\"nodes\"") && Has("\"op\"")) return MxNet;
            if (Begins("[net]")) return Darknet;
            if (Has("\"nbformat\"") || Has("\"cell_type\""))
            {
                return new FileKind("a Jupyter notebook", FileFamily.Text, "run it and save the model as .tflite or .onnx");
            }
        }

        if (Begins("node {") || Begins("layer {") || Begins("name:") || Begins("layers {")) return Caffe;
        string line = start.Split('\n')[0].Trim();
        bool isJson = start[0] == '{' && start[1..].TrimStart() is ['"' or '}', ..];
        return new FileKind($"a {(isJson ? "JSON" : "text")} file (it begins with \"{VisibleText.Shorten(line, Quoted)}\")", FileFamily.Text);

        bool Begins(string word) => start.StartsWith(word, StringComparison.OrdinalIgnoreCase);
        bool Has(string word) => start.Contains(word, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>The first characters, if the file is UTF-8 or UTF-16 with its mark and has no control characters but those of text.</summary>
    private static string? Decode(ReadOnlySpan<byte> file)
    {
        ReadOnlySpan<byte> start = file[..Math.Min(file.Length, Looked)];
        if (start is [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..])
        {
            Encoding wide = start[0] == 0xFF ? Encoding.Unicode : Encoding.BigEndianUnicode;
            string text = wide.GetString(start[2..(start.Length & ~1)]);
            return IsText(text) ? text : null;
        }

        if (start is [0xEF, 0xBB, 0xBF, ..]) start = start[3..];
        string decoded = Encoding.UTF8.GetString(start);

        // The last character may be cut in two.
        ReadOnlySpan<char> whole = file.Length > Looked ? decoded.AsSpan().TrimEnd('\uFFFD') : decoded;
        return !whole.Contains('\uFFFD') && IsText(whole) ? whole.ToString() : null;
    }

    private static bool IsText(ReadOnlySpan<char> text)
    {
        foreach (char c in text)
        {
            if (c < ' ' && c is not ('\t' or '\n' or '\r' or '\f' or '\u001B')) return false;
        }

        return true;
    }
}
