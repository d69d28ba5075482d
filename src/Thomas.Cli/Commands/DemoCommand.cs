using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Globalization;
using System.IO;
using Thomas.App;
using Thomas.App.Demo;
using Thomas.App.Reports;
using Thomas.App.Tuning;
using Thomas.Cli.Options;
using Thomas.Cli.Output;
using Thomas.Data;
using Thomas.Data.Handwriting;
using Thomas.Imaging;
using Thomas.Training;

namespace Thomas.Cli.Commands;

/// <summary><c>thomas demo</c>: tuning from beginning to end, on images that the program draws itself.</summary>
internal sealed class DemoCommand
{
    private const string DefaultFolder = "thomas-demo";
    private const string ModelFile = "letters.tflite";
    private const string SampleFolder = "letters";
    private const int SheetColumns = 12;
    private const int ShownPredictions = 200;

    private readonly Terminal _terminal;
    private readonly Option<string> _folder = new("--out", "-o")
    {
        Description = $"Folder for the images and the tuned model (default {DefaultFolder})",
        HelpName = "folder",
    };
    private readonly Option<ulong?> _seed = Parse.Number(
        "--seed", "Seed of images and weights; the same seed gives the same accuracies and files on any number of threads (default 1)", 0ul, ulong.MaxValue);
    private readonly Option<bool> _quick = new("--quick") { Description = "Use fewer images and steps: checks that everything works, not how well it learns" };
    private readonly ComputeOptions _compute;
    private readonly CacheOptions _cache = new(programsOnly: true);

    private DemoCommand(Terminal terminal, TuningChoice tuned)
    {
        _terminal = terminal;
        _compute = new ComputeOptions(tuned, _cache);
    }

