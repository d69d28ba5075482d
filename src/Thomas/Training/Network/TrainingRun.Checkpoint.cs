using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using Thomas.Kernels;
using Thomas.Runtime;

namespace Thomas.Training;

/// <summary>How a run is saved.</summary>
internal sealed partial class TrainingRun
{
    private const string DeviceText = "device", EpochsText = "epochs", MicroBatchText = "micro-batch", PreprocessingText = "preprocessing",
        ViewsText = "views";

    private string? _modelKey;
    private string? _dataKey;
    private string? _frozenKey;
    private long _savedAt = Stopwatch.GetTimestamp();
    private int _failedSaves;
    private bool _hasSaved;

    private bool IsCheckpointDue() =>
        _options.CheckpointPath is not null
        && ((_options.CheckpointSteps > 0 && _at.Step % _options.CheckpointSteps == 0) || Stopwatch.GetElapsedTime(_savedAt) >= _options.CheckpointInterval);

    /// <summary>Saves the state that the watchdog holds. Where that fails, the former file stays and training goes on.</summary>
    private void Save()
    {
        if (_options.CheckpointPath is not string path) return;
        _savedAt = Stopwatch.GetTimestamp();
        List<(string, StoreCopy)> sections = [(Checkpoint.State, _watchdog.State)];
        if (_bestEpoch != NoEpoch) sections.Add((Checkpoint.Best, _best));
        try
        {
            Checkpoint.Write(path, Header(), sections, _options.CheckpointStream);
            if (_failedSaves > 0) Warn($"the checkpoint '{path}' can be written again");
            _failedSaves = 0;
            _hasSaved = true;
        }
        catch (OutputException e)
        {
            // Told once, and again if it has worked in between.
            if (_failedSaves++ > 0) return;
            string resume = _hasSaved ? "the previous one is kept and is what --resume would continue from" : "so the run cannot be resumed";
            Warn($"a checkpoint could not be written, {resume}; training continues and tries again at every later checkpoint: {e.Message}");
        }
    }

    private void Warn(string note)
    {
        _notes.Add(note);
        _progress?.Report(StageProgress.Warning("train", note));
    }

    /// <summary>Saves the position where training was canceled.</summary>
    private void SaveCancelled()
    {
        if (_options.CheckpointPath is null || !_watchdog.IsGood(_lastLoss) || _watchdog.FindNonFinite() is not null) return;

        // Cancelled in its validation, an epoch is validated again on resuming.
        _watchdog.Keep(_at);
        Save();
    }

    private CheckpointHeader Header() => new()
    {
        Options = OptionTexts(),
        Model = ModelKey(),
        Data = DataKey(),
        Validation = _inputs.ValidationKey(),
        Frozen = FrozenKey(),
        Classes = _inputs.Model.Info.Labels!,
        Tier = CpuFeatures.TierName,
        Epoch = _watchdog.Position.Epoch,
        Step = _watchdog.Position.Step,
        Loss = _watchdog.Position.Loss,
        Correct = _watchdog.Position.Correct,
        Restarts = _watchdog.Restarts,
        OptimizerSteps = StepsBefore(_watchdog.Position.Epoch, _watchdog.Position.Step),
        ContinuedAfter = _continuedAfter,
        StoppedEarly = _stoppedEarly,
        BestEpoch = _bestEpoch,

        // JSON has no infinities; without validation there is no score.
        BestScore = _after is null ? 0 : _bestScore.Score,
        BestLoss = _after is null ? 0 : -_bestScore.NegativeLoss,
        Before = _before?.ToRows(),
        After = _after?.ToRows(),
        Epochs = _epochs,
        Notes = _notes,
        Warnings = _warnings,
        Tensors = [],
    };

