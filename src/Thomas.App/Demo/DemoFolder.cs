using System;
using System.Collections.Generic;
using System.IO;

namespace Thomas.App.Demo;

/// <summary>The folder with what the demonstration leaves. All files are first written to a hidden folder in it, so that none is ever half-written.</summary>
internal static class DemoFolder
{
    /// <summary>Throws unless files can be written to the folder, which need not exist. Makes nothing that stays.</summary>
    /// <exception cref="OutputException">They cannot; the message says why.</exception>
    public static void Check(string folder) => Guard(folder, () =>
    {
        string existing = Path.GetFullPath(folder);
        while (!Directory.Exists(existing) && Path.GetDirectoryName(existing) is string parent)
        {
            if (File.Exists(existing))
            {
                throw new OutputException($"The output '{folder}' cannot be a folder: '{existing}' is a file. Choose another folder (--out).");
            }

            existing = parent;
        }

        string probe = Staging(existing);
        Directory.CreateDirectory(probe);
        Directory.Delete(probe);
    });

    /// <summary>Writes the files; those of the same names are replaced, others stay.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="files">Paths within the folder, and what writes each to the path that it is given.</param>
    /// <exception cref="OutputException">A file cannot be written; nothing half-written is left behind.</exception>
    public static void Write(string folder, IReadOnlyList<(string Name, Action<string> Write)> files) => Guard(folder, () =>
    {
        string staging = Staging(folder);
        DeleteAbandoned(folder);
        try
        {
            foreach ((string name, Action<string> write) in files) write(Reserve(staging, name));
            foreach ((string name, _) in files) File.Move(Path.Combine(staging, name), Reserve(folder, name), overwrite: true);
        }
        finally
        {
            if (Directory.Exists(staging)) Directory.Delete(staging, recursive: true);
        }
    });

    private static string Staging(string folder) => Path.Combine(folder, FormattableString.Invariant($".thomas-{Environment.ProcessId}.tmp"));

    /// <summary>Deletes what demonstrations that were killed have left; none takes a day.</summary>
    private static void DeleteAbandoned(string folder)
    {
        if (!Directory.Exists(folder)) return;
        try
        {
            foreach (string left in Directory.EnumerateDirectories(folder, ".thomas-*.tmp"))
            {
                if (DateTime.UtcNow - Directory.GetLastWriteTimeUtc(left) > TimeSpan.FromDays(1)) Directory.Delete(left, recursive: true);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Nothing depends on it.
        }
    }

    private static string Reserve(string folder, string name)
    {
        string path = Path.Combine(folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        return path;
    }

    private static void Guard(string folder, Action work)
    {
        try
        {
            work();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new OutputException($"Cannot write to the folder '{folder}': {e.Message}", e);
        }
    }
}
