using System;
using System.Collections.Generic;
using System.Threading;
using Thomas.Data;
using Thomas.Runtime;

namespace Thomas.Training;

/// <summary>What to evaluate with.</summary>
public sealed record EvaluationOptions
{
    /// <summary>Overrides what the model says.</summary>
    public Preprocessing? Preprocessing { get; init; }

    /// <summary>Device and threads.</summary>
    public CompileOptions Compile { get; init; } = new();

    /// <summary>Folder for prepared pictures; null keeps them in memory.</summary>
    public string? CacheDirectory { get; init; }
}

/// <summary>What a model got right on labelled pictures.</summary>
public sealed class Evaluation
{
    internal Evaluation(IReadOnlyList<string> labels, ConfusionMatrix confusion, double top5, IReadOnlyList<BrokenPicture> broken, PictureInput input, StageTimes times, IReadOnlyList<string> notes, IReadOnlyList<string> kernels)
    {
        Labels = labels;
        Confusion = confusion;
        Top5Accuracy = top5;
        Broken = broken;
        Input = input;
        Times = times;
        Notes = notes;
        Kernels = kernels;
    }

    /// <summary>The model's class names, in the order of <see cref="Confusion"/>.</summary>
    public IReadOnlyList<string> Labels { get; }

    /// <summary>Counts by true and predicted class; the classes are the model's.</summary>
    public ConfusionMatrix Confusion { get; }

    /// <summary>Share of pictures whose class is among the five best.</summary>
    public double Top5Accuracy { get; }

    /// <summary>Pictures that could not be decoded and were left out.</summary>
    public IReadOnlyList<BrokenPicture> Broken { get; }

    /// <summary>The preprocessing used.</summary>
    public PictureInput Input { get; }

    /// <summary>What each stage took.</summary>
    public StageTimes Times { get; }

    /// <summary>What a person should know about how the figures came about.</summary>
    public IReadOnlyList<string> Notes { get; }

    /// <summary>Names of the kernels that computed, in the order they run.</summary>
    public IReadOnlyList<string> Kernels { get; }
}

/// <summary>Measures the accuracy of a classifier on labelled pictures.</summary>
public static class Evaluator
{
    /// <summary>Classifies all pictures of a data set.</summary>
    /// <param name="model">The model; its labels must contain the data set's classes, or there must be as many of both and no labels.</param>
    /// <param name="dataset">The pictures; where the set is split, only those marked for validation, or for test if there are none.</param>
    /// <param name="decoder">The picture decoder.</param>
    /// <param name="options">Device, preprocessing, cache.</param>
    /// <param name="progress">Told stage, pictures done and pictures in all.</param>
    /// <param name="cancellation">Ends the work soon.</param>
    /// <exception cref="ThomasException">The model is no picture classifier, or its classes are others than the data set's.</exception>
    public static Evaluation Evaluate(
        Model model, Dataset dataset, IImageDecoder decoder, EvaluationOptions? options = null, IProgress<StageProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(dataset);
        ArgumentNullException.ThrowIfNull(decoder);
        options ??= new EvaluationOptions();
        PictureInput input = PictureInput.Of(model, options.Preprocessing);
        ModelChecks.RequireFinite(model);
        List<string> notes = [];
        int classes = ImageClassifier.ClassCount(model);
        int[] classMap = MapClasses(model, dataset, classes, notes);
        if (dataset.Has(Subset.Validation))
        {
            dataset = dataset.Only(Subset.Validation);
            notes.Add("the data set is split: only its validation pictures count");
        }
        else if (dataset.Has(Subset.Test) && (dataset.Has(Subset.Train) || dataset.Has(Subset.Unassigned)))
        {
            dataset = dataset.Only(Subset.Test);
            notes.Add("the data set is split: only its test pictures count");
        }

        StageTimer timer = new();
        PreparedSet set;
        using (timer.Measure("decode"))
        {
            PreparedSetOptions prepare = new() { Preprocessing = input.Preprocessing, CacheDirectory = options.CacheDirectory, Threads = options.Compile.Threads, MayLoseClasses = true };
            set = PreparedSet.Create(dataset, decoder, prepare, StageProgress.Decoding(progress), cancellation);
        }

        using (set)
        {
            ConfusionMatrix confusion = new(classes);
            int top5 = 0;
            IReadOnlyList<string> kernels;
            using (timer.Measure("infer"))
            {
                kernels = FeatureExtractor.Run(
                    model.Graph,
                    set,
                    options.Compile,
                    (index, _, scores) =>
                    {
                        int truth = classMap[set.Label(index)];
                        confusion.Add(truth, TopK.Best(scores));
                        top5 += TopK.Contains(scores, truth, 5) ? 1 : 0;
                    },
                    StageProgress.Counting(progress, "infer", set.Count),
                    cancellation);
            }

            foreach (string notice in set.Notices)
            {
                notes.Add(notice);
                progress?.Report(StageProgress.Warning("decode", notice));
            }

            return new Evaluation(ImageClassifier.LabelsOf(model, classes), confusion, (double)top5 / set.Count, set.Broken, input, timer.Times, notes, kernels);
        }
    }

    /// <summary>The model's class of each of the data set's classes.</summary>
    private static int[] MapClasses(Model model, Dataset dataset, int classes, List<string> notes)
    {
        int[] map = new int[dataset.ClassNames.Count];
        if (model.Info.Labels is null)
        {
            if (dataset.ClassNames.Count != classes)
                throw new ThomasException($"{model.Info.Name} has {classes} outputs without labels, the data set has {dataset.ClassNames.Count} classes; give the model's labels.");
            for (int i = 0; i < map.Length; i++) map[i] = i;
            notes.Add("the model has no labels: its outputs are taken in the order of the data set's classes");
            return map;
        }

        Dictionary<string, int> byName = new(StringComparer.OrdinalIgnoreCase);
        IReadOnlyList<string> labels = ImageClassifier.LabelsOf(model, classes);
        for (int i = 0; i < labels.Count; i++) byName.TryAdd(labels[i].Trim(), i);
        List<string> missing = [];
        for (int i = 0; i < map.Length; i++)
        {
            if (!byName.TryGetValue(dataset.ClassNames[i].Trim(), out map[i])) missing.Add(dataset.ClassNames[i]);
        }

        if (missing.Count > 0) throw new ThomasException($"{model.Info.Name} does not know {missing.Count} of the data set's classes: {string.Join(", ", missing)}.");
        return map;
    }
}
