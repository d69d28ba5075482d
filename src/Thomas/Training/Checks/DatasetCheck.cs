using System;
using System.Buffers;
using System.Collections.Generic;
using System.Globalization;
using System.Threading;
using Thomas.Data;

namespace Thomas.Training;

/// <summary>
/// Looks for what spoils training or makes its results worthless: images that are in training and validation or have two labels, files that are no images,
/// labels that are probably wrong, classes with few images, too few images to check with. Every image is decoded once, at a small size.
/// </summary>
/// <example>
/// <code>
/// Dataset images = DatasetLoader.Load("flowers");
/// foreach (DatasetFinding finding in DatasetCheck.Run(images, ImageDecoders.Best()).Findings)
///     Console.WriteLine($"{finding.Kind}: {(finding.Images.Count > 0 ? finding.Images[0].Image.Name : images.Name)}: {finding.Message}");
/// </code>
/// </example>
public static class DatasetCheck
{
    // Enough for a thumbnail and to tell a small image; a photo is decoded many times faster than in full.
    private const int DecodedSide = 128;

    /// <summary>Checks a data set.</summary>
    /// <param name="dataset">The images; they need not be fit for training.</param>
    /// <param name="decoder">The image decoder.</param>
    /// <param name="options">A model, if there is one.</param>
    /// <param name="progress">Told stage, images done and images in all, from the worker threads but never two at once.</param>
    /// <param name="cancellation">Ends the work soon.</param>
    /// <returns>The findings, the worst kinds first.</returns>
    /// <exception cref="ThomasException">The model is of no use for the check: it has no features that a last layer could be trained on.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> asked for it.</exception>
    public static DatasetCheckResult Run(
        Dataset dataset, IImageDecoder decoder, DatasetCheckOptions? options = null, IProgress<StageProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        ArgumentNullException.ThrowIfNull(decoder);
        options ??= new DatasetCheckOptions();
        ArgumentNullException.ThrowIfNull(options.Evaluation);
        ArgumentNullException.ThrowIfNull(options.Evaluation.Compile);
        Preprocessing? wanted = options.Model is null ? null : ImageInput.Of(options.Model, options.Evaluation.Preprocessing).Preprocessing;
        List<DatasetFinding> findings = [];
        foreach (string note in dataset.Notes) findings.Add(new DatasetFinding(FindingKind.Reading, [], note) { IsWarning = false });
        foreach (string names in ClassNames.Alike(dataset.ClassNames)) findings.Add(new DatasetFinding(FindingKind.AlikeNames, [], names));
        ImageLook?[] looks = Look(dataset, decoder, options, SmallestSide(wanted), wanted?.Background ?? RgbColor.White, findings, progress, cancellation);
        List<int> readable = [];
        List<Sample> samples = [];
        for (int i = 0; i < looks.Length; i++)
        {
            if (looks[i] is null) continue;
            readable.Add(i);
            samples.Add(dataset.Samples[i]);
        }

        Dataset usable = new(dataset.Name, dataset.ClassNames, samples);
        looks = [.. readable.ConvertAll(i => looks[i])];
        PartChecks.Add(usable, options.ValidationShare, findings);
        ImageChecks.Add(usable, looks!, wanted, findings);
        bool isComplete = new DuplicateSearch(usable, looks!).Run(findings, cancellation);
        if (options.Model is not null) AddDoubts(options.Model, usable, decoder, options.Evaluation, findings, progress, cancellation);
        return new DatasetCheckResult(Sorted(findings), dataset) { IsComplete = isComplete };
    }

    private static int SmallestSide(Preprocessing? wanted) =>
        wanted is null ? DecodedSide : Math.Max(DecodedSide, ImageChecks.SmallestFor(wanted) + 1);

    private static ImageLook?[] Look(
        Dataset dataset, IImageDecoder decoder, DatasetCheckOptions options, int shortSide, RgbColor background, List<DatasetFinding> findings,
        IProgress<StageProgress>? progress, CancellationToken cancellation)
    {
        int count = dataset.Samples.Count, done = 0;
        ImageLook?[] looks = new ImageLook?[count];
        string?[] failures = new string?[count];
        IProgress<int>? counting = StageProgress.Counting(progress, "check", count);
        Lock reporting = new();
        IImageDecoder onGround = decoder.WithBackground(background);
        Workers.Run(
            count,
            options.Evaluation.Compile.Threads,
            index =>
            {
                byte[]? rented = null;
                ImageSource image = dataset.Samples[index].Image;
                try
                {
                    looks[index] = ImageLook.Of(image.Read(ref rented).Decode(onGround, shortSide, image.Name));
                }
                catch (DataException error)
                {
                    failures[index] = error.Message;
                }
                finally
                {
                    if (rented is not null) ArrayPool<byte>.Shared.Return(rented);
                }

                lock (reporting) counting?.Report(++done);
            },
            cancellation);
        for (int i = 0; i < count; i++)
        {
            if (failures[i] is string failure) findings.Add(new DatasetFinding(FindingKind.Unreadable, [dataset.Samples[i]], failure));
        }

        return looks;
    }

    private static void AddDoubts(
        Model model, Dataset usable, IImageDecoder decoder, EvaluationOptions evaluation, List<DatasetFinding> findings, IProgress<StageProgress>? progress,
        CancellationToken cancellation)
    {
        if (usable.ClassNames.Count < 2 || usable.Samples.Count < 2) return;
        foreach (LabelSuspect suspect in LabelAudit.Run(model, usable, decoder, evaluation, progress, cancellation))
        {
            if (!suspect.IsConvincing) break;
            findings.Add(new DatasetFinding(
                FindingKind.DoubtfulLabel,
                [suspect.Sample],
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"labeled '{usable.ClassNames[suspect.Sample.ClassIndex]}', looks like '{usable.ClassNames[suspect.Suggested]}' (doubt "
                    + $"{suspect.Doubt:0.00})")));
        }
    }

    /// <summary>By kind and likeness; of one kind in the order in which they were found.</summary>
    private static List<DatasetFinding> Sorted(List<DatasetFinding> findings)
    {
        List<DatasetFinding> sorted = [];
        foreach (FindingKind kind in Enum.GetValues<FindingKind>())
        {
            foreach (ImageMatch? match in (ImageMatch?[])[null, ImageMatch.Bytes, ImageMatch.Pixels, ImageMatch.Similar])
            {
                foreach (DatasetFinding finding in findings)
                {
                    if (finding.Kind == kind && finding.Match == match) sorted.Add(finding);
                }
            }
        }

        return sorted;
    }
}
