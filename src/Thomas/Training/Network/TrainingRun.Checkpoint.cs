using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using Thomas.Kernels;
using Thomas.Runtime;

namespace Thomas.Training;

/// <summary>How a run is saved and resumed.</summary>
internal sealed partial class TrainingRun
{
    private const string DeviceText = "device";

    private string? _modelKey;
    private string? _dataKey;
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

    /// <summary>Goes on from the checkpoint, if that is wanted and there is one.</summary>
    /// <exception cref="ThomasException">It is damaged, or belongs to another run.</exception>
    private bool TryResume()
    {
        string path = _options.CheckpointPath!;
        if (!_options.Resume) return false;
        if (!File.Exists(path))
        {
            _notes.Add($"there is no checkpoint '{path}' yet: training starts from the beginning");
            return false;
        }

        (CheckpointHeader header, FileStream file) = Checkpoint.Open(path);
        using (file)
        {
            RequireSame(path, header);
            Checkpoint.Read(file, header, Checkpoint.State, _watchdog.State);
            if (header.BestEpoch != NoEpoch) Checkpoint.Read(file, header, Checkpoint.Best, _best);
        }

        _hasSaved = true;
        _at = new TrainingPosition(header.Epoch, header.Step, header.Loss, header.Correct);
        _watchdog.Resume(_at, header.Restarts);
        _notes.Clear();
        _notes.AddRange(header.Notes);
        _epochs.AddRange(header.Epochs);
        (_bestEpoch, _stoppedEarly) = (header.BestEpoch, header.StoppedEarly);
        if (_bestEpoch != NoEpoch && header.After is not null) _bestScore = (header.BestScore, -header.BestLoss);
        _before = header.Before is null ? null : new ConfusionMatrix(header.Before);
        _after = header.After is null ? null : new ConfusionMatrix(header.After);
        _notes.Add($"resumed from '{path}' at epoch {_at.Epoch}, step {_at.Step}");
        if (header.Tier != CpuFeatures.TierName)
        {
            _notes.Add(
                $"the checkpoint was computed with {header.Tier}, this machine has {CpuFeatures.TierName}: results will not be bit for bit those of an "
                + $"uninterrupted run");
        }

        return true;
    }

    private void RequireSame(string path, CheckpointHeader header)
    {
        List<string> differences = [];
        if (header.Data != DataKey()) differences.Add("the images or their classes");
        SortedDictionary<string, string> own = OptionTexts();
        foreach ((string name, string value) in own)
        {
            string? stored = header.Options.GetValueOrDefault(name);
            if (stored == value) continue;
            (string there, string here) = name == DeviceText && stored is not null ? DeviceIdentity.Differences(stored, value) : (stored ?? "not set", value);
            differences.Add($"{name} (there {there}, here {here})");
        }

        // Tuning begins with a new last layer, which every option, the images and the device have a part in.
        if (header.Model != ModelKey())
        {
            differences.Add(differences.Count == 0 ? "the model" : "the model (perhaps only its new last layer, as a result of the other differences)");
        }

        if (differences.Count > 0)
        {
            throw new ThomasException(
                $"The checkpoint '{path}' belongs to another run; differences: {string.Join(", ", differences)}. "
                + $"Use the same model, data and options, choose another file, or start again.");
        }

        if (header.Epoch < 1 || header.Epoch > _options.Epochs + 1 || header.Step < 0 || header.Step > _plan.Steps || header.Restarts is < 0
            or > Watchdog.MaxRestarts
            || header.BestEpoch < NoEpoch || header.BestEpoch > header.Epoch || header.Epochs.Count > header.Epoch || header.Correct < 0
            || (header.Before ?? header.After)?.Length is int before && before != _trainee.Classes || header.After?.Length is int after
            && after != _trainee.Classes)
        {
            throw new ThomasException($"The checkpoint '{path}' is at epoch {header.Epoch}, step {header.Step}, which this run does not reach.");
        }
    }

    private CheckpointHeader Header() => new()
    {
        Options = OptionTexts(),
        Model = ModelKey(),
        Data = DataKey(),
        Tier = CpuFeatures.TierName,
        Epoch = _watchdog.Position.Epoch,
        Step = _watchdog.Position.Step,
        Loss = _watchdog.Position.Loss,
        Correct = _watchdog.Position.Correct,
        Restarts = _watchdog.Restarts,
        StoppedEarly = _stoppedEarly,
        BestEpoch = _bestEpoch,

        // JSON has no infinities; without validation there is no score.
        BestScore = _after is null ? 0 : _bestScore.Score,
        BestLoss = _after is null ? 0 : -_bestScore.NegativeLoss,
        Before = _before?.ToRows(),
        After = _after?.ToRows(),
        Epochs = _epochs,
        Notes = _notes,
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
            ["epochs"] = o.Epochs.ToString(culture),
            ["batch"] = o.BatchSize.ToString(culture),
            ["micro-batch"] = _plan.MicroBatch.ToString(culture),
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
        if (_bound is long bound)
        {
            texts["memory"] = bound.ToString(culture);
            texts["threads"] = _team.Threads.ToString(culture);
        }

        return texts;
    }

    private string ModelKey() => _modelKey ??= ModelHash.Of(_inputs.Model.Graph).ToString("x32", CultureInfo.InvariantCulture);

    private string DataKey() => _dataKey ??= _inputs.DataKey();
}
