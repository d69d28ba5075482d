using System;
using System.Collections.Generic;
using System.IO;

namespace Thomas.Data;

/// <summary>
/// A data set as a folder with one folder of images for each class, or with <c>train/</c> and <c>val/</c> (also <c>validation/</c>, <c>test/</c>) that each
/// hold such folders.
/// </summary>
/// <remarks>
/// Classes and images are in ordinal order of their names. Images may lie in folders below the class; links to folders are followed for classes only, so a link
/// in a circle does no harm. Hidden files and files without an image's extension are passed over; <see cref="Dataset.Notes"/> counts the latter. Images of
/// formats that no decoder here reads (HEIC, AVIF, TIFF, JPEG XL) are kept, so that they are reported and not silently missing.
/// </remarks>
internal static class ImageFolder
{
    private static readonly string[] ImageExtensions =
        [".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".heic", ".heif", ".avif", ".tif", ".tiff", ".jxl"];

    private static readonly EnumerationOptions VisibleEntries = new()
    {
        AttributesToSkip = FileAttributes.Hidden | FileAttributes.System,
        IgnoreInaccessible = false,
    };

    /// <summary>Lists the images of a folder. Nothing is decoded yet.</summary>
    /// <param name="path">The folder.</param>
    /// <returns>The data set; its samples are <see cref="Subset.Unassigned"/> unless the folder is split.</returns>
    /// <exception cref="DataException">The folder is missing, unreadable or empty, has no class folders, or its parts have different classes.</exception>
    public static Dataset Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!Directory.Exists(path))
        {
            string problem = File.Exists(path) ? "is a file; expected a folder with one folder of images per class" : "does not exist";
            throw new DataException($"The data folder '{path}' {problem}.");
        }

        try
        {
            return IsSplit(path) ? LoadSplit(path) : LoadClasses(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"The data folder '{path}' cannot be read: {error.Message}", error);
        }
    }

    /// <summary>Whether the name of a file ends like an image's.</summary>
    /// <param name="path">The file's path or name.</param>
    /// <returns>True for the endings of JPEG, PNG, WebP, GIF, BMP, and of formats that are refused when they are decoded (HEIC, AVIF, TIFF, JPEG XL).</returns>
    public static bool IsImage(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        string extension = Path.GetExtension(path);
        foreach (string known in ImageExtensions)
        {
            if (known.Equals(extension, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }

    // A class may be called "train" (the vehicle): then images lie in it directly.
    private static bool IsSplit(string path)
    {
        foreach (string folder in Folders(path))
        {
            if (SubsetOf(folder) is not null && Folders(folder).Count > 0 && !HasImages(folder))
            {
                return true;
            }
        }

        return false;
    }

    private static Dataset LoadClasses(string path)
    {
        List<string> folders = Folders(path);
        if (folders.Count == 0)
        {
            string found = HasImages(path) ? "images but no folders" : "no folders";
            throw new DataException($"The data folder '{path}' contains {found}; put the images of each class in a folder named after the class.");
        }

        List<string> classNames = [];
        List<Sample> samples = [];
        PassedOver passedOver = new();
        foreach (string folder in folders)
        {
            AddImages(folder, classNames.Count, Subset.Unassigned, samples, passedOver);
            classNames.Add(Path.GetFileName(folder));
        }

        CheckNotEmpty(path, classNames, samples, passedOver);
        return new Dataset(path, classNames, samples) { Notes = passedOver.Describe() is string note ? [note] : [] };
    }

    private static Dataset LoadSplit(string path)
    {
        string? train = null;
        List<(string Folder, Subset Subset)> parts = [];
        foreach (string folder in Folders(path))
        {
            Subset subset = SubsetOf(folder) ?? throw new DataException(
                $"The data folder '{path}' is split into train and val, but '{Path.GetFileName(folder)}' is next to them; move it out or into one of them.");
            foreach ((string other, Subset otherSubset) in parts)
            {
                if (otherSubset == subset)
                {
                    throw new DataException(
                        $"The data folder '{path}' has '{Path.GetFileName(other)}' and '{Path.GetFileName(folder)}', which mean the same split; keep one.");
                }
            }

            parts.Add((folder, subset));
            train = subset == Subset.Train ? folder : train;
        }

        if (train is null)
        {
            throw new DataException($"The data folder '{path}' has '{Path.GetFileName(parts[0].Folder)}' but no 'train'; add it.");
        }

        List<string> classNames = ClassNamesOf(train);
        List<Sample> samples = [];
        PassedOver passedOver = new();
        foreach ((string folder, Subset subset) in parts)
        {
            CheckSameClasses(path, classNames, Path.GetFileName(folder), ClassNamesOf(folder));
            for (int c = 0; c < classNames.Count; c++)
            {
                AddImages(Path.Combine(folder, classNames[c]), c, subset, samples, passedOver);
            }
        }

        CheckNotEmpty(path, classNames, samples, passedOver);
        return new Dataset(path, classNames, samples) { Notes = passedOver.Describe() is string note ? [note] : [] };
    }

    private static void CheckSameClasses(string path, List<string> expected, string part, List<string> actual)
    {
        List<string> missing = expected.FindAll(name => !actual.Contains(name));
        List<string> extra = actual.FindAll(name => !expected.Contains(name));
        if (missing.Count + extra.Count > 0)
        {
            string lacks = missing.Count == 0 ? "" : $" '{part}' lacks {Dataset.Quote(missing)}.";
            string adds = extra.Count == 0 ? "" : $" 'train' lacks {Dataset.Quote(extra)}.";
            throw new DataException($"The data folder '{path}' has different classes in 'train' and '{part}'.{lacks}{adds} Both need the same class folders.");
        }
    }

    private static void CheckNotEmpty(string path, List<string> classNames, List<Sample> samples, PassedOver passedOver)
    {
        if (samples.Count == 0)
        {
            throw new DataException(
                $"The data folder '{path}' has no images in {Dataset.Quote(classNames)}; looked for files with the extensions "
                + $"{string.Join(' ', ImageExtensions)}{(passedOver.Describe() is string note ? $" ({note})" : "")}.");
        }
    }

    private static void AddImages(string folder, int classIndex, Subset subset, List<Sample> samples, PassedOver passedOver)
    {
        List<string> files = [.. Directory.EnumerateFiles(folder, "*", VisibleEntries)];
        files.Sort(StringComparer.Ordinal);
        foreach (string file in files)
        {
            if (IsImage(file))
            {
                samples.Add(new Sample(ImageSource.FromFile(file), classIndex, subset));
            }
            else
            {
                passedOver.Add(file);
            }
        }

        foreach (string inner in Folders(folder))
        {
            if (!File.GetAttributes(inner).HasFlag(FileAttributes.ReparsePoint))
            {
                AddImages(inner, classIndex, subset, samples, passedOver);
            }
        }
    }

    private static bool HasImages(string folder)
    {
        foreach (string file in Directory.EnumerateFiles(folder, "*", VisibleEntries))
        {
            if (IsImage(file))
            {
                return true;
            }
        }

        return false;
    }

    private static List<string> ClassNamesOf(string folder) => Folders(folder).ConvertAll(inner => Path.GetFileName(inner));

    private static List<string> Folders(string path)
    {
        List<string> folders = [.. Directory.EnumerateDirectories(path, "*", VisibleEntries)];
        folders.Sort(StringComparer.Ordinal);
        return folders;
    }

    private static Subset? SubsetOf(string folder) => SubsetNames.Parse(Path.GetFileName(folder));
}
