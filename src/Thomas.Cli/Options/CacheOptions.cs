using System;
using System.Collections.Generic;
using System.CommandLine;
using System.IO;
using Thomas.Cli.Output;

namespace Thomas.Cli.Options;

/// <summary>Where prepared images and features are kept, so that a second run starts at once.</summary>
internal sealed class CacheOptions
{
    private const long MaximumBytes = 4L << 30;

    private readonly Option<string> _folder = new("--cache-dir") { Description = "Folder for prepared images and features, kept below 4 GiB (default: the user's cache folder)", HelpName = "folder" };
    private readonly Option<bool> _off = new("--no-cache") { Description = "Keep nothing on disk" };

    public void AddTo(Command command)
    {
        command.Add(_folder);
        command.Add(_off);
    }

    /// <summary>The folder, created; null if there is to be none, or if the default one cannot be made.</summary>
    public string? Read(ParseResult parsed, Terminal terminal)
    {
        if (parsed.GetValue(_off)) return null;
        string? given = parsed.GetValue(_folder);
        string folder = given ?? DefaultFolder();
        try
        {
            return Directory.CreateDirectory(folder).FullName;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            if (given is not null) throw new OutputException($"The cache folder '{given}' cannot be made: {e.Message}", e);
            terminal.Warn($"no cache: the folder '{folder}' cannot be made ({e.Message}); --cache-dir names another");
            return null;
        }
    }

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
    public static string DefaultFolder()
    {
        if (Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache) return Path.Combine(cache, "thomas");
        return OperatingSystem.IsWindows()
            ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData), "Thomas", "cache")
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache", "thomas");
    }
}
