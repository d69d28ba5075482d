using System;
using System.Collections.Generic;
using System.CommandLine;
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

/// <summary><c>thomas evaluate</c>: how often a model is right.</summary>
internal sealed class EvaluateCommand
{
    private readonly Terminal _terminal;
    private readonly ModelArgument _model = new(withLabels: true);
    private readonly DataOption _data = new();
    private readonly ComputeOptions _compute;
    private readonly CacheOptions _cache = new();
    private readonly PreprocessingOptions _preprocessing = new();
    private readonly ResultFiles _results = new(withSuspects: true);

    private EvaluateCommand(Terminal terminal, TuningChoice tuned)
    {
        _terminal = terminal;
        _compute = new ComputeOptions(tuned, _cache);
    }

    public static Command Create(Terminal terminal, TuningChoice tuned)
    {
        Command command = new("evaluate", "Measure accuracy on labeled images");
        EvaluateCommand evaluate = new(terminal, tuned);
        evaluate._model.AddTo(command);
        evaluate._data.AddTo(command);
        evaluate._results.AddTo(command);
        evaluate._compute.AddTo(command);
        evaluate._cache.AddTo(command);
        evaluate._preprocessing.AddTo(command);
        terminal.Bind(command, evaluate.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        Model model = _model.Load(parsed, _terminal.Cancellation);
        _results.Check(parsed, _model.Path(parsed), _data.Path(parsed));
        Dataset data = _data.Load(parsed, _terminal);
        _results.CheckImages(parsed, data);
        EvaluationOptions options = new()
        {
            Preprocessing = _preprocessing.Read(parsed, model, _terminal),
            Compile = _compute.ReadFor(parsed, model, FeatureExtractor.DefaultBatch, _terminal),
            CacheDirectory = _cache.Read(parsed, _terminal),
        };
        _terminal.Decoder();
        string device = _compute.DescribeChosen(options.Compile);
        Evaluation result = ProgressDisplay.Run(
            _terminal, [], progress => Evaluator.Evaluate(model, data, ImageDecoders.Best(), options, progress, _terminal.Cancellation));
        IReadOnlyList<LabelSuspect>? suspects = _results.Suspects(parsed) is null
            ? null
            : ProgressDisplay.Run(_terminal, [], progress => LabelAudit.Run(model, data, ImageDecoders.Best(), options, progress, _terminal.Cancellation));
        CacheFolder.Trim(options.CacheDirectory);
        _terminal.Broken(result.Broken);
        _terminal.ClassOutput(model, result.Output);
        _terminal.Warnings(Others(result));
        foreach (string note in result.Notes)
        {
            if (note.Contains("is matched to", StringComparison.Ordinal)) _terminal.Note($"note: {note}");
        }

        _terminal.Details(result.Notes);
        _terminal.Kernels(result.Kernels);
        if (_terminal.Json)
        {
            _terminal.WriteJson(
                new EvaluateReport(
                    _model.Path(parsed),
                    data.Name,
                    device,
                    ReportParts.Of(result.Confusion, result.Labels),
                    result.Top5Accuracy,
                    ReportParts.Of(result.Input),
                    ReportParts.Of(result.Times),
                    ReportParts.Of(result.Broken),
                    result.Notes,
                    _terminal.Verbose ? result.Kernels : null)
                {
                    ClassOutput = ReportParts.Of(result.Output),
                    Unknown = result.Refused is int refused ? new UnknownReport(result.UnknownThreshold!.Value, result.Confusion.Total, refused) : null,
                    UncheckedClasses = result.UncheckedClasses,
                    Warnings = result.Warnings,
                    PredictionsFile = _results.Predictions(parsed),
                    MistakesFile = _results.Mistakes(parsed),
                    SuspectsFile = _results.Suspects(parsed),
                    Suspects = SuspectFile.Report(suspects, data.ClassNames),
                },
                ReportJson.Default.EvaluateReport);
        }
        else Print(result, model, data, device);
        bool written = _results.Write(parsed, _terminal, model, result.Input, result.Predictions, result.Labels, data, options.Compile)
            & _results.WriteSuspects(parsed, _terminal, suspects, data.ClassNames);
        return ResultFiles.CodeOf(written, _terminal);
    }

    /// <summary>The warnings but for the one about the output.</summary>
    private static List<string> Others(Evaluation result)
    {
        List<string> others = [.. result.Warnings];
        if (result.Output.Warning is string known) others.Remove(known);
        return others;
    }

    private void Print(Evaluation result, Model model, Dataset data, string device)
    {
        _terminal.Field("model", Format.Name(model.Info.Name));
        int unknown = result.UncheckedClasses.Count;
        string others = unknown > 0 ? $"; the model's other {Format.Plural(unknown, "class was", "classes were")} not tested" : "";
        string left = result.Broken.Count > 0 ? $", {result.Broken.Count} left out" : "";
        _terminal.Field(
            "data",
            $"{Format.Name(data.Name)}: {Format.Plural(result.Confusion.Total, "image")} of "
            + $"{Format.Plural(data.ClassNames.Count, "class", "classes")}{left}{others}");
        _terminal.Field("preprocessing", PreprocessingFormat.Describe(result.Input.Preprocessing));
        _terminal.Field("device", device);
        _terminal.Field("accuracy", Format.Accuracy(result.Confusion));
        if (result.Refused is int refused)
        {
            _terminal.Field(
                "unknown",
                Format.Invariant($"{refused} of {result.Confusion.Total} ({Format.Percent((double)refused / result.Confusion.Total)}) would be refused: ")
                + Format.Invariant($"similarity below {result.UnknownThreshold:0.00##}"));
        }

        if (result.Labels.Count > 5) _terminal.Field("top-5", Format.Percent(result.Top5Accuracy));
        _terminal.Say();
        _terminal.Block(result.Confusion.ToTable(result.Labels));
        _terminal.Say();
        _terminal.Block(result.Times.ToTable());
    }
}
