using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Text;

namespace Thomas.Data;

/// <summary>
/// A data set as a folder with one folder of images for each class, which may lie in parts named as <see cref="SubsetNames"/> says (train, val, test). Folders
/// without images are passed over, and a folder that holds nothing but another one stands for it.
/// </summary>
/// <remarks>
/// Classes and images are in ordinal order of their names. Images may lie in folders below the class; links to folders are followed for classes only, so a link
/// in a circle does no harm. Hidden files and folders, those of unpacking and system tools, and files without an image's extension are passed over;
/// <see cref="Dataset.Notes"/> says what a person should know of that. Images of formats that no decoder here reads (HEIC, AVIF, JPEG XL) are kept, so
/// that they are reported and not silently missing. The classes are those of the training part; other parts are matched by name.
/// </remarks>
internal static class ImageFolder
{
    private static readonly string[] ImageExtensions =
        [".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".heic", ".heif", ".avif", ".tif", ".tiff", ".jxl"];

    // What unpackers, file systems, desktops and notebooks leave beside data.
    private static readonly HashSet<string> ToolFolders = new(StringComparer.OrdinalIgnoreCase)
    {
        "__MACOSX", "__pycache__", "@eaDir", "#recycle", "@Recycle", "$RECYCLE.BIN", "System Volume Information", "lost+found",
    };

    private static readonly EnumerationOptions VisibleEntries = new()
    {
        AttributesToSkip = FileAttributes.Hidden | FileAttributes.System,
        IgnoreInaccessible = false,
    };

    /// <summary>Lists the images of a folder. Nothing is decoded yet.</summary>
    /// <param name="path">The folder.</param>
    /// <returns>The data set; its samples are <see cref="Subset.Unassigned"/> unless the folder is split.</returns>
    /// <exception cref="DataException">The folder is missing, unreadable or empty, has no class folders, or its parts have no class in common.</exception>
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
            List<string> notes = [];
            (string root, List<string> folders) = Find(path);
            if (root != path) notes.Add($"the data set is taken from '{Path.GetRelativePath(path, root)}' in the data folder, which holds nothing else");
            NotePassedOver(root, folders, notes);
            return IsSplit(folders) ? LoadSplit(path, folders, notes) : LoadClasses(path, root, folders, notes);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"The data folder '{path}' cannot be read: {error.Message}", error);
        }
    }

    /// <summary>Whether the name of a file ends like an image's.</summary>
    /// <param name="path">The file's path or name.</param>
    /// <returns>True for the endings of JPEG, PNG, WebP, GIF, BMP, TIFF, and of formats that are refused when they are decoded (HEIC, AVIF, JPEG XL).</returns>
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

    /// <summary>
    /// The folder of the classes or parts, with those that hold images: the given one, or one below that is alone on its way. A class by itself, whose images
    /// lie in a folder of their own, stays that class.
    /// </summary>
    private static (string Root, List<string> Folders) Find(string path)
    {
        List<string> first = WithImages(path), folders = first;
        string root = path;
        while (folders is [string only] && SubsetOf(only) is null && !HasImages(root) && !HasImages(only)) (root, folders) = (only, WithImages(only));
        return folders.Count > 1 || IsSplit(folders) ? (root, folders) : (path, first);
    }

    // A class may be called "train" (the vehicle) or "dev": then images lie in it directly, or other classes beside it and no training part.
    private static bool IsSplit(List<string> folders)
    {
        int parts = 0;
        bool hasTrain = false;
        foreach (string folder in folders)
        {
            if (SubsetOf(folder) is not Subset subset || HasImages(folder)) continue;
            parts++;
            hasTrain |= subset == Subset.Train;
        }

        return hasTrain || (parts > 0 && parts == folders.Count);
    }

    private static Dataset LoadClasses(string path, string root, List<string> folders, List<string> notes)
    {
        if (folders.Count == 0)
        {
            List<string> empty = Folders(root).ConvertAll(NameOf);
            PassedOver others = new();
            foreach (string folder in Folders(root)) AddImages(folder, 0, Subset.Unassigned, [], others);
            throw new DataException(
                empty.Count == 0
                    ? $"The data folder '{path}' contains {(HasImages(root) ? "images but no folders" : "no folders")}; put the images of each class in a "
                        + "folder named after the class."
                    : $"The data folder '{path}' has no images in {Dataset.Quote(empty)}; looked for files with the extensions "
                    + $"{string.Join(' ', ImageExtensions)}{(others.Describe() is string note ? $" ({note})" : "")}.");
        }

        List<string> classNames = folders.ConvertAll(NameOf);
        List<Sample> samples = [];
        PassedOver passedOver = new();
        for (int c = 0; c < folders.Count; c++) AddImages(folders[c], c, Subset.Unassigned, samples, passedOver);
        int beside = ImagesIn(root).Count;
        if (beside > 0) notes.Add(string.Create(CultureInfo.InvariantCulture, $"{beside} image(s) beside the folders of classes belong to no class"));
        return Named(path, classNames, samples, passedOver, notes);
    }

    private static Dataset LoadSplit(string path, List<string> folders, List<string> notes)
    {
        List<(string Folder, Subset Subset)> parts = [];
        foreach (string folder in folders)
        {
            Subset subset = SubsetOf(folder) ?? throw new DataException(
                $"The data folder '{path}' is split into train and val, but '{NameOf(folder)}' is next to them; move it out or into one of them.");
            foreach ((string other, Subset otherSubset) in parts)
            {
                if (otherSubset == subset)
                {
                    throw new DataException($"The data folder '{path}' has '{NameOf(other)}' and '{NameOf(folder)}', which mean the same split; keep one.");
                }
            }

            parts.Add((folder, subset));
        }

        int train = parts.FindIndex(static part => part.Subset == Subset.Train);
        if (train < 0) throw new DataException($"The data folder '{path}' has '{NameOf(parts[0].Folder)}' but no 'train'; add it.");
        List<string> classNames = WithImages(parts[train].Folder).ConvertAll(NameOf);
        List<Sample> samples = [];
        PassedOver passedOver = new();
        foreach ((string folder, Subset subset) in parts)
        {
            List<string> classFolders = WithImages(folder);
            NotePassedOver(folder, classFolders, notes);
            int beside = ImagesIn(folder).Count;
            if (beside > 0)
            {
                notes.Add(string.Create(CultureInfo.InvariantCulture, $"{beside} image(s) beside the classes of '{NameOf(folder)}' belong to no class"));
            }

            int[] matches = [.. classFolders.ConvertAll(found => Match(NameOf(found), classNames))];
            NoteMatches(path, NameOf(parts[train].Folder), NameOf(folder), classNames, classFolders, matches, notes);
            for (int i = 0; i < matches.Length; i++)
            {
                if (matches[i] >= 0) AddImages(classFolders[i], matches[i], subset, samples, passedOver);
            }
        }

        return Named(path, classNames, samples, passedOver, notes);
    }

    /// <summary>The class of a name; one that differs in case, blanks around it or the form of its characters at the most. -1 if there is none.</summary>
    private static int Match(string name, List<string> classNames)
    {
        int exact = classNames.IndexOf(name);
        return exact >= 0 ? exact : classNames.FindIndex(other => Folded(other).Equals(Folded(name), StringComparison.OrdinalIgnoreCase));
    }

    private static string Folded(string name) => name.Trim().Normalize(NormalizationForm.FormC);

    private static void NoteMatches(
        string path, string train, string part, List<string> classNames, List<string> folders, int[] matches, List<string> notes)
    {
        List<string> missing = [], extra = [];
        for (int c = 0; c < classNames.Count; c++)
        {
            if (Array.IndexOf(matches, c) < 0) missing.Add(classNames[c]);
        }

        for (int i = 0; i < matches.Length; i++)
        {
            if (matches[i] < 0) extra.Add(NameOf(folders[i]));
        }

        if (missing.Count == classNames.Count)
        {
            throw new DataException(
                $"The data folder '{path}' has no class that is in both '{train}' ({Dataset.Quote(classNames)}) and '{part}' ({Dataset.Quote(extra)}).");
        }

        if (missing.Count > 0) notes.Add($"'{part}' has no images of {Dataset.Quote(missing)}: what it measures leaves them out");
        if (extra.Count > 0) notes.Add($"'{part}' has images of {Dataset.Quote(extra)}, which '{train}' does not have; they are passed over");
    }

    private static Dataset Named(string path, List<string> classNames, List<Sample> samples, PassedOver passedOver, List<string> notes)
    {
        if (passedOver.Describe() is string note) notes.Add(note);
        return new Dataset(path, classNames, samples) { Notes = notes };
    }

    private static void NotePassedOver(string parent, List<string> used, List<string> notes)
    {
        List<string> unused = Folders(parent).FindAll(folder => !used.Contains(folder)).ConvertAll(NameOf);
        if (used.Count > 0 && unused.Count > 0) notes.Add($"passed over, since without images: {Dataset.Quote(unused)}");
    }

    private static void AddImages(string folder, int classIndex, Subset subset, List<Sample> samples, PassedOver passedOver)
    {
        foreach (string file in Files(folder))
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
            if (!IsLink(inner)) AddImages(inner, classIndex, subset, samples, passedOver);
        }
    }

    private static bool IsLink(string folder) => File.GetAttributes(folder).HasFlag(FileAttributes.ReparsePoint);

    /// <summary>The folders in a folder that hold images, at whatever depth.</summary>
    private static List<string> WithImages(string path) => Folders(path).FindAll(HoldsImages);

    private static bool HoldsImages(string folder) => HasImages(folder) || Folders(folder).Exists(static inner => !IsLink(inner) && HoldsImages(inner));

    private static bool HasImages(string folder)
    {
        foreach (string file in Directory.EnumerateFiles(folder, "*", VisibleEntries))
        {
            if (IsImage(file) && NameOf(file)[0] != '.') return true;
        }

        return false;
    }

    private static List<string> ImagesIn(string folder) => Files(folder).FindAll(IsImage);

    private static List<string> Files(string path) => Sorted(Directory.EnumerateFiles(path, "*", VisibleEntries));

    private static List<string> Folders(string path) => Sorted(Directory.EnumerateDirectories(path, "*", VisibleEntries));

    /// <summary>In ordinal order, without those of tools, and those that only Unix takes for hidden.</summary>
    private static List<string> Sorted(IEnumerable<string> entries)
    {
        List<string> sorted = [];
        foreach (string entry in entries)
        {
            if (NameOf(entry) is string name && name[0] != '.' && !ToolFolders.Contains(name)) sorted.Add(entry);
        }

        sorted.Sort(StringComparer.Ordinal);
        return sorted;
    }

    private static string NameOf(string path) => Path.GetFileName(path);

    private static Subset? SubsetOf(string folder) => SubsetNames.Parse(NameOf(folder));
}
