using System;
using System.Collections.Generic;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Thomas.App;
using Thomas.App.Tuning;
using Thomas.Autodiff;
using Thomas.Data;
using Thomas.Quantizing;
using Thomas.Runtime;
using Thomas.Studio.Http;
using Thomas.Training;

namespace Thomas.Studio.Runs;

/// <summary>A run at work, on a thread of its own: the training of <c>thomas tune</c>, with checkpoints, pauses and what a person wants to watch.</summary>
internal sealed class RunJob : IDisposable
{
    private const int MostNotices = 50;
    private const long CacheBytes = 1L << 30;

    private static readonly TimeSpan CheckpointEvery = TimeSpan.FromSeconds(30);

    private readonly RunPlace _place;
    private readonly string _folder, _modelPath;
    private readonly int _epochs;
    private readonly bool _stops;
    private readonly Action<RunFile> _ended;
    private readonly CancellationTokenSource _cancel = new();
    private readonly PauseSwitch _switch = new();
    private readonly Lock _gate = new();
    private readonly RunClock _clock = new();
    private readonly RunEnergy _energy;
    private readonly LossCurve _losses = new();
    private readonly List<CurveReply> _curves;
    private readonly List<string> _notices;
    private readonly Task _work;
    private RunFile _file;
    private string _status = RunStatus.Preparing;
    private string _former = RunStatus.Preparing;
    private PauseCause _cause;
    private int _step, _steps, _firstStep = -1;
    private TimeSpan _firstTime;
    private volatile bool _isInterrupted;

