using System;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Threading;

namespace Thomas.Training;

/// <summary>
/// What a linear classifier says of each sample that it learned from, had it learned from all others: ridge regression on the classes, solved for all samples
/// at once. With inputs x, a row of one-hot targets y, sample weights w and the matrix K of inner products, <c>M = (K + lambda W^-1)^-1</c>,
/// <c>a = M y</c>, and the prediction for sample i without i is <c>y[i] - a[i] / M[i,i]</c> (Rifkin and Lippert 2007, section 3; with features fewer than
/// samples the same from the d x d side). Weights let every class count the same.
/// </summary>
internal static class LeaveOneOut
{
    /// <summary>Ridge by the mean square of an input: strong, since wrong labels are to be outvoted rather than learned.</summary>
    public const double DefaultRidge = 1;

    /// <summary>Multiply-adds of <see cref="Scores"/>, roughly.</summary>
    public static double Cost(int samples, int features) =>
        (double)samples * features * Math.Min(samples, features) + (samples <= features ? Math.Pow(samples, 3) : Math.Pow(features, 3) / 3);

    /// <summary>Scores of all classes for each sample, [samples, classes]; near 1 for the class that the others suggest and near 0 for other classes.</summary>
    /// <param name="x">Inputs, row-major [samples, features].</param>
    /// <param name="features">Numbers of an input.</param>
    /// <param name="labels">Class of each sample.</param>
    /// <param name="classes">Number of classes.</param>
    /// <param name="ridge">Strength of the ridge, in mean squares of an input.</param>
    /// <param name="cancellation">Ends the work.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double[] Scores(float[] x, int features, ReadOnlySpan<int> labels, int classes, double ridge, CancellationToken cancellation)
    {
        int samples = labels.Length;
        double[] weights = Weights(labels, classes);
        double meanSquare = 0;
        foreach (float value in x) meanSquare += (double)value * value;
        meanSquare /= samples;
        double lambda = Math.Max(ridge * meanSquare, double.Epsilon);
        return samples <= features
            ? BySamples(x, features, labels, classes, weights, lambda, meanSquare, cancellation)
            : ByFeatures(x, features, labels, classes, weights, lambda, meanSquare, cancellation);
    }

    /// <summary>Weights under which all classes that occur count the same; they average 1.</summary>
    private static double[] Weights(ReadOnlySpan<int> labels, int classes)
    {
        int[] counts = new int[classes];
        int present = 0;
        foreach (int label in labels) present += counts[label]++ == 0 ? 1 : 0;
        double[] weights = new double[labels.Length];
        for (int i = 0; i < weights.Length; i++) weights[i] = (double)labels.Length / ((double)present * counts[labels[i]]);
        return weights;
    }

