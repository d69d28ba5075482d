using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Thomas.Autodiff;
using Thomas.Data;

namespace Thomas.Training;

/// <summary>
/// Tunes a classifier to new classes. The frozen part turns every image into a feature vector once, and a linear head is trained on those vectors by softmax
/// cross-entropy. Where more than the last layer is to be trained, <see cref="Trainer"/> goes on from there: random weights in the last layer would send large
/// wrong gradients through all others (Kumar et al. 2022).
/// </summary>
/// <example>
/// <code>
/// Model model = Model.Load("mobilenet_v2.onnx");
/// TuningResult result = Tuner.Tune(model, DatasetLoader.Load("flowers"), ImageDecoders.Best());
/// Console.WriteLine($"{result.Before.Accuracy:P1} before, {result.After.Accuracy:P1} after");
/// result.Model.Save("flowers.tflite");
/// </code>
/// </example>
public static class Tuner
{
    /// <summary>Tunes a model.</summary>
    /// <param name="model">An image classifier or feature extractor.</param>
    /// <param name="dataset">The images; split by seed where it is not split already.</param>
    /// <param name="decoder">The image decoder.</param>
    /// <param name="options">How.</param>
    /// <param name="progress">Told how far each stage is.</param>
    /// <param name="epochs">Told the figures of every epoch.</param>
    /// <param name="cancellation">Before training begins it ends the work with an exception; during training the best weights so far are returned.</param>
    /// <returns>The tuned model and the report of the run.</returns>
    /// <exception cref="ThomasException">The model cannot be tuned, or the data set is not usable; the message says what to do.</exception>
    /// <exception cref="OperationCanceledException">
    /// Cancelled before there was anything to keep, or before a run that resumes had continued from its checkpoint, which then holds the best weights.
    /// </exception>
    public static TuningResult Tune(
        Model model,
        Dataset dataset,
        IImageDecoder decoder,
        TuningOptions? options = null,
        IProgress<StageProgress>? progress = null,
        IProgress<EpochReport>? epochs = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(dataset);
        ArgumentNullException.ThrowIfNull(decoder);
        options ??= new TuningOptions();
        options.Validate();
        if (options.MemoryBytes is null || options.CacheDirectory is not null)
        {
            return new TuningJob(model, dataset, decoder, options, progress, cancellation).Run(epochs);
        }

        // What would lie in memory lies in files.
        using ScratchFolder folder = new();
        return new TuningJob(model, dataset, decoder, options with { CacheDirectory = folder.Path }, progress, cancellation).Run(epochs);
    }

