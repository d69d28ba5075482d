using System;
using System.Collections.Generic;

namespace Thomas.Training;

/// <summary>The similarity below which a tuned model calls an image unknown, and what it was found on.</summary>
/// <param name="Similarity">The threshold, as in <see cref="Rehearsal.Threshold"/>.</param>
/// <param name="Images">Images of the model's classes that it was found on: validation images, and training vectors where those were too few.</param>
/// <param name="Refused">How many of them are below it.</param>
public sealed record UnknownThreshold(float Similarity, int Images, int Refused)
{
    /// <summary>Share of images of the model's classes that may be refused.</summary>
    internal const double Share = 0.025;

    /// <summary>
    /// The fewest images that a threshold is found on. Of n images the lowest is a bound that the next one is below with a probability of 1 / (n + 1): with 20,
    /// 5 %.
    /// </summary>
    internal const int FewestImages = 20;

    /// <summary>
    /// Finds the threshold: the 2.5 % quantile of the similarities of images that are not among the training vectors. The i-th lowest of n is taken for the
    /// quantile i / (n + 1), so 2.5 % of other such images are expected below the threshold; with fewer than 39 images it is the lowest.
    /// </summary>
    /// <remarks>
    /// For classes of which no such image is given, the vectors that only measure are used; and where there are fewer than <see cref="FewestImages"/> in all,
    /// also each training vector compared with the others. A network has seen those, so the threshold is then no higher than the lowest of the images.
    /// </remarks>
    /// <param name="rehearsal">The vectors that the model will carry; null for none.</param>
    /// <param name="classes">Classes of the model.</param>
    /// <param name="unseen">Features of images that are not among the training vectors; null for none.</param>
    /// <param name="most">A bound from above, such as the threshold of the model before classes were added to it; null for none.</param>
    /// <returns>The threshold; null where a class has no training vector, since its images would be unknown, or where there are too few images.</returns>
    internal static UnknownThreshold? Find(Rehearsal? rehearsal, int classes, FeatureMatrix? unseen, float? most = null)
    {
        if (rehearsal is null || ClassesOf(rehearsal) < classes) return null;
        Familiarity familiarity = new(rehearsal);
        List<float> scores = [];
        HashSet<int> seen = [];
        for (int i = 0; i < unseen?.Samples; i++)
        {
            scores.Add(familiarity.Of(unseen.Row(i)));
            seen.Add(unseen.Labels[i]);
        }

        GC.KeepAlive(unseen);
        float[] row = new float[rehearsal.Features];
        for (int i = rehearsal.TrainingVectors; i < rehearsal.Vectors; i++)
        {
            if (seen.Contains(rehearsal.Labels[i])) continue;
            rehearsal.Read(i, row);
            scores.Add(familiarity.Of(row));
        }

        float bound = float.PositiveInfinity;
        if (scores.Count < FewestImages)
        {
            foreach (float score in scores) bound = Math.Min(bound, score);
            for (int i = 0; i < rehearsal.TrainingVectors && rehearsal.TrainingVectors > 1; i++) scores.Add(familiarity.Without(i));
            if (scores.Count < FewestImages) return null;
        }

        // Cut to four digits, so that it can be shown in full.
        float threshold = (float)(Math.Floor(Math.Min(Quantile(scores), bound) * 10_000.0) / 10_000);
        if (most < threshold) threshold = most.Value;
        return new UnknownThreshold(threshold, scores.Count, scores.FindAll(score => score < threshold).Count);
    }

    /// <summary>Why <see cref="Find"/> found none, as a clause.</summary>
    internal static string Problem(Rehearsal rehearsal, int classes)
    {
        int without = classes - ClassesOf(rehearsal);
        return without == 0 ? $"there are fewer than {FewestImages} images to find it on"
            : without == 1 ? "the model has no feature vectors of one class, so its images would be unknown"
            : $"the model has no feature vectors of {without} classes, so their images would be unknown";
    }

    private static int ClassesOf(Rehearsal rehearsal)
    {
        HashSet<int> present = [];
        for (int i = 0; i < rehearsal.TrainingVectors; i++) present.Add(rehearsal.Labels[i]);
        return present.Count;
    }

    /// <summary>The <see cref="Share"/> quantile, between the two nearest numbers.</summary>
    internal static float Quantile(List<float> scores)
    {
        float[] sorted = [.. scores];
        Array.Sort(sorted);
        double place = Math.Max(0, (Share * (sorted.Length + 1)) - 1);
        int below = (int)place;
        return below + 1 < sorted.Length ? (float)(sorted[below] + ((place - below) * (sorted[below + 1] - sorted[below]))) : sorted[below];
    }
}
