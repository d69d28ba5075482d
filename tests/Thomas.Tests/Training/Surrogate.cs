using System;
using Thomas.Training;

namespace Thomas.Tests.Training;

/// <summary>Made-up features that behave like a network's.</summary>
internal static class Surrogate
{
    /// <summary>
    /// <c>-sum_c q[c] * log p[c]</c> of one row in double precision, with <c>q[c] = (1 - e) * [c = label] + e / C</c> and p the softmax of the logits.
    /// </summary>
    public static double CrossEntropy(double[] logits, int label, double smoothing)
    {
        double sum = 0, loss = 0;
        foreach (double z in logits) sum += Math.Exp(z);
        for (int c = 0; c < logits.Length; c++) loss -= ((c == label ? 1 - smoothing : 0) + (smoothing / logits.Length)) * (logits[c] - Math.Log(sum));
        return loss;
    }

    /// <summary>
    /// Classes as Gaussian clusters that share a strong low-rank covariance (pose, light), clipped to [0, 6] like the output of ReLU6: the class means
    /// are hidden behind larger common variation, so nearest means do worse than a trained head.
    /// </summary>
    /// <remarks>The world (means, covariance) follows from <paramref name="world"/>, the samples from <paramref name="seed"/>.</remarks>
    public static FeatureMatrix Relu6Clusters(int[] counts, int features, ulong world, ulong seed, float separation, float common = 1.5f, int views = 1)
    {
        const int Factors = 12;
        Rng rng = new(world);
        float[] means = Normals(rng, counts.Length * features, separation), loadings = Normals(rng, Factors * features, common / MathF.Sqrt(Factors));
        float[] offsets = Normals(rng, features, 0.7f);
        Rng samples = new Rng(world).Fork(seed);
        FeatureMatrix matrix = new(Labels(counts), features, views);
        for (int sample = 0; sample < matrix.Samples; sample++)
        {
            float[] factors = Normals(samples, Factors, 1);
            for (int view = 0; view < views; view++)
            {
                Span<float> row = matrix.WritableRow(sample, view);
                for (int k = 0; k < features; k++)
                {
                    float x = offsets[k] + means[(matrix.Labels[sample] * features) + k] + (0.7f * samples.Normal());
                    for (int f = 0; f < Factors; f++) x += factors[f] * loadings[(f * features) + k];
                    row[k] = Math.Clamp(x, 0, 6);
                }
            }
        }

        return matrix;
    }

    /// <summary>Plain Gaussian clusters of unit variance; class c is centered at <paramref name="distance"/> on axis c.</summary>
    public static FeatureMatrix Gaussians(int[] counts, int features, ulong seed, float distance)
    {
        Rng rng = new(seed);
        FeatureMatrix matrix = new(Labels(counts), features);
        for (int sample = 0; sample < matrix.Samples; sample++)
        {
            Span<float> row = matrix.WritableRow(sample);
            for (int k = 0; k < features; k++) row[k] = rng.Normal() + (k == matrix.Labels[sample] ? distance : 0);
        }

        return matrix;
    }

    public static float[] Normals(Rng rng, int count, float deviation)
    {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) values[i] = rng.Normal(0, deviation);
        return values;
    }

    private static int[] Labels(int[] counts)
    {
        int total = 0;
        foreach (int count in counts) total += count;
        int[] labels = new int[total];
        int next = 0;
        for (int c = 0; c < counts.Length; c++)
        {
            labels.AsSpan(next, counts[c]).Fill(c);
            next += counts[c];
        }

        return labels;
    }
}
