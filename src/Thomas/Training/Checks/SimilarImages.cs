using System;
using System.Collections.Generic;
using System.Numerics;
using System.Threading;

namespace Thomas.Training;

/// <summary>
/// Finds images that are all but the same by their thumbnails. Two are similar if the root mean square of the differences of their bytes is at most
/// <see cref="LargestDistance"/> and at most <see cref="LargestShare"/> of the contrast of the plainer one.
/// </summary>
/// <remarks>
/// The limits lie between copies and different images, which are far from each other: docs/training.md has the measurements. The means of two thumbnails, or of
/// their parts, differ by no more than the root mean square of the differences there (Jensen's inequality). So the images are sorted by their means, each is
/// compared only with those whose mean is near enough, and with those first by the means of 16 parts; nothing is missed by that. A bound on the number of
/// comparisons holds for sets of many images that all look alike.
/// </remarks>
internal static class SimilarImages
{
    /// <summary>In units of 0..255.</summary>
    public const float LargestDistance = 4;

    /// <summary>Without this, all images of small things on one ground would be similar.</summary>
    public const float LargestShare = 0.08f;

    /// <summary>Some ten seconds.</summary>
    private const long MostComparisons = 1L << 32;

    // Rounding of the means is far below that.
    private const float Slack = 0.01f;

    /// <summary>Tells all similar pairs.</summary>
    /// <param name="looks">The images; those that are null are passed over, as are those of one color.</param>
    /// <param name="pair">Told the numbers of two images.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <param name="mostComparisons">Bound on the comparisons.</param>
    /// <returns>Whether all that can be similar were compared.</returns>
    public static bool Find(
        IReadOnlyList<ImageLook?> looks, Action<int, int> pair, CancellationToken cancellation, long mostComparisons = MostComparisons)
    {
        List<int> order = [];
        for (int i = 0; i < looks.Count; i++)
        {
            if (looks[i] is { IsOneColor: false }) order.Add(i);
        }

        order.Sort((a, b) => looks[a]!.Mean != looks[b]!.Mean ? looks[a]!.Mean.CompareTo(looks[b]!.Mean) : a.CompareTo(b));

        // In the order in which they are compared, so that memory is read front to back.
        float[] means = new float[order.Count], parts = new float[order.Count * ImageLook.Parts];
        for (int i = 0; i < order.Count; i++)
        {
            means[i] = looks[order[i]]!.Mean;
            looks[order[i]]!.PartMeans.CopyTo(parts, i * ImageLook.Parts);
        }

        int window = (int)Math.Min(order.Count, order.Count == 0 ? 0 : Math.Max(1, mostComparisons / order.Count));
        bool isComplete = true;
        for (int first = 0; first < order.Count; first++)
        {
            if (first % 256 == 0) cancellation.ThrowIfCancellationRequested();
            ImageLook a = looks[order[first]]!;
            float largest = Math.Min(LargestDistance, LargestShare * a.Spread) + Slack, mostParts = largest * largest * ImageLook.Parts;
            ReadOnlySpan<float> own = parts.AsSpan(first * ImageLook.Parts, ImageLook.Parts);
            for (int second = first + 1; second < order.Count && means[second] - means[first] <= largest; second++)
            {
                if (second - first > window)
                {
                    isComplete = false;
                    break;
                }

                if (Squares(own, parts.AsSpan(second * ImageLook.Parts, ImageLook.Parts)) > mostParts) continue;
                if (AreSimilar(a, looks[order[second]]!)) pair(order[first], order[second]);
            }
        }

        return isComplete;
    }

    /// <summary>Root mean square of the differences of two thumbnails.</summary>
    public static double Distance(ImageLook a, ImageLook b)
    {
        long sum = 0;
        for (int i = 0; i < ImageLook.Bytes; i++)
        {
            int difference = a.Thumbnail[i] - b.Thumbnail[i];
            sum += difference * difference;
        }

        return Math.Sqrt((double)sum / ImageLook.Bytes);
    }

    private static bool AreSimilar(ImageLook a, ImageLook b) =>
        Distance(a, b) <= Math.Min(LargestDistance, LargestShare * Math.Min(a.Spread, b.Spread));

    private static float Squares(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        // The number of parts is a multiple of every vector's length.
        Vector<float> sum = Vector<float>.Zero;
        for (int i = 0; i < a.Length; i += Vector<float>.Count)
        {
            Vector<float> difference = new Vector<float>(a[i..]) - new Vector<float>(b[i..]);
            sum += difference * difference;
        }

        return Vector.Sum(sum);
    }
}
