using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Diagnostics;
using System.IO;
using Thomas.App;
using Thomas.App.Reports;
using Thomas.App.Results;
using Thomas.App.Tuning;
using Thomas.Cli.Options;
using Thomas.Cli.Output;
using Thomas.Data;
using Thomas.Imaging;
using Thomas.Runtime;

namespace Thomas.Cli.Commands;

/// <summary><c>thomas classify</c>: the best classes of each image.</summary>
internal sealed class ClassifyCommand
{
    private const int NameColumns = 60;

    private static readonly EnumerationOptions VisibleFiles = new()
    {
        RecurseSubdirectories = true,
        AttributesToSkip = FileAttributes.Hidden | FileAttributes.System,
        IgnoreInaccessible = false,
    };

    private readonly Terminal _terminal;
    private readonly ModelArgument _model = new(withLabels: true);
    private readonly Argument<string[]> _images = new("image") { Description = "Images, or folders of images", Arity = ArgumentArity.OneOrMore };
    private readonly Option<int?> _top = Parse.Number("--top", "Classes to list for each image (default 5)", 1, 100_000);
    private readonly Option<string> _explain = new("--explain")
    {
        Description = $"Draw what the model looked at in each image, for its most likely class; at most {ContactSheet.MostTiles} images",
        HelpName = "file.png",
    };
    private readonly Option<bool> _noUnknown = new("--no-unknown")
    {
        Description = "Name a class for every image, also for those that are like none of the model's training images",
    };
    private readonly ComputeOptions _compute;
    private readonly CacheOptions _cache = new(programsOnly: true);
    private readonly PreprocessingOptions _preprocessing = new();

    private ClassifyCommand(Terminal terminal, TuningChoice tuned)
    {
        _terminal = terminal;
        _compute = new ComputeOptions(tuned, _cache);
    }

