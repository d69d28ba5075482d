using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using Thomas.Kernels;
using Thomas.Runtime;

namespace Thomas.Training;

/// <summary>How a run goes on from a checkpoint: as it was, with another number of epochs, or with other images.</summary>
internal sealed partial class TrainingRun
{
    private readonly List<string> _warnings = [];
    private int _continuedAfter;

    /// <summary>What differs from the run that wrote the checkpoint, and may.</summary>
    /// <param name="Epochs">The number of epochs of that run.</param>
    /// <param name="HasNewImages">Whether the images are others.</param>
    private readonly record struct Continuation(int Epochs, bool HasNewImages);

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
        Continuation change;
        using (file)
        {
            change = Compare(path, header);
            Checkpoint.Read(file, header, Checkpoint.State, _watchdog.State);
            if (change.HasNewImages) MeasureAgain(file, header);
            else TakeBest(file, header);
        }

        _hasSaved = true;
        _at = change.HasNewImages ? TrainingPosition.Start(header.Epoch) : new TrainingPosition(header.Epoch, header.Step, header.Loss, header.Correct);
        _watchdog.Resume(_at, header.Restarts, header.OptimizerSteps ?? (((header.Epoch - 1L) * _plan.Steps) + header.Step));
        bool isChanged = change.HasNewImages || change.Epochs != _options.Epochs;
        _stoppedEarly = header.StoppedEarly && !isChanged;
        _continuedAfter = isChanged ? _at.Epoch - 1 : header.ContinuedAfter;
        Replace(_epochs, header.Epochs);
        Replace(_notes, header.Notes);
        Replace(_warnings, header.Warnings ?? []);
        _notes.Add($"resumed from '{path}' at epoch {header.Epoch}, step {header.Step}");
        if (header.Tier != CpuFeatures.TierName)
        {
            _notes.Add(
                $"the checkpoint was computed with {header.Tier}, this machine has {CpuFeatures.TierName}: results will not be bit for bit those of an "
                + $"uninterrupted run");
        }

