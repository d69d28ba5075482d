using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using Thomas.Data;
using Thomas.Imaging;
using Thomas.Training;

namespace Thomas.Benchmarks;

/// <summary>How many planted wrong labels the first suspects of different rankings contain, over several seeds.</summary>
internal static class LabelBenchmark
{
    private const int Folds = 5, First = 15;

    public static int Run(ReadOnlySpan<string> args)
    {
        int seeds = 5, wrong = 10;
        string? preset = null;
        for (int i = 2; i + 1 < args.Length; i += 2)
        {
            if (args[i] == "--seeds") seeds = int.Parse(args[i + 1], CultureInfo.InvariantCulture);
            else if (args[i] == "--wrong") wrong = int.Parse(args[i + 1], CultureInfo.InvariantCulture);
            else if (args[i] == "--preset") preset = args[i + 1];
            else throw new ArgumentException($"unknown option {args[i]}");
        }

        Model model = Model.Load(args[0]);
        (int height, int width, _) = ImageInput.Size(model);
        Dataset data = DatasetLoader.Load(args[1]);
        EvaluationOptions options = new() { Preprocessing = preset is null ? null : Preprocessing.Preset(preset, width, height) };
        (float[] x, int features, int[] labels) = Features(model, data, options);
        int classes = data.ClassNames.Count;
        (string Name, Func<int[], double[]> Rank)[] rankings =
        [
            ("ridge and neighbors", given => Trust(x, features, given, classes)),
            ("ridge 0.01, margin", given => Margin(Ridge(given, 0.01), given, classes)),
            ("ridge 0.1, margin", given => Margin(Ridge(given, 0.1), given, classes)),
            ("ridge 1, margin", given => Margin(Ridge(given, 1), given, classes)),
            ("ridge 10, margin", given => Margin(Ridge(given, 10), given, classes)),
            ("ridge 1, self", given => Self(Ridge(given, 1), given, classes)),
            ("5-fold head, self", given => Self(Crossed(x, features, given, classes), given, classes)),
            ("5-fold head, margin", given => Margin(Crossed(x, features, given, classes), given, classes)),
            ("10 neighbors, margin", given => Margin(NeighborVotes.Shares(x, features, given, classes, null, default), given, classes)),
        ];
        foreach ((string name, Func<int[], double[]> rank) in rankings)
        {
            List<int> hits = [], exact = [];
            double seconds = 0;
            for (int seed = 1; seed <= seeds; seed++)
            {
                (int[] given, HashSet<int> planted) = Plant(labels, classes, wrong, (ulong)seed);
                long start = Stopwatch.GetTimestamp();
                double[] trust = rank(given);
                seconds += Stopwatch.GetElapsedTime(start).TotalSeconds;
                int[] order = [.. Enumerable.Range(0, given.Length).OrderBy(i => trust[i])];
                hits.Add(order.Take(First).Count(planted.Contains));
                exact.Add(order.Take(wrong).Count(planted.Contains));
            }

            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{name,-22} {hits.Average(),5:F1} of {wrong} among the first {First} ({string.Join(' ', hits)}), "
                + $"{exact.Average():F1} among the first {wrong}; {seconds / seeds * 1000:F0} ms"));
        }

        Convincing(x, features, labels, classes, wrong, seeds);
        return 0;

        double[] Ridge(int[] given, double ridge) => LeaveOneOut.Scores(x, features, given, classes, ridge, default);
    }

    /// <summary>Standardized features and labels of all images.</summary>
    private static (float[] X, int Features, int[] Labels) Features(Model model, Dataset data, EvaluationOptions options)
    {
        ImageInput input = ImageInput.Of(model, options.Preprocessing);
        HeadSplit split = HeadSplit.Find(model);
        using PreparedSet set = PreparedSet.Create(
            data, new SkiaImageDecoder(), new PreparedSetOptions { Preprocessing = input.Preprocessing, MayLoseClasses = true });
        int[] labels = [.. Enumerable.Range(0, set.Count).Select(set.Label)];
        using FeatureMatrix matrix = new(labels, split.FeatureCount);
        ImageSamples samples = new(
            set, new Preprocessor(input.Preprocessing), new Augmentation(), [.. Enumerable.Range(0, data.ClassNames.Count)]);
        FeatureExtractor.Run(
            split.FeatureGraph(), samples, options.Compile, (index, _, values) => values.CopyTo(matrix.WritableRow(index)), null, default);
        FeatureScaler scaler = FeatureScaler.Fit(matrix);
        float[] x = new float[matrix.Samples * matrix.Features];
        for (int i = 0; i < matrix.Samples; i++) scaler.Apply(matrix.Row(i), x.AsSpan(i * matrix.Features, matrix.Features));
        return (x, matrix.Features, labels);
    }

    /// <summary>How many suspects are told unasked, on the labels as they are and with planted ones, and how many of the latter are among them.</summary>
    private static void Convincing(float[] x, int features, int[] labels, int classes, int wrong, int seeds)
    {
        foreach (double least in (double[])[0.3, 0.4, LabelSuspect.ConvincingDoubt, 0.6, 0.7])
        {
            int clean = LabelAudit.Doubts(x, features, labels, classes, null, default).Doubt.Count(doubt => doubt >= least);
            double told = 0, found = 0;
            for (int seed = 1; seed <= seeds; seed++)
            {
                (int[] given, HashSet<int> planted) = Plant(labels, classes, wrong, (ulong)seed);
                double[] doubts = LabelAudit.Doubts(x, features, given, classes, null, default).Doubt;
                told += doubts.Count(doubt => doubt >= least);
                found += planted.Count(i => doubts[i] >= least);
            }

            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"doubt from {least}: {clean} told as it is; with {wrong} planted {told / seeds:F1} told, {found / seeds:F1} of them planted"));
        }
    }

    private static (int[] Labels, HashSet<int> Planted) Plant(int[] labels, int classes, int wrong, ulong seed)
    {
        int[] given = [.. labels];
        Rng rng = new(seed);
        HashSet<int> planted = [];
        while (planted.Count < wrong)
        {
            int i = rng.Next(given.Length);
            if (planted.Add(i)) given[i] = (given[i] + 1 + rng.Next(classes - 1)) % classes;
        }

        return (given, planted);
    }

    private static double[] Self(double[] scores, int[] given, int classes) => [.. given.Select((label, i) => scores[(i * classes) + label])];

    private static double[] Margin(double[] scores, int[] given, int classes) => [.. given.Select((label, i) =>
        scores[(i * classes) + label] - Enumerable.Range(0, classes).Where(c => c != label).Max(c => scores[(i * classes) + c]))];

    /// <summary>Probabilities of heads that were trained without the sample's fold.</summary>
    private static double[] Crossed(float[] x, int features, int[] given, int classes)
    {
        double[] scores = new double[given.Length * classes];
        int[] order = [.. Enumerable.Range(0, given.Length)];
        new Rng(7).Shuffle(order.AsSpan());
        for (int fold = 0; fold < Folds; fold++)
        {
            int[] rest = [.. order.Where((_, at) => at % Folds != fold)];
            using FeatureMatrix train = new([.. rest.Select(i => given[i])], features);
            for (int i = 0; i < rest.Length; i++) x.AsSpan(rest[i] * features, features).CopyTo(train.WritableRow(i));
            (LinearHead head, _) = HeadTrainer.Train(train, null, classes, TrainerOptions.LastLayer);
            float[] logits = new float[classes];
            foreach (int i in order.Where((_, at) => at % Folds == fold))
            {
                head.Logits(x.AsSpan(i * features, features), logits);
                double sum = logits.Sum(logit => Math.Exp(logit - logits.Max()));
                for (int c = 0; c < classes; c++) scores[(i * classes) + c] = Math.Exp(logits[c] - logits.Max()) / sum;
            }
        }

        return scores;
    }

    /// <summary>What the library does: the mean of both votes.</summary>
    private static double[] Trust(float[] x, int features, int[] given, int classes) =>
        [.. LabelAudit.Doubts(x, features, given, classes, null, default).Doubt.Select(doubt => -doubt)];
}
