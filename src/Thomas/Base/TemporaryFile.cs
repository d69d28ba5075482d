using System;
using System.Buffers;
using System.Globalization;
using System.IO;
using System.Text;

namespace Thomas;

/// <summary>
/// Files that will get their real name when they are complete. Their writer keeps them open and locked, so those of a process that was killed can be told from
/// those of one that runs, in whatever container or on whatever machine it does: nobody holds their lock.
/// </summary>
internal static class TemporaryFile
{
    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789abcdef");

    private const string Ending = ".tmp";
    private const string LongName = ".thomas";
    private const int IdDigits = 32;
    private const int MostNameBytes = 200;

    /// <summary>A file is locked right after it is created, not at once.</summary>
    private static readonly TimeSpan AbandonedAfter = TimeSpan.FromSeconds(2);

    /// <summary>Where the file system has no locks, only age tells.</summary>
    private static readonly TimeSpan AbandonedAfterWithoutLocks = TimeSpan.FromDays(1);

    /// <summary>A name in the folder of a file that nobody else has.</summary>
    public static string NameFor(string path)
    {
        string full = Path.GetFullPath(path), name = Path.GetFileName(full);

        // File systems allow 255 bytes; the name is only for people.
        if (Encoding.UTF8.GetByteCount(name) > MostNameBytes) name = LongName;
        return Path.Combine(Path.GetDirectoryName(full) ?? "", $"{name}.{Guid.NewGuid():N}{Ending}");
    }

    /// <summary>Creates a file and locks it until it is closed. It can be renamed meanwhile.</summary>
    public static FileStream Create(string path, long length = 0) => new(path, new FileStreamOptions
    {
        Mode = FileMode.CreateNew,
        Access = FileAccess.ReadWrite,
        PreallocationSize = length,
        Share = OperatingSystem.IsWindows() ? FileShare.Delete : FileShare.None,
    });

    /// <summary>Deletes what writers that no longer run have left in a folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="name">Name of the file that they wrote; with an asterisk before it, the end of its name, as <c>*.features</c>.</param>
    /// <param name="own">A file that this process has locked in the folder: whether it can be opened again shows whether locks work there.</param>
    public static void DeleteAbandoned(string folder, string name, FileStream own)
    {
        try
        {
            bool? hasLocks = null;
            foreach (string file in Directory.EnumerateFiles(folder, "*" + Ending))
            {
                if (!IsTemporary(Path.GetFileName(file), name) || Path.GetFileName(file) == Path.GetFileName(own.Name)) continue;
                hasLocks ??= HasLocks(own);
                DeleteIfAbandoned(file, hasLocks.Value);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Nothing depends on it.
        }
    }

    /// <summary>Deletes the folders of writers that no longer run; each of them keeps a file in its folder open and locked.</summary>
    /// <param name="parent">Where the folders are.</param>
    /// <param name="prefix">What their names begin with.</param>
    /// <param name="own">The locked file in this process' own folder.</param>
    public static void DeleteAbandonedFolders(string parent, string prefix, FileStream own)
    {
        try
        {
            string lockName = Path.GetFileName(own.Name), ownFolder = Path.GetDirectoryName(own.Name)!;

            // Without locks nothing tells a killed run from a live one, which may take days.
            if (!HasLocks(own)) return;
            foreach (string folder in Directory.EnumerateDirectories(parent, prefix + "*"))
            {
                string held = Path.Combine(folder, lockName);
                if (folder != ownFolder && File.Exists(held) && IsAbandoned(held, hasLocks: true, out FileStream? lockHeld)) TryDelete(folder, lockHeld);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Nothing depends on it.
        }
    }

    /// <summary>Deletes a folder with all that is in it, if that can be done.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="lockHeld">The locked file in it, which is closed.</param>
    public static void TryDelete(string folder, FileStream? lockHeld)
    {
        // Windows does not delete what is open; elsewhere nobody else can take the lock meanwhile.
        if (OperatingSystem.IsWindows()) lockHeld?.Dispose();
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Another program looks into it; the next run tries again.
        }

        lockHeld?.Dispose();
    }

    /// <summary>Deletes a file, if that can be done.</summary>
    public static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            // The first error is the one to report.
        }
    }

    /// <summary>Opens a file and locks it, unless another holds its lock.</summary>
    public static bool TryLock(string path, out FileStream? stream)
    {
        stream = null;
        try
        {
            // A pipe of that name would be waited for.
            if (new FileInfo(path).LinkTarget is not null || SpecialFile.Describe(path) is not null) return false;
            stream = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, OperatingSystem.IsWindows() ? FileShare.Delete : FileShare.None);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Whether a name is one of <see cref="NameFor"/> for a file, or of the earlier form with the number of the process.</summary>
    private static bool IsTemporary(ReadOnlySpan<char> file, ReadOnlySpan<char> name)
    {
        if (!file.EndsWith(Ending, StringComparison.Ordinal)) return false;
        file = file[..^Ending.Length];
        if (file.Length <= IdDigits || file[^IdDigits..].ContainsAnyExcept(Digits)) return false;
        file = file[..^IdDigits];
        if (file[^1] is not ('.' or '-')) return false;
        file = file[..^1];
        int dot = file.LastIndexOf('.');
        if (dot > 0 && int.TryParse(file[(dot + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out _)) file = file[..dot];
        return name is ['*', ..] ? file.EndsWith(name[1..], StringComparison.Ordinal) : file.SequenceEqual(name) || file.SequenceEqual(LongName);
    }

    private static void DeleteIfAbandoned(string file, bool hasLocks)
    {
        if (!IsAbandoned(file, hasLocks, out FileStream? lockHeld)) return;
        using (lockHeld) TryDelete(file);
    }

    /// <summary>Whether locks work where a file that this process has locked lies: then nobody can open it again.</summary>
    private static bool HasLocks(FileStream own)
    {
        if (!TryLock(own.Name, out FileStream? second)) return true;
        second!.Dispose();
        return false;
    }

    /// <summary>Whether the writer of a file no longer runs; then its lock is held.</summary>
    private static bool IsAbandoned(string file, bool hasLocks, out FileStream? lockHeld)
    {
        lockHeld = null;
        TimeSpan age = DateTime.UtcNow - File.GetLastWriteTimeUtc(file);
        return age >= (hasLocks ? AbandonedAfter : AbandonedAfterWithoutLocks) && TryLock(file, out lockHeld);
    }
}
