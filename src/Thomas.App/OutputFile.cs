using System;
using System.Collections.Generic;
using System.IO;
using System.Text;

namespace Thomas.App;

/// <summary>Checks of the place for the result, before hours of work go into it.</summary>
internal static class OutputFile
{
    /// <summary>Throws unless a model can be written to the path.</summary>
    /// <param name="path">Where the result is to be.</param>
    /// <param name="source">The model file that was read, which must stay as it is.</param>
    /// <exception cref="OutputException">It cannot; the message says what to do.</exception>
    public static void Check(string path, string source)
    {
        Check(path);
        if (IsSame(path, source))
        {
            throw new OutputException($"The output '{path}' is the input model; choose another name to keep the original.");
        }

        CheckSpace(path, Path.GetDirectoryName(Path.GetFullPath(path))!, InputFile.LengthOf(source));
    }

    private static StringComparison PathComparison => OperatingSystem.IsLinux() ? StringComparison.Ordinal : StringComparison.OrdinalIgnoreCase;

    /// <summary>Whether two paths lead to one file.</summary>
    public static bool IsSame(string path, string other)
    {
        Dictionary<string, string> folders = new(StringComparer.Ordinal);
        return RealPath(path, folders).Equals(RealPath(other, folders), PathComparison);
    }

    /// <summary>The first of many paths that leads to the same file; null if none does, or there is no such file yet.</summary>
    public static string? Same(string path, IReadOnlyList<string> others)
    {
        if (!File.Exists(path)) return null;
        Dictionary<string, string> folders = new(StringComparer.Ordinal);
        string real = RealPath(path, folders);
        foreach (string other in others)
        {
            if (RealPath(other, folders).Equals(real, PathComparison)) return other;
        }

        return null;
    }

    /// <summary>Throws unless a model can be written to the path.</summary>
    /// <param name="path">Where the result is to be.</param>
    /// <exception cref="OutputException">It cannot; the message says what to do.</exception>
    public static void Check(string path)
    {
        if (Path.GetExtension(path).ToUpperInvariant() is not (".ONNX" or ".TFLITE"))
        {
            throw new OutputException($"Cannot tell the format of the output '{path}' from its extension; use .tflite or .onnx.");
        }

        if (Directory.Exists(path)) throw new OutputException($"The output '{path}' is a folder; give a file name.");
        TryWriting(path);
    }

    /// <summary>
    /// Saves what hours of work may have gone into. Where that fails although it was checked before, another folder keeps it: the temporary one, the user's own
    /// or the current one.
    /// </summary>
    /// <param name="save">Saves to a path.</param>
    /// <param name="output">Where to; where it is instead, if that failed.</param>
    /// <param name="checkpoint">The checkpoint that the run has written; null for none.</param>
    /// <returns>Why it is not where it should be; null if it is.</returns>
    /// <exception cref="OutputException">It cannot be saved anywhere; the message names every place that was tried.</exception>
    public static OutputException? SaveOrRescue(Action<string> save, ref string output, string? checkpoint = null) =>
        SaveOrRescue(save, ref output, checkpoint, [Path.GetTempPath(), Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), "."]);

    internal static OutputException? SaveOrRescue(Action<string> save, ref string output, string? checkpoint, ReadOnlySpan<string> folders)
    {
        OutputException? first = null;
        StringBuilder failures = new();
        string name = $"{Path.GetFileNameWithoutExtension(output)}-{Guid.NewGuid().ToString("N")[..8]}{Path.GetExtension(output)}";
        foreach (string place in (string[])[output, .. folders])
        {
            // An unset home is the empty string.
            if (place.Length == 0) continue;
            string path = first is null ? place : Path.Combine(place, name);
            try
            {
                save(path);
                output = path;
                return first;
            }
            catch (OutputException e)
            {
                first ??= e;
                failures.Append(failures.Length == 0 ? "" : " ").Append(e.Message).Append(e.Message.EndsWith('.') ? "" : ".");
            }
        }

        string rest = checkpoint is not null && File.Exists(checkpoint)
            ? $" The checkpoint '{checkpoint}' is still there: make room, and run the same command with --resume."
            : " The result is lost: make room or give another output (-o), and run the command again.";
        throw new OutputException($"{failures}{rest}", first);
    }

    /// <summary>Throws unless a file can be made at the path.</summary>
    /// <exception cref="OutputException">It cannot.</exception>
    public static void TryWriting(string path)
    {
        string full, folder;
        try
        {
            full = AtomicFile.Target(path);
            folder = Path.GetDirectoryName(full)!;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OutputException($"Cannot write '{path}': {e.Message}", e);
        }

        if (!Directory.Exists(folder)) throw new OutputException($"The folder of the output '{path}' does not exist; create it first.");
        try
        {
            string probe = TemporaryFile.NameFor(full);
            using (FileStream stream = TemporaryFile.Create(probe))
            {
                TemporaryFile.DeleteAbandoned(folder, Path.GetFileName(full), stream);
                File.Delete(probe);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OutputException($"Cannot write '{path}': {e.Message}", e);
        }
    }

    // The result is about as large as the model that was read. Where the system does not say how much is free, writing itself will tell.
    private static void CheckSpace(string path, string folder, long needed)
    {
        long free;
        try
        {
            free = new DriveInfo(folder).AvailableFreeSpace;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return;
        }

        if (free < needed)
        {
            throw new OutputException($"Cannot write '{path}': its disk has {Format.Bytes(free)} free, and about {Format.Bytes(needed)} are needed.");
        }
    }

    /// <summary>A path without links, also in its folders.</summary>
    /// <param name="path">The path.</param>
    /// <param name="folders">Folders that are known already: many files are in one.</param>
    private static string RealPath(string path, Dictionary<string, string> folders)
    {
        // The name of an image need not be a path.
        if (path.Length == 0 || path.Contains('\0')) return path;
        string full = Path.GetFullPath(path);
        try
        {
            full = File.ResolveLinkTarget(full, returnFinalTarget: true)?.FullName ?? full;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It is not there, or leads in a circle.
        }

        if (Path.GetDirectoryName(full) is not string folder) return full;
        if (!folders.TryGetValue(folder, out string? real))
        {
            // Links in a circle come back to here.
            folders[folder] = folder;
            folders[folder] = real = RealPath(folder, folders);
        }

        return Path.Combine(real, Path.GetFileName(full));
    }
}
