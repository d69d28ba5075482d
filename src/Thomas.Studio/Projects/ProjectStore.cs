using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Thomas.Studio.Models;
using Thomas.Studio.Runs;
using Thomas.Training;

namespace Thomas.Studio.Projects;

/// <summary>The projects of a studio. A few of them are open at a time; the one that was not used for longest is closed for another.</summary>
internal sealed class ProjectStore(string folder, ModelStore models, StudioSettings settings, StudioLog log) : IAsyncDisposable
{
    private const string Unfinished = ".new-", Deleted = ".deleted-";

    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _opening = new(1);
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);
    private long _uses;
    private bool _isClosed;

    /// <summary>Reads what is there, and removes what a program that was killed had not finished.</summary>
    public void Open()
    {
        Directory.CreateDirectory(folder);
        foreach (string path in Directory.GetDirectories(folder))
        {
            string name = Path.GetFileName(path);
            if (name.StartsWith(Unfinished, StringComparison.Ordinal) || name.StartsWith(Deleted, StringComparison.Ordinal))
            {
                Directory.Delete(path, recursive: true);
            }
            else if (StudioId.IsOne(name))
            {
                if (ProjectFile.TryRead(path, out string? problem) is ProjectFile file) _entries.Add(name, new Entry(path, file));
                else log.Add($"the project in '{path}' is left out: {problem}");
            }
        }
    }

    /// <summary>All projects, the one that was changed last first.</summary>
    public IReadOnlyList<ProjectReply> All()
    {
        List<Entry> entries;
        lock (_gate) entries = [.. _entries.Values];
        List<ProjectReply> projects = [];
        foreach (Entry entry in entries)
        {
            Project? open;
            ProjectFile file;
            IReadOnlyList<TuningSessionClass>? counted;
            lock (_gate) (open, file, counted) = (entry.Open, entry.Open?.Description ?? entry.File, entry.Open?.Counted ?? entry.Counted);
            if (counted is null)
            {
                counted = TuningSession.ClassesOf(Path.Combine(entry.Folder, "session"));
                lock (_gate) entry.Counted = counted;
            }

            projects.Add(ToReply(file, counted, open is null ? ClosedRun(entry) : open.Run?.ActiveStatus));
        }

        projects.Sort(static (a, b) => b.Changed.CompareTo(a.Changed));
        return projects;
    }

    /// <summary>Makes a project.</summary>
    /// <exception cref="StudioException">There are too many.</exception>
    public ProjectReply Create(string name, string model)
    {
        StoredModel stored = models.Find(model);
        string id = StudioId.New();
        ProjectFile file = new()
        {
            Version = ProjectFile.CurrentVersion,
            Id = id,
            Name = name,
            Model = stored.Id,
            Classes = [],
            Changed = DateTimeOffset.UtcNow,
        };
        lock (_gate)
        {
            if (_entries.Count >= settings.Limits.Projects)
            {
                throw StudioException.TooMany(
                    ErrorCode.TooManyProjects, string.Create(CultureInfo.InvariantCulture, $"There are {_entries.Count} projects already; delete some."),
                    settings.Limits.Projects);
            }

            string work = Directory.CreateDirectory(Path.Combine(folder, Unfinished + id)).FullName, path = Path.Combine(folder, id);
            file.Write(work);
            Directory.Move(work, path);
            _entries.Add(id, new Entry(path, file));
        }

        log.Add($"made the project '{name}'");
        return ToReply(file, [], null);
    }

    /// <summary>Whether a project has a model.</summary>
    public bool Uses(string model)
    {
        lock (_gate)
        {
            foreach (Entry entry in _entries.Values)
            {
                if (entry.File.Model == model) return true;
            }

            return false;
        }
    }

    /// <summary>Uses a project, which stays open until that is disposed.</summary>
    /// <exception cref="StudioException">There is none, or the studio is being closed.</exception>
    /// <exception cref="ThomasException">It cannot be opened.</exception>
    public async Task<Use> Enter(string id, CancellationToken cancellation)
    {
        Entry entry = Find(id);
        if (TryEnter(entry) is Use ready) return ready;
        await _opening.WaitAsync(cancellation);
        try
        {
            if (TryEnter(entry) is Use meanwhile) return meanwhile;
            await CloseUnused(settings.Limits.OpenProjects - 1);
            StoredModel stored = models.TryFind(entry.File.Model)
                ?? throw StudioException.Cannot(ErrorCode.NoModel, "The project's model is missing; import the same file again.");
            Project project = await Task.Run(() => Open(entry, stored), cancellation);
            lock (_gate)
            {
                entry.Open = project;
                (entry.Counted, entry.IsInterrupted) = (null, null);
                return new Use(this, entry, project);
            }
        }
        finally
        {
            _opening.Release();
        }
    }

    /// <summary>Deletes a project with all that it holds.</summary>
    /// <exception cref="StudioException">There is none, or its run is under way.</exception>
    public async Task Delete(string id, CancellationToken cancellation)
    {
        Entry entry = Find(id);
        await _opening.WaitAsync(cancellation);
        try
        {
            Project? open;
            lock (_gate)
            {
                if (entry.Open is { IsWorking: true }) throw StudioException.Conflict(ErrorCode.RunActive, "A run of the project is under way; stop it first.");
                if (!_entries.Remove(id)) throw NoProject();
                (open, entry.Open) = (entry.Open, null);
            }

            if (open is not null) await open.DisposeAsync();
            string gone = Path.Combine(folder, Deleted + id);
            Directory.Move(entry.Folder, gone);
            Directory.Delete(gone, recursive: true);
            log.Add($"deleted the project '{entry.File.Name}'");
        }
        finally
        {
            _opening.Release();
        }
    }

    /// <summary>Closes all projects; runs can go on later.</summary>
    public async ValueTask DisposeAsync()
    {
        await _opening.WaitAsync();
        List<Project> open = [];
        lock (_gate)
        {
            _isClosed = true;
            foreach (Entry entry in _entries.Values)
            {
                if (entry.Open is not null) open.Add(entry.Open);
                entry.Open = null;
            }
        }

        foreach (Project project in open) await project.DisposeAsync();
        _opening.Release();
    }

    private static ProjectReply ToReply(ProjectFile file, IReadOnlyList<TuningSessionClass> counted, string? run)
    {
        int images = 0, empty = file.Classes.Length;
        foreach (TuningSessionClass @class in counted)
        {
            images += @class.Images;
            if (Array.IndexOf(file.Classes, @class.Label) >= 0) empty--;
        }

        return new ProjectReply(file.Id, file.Name, file.Model, counted.Count + empty, images, file.Changed, run);
    }

    /// <summary>The status of the run of a project that is closed: one that was interrupted may go on, and is read from the disk once.</summary>
    private string? ClosedRun(Entry entry)
    {
        bool? known;
        lock (_gate) known = entry.IsInterrupted;
        if (known is null)
        {
            known = ProjectRun.IsInterrupted(Path.Combine(entry.Folder, Project.RunsName));
            lock (_gate) entry.IsInterrupted = known;
        }

        return known == true ? RunStatus.Paused : null;
    }

    private static StudioException NoProject() => StudioException.NotFound("There is no such project.");

    // Not canceled with the request: the starter, once begun, serves the next one.
    private Project Open(Entry entry, StoredModel stored)
    {
        Model model = models.Load(stored, CancellationToken.None);
        return Project.Open(entry.Folder, entry.File, models.Find(stored.Id), model, settings, log);
    }

    private Entry Find(string id)
    {
        lock (_gate) return _entries.GetValueOrDefault(id) ?? throw NoProject();
    }

    private Use? TryEnter(Entry entry)
    {
        lock (_gate)
        {
            if (_isClosed) throw StudioException.Busy();
            if (!_entries.ContainsKey(entry.File.Id)) throw NoProject();
            return entry.Open is Project open ? new Use(this, entry, open) : null;
        }
    }

    /// <summary>Closes what was not used for longest, until no more than so many projects are open. Those in use stay.</summary>
    private async Task CloseUnused(int most)
    {
        while (true)
        {
            Project closed;
            lock (_gate)
            {
                Entry? oldest = null;
                int open = 0;
                foreach (Entry entry in _entries.Values)
                {
                    if (entry.Open is null) continue;
                    open++;
                    if (entry.Users == 0 && !entry.Open.IsWorking && (oldest is null || entry.LastUse < oldest.LastUse)) oldest = entry;
                }

                if (open <= most || oldest is null) return;
                closed = oldest.Open!;
                (oldest.File, oldest.Counted, oldest.IsInterrupted, oldest.Open) = (closed.Description, closed.Counted, null, null);
            }

            await closed.DisposeAsync();
        }
    }

    /// <summary>A project that somebody uses.</summary>
    public sealed class Use : IDisposable
    {
        private readonly ProjectStore _store;
        private Entry? _entry;

        // Under the store's lock.
        internal Use(ProjectStore store, Entry entry, Project project)
        {
            (_store, _entry, Project) = (store, entry, project);
            entry.Users++;
            entry.LastUse = ++store._uses;
        }

        /// <summary>The project.</summary>
        public Project Project { get; }

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _entry, null) is not Entry entry) return;
            lock (_store._gate) entry.Users--;
        }
    }

    internal sealed class Entry(string folder, ProjectFile file)
    {
        public string Folder => folder;

        public ProjectFile File { get; set; } = file;

        public Project? Open { get; set; }

        /// <summary>Its classes, while it is closed and they are known.</summary>
        public IReadOnlyList<TuningSessionClass>? Counted { get; set; }

        /// <summary>Whether its run was interrupted, while it is closed and that is known.</summary>
        public bool? IsInterrupted { get; set; }

        public int Users { get; set; }

        public long LastUse { get; set; }
    }
}
