using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Thomas.Studio.Http;
using Thomas.Training;

namespace Thomas.Studio.Runs;

/// <summary>
/// The run of a project that trains more than the last layer: under way, interrupted, or ended with a result. Everything needed to go on lies in its folder, so
/// a run whose program was killed goes on from its last checkpoint.
/// </summary>
internal sealed class ProjectRun : IAsyncDisposable
{
    private readonly RunPlace _place;
    private readonly string _folder;
    private readonly Lock _gate = new(), _using = new();
    private RunFile _file;
    private RunJob? _job;
    private ImageClassifier? _classifier;

    private ProjectRun(RunPlace place, string folder, RunFile file) => (_place, _folder, _file) = (place, folder, file);

    /// <summary>Whether it is under way, or may go on.</summary>
    public bool IsActive
    {
        get
        {
            lock (_gate) return _job is not null || !RunStatus.IsFinal(_file.Status);
        }
    }

    /// <summary>Whether it is under way now.</summary>
    public bool IsWorking
    {
        get
        {
            lock (_gate) return _job is not null;
        }
    }

    /// <summary>What it is doing, for one that is under way or may go on; null for one that has ended.</summary>
    public string? ActiveStatus
    {
        get
        {
            lock (_gate) return _job is not null ? _job.Status : RunStatus.IsFinal(_file.Status) ? null : RunStatus.Paused;
        }
    }

    /// <summary>Whether it has left a network.</summary>
    public bool HasResult
    {
        get
        {
            lock (_gate) return RunStatus.IsFinal(_file.Status) && File.Exists(ModelPath);
        }
    }

    /// <summary>As it is on the disk.</summary>
    public RunFile Record
    {
        get
        {
            lock (_gate) return _file;
        }
    }

    /// <summary>Watts of the whole device while it ran, where that was measured.</summary>
    public double? Watts => Record is { Joules: double joules, Seconds: > 1 and double seconds } ? joules / seconds : null;

    private string ModelPath => Path.Combine(_folder, _place.Stored.IsTfLite ? "model.tflite" : "model.onnx");

    /// <summary>The last run of a project; null if there is none.</summary>
    public static ProjectRun? Open(RunPlace place)
    {
        Directory.CreateDirectory(place.Folder);
        ProjectRun? last = null;
        foreach ((_, string folder) in Folders(place.Folder))
        {
            if (RunFile.TryRead(folder, out string? problem) is RunFile file) last = new ProjectRun(place, folder, file);
            else place.Log.Add($"the run in '{folder}' is left out: {problem}");
        }

        return last;
    }

    /// <summary>Whether the last run of a project that is not open was interrupted.</summary>
    public static bool IsInterrupted(string runs)
    {
        if (!Directory.Exists(runs)) return false;
        RunFile? last = null;
        foreach ((_, string folder) in Folders(runs)) last = RunFile.TryRead(folder, out _) ?? last;
        return last is not null && !RunStatus.IsFinal(last.Status);
    }

    /// <summary>Begins a run; former ones are forgotten.</summary>
    public static ProjectRun Begin(RunPlace place, RunFile file)
    {
        List<(long Number, string Folder)> former = Folders(place.Folder);
        long number = former.Count == 0 ? 1 : former[^1].Number + 1;
        string folder = Directory.CreateDirectory(Path.Combine(place.Folder, number.ToString(CultureInfo.InvariantCulture))).FullName;
        file.Write(folder);
        foreach ((_, string old) in former) Directory.Delete(old, recursive: true);
        ProjectRun run = new(place, folder, file);
        lock (run._gate) run.StartJob(file.Epochs, stops: false);
        return run;
    }

    /// <summary>As the API shows it.</summary>
    /// <param name="items">The images of the project now.</param>
    public RunReply ToReply(IReadOnlyList<TuningSessionItem> items)
    {
        lock (_gate)
        {
            if (_job is not null) return _job.ToReply();
            bool isInterrupted = !RunStatus.IsFinal(_file.Status);
            CurveReply[] curves = _file.Curves;
            int step = _file.Losses.Length > 0 ? (int)_file.Losses[^1][0] : 0, steps = StepsOf(_file);
            string status = isInterrupted ? RunStatus.Paused : _file.Status;
            return new RunReply(
                _file.Policy, _file.Epochs, _file.Device, status, Sentence.OfNullable(_file.Error), curves.Length, step, steps, null, _file.Seconds,
                isInterrupted ? "restart" : null, curves, _file.Losses, ShareOf(_file.Before), ShareOf(_file.After), _file.Joules, HasResult,
                HasResult && !_file.IsOf(items), Sentence.All(_file.Notices));
        }
    }

