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

    /// <summary>Folder for prepared images; null keeps them in memory.</summary>
    public string? CacheDirectory { get; init; }

    /// <summary>The most images of one run of inference; the results do not depend on it.</summary>
    internal int LargestBatch { get; init; } = FeatureExtractor.DefaultBatch;
}

/// <summary>What a model got right on labelled images.</summary>
public sealed class Evaluation
{
    internal Evaluation(
        ClassOutput output,
        ConfusionMatrix confusion,
        double top5,
        IReadOnlyList<BrokenImage> broken,
        ImageInput input,
        StageTimes times,
        IReadOnlyList<string> notes,
        IReadOnlyList<string> warnings,
        IReadOnlyList<string> kernels,
        IReadOnlyList<ImagePrediction> predictions)
    {
        Output = output;
        Predictions = predictions;
        Warnings = warnings;
        Confusion = confusion;
        Top5Accuracy = top5;
        Broken = broken;
        Input = input;
        Times = times;
        Notes = notes;
        Kernels = kernels;
    }

    /// <summary>Which of the model's outputs was read, and what its numbers mean.</summary>
    public ClassOutput Output { get; }

    /// <summary>The model's class names, in the order of <see cref="Confusion"/>.</summary>
    public IReadOnlyList<string> Labels => Output.Labels;

    /// <summary>Counts by true and predicted class; the classes are the model's.</summary>
    public ConfusionMatrix Confusion { get; }

    /// <summary>What the model made of each image, in the order of the data set; <see cref="ImagePrediction.WorstFirst"/> sorts them.</summary>
    public IReadOnlyList<ImagePrediction> Predictions { get; }

    /// <summary>
    /// How many of the images the model calls unknown (<see cref="Recognition.IsUnknown"/>) though they are of its classes; null where it carries no threshold.
    /// </summary>
    public int? Refused { get; internal init; }

    /// <summary>The similarity below which the model calls an image unknown; null where it carries none.</summary>
    public float? UnknownThreshold { get; internal init; }

    /// <summary>Share of images whose class is among the five best.</summary>
    public double Top5Accuracy { get; }

    /// <summary>Images that could not be decoded and were left out.</summary>
    public IReadOnlyList<BrokenImage> Broken { get; }

    /// <summary>The preprocessing used.</summary>
    public ImageInput Input { get; }

    /// <summary>What each stage took.</summary>
    public StageTimes Times { get; }

    /// <summary>What a person should know about how the figures came about.</summary>
    public IReadOnlyList<string> Notes { get; }

    /// <summary>What makes the figures doubtful, for example classes whose images could not be read; to be shown to the user.</summary>
    public IReadOnlyList<string> Warnings { get; }

    /// <summary>The model's classes that no image was of; nothing is known about them.</summary>
    public IReadOnlyList<string> UncheckedClasses => Confusion.WithoutSamples(Labels);

    /// <summary>Names of the kernels that computed, in the order they run.</summary>
    public IReadOnlyList<string> Kernels { get; }
}