    public static Command Create(Terminal terminal, TuningChoice tuned)
    {
        Command command = new("classify", "Print the most likely classes of images");
        ClassifyCommand classify = new(terminal, tuned);
        classify._model.AddTo(command);
        command.Add(classify._images);
        command.Add(classify._top);
        command.Add(classify._noUnknown);
        command.Add(classify._explain);
        classify._compute.AddTo(command);
        classify._cache.AddTo(command);
        classify._preprocessing.AddTo(command);
        terminal.Bind(command, classify.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        long start = Stopwatch.GetTimestamp();
        Model model = _model.Load(parsed, _terminal.Cancellation);
        double read = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        string? page = parsed.GetValue(_explain);
        if (page is not null) ResultFiles.CheckFile(_explain.Name, page, ".png", [_model.Path(parsed), .. parsed.GetRequiredValue(_images)]);
        List<string> paths = Expand(parsed.GetRequiredValue(_images), _terminal);
        if (page is not null) ResultFiles.CheckImages(_explain.Name, page, paths);
        CompileOptions compile = _compute.ReadFor(parsed, model, 1, _terminal);
        Preprocessing? preprocessing = _preprocessing.Read(parsed, model, _terminal);
        int top = parsed.GetValue(_top) ?? 5;
        bool tellsUnknown = !parsed.GetValue(_noUnknown);
        start = Stopwatch.GetTimestamp();
        using ImageClassifier classifier = new(model, preprocessing, compile);
        double compiled = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        using ImageSheets? sheets = page is null ? null : new ImageSheets(model, preprocessing, compile);
        if (sheets?.Problem is string problem) throw new ThomasException(problem);
        _terminal.Decoder();
        if (model.Info.Labels is null) _terminal.Note($"note: {model.Info.Name} has no class names; classes are shown by number (give names with --labels)");
        _terminal.ClassOutput(model, classifier.Output);
        _terminal.Detail($"device: {_compute.DescribeChosen(compile)}");
        _terminal.Detail($"preprocessing: {PreprocessingFormat.Describe(classifier.Input.Preprocessing)}; {classifier.Input.Source}");
        _terminal.Detail(Format.Invariant($"model: read in {read:F0} ms, compiled in {compiled:F0} ms"));
        _terminal.Kernels(classifier.Kernels);

        IImageDecoder decoder = ImageDecoders.Best();
        List<ImageReport> reports = [];
        List<SheetTile> tiles = [];
        int skipped = 0;
        foreach (string path in paths)
        {
            _terminal.Cancellation.ThrowIfCancellationRequested();
            ImageReport report = Classify(classifier, decoder, path, (top, tellsUnknown), tiles.Count < ContactSheet.MostTiles ? sheets : null, tiles);
            reports.Add(report);
            if (report.Classes is null)
            {
                skipped++;
                _terminal.Complain($"{path}: {report.Error}");
            }
            else
            {
                Print(path, report);
            }
        }

        if (page is not null && tiles.Count > 0) Save(page, Format.Name(model.Info.Name), tiles, reports.Count - skipped);
        foreach (string note in classifier.Notes) _terminal.Note($"note: {note}");
        if (_terminal.Json)
        {
            _terminal.WriteJson(
                new ClassifyReport(
                    _model.Path(parsed), ReportParts.Of(classifier.Output), ReportParts.Of(classifier.Input), _compute.DescribeChosen(compile), reports,
                    _terminal.Verbose ? classifier.Kernels : null)
                {
                    ExplanationFile = tiles.Count > 0 ? page : null,
                },
                ReportJson.Default.ClassifyReport);
        }

        return skipped == 0 ? ExitCode.Success : skipped == paths.Count ? ExitCode.Data : ExitCode.SomeSkipped;
    }

    /// <summary>Classifies an image, and adds it to the page if there is one.</summary>
    private ImageReport Classify(
        ImageClassifier classifier, IImageDecoder decoder, string path, (int Top, bool TellsUnknown) wanted, ImageSheets? sheets, List<SheetTile> tiles)
    {
        try
        {
            byte[] encoded = InputFile.ReadAll(path, ImageDecoderExtensions.MaximumEncodedBytes, _terminal.Cancellation);
            Preprocessing preprocessing = classifier.Input.Preprocessing;
            int side = new Preprocessor(preprocessing).MinimumShortSide;
            RgbImage image = decoder.WithBackground(preprocessing.Background).DecodeChecked(encoded, side, "the image");
            List<ClassReport> classes = [];
            Recognition answer = classifier.Recognize(image, wanted.Top);
            foreach (ClassScore score in answer.Scores) classes.Add(new ClassReport(score.Index, score.Label, score.Probability));
            if (sheets is not null) tiles.Add(sheets.Explained(image, classifier.Classify(image, 2), path));
            ImageReport report = new(path, classes, null);
            if (!wanted.TellsUnknown || answer.Threshold is null) return report;
            return report with { Unknown = answer.IsUnknown, Similarity = answer.Similarity, Threshold = answer.Threshold };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ImageFormatException)
        {
            return new ImageReport(path, null, e.Message);
        }
    }

    /// <summary>Writes the page of explained images.</summary>
    private void Save(string page, string name, List<SheetTile> tiles, int images)
    {
        string shown = tiles.Count < images ? $"the first {tiles.Count} of {images} images" : Format.Plural(images, "image");
        byte[] png = ContactSheet.Draw(
            $"What {name} looked at", $"{shown}; right of each: the parts that spoke for its most likely class", tiles);
        AtomicFile.Write(page, stream => stream.Write(png));
        _terminal.Note($"note: {page} shows what the model looked at in {shown}");
    }

    private static List<string> Expand(string[] paths, Terminal terminal)
    {
        List<string> files = [];
        PassedOver passedOver = new();
        foreach (string path in paths)
        {
            if (!Directory.Exists(path))
            {
                files.Add(path);
                continue;
            }

            int before = files.Count;
            try
            {
                foreach (string file in Directory.EnumerateFiles(path, "*", VisibleFiles))
                {
                    if (ImageFolder.IsImage(file)) files.Add(file);
                    else passedOver.Add(file);
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new DataException($"The folder '{path}' cannot be read: {e.Message}", e);
            }

            if (files.Count == before)
            {
                throw new DataException($"The folder '{path}' contains no images{(passedOver.Describe() is string others ? $" ({others})" : "")}.");
            }

            files.Sort(before, files.Count - before, StringComparer.Ordinal);
        }

        if (passedOver.Describe() is string note) terminal.Note($"note: {note}");
        return files;
    }

    private void Print(string path, ImageReport report)
    {
        IReadOnlyList<ClassReport> classes = report.Classes!;
        int width = 0;
        foreach (ClassReport c in classes) width = int.Max(width, VisibleText.Width(VisibleText.Shorten(c.Label, NameColumns)));
        _terminal.Say(path);
        if (report.Unknown == true)
        {
            string nearest = $"{VisibleText.Shorten(classes[0].Label, NameColumns)} {Format.Percent(classes[0].Probability)}";
            string numbers = Format.Invariant($"similarity {Cut(report.Similarity!.Value):0.00##}, below {report.Threshold!.Value:0.00##}");
            _terminal.Say($"  unknown ({numbers}); nearest: {nearest}");
            return;
        }

        foreach (ClassReport c in classes)
            _terminal.Say($"  {VisibleText.Pad(VisibleText.Shorten(c.Label, NameColumns), width)}  {Format.Percent(c.Probability),6}");
    }

    /// <summary>Four digits, cut, as thresholds have: what is just below one must not be printed as equal to it.</summary>
    private static double Cut(float similarity) => Math.Floor(similarity * 10_000.0) / 10_000;
}
