using System.Collections.Generic;
using System.CommandLine;
using Thomas.App;
using Thomas.App.Reports;
using Thomas.Cli.Options;
using Thomas.Cli.Output;
using Thomas.Quantizing;

namespace Thomas.Cli.Commands;

/// <summary><c>thomas convert</c>: from one format to another, with labels and preprocessing put into the file.</summary>
internal sealed class ConvertCommand
{
    private readonly Terminal _terminal;
    private readonly ModelArgument _model = new(
        withLabels: true, "A .tflite or .onnx file, or weights of PyTorch (.pth, .pt, .safetensors) of a published network");
    private readonly WeightOptions _weights = new();
    private readonly Option<string> _output = new("--output", "-o") { Description = "The file to write, .tflite or .onnx", HelpName = "file", Required = true };
    private readonly PreprocessingOptions _preprocessing = new();
    private readonly OutputOptions _file = new();
    private readonly QuantizeOptions _quantize = new();

    private ConvertCommand(Terminal terminal) => _terminal = terminal;

    public static Command Create(Terminal terminal)
    {
        Command command = new("convert", "Convert a model to .tflite or .onnx, to 8 or 16 bits, or store labels and preprocessing in it");
        ConvertCommand convert = new(terminal);
        convert._model.AddTo(command);
        command.Add(convert._output);
        convert._file.AddTo(command);
        convert._quantize.AddTo(command);
        convert._preprocessing.AddTo(command);
        convert._weights.AddAllTo(command);
        terminal.Bind(command, convert.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        string path = _model.Path(parsed), output = parsed.GetRequiredValue(_output);
        _quantize.Check(parsed, output);
        (Model model, string? architecture, IReadOnlyList<string>? notes) = Load(parsed, path, output);
        OutputFile.Check(output, path);
        if (_preprocessing.IsGiven(parsed) && _preprocessing.Read(parsed, model, _terminal) is Preprocessing preprocessing)
        {
            ImageInput.Of(model, preprocessing);
            model = new Model(model.Graph, model.Info with { Preprocessing = preprocessing, PreprocessingSource = "" });
        }

        if (!_quantize.IsInt8(parsed)) _terminal.WrittenQuantized(model, output);
        (model, QuantizedModel? quantized) = _quantize.Apply(parsed, model, null, _terminal);
        SaveOptions save = _quantize.Apply(parsed, _file.Read(parsed));
        _model.Save(model, output, save);
        UsageReport usage = Usage.Of(model, output, save, _file.WriteLabels(parsed, model, output, _terminal), path);
        Int8Report? int8 = _quantize.Report(parsed, model, quantized, save, output);
        if (_terminal.Json)
        {
            ConvertReport report = new(path, output, usage.Bytes) { Usage = usage, Architecture = architecture, Notes = notes, Int8 = int8 };
            _terminal.WriteJson(report, ReportJson.Default.ConvertReport);
            return ExitCode.Success;
        }

        _terminal.Field("saved", $"{Format.Name(output)} ({Format.Bytes(usage.Bytes)})");
        if (int8 is not null) QuantizeOptions.Print(_terminal, int8);
        Usage.Print(_terminal, usage, model, output);
        return ExitCode.Success;
    }

    /// <summary>The model; of weights also the architecture and what was assumed.</summary>
    private (Model Model, string? Architecture, IReadOnlyList<string>? Notes) Load(ParseResult parsed, string path, string output)
    {
        if (WeightOptions.IsWeights(path))
        {
            (Model built, IReadOnlyList<string> notes) = _weights.Build(parsed, path, _model.Size(parsed), output, _terminal.Cancellation);
            if (!_preprocessing.IsGiven(parsed))
            {
                string fed = PreprocessingFormat.Normalization(built.Info.Preprocessing!);
                notes = [.. notes, $"assumed of the images: {fed}; --preset, or --mean and --std, say otherwise"];
            }

            foreach (string note in notes) _terminal.Note($"note: {note}");
            return (_model.Named(parsed, built), built.Info.Name, notes);
        }

        if (_weights.IsGiven(parsed)) throw new UsageException($"--arch, --variant and --weights-key are for files of weights; {path} is none.");
        return (_model.Load(parsed, _terminal.Cancellation), null, null);
    }
}