    /// <summary>Plans what <see cref="Tune"/> will add to the process.</summary>
    /// <param name="model">The model.</param>
    /// <param name="dataset">The images.</param>
    /// <param name="options">The options of the run.</param>
    /// <returns>The plan, which keeps to <see cref="TuningOptions.MemoryBytes"/>.</returns>
    /// <exception cref="ThomasException">It does not fit; the message names the smallest bound that works. Or the model cannot be tuned.</exception>
    public static RunPlan Plan(Model model, Dataset dataset, TuningOptions options)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(dataset);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        int classes = dataset.ClassNames.Count + (options.KeepClasses ? ClassOutput.Of(model).Classes : 0);
        return RunPlanner.Plan(model, PlanOptions(options, classes, dataset.Samples.Count, dataset.HeldBytes, model));
    }

    /// <summary>What the planner is told of a run, whether it is to be run or only planned.</summary>
    /// <param name="options">The options of the run.</param>
    /// <param name="classes">Classes of the last layer.</param>
    /// <param name="images">Training and validation images; 0 where they are not known yet.</param>
    /// <param name="datasetBytes">Bytes that the data set holds in memory.</param>
    /// <param name="model">The model.</param>
    internal static RunPlanOptions PlanOptions(TuningOptions options, int classes, int images, long datasetBytes, Model model) => new()
    {
        ExtraRows = options.KeepClasses ? ExtraRows(model, images, options.Views) : 0,
        Network = options.Network is TrainerOptions network ? network.ToPlan(images) with { Compile = options.Compile } : null,
        LastLayerFirst = options.Network?.Policy.Kind != UpdateKind.Scratch,
        Classes = classes,
        Images = images,
        DatasetBytes = datasetBytes,
        Views = options.Views,
        Head = options.Head,
        MemoryBytes = options.MemoryBytes,
        PreparationBytes = options.PreparationBytes,
        LoaderThreads = options.Network?.LoaderThreads ?? 0,
        Compile = options.Compile,
    };

    /// <summary>Rows that stand for old classes, once as they are and once in a copy of all rows.</summary>
    private static long ExtraRows(Model model, int images, int views)
    {
        int extras = ClassAddition.MostExtras(ClassOutput.Of(model).Classes, model.Info.Rehearsal);
        return ((long)(images + extras) * views) + extras;
    }

    /// <summary>As <see cref="Tune"/>, on a thread of its own; <paramref name="progress"/> and <paramref name="epochs"/> are told from there.</summary>
    /// <param name="model">An image classifier or feature extractor.</param>
    /// <param name="dataset">The images; split by seed where it is not split already.</param>
    /// <param name="decoder">The image decoder.</param>
    /// <param name="options">How.</param>
    /// <param name="progress">Told how far each stage is. A <see cref="Progress{T}"/> passes it on to the thread that made it, such as that of a
    /// window.</param>
    /// <param name="epochs">Told the figures of every epoch.</param>
    /// <param name="cancellation">Before training begins it cancels the task; during training the task ends with the best weights so far.</param>
    /// <returns>The tuned model and the report of the run.</returns>
    /// <exception cref="ThomasException">The model cannot be tuned, or the data set is not usable; the message says what to do.</exception>
    /// <exception cref="OperationCanceledException">Cancelled before there was anything to keep.</exception>
    public static Task<TuningResult> TuneAsync(
        Model model,
        Dataset dataset,
        IImageDecoder decoder,
        TuningOptions? options = null,
        IProgress<StageProgress>? progress = null,
        IProgress<EpochReport>? epochs = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(dataset);
        ArgumentNullException.ThrowIfNull(decoder);
        return Task.Factory.StartNew(
            () => Tune(model, dataset, decoder, options, progress, epochs, cancellation), cancellation, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Finds out what tuning the last layer of a model would do, without doing it.</summary>
    /// <param name="model">The model.</param>
    /// <returns>What would be tuned.</returns>
    /// <exception cref="ThomasException">The model cannot be tuned; the message says why.</exception>
    public static TunableHead Describe(Model model)
    {
        ArgumentNullException.ThrowIfNull(model);
        HeadSplit split = HeadSplit.Find(model);
        return new TunableHead(split.Description, split.FeatureCount, split.Head?.Classes);
    }

    /// <summary>Gives a model an untrained last layer for other classes: weights and bias are 0, so every class scores the same.</summary>
    /// <param name="model">An image classifier or feature extractor.</param>
    /// <param name="labels">Names of the new classes, 2 to 32,768.</param>
    /// <returns>The model with the new layer; the others keep their weights.</returns>
    /// <exception cref="ThomasException">The model has no last layer that could be replaced; the message says why.</exception>
    public static Model WithNewHead(Model model, IReadOnlyList<string> labels)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(labels);
        ArgumentOutOfRangeException.ThrowIfLessThan(labels.Count, 2);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(labels.Count, ConfusionMatrix.MostClasses);
        foreach (string label in labels) ArgumentException.ThrowIfNullOrWhiteSpace(label, nameof(labels));
        HeadSplit split = HeadSplit.Find(model);
        if ((long)labels.Count * split.FeatureCount > Array.MaxLength)
        {
            throw new ArgumentOutOfRangeException(
                nameof(labels), labels.Count, $"{labels.Count} classes of {split.FeatureCount} features need too many weights.");
        }

        return split.WithNewHead(labels.Count, labels);
    }
}