/// <summary>Measures the accuracy of a classifier on labelled images.</summary>
/// <example>
/// <code>
/// Evaluation evaluation = Evaluator.Evaluate(model, DatasetLoader.Load("flowers/val"), ImageDecoders.Best());
/// Console.WriteLine($"{evaluation.Confusion.Accuracy:P1} ({evaluation.Confusion.AccuracyInterval})");
/// </code>
/// </example>
public static class Evaluator
{
    /// <summary>Classifies all images of a data set.</summary>
    /// <param name="model">The model; its labels must contain the data set's classes, or there must be as many of both and no labels.</param>
    /// <param name="dataset">The images; where the set is split, only those marked for validation, or for test if there are none.</param>
    /// <param name="decoder">The image decoder.</param>
    /// <param name="options">Device, preprocessing, cache.</param>
    /// <param name="progress">Told stage, images done and images in all.</param>
    /// <param name="cancellation">Ends the work soon.</param>
    /// <exception cref="ThomasException">The model is no image classifier, or its classes are others than the data set's.</exception>
    public static Evaluation Evaluate(
        Model model, Dataset dataset, IImageDecoder decoder, EvaluationOptions? options = null, IProgress<StageProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(dataset);
        ArgumentNullException.ThrowIfNull(decoder);
        options ??= new EvaluationOptions();
        ArgumentNullException.ThrowIfNull(options.Compile);
        if (dataset.Samples.Count == 0) throw new DataException($"{dataset.Name} has no images to evaluate.");
        ImageInput input = ImageInput.Of(model, options.Preprocessing);
        ModelChecks.RequireFinite(model);
        List<string> notes = [], warnings = [];
        ClassOutput output = ClassOutput.Of(model);
        if (output.Warning is not null) warnings.Add(output.Warning);
        if (output.IsBinary || output.IsIndependent || model.Graph.Outputs.Count > 1) notes.Add($"the model's output is {output.Description}");
        if (output.IsIndependent) notes.Add("the class with the highest probability counts as the answer");
        int[] classMap = MapClasses(model, output, dataset, notes);
        Dataset whole = dataset;
        if (dataset.Has(Subset.Validation))
        {
            dataset = dataset.Only(Subset.Validation);
            notes.Add("the data set is split: only its validation images are evaluated");
        }
        else if (dataset.Has(Subset.Test) && (dataset.Has(Subset.Train) || dataset.Has(Subset.Unassigned)))
        {
            dataset = dataset.Only(Subset.Test);
            notes.Add("the data set is split: only its test images are evaluated");
        }

        StageTimer timer = new();
        PreparedSet set;
        using (timer.Measure("decode"))
        {
            PreparedSetOptions prepare = new()
            {
                Preprocessing = input.Preprocessing,
                CacheDirectory = options.CacheDirectory,
                Threads = options.Compile.Threads,
                MayLoseClasses = true,
            };
            set = PreparedSet.Create(dataset, decoder, prepare, StageProgress.Decoding(progress), cancellation);
        }

        using (set)
        {
            ConfusionMatrix confusion = new(output.Classes);
            UnknownDetector? unknown = UnknownDetector.Of(model);
            int top5 = 0, refused = 0;
            List<ImagePrediction> predictions = new(set.Count);
            float[] probabilities = new float[output.Classes];
            ImageSamples samples = new(set, new Preprocessor(input.Preprocessing), new Augmentation(), classMap);
            IReadOnlyList<string> kernels;
            using (timer.Measure("infer"))
            {
                kernels = FeatureExtractor.Run(
                    unknown?.Graph ?? output.Alone().Graph,
                    samples,
                    options.Compile,
                    (index, _, values) =>
                    {
                        ReadOnlySpan<float> numbers = values[..output.Numbers];
                        refused += unknown?.Similarity(values) < unknown?.Threshold ? 1 : 0;
                        int truth = samples.Label(index);
                        ImagePrediction prediction = ImagePrediction.Of(output, numbers, set.Dataset.Samples[index].Image, truth, probabilities);
                        predictions.Add(prediction);
                        confusion.Add(truth, prediction.Predicted);
                        top5 += TopK.Contains(output.ToScores(numbers, stackalloc float[2]), truth, 5) ? 1 : 0;
                    },
                    StageProgress.Counting(progress, "infer", set.Count),
                    cancellation,
                    options.LargestBatch,
                    notes.Add);
            }

            foreach (string notice in set.Notices)
            {
                notes.Add(notice);
                progress?.Report(StageProgress.Warning("decode", notice));
            }

            warnings.AddRange(LostClasses.Of(dataset, set.Dataset, "image"));
            warnings.AddRange(DatasetWarnings.Of(whole.Only(Subset.Train).Samples, set.Dataset.Samples, whole.ClassNames, cancellation));
            return new Evaluation(output, confusion, (double)top5 / set.Count, set.Broken, input, timer.Times, notes, warnings, kernels, predictions)
            {
                Refused = unknown is null ? null : refused,
                UnknownThreshold = unknown?.Threshold,
            };
        }
    }

