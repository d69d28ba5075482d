using System;

namespace Thomas.Training;

/// <summary>How <see cref="NearestCentroid"/> measures nearness.</summary>
internal enum CentroidMetric
{
    /// <summary>Largest cosine between the features and a class's mean, after standardization.</summary>
    Cosine,

    /// <summary>Smallest Euclidean distance to a class's mean, after standardization.</summary>
    Euclidean,
}

/// <summary>
/// Gives a sample the class whose mean features are nearest: what the network's features are worth before anything is trained. With standardized
/// features z (see <see cref="HeadTrainer"/>) and the mean m[c] of class c over all samples and views:
/// cosine <c>argmax_c z.m[c] / |m[c]|</c>, Euclidean <c>argmin_c |z - m[c]|</c>. A class without samples is never predicted.
/// Safe for several threads at once.
/// </summary>
internal sealed class NearestCentroid
{
    private readonly FeatureScaler _scaler;
    private readonly float[] _weights;
    private readonly float[] _offsets;

    private NearestCentroid(FeatureScaler scaler, CentroidMetric metric, float[] weights, float[] offsets)
    {
        _scaler = scaler;
        Metric = metric;
        _weights = weights;
        _offsets = offsets;
    }

    /// <summary>How nearness is measured.</summary>
    public CentroidMetric Metric { get; }

    /// <summary>Number of classes.</summary>
    public int Classes => _offsets.Length;

    /// <summary>Computes the means of the classes.</summary>
    /// <param name="train">Features of the training samples.</param>
    /// <param name="classes">Number of classes.</param>
    /// <param name="metric">How nearness is measured.</param>
    /// <returns>The classifier.</returns>
    /// <exception cref="ArgumentException">A label is not one of the classes, or there are more than 32,768 classes.</exception>
    /// <exception cref="DataException">A feature is not finite.</exception>
    public static NearestCentroid Fit(FeatureMatrix train, int classes, CentroidMetric metric = CentroidMetric.Cosine)
    {
        ArgumentNullException.ThrowIfNull(train);
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(classes, ConfusionMatrix.MostClasses);
        if (!Enum.IsDefined(metric)) throw new ArgumentOutOfRangeException(nameof(metric), metric, "The metric is not one of the defined ones.");
        if ((long)classes * train.Features > Array.MaxLength)
        {
            throw new ArgumentOutOfRangeException(nameof(classes), classes, $"{classes} classes of {train.Features} features need too many weights.");
        }

        train.RequireLabelsBelow(classes, "Nearest centroid");
        FeatureScaler scaler = FeatureScaler.Fit(train);
        int features = train.Features;
        double[] sums = new double[(long)classes * features];
        int[] counts = new int[classes];
        float[] row = new float[features];
        for (int view = 0; view < train.Views; view++)
        {
            for (int sample = 0; sample < train.Samples; sample++)
            {
                int label = train.Labels[sample];
                counts[label]++;
                scaler.Apply(train.Row(sample, view), row);
                Span<double> sum = sums.AsSpan(label * features, features);
                for (int k = 0; k < features; k++) sum[k] += row[k];
            }
        }

        // Both metrics are linear in z: |z - m|^2 = |z|^2 - 2 (z.m - |m|^2 / 2), and |z| is the same for every class.
        float[] weights = new float[sums.Length], offsets = new float[classes];
        for (int c = 0; c < classes; c++)
        {
            Span<double> mean = sums.AsSpan(c * features, features);
            double squares = 0;
            foreach (ref double m in mean)
            {
                m /= Math.Max(counts[c], 1);
                squares += m * m;
            }

            double scale = metric == CentroidMetric.Cosine && squares > 0 ? 1 / Math.Sqrt(squares) : 1;
            for (int k = 0; k < features; k++) weights[(c * features) + k] = (float)(mean[k] * scale);
            offsets[c] = counts[c] == 0 ? float.NegativeInfinity : metric == CentroidMetric.Euclidean ? (float)(-0.5 * squares) : 0;
        }

        GC.KeepAlive(train);
        return new NearestCentroid(scaler, metric, weights, offsets);
    }

    /// <summary>Classifies one row of features.</summary>
    /// <param name="features">The features.</param>
    /// <returns>The nearest class, the lower index among equals.</returns>
    /// <exception cref="ArgumentException">The number of features is another.</exception>
    public int Predict(ReadOnlySpan<float> features) => Predict(features, new float[_scaler.Features], new float[Classes]);

    /// <summary>Classifies view 0 of every sample.</summary>
    /// <param name="matrix">Features of the samples.</param>
    /// <returns>Counts of true and predicted classes.</returns>
    /// <exception cref="ArgumentException">The features do not fit, or a label is not one of the classes.</exception>
    public ConfusionMatrix Evaluate(FeatureMatrix matrix)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        matrix.RequireLabelsBelow(Classes, "Nearest centroid");
        ConfusionMatrix confusion = new(Classes);
        float[] row = new float[_scaler.Features], scores = new float[Classes];
        for (int sample = 0; sample < matrix.Samples; sample++) confusion.Add(matrix.Labels[sample], Predict(matrix.Row(sample), row, scores));
        GC.KeepAlive(matrix);
        return confusion;
    }

    private int Predict(ReadOnlySpan<float> features, float[] row, float[] scores)
    {
        if (features.Length != row.Length) throw new ArgumentException($"{features.Length} features; the centroids have {row.Length}.", nameof(features));
        _scaler.Apply(features, row);
        LinearHead.Scores(row, _weights, _offsets, scores);
        return TopK.Best(scores);
    }
}
