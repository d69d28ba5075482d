using System;
using System.Collections.Generic;
using System.CommandLine;
using System.IO;
using System.Threading;

namespace Thomas.Cli.Options;

/// <summary>The model that a command works on, and a label file for those that carry none.</summary>
internal sealed class ModelArgument
{
    private readonly Argument<string> _path;
    private readonly Option<string> _labels = new("--labels")
    {
        Description = "File of class names, one per line, for a model without names or with wrong ones",
        HelpName = "file",
    };
    private readonly Option<int?> _size = Parse.Number(
        "--size", "Height and width of the images, for models that leave them open or end in global pooling (default: the model's own)", 16, 4096);
    private readonly bool _withLabels;
    private string _carriedName = "";

    public ModelArgument(bool withLabels, string description = "A .tflite or .onnx file")
    {
        _withLabels = withLabels;
        _path = new Argument<string>("model") { Description = description };
    }

    public void AddTo(Command command)
    {
        command.Add(_path);
        command.Add(_size);
        if (_withLabels) command.Add(_labels);
    }

    public string Path(ParseResult parsed) => parsed.GetRequiredValue(_path);

    /// <summary>The size of the images, where it is given.</summary>
    public int? Size(ParseResult parsed) => parsed.GetValue(_size);

    /// <summary>Reads the model. Messages call it by its file's name: the name inside is often main_graph.</summary>
    public Model Load(ParseResult parsed, CancellationToken cancellation)
    {
        string path = Path(parsed);
        return Named(parsed, Model.Load(path, new ModelLoadOptions { ImageSize = parsed.GetValue(_size) }, cancellation));
    }

    /// <summary>A model that was made of the file, under the file's name and with the labels that are given.</summary>
    public Model Named(ParseResult parsed, Model model)
    {
        string path = Path(parsed);
        _carriedName = model.Info.Name;
        model = new Model(model.Graph, model.Info with { Name = System.IO.Path.GetFileName(path) });
        if (!_withLabels || parsed.GetValue(_labels) is not string labels) return model;
        return new Model(model.Graph, model.Info with { Labels = ReadLabels(labels, model) });
    }

    /// <summary>Saves what became of the model, under the name that it carried inside.</summary>
    public void Save(Model model, string output, SaveOptions options) => new Model(model.Graph, model.Info with { Name = _carriedName }).Save(output, options);

    private static List<string> ReadLabels(string path, Model model)
    {
        string text;
        try
        {
            text = InputFile.ReadText(path, InputFile.NamesBytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"The label file '{path}' cannot be read: {e.Message}", e);
        }

        List<string> labels = [];
        foreach (string line in text.TrimEnd().Split('\n')) labels.Add(line.Trim());
        if (ClassOutput.Find(new Model(model.Graph, model.Info with { Labels = labels })) is { LabelProblem: not null } output)
        {
            string needed = output.IsBinary
                ? "has a single output: give two lines, for its low and its high values, or one line for the high values"
                : $"has {output.Numbers} outputs; each output needs one line";
            throw new DataException($"The label file '{path}' has {labels.Count} lines, but {model.Info.Name} {needed}.");
        }

        return labels;
    }
}
