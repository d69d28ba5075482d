using System;
using System.Collections.Generic;
using System.Threading;
using Thomas.Data;

namespace Thomas.Training;

/// <summary>An image whose label another class fits better, judged by all other images.</summary>
/// <param name="Sample">The image, its label and its part of the data set.</param>
/// <param name="Suggested">The class that fits best among the others, an index into the data set's class names.</param>
/// <param name="Doubt">
/// How much better it fits, above 0 to about 1: how far the suggested class is ahead of the label in the mean of two out-of-sample votes, a ridge classifier
/// that did not see the image, and its nearest neighbors.
/// </param>
public sealed record LabelSuspect(Sample Sample, int Suggested, double Doubt)
{
    /// <summary>
    /// From this doubt on a suspect is worth telling about unasked. Of such images among 375 photos of flowers, 10 of them with a wrong label,
    /// three of four were those.
    /// </summary>
    public const double ConvincingDoubt = 0.5;

    /// <summary>Whether the doubt is large enough to tell about it unasked.</summary>
    public bool IsConvincing => Doubt >= ConvincingDoubt;
}

/// <summary>
/// Finds images that probably carry the wrong label. A network that was trained on other images turns each image into features; two simple classifiers on them
/// say what they would have called each image without having seen it, and the images are ranked by how far the label is behind, as confident learning ranks
/// them by normalized margin (Northcutt, Jiang and Chuang 2021). Simple classifiers find more than a well trained one, which also learns wrong labels.
/// </summary>
/// <remarks>A suspect is a hint to look at an image, not a verdict: unusual images and classes that look alike are suspects too.</remarks>
/// <example>
/// <code>
/// Dataset images = DatasetLoader.Load("flowers");
/// foreach (LabelSuspect suspect in LabelAudit.Run(Model.Load("mobilenet_v2.onnx"), images, ImageDecoders.Best()))
///     Console.WriteLine($"{suspect.Sample.Image.Name}: {images.ClassNames[suspect.Suggested]}? ({suspect.Doubt:0.00})");
/// </code>
/// </example>
public static class LabelAudit
{
    // Beyond these, memory or time of one of the two votes is out of proportion, and the other one decides alone.
    private const int LargestSystem = 4096, MostNeighborSamples = 20_000;

    // A few hundredths of a second.
    private const double QuickMultiplyAdds = 5e8;

    /// <summary>Looks at all images of a data set, whatever part they belong to.</summary>
    /// <param name="model">An image classifier or feature extractor; its classes do not matter.</param>
    /// <param name="dataset">The images, of two classes or more.</param>
    /// <param name="decoder">The image decoder.</param>
    /// <param name="options">Device, preprocessing, cache.</param>
    /// <param name="progress">Told stage, images done and images in all.</param>
    /// <param name="cancellation">Ends the work soon.</param>
    /// <returns>The suspects, the largest doubt first; images that cannot be decoded are passed over.</returns>
    /// <exception cref="ThomasException">The model has no features that a last layer could be trained on, or the data set is not usable.</exception>
    public static IReadOnlyList<LabelSuspect> Run(
        Model model, Dataset dataset, IImageDecoder decoder, EvaluationOptions? options = null, IProgress<StageProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(dataset);
        ArgumentNullException.ThrowIfNull(decoder);
        options ??= new EvaluationOptions();
        ArgumentNullException.ThrowIfNull(options.Compile);
        if (dataset.ClassNames.Count < 2) throw new DataException($"{dataset.Name} has fewer than two classes; no label can be doubted.");
        ImageInput input = ImageInput.Of(model, options.Preprocessing);
        ModelChecks.RequireFinite(model);
        HeadSplit split = HeadSplit.Find(model);
        PreparedSetOptions prepare = new()
        {
            Preprocessing = input.Preprocessing,
            CacheDirectory = options.CacheDirectory,
            Threads = options.Compile.Threads,
            MayLoseClasses = true,
        };
        using PreparedSet set = PreparedSet.Create(dataset, decoder, prepare, StageProgress.Decoding(progress), cancellation);
        int[] labels = new int[set.Count], outputs = new int[dataset.ClassNames.Count];
        for (int i = 0; i < labels.Length; i++) labels[i] = set.Label(i);
        for (int c = 0; c < outputs.Length; c++) outputs[c] = c;
        using FeatureMatrix matrix = new(labels, split.FeatureCount);
        FeatureExtractor.Run(
            split.FeatureGraph(),
            new ImageSamples(set, new Preprocessor(input.Preprocessing), new Augmentation(), outputs),
            options.Compile,
            (index, _, values) => values.CopyTo(matrix.WritableRow(index)),
            StageProgress.Counting(progress, "features", set.Count),
            cancellation,
            options.LargestBatch);
        return Suspects([(matrix, set.Dataset)], progress, cancellation);
    }

