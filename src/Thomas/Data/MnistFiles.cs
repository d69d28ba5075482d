using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;

namespace Thomas.Data;

/// <summary>
/// A data set in the files of the MNIST database and its relatives (Fashion-MNIST, EMNIST, notMNIST): gray images in one IDX file, their labels in another,
/// both plain or compressed by gzip.
/// </summary>
/// <remarks>
/// <para>In a folder, files of images are known by their names, which contain <c>images</c> and <c>idx</c>: <c>train-images-idx3-ubyte.gz</c>,
/// <c>t10k-images-idx3-ubyte</c>, <c>letters-images.idx</c>. The file of labels has <c>labels</c> instead and, where the name says <c>idx3</c>, <c>idx1</c>.
/// Names with
/// <c>train</c> are <see cref="Subset.Train"/>, with <c>val</c> <see cref="Subset.Validation"/>, with <c>t10k</c> or <c>test</c> <see cref="Subset.Test"/>. A
/// single pair is <see cref="Subset.Unassigned"/>, whatever its name. Where a file lies there both plain and compressed, the plain one is read.</para>
/// <para>Classes are the label values that occur, in numeric order. Their names are the numbers, or the lines of a file <c>labels.txt</c> beside the images:
/// line v + 1 for value v.</para>
/// </remarks>
internal static class MnistFiles
{
    private const string LabelNameFile = "labels.txt";
    private const string GzipExtension = ".gz";
    private const int MaximumSide = 16384;

    /// <summary>Whether a path is such data: a folder with a file of images, or a file that begins like an IDX file or a gzip file.</summary>
    /// <param name="path">A folder or a file.</param>
    /// <returns>True if <see cref="Load"/> is the way to read it.</returns>
    public static bool Recognizes(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return Directory.Exists(path) ? ImageFiles(path).Count > 0 : IdxFile.IsLike(path);
    }

    /// <summary>Reads the images and labels of a folder, or of one file of images and the file of labels beside it.</summary>
    /// <param name="path">The folder, or the file of images.</param>
    /// <returns>The data set; the images are kept in memory as they are in the file, one byte a pixel.</returns>
    /// <exception cref="DataException">A file is missing, unreadable, cut off or damaged, or images and labels do not fit together.</exception>
    public static Dataset Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        List<string> files = Directory.Exists(path) ? ImageFiles(path) : [path];
        if (files.Count == 0)
        {
            throw new DataException(
                $"The folder '{path}' has no IDX file of images; such a file is named like train-images-idx3-ubyte or train-images-idx3-ubyte.gz.");
        }

        List<Subset> subsets = Subsets(path, files);
        List<Part> parts = [];
        for (int i = 0; i < files.Count; i++) parts.Add(ReadPart(files[i], subsets[i]));
        SortedSet<byte> values = [];
        foreach (Part part in parts)
        {
            foreach (byte value in part.Labels.Span) values.Add(value);
        }

