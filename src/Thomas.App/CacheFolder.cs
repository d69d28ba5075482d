using System;
using System.Collections.Generic;
using System.IO;

namespace Thomas.App;

/// <summary>Where prepared images, features and the record of this machine are kept.</summary>
internal static class CacheFolder
{
    private const long MaximumBytes = 4L << 30;

    /// <summary>Deletes what was not used for longest until the folder is small enough. Files of other kinds are left alone.</summary>
    public static void Trim(string? folder, long maximumBytes = MaximumBytes)
    {
        if (folder is null || !Directory.Exists(folder)) return;
        try
        {
            List<FileInfo> files = [];
            long total = 0;
            foreach (FileInfo file in new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories))
            {
                if (file.Extension is not (".prepared" or ".features")) continue;
                files.Add(file);
                total += file.Length;
            }

            files.Sort(static (a, b) => LastUse(a).CompareTo(LastUse(b)));
            foreach (FileInfo file in files)
            {
                if (total <= maximumBytes) break;
                total -= file.Length;
                file.Delete();
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Another process is at work in the folder; the next run trims it.
        }
    }

    private static DateTime LastUse(FileInfo file) => file.LastAccessTimeUtc > file.LastWriteTimeUtc ? file.LastAccessTimeUtc : file.LastWriteTimeUtc;

    /// <summary>The user's cache folder.</summary>
    public static string Default()
    {
        if (Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache) return Path.Combine(cache, "thomas");
        return OperatingSystem.IsWindows()
            ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData), "Thomas", "cache")
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache", "thomas");
    }
}
