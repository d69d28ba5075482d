using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using Thomas.Data;
using Thomas.Training;

namespace Thomas.Benchmarks;

/// <summary>
/// How well images of other things are told from those of a model's classes. In each division of a data set the last layer is trained, feature vectors and a
/// threshold are chosen as <c>tune</c> does and read back from their text; then come images of its classes that chose nothing, and the other folder's.
/// </summary>
internal static class UnknownBenchmark
{
    public static int Run(ReadOnlySpan<string> args)
    {
        string modelPath = args[0], dataPath = args[1], otherPath = args[2];
        int seeds = 3;
        int? size = null;
        string? without = null;
        for (int i = 3; i < args.Length; i++)
        {
            if (args[i] == "--seeds") seeds = int.Parse(args[++i], CultureInfo.InvariantCulture);
            else if (args[i] == "--size") size = int.Parse(args[++i], CultureInfo.InvariantCulture);
            else if (args[i] == "--without") without = args[++i];
            else throw new ArgumentException($"unknown option {args[i]}");
        }

        Model model = Model.Load(modelPath);
        if (size is int side) model = model.WithImageSize(side, side);
        Dataset data = DatasetLoader.Load(dataPath);
        int classes = data.ClassNames.Count;
        AddingBenchmark.Features all = AddingBenchmark.Features.Of(model, data), others = AddingBenchmark.Features.Of(model, Others(otherPath, without));
        int[] place = [.. Enumerable.Range(0, classes)];
        List<double> areas = [], refused = [], found = [], thresholds = [];
        for (int seed = 1; seed <= seeds; seed++)
        {
            foreach ((int[] train, int[] validation, int[] test) in AddingBenchmark.Divisions(all, classes, (ulong)seed, isWhole: true))
            {
                using FeatureMatrix trains = all.Select(train, place), checks = all.Select(validation, place);
                LinearHead head = HeadTrainer.Train(trains, checks, classes, TrainerOptions.LastLayer with { Seed = (ulong)seed }).Head;
                Rehearsal stored = Rehearsal.Parse(RehearsalChoice.Of(head, trains, checks, null)!.ToText())!;
                Familiarity familiarity = new(stored);
                float threshold = UnknownThreshold.Find(stored, classes, checks)!.Similarity;
                float[] known = [.. test.Select(i => familiarity.Of(all.Rows[i]))], other = [.. others.Rows.Select(row => familiarity.Of(row))];
                areas.Add(Area(known, other));
                refused.Add(known.Count(score => score < threshold) / (double)known.Length);
                found.Add(other.Count(score => score < threshold) / (double)other.Length);
                thresholds.Add(threshold);
            }
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{data.Name} against {others.Rows.Length} images of {Path.GetFileName(otherPath)}: {seeds} seeds, {areas.Count} divisions; "
            + $"AUROC {areas.Average():F3} ({areas.Min():F3} to {areas.Max():F3})"));
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"at thresholds of {thresholds.Min():F3} to {thresholds.Max():F3} refused: {refused.Average():P1} of known images "
            + $"({refused.Min():P1} to {refused.Max():P1}), {found.Average():P1} of the others ({found.Min():P1} to {found.Max():P1})"));
        return 0;
    }

    /// <summary>Images of a folder, with or without folders of classes in it; of what they are does not matter.</summary>
    private static Dataset Others(string folder, string? without)
    {
        ImageSet images = new();
        string[] files = [.. Directory.GetFiles(folder, "*", SearchOption.AllDirectories)
            .Where(file => ImageFolder.IsImage(file) && (without is null || !file.Contains(without, StringComparison.OrdinalIgnoreCase)))
            .Order(StringComparer.Ordinal)];
        foreach (string file in files) images.Add("other", ImageSource.FromFile(file));
        return images.ToDataset();
    }

    /// <summary>The probability that a known image has a higher similarity than another one; equal ones count half.</summary>
    private static double Area(float[] known, float[] other)
    {
        double wins = 0;
        foreach (float k in known)
        {
            foreach (float o in other) wins += k > o ? 1 : k == o ? 0.5 : 0;
        }

        return wins / known.Length / other.Length;
    }
}