    /// <param name="place">What it works with.</param>
    /// <param name="folder">Its folder.</param>
    /// <param name="modelPath">Where the result goes.</param>
    /// <param name="file">What is asked for, and what an earlier part of the run has done.</param>
    /// <param name="epochs">Epochs to train in all.</param>
    /// <param name="stops">Whether it only makes a network of what was trained.</param>
    /// <param name="ended">Told how it ended.</param>
    public RunJob(RunPlace place, string folder, string modelPath, RunFile file, int epochs, bool stops, Action<RunFile> ended)
    {
        (_place, _folder, _modelPath, _file, _epochs, _stops, _ended) = (place, folder, modelPath, file, epochs, stops, ended);
        _curves = [.. file.Curves];
        _notices = [.. file.Notices];
        _losses.Restore(file.Losses);
        _energy = new RunEnergy(place.Settings.SensorRoot);
        _work = Task.Factory.StartNew(Work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>What it is doing.</summary>
    public string Status
    {
        get
        {
            lock (_gate) return _status;
        }
    }

    /// <summary>The checkpoint of a run.</summary>
    public static string CheckpointOf(string folder) => Path.Combine(folder, "checkpoint");

    public void Pause()
    {
        _switch.Set(true);
        _place.Events.Mark(EventKinds.Run);
    }

    public void Resume() => _switch.Set(false);

    /// <summary>Ends it with what there is.</summary>
    public void Stop() => _cancel.Cancel();

    /// <summary>Ends it so that it can go on later, and waits for that.</summary>
    public Task Interrupt()
    {
        _isInterrupted = true;
        _cancel.Cancel();
        return _work;
    }

    /// <summary>Called when it has ended.</summary>
    public void Dispose()
    {
        _energy.Dispose();
        _switch.Dispose();
        _cancel.Dispose();
    }

    /// <summary>As the API shows it.</summary>
    public RunReply ToReply()
    {
        lock (_gate)
        {
            double worked = _clock.Worked.TotalSeconds;
            int done = _step - _firstStep;
            double? left = _status == RunStatus.Training && _firstStep >= 0 && done > 0
                ? (worked - _firstTime.TotalSeconds) / done * (_steps - _step)
                : null;
            return new RunReply(
                _file.Policy, _file.Epochs, _file.Device, _status, null, _curves.Count == 0 ? 0 : _curves[^1].Epoch, _step, _steps, left,
                _file.Seconds + worked, PausedBy(), [.. _curves], _losses.ToArray(), null, null, null, false, false, Sentence.All(_notices));
        }
    }

    private string? PausedBy() => _status != RunStatus.Paused ? null : _cause switch
    {
        PauseCause.Battery => "battery",
        PauseCause.Temperature => "temperature",
        _ => "user",
    };

    private void Work()
    {
        RunFile end;
        try
        {
            end = Train();
        }
        catch (OperationCanceledException)
        {
            end = Snapshot() with { Status = _isInterrupted ? RunStatus.Training : RunStatus.Stopped };
        }
        catch (Exception e)
        {
            // Whatever it is, the person who waits for the run is told.
            _place.Log.Add($"the run failed: {(e is ThomasException ? e.Message : e.ToString())}");
            end = Snapshot() with { Status = RunStatus.Failed, Error = e.Message };
        }

        if (RunStatus.IsFinal(end.Status)) TemporaryFile.TryDelete(CheckpointOf(_folder));
        TryWrite(end);
        _ended(end);
    }

    private RunFile Train()
    {
        RunFile asked = _file;
        StudioSettings settings = _place.Settings;
        Dataset data = Images(asked);
        if (!UpdatePolicy.TryParse(asked.Policy, out UpdatePolicy policy)) throw new ThomasException($"'{asked.Policy}' is not an update policy.");
        CompileOptions compile = DeviceName.Apply(asked.Device, settings.Compile);
        TuningOptions options = RunOptions.Of(asked, policy, compile, _place.Stored) with
        {
            CacheDirectory = Directory.CreateDirectory(_place.Cache).FullName,
            KeepPredictions = true,
            Guard = (settings.Guard ?? new RunGuard { SensorRoot = settings.SensorRoot }) with { Switch = _switch },
        };
        if (options.Network is not null)
        {
            options = options with
            {
                Network = options.Network with
                {
                    Epochs = _epochs,
                    CheckpointPath = CheckpointOf(_folder),
                    CheckpointInterval = CheckpointEvery,
                    Resume = true,
                    NewImages = true,
                },
            };
        }

        long memory = asked.MemoryBytes is long bound ? RunPlanner.DecodeBytes(bound, compile, data.HeldBytes) : 0;
        IImageDecoder decoder = settings.Decoder(memory);
        if (asked.Compress == Compression.Int8.ToWord()) options = LastLayerGrid.With(options, decoder);
        TuningResult result = Tuner.Tune(
            _place.Model, data, decoder, options, new ImmediateProgress<StageProgress>(Tell), new ImmediateProgress<EpochReport>(Tell),
            _cancel.Token);
        CacheFolder.Trim(_place.Cache, CacheBytes);
        if (result.Cancelled && _isInterrupted) return Snapshot() with { Status = RunStatus.Training };
        SetStatus(RunStatus.Finishing);
        Take(result.Epochs);
        ModelFiles.Save(result.Model, _modelPath, new SaveOptions());
        foreach (string warning in result.Warnings) Notice(warning);
        return Snapshot() with
        {
            Status = result.Cancelled || _stops ? RunStatus.Stopped : RunStatus.Done,
            Labels = [.. result.Labels],
            Before = (result.AfterLastLayer ?? result.Before).ToRows(),
            After = result.After.ToRows(),
            Checked = result.Checked,
            Mistakes = Mistakes(result, data, asked),
        };
    }

    /// <summary>The images of the run that are still there.</summary>
    private Dataset Images(RunFile file)
    {
        List<Sample> samples = [];
        foreach (RunImage image in file.Images)
        {
            if (_place.Pictures.Find(image.Item) is { } found) samples.Add(new Sample(ImageSource.FromFile(found.Path), image.Class, Subset.Unassigned));
        }

        return new Dataset(_place.Name, file.Labels, samples);
    }

    private RunMistake[]? Mistakes(TuningResult result, Dataset data, RunFile file)
    {
        if (result.Predictions is null) return null;
        Dictionary<string, long> items = [];
        foreach (RunImage image in file.Images)
        {
            if (_place.Pictures.Find(image.Item) is { } found) items[found.Path] = image.Item;
        }

        List<RunMistake> mistakes = [];
        foreach (ImagePrediction prediction in result.Predictions)
        {
            if (prediction.IsCorrect || !items.TryGetValue(prediction.Image.Name, out long item)) continue;
            mistakes.Add(new RunMistake(item, prediction.Actual, prediction.Predicted, prediction.PredictedProbability));
        }

        GC.KeepAlive(data);
        return [.. mistakes];
    }

    private RunFile Snapshot()
    {
        lock (_gate)
        {
            double? joules = _energy.Joules;
            return _file with
            {
                Curves = [.. _curves],
                Losses = _losses.ToArray(),
                Seconds = _file.Seconds + _clock.Worked.TotalSeconds,

                // Of a run in several parts, one that was not measured leaves the sum unknown.
                Joules = _file.Seconds > 0 ? _file.Joules + joules : joules,
                Notices = [.. _notices],
            };
        }
    }

    private void Tell(StageProgress progress)
    {
        if (progress.IsWarning)
        {
            Notice(progress.Message);
            return;
        }

        lock (_gate)
        {
            switch (progress.Pause)
            {
                case PauseState.Paused:
                    if (_status != RunStatus.Paused) _former = _status;
                    (_status, _cause) = (RunStatus.Paused, progress.Cause);
                    _clock.Pause();
                    break;
                case PauseState.Resumed:
                    _status = _former;
                    _clock.Resume();
                    break;
                case PauseState.None when progress.Stage == "train":
                    Count(progress);
                    break;
                default:
                    break;
            }
        }

        _place.Events.Mark(EventKinds.Run);
    }

    private void Count(StageProgress progress)
    {
        (_status, _step, _steps) = (RunStatus.Training, progress.Done, progress.Total);
        if (_firstStep < 0) (_firstStep, _firstTime) = (progress.Done, _clock.Worked);
        if (progress.Loss is float loss) _losses.Add(progress.Done, loss);
    }

    /// <summary>An epoch is on the disk before it is shown.</summary>
    private void Tell(EpochReport epoch)
    {
        List<CurveReply> curves;
        lock (_gate) curves = [.. _curves];
        curves.RemoveAll(curve => curve.Epoch >= epoch.Epoch);
        curves.Add(CurveOf(epoch));
        TryWrite(Snapshot() with { Curves = [.. curves] });
        lock (_gate)
        {
            _curves.Clear();
            _curves.AddRange(curves);
            if (epoch.Epoch >= _epochs) _status = RunStatus.Finishing;
            else if (_status == RunStatus.Preparing) _status = RunStatus.Training;
        }

        _place.Events.Mark(EventKinds.Run);
    }

    /// <summary>All epochs as the training knows them: a program that was killed may not have noted the last one.</summary>
    private void Take(IReadOnlyList<EpochReport> epochs)
    {
        lock (_gate)
        {
            _curves.Clear();
            foreach (EpochReport epoch in epochs) _curves.Add(CurveOf(epoch));
        }
    }

    private static CurveReply CurveOf(EpochReport epoch) =>
        new(epoch.Epoch, epoch.TrainLoss, epoch.ValidationLoss, epoch.TrainAccuracy, epoch.ValidationAccuracy);

    private void SetStatus(string status)
    {
        lock (_gate) _status = status;
        _place.Events.Mark(EventKinds.Run);
    }

    private void Notice(string text)
    {
        lock (_gate)
        {
            if (!_notices.Contains(text) && _notices.Count < MostNotices) _notices.Add(text);
        }

        _place.Events.Mark(EventKinds.Run);
    }

    private void TryWrite(RunFile file)
    {
        try
        {
            file.Write(_folder);
        }
        catch (OutputException e)
        {
            _place.Log.Add($"how the run went cannot be kept: {e.Message}");
            Notice(e.Message);
        }
    }
}