    public static Command Create(Terminal terminal, TuningChoice tuned)
    {
        Command command = new(
            "demo",
            "Show tuning from beginning to end in less than a minute: learns drawn digits, then letters from 128 images; needs no data and no network");
        DemoCommand demo = new(terminal, tuned);
        command.Add(demo._folder);
        command.Add(demo._seed);
        command.Add(demo._quick);
        demo._compute.AddDeviceTo(command);
        demo._cache.AddTo(command);
        terminal.Bind(command, demo.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        DemoSettings settings = new() { Seed = parsed.GetValue(_seed) ?? 1, Compile = _compute.Read(parsed) };
        if (parsed.GetValue(_quick)) settings = settings.Quick();
        string folder = parsed.GetValue(_folder) ?? DefaultFolder;
        DemoFolder.Check(folder);
        DemoStory story = new(settings, _terminal.Cancellation);
        string device = ComputeOptions.Describe(settings.Compile);
        Announce(story, settings, device);

        DemoDigits digits = ProgressDisplay.Run(_terminal, [], story.LearnDigits);
        Print(digits, settings);

        HandwrittenSet letters = settings.DrawTuningLetters(), test = settings.DrawTestLetters();
        IReadOnlyList<DemoTuning> tunings = ProgressDisplay.Run(_terminal, [], progress => story.LearnLetters(digits.Model, letters, test, progress));
        DemoTuning kept = Find(tunings, DemoStory.Kept);
        string conclusion = DemoTable.Conclude(kept, Find(tunings, DemoStory.Scratch));
        Print(tunings, conclusion, settings);

        List<(string Name, Action<string> Write)> files = [("drawn.png", Png(DemoImages.ContactSheet(digits.Drawn, letters, SheetColumns)))];
        files.Add(("predictions.png", Png(DemoImages.Predictions(kept.Model, letters, test, ShownPredictions, settings.Compile))));
        (RgbImage filters, double magnification) = DemoImages.Filters(digits.Model, kept.Model);
        files.Add(("filters.png", Png(filters)));
        for (int i = 0; i < test.Characters.Length; i++) files.Add((Path.Combine(SampleFolder, $"{test.Characters[i]}.png"), Png(DemoImages.ToImage(test, i))));
        Model model = new(kept.Model.Graph, kept.Model.Info with { Name = "LeNet-5, letters A to J" });
        files.Add((ModelFile, model.Save));
        _terminal.Cancellation.ThrowIfCancellationRequested();
        DemoFolder.Write(folder, files);

        if (_terminal.Json) _terminal.WriteJson(Report(digits, tunings, settings, device, conclusion, folder, files), ReportJson.Default.DemoReport);
        else PrintFiles(folder, magnification);
        return ExitCode.Success;
    }

    private static Action<string> Png(RgbImage image) => path => File.WriteAllBytes(path, PngWriter.Encode(image));

    private static DemoTuning Find(IReadOnlyList<DemoTuning> tunings, string policy)
    {
        foreach (DemoTuning tuning in tunings)
        {
            if (tuning.Policy == policy) return tuning;
        }

        throw new ArgumentException($"'{policy}' was not run.", nameof(policy));
    }

    private void Announce(DemoStory story, DemoSettings settings, string device)
    {
        if (_terminal.Quiet) return;
        _terminal.Field("images", string.Create(
            CultureInfo.InvariantCulture,
            $"drawn by this program from seed {settings.Seed}, white on black, 28x28\n{settings.TrainingDigits:#,0} digits to learn from, "
            + $"{settings.TestDigits:#,0} to test\n{settings.TuningLetters:#,0} letters A to J to learn from, {settings.TestLetters:#,0} to test"));
        _terminal.Field("network", $"LeNet-5, {Format.Count(story.NewNetwork(HandwrittenSet.Digits).Graph.ParameterCount)} parameters, random weights");
        _terminal.Field("device", device);
        _terminal.Say();
    }

    private void Print(DemoDigits digits, DemoSettings settings)
    {
        List<string> epochs = [];
        foreach (EpochReport epoch in digits.Training.Epochs) epochs.Add(Format.Percent(epoch.TrainAccuracy));
        _terminal.Details(digits.Training.Notes);
        _terminal.Kernels(digits.Training.Kernels);
        _terminal.Field(
            "digits",
            $"{string.Join(", ", epochs)} training accuracy, epoch by epoch\n{Format.Percent(digits.Test.Accuracy)} accuracy on "
            + $"{Format.Invariant($"{settings.TestDigits:#,0}")} test digits, trained in {Format.Duration(digits.Duration)}");
    }

    private void Print(IReadOnlyList<DemoTuning> tunings, string conclusion, DemoSettings settings)
    {
        foreach (DemoTuning tuning in tunings) _terminal.Details(tuning.Notes);
        _terminal.Field(
            "letters",
            $"{Format.Plural(settings.TuningLetters, "image")}, {Format.Plural(settings.LetterSteps, "step")} of {settings.BatchSize} for each policy; "
            + $"{DemoStory.Scratch} starts from random weights again");
        _terminal.Say();
        _terminal.Block(DemoTable.ToText(tunings));
        _terminal.Say();
        _terminal.Say(conclusion);
    }

    private void PrintFiles(string folder, double magnification)
    {
        string changes = magnification > 0 ? Format.Invariant($"the change, amplified {magnification:0.0} times") : "no change";
        _terminal.Say();
        _terminal.Field(
            "saved",
            $"""
            {Path.Combine(folder, "drawn.png")}: {SheetColumns} of each class: digits on the left, the letters it was tuned with on the right
            {Path.Combine(folder, "predictions.png")}: the first {ShownPredictions} test letters, each in the row of its predicted letter; green is right
            {Path.Combine(folder, "filters.png")}: the filters of the first layer after digits, after letters, and {changes}
            {Path.Combine(folder, SampleFolder)}: one test image of each letter
            {Path.Combine(folder, ModelFile)}: the network tuned by '{DemoStory.Kept}', with labels and preprocessing inside
            """);
        _terminal.Field("try it", $"thomas classify {Path.Combine(folder, ModelFile)} {Path.Combine(folder, SampleFolder, "A.png")}");
    }

    private static DemoReport Report(
        DemoDigits digits, IReadOnlyList<DemoTuning> tunings, DemoSettings settings, string device, string conclusion, string folder,
        List<(string Name, Action<string> Write)> files)
    {
        List<DemoPolicyReport> policies = [];
        foreach (DemoTuning t in tunings)
        {
            policies.Add(new DemoPolicyReport(
                t.Policy, t.TrainedParameters, t.Before.Accuracy, t.After.Accuracy, t.Own.Correct, t.Duration.TotalSeconds, t.StepBytes));
        }

        List<string> names = [];
        foreach ((string name, _) in files) names.Add(name);
        return new DemoReport(
            settings.Seed,
            device,
            new DemoDigitsReport(
                settings.TrainingDigits, settings.TestDigits, ReportParts.Of(digits.Training.Epochs), digits.Test.Accuracy, digits.Duration.TotalSeconds),
            new DemoLettersReport(
                settings.TuningLetters, settings.TestLetters, settings.LetterEpochs, settings.LetterSteps, settings.BatchSize, policies, DemoStory.Kept),
            conclusion,
            folder,
            names);
    }
}
