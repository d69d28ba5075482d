using System;
using System.Runtime.CompilerServices;
using System.Threading;

namespace Thomas.Training;

/// <summary>What the nearest other samples say of each sample, by cosine of their features.</summary>
internal static class NeighborVotes
{
    /// <summary>Neighbors that vote.</summary>
    public const int Neighbors = 10;

    /// <summary>Share of each class among the neighbors, [samples, classes]; votes are weighted so that large classes do not outvote small ones.</summary>
    /// <param name="x">Features, row-major [samples, features].</param>
    /// <param name="features">Numbers of a row.</param>
    /// <param name="labels">Classes of the samples.</param>
    /// <param name="classes">Number of classes.</param>
    /// <param name="progress">Told how many samples were compared with all before them.</param>
    /// <param name="cancellation">Ends the work.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double[] Shares(
        float[] x, int features, ReadOnlySpan<int> labels, int classes, IProgress<int>? progress, CancellationToken cancellation)
    {
        int n = labels.Length, neighbors = Math.Min(Neighbors, n - 1);
        double[] shares = new double[n * classes];
        if (neighbors < 1) return shares;
        float[] inverse = new float[n], near = new float[n * neighbors];
        int[] who = new int[n * neighbors];
        Array.Fill(near, float.NegativeInfinity);
        for (int i = 0; i < n; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            ReadOnlySpan<float> row = x.AsSpan(i * features, features);
            inverse[i] = 1 / MathF.Max(MathF.Sqrt(LeaveOneOut.Dot(row, row)), float.Epsilon);
            for (int j = 0; j < i; j++)
            {
                float cosine = LeaveOneOut.Dot(row, x.AsSpan(j * features, features)) * inverse[i] * inverse[j];
                Offer(near.AsSpan(i * neighbors, neighbors), who.AsSpan(i * neighbors, neighbors), cosine, j);
                Offer(near.AsSpan(j * neighbors, neighbors), who.AsSpan(j * neighbors, neighbors), cosine, i);
            }

            if ((i & 63) == 63 || i == n - 1) progress?.Report(i + 1);
        }

        int[] counts = new int[classes];
        foreach (int label in labels) counts[label]++;
        for (int i = 0; i < n; i++)
        {
            double sum = 0;
            Span<double> share = shares.AsSpan(i * classes, classes);
            foreach (int j in who.AsSpan(i * neighbors, neighbors))
            {
                double weight = 1.0 / counts[labels[j]];
                share[labels[j]] += weight;
                sum += weight;
            }

            foreach (ref double s in share) s /= sum;
        }

        return shares;
    }

    /// <summary>Keeps the nearest, nearest first; among equals the one that came first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Offer(Span<float> near, Span<int> who, float cosine, int sample)
    {
        int at = near.Length;
        while (at > 0 && cosine > near[at - 1]) at--;
        if (at == near.Length) return;
        near[at..^1].CopyTo(near[(at + 1)..]);
        who[at..^1].CopyTo(who[(at + 1)..]);
        (near[at], who[at]) = (cosine, sample);
    }
}
