using System;
using System.IO;

namespace Thomas.Data;

/// <summary>Reads a data set of any kind that Thomas knows from its path.</summary>
public static class DatasetLoader
{
    /// <summary>
    /// Reads a folder (<see cref="MnistFiles"/>, <see cref="CifarFiles"/>, else <see cref="ImageFolder"/>) or a file (<see cref="MnistFiles"/>, else
    /// <see cref="CsvManifest"/>).
    /// </summary>
    /// <param name="path">A folder or a file.</param>
    /// <returns>The data set.</returns>
    /// <exception cref="DataException">The path does not exist, or is none of these; the message says what is wrong and where.</exception>
    public static Dataset Load(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return MnistFiles.Recognizes(path) ? MnistFiles.Load(path)
            : CifarFiles.Recognizes(path) ? CifarFiles.Load(path)
            : File.Exists(path) ? CsvManifest.Load(path)
            : ImageFolder.Load(path);
    }
}
