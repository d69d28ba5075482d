using System;
using System.IO;

namespace Thomas;

/// <summary>
/// Writes files that appear whole or not at all: to a neighbor first, flushed to the device, then renamed. A link stays and the file that it leads to is
/// replaced; an existing file keeps its permissions. What is not a regular file, or is marked as read-only, is refused.
/// </summary>
internal static class AtomicFile
{
    /// <exception cref="OutputException">The file cannot be written (rights, missing folder, full disk); nothing is left behind.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        string? temporary = null;
        try
        {
            string target = Target(path);
            temporary = TemporaryFile.NameFor(target);
            using FileStream stream = TemporaryFile.Create(temporary);
            TemporaryFile.DeleteAbandoned(Path.GetDirectoryName(temporary)!, Path.GetFileName(target), stream);
            write(stream);
            stream.Flush(flushToDisk: true);
            KeepMode(target, temporary);

            // The file is still open and locked, so that nobody takes it for abandoned.
            File.Move(temporary, target, overwrite: true);
        }
        catch (Exception e)
        {
            if (temporary is not null) TemporaryFile.TryDelete(temporary);
            if (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
            {
                throw new OutputException($"Cannot write '{path}': {e.Message}", e);
            }

            throw;
        }
    }

    /// <summary>The file that is written when a path is: the path itself or, if that is a link, what it leads to.</summary>
    /// <exception cref="IOException">It is not a regular file, is marked as read-only, or the link leads in a circle.</exception>
    public static string Target(string path)
    {
        FileInfo file = new(path);
        if (file.LinkTarget is not null && file.ResolveLinkTarget(returnFinalTarget: true) is FileSystemInfo target) file = new FileInfo(target.FullName);
        if (Directory.Exists(file.FullName)) throw new IOException("it is a folder, not a file");
        if (!file.Exists) return file.FullName;

        // Renaming would put a regular file into the place of a device.
        if (SpecialFile.Describe(file.FullName) is string special) throw new IOException($"it is {special}; choose a regular file");
        if (file.IsReadOnly) throw new UnauthorizedAccessException("the existing file is read-only; choose another name, or make it writable");
        return file.FullName;
    }

    private static void KeepMode(string target, string temporary)
    {
        if (!OperatingSystem.IsWindows() && File.Exists(target)) File.SetUnixFileMode(temporary, File.GetUnixFileMode(target));
    }
}