    /// <summary>Classifies images that are prepared already, such as those that a model was just validated with.</summary>
    /// <param name="model">The model; its labels must contain the set's classes, or there must be as many of both and no labels.</param>
    /// <param name="images">The images, of the model's size.</param>
    /// <param name="options">Device and preprocessing; the cache is not used.</param>
    /// <param name="progress">Told stage, images done and images in all.</param>
    /// <param name="cancellation">Ends the work soon.</param>
    /// <returns>What the model made of each image, in the order of the set.</returns>
    /// <exception cref="ThomasException">The model is not an image classifier, or its classes are others than the set's.</exception>
    /// <exception cref="ArgumentException">The images have another size than the model takes.</exception>
    public static IReadOnlyList<ImagePrediction> Predict(
        Model model, PreparedSet images, EvaluationOptions? options = null, IProgress<StageProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(images);
        options ??= new EvaluationOptions();
        ArgumentNullException.ThrowIfNull(options.Compile);
        ImageInput input = ImageInput.Of(model, options.Preprocessing);
        ModelChecks.RequireFinite(model);
        if (images.CropBytes != new Preprocessor(input.Preprocessing).CropBytes || images.Preprocessing.Width != input.Preprocessing.Width)
        {
            throw new ArgumentException(
                $"The images are prepared at {images.Preprocessing.Width}x{images.Preprocessing.Height}; {model.Info.Name} takes "
                + $"{input.Preprocessing.Width}x{input.Preprocessing.Height}.", nameof(images));
        }

        ClassOutput output = ClassOutput.Of(model);
        ImageSamples samples = new(images, new Preprocessor(input.Preprocessing), new Augmentation(), MapClasses(model, output, images.Dataset, []));
        List<ImagePrediction> predictions = new(images.Count);
        float[] probabilities = new float[output.Classes];
        FeatureExtractor.Run(
            output.Alone().Graph,
            samples,
            options.Compile,
            (index, _, numbers) => predictions.Add(
                ImagePrediction.Of(output, numbers, images.Dataset.Samples[index].Image, samples.Label(index), probabilities)),
            StageProgress.Counting(progress, "infer", images.Count),
            cancellation,
            options.LargestBatch);
        return predictions;
    }

    /// <summary>The model's class of each of the data set's classes.</summary>
    private static int[] MapClasses(Model model, ClassOutput output, Dataset dataset, List<string> notes)
    {
        IReadOnlyList<string> names = dataset.ClassNames;
        if (model.Info.Labels is null)
        {
            if (names.Count != output.Classes)
            {
                throw new ThomasException(
                    $"{model.Info.Name} has {output.Classes} classes without names, the data set has {names.Count} classes; give the model's labels.");
            }

            int[] order = new int[names.Count];
            for (int i = 0; i < order.Length; i++) order[i] = i;
            notes.Add(output.IsBinary
                ? $"the model has no labels: low output values are assumed to mean '{names[0]}', high ones '{names[1]}', in the order of the data "
                + $"set's classes"
                : "the model has no labels: its outputs are assumed to be in the order of the data set's classes");
            return order;
        }

        int[] map = MatchNames(model, output, names, notes);
        List<string> missing = [];
        for (int i = 0; i < map.Length; i++)
        {
            if (map[i] < 0) missing.Add(names[i]);
        }

        if (missing.Count > 0)
        {
            throw new ThomasException(
                $"{model.Info.Name} does not know {missing.Count} of the data set's classes: {string.Join(", ", missing)}. It knows {Few(output.Labels)}; "
                + $"give other names with --labels.");
        }

        return map;
    }

    /// <summary>Where a single output has one name, the data set's other class is what is not of it.</summary>
    private static int[] MatchNames(Model model, ClassOutput output, IReadOnlyList<string> names, List<string> notes)
    {
        int[] map = ClassNames.Match(model.Info.Name, output.Labels, names, notes);
        if (!output.IsBinary || model.Info.Labels!.Count != 1 || names.Count != 2) return map;
        int positive = Array.IndexOf(map, 1), other = Array.IndexOf(map, -1);
        if (positive < 0 || other < 0) return map;
        map[other] = 0;
        notes.Add($"'{names[other]}' is matched to '{output.Labels[0]}', since the model names only '{names[positive]}'");
        return map;
    }

    private static string Few(IReadOnlyList<string> labels)
    {
        List<string> few = [];
        for (int i = 0; i < labels.Count && i < 5; i++) few.Add(labels[i]);
        return string.Join(", ", few) + (labels.Count > few.Count ? $" and {labels.Count - few.Count} more" : "");
    }
}
