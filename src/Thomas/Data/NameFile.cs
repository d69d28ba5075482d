using System;
using System.IO;

namespace Thomas.Data;

/// <summary>A text file with the name of one class on each line, by class index.</summary>
internal static class NameFile
{
    /// <summary>Reads the names; spaces around them and blank lines at the end are dropped.</summary>
    /// <exception cref="DataException">The file cannot be read, is too long or not UTF-8.</exception>
    public static string[] Read(string path)
    {
        try
        {
            string text = InputFile.ReadText(path, InputFile.NamesBytes);
            return text.TrimEnd().Split('\n', StringSplitOptions.TrimEntries);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"'{path}' cannot be read: {error.Message}; it should have one class name per line", error);
        }
    }
}
