using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using Thomas.App.Reports;
using Thomas.Autodiff;
using Thomas.Data;
using Thomas.Runtime;
using Thomas.Study;
using Thomas.Training;

namespace Thomas.App.Studies;

/// <summary>Makes the report of a run of <c>tune</c> or <c>train</c>, which begins now: sensors are read until it is disposed.</summary>
/// <param name="kind">"tune" or "train".</param>
/// <param name="model">The name of the model or the architecture.</param>
/// <param name="data">What it was trained on.</param>
/// <param name="compile">The device.</param>
/// <param name="command">The command as it was given.</param>
/// <param name="seed">The seed of the run.</param>
/// <param name="sensors">The system's sensors.</param>
internal sealed class TrainingReports(
    string kind, string model, Dataset data, CompileOptions compile, string command, ulong seed, SystemSensors sensors) : IDisposable
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly SensorLog _log = Started(new SensorLog(sensors));
    private readonly ReportHeader _header = ReportHeaders.Create(
        command, seed, ReportHeaders.DeviceOf(compile) is ReportDevice device ? [device] : []);

    /// <summary>The name of the data: that of its folder or file, with its parent's where it says only which part it is.</summary>
    private string Data
    {
        get
        {
            string path = Path.TrimEndingDirectorySeparator(data.Name), name = Path.GetFileName(path);
            if (name.Length == 0) return data.Name;
            string? parent = Path.GetFileName(Path.GetDirectoryName(path));
            return name is "train" or "training" or "images" && parent is { Length: > 0 } ? $"{parent}/{name}" : name;
        }
    }

    /// <summary>What a run of <c>tune</c> found.</summary>
    public StudyReport Of(TuningResult result, UpdatePolicy policy)
    {
        List<string> notes = [.. result.Warnings, .. result.Notes, .. Broken(result.Broken)];
        if (result.OldAfter is ConfusionMatrix after)
        {
            notes.Add(
                $"Mean recall of the {Format.Plural(result.KeptClasses, "old class", "old classes")} on {result.OldMethod}: "
                + $"{Format.Percent(result.OldBefore!.MacroRecall)} before, {Format.Percent(after.MacroRecall)} after.");
        }

        if (result.Network is TrainerResult network) notes.AddRange(Steps(network));
        return Report(
            Run(policy.ToString(), result.Labels) with
            {
                Checked = result.Checked,
                BeforeMethod = result.BeforeMethod,
                Before = ReportParts.Of(result.Before, result.Labels),
                AfterLastLayer = result.AfterLastLayer is ConfusionMatrix last ? ReportParts.Of(last, result.Labels) : null,
                After = ReportParts.Of(result.After, result.Labels),
                Epochs = ReportParts.Of(result.Epochs),
                BestEpoch = result.BestEpoch,
                TrainingImages = result.TrainingImages,
            },
            result.Times, notes, result.Pauses, isComplete: !result.Cancelled);
    }

    /// <summary>What a run of <c>train</c> found.</summary>
    /// <param name="result">Of the training.</param>
    /// <param name="policy">What was trained.</param>
    /// <param name="images">Images that it was trained with, and validated with.</param>
    /// <param name="test">On test images; null for none.</param>
    /// <param name="broken">Images that were left out.</param>
    /// <param name="notes">What else a reader must know.</param>
    /// <param name="isComplete">Whether everything was done that was asked for.</param>
    public StudyReport Of(
        TrainerResult result, UpdatePolicy policy, (int Training, int Validation) images, ConfusionMatrix? test, IReadOnlyList<BrokenImage> broken,
        IReadOnlyList<string> notes, bool isComplete) => Report(
            Run(policy.ToString(), result.Labels) with
            {
                Checked = Format.Plural(result.After?.Total ?? images.Validation, "validation image"),
                BeforeMethod = result.Before is null ? null : "initial weights",
                Before = result.Before is ConfusionMatrix before ? ReportParts.Of(before, result.Labels) : null,
                After = result.After is ConfusionMatrix after ? ReportParts.Of(after, result.Labels) : null,
                Test = test is null ? null : ReportParts.Of(test, result.Labels),
                Epochs = ReportParts.Of(result.Epochs),
                BestEpoch = result.BestEpoch,
                TrainingImages = images.Training,
            },
            result.Times, [.. result.Warnings, .. notes, .. result.Notes, .. Broken(broken), .. Steps(result)], result.Pauses, isComplete);

    /// <summary>Ends the reading of sensors.</summary>
    public void Dispose() => _log.Dispose();

    private static SensorLog Started(SensorLog log)
    {
        log.Start();
        return log;
    }

    private AccuracyRun Run(string policy, IReadOnlyList<string> labels)
    {
        string device = ReportHeaders.NameOf(compile);
        return new AccuracyRun
        {
            Id = CellId.OfRun(kind, model, Data, policy, device, seed),
            Experiment = kind,
            Model = model,
            Data = Data,
            Policy = policy,
            Device = device,
            Seed = seed,
            Checked = "",
            Labels = labels,
            Seconds = _clock.Elapsed.TotalSeconds,
        };
    }

    private StudyReport Report(AccuracyRun run, StageTimes times, IReadOnlyList<string> notes, PauseReport? pauses, bool isComplete)
    {
        SensorRecord sensors = _log.ToRecord(pauses?.Duration ?? TimeSpan.Zero);
        List<StageSeconds> stages = [];
        foreach (StageTime stage in times.Stages) stages.Add(new StageSeconds(stage.Name, stage.Duration.TotalSeconds));
        return new StudyReport
        {
            Schema = StudyReport.CurrentSchema,
            Kind = kind,
            Title = kind == "tune" ? $"{model}, tuned on {Data}" : $"{model}, trained on {Data}",
            Header = _header with { Seconds = _clock.Elapsed.TotalSeconds, IsComplete = isComplete },
            Accuracies = [run with { Joules = sensors.Joules }],
            Sensors = sensors,
            Stages = stages,
            Notes = notes,
        };
    }

    private static string[] Broken(IReadOnlyList<BrokenImage> broken) =>
        broken.Count == 0 ? [] : [$"{Format.Plural(broken.Count, "image")} could not be decoded and {(broken.Count == 1 ? "was" : "were")} left out."];

    private static string[] Steps(TrainerResult network) => network.SecondsPerStep == 0 ? [] : [
        $"A training step of the network took {Figures.Time(network.SecondsPerStep)} on average; {Format.Percent(network.WaitedShare)} of the time of the "
        + "steps it waited for its images."];
}
