using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Threading;
using Thomas.Autodiff;
using Thomas.Data;
using Thomas.Graphs;
using Thomas.Runtime;

namespace Thomas.Training;

/// <summary>One call of <see cref="Tuner.Tune"/>.</summary>
internal sealed partial class TuningJob(
    Model model, Dataset dataset, IImageDecoder decoder, TuningOptions options, IProgress<StageProgress>? progress, CancellationToken cancellation)
{
    private const int ListedClasses = 5;

    // Validation images that the threshold of a trained network is found on: their features are computed once more.
    private const int ThresholdImages = 400;

    private readonly StageTimer _timer = new();
    private readonly List<string> _notes = [];
    private readonly List<string> _warnings = [];
    private readonly GuardWatch? _watch = StageProgress.Watch(options.Guard, progress);
    private readonly List<BrokenImage> _broken = [];
    private IReadOnlyList<string> _kernels = [];
    private RunPlan? _plan;
    private UnknownThreshold? _unknown;
    private string? _unknownProblem;

    public TuningResult Run(IProgress<EpochReport>? epochs)
    {
        if (_watch is GuardWatch watch) _timer.Paused = () => watch.Paused;

        // Asked before the run writes one of its own.
        bool continues = options.Network is { Resume: true, CheckpointPath: string checkpoint } && File.Exists(checkpoint);
        ImageInput input = ImageInput.Of(model, options.Preprocessing);
        ModelChecks.RequireFinite(model);
        if (options.Network is not null && options.KeepClasses)
        {
            throw new ThomasException(
                "The old classes can be kept only when just the last layer is tuned: otherwise the new images change the layers before it, and with them "
                + "the old classes.");
        }

        _notes.Add($"preprocessing {input.Source}");
        HeadSplit split = HeadSplit.Find(model);
        _notes.Add(split.Description);
        if (model.Graph.Outputs.Count > 1)
        {
            _notes.Add($"the model has {model.Graph.Outputs.Count} outputs; the tuned model has one: {ClassOutput.Find(model).Description}");
        }

        _warnings.AddRange(ClassNames.Alike(dataset.ClassNames));
        (LinearHead? oldHead, List<string> labels, int[] outputs) = Classes(split);
        dataset.CheckTrainable(mayBeOneClass: oldHead is not null);
        if (options.MemoryBytes is not null) _plan = Tuner.Plan(model, dataset, options);
        else if (options.Network is not null) CheckPlan(labels);
        Trim();
        _watch?.Pass("decode", cancellation);
        Dataset divided = Divide();

        // What the network is trained on is prepared large enough for its random crops; the features then come from the same images.
        PreparedSetOptions prepare = PrepareOptions(input);
        Preprocessing enlarged = options.Network is null ? input.Preprocessing : Trainer.PrepareFor(input.Preprocessing, options.Network.Augmentation);
        using PreparedSet trainImages = Prepare(divided.Only(Subset.Train), prepare with
        {
            Preprocessing = enlarged,
            Augmentation = options.Augmentation,
            Views = options.Views,
        });
        Graph features = split.FeatureGraph();
        FeatureMatrix train = Features(features, trainImages, divided.Only(Subset.Train), input, outputs, isCheck: false);
        using IDisposable owned = train;
        if (options.Network is null) trainImages.Dispose();
        using PreparedSet validationImages = Prepare(divided.Only(Subset.Validation), prepare with { MayLoseClasses = true });
        using FeatureMatrix validation = Features(features, validationImages, divided.Only(Subset.Validation), input, outputs, isCheck: true);

        KeptClasses? kept = oldHead is null ? null : KeptClasses.Of(oldHead, labels.Count, Rehearsed(oldHead), validation);
        _warnings.AddRange(DatasetWarnings.Of(trainImages.Dataset.Samples, validationImages.Dataset.Samples, dataset.ClassNames, cancellation));
        IReadOnlyList<LabelSuspect>? suspects = Suspects((train, trainImages.Dataset), (validation, validationImages.Dataset));
        ConfusionMatrix before;
        // The centroids know the data's classes only: of a single one they would always be right.
        bool hasCentroids = kept is null || (outputs.Length > 1 && !kept.HasKnownClasses(outputs));
        using (_timer.Measure("evaluate before"))
        {
            before = hasCentroids ? NearestCentroid.Fit(train, labels.Count).Evaluate(validation) : kept!.EvaluateOld(validation);
        }

        LinearHead head;
        TrainerResult trained;
        bool isCancelled;
        IProgress<EpochReport>? headEpochs = options.Network is null ? epochs : null;
        using (_timer.Measure("train"))
        {
            if (kept is null)
            {
                (head, trained) = HeadTrainer.Train(train, validation, labels.Count, HeadOptions(), epochs: headEpochs, cancellation: cancellation);
                isCancelled = trained.Cancelled;
            }
            else
            {
                (head, trained, isCancelled) = ClassAddition.Train(
                    oldHead!, labels.Count, train, kept.Rehearsal, HeadOptions(), headEpochs, _notes, cancellation);
            }
        }

        // What the checkpoint holds is better than a new last layer alone, which must not take its place.
        if (continues && isCancelled)
        {
            throw _watch?.StopReason is string reason ? new RunStoppedException(reason) : new OperationCanceledException(cancellation);
        }

        ConfusionMatrix after;
        using (_timer.Measure("evaluate after")) after = head.Evaluate(validation);
        IReadOnlyList<ImagePrediction>? predictions = options.KeepPredictions ? Predictions(head, validation, validationImages.Dataset) : null;
        _notes.AddRange(trained.Notes);
        Rehearsal? rehearsal = options.StoresRehearsal && options.Network is null ? RehearsalChoice.Of(head, train, validation, kept?.Rehearsal) : null;
        rehearsal = WithThreshold(rehearsal, labels.Count, validation, kept?.Rehearsal?.Threshold);
        Model tuned = split.WithHead(head, labels, input.Preprocessing, options.OutputLogits, rehearsal);
        int trainingImages = train.Samples;
        train.Dispose();
        validation.Dispose();
        Trim();
        TrainerResult? network = options.Network is null || trained.Cancelled
            ? null
            : TrainNetwork(tuned, trainImages, validationImages, input, options.Network, epochs, continues);
        (Model Model, ConfusionMatrix After)? completed = network is { Cancelled: false, Compression: Compression.Int8 }
            ? Completed(network.Model, network.After, trainImages.Dataset, validationImages)
            : network is null && options.Network is null && !isCancelled ? Completed(tuned, after, trainImages.Dataset, validationImages)
            : null;
        Model final = completed?.Model ?? network?.Model ?? tuned;
        if (options.Complete is not null && final.Info.IsQuantized) final = new Model(final.Graph, final.Info with { WritesIntegers = true });
        if (options.KeepPredictions && (options.Network is not null || completed is not null))
        {
            predictions = completed is not null || network is { Cancelled: false } ? Predict(final, validationImages) : null;
        }

        if (options.StoresRehearsal && network is { Cancelled: false }) final = Rehearsing(final, trainImages, validationImages, input, outputs);
        PauseReport? pauses = PauseNotes.End(_watch, _notes, _timer);
        _warnings.AddRange(pauses?.Warnings ?? []);
        TuningResult result = new()
        {
            Model = final,
            Labels = labels,
            Before = before,
            BeforeMethod = !hasCentroids ? "the model as it was"
                : kept is null ? "nearest class centroid on the same features" : "nearest class centroid among the new classes alone",
            After = completed?.After ?? network?.After ?? after,
            AfterLastLayer = options.Network is null ? null : after,
            Network = network,
            Epochs = network?.Epochs ?? trained.Epochs,
            BestEpoch = network?.BestEpoch ?? trained.BestEpoch,
            TrainingImages = trainingImages,
            Plan = _plan,
            Broken = _broken,
            Input = input,
            Times = _timer.Times,
            Cancelled = network?.Cancelled ?? (isCancelled || options.Network is not null),
            Pauses = pauses,
            Notes = _notes,
            Warnings = _warnings,
            KeptClasses = oldHead?.Classes ?? 0,
            KnownClasses = Known(outputs, oldHead?.Classes ?? 0),
            OldBefore = kept?.Before,
            OldAfter = kept?.Evaluate(head),
            OldMethod = kept?.Method ?? "",
            Predictions = predictions,
            Suspects = suspects,
            Unknown = _unknown,
            UnknownProblem = _unknownProblem,
            Kernels = network?.Kernels ?? _kernels,
            FloatLastLayer = _floatLastLayer,
        };
        foreach (string warning in (IEnumerable<string>)[.. TuningWarnings.Of(result), .. network?.Warnings ?? []])
        {
            if (!_warnings.Contains(warning)) _warnings.Add(warning);
        }

        return result;
    }

    /// <summary>Refuses what cannot be trained, or not within the memory bound, before hours go into images.</summary>
    private void CheckPlan(List<string> labels)
    {
        TrainerOptions network = options.Network!;
        TrainingPlanner.RequireDevice(network.Compression, options.Compile);
        Model tuned = Tuner.WithNewHead(model, labels);
        if (network.MemoryBytes is null && network.Policy.Kind != UpdateKind.Sparse)
        {
            Trainee trainee = Trainee.Create(tuned, network.Policy, network.BatchNormMode, network.Compression);
            if (HybridSplit.IsAsked(options.Compile)) HybridSplit.Check(trainee, network.MicroBatch ?? network.BatchSize, options.Compile);
            return;
        }

        TrainingPlanner.Plan(tuned, network.ToPlan(dataset.Samples.Count) with { Compile = options.Compile });
    }

    /// <summary>Under a bound the garbage of a stage must not stand beside the next one.</summary>
    private void Trim()
    {
        if (options.MemoryBytes is not null) ProcessMemory.Trim();
    }

    /// <summary>How the last layer is trained: within what the bound leaves beside the features.</summary>
    private TrainerOptions HeadOptions()
    {
        TrainerOptions head = options.Head with { Compile = options.Compile, Watch = _watch };
        return _plan is null ? head : head with { MemoryBytes = options.MemoryBytes, Beside = _ => _plan.BesideLastLayer };
    }

    /// <summary>Goes on with the whole network from the new head; null if that was cancelled before it began.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled before it had continued from the checkpoint.</exception>
    private TrainerResult? TrainNetwork(
        Model tuned, PreparedSet train, PreparedSet validation, ImageInput input, TrainerOptions network, IProgress<EpochReport>? epochs, bool continues)
    {
        network = network with
        {
            OutputLogits = options.OutputLogits,
            Preprocessing = input.Preprocessing,
            Seed = options.Seed,
            Compile = options.Compile,
            ClassBalance = options.Head.ClassBalance,
            Watch = _watch,
        };
        if (_plan is not null) network = _plan.Apply(network, options.MemoryBytes!.Value);
        try
        {
            using (_timer.Measure("train network"))
            {
                TrainerResult result = Trainer.Train(tuned, train, validation, network, epochs, progress, cancellation);
                foreach (string note in result.Notes)
                {
                    // What happened to the images may have been told already.
                    if (!_notes.Contains(note)) _notes.Add(note);
                }

                return result;
            }
        }
        catch (OperationCanceledException) when (!continues)
        {
            // The new last layer is worth keeping.
            return null;
        }
    }

    /// <summary>The model with feature vectors of some of the images, which the layers before the last see otherwise than before they were trained.</summary>
    private Model Rehearsing(Model tuned, PreparedSet train, PreparedSet validation, ImageInput input, int[] outputs)
    {
        try
        {
            using IDisposable measured = _timer.Measure("rehearsal");
            HeadSplit split = HeadSplit.Find(tuned);
            if (split.Head is not LinearHead head) return tuned;
            Graph graph = split.FeatureGraph();
            using FeatureMatrix chosen = Some(graph, head.Classes, train, RehearsalChoice.Training);
            using FeatureMatrix check = Some(graph, head.Classes, validation, Math.Max(RehearsalChoice.Check, ThresholdImages / head.Classes));
            Rehearsal? rehearsal = WithThreshold(RehearsalChoice.Of(head, chosen, check, null), head.Classes, check, null);
            return new Model(tuned.Graph, tuned.Info with { Rehearsal = rehearsal });
        }
        catch (OperationCanceledException)
        {
            // The trained model is worth keeping.
            return tuned;
        }

        FeatureMatrix Some(Graph graph, int classes, PreparedSet set, int perClass)
        {
            ImageSamples samples = new(set, new Preprocessor(input.Preprocessing), new Augmentation(), outputs);
            int[] order = new int[set.Count], counts = new int[classes];
            for (int i = 0; i < order.Length; i++) order[i] = i;
            new Rng(options.Seed).Fork(0x4e4).Shuffle<int>(order);
            int[] few = Array.FindAll(order, i => counts[samples.Label(i)]++ < perClass);
            return Compute(graph, new SampleSubset(samples, few), i => set.Dataset.Samples[few[i]].Image.Name, progress: null);
        }
    }

    /// <summary>The vectors with the similarity below which an image is unknown, if there is one.</summary>
    private Rehearsal? WithThreshold(Rehearsal? rehearsal, int classes, FeatureMatrix unseen, float? most)
    {
        if (rehearsal is null) return null;
        _unknown = UnknownThreshold.Find(rehearsal, classes, unseen, most);
        _unknownProblem = _unknown is not null ? null : UnknownThreshold.Problem(rehearsal, classes);
        return rehearsal.WithThreshold(_unknown?.Similarity);
    }

    private IReadOnlyList<LabelSuspect>? Suspects((FeatureMatrix Features, Dataset Images) train, (FeatureMatrix Features, Dataset Images) validation)
    {
        if (options.MemoryBytes is not null || dataset.ClassNames.Count < 2) return null;
        if (!options.FindSuspects && !LabelAudit.IsQuick(train.Features.Samples + validation.Features.Samples, train.Features.Features)) return null;
        using (_timer.Measure("check labels")) return LabelAudit.Suspects([train, validation], options.FindSuspects ? progress : null, cancellation);
    }

    private static List<ImagePrediction> Predictions(LinearHead head, FeatureMatrix features, Dataset images)
    {
        List<ImagePrediction> predictions = new(features.Samples);
        float[] logits = new float[head.Classes];
        for (int i = 0; i < features.Samples; i++)
        {
            head.Logits(features.Row(i), logits);
            predictions.Add(ImagePrediction.OfLogits(logits, images.Samples[i].Image, features.Labels[i]));
        }

        GC.KeepAlive(features);
        return predictions;
    }

    /// <summary>One pass over the validation images; under a bound image by image, which needs less than any step did. Null if it was cancelled.</summary>
    private IReadOnlyList<ImagePrediction>? Predict(Model tuned, PreparedSet images)
    {
        EvaluationOptions evaluation = new() { Compile = options.Compile };
        if (_plan is not null) evaluation = evaluation with { LargestBatch = 1 };
        try
        {
            using (_timer.Measure("predictions")) return Evaluator.Predict(tuned, images, evaluation, progress, cancellation);
        }
        catch (OperationCanceledException)
        {
            // The trained model is worth keeping.
            return null;
        }
    }

    private PreparedSetOptions PrepareOptions(ImageInput input) => new()
    {
        Preprocessing = input.Preprocessing,
        Seed = options.Seed,
        CacheDirectory = options.CacheDirectory,
        Threads = options.Compile.Threads,
        MustCache = options.MemoryBytes is not null,
    };

    private PreparedSet Prepare(Dataset part, PreparedSetOptions prepare)
    {
        PreparedSet set;
        using (_timer.Measure("decode")) set = PreparedSet.Create(part, decoder, prepare, StageProgress.Decoding(progress), cancellation);
        Trim();
        return set;
    }

    /// <summary>The last layer whose classes stay, if they do, the classes of the tuned model, and which of them each class of the data set is.</summary>
    private (LinearHead? Head, List<string> Labels, int[] Outputs) Classes(HeadSplit split)
    {
        int[] outputs = new int[dataset.ClassNames.Count];
        if (!options.KeepClasses)
        {
            for (int i = 0; i < outputs.Length; i++) outputs[i] = i;
            return (null, [.. dataset.ClassNames], outputs);
        }

        LinearHead head = split.Head ?? throw new ThomasException(
            $"{model.Info.Name}: the old classes cannot be kept, because their probabilities are not the softmax of a linear layer on the "
            + $"features ({split.Description}); tune without keeping them.");
        List<string> labels = [.. ClassOutput.Of(model).Labels];
        int[] known = ClassNames.Match(model.Info.Name, labels, dataset.ClassNames, _notes);
        List<string> added = [];
        for (int i = 0; i < outputs.Length; i++)
        {
            outputs[i] = known[i] >= 0 ? known[i] : labels.Count;
            if (known[i] < 0) labels.Add(dataset.ClassNames[i]);
            else added.Add($"'{labels[known[i]]}'");
        }

        if (added.Count > 0) _notes.Add($"images of {Format(added)} are added to {(added.Count == 1 ? "that class" : "those classes")} of the model");
        return (head, labels, outputs);
    }

    private static string Format(List<string> names) =>
        names.Count <= ListedClasses ? string.Join(", ", names) : $"{string.Join(", ", names[..ListedClasses])} and {names.Count - ListedClasses} more";

    private static int Known(int[] outputs, int old)
    {
        int known = 0;
        foreach (int output in outputs) known += output < old ? 1 : 0;
        return known;
    }

    /// <summary>The vectors that the model carries; null where it has none that fit.</summary>
    private Rehearsal? Rehearsed(LinearHead head)
    {
        if (model.Info.Rehearsal is not Rehearsal rehearsal) return null;
        if (RehearsalChoice.Fits(rehearsal, head)) return rehearsal;
        _notes.Add("the rehearsal vectors in the model do not fit its network and are ignored: another program has changed one of them");
        return null;
    }

    private Dataset Divide()
    {
        if (dataset.Has(Subset.Validation)) return dataset;
        _notes.Add(
            string.Create(
                CultureInfo.InvariantCulture, $"no validation folder: {options.ValidationShare:P0} of each class set aside (seed {options.Seed})"));
        return Split.Stratified(dataset, options.ValidationShare, options.Seed);
    }
}
