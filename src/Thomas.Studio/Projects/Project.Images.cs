using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using Thomas.Studio.Runs;
using Thomas.Training;

namespace Thomas.Studio.Projects;

/// <content>Images, and what the networks make of them.</content>
internal sealed partial class Project
{
    /// <summary>Adds an image. Its file is on the disk before it counts.</summary>
    /// <exception cref="StudioException">There are too many.</exception>
    /// <exception cref="ThomasException">It is no image, or the disk is full.</exception>
    public AddedReply Add(string @class, ReadOnlyMemory<byte> encoded)
    {
        int most = _settings.Limits.ImagesPerProject;
        if (_session.Items.Count >= most)
        {
            throw StudioException.TooMany(
                ErrorCode.TooManyImages, string.Create(CultureInfo.InvariantCulture, $"A project has at most {most} images."), most);
        }

        lock (_gate)
        {
            List<string> names = ClassNames();
            if (!names.Contains(@class))
            {
                if (names.Count >= SessionState.MaximumClasses) throw TooManyClasses();
                Save(_file with { Classes = [.. names, @class] });
            }
        }

        TuningSessionItem item = _session.Add(@class, encoded, id => _pictures.Write(id, encoded.Span), _pictures.Remove);
        Changed();
        return new AddedReply(ToReply(item), _session.Items.Count);
    }

    /// <summary>Images of a class or of all, the newest first.</summary>
    /// <param name="class">The class; null for all.</param>
    /// <param name="before">Only those older than this image; null for all.</param>
    /// <param name="count">The most to list.</param>
    public ItemsReply List(string? @class, long? before, int count)
    {
        IReadOnlyList<TuningSessionItem> items = _session.Items;
        List<ItemReply> listed = [];
        int total = 0;
        for (int i = items.Count - 1; i >= 0; i--)
        {
            TuningSessionItem item = items[i];
            if (@class is not null && item.Label != @class) continue;
            total++;
            if (listed.Count < count && (before is null || item.Id < before)) listed.Add(ToReply(item));
        }

        return new ItemsReply(listed, total);
    }

    /// <summary>An encoded image and its type. One that was removed is still there while that can be undone.</summary>
    /// <exception cref="StudioException">There is none.</exception>
    public (byte[] Encoded, string Type) Picture(long id)
    {
        (string path, string type) = _pictures.Find(id) ?? throw NoImage();
        return (InputFile.ReadAll(path, int.MaxValue), type);
    }

    /// <summary>Removes an image.</summary>
    /// <exception cref="StudioException">There is none.</exception>
    public void Remove(long id)
    {
        lock (_gate)
        {
            RequireImage(id);
            _session.Remove(id);
        }

        Changed();
    }

    /// <summary>Puts an image into another class.</summary>
    /// <exception cref="StudioException">There is no such image, or there are too many classes.</exception>
    public void Relabel(long id, string @class)
    {
        lock (_gate)
        {
            RequireImage(id);
            List<string> names = ClassNames();
            if (!names.Contains(@class))
            {
                if (names.Count >= SessionState.MaximumClasses) throw TooManyClasses();
                Save(_file with { Classes = [.. names, @class] });
            }

            _session.Relabel(id, @class);
        }

        Changed();
    }

    /// <summary>Classifies an image.</summary>
    /// <param name="which"><c>head</c>, <c>run</c>, or <c>model</c> for the network as it came.</param>
    /// <param name="encoded">The image.</param>
    /// <param name="top">The most classes to list.</param>
    public ClassifyReply Classify(string which, ReadOnlyMemory<byte> encoded, int top)
    {
        long start = Stopwatch.GetTimestamp();
        IReadOnlyList<ClassScore> scores = which switch
        {
            "head" => ByHead(encoded, top),
            "run" => (Run ?? throw NoRun()).Classify(encoded, top),
            "model" => ByModel(encoded, top),
            _ => throw BadWhich(),
        };
        List<ScoreReply> replies = new(scores.Count);
        foreach (ClassScore score in scores) replies.Add(new ScoreReply(score.Label, score.Probability));
        return new ClassifyReply(replies, Stopwatch.GetElapsedTime(start).TotalMilliseconds, which);
    }

    /// <summary>How good the head, or the network of the run, is.</summary>
    public ReportReply Report(string which) => which switch
    {
        "head" => HeadReport(),
        "run" => RunReport(),
        _ => throw BadWhich(),
    };