    /// <summary>Whether <see cref="Suspects"/> takes no time worth mentioning.</summary>
    internal static bool IsQuick(int samples, int features) =>
        LeaveOneOut.Cost(samples, features) + (0.5 * samples * samples * features) <= QuickMultiplyAdds;

    /// <summary>The suspects among images whose features are known.</summary>
    /// <param name="parts">Features and images of each part of the data set; the parts have the same classes.</param>
    /// <param name="progress">Told how many images were compared.</param>
    /// <param name="cancellation">Ends the work.</param>
    internal static IReadOnlyList<LabelSuspect> Suspects(
        IReadOnlyList<(FeatureMatrix Features, Dataset Images)> parts, IProgress<StageProgress>? progress, CancellationToken cancellation)
    {
        int features = parts[0].Features.Features, samples = 0;
        foreach ((FeatureMatrix matrix, _) in parts) samples += matrix.Samples;
        if ((long)samples * features > Array.MaxLength) throw new ThomasException($"{samples} images of {features} features are too many to compare.");
        float[] x = new float[samples * features];
        List<Sample> images = [];
        FeatureScaler scaler = FeatureScaler.Fit(parts[0].Features);
        foreach ((FeatureMatrix matrix, Dataset part) in parts)
        {
            for (int i = 0; i < matrix.Samples; i++)
            {
                scaler.Apply(matrix.Row(i), x.AsSpan(images.Count * features, features));
                images.Add(part.Samples[i]);
            }

            GC.KeepAlive(matrix);
        }

        int[] labels = new int[samples];
        for (int i = 0; i < samples; i++) labels[i] = images[i].ClassIndex;
        (int[] suggested, double[] doubt) = Doubts(x, features, labels, parts[0].Images.ClassNames.Count, progress, cancellation);
        List<LabelSuspect> suspects = [];
        for (int i = 0; i < samples; i++)
        {
            if (doubt[i] > 0) suspects.Add(new LabelSuspect(images[i], suggested[i], doubt[i]));
        }

        suspects.Sort(static (a, b) =>
            a.Doubt != b.Doubt ? b.Doubt.CompareTo(a.Doubt) : string.CompareOrdinal(a.Sample.Image.Name, b.Sample.Image.Name));
        return suspects;
    }

    /// <summary>For each sample the class that fits best among the others, and how far it is ahead of the label; below 0 where the label fits better.</summary>
    /// <param name="x">Standardized features, row-major [samples, features].</param>
    /// <param name="features">Numbers of a row.</param>
    /// <param name="labels">Classes of the samples.</param>
    /// <param name="classes">Number of classes.</param>
    /// <param name="progress">Told how many samples were compared.</param>
    /// <param name="cancellation">Ends the work.</param>
    internal static (int[] Suggested, double[] Doubt) Doubts(
        float[] x, int features, int[] labels, int classes, IProgress<StageProgress>? progress, CancellationToken cancellation)
    {
        List<double[]> votes = [];
        if (Math.Min(labels.Length, features) <= LargestSystem)
        {
            votes.Add(LeaveOneOut.Scores(x, features, labels, classes, LeaveOneOut.DefaultRidge, cancellation));
        }

        if (labels.Length <= MostNeighborSamples || votes.Count == 0)
        {
            votes.Add(NeighborVotes.Shares(x, features, labels, classes, StageProgress.Counting(progress, "compare", labels.Length), cancellation));
        }

        int[] counts = new int[classes], suggested = new int[labels.Length];
        foreach (int label in labels) counts[label]++;
        double[] doubt = new double[labels.Length];
        for (int i = 0; i < labels.Length; i++)
        {
            int best = -1;
            double most = double.NegativeInfinity;
            for (int c = 0; c < classes; c++)
            {
                double score = Mean(votes, (i * classes) + c);
                if (c == labels[i] || !(score > most)) continue;
                (best, most) = (c, score);
            }

            // Without others of its class nothing speaks for the label of an image, which says nothing about it.
            suggested[i] = Math.Max(best, 0);
            doubt[i] = counts[labels[i]] < 2 || best < 0 ? 0 : most - Mean(votes, (i * classes) + labels[i]);
        }

        return (suggested, doubt);
    }

    private static double Mean(List<double[]> votes, int index)
    {
        double sum = 0;
        foreach (double[] vote in votes) sum += vote[index];
        return sum / votes.Count;
    }
}