        if (change.HasNewImages) TellOfImages(header);
        TellOfEpochs(change.Epochs);
        return true;
    }

    private static void Replace<T>(List<T> list, IReadOnlyList<T> items)
    {
        list.Clear();
        list.AddRange(items);
    }

    /// <summary>Takes over the best weights so far, with what was measured of them.</summary>
    private void TakeBest(FileStream file, CheckpointHeader header)
    {
        _bestEpoch = header.BestEpoch;
        if (_bestEpoch != NoEpoch) Checkpoint.Read(file, header, Checkpoint.Best, _best);
        if (_bestEpoch != NoEpoch && header.After is not null) _bestScore = (header.BestScore, -header.BestLoss);
        _before = header.Before is null ? null : new ConfusionMatrix(header.Before);
        _after = header.After is null ? null : new ConfusionMatrix(header.After);
    }

    /// <summary>
    /// Figures on other images cannot be compared: the model as given and the best weights so far are validated with the new images. The state to go on from
    /// must be put into the store afterwards.
    /// </summary>
    private void MeasureAgain(FileStream file, CheckpointHeader header)
    {
        (_bestEpoch, _bestScore, _before, _after) = (NoEpoch, (double.NegativeInfinity, double.NegativeInfinity), null, null);
        Initialize();
        MeasureGiven();
        if (header.BestEpoch == NoEpoch) return;
        using StoreCopy stored = new(Store, ModelVariables(), onDisk: _options.MemoryBytes is not null);
        Checkpoint.Read(file, header, Checkpoint.Best, stored);
        stored.Restore();
        if (_engine.Evaluator is not null)
        {
            using (_timer.Measure("evaluate before"))
            {
                ConfusionMatrix confusion = new(_trainee.Classes);
                double loss = _engine.Evaluator.Run(confusion, _progress, _cancellation);
                if (!double.IsFinite(loss) || ScoreOf(confusion, loss).CompareTo(_bestScore) <= 0) return;
                (_bestScore, _after) = (ScoreOf(confusion, loss), confusion);
            }
        }

        _best.Take();
        _bestEpoch = header.BestEpoch;
    }

    /// <summary>What differs, if a run may go on with it.</summary>
    /// <exception cref="ThomasException">The checkpoint belongs to another run.</exception>
    private Continuation Compare(string path, CheckpointHeader header)
    {
        bool hasOtherImages = header.Data != DataKey(), hasNewImages = hasOtherImages && _options.NewImages;
        if (hasNewImages) RequireSameClasses(path, header);
        SortedDictionary<string, string> own = OptionTexts();
        bool isPreparedOtherwise = Differs(PreprocessingText) || Differs(ViewsText);
        List<string> differences = [];

        // Images that are prepared in another way have another key, so nothing is known of the images themselves.
        bool isOfOtherImages = hasOtherImages && !hasNewImages && !isPreparedOtherwise;
        if (isOfOtherImages) differences.Add("the images or their classes");
        int epochs = 0;
        foreach ((string name, string value) in own)
        {
            string? stored = header.Options.GetValueOrDefault(name);
            if (name == EpochsText && int.TryParse(stored, NumberStyles.None, CultureInfo.InvariantCulture, out epochs)) continue;

            // A set smaller than a batch is a smaller batch.
            if (stored == value || (hasNewImages && name == MicroBatchText)) continue;

            // Earlier versions had these in the key of the images alone.
            if (stored is null && !hasOtherImages && name is PreprocessingText or ViewsText) continue;
            (string there, string here) = stored is null ? ("not set", value)
                : name == DeviceText ? DeviceIdentity.Differences(stored, value)
                : name == PreprocessingText ? (Without(stored, value), Without(value, stored))
                : (stored, value);
            differences.Add($"{name} (there {there}, here {here})");
        }

        foreach ((string name, string value) in header.Options)
        {
            if (!own.ContainsKey(name)) differences.Add($"{name} (there {value}, here not set)");
        }

        // Tuning begins with a new last layer, which every option, the images and the device have a part in. With new images it is another one, and what is
        // trained comes from the checkpoint anyway.
        if (header.Model != ModelKey() && !(hasNewImages && header.Frozen == FrozenKey()))
        {
            differences.Add(differences.Count == 0 ? "the model" : "the model (perhaps only its new last layer, as a result of the other differences)");
        }

        if (differences.Count > 0)
        {
            string images = isOfOtherImages
                ? " To continue with other images of the same classes, add --new-images (TrainerOptions.NewImages)."
                : "";
            throw new ThomasException(
                $"The checkpoint '{path}' belongs to another run; differences: {string.Join(", ", differences)}. "
                + $"Use the same model, data and options (the number of epochs may change), choose another file, or start again.{images}");
        }

        if (header.Epoch < 1 || header.Epoch > epochs + 1L || header.Step < 0 || (header.Step > _plan.Steps && !hasNewImages) || header.Restarts is < 0
            or > Watchdog.MaxRestarts
            || header.BestEpoch < NoEpoch || header.BestEpoch > header.Epoch || header.Epochs.Count > header.Epoch || header.Correct < 0
            || (header.Before ?? header.After)?.Length is int before && before != _trainee.Classes || header.After?.Length is int after
            && after != _trainee.Classes)
        {
            throw new ThomasException($"The checkpoint '{path}' is at epoch {header.Epoch}, step {header.Step}, which this run does not reach.");
        }

        return new Continuation(epochs, hasNewImages);

        bool Differs(string name) => header.Options.TryGetValue(name, out string? stored) && stored != own.GetValueOrDefault(name);

        static string Without(string pairs, string others)
        {
            string[] known = others.Split("; ");
            string left = string.Join("; ", Array.FindAll(pairs.Split("; "), pair => Array.IndexOf(known, pair) < 0));
            return left.Length > 0 ? left : "the rest not set";
        }
    }

    /// <exception cref="ThomasException">The new images are of other classes.</exception>
    private void RequireSameClasses(string path, CheckpointHeader header)
    {
        if (header.Classes is not IReadOnlyList<string> stored)
        {
            throw new ThomasException(
                $"The checkpoint '{path}' was written by an earlier version, without the names of its classes: it can be continued only with the same images.");
        }

        IReadOnlyList<string> own = _inputs.Model.Info.Labels!;
        if (own.Count == stored.Count)
        {
            int same = 0;
            while (same < own.Count && own[same] == stored[same]) same++;
            if (same == own.Count) return;
        }

        List<string> differences = [];
        if (Without(own, stored) is { Count: > 0 } added) differences.Add($"new: {Data.Dataset.Quote(added)}");
        if (Without(stored, own) is { Count: > 0 } missing) differences.Add($"missing: {Data.Dataset.Quote(missing)}");
        if (differences.Count == 0) differences.Add("another order");
        throw new ThomasException(
            $"The checkpoint '{path}' has other classes than the images ({string.Join("; ", differences)}). A run that is continued keeps its classes. "
            + "To add classes, tune the finished model with --keep-classes; or start again.");
    }

    private static List<string> Without(IReadOnlyList<string> names, IReadOnlyList<string> others)
    {
        HashSet<string> known = new(others, StringComparer.Ordinal);
        List<string> left = [];
        foreach (string name in names)
        {
            if (!known.Contains(name)) left.Add(name);
        }

        return left;
    }

    /// <summary>Tells what continuing with other images means.</summary>
    private void TellOfImages(CheckpointHeader header)
    {
        IFormatProvider culture = CultureInfo.InvariantCulture;
        string again = header.Step > 0 ? string.Create(culture, $"; epoch {header.Epoch} starts again") : "";
        int train = _inputs.Train.Count, validation = _inputs.Validation?.Count ?? 0;
        Warn(string.Create(culture, $"the run continues with other images: {train} for training, {validation} for validation{again}"));
        if (_after is null) return;
        if (header.Validation != _inputs.ValidationKey())
        {
            const string Warning = "the validation images have changed: those that were used for training before make the accuracy look better than it is. "
                + "Keep validation images in a part of their own, such as a folder 'val'.";
            if (!_warnings.Contains(Warning)) _warnings.Add(Warning);
        }

        string best = _bestEpoch == 0 ? "the model as given" : string.Create(culture, $"epoch {_bestEpoch}");
        string was = header.After is null ? "" : string.Create(culture, $" (before {new ConfusionMatrix(header.After).Accuracy:0.0%})");
        _notes.Add(string.Create(culture, $"the best so far is {best}, measured again: {_after.Accuracy:0.0%} on the validation images{was}"));
    }

    /// <summary>Tells what is left to do, and how the learning rate goes on where the number of epochs has changed.</summary>
    private void TellOfEpochs(int former)
    {
        int done = _at.Epoch - 1, left = _options.Epochs - done;
        IFormatProvider culture = CultureInfo.InvariantCulture;
        if (left <= 0 || _stoppedEarly)
        {
            string why = left > 0 ? "the run had stopped early" : string.Create(culture, $"{_options.Epochs} were asked for");
            Warn(string.Create(
                culture, $"nothing is left to train: {done} epochs are done and {why}; the result is the best of them. A larger --epochs continues the run"));
        }
        else if (former != _options.Epochs)
        {
            float now = _schedule.At(_at.Epoch, _at.Step, _watchdog.Restarts), end = _schedule.At(_options.Epochs, _plan.Steps - 1, _watchdog.Restarts);
            Warn(string.Create(
                culture,
                $"the run has {_options.Epochs} epochs instead of {former}: {done} are done, {left} follow. The learning rate continues as in a run of "
                + $"{_options.Epochs} epochs: {now:g3} now, {end:g3} at the end"));
        }
    }
}