    /// <summary>The n x n side. The constant input of the bias is <paramref name="bias"/> squared into every inner product.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double[] BySamples(
        float[] x, int features, ReadOnlySpan<int> labels, int classes, double[] weights, double lambda, double bias, CancellationToken cancellation)
    {
        int n = labels.Length;
        double[] m = new double[(long)n * n];
        for (int i = 0; i < n; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            for (int j = 0; j <= i; j++) m[((long)i * n) + j] = Dot(x.AsSpan(i * features, features), x.AsSpan(j * features, features)) + bias;
            m[((long)i * n) + i] += lambda / weights[i];
        }

        Cholesky(m, n, cancellation);
        InvertLower(m, n, cancellation);

        // M = L^-T L^-1: its diagonal and M y need the columns of L^-1 only.
        double[] scores = new double[(long)n * classes], diagonal = new double[n], a = new double[(long)n * classes], half = new double[classes];
        for (int k = 0; k < n; k++)
        {
            Span<double> row = m.AsSpan(k * n, k + 1);
            Array.Clear(half);
            for (int j = 0; j <= k; j++) half[labels[j]] += row[j];
            for (int i = 0; i <= k; i++)
            {
                diagonal[i] += row[i] * row[i];
                for (int c = 0; c < classes; c++) a[(i * classes) + c] += row[i] * half[c];
            }
        }

        for (int i = 0; i < n; i++)
        {
            for (int c = 0; c < classes; c++) scores[(i * classes) + c] = (labels[i] == c ? 1 : 0) - (a[(i * classes) + c] / diagonal[i]);
        }

        return scores;
    }

    /// <summary>The d x d side, d being the features and the constant input of the bias.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double[] ByFeatures(
        float[] x, int features, ReadOnlySpan<int> labels, int classes, double[] weights, double lambda, double bias, CancellationToken cancellation)
    {
        int n = labels.Length, d = features + 1;
        double[] m = new double[(long)d * d], targets = new double[(long)d * classes], row = new double[d];
        row[features] = Math.Sqrt(bias);
        for (int i = 0; i < n; i++)
        {
            if ((i & 63) == 0) cancellation.ThrowIfCancellationRequested();
            for (int k = 0; k < features; k++) row[k] = x[(i * features) + k];
            for (int k = 0; k < d; k++)
            {
                double scaled = weights[i] * row[k];
                AddScaled(row.AsSpan(0, k + 1), scaled, m.AsSpan(k * d, k + 1));
                targets[(k * classes) + labels[i]] += scaled;
            }
        }

        for (int k = 0; k < d; k++) m[((long)k * d) + k] += lambda;
        Cholesky(m, d, cancellation);
        InvertLower(m, d, cancellation);

        // Half-way solutions z = L^-1 x: x'A^-1 x = |z|^2 and the prediction is z . (L^-1 X'Wy).
        double[] half = new double[(long)d * classes], scores = new double[(long)n * classes], z = new double[d];
        for (int k = 0; k < d; k++)
        {
            for (int j = 0; j <= k; j++)
            {
                for (int c = 0; c < classes; c++) half[(k * classes) + c] += m[(k * d) + j] * targets[(j * classes) + c];
            }
        }

        for (int i = 0; i < n; i++)
        {
            if ((i & 63) == 0) cancellation.ThrowIfCancellationRequested();
            for (int k = 0; k < features; k++) row[k] = x[(i * features) + k];
            double leverage = 0;
            for (int k = 0; k < d; k++)
            {
                z[k] = Dot(m.AsSpan(k * d, k + 1), row.AsSpan(0, k + 1));
                leverage += z[k] * z[k];
            }

            double rest = Math.Max(1 - (weights[i] * leverage), 1e-9);
            for (int c = 0; c < classes; c++)
            {
                double predicted = 0;
                for (int k = 0; k < d; k++) predicted += z[k] * half[(k * classes) + c];
                double target = labels[i] == c ? 1 : 0;
                scores[(i * classes) + c] = target - ((target - predicted) / rest);
            }
        }

        return scores;
    }

    /// <summary>The lower triangle of a symmetric positive matrix becomes L with L L' equal to it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Cholesky(double[] m, int n, CancellationToken cancellation)
    {
        for (int i = 0; i < n; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            Span<double> row = m.AsSpan(i * n, n);
            for (int j = 0; j <= i; j++)
            {
                double sum = row[j] - Dot(row[..j], m.AsSpan(j * n, j));
                row[j] = i == j ? Math.Sqrt(Math.Max(sum, double.Epsilon)) : sum / m[((long)j * n) + j];
            }
        }
    }

    /// <summary>L becomes L^-1, row by row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void InvertLower(double[] m, int n, CancellationToken cancellation)
    {
        double[] result = new double[n];
        for (int i = 0; i < n; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            Span<double> row = m.AsSpan(i * n, n);
            Array.Clear(result, 0, i + 1);
            for (int k = 0; k < i; k++) AddScaled(m.AsSpan(k * n, k + 1), -row[k], result.AsSpan(0, k + 1));
            result[i] = 1;
            for (int j = 0; j <= i; j++) m[((long)i * n) + j] = result[j] / row[i];
        }
    }

    /// <summary>Sum of products; four sums at a time, so that no addition waits for the one before.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static float Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        int width = Vector<float>.Count, k = 0;
        Vector<float> sum0 = default, sum1 = default, sum2 = default, sum3 = default;
        for (; k <= a.Length - (4 * width); k += 4 * width)
        {
            sum0 += new Vector<float>(a[k..]) * new Vector<float>(b[k..]);
            sum1 += new Vector<float>(a[(k + width)..]) * new Vector<float>(b[(k + width)..]);
            sum2 += new Vector<float>(a[(k + (2 * width))..]) * new Vector<float>(b[(k + (2 * width))..]);
            sum3 += new Vector<float>(a[(k + (3 * width))..]) * new Vector<float>(b[(k + (3 * width))..]);
        }

        float total = Vector.Sum(sum0 + sum1 + (sum2 + sum3));
        for (; k < a.Length; k++) total += a[k] * b[k];
        return total;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        Vector<double> sum = default;
        int k = 0;
        for (; k <= a.Length - Vector<double>.Count; k += Vector<double>.Count) sum += new Vector<double>(a[k..]) * new Vector<double>(b[k..]);
        double total = Vector.Sum(sum);
        for (; k < a.Length; k++) total += a[k] * b[k];
        return total;
    }

    /// <summary><c>y += scale * x</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddScaled(ReadOnlySpan<double> x, double scale, Span<double> y)
    {
        Vector<double> factor = new(scale);
        int k = 0;
        for (; k <= x.Length - Vector<double>.Count; k += Vector<double>.Count)
            ((new Vector<double>(x[k..]) * factor) + new Vector<double>(y[k..])).CopyTo(y[k..]);
        for (; k < x.Length; k++) y[k] += x[k] * scale;
    }
}
