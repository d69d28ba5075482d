using System;
using System.IO;

namespace Thomas.Data;

/// <summary>Reads a data set of any kind that Thomas knows from its path.</summary>
/// <example>
/// <code>
/// Dataset images = DatasetLoader.Load("flowers");
/// Console.WriteLine($"{images.Samples.Count} images of {images.ClassNames.Count} classes");
/// </code>
/// </example>
public static class DatasetLoader
{
    /// <summary>
    /// Reads a folder (<see cref="MnistFiles"/>, <see cref="CifarFiles"/>, else <see cref="ImageFolder"/>) or a file (<see cref="MnistFiles"/>, else
    /// <see cref="CsvManifest"/>).
    /// </summary>
    /// <param name="path">A folder or a file.</param>
    /// <param name="skipMissing">Whether images that a manifest lists and that do not exist are passed over with a note, if there are others.</param>
    /// <returns>The data set.</returns>
    /// <exception cref="DataException">The path does not exist, or is none of these; the message says what is wrong and where.</exception>
    public static Dataset Load(string path, bool skipMissing = false)
    {
        ArgumentNullException.ThrowIfNull(path);
        return MnistFiles.Recognizes(path) ? MnistFiles.Load(path)
            : CifarFiles.Recognizes(path) ? CifarFiles.Load(path)
            : File.Exists(path) ? LoadFile(path, skipMissing)
            : ImageFolder.Load(path);
    }

    private static Dataset LoadFile(string path, bool skipMissing)
    {
        FileKind? kind = null;
        try
        {
            // Names of files in an archive are at its end.
            kind = FileKind.Recognize(InputFile.ReadAll(path, InputFile.ManifestBytes));
        }
        catch (Exception error) when (InputFile.IsReadError(error))
        {
            // Reading it as a manifest will say why.
        }

        if (kind is null or { Family: FileFamily.Text }) return CsvManifest.Load(path, skipMissing);
        string remedy = kind.Family switch
        {
            FileFamily.Archive => "unpack it and give the folder",
            FileFamily.Image => "give the folder that holds one folder of images per class",
            _ => "give a folder with one folder of images per class, or a CSV file with lines path,label",
        };
        throw new DataException($"The data '{path}' is {kind.Name}; {remedy}.");
    }
}