    /// <summary>Pauses it.</summary>
    /// <exception cref="StudioException">It is not under way.</exception>
    public void Pause()
    {
        lock (_gate) (_job ?? throw NotActive()).Pause();
    }

    /// <summary>Lets it go on, also after the program was ended.</summary>
    /// <exception cref="StudioException">It has ended.</exception>
    public void Resume()
    {
        lock (_gate)
        {
            if (_job is not null) _job.Resume();
            else if (RunStatus.IsFinal(_file.Status)) throw NotActive();
            else StartJob(_file.Epochs, stops: false);
        }
    }

    /// <summary>Ends it with the best network so far.</summary>
    /// <exception cref="StudioException">It has ended.</exception>
    public void Stop()
    {
        lock (_gate)
        {
            if (_job is not null)
            {
                _job.Stop();
            }
            else if (RunStatus.IsFinal(_file.Status))
            {
                throw NotActive();
            }
            else if (File.Exists(RunJob.CheckpointOf(_folder)))
            {
                // What the checkpoint holds becomes a network when the run ends with the epochs that it has, at least the first.
                StartJob(int.Max(1, _file.Curves.Length), stops: true);
            }
            else
            {
                _file = _file with { Status = RunStatus.Stopped };
                _file.Write(_folder);
            }
        }
    }

    /// <summary>Deletes it with its result.</summary>
    /// <exception cref="StudioException">It is under way.</exception>
    public void Delete()
    {
        lock (_using)
        {
            lock (_gate)
            {
                if (_job is not null) throw StudioException.Conflict(ErrorCode.RunActive, "The run is under way; stop it first.");
                _classifier?.Dispose();
                _classifier = null;
                Directory.Delete(_folder, recursive: true);
            }
        }
    }

    /// <summary>The trained network.</summary>
    /// <exception cref="StudioException">There is none.</exception>
    public Model Load() => HasResult ? ModelFiles.Load(ModelPath) : throw NoResult();

    /// <summary>Classifies with the trained network.</summary>
    /// <exception cref="StudioException">There is none.</exception>
    public IReadOnlyList<ClassScore> Classify(ReadOnlyMemory<byte> encoded, int top)
    {
        lock (_using)
        {
            if (!HasResult) throw NoResult();
            _classifier ??= new ImageClassifier(Load(), options: _place.Settings.Compile.Unsplit);
            return _classifier.Classify(_place.Settings.Decoder(0), encoded, top);
        }
    }

    /// <summary>Ends it so that it can go on later.</summary>
    public async ValueTask DisposeAsync()
    {
        Task ended;
        lock (_gate) ended = _job?.Interrupt() ?? Task.CompletedTask;
        await ended;
        lock (_using)
        {
            _classifier?.Dispose();
            _classifier = null;
        }
    }

    /// <summary>An accuracy with its interval; null for no matrix.</summary>
    internal static ShareReply? ShareOf(int[][]? rows) => rows is null ? null : ShareOf(new ConfusionMatrix(rows));

    /// <summary>An accuracy with its interval; null for no matrix.</summary>
    internal static ShareReply? ShareOf(ConfusionMatrix? matrix) => matrix is null || matrix.Total == 0
        ? null
        : new ShareReply(matrix.Accuracy, matrix.AccuracyInterval.Low, matrix.AccuracyInterval.High, matrix.Total);

    /// <summary>Steps of a whole run, about: a fifth of the images is set aside.</summary>
    private static int StepsOf(RunFile file)
    {
        int training = file.Images.Length - (file.Images.Length / 5), batch = int.Min(file.Batch, training);
        return file.Epochs * ((training + batch - 1) / int.Max(batch, 1));
    }

    private static StudioException NotActive() => StudioException.Conflict(ErrorCode.NoRun, "No run is under way.");

    private static StudioException NoResult() => StudioException.Cannot(ErrorCode.NoRun, "There is no run with a result.");

    private static List<(long Number, string Folder)> Folders(string runs)
    {
        List<(long, string)> folders = [];
        foreach (string path in Directory.GetDirectories(runs))
        {
            if (long.TryParse(Path.GetFileName(path), NumberStyles.None, CultureInfo.InvariantCulture, out long number)) folders.Add((number, path));
        }

        folders.Sort();
        return folders;
    }

    // Under the lock: a job that ends at once must not come before this.
    private void StartJob(int epochs, bool stops) => _job = new RunJob(_place, _folder, ModelPath, _file, epochs, stops, Ended);

    private void Ended(RunFile file)
    {
        lock (_gate)
        {
            _job!.Dispose();
            (_file, _job) = (file, null);
        }

        _place.Events.Mark(EventKinds.Run | EventKinds.State);
    }
}
