using System;
using System.IO;

namespace Thomas.Formats;

/// <summary>
/// A folder among the system's temporary files for what a run under a memory bound keeps on disk. It is deleted on disposal; what a killed run has left is deleted by the
/// next one, since nobody holds its lock any more.
/// </summary>
internal sealed class ScratchFolder : IDisposable
{
    private const string Prefix = "thomas-run-";
    private const string LockName = "run.lock";

    /// <summary>A folder is locked right after it is created, not at once.</summary>
    private static readonly TimeSpan AbandonedAfter = TimeSpan.FromSeconds(2);

    private readonly FileStream _lock;

    /// <exception cref="OutputException">The system's temporary folder cannot be used.</exception>
    public ScratchFolder()
    {
        try
        {
            Path = Directory.CreateTempSubdirectory(Prefix).FullName;
            _lock = TemporaryFile.Create(System.IO.Path.Combine(Path, LockName));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OutputException(
                $"Under a memory bound a run keeps images and features in files, but the temporary folder '{System.IO.Path.GetTempPath()}' cannot be used: {e.Message} Set TMPDIR (on Windows TMP) to a folder that exists and can be written, or use a cache folder.", e);
        }

        DeleteAbandoned();
    }

    /// <summary>Where it is.</summary>
    public string Path { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        // Windows does not delete what is open.
        if (OperatingSystem.IsWindows()) _lock.Dispose();
        TryDelete(Path);
        _lock.Dispose();
    }

    private void DeleteAbandoned()
    {
        // Where the file system has no locks, nothing tells a killed run from a live one.
        if (IsAbandoned(_lock.Name)) return;
        try
        {
            foreach (string folder in Directory.EnumerateDirectories(System.IO.Path.GetTempPath(), Prefix + "*"))
            {
                string held = System.IO.Path.Combine(folder, LockName);
                if (folder != Path && File.Exists(held) && DateTime.UtcNow - File.GetLastWriteTimeUtc(held) > AbandonedAfter && IsAbandoned(held)) TryDelete(folder);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Nothing depends on it.
        }
    }

    private static bool IsAbandoned(string path)
    {
        bool isFree = TemporaryFile.TryLock(path, out FileStream? stream);
        stream?.Dispose();
        return isFree;
    }

    private static void TryDelete(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Another program looks into it; the next run tries again.
        }
    }
}
