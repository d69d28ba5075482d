using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;

namespace Thomas.Studio.Projects;

/// <summary>
/// The encoded images of a project, a file each, named by its number. A file is on the disk before its image counts; one whose image does not count after all
/// is removed when the project is opened.
/// </summary>
internal sealed class Pictures
{
    private static readonly (string Ending, string Type)[] Kinds =
    [
        (".jpg", "image/jpeg"), (".png", "image/png"), (".gif", "image/gif"), (".webp", "image/webp"), (".bmp", "image/bmp"), (".tif", "image/tiff"),
    ];

    private readonly string _folder;

    public Pictures(string folder) => _folder = Directory.CreateDirectory(folder).FullName;

    /// <summary>Bytes at the beginning that tell the kind.</summary>
    private static string EndingOf(ReadOnlySpan<byte> encoded) => encoded switch
    {
        [0xFF, 0xD8, ..] => ".jpg",
        [0x89, (byte)'P', (byte)'N', (byte)'G', ..] => ".png",
        [(byte)'G', (byte)'I', (byte)'F', ..] => ".gif",
        [(byte)'R', (byte)'I', (byte)'F', (byte)'F', ..] => ".webp",
        [(byte)'B', (byte)'M', ..] => ".bmp",
        [(byte)'I', (byte)'I', ..] or [(byte)'M', (byte)'M', ..] => ".tif",
        _ => throw new ImageFormatException("The image is not a JPEG, PNG, GIF, WebP, BMP or TIFF."),
    };

    /// <summary>Writes an image and waits until it is on the disk.</summary>
    /// <exception cref="OutputException">It cannot be written; nothing is left.</exception>
    public void Write(long id, ReadOnlySpan<byte> encoded)
    {
        string path = PathOf(id, EndingOf(encoded));
        try
        {
            using FileStream file = new(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
            file.Write(encoded);
            file.Flush(flushToDisk: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            TemporaryFile.TryDelete(path);
            throw new OutputException($"The image cannot be kept: {e.Message}", e);
        }
    }

    /// <summary>The file of an image and its type; null if there is none.</summary>
    public (string Path, string Type)? Find(long id)
    {
        foreach ((string ending, string type) in Kinds)
        {
            string path = PathOf(id, ending);
            if (File.Exists(path)) return (path, type);
        }

        return null;
    }

    /// <summary>Removes an image that does not count.</summary>
    public void Remove(long id)
    {
        if (Find(id) is { } file) TemporaryFile.TryDelete(file.Path);
    }

    /// <summary>Removes the files of images that nothing can bring back.</summary>
    /// <param name="held">The others.</param>
    /// <returns>How many there were.</returns>
    public int Sweep(HashSet<long> held)
    {
        int removed = 0;
        foreach (string path in Directory.GetFiles(_folder))
        {
            string name = Path.GetFileNameWithoutExtension(path);
            if (long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out long id) && held.Contains(id)) continue;
            TemporaryFile.TryDelete(path);
            removed++;
        }

        return removed;
    }

    private string PathOf(long id, string ending) => Path.Combine(_folder, id.ToString(CultureInfo.InvariantCulture) + ending);
}