    /// <summary>Writes a model file, which stays in the project.</summary>
    /// <param name="which"><c>head</c> or <c>run</c>.</param>
    /// <param name="ending"><c>.tflite</c> or <c>.onnx</c>.</param>
    /// <returns>Its path.</returns>
    public string Export(string which, string ending)
    {
        Model model = which switch
        {
            "head" => _session.IsTrained ? _session.ToModel() : throw NotTrained(),
            "run" => (Run ?? throw NoRun()).Load(),
            _ => throw BadWhich(),
        };
        lock (_gate)
        {
            string folder = Directory.CreateDirectory(Path.Combine(_folder, "exports")).FullName;
            long last = 0;
            List<(long Number, string Path)> exports = [];
            foreach (string path in Directory.GetFiles(folder))
            {
                string number = Path.GetFileName(path).Split('-')[0];
                if (!long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out long value)) continue;
                exports.Add((value, path));
                last = long.Max(last, value);
            }

            string file = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{last + 1}-{which}{ending}"));
            ModelFiles.Save(model, file, new SaveOptions());
            exports.Sort();
            for (int i = 0; i <= exports.Count - MostExports; i++) TemporaryFile.TryDelete(exports[i].Path);
            return file;
        }
    }

    private static ItemReply ToReply(TuningSessionItem item) => new(item.Id, item.Label, item.Added);

    private static StudioException NoImage() => StudioException.NotFound("There is no such image.");

    private static StudioException NotTrained() => StudioException.Cannot(
        ErrorCode.NotTrained, "The last layer is not trained yet: it needs images of two classes.");

    private static StudioException BadWhich() => StudioException.Bad("'which' must be head or run.");

    private void RequireImage(long id)
    {
        IReadOnlyList<TuningSessionItem> items = _session.Items;
        int low = 0, high = items.Count - 1;
        while (low <= high)
        {
            int middle = (low + high) / 2;
            if (items[middle].Id == id) return;
            if (items[middle].Id < id) low = middle + 1;
            else high = middle - 1;
        }

        throw NoImage();
    }

    private IReadOnlyList<ClassScore> ByHead(ReadOnlyMemory<byte> encoded, int top) =>
        _session.IsTrained ? _session.Classify(encoded, top) : throw NotTrained();

    private IReadOnlyList<ClassScore> ByModel(ReadOnlyMemory<byte> encoded, int top)
    {
        if (!_stored.HasLabels) throw StudioException.Cannot(ErrorCode.NoLabels, "The network has no class names of its own.");
        lock (_ownGate)
        {
            _own ??= new ImageClassifier(_model, options: _settings.Compile.Unsplit);
            return _own.Classify(_settings.Decoder(0), encoded, top);
        }
    }

    private ReportReply HeadReport()
    {
        if (_session.LastTraining is not TuningSessionReport report)
        {
            return new ReportReply(false, Sentence.Of("nothing: the last layer is not trained yet"), null, null, null, [], [], [], 0);
        }

        List<WrongReply> wrong = [];
        foreach (SessionMistake mistake in report.Mistakes)
            wrong.Add(new WrongReply(mistake.Id, report.Labels[mistake.Actual], report.Labels[mistake.Predicted], mistake.Probability));
        return ReportOf(report.Before, report.After, report.Labels, report.Checked, wrong, report.Warnings, report.Duration.TotalSeconds);
    }

    private ReportReply RunReport()
    {
        if (Run is not { HasResult: true } run) throw new StudioException(404, ErrorCode.NoRun, "There is no run with a result.");
        RunFile file = run.Record;
        List<WrongReply> wrong = [];
        foreach (RunMistake mistake in file.Mistakes ?? [])
            wrong.Add(new WrongReply(mistake.Item, file.Labels[mistake.Actual], file.Labels[mistake.Predicted], mistake.Probability));
        return ReportOf(
            file.Before is null ? null : new ConfusionMatrix(file.Before), file.After is null ? null : new ConfusionMatrix(file.After), file.Labels,
            file.Checked, wrong, file.Notices, file.Seconds);
    }

    private static ReportReply ReportOf(
        ConfusionMatrix? before, ConfusionMatrix? after, IReadOnlyList<string> labels, string measured, List<WrongReply> wrong, IReadOnlyList<string> warnings,
        double seconds)
    {
        List<PerClassReply> perClass = [];
        foreach (ClassMetrics metrics in after?.PerClass() ?? [])
            perClass.Add(new PerClassReply(labels[metrics.Class], metrics.Recall, metrics.Precision, metrics.Support));
        wrong.Sort(static (a, b) => b.Probability.CompareTo(a.Probability));
        return new ReportReply(
            true, Sentence.Of(measured), ProjectRun.ShareOf(before), ProjectRun.ShareOf(after),
            after is null ? null : new ConfusionReply(labels, after.ToRows()), perClass, wrong, Sentence.All(warnings), seconds);
    }
}
