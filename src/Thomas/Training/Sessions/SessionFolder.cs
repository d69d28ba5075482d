using System;
using System.Collections.Generic;
using System.IO;

namespace Thomas.Training;

/// <summary>The folder of a session: what describes it, its images, its head, and the lock of the one process that has it open.</summary>
internal sealed class SessionFolder : IDisposable
{
    private const string ManifestName = "session.json", LogName = "images.log", HeadName = "head.bin", LockName = "session.lock";

    // The system's number of the error that another has the lock: Windows, Linux, macOS.
    private const int SharingViolation = unchecked((int)0x80070020), WouldBlockLinux = 11, WouldBlockMac = 35;

    private readonly FileStream _lock;
    private readonly string _folder;
    private SessionLog? _log;

    private SessionFolder(string folder, FileStream @lock)
    {
        _folder = folder;
        _lock = @lock;
    }

    /// <summary>Its full path.</summary>
    public string Path => _folder;

    /// <summary>What describes the session; null for a new one.</summary>
    public SessionManifest? Manifest { get; private set; }

    /// <summary>The images.</summary>
    public SessionLog Log => _log!;

    private string ManifestPath => At(ManifestName);

    private string LogPath => At(LogName);

    private string HeadPath => At(HeadName);

    /// <summary>What describes a session that may be open elsewhere; null where there is none.</summary>
    /// <exception cref="DataException">It cannot be read.</exception>
    public static SessionManifest? Describe(string folder) => SessionManifest.Read(System.IO.Path.Combine(System.IO.Path.GetFullPath(folder), ManifestName));

    /// <summary>The classes of a session that may be open elsewhere, as far as its log can be read; empty where there is none.</summary>
    public static IReadOnlyList<TuningSessionClass> ClassesOf(string folder)
    {
        SessionState state = new();
        try
        {
            if (Describe(folder) is not SessionManifest manifest) return [];
            string log = System.IO.Path.Combine(System.IO.Path.GetFullPath(folder), LogName);
            SessionLog.Scan(log, manifest.Features, record => SessionRecord.Apply(record, state, manifest.Features));
        }
        catch (DataException)
        {
            // Whoever opens it is told what is wrong.
        }

        List<TuningSessionClass> classes = [];
        foreach (SessionClass @class in state.Classes) classes.Add(new TuningSessionClass(@class.Label, @class.Images));
        return classes;
    }

    /// <summary>Takes a folder, which is made if it does not exist.</summary>
    /// <exception cref="OutputException">It cannot be made or written to.</exception>
    /// <exception cref="DataException">Another has it open, it is no session but not empty, or it cannot be read.</exception>
    public static SessionFolder Open(string folder)
    {
        string path = System.IO.Path.GetFullPath(folder);
        SessionFolder? opened = null;
        try
        {
            Directory.CreateDirectory(path);
            RequireOwn(path);
            opened = new SessionFolder(path, TakeLock(path));
            opened.Manifest = SessionManifest.Read(opened.ManifestPath);
            if (opened.Manifest is null) opened.RequireEmpty();
            else opened.RequireImages();
            SessionFolder result = opened;
            opened = null;
            return result;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new OutputException($"Cannot open the session '{path}': {e.Message}", e);
        }
        finally
        {
            opened?.Dispose();
        }
    }

    /// <summary>Makes a new session. What describes it comes last: without it there is no session yet.</summary>
    /// <exception cref="OutputException">The folder cannot be written to.</exception>
    public void Create(SessionManifest manifest)
    {
        SessionLog.Create(LogPath, manifest.Features, []);
        manifest.Write(ManifestPath);
        Manifest = manifest;
    }

    /// <summary>Reads the images, and writes their file anew if most of it is no longer needed.</summary>
    /// <param name="options">The session's options.</param>
    /// <param name="notices">Gets what the user should know.</param>
    /// <exception cref="DataException">The file is damaged; it is left as it is.</exception>
    public SessionState ReadImages(TuningSessionOptions options, List<string> notices)
    {
        int features = Manifest!.Features;
        SessionState state = new();
        _log = SessionLog.Open(LogPath, features, record => SessionRecord.Apply(record, state, features), options.LogStream, out string? notice);
        if (notice is not null) notices.Add(notice);
        long needed = state.HeldImages * (SessionLog.FrameBytes + SessionRecord.UsualOf(features));
        if (_log.Length - options.CompactAbove <= 2 * needed) return state;
        _log.Dispose();
        try
        {
            SessionLog.Create(LogPath, features, Records(state));
        }
        catch (OutputException e)
        {
            notices.Add($"most images were removed, but the session's file could not be compacted and stays larger than needed: {e.Message}");
        }

        _log = SessionLog.Reopen(LogPath, options.LogStream);
        return state;
    }

    /// <summary>Reads the head that was trained last.</summary>
    public SessionHead? ReadHead(List<string> notices)
    {
        SessionHead? head = SessionHead.TryRead(HeadPath, Manifest!.Features, out string? problem);
        if (problem is not null) notices.Add($"the trained head '{HeadPath}' cannot be used and must be trained again: {problem}");
        return head;
    }

    /// <summary>Keeps a head for the next start.</summary>
    /// <exception cref="OutputException">It cannot be written; the former one is still there.</exception>
    public void WriteHead(SessionHead head) => head.Write(HeadPath);

    /// <summary>Closes the files and gives the folder free.</summary>
    public void Dispose()
    {
        _log?.Dispose();
        _lock.Dispose();
    }

    private static IEnumerable<byte[]> Records(SessionState state)
    {
        (IReadOnlyList<(SessionImage Image, int Class, string Label)> before, IReadOnlyList<byte[]> changes) = state.ToRecords();
        yield return SessionRecord.Begin(state.NextId, state.NextClass);
        foreach ((SessionImage image, int @class, string label) in before) yield return SessionRecord.Image(SessionRecordKind.Image, image, @class, label);
        foreach (byte[] change in changes) yield return change;
    }

    /// <summary>A folder with other things in it was given by mistake; not even a lock is left there.</summary>
    private static void RequireOwn(string path)
    {
        if (File.Exists(System.IO.Path.Combine(path, ManifestName))) return;
        foreach (string entry in Directory.EnumerateFileSystemEntries(path))
        {
            string name = System.IO.Path.GetFileName(entry);
            if (name is LogName or HeadName or LockName or ['.', ..] || name.EndsWith(".tmp", StringComparison.Ordinal)) continue;
            throw new DataException(
                $"The folder '{path}' is not a session and contains something else ('{name}'); choose an empty folder, or one that does not exist.");
        }
    }

    private static FileStream TakeLock(string path)
    {
        try
        {
            return new FileStream(System.IO.Path.Combine(path, LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
        }
        catch (IOException e) when (e.HResult is SharingViolation or WouldBlockLinux or WouldBlockMac)
        {
            throw new DataException($"The session '{path}' is already open in this or another program; close it there first.", e);
        }
    }

    /// <summary>Without what describes it, a session that holds images must not be taken for a new one.</summary>
    private void RequireEmpty()
    {
        if (!File.Exists(LogPath) || InputFile.LengthOf(LogPath) <= SessionLog.HeaderBytes) return;
        throw new DataException(
            $"The session '{_folder}' has images, but '{ManifestName}' is missing. Restore a copy of that file, or start a new session in another folder.");
    }

    private void RequireImages()
    {
        if (File.Exists(LogPath)) return;
        throw new DataException(
            $"The session '{_folder}' has lost its images: '{LogName}' is missing. Restore a copy of the file, or start a new session in another folder.");
    }

    private string At(string name) => System.IO.Path.Combine(_folder, name);
}
