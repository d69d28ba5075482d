using System;
using System.Numerics;

namespace Thomas;

/// <summary>
/// How much an image is like those that a model was trained on: the mean of the highest cosines between its feature vector and the training vectors that the
/// model carries. Immutable; safe for any number of threads.
/// </summary>
internal sealed class Familiarity
{
    /// <summary>
    /// How many of the nearest vectors count. One alone may be an odd image; with five, images of other things are told from those of the model's classes
    /// better than by the probabilities, by the energy of the scores, or by the distance from the mean of a class.
    /// </summary>
    internal const int Nearest = 5;

    private readonly float[][] _units;

    /// <param name="rehearsal">The vectors, of which those of training images are used; there is at least one.</param>
    public Familiarity(Rehearsal rehearsal)
    {
        _units = new float[rehearsal.TrainingVectors][];
        for (int i = 0; i < _units.Length; i++)
        {
            float[] row = _units[i] = new float[rehearsal.Features];
            rehearsal.Read(i, row);
            float scale = InverseLength(row);
            foreach (ref float value in row.AsSpan()) value *= scale;
        }
    }

    /// <summary>The similarity of an image, -1 to 1; 0 where all of its features are 0.</summary>
    /// <param name="features">Its feature vector.</param>
    public float Of(ReadOnlySpan<float> features) => Of(features, -1);

    /// <summary>The similarity of a training vector to the others; there is more than one.</summary>
    /// <param name="vector">Its number.</param>
    public float Without(int vector) => Of(_units[vector], vector);

    private float Of(ReadOnlySpan<float> features, int without)
    {
        Span<float> best = stackalloc float[Nearest];
        int count = 0;
        float scale = InverseLength(features);
        for (int i = 0; i < _units.Length; i++)
        {
            if (i == without) continue;
            float cosine = Dot(features, _units[i]) * scale;
            if (count == Nearest && !(cosine > best[Nearest - 1])) continue;
            int at = count < Nearest ? count++ : Nearest - 1;
            for (; at > 0 && cosine > best[at - 1]; at--) best[at] = best[at - 1];
            best[at] = cosine;
        }

        float sum = 0;
        foreach (float cosine in best[..count]) sum += cosine;

        // Features that are not finite are like nothing.
        return float.IsFinite(sum) ? Math.Clamp(sum / count, -1, 1) : -1;
    }

    private static float InverseLength(ReadOnlySpan<float> x)
    {
        double sum = 0;
        foreach (float value in x) sum += (double)value * value;
        return sum > 0 ? (float)(1 / Math.Sqrt(sum)) : 0;
    }

    private static float Dot(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        Vector<float> sum = default;
        int k = 0;
        for (; k <= x.Length - Vector<float>.Count; k += Vector<float>.Count)
            sum = Vector.MultiplyAddEstimate(new Vector<float>(x[k..]), new Vector<float>(y[k..]), sum);
        float dot = Vector.Sum(sum);
        for (; k < x.Length; k++) dot += x[k] * y[k];
        return dot;
    }
}
