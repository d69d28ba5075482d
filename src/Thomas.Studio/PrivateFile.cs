using System;
using System.IO;
using System.Text;

namespace Thomas.Studio;

/// <summary>Files with a secret in them: nobody but their owner may read them, not even for a moment.</summary>
internal static class PrivateFile
{
    /// <summary>Writes a file, which appears whole.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It cannot be written.</exception>
    public static void Write(string path, string text)
    {
        string temporary = TemporaryFile.NameFor(path);
        FileStreamOptions options = new() { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        try
        {
            using (FileStream file = new(temporary, options))
            {
                file.Write(Encoding.UTF8.GetBytes(text));
                file.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            TemporaryFile.TryDelete(temporary);
            throw;
        }
    }
}
