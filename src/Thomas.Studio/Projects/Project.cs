using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Thomas.Studio.Http;
using Thomas.Studio.Models;
using Thomas.Studio.Runs;
using Thomas.Training;

namespace Thomas.Studio.Projects;

/// <summary>
/// A project that is open: its session, its images and its run. What a call has returned from is on the disk. Safe for any number of threads.
/// </summary>
internal sealed partial class Project : IAsyncDisposable
{
    /// <summary>The folder of its runs, in its own.</summary>
    public const string RunsName = "runs";

    private const int MostExports = 100;

    private readonly string _folder;
    private readonly StudioSettings _settings;
    private readonly StoredModel _stored;
    private readonly Model _model;
    private readonly TuningSession _session;
    private readonly Pictures _pictures;
    private readonly HeadTraining _head;
    private readonly RunPlace _place;
    private readonly StudioLog _log;
    private readonly Lock _gate = new(), _runGate = new(), _ownGate = new();
    private readonly CancellationTokenSource _closed = new();
    private readonly List<string> _notices = [];
    private ProjectFile _file;
    private ProjectRun? _run;
    private ImageClassifier? _own;

    private Project(string folder, ProjectFile file, StoredModel stored, Model model, TuningSession session, StudioSettings settings, StudioLog log)
    {
        (_folder, _file, _stored, _model, _session, _settings, _log) = (folder, file, stored, model, session, settings, log);
        _pictures = new Pictures(Path.Combine(folder, "pictures"));
        int orphans = _pictures.Sweep(session.HeldIds());
        if (orphans > 0) log.Add(FormattableString.Invariant($"'{file.Name}': removed {orphans} files of images that do not count"));
        _notices.AddRange(session.Notices);
        _place = new RunPlace(
            Path.Combine(folder, RunsName), Path.Combine(folder, "cache"), file.Name, model, stored, _pictures, settings, Events, log);
        _run = ProjectRun.Open(_place);
        _head = new HeadTraining(session, settings, Events, log);
    }

    /// <summary>Who is told of changes.</summary>
    public EventSource Events { get; } = new();

    /// <summary>Canceled when it is closed.</summary>
    public CancellationToken Closed => _closed.Token;

    /// <summary>What describes it.</summary>
    public ProjectFile Description
    {
        get
        {
            lock (_gate) return _file;
        }
    }

    /// <summary>The classes that have images.</summary>
    public IReadOnlyList<TuningSessionClass> Counted => _session.Classes;

    /// <summary>How far the training of the last layer is; null if there is none under way.</summary>
    public TrainingEvent? Training => _head.Progress;

    /// <summary>Whether a run is under way.</summary>
    public bool IsWorking => Run is { IsWorking: true };

    /// <summary>The run; null before the first.</summary>
    public ProjectRun? Run
    {
        get
        {
            lock (_runGate) return _run;
        }
    }