        List<byte> classes = [.. values];
        List<Sample> samples = [];
        foreach (Part part in parts) AddSamples(part, classes, samples);
        return new Dataset(path, ClassNames(Path.GetDirectoryName(Path.GetFullPath(files[0])) ?? "", classes), samples);
    }

    /// <summary>The files of images in ordinal order; of the same file under several spellings the first, which is the plain one.</summary>
    private static List<string> ImageFiles(string folder)
    {
        List<string> files = [];
        try
        {
            foreach (string file in Directory.EnumerateFiles(folder))
            {
                if (IsImageFile(Path.GetFileName(file))) files.Add(file);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"The data folder '{folder}' cannot be read: {error.Message}", error);
        }

        files.Sort(StringComparer.Ordinal);
        HashSet<string> seen = new(StringComparer.OrdinalIgnoreCase);
        return files.FindAll(file => seen.Add(WithoutGzip(Path.GetFileName(file)).Replace('.', '-')));
    }

    private static bool IsImageFile(string name)
    {
        string plain = WithoutGzip(name);
        return !plain.StartsWith('.') && plain.Contains("images", StringComparison.OrdinalIgnoreCase) &&
            (plain.EndsWith(".idx", StringComparison.OrdinalIgnoreCase) || plain.Contains("idx3", StringComparison.OrdinalIgnoreCase));
    }

    private static Subset SubsetOf(string file)
    {
        string name = Path.GetFileName(file);
        foreach ((string word, Subset subset) in ((string, Subset)[])[
            ("train", Subset.Train), ("val", Subset.Validation), ("t10k", Subset.Test), ("test", Subset.Test)])
        {
            if (name.Contains(word, StringComparison.OrdinalIgnoreCase)) return subset;
        }

        throw new DataException(
            $"'{file}' is next to other image files, but its name contains none of train, val, test and t10k; rename it, or give the path of one image file.");
    }

    /// <summary>The part of the data set that each file is; no two may be the same.</summary>
    private static List<Subset> Subsets(string folder, List<string> files)
    {
        if (files.Count == 1) return [Subset.Unassigned];
        List<Subset> subsets = [];
        foreach (string file in files)
        {
            Subset subset = SubsetOf(file);
            int other = subsets.IndexOf(subset);
            if (other >= 0)
            {
                throw new DataException(
                    $"The data folder '{folder}' has '{Path.GetFileName(files[other])}' and '{Path.GetFileName(file)}', the same split of two "
                    + $"data sets; put each data set in its own folder.");
            }

            subsets.Add(subset);
        }

        return subsets;
    }

    private static Part ReadPart(string file, Subset subset)
    {
        string labelFile = LabelFile(file);
        IdxFile images = IdxFile.Read(file, axes: 3), labels = IdxFile.Read(labelFile, axes: 1);
        (int count, int height, int width) = (images.Dims[0], images.Dims[1], images.Dims[2]);
        if (height > MaximumSide || width > MaximumSide)
        {
            throw new DataException($"'{file}' has images of {width}x{height} pixels; sides of at most {MaximumSide} pixels are read.");
        }

        if (labels.Dims[0] != count)
        {
            throw new DataException($"'{file}' has {count} images, but '{labelFile}' has {labels.Dims[0]} labels; the files do not belong together.");
        }

        return new Part(file, subset, images.Data, labels.Data, height, width);
    }

    private static string LabelFile(string imageFile)
    {
        string folder = Path.GetDirectoryName(imageFile) ?? "", name = WithoutGzip(Path.GetFileName(imageFile));
        if (!name.Contains("images", StringComparison.OrdinalIgnoreCase))
        {
            throw new DataException(
                $"'{imageFile}' has no 'images' in its name, so its label file cannot be found; give the image file, named like "
                + $"train-images-idx3-ubyte.");
        }

        string labels = name.Replace("images", "labels", StringComparison.OrdinalIgnoreCase).Replace("idx3", "idx1", StringComparison.OrdinalIgnoreCase);
        string plain = Path.Combine(folder, labels), compressed = plain + GzipExtension;
        if (File.Exists(plain)) return plain;
        if (File.Exists(compressed)) return compressed;
        throw new DataException($"The labels of '{imageFile}' are missing; expected '{labels}' or '{labels}{GzipExtension}' next to it.");
    }

    private static void AddSamples(Part part, List<byte> classes, List<Sample> samples)
    {
        string name = Path.GetFileName(part.File);
        int pixels = part.Height * part.Width;
        for (int i = 0; i < part.Labels.Length; i++)
        {
            string imageName = string.Create(CultureInfo.InvariantCulture, $"{name}, image {i + 1}");
            RawImage image = new(imageName, part.Pixels.Slice(i * pixels, pixels), part.Width, part.Height);
            samples.Add(new Sample(image, classes.BinarySearch(part.Labels.Span[i]), part.Subset));
        }
    }

    private static List<string> ClassNames(string folder, List<byte> classes)
    {
        string path = Path.Combine(folder, LabelNameFile);
        string[]? lines = File.Exists(path) ? NameFile.Read(path) : null;
        List<string> names = [];
        foreach (byte value in classes)
        {
            if (lines is not null && value >= lines.Length)
            {
                throw new DataException(
                    $"'{path}' names {lines.Length} classes, but some images have label {value}; it needs one line for each label, from 0.");
            }

            names.Add(lines is null ? value.ToString(CultureInfo.InvariantCulture) : lines[value]);
        }

        return names;
    }

    private static string WithoutGzip(string name) => name.EndsWith(GzipExtension, StringComparison.OrdinalIgnoreCase) ? name[..^GzipExtension.Length] : name;

    private readonly record struct Part(string File, Subset Subset, ReadOnlyMemory<byte> Pixels, ReadOnlyMemory<byte> Labels, int Height, int Width);
}
