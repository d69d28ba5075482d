using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Diagnostics;
using System.IO;
using System.Linq;
using Thomas.App;
using Thomas.App.Reports;
using Thomas.App.Results;
using Thomas.App.Tuning;
using Thomas.Cli.Options;
using Thomas.Cli.Output;
using Thomas.Data;
using Thomas.Imaging;
using Thomas.Training;

namespace Thomas.Cli.Commands;

/// <summary><c>thomas check</c>: what is wrong with a data set, before anything is learned from it.</summary>
internal sealed class CheckCommand
{
    private readonly Terminal _terminal;
    private readonly Argument<string> _data = new("data") { Description = "A folder or CSV file, as for the --data of tune" };
    private readonly Option<bool> _skip = new("--skip-missing") { Description = "Pass over images that the CSV file lists and that do not exist" };
    private readonly Option<string> _model = new("--model")
    {
        Description = "A .tflite or .onnx file: also finds labels that are probably wrong and images that are small for this model",
        HelpName = "file",
    };
    private readonly Option<int?> _size = Parse.Number("--size", "Height and width of the model's images, for models that leave them open", 16, 4096);
    private readonly Option<string> _report = new("--report")
    {
        Description = "Write all findings to a CSV file, one line for each image",
        HelpName = "file.csv",
    };
    private readonly ComputeOptions _compute;
    private readonly CacheOptions _cache = new();
    private readonly PreprocessingOptions _preprocessing = new();

    private CheckCommand(Terminal terminal, TuningChoice tuned)
    {
        _terminal = terminal;
        _compute = new ComputeOptions(tuned, _cache);
    }

    public static Command Create(Terminal terminal, TuningChoice tuned)
    {
        Command command = new("check", "Look for duplicates, wrong labels, broken files and other problems of a data set");
        CheckCommand check = new(terminal, tuned);
        command.Add(check._data);
        command.Add(check._model);
        command.Add(check._size);
        command.Add(check._report);
        command.Add(check._skip);
        check._compute.AddTo(command);
        check._cache.AddTo(command);
        check._preprocessing.AddTo(command);
        terminal.Bind(command, check.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        string path = parsed.GetRequiredValue(_data);
        string? modelPath = parsed.GetValue(_model), report = parsed.GetValue(_report);
        if (report is not null) CheckReport(report, path, modelPath);
        Model? model = modelPath is null ? null : Load(modelPath, parsed.GetValue(_size));
        if (model is null && (_preprocessing.IsGiven(parsed) || parsed.GetValue(_size) is not null))
        {
            throw new UsageException("--size and the options of preprocessing are those of a model; give --model too.");
        }

        Dataset data = DatasetLoader.Load(path, parsed.GetValue(_skip));
        if (report is not null) ResultFiles.CheckImages(_report.Name, report, [.. data.Samples.Select(static sample => sample.Image.Name)]);
        EvaluationOptions evaluation = new()
        {
            Compile = model is null ? _compute.Read(parsed) : _compute.ReadFor(parsed, model, FeatureExtractor.DefaultBatch, _terminal),
            Preprocessing = model is null ? null : _preprocessing.Read(parsed, model, _terminal),
            CacheDirectory = model is null ? null : _cache.Read(parsed, _terminal),
        };
        _terminal.Decoder();
        DatasetCheckOptions options = new() { Model = model, Evaluation = evaluation };
        Stopwatch watch = Stopwatch.StartNew();
        DatasetCheckResult result = ProgressDisplay.Run(
            _terminal, [], progress => DatasetCheck.Run(data, ImageDecoders.Best(), options, progress, _terminal.Cancellation));
        if (model is not null) CacheFolder.Trim(evaluation.CacheDirectory);
        if (_terminal.Json)
        {
            _terminal.WriteJson(
                new CheckReport(
                    data.Name, data.Samples.Count, data.ClassNames, result.Warnings, result.IsComplete, CheckText.Report(result), watch.Elapsed.TotalSeconds)
                {
                    Model = modelPath,
                    ReportFile = report,
                },
                ReportJson.Default.CheckReport);
        }
        else Print(result, data, watch.Elapsed);
        if (!result.IsComplete)
        {
            _terminal.Warn("very many images look nearly the same: only those that are closest in brightness were compared with each other");
        }

        if (report is not null)
        {
            CheckText.Save(report, result);
            _terminal.Field("report", Format.Name(report));
        }

        return result.Warnings > 0 ? ExitCode.Findings : ExitCode.Success;
    }

    private static void CheckReport(string report, string data, string? model)
    {
        List<string> taken = model is null ? [] : [model];
        if (File.Exists(data)) taken.Add(data);
        ResultFiles.CheckFile("--report", report, ".csv", taken);
    }

    /// <summary>Messages call the model by its file's name, as those of other commands do.</summary>
    private Model Load(string path, int? size)
    {
        Model model = Model.Load(path, new ModelLoadOptions { ImageSize = size }, _terminal.Cancellation);
        return new Model(model.Graph, model.Info with { Name = Path.GetFileName(path) });
    }

    private void Print(DatasetCheckResult result, Dataset data, TimeSpan time)
    {
        List<string> parts = [];
        foreach ((Subset part, string name) in ((Subset, string)[])[
            (Subset.Train, "training"), (Subset.Validation, "validation"), (Subset.Test, "test"), (Subset.Unassigned, "not divided")])
        {
            if (data.Has(part) && (part != Subset.Unassigned || parts.Count > 0)) parts.Add($"{data.Only(part).Samples.Count} {name}");
        }

        _terminal.Field(
            "data",
            $"{Format.Name(data.Name)}: {Format.Plural(data.Samples.Count, "image")} of {Format.Plural(data.ClassNames.Count, "class", "classes")}"
            + (parts.Count == 0 ? "" : $" ({string.Join(", ", parts)})"));
        foreach (string line in CheckText.Lines(result, _terminal.Verbose)) _terminal.Say(line);
        int notes = result.Findings.Count - result.Warnings;
        _terminal.Field(
            "result",
            result.Findings.Count == 0
                ? $"nothing found ({Format.Duration(time)})"
                : $"{Format.Plural(result.Warnings, "warning")}, {Format.Plural(notes, "note")} ({Format.Duration(time)})");
    }
}
