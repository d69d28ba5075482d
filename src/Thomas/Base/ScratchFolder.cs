using System;
using System.IO;

namespace Thomas;

/// <summary>
/// A folder among the system's temporary files for what a run under a memory bound keeps on disk. It is deleted on disposal; what a killed run has left is
/// deleted by the next one, since nobody holds its lock any more.
/// </summary>
internal sealed class ScratchFolder : IDisposable
{
    private const string Prefix = "thomas-run-";
    private const string LockName = "run.lock";

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
                $"With a memory bound, a run keeps images and features in files, but the temporary folder '{System.IO.Path.GetTempPath()}' cannot be used: "
                + $"{e.Message} Set TMPDIR (on Windows TMP) to an existing, writable folder, or use a cache folder.", e);
        }

        TemporaryFile.DeleteAbandonedFolders(System.IO.Path.GetTempPath(), Prefix, _lock);
    }

    /// <summary>Where it is.</summary>
    public string Path { get; }

    /// <inheritdoc/>
    public void Dispose() => TemporaryFile.TryDelete(Path, _lock);
}
