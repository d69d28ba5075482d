using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;

namespace Thomas.Formats;

/// <summary>Writes files that appear whole or not at all: to a neighbor first, flushed to the device, then renamed.</summary>
internal static class AtomicFile
{
    /// <exception cref="OutputException">The file cannot be written (rights, missing folder, full disk); nothing is left behind.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        string temporary = $"{path}.{Environment.ProcessId}.{Guid.NewGuid():N}.tmp";
        try
        {
            using (FileStream stream = new(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception e)
        {
            TryDelete(temporary);
            if (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
                throw new OutputException($"Cannot write '{path}': {e.Message}", e);
            throw;
        }
    }

    /// <summary>Deletes what writers of a file that no longer run have left half-written.</summary>
    public static void DeleteAbandoned(string path)
    {
        string name = Path.GetFileName(path);
        try
        {
            foreach (string file in Directory.EnumerateFiles(Path.GetDirectoryName(Path.GetFullPath(path))!, name + ".*.tmp"))
            {
                ReadOnlySpan<char> process = Path.GetFileName(file.AsSpan())[(name.Length + 1)..];
                int end = process.IndexOf('.');
                if (end > 0 && int.TryParse(process[..end], NumberStyles.None, CultureInfo.InvariantCulture, out int id) && !IsRunning(id)) TryDelete(file);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Nothing depends on it.
        }
    }

    private static bool IsRunning(int process)
    {
        try
        {
            using Process running = Process.GetProcessById(process);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static void TryDelete(string path)
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
}