    /// <summary>
    /// All options that decide the result. When checkpoints are written does not; threads do only where a memory bound decides the pieces, since the scratch
    /// memory depends on them.
    /// </summary>
    private SortedDictionary<string, string> OptionTexts()
    {
        TrainerOptions o = _options;
        OptimizerOptions p = o.Optimizer;
        Augmentation a = o.Augmentation;
        IFormatProvider culture = CultureInfo.InvariantCulture;
        string rule = p.Kind == OptimizerKind.Sgd
            ? string.Create(culture, $"Sgd momentum {p.Momentum} nesterov {p.Nesterov} decoupled {p.DecoupledDecay}")
            : string.Create(culture, $"{p.Kind} beta1 {p.Beta1} beta2 {p.Beta2} epsilon {p.Epsilon}");
        SortedDictionary<string, string> texts = new(StringComparer.Ordinal)
        {
            ["policy"] = o.Policy.ToString(),
            ["batch norm"] = _trainee.BatchNorm.ToString(),
            ["optimizer"] = rule,
            ["weight decay"] = string.Create(culture, $"{p.DecidedWeightDecay}{(p.DecayAll ? " of all" : "")}"),
            ["body rate"] = (p.BodyRate ?? o.AutomaticBodyRate()).ToString(culture),
            ["clip norm"] = p.ClipNorm?.ToString(culture) ?? "none",
            ["average decay"] = p.AverageDecay?.ToString(culture) ?? "none",
            [EpochsText] = o.Epochs.ToString(culture),
            ["batch"] = o.BatchSize.ToString(culture),
            [MicroBatchText] = _plan.MicroBatch.ToString(culture),
            ["learning rate"] = _schedule.Peak.ToString(culture),
            ["schedule"] = o.Decay switch
            {
                RateDecay.Cosine => string.Create(culture, $"warm-up {o.WarmupShare} cosine to {o.FinalLearningRateShare}"),
                RateDecay.Steps => string.Create(culture, $"warm-up {o.WarmupShare} times {o.DecayFactor} every {o.DecayEpochs} epochs"),
                _ => throw new UnreachableException($"There is no schedule {o.Decay}."),
            },
            ["label smoothing"] = o.LabelSmoothing.ToString(culture),
            ["class balance"] = o.ClassBalance.ToString(),
            ["mixing"] = string.Create(culture, $"mixup {o.Mixup} cutmix {o.CutMix}"),
            ["dropout"] = o.Dropout.ToString(culture),
            ["augmentation"] = string.Create(culture, $"flip {a.Flip} crop {a.MinimumCropScale} color {a.Color}"),
            ["early stopping"] = o.EarlyStoppingPatience.ToString(culture),
            ["seed"] = o.Seed.ToString(culture),
            [DeviceText] = _identity,
        };
        if (_inputs.Preprocessing is Preprocessing preprocessing)
        {
            // Also part of the images' key, which may differ where a run continues with new images.
            List<string> pairs = [];
            foreach ((string name, string value) in Thomas.PreprocessingText.Format(preprocessing)) pairs.Add($"{name["thomas.".Length..]} {value}");
            texts[PreprocessingText] = string.Join("; ", pairs);
            texts[ViewsText] = _inputs.Train.Views.ToString(culture);
        }

        if (_options.Compile.QuantizedRounding != QuantizedRounding.Float) texts["rounding of 8-bit layers"] = $"{_options.Compile.QuantizedRounding}";
        // A run without it has no such entry, as those of earlier versions.
        if (_compression != Compression.None) texts["compression"] = _compression.ToWord();
        if (_bound is long bound)
        {
            texts["memory"] = bound.ToString(culture);
            texts["threads"] = _team.Threads.ToString(culture);
        }

        return texts;
    }

    private string ModelKey() => _modelKey ??= ModelHash.Of(_inputs.Model.Graph).ToString("x32", CultureInfo.InvariantCulture);

    private string DataKey() => _dataKey ??= _inputs.DataKey();

    private string FrozenKey() => _frozenKey ??= _trainee.FrozenHash().ToString("x32", CultureInfo.InvariantCulture);
}
