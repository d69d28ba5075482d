using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using Thomas.Data;
using Thomas.Imaging;
using Thomas.Runtime;
using Thomas.Training;

namespace Thomas.Benchmarks;

/// <summary>
/// What adding classes costs the old ones. Part of a data set's classes is tuned, the others are added, and images that chose nothing are classified, beside a
/// head that was tuned on all of them at once; or a data set is added to a stock model, and images of its own classes are classified before and after.
/// </summary>
internal static class AddingBenchmark
{
    private const int Folds = 5;

    public static int Run(ReadOnlySpan<string> args)
    {
        string modelPath = args[0], dataPath = args[1];
        int added = 1, seeds = 3;
        int? size = null;
        string? sample = null, without = null;
        bool rehearses = true;
        for (int i = 2; i < args.Length; i++)
        {
            if (args[i] == "--new") added = int.Parse(args[++i], CultureInfo.InvariantCulture);
            else if (args[i] == "--seeds") seeds = int.Parse(args[++i], CultureInfo.InvariantCulture);
            else if (args[i] == "--size") size = int.Parse(args[++i], CultureInfo.InvariantCulture);
            else if (args[i] == "--stock") sample = args[++i];
            else if (args[i] == "--without") without = args[++i];
            else if (args[i] == "--no-rehearsal") rehearses = false;
            else throw new ArgumentException($"unknown option {args[i]}");
        }

        Model model = Model.Load(modelPath);
        if (size is int side) model = model.WithImageSize(side, side);
        Dataset data = DatasetLoader.Load(dataPath);
        Features all = Features.Of(model, data);
        if (sample is not null) return Stock(model, all, data.ClassNames, sample, without, seeds);
        Parts(all, data, added, seeds, rehearses);
        return 0;
    }

