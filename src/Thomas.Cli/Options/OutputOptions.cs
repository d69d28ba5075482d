using System;
using System.CommandLine;
using System.Globalization;
using System.IO;
using System.Text;
using Thomas.Cli.Output;
using Thomas.Formats.TfLite.Writing;

namespace Thomas.Cli.Options;

/// <summary>How a model file is written, and what is put next to it.</summary>
internal sealed class OutputOptions
{
    private const int LargestBatch = 4096;

    private readonly Option<int?> _batchSize = new("--batch-size")
    {
        Description = "Batch size of the saved model, or open for any number of images (default: 1 for .tflite, open for .onnx)",
        HelpName = "n|open",
    };

    private readonly Option<bool> _writeLabels =
        new("--write-labels") { Description = "Also write the class names next to the model: labels.txt, one per line" };

    public OutputOptions() => _batchSize.CustomParser = result =>
    {
        string text = result.Tokens[0].Value;
        if (text == "open") return SaveOptions.OpenBatch;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int size) && size is >= 1 and <= LargestBatch) return size;
        result.AddError($"--batch-size is '{text}'; it must be a whole number from 1 to {LargestBatch}, or open.");
        return null;
    };

    public void AddTo(Command command)
    {
        command.Add(_batchSize);
        command.Add(_writeLabels);
    }

    public SaveOptions Read(ParseResult parsed) => new() { BatchSize = parsed.GetValue(_batchSize) };

    /// <summary>
    /// Writes labels.txt next to the model, if asked for. One with other names may belong to another model: it stays, and the names go to a file that is called
    /// after the model.
    /// </summary>
    /// <returns>The file with the names; null if none was asked for or could be written.</returns>
    public string? WriteLabels(ParseResult parsed, Model model, string output, Terminal terminal)
    {
        if (!parsed.GetValue(_writeLabels)) return null;
        if (model.Info.Labels is not { Count: > 0 } labels)
        {
            terminal.Warn($"{model.Info.Name} has no class names, so --write-labels writes nothing; give names with --labels.");
            return null;
        }

        string folder = Path.GetDirectoryName(output) ?? "", path = Path.Combine(folder, MetadataSerializer.LabelFile);
        byte[] text = Encoding.UTF8.GetBytes(MetadataSerializer.LabelText(labels));
        try
        {
            if (Path.Exists(path) && !Holds(path, text))
            {
                string own = Path.Combine(folder, $"{Path.GetFileNameWithoutExtension(output)}.{MetadataSerializer.LabelFile}");
                terminal.Warn($"{path} holds something else and was left unchanged; the class names are in {own}.");
                path = own;
            }

            AtomicFile.Write(path, stream => stream.Write(text));
            return path;
        }
        catch (Exception e) when (e is OutputException or IOException or UnauthorizedAccessException)
        {
            // The model is saved, which is what counts.
            terminal.Warn($"The class names were not written: {e.Message}");
            return null;
        }
    }

    private static bool Holds(string path, byte[] text)
    {
        FileInfo file = new(path);
        return (file.Attributes & (FileAttributes.Directory | FileAttributes.Device)) == 0 && file.Length == text.Length && File.ReadAllBytes(path).AsSpan()
            .SequenceEqual(text);
    }
}
