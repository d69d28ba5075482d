using System;
using System.IO;
using System.Text;

namespace Thomas.Data;

/// <summary>A text file with the name of one class on each line, by class index.</summary>
internal static class NameFile
{
    private const int MaximumBytes = 1 << 20;

    /// <summary>Reads the names; spaces around them and blank lines at the end are dropped.</summary>
    /// <exception cref="DataException">The file cannot be read, is too long or not UTF-8.</exception>
    public static string[] Read(string path)
    {
        try
        {
            if (new FileInfo(path).Length > MaximumBytes) throw new DataException($"'{path}' is longer than {MaximumBytes >> 20} MiB; it should have one class name on each line.");
            string text = File.ReadAllText(path, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true));
            return text.TrimEnd().Split('\n', StringSplitOptions.TrimEntries);
        }
        catch (DecoderFallbackException error)
        {
            throw new DataException($"'{path}' is not UTF-8 text; it should have one class name on each line.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"'{path}' cannot be read: {error.Message}", error);
        }
    }
}