    /// <summary>Opens a project.</summary>
    /// <exception cref="ThomasException">Its session cannot be opened; the message says why.</exception>
    public static Project Open(string folder, ProjectFile file, StoredModel stored, Model model, StudioSettings settings, StudioLog log)
    {
        TuningSessionOptions options = new() { Head = settings.Head, Compile = settings.Compile.Unsplit, ModelFile = stored.File, Guard = settings.Guard };
        TuningSession session = TuningSession.Open(Path.Combine(folder, "session"), model, settings.Decoder(0), options);
        try
        {
            return new Project(folder, file, stored, model, session, settings, log);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>As the API shows it.</summary>
    public StateReply State()
    {
        TuningSessionReport? trained = _session.LastTraining;
        HeadReply head = new(
            _session.IsTrained,
            _session.IsStale,
            _head.Progress is not null,
            Sentence.OfNullable(_session.TrainingProblem ?? _head.Problem),
            trained?.After is ConfusionMatrix { Total: > 0 } after
                ? new AccuracyReply(after.Accuracy, after.AccuracyInterval.Low, after.AccuracyInterval.High, after.Total)
                : null,
            Sentence.OfNullable(trained?.Checked),
            trained?.Images ?? 0,
            trained?.Duration.TotalSeconds ?? 0);
        lock (_gate)
        {
            return new StateReply(
                _file.Id, _file.Name, _stored.ToReply(), Classes(), _session.Items.Count, _session.CanUndo, _session.CanRedo, head, RunState(),
                Sentence.All([.. _notices, .. _session.DeviceNotes]));
        }
    }

    /// <summary>Its run as the API shows it; null before the first.</summary>
    public RunReply? RunState() => Run?.ToReply(_session.Items);

    /// <summary>Gives it another name.</summary>
    public void Rename(string name)
    {
        lock (_gate) Save(_file with { Name = name });
        Events.Mark(EventKinds.State);
    }

    /// <summary>Adds a class without images.</summary>
    /// <exception cref="StudioException">There is one of the name, or there are too many.</exception>
    public void AddClass(string name)
    {
        lock (_gate)
        {
            if (ClassNames().Contains(name)) throw NameTaken(name);
            if (_file.Classes.Length >= SessionState.MaximumClasses) throw TooManyClasses();
            Save(_file with { Classes = [.. _file.Classes, name] });
        }

        Events.Mark(EventKinds.State);
    }

    /// <summary>Gives a class another name.</summary>
    /// <exception cref="StudioException">There is no such class, or one of the new name.</exception>
    public void RenameClass(string from, string to)
    {
        lock (_gate)
        {
            List<string> names = ClassNames();
            int place = names.IndexOf(from);
            if (place < 0) throw NoClass();
            if (from == to) return;
            if (names.Contains(to)) throw NameTaken(to);
            if (HasImages(from)) _session.Rename(from, to);
            names[place] = to;
            Save(_file with { Classes = [.. names] });
        }

        Events.Mark(EventKinds.State);
    }

    /// <summary>Removes a class with its images.</summary>
    /// <exception cref="StudioException">There is no such class.</exception>
    public void RemoveClass(string name)
    {
        lock (_gate)
        {
            List<string> names = ClassNames();
            if (!names.Remove(name)) throw NoClass();
            if (HasImages(name)) _session.RemoveClass(name);
            Save(_file with { Classes = [.. names] });
        }

        Changed();
    }

    /// <summary>Takes the last change back, or makes it again.</summary>
    /// <exception cref="StudioException">There is none.</exception>
    public void Undo(bool redo)
    {
        lock (_gate)
        {
            IReadOnlyList<TuningSessionClass> before = _session.Classes;
            if (!(redo ? _session.Redo() : _session.Undo()))
            {
                throw StudioException.Conflict(redo ? ErrorCode.NothingToRedo : ErrorCode.NothingToUndo, $"There is nothing to {(redo ? "redo" : "undo")}.");
            }

            FollowNames(before, _session.Classes);
        }

        Changed();
    }

    /// <summary>Forgets its run.</summary>
    /// <exception cref="StudioException">There is none, or it is under way.</exception>
    public void DeleteRun()
    {
        lock (_runGate)
        {
            (_run ?? throw NoRun()).Delete();
            _run = null;
        }

        Events.Mark(EventKinds.State | EventKinds.Run);
    }

    /// <summary>Begins a run.</summary>
    /// <exception cref="StudioException">One is under way, or there are too few images.</exception>
    public RunReply BeginRun(RunRequest asked, StudioDevices devices)
    {
        RunFile file = RunOptions.Check(asked, devices, _place.Model, _session.Classes, _session.Items);
        lock (_runGate)
        {
            if (_run is { IsActive: true }) throw StudioException.Conflict(ErrorCode.RunActive, "A run is under way; stop it first.");
            _run = ProjectRun.Begin(_place, file);
            Events.Mark(EventKinds.State | EventKinds.Run);
            return _run.ToReply(_session.Items);
        }
    }

    /// <summary>Plans runs.</summary>
    public PlanReply Plan(PlanRequest asked, StudioDevices devices) =>
        RunPlans.Of(_place, asked, devices.Check(asked.Device), _session.Classes.Count, _session.Items.Count, Run?.Watts);

    /// <summary>Closes it; a run that is under way can go on when it is opened again.</summary>
    public async ValueTask DisposeAsync()
    {
        await _closed.CancelAsync();
        await _head.DisposeAsync();
        if (Run is ProjectRun run) await run.DisposeAsync();
        _session.Dispose();
        lock (_ownGate)
        {
            _own?.Dispose();
            _own = null;
        }

        try
        {
            lock (_gate) Save(_file);
        }
        catch (OutputException e)
        {
            _log.Add(e.Message);
        }
    }

    private static StudioException NameTaken(string name) => StudioException.Conflict(ErrorCode.NameTaken, $"There is already a class '{name}'.");

    private static StudioException NoClass() => StudioException.NotFound("There is no such class.");

    private static StudioException NoRun() => StudioException.Conflict(ErrorCode.NoRun, "There is no run.");

    private static StudioException TooManyClasses() => StudioException.Cannot(
        ErrorCode.TooManyClasses, string.Create(CultureInfo.InvariantCulture, $"A project has at most {SessionState.MaximumClasses} classes."),
        SessionState.MaximumClasses);

    /// <summary>Images have changed.</summary>
    private void Changed()
    {
        // Written with the next change of the file, at the latest when the project is closed.
        lock (_gate) _file = _file with { Changed = DateTimeOffset.UtcNow };
        _head.Wake();
        Events.Mark(EventKinds.State);
    }

    private void Save(ProjectFile file)
    {
        file.Write(_folder);
        _file = file;
    }

    private bool HasImages(string name)
    {
        foreach (TuningSessionClass @class in _session.Classes)
        {
            if (@class.Label == name) return true;
        }

        return false;
    }

    /// <summary>All classes: those of the file, then those that only the session knows, as after a removal was undone.</summary>
    private List<string> ClassNames()
    {
        List<string> names = [.. _file.Classes];
        foreach (TuningSessionClass @class in _session.Classes)
        {
            if (!names.Contains(@class.Label)) names.Add(@class.Label);
        }

        return names;
    }

    private List<ClassReply> Classes()
    {
        Dictionary<string, int> counts = new(StringComparer.Ordinal);
        foreach (TuningSessionClass @class in _session.Classes) counts[@class.Label] = @class.Images;
        List<ClassReply> classes = [];
        foreach (string name in ClassNames()) classes.Add(new ClassReply(name, counts.GetValueOrDefault(name)));
        return classes;
    }

    /// <summary>Where undoing gave one class another name, the file follows; it knows classes by their names alone.</summary>
    private void FollowNames(IReadOnlyList<TuningSessionClass> before, IReadOnlyList<TuningSessionClass> after)
    {
        if (before.Count != after.Count) return;
        for (int c = 0; c < before.Count; c++)
        {
            if (before[c].Label == after[c].Label) continue;
            int place = Array.IndexOf(_file.Classes, before[c].Label);
            if (before[c].Images != after[c].Images || place < 0 || Array.IndexOf(_file.Classes, after[c].Label) >= 0) return;
            string[] names = [.. _file.Classes];
            names[place] = after[c].Label;
            Save(_file with { Classes = names });
            return;
        }
    }
}
