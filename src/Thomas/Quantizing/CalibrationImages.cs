using System;
using System.Collections.Generic;
using System.IO;
using Thomas.Data;

namespace Thomas.Quantizing;

/// <summary>Images to measure ranges on, wherever they lie: nobody needs to sort them into classes for that.</summary>
public static class CalibrationImages
{
    private const string ClassName = "images";

    /// <summary>Lists images of some places, so many from each, spread evenly over it.</summary>
    /// <param name="paths">
    /// Folders, with the images in them or anywhere below, or data sets as <see cref="DatasetLoader"/> reads them (a CSV file, files of MNIST or CIFAR-10).
    /// </param>
    /// <param name="count">The most images to take.</param>
    /// <returns>A data set of one class.</returns>
    /// <exception cref="DataException">A place does not exist or holds no images.</exception>
    public static Dataset Load(IReadOnlyList<string> paths, int count)
    {
        ArgumentNullException.ThrowIfNull(paths);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        if (paths.Count == 0) throw new DataException("No place is given to take calibration images from.");
        List<Sample> samples = [];
        for (int i = 0; i < paths.Count; i++)
        {
            List<ImageSource> found = Of(paths[i]);
            int wanted = Math.Min(found.Count, (count - samples.Count + paths.Count - i - 1) / (paths.Count - i));
            for (int k = 0; k < wanted; k++) samples.Add(new Sample(found[(int)((long)k * found.Count / wanted)], 0, Subset.Unassigned));
        }

        return new Dataset(string.Join(", ", paths), [ClassName], samples);
    }

    private static List<ImageSource> Of(string path)
    {
        if (MnistFiles.Recognizes(path) || CifarFiles.Recognizes(path) || File.Exists(path))
        {
            List<ImageSource> listed = [];
            foreach (Sample sample in DatasetLoader.Load(path).Samples) listed.Add(sample.Image);
            return listed;
        }

        if (!Directory.Exists(path)) throw new DataException($"The folder of calibration images '{path}' does not exist.");
        List<string> files = [];
        try
        {
            Collect(path, files, []);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"The folder of calibration images '{path}' cannot be read: {error.Message}", error);
        }

        if (files.Count == 0) throw new DataException($"The folder of calibration images '{path}' holds no images, nor do the folders in it.");
        files.Sort(StringComparer.Ordinal);
        return files.ConvertAll(ImageSource.FromFile);
    }

    /// <summary>The images of a folder and of those in it, also behind links; a folder that is reached twice counts once.</summary>
    private static void Collect(string folder, List<string> files, HashSet<string> seen)
    {
        if (!seen.Add(Directory.ResolveLinkTarget(folder, returnFinalTarget: true)?.FullName ?? Path.GetFullPath(folder))) return;
        EnumerationOptions options = new() { AttributesToSkip = FileAttributes.Hidden | FileAttributes.System };
        foreach (string file in Directory.EnumerateFiles(folder, "*", options))
        {
            if (ImageFolder.IsImage(file)) files.Add(file);
        }

        foreach (string inner in Directory.EnumerateDirectories(folder, "*", options)) Collect(inner, files, seen);
    }
}
