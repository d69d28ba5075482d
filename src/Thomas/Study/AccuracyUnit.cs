using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Threading;
using Thomas.Autodiff;
using Thomas.Data;
using Thomas.Quantizing;
using Thomas.Runtime;
using Thomas.Training;

namespace Thomas.Study;

/// <summary>One training run as <c>tune</c> or <c>train</c> would make it, validated on images that it did not learn from.</summary>
internal sealed class AccuracyUnit(string experiment, string model, string data, string policy, StudyDevice device, ulong seed, int? epochs)
    : StudyUnit(experiment, $"accuracy/{CellId.OfRun(experiment, model, data, policy, device.Key, seed)}")
{
    /// <summary>The policy of models that are evaluated and not trained.</summary>
    public const string Compared = "compared";

    private const double ValidationShare = 0.2;

    /// <summary>In which form activations are kept for the backward pass.</summary>
    private Compression Kept => device.Type switch
    {
        StudyExperiment.Half when device.IsHost => Compression.Half,
        StudyExperiment.Int8 => Compression.Int8,
        _ => Compression.None,
    };

    /// <inheritdoc/>
    public override StudyEntry Run(int visit, StudyContext context, CancellationToken cancellation)
    {
        Dataset images = Divide(context.Sources.Data(data), seed);
        CompileOptions compile = device.Compile(context.Cache);
        EnergyMeter? meter = context.Sensors?.BeginEnergy();
        long start = Stopwatch.GetTimestamp();
        AccuracyRun run = policy == Compared ? Evaluate(context, images, compile, cancellation)
            : TimingUnit.PolicyOf(policy).Kind == UpdateKind.Scratch ? Train(context, images, compile, cancellation)
            : Tune(context, images, compile, cancellation);
        cancellation.ThrowIfCancellationRequested();
        run = run with { Seconds = Stopwatch.GetElapsedTime(start).TotalSeconds, Joules = meter?.Read().Joules };
        return new StudyEntry { Unit = Key, Visit = visit, Accuracies = [run] };
    }

    /// <summary>Images to learn from and to validate with, the same for all runs of a seed; those for testing stay out.</summary>
    private static Dataset Divide(Dataset data, ulong seed)
    {
        if (data.Has(Subset.Validation)) return data;
        List<Sample> samples = [];
        foreach (Sample sample in data.Samples)
        {
            if (sample.Subset != Subset.Test) samples.Add(sample with { Subset = Subset.Unassigned });
        }

        return Split.Stratified(new Dataset(data.Name, data.ClassNames, samples), ValidationShare, seed);
    }

    private AccuracyRun Tune(StudyContext context, Dataset images, CompileOptions compile, CancellationToken cancellation)
    {
        Model network = context.Sources.Model(model, cancellation);
        UpdatePolicy chosen = TimingUnit.PolicyOf(policy);
        TuningOptions options = new()
        {
            Seed = seed,
            Compile = compile,
            CacheDirectory = context.Cache,
            Guard = context.Guard,
            Head = TrainerOptions.LastLayer with { Seed = seed },
            Network = chosen.Kind == UpdateKind.Last ? null : Options(chosen) with { Compile = compile, Compression = Kept },
        };
        if (device.Type is StudyExperiment.Frozen or StudyExperiment.Int8 && !Quantizer.IsQuantized(network))
        {
            QuantizerOptions how = (device.Type == StudyExperiment.Frozen ? QuantizerOptions.Quick : new QuantizerOptions()) with { Compile = compile };
            Dataset some = Quantizer.Some(images);
            network = device.Type == StudyExperiment.Int8
                ? Quantizer.Quantize(network, some, context.Sources.Decoder, how, null, cancellation).Model
                : Quantizer.QuantizeFrozen(network, chosen, some, context.Sources.Decoder, how, null, cancellation).Model;
        }

        if (device.Type == StudyExperiment.Int8) options = LastLayerGrid.With(options, context.Sources.Decoder);
        TuningResult result = Tuner.Tune(network, images, context.Sources.Decoder, options, null, null, cancellation);
        Count(result.Pauses, result.Cancelled, context, cancellation);
        return Record(result.Labels, images) with
        {
            Checked = result.Checked,
            BeforeMethod = result.BeforeMethod,
            Before = AccuracyFigures.Of(result.Before, result.Labels),
            After = AccuracyFigures.Of(result.After, result.Labels),
            Epochs = AccuracyFigures.Of(result.Epochs),
            BestEpoch = result.BestEpoch,
            TrainingImages = result.TrainingImages,
        };
    }

    private AccuracyRun Train(StudyContext context, Dataset images, CompileOptions compile, CancellationToken cancellation)
    {
        Model network = StudySources.Architecture(model) is null
            ? context.Sources.Model(model, cancellation)
            : context.Sources.Random(model, images.ClassNames);
        Preprocessing input = ImageInput.Of(network).Preprocessing;
        TrainerOptions options = Options(new UpdatePolicy(UpdateKind.Scratch)) with
        {
            Compile = compile,
            Compression = Kept,
            Guard = context.Guard,
            Augmentation = new Augmentation(),
        };
        using PreparedSet learning = Prepare(images.Only(Subset.Train), Trainer.PrepareFor(input, options.Augmentation), context, cancellation);
        using PreparedSet validation = Prepare(images.Only(Subset.Validation), input, context, cancellation);
        TrainerResult result = Trainer.Train(network, learning, validation, options, null, null, cancellation);
        Count(result.Pauses, result.Cancelled, context, cancellation);
        return Record(result.Labels, images) with
        {
            BeforeMethod = result.Before is null ? null : "random weights",
            Before = result.Before is ConfusionMatrix before ? AccuracyFigures.Of(before, result.Labels) : null,
            After = result.After is ConfusionMatrix after ? AccuracyFigures.Of(after, result.Labels) : null,
            Epochs = AccuracyFigures.Of(result.Epochs),
            BestEpoch = result.BestEpoch,
            TrainingImages = images.Only(Subset.Train).Samples.Count,
        };
    }

    private AccuracyRun Evaluate(StudyContext context, Dataset images, CompileOptions compile, CancellationToken cancellation)
    {
        Model network = context.Sources.Model(model, cancellation);
        Dataset validation = images.Only(Subset.Validation);
        EvaluationOptions options = new() { Compile = compile, CacheDirectory = context.Cache };
        Evaluation result = Evaluator.Evaluate(network, validation, context.Sources.Decoder, options, null, cancellation);
        return Record(result.Labels, images) with { After = AccuracyFigures.Of(result.Confusion, result.Labels) };
    }

    /// <summary>Adds up pauses. A run that was not finished says nothing.</summary>
    private static void Count(PauseReport? pauses, bool isCancelled, StudyContext context, CancellationToken cancellation)
    {
        context.OtherPauses += pauses?.Duration ?? TimeSpan.Zero;
        cancellation.ThrowIfCancellationRequested();
        if (isCancelled) throw new RunStoppedException(pauses?.StopReason ?? "the run was stopped");
    }

    private TrainerOptions Options(UpdatePolicy chosen)
    {
        // Photos are flipped and cut as 'tune' does it; a mirrored letter is another letter, or none.
        TrainerOptions options = new()
        {
            Policy = chosen,
            Seed = seed,
            Augmentation = StudySources.IsDrawn(data) ? new Augmentation() : new Augmentation { Flip = true, MinimumCropScale = 0.5f },
        };
        return epochs is int count ? options with { Epochs = count } : options;
    }

    private static PreparedSet Prepare(Dataset part, Preprocessing preprocessing, StudyContext context, CancellationToken cancellation) =>
        PreparedSet.Create(
            part, context.Sources.Decoder, new PreparedSetOptions { Preprocessing = preprocessing, CacheDirectory = context.Cache }, null, cancellation);

    private AccuracyRun Record(IReadOnlyList<string> labels, Dataset images) => new()
    {
        Id = CellId.OfRun(Experiment, model, data, policy, device.Key, seed),
        Experiment = Experiment,
        Model = model,
        Data = data,
        Policy = policy,
        Device = device.Name,
        Seed = seed,
        Checked = string.Create(CultureInfo.InvariantCulture, $"{images.Only(Subset.Validation).Samples.Count} validation images"),
        Labels = labels,
        Seconds = 0,
    };
}