    private static void Parts(Features all, Dataset data, int added, int seeds, bool rehearses)
    {
        int classes = data.ClassNames.Count;
        List<int[]> choices = Choices(classes, added);
        List<double> joint = [], jointOld = [], after = [], oldBefore = [], oldAfter = [], fresh = [], differences = [], losses = [];
        for (int seed = 1; seed <= seeds; seed++)
        {
            foreach ((int[] train, int[] validation, int[] test) in Divisions(all, classes, (ulong)seed))
            {
                using FeatureMatrix jointTrain = all.Select(train, Enumerable.Range(0, classes).ToArray()),
                    jointValidation = all.Select(validation, Enumerable.Range(0, classes).ToArray());
                TrainerOptions options = TrainerOptions.LastLayer with { Seed = (ulong)seed };
                double[] ofJoint = Recalls(HeadTrainer.Train(jointTrain, jointValidation, classes, options).Head, all, test, null, classes);
                double difference = 0, loss = 0;
                foreach (int[] choice in choices)
                {
                    // Old classes come first, as in the model that they are added to.
                    int[] place = new int[classes];
                    int old = 0, next = classes - choice.Length;
                    for (int c = 0; c < classes; c++) place[c] = choice.Contains(c) ? next++ : old++;
                    using FeatureMatrix oldTrain = all.Select(train, place, label => label < old),
                        oldValidation = all.Select(validation, place, label => label < old),
                        newTrain = all.Select(train, place, label => label >= old);
                    LinearHead before = HeadTrainer.Train(oldTrain, oldValidation, old, options).Head;
                    Rehearsal? rehearsal = rehearses ? RehearsalChoice.Of(before, oldTrain, oldValidation, null) : null;
                    LinearHead head = ClassAddition.Train(before, classes, newTrain, rehearsal, options, null, [], default).Head;
                    double[] alone = Recalls(before, all, test, place, old), both = Recalls(head, all, test, place, classes);
                    joint.Add(ofJoint.Average());
                    jointOld.Add(Enumerable.Range(0, classes).Where(c => place[c] < old).Average(c => ofJoint[c]));
                    after.Add(both.Average());
                    oldBefore.Add(alone.Average());
                    oldAfter.Add(both[..old].Average());
                    fresh.Add(both[old..].Average());
                    difference += (both.Average() - ofJoint.Average()) / choices.Count;
                    loss += (both[..old].Average() - alone.Average()) / choices.Count;
                }

                differences.Add(difference);
                losses.Add(loss);
            }
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{data.Name}: {classes - added} + {added} classes, {choices.Count} choices, {seeds} seeds, {differences.Count} divisions; "
            + $"{(rehearses ? "with" : "without")} rehearsal vectors"));
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"mean recall {after.Average():P1}, tuned at once {joint.Average():P1}, difference {differences.Average() * 100:+0.0;-0.0} points "
            + $"({Interval(differences)})"));
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"old classes {oldBefore.Average():P1} before, {oldAfter.Average():P1} after, {losses.Average() * 100:+0.0;-0.0} points ({Interval(losses)}), "
            + $"{jointOld.Average():P1} tuned at once; new classes {fresh.Average():P1}"));
    }

    private static int Stock(Model model, Features all, IReadOnlyList<string> names, string sample, string? without, int seeds)
    {
        LinearHead old = HeadSplit.Find(model).Head ?? throw new ThomasException("The model's last layer is not linear.");
        Features own = Features.OfImageNet(model, sample, old.Classes - 1000);
        int[] kept = [.. Enumerable.Range(0, names.Count).Where(c => names[c] != without)], place = new int[names.Count];
        Array.Fill(place, -1);
        for (int i = 0; i < kept.Length; i++) place[kept[i]] = old.Classes + i;
        double before = Recalls(old, own);
        List<double> fresh = [], after = [];
        for (int seed = 1; seed <= seeds; seed++)
        {
            foreach ((int[] train, int[] validation, int[] test) in Divisions(all, names.Count, (ulong)seed, isWhole: true))
            {
                using FeatureMatrix rows = all.Select([.. train, .. validation], place, label => label >= 0);
                TrainerOptions options = TrainerOptions.LastLayer with { Seed = (ulong)seed };
                LinearHead head = ClassAddition.Train(old, old.Classes + kept.Length, rows, null, options, null, [], default).Head;
                double[] recalls = Recalls(head, all, test, place, head.Classes);
                fresh.Add(recalls[old.Classes..].Average());
                after.Add(Recalls(head, own));
            }
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{model.Info.Name}: {kept.Length} classes added to {old.Classes}, {seeds} seeds, {fresh.Count} divisions; new classes {fresh.Average():P1} "
            + $"({fresh.Min():P1} to {fresh.Max():P1}); its own {own.Labels.Length} images {before:P1} before, {after.Average():P1} after "
            + $"({(after.Average() - before) * 100:+0.0;-0.0} points, {(after.Min() - before) * 100:+0.0;-0.0} to {(after.Max() - before) * 100:+0.0;-0.0})"));
        return 0;
    }

    /// <summary>Every choice of the classes that are added; with many classes pairs, triples ... of neighbors.</summary>
    private static List<int[]> Choices(int classes, int added)
    {
        List<int[]> choices = [];
        if (classes > 6)
        {
            for (int c = 0; c + added <= classes; c += added) choices.Add([.. Enumerable.Range(c, added)]);
            return choices;
        }

        for (int bits = 0; bits < 1 << classes; bits++)
        {
            if (int.PopCount(bits) == added) choices.Add([.. Enumerable.Range(0, classes).Where(c => (bits >> c & 1) != 0)]);
        }

        return choices;
    }

    /// <summary>The data set's own test images, or each fifth of all images; a fifth of the others validates.</summary>
    internal static IEnumerable<(int[] Train, int[] Validation, int[] Test)> Divisions(Features all, int classes, ulong seed, bool isWhole = false)
    {
        int[] fixedTest = [.. Enumerable.Range(0, all.Labels.Length).Where(i => all.IsTest[i])];
        bool hasTest = fixedTest.Length > 0 && !isWhole;
        Rng rng = new(seed);
        int[] fold = new int[all.Labels.Length], part = new int[fold.Length];
        for (int c = 0; c < classes; c++)
        {
            int[] images = [.. Enumerable.Range(0, fold.Length).Where(i => all.Labels[i] == c && !(hasTest && all.IsTest[i]))];
            rng.Shuffle<int>(images);
            for (int i = 0; i < images.Length; i++) (fold[images[i]], part[images[i]]) = (i % Folds, i / Folds % Folds);
        }

        for (int f = 0; f < (hasTest ? 1 : Folds); f++)
        {
            bool IsTest(int i) => hasTest ? all.IsTest[i] : fold[i] == f;
            bool IsValidation(int i) => hasTest ? fold[i] == 0 : part[i] == f;
            int[] rest = [.. Enumerable.Range(0, fold.Length).Where(i => !IsTest(i))];
            yield return ([.. rest.Where(i => !IsValidation(i))], [.. rest.Where(IsValidation)], [.. Enumerable.Range(0, fold.Length).Where(IsTest)]);
        }
    }

    /// <summary>Of each class that has images the share that is recognized; 0 for those without.</summary>
    private static double[] Recalls(LinearHead head, Features all, int[] test, int[]? place, int classes)
    {
        int[] right = new int[classes], total = new int[classes];
        float[] logits = new float[head.Classes];
        foreach (int i in test)
        {
            int label = place is null ? all.Labels[i] : place[all.Labels[i]];
            if (label < 0 || label >= classes) continue;
            head.Logits(all.Rows[i], logits);
            total[label]++;
            right[label] += TopK.Best(logits) == label ? 1 : 0;
        }

        return [.. right.Select((r, c) => total[c] == 0 ? 0 : (double)r / total[c])];
    }

    private static double Recalls(LinearHead head, Features own)
    {
        float[] logits = new float[head.Classes];
        int right = 0;
        for (int i = 0; i < own.Labels.Length; i++)
        {
            head.Logits(own.Rows[i], logits);
            right += TopK.Best(logits) == own.Labels[i] ? 1 : 0;
        }

        return (double)right / own.Labels.Length;
    }

    /// <summary>The 95 % interval of the mean, by the normal distribution.</summary>
    private static string Interval(List<double> values)
    {
        double mean = values.Average(), variance = values.Sum(v => (v - mean) * (v - mean)) / Math.Max(1, values.Count - 1);
        double half = 1.96 * Math.Sqrt(variance / values.Count);
        return FormattableString.Invariant($"{(mean - half) * 100:+0.0;-0.0} to {(mean + half) * 100:+0.0;-0.0}");
    }

    /// <summary>Features of images.</summary>
    internal sealed class Features
    {
        public required float[][] Rows { get; init; }

        public required int[] Labels { get; init; }

        public required bool[] IsTest { get; init; }

        public static Features Of(Model model, Dataset data)
        {
            ImageInput input = ImageInput.Of(model);
            using PreparedSet set = PreparedSet.Create(data, new SkiaImageDecoder(), new PreparedSetOptions { Preprocessing = input.Preprocessing });
            ImageSamples samples = new(set, new Preprocessor(input.Preprocessing), new Augmentation(), [.. Enumerable.Range(0, data.ClassNames.Count)]);
            float[][] rows = new float[set.Count][];
            FeatureExtractor.Run(
                HeadSplit.Find(model).FeatureGraph(), samples, new CompileOptions(), (i, _, values) => rows[i] = values.ToArray(), null, default);
            return new Features
            {
                Rows = rows,
                Labels = [.. Enumerable.Range(0, set.Count).Select(samples.Label)],
                IsTest = [.. set.Dataset.Samples.Select(s => s.Subset == Subset.Test)],
            };
        }

        /// <summary>Images of every fifth class of ImageNet, by the order of their names.</summary>
        public static Features OfImageNet(Model model, string folder, int background)
        {
            ImageSet images = new();
            string[] files = Directory.GetFiles(folder, "*.JPEG");
            Array.Sort(files, string.CompareOrdinal);
            foreach (string file in files) images.Add(Path.GetFileName(file), ImageSource.FromFile(file));
            Features features = Of(model, images.ToDataset());
            int[] labels = [.. Enumerable.Range(0, files.Length).Select(i => (5 * i) + background)];
            return new Features { Rows = features.Rows, IsTest = features.IsTest, Labels = labels };
        }

        public FeatureMatrix Select(int[] images, int[] place, Func<int, bool>? isWanted = null)
        {
            int[] chosen = [.. images.Where(i => isWanted is null || isWanted(place[Labels[i]]))];
            FeatureMatrix matrix = new(chosen.Select(i => place[Labels[i]]).ToArray(), Rows[0].Length);
            for (int i = 0; i < chosen.Length; i++) Rows[chosen[i]].CopyTo(matrix.WritableRow(i));
            return matrix;
        }
    }
}
