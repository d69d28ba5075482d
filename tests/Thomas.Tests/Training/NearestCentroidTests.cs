using System;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

public sealed class NearestCentroidTests
{
    [Theory]
    [InlineData(CentroidMetric.Cosine)]
    [InlineData(CentroidMetric.Euclidean)]
    public void Predictions_match_a_direct_search(object metricValue)
    {
        CentroidMetric metric = (CentroidMetric)metricValue;
        const int Features = 9, Classes = 4;
        using FeatureMatrix train = Surrogate.Gaussians([9, 5, 0, 7], Features, seed: 81, distance: 2);
        using FeatureMatrix test = Surrogate.Gaussians([25, 25, 25, 25], Features, seed: 82, distance: 2);
        NearestCentroid nearest = NearestCentroid.Fit(train, Classes, metric);
        FeatureScaler scaler = FeatureScaler.Fit(train);
        double[][] means = Means(scaler, train, Classes);
        float[] z = new float[Features];
        ConfusionMatrix expected = new(Classes);
        for (int i = 0; i < test.Samples; i++)
        {
            scaler.Apply(test.Row(i), z);
            int best = -1;
            double bestScore = double.NegativeInfinity;
            foreach (int c in new[] { 0, 1, 3 })
            {
                double dot = 0, norm = 0, distance = 0;
                for (int k = 0; k < Features; k++)
                {
                    dot += z[k] * means[c][k];
                    norm += means[c][k] * means[c][k];
                    distance += (z[k] - means[c][k]) * (z[k] - means[c][k]);
                }

                double score = metric == CentroidMetric.Cosine ? dot / Math.Sqrt(norm) : -distance;
                if (score > bestScore) (best, bestScore) = (c, score);
            }

            Assert.Equal(best, nearest.Predict(test.Row(i)));
            expected.Add(test.Labels[i], best);
        }

        Assert.Equal(expected.ToRows(), nearest.Evaluate(test).ToRows());
        Assert.InRange(expected.Accuracy, 0.5, 0.75);
    }

    [Fact]
    public void All_views_count_for_the_means()
    {
        using FeatureMatrix train = new([0, 1], 2, views: 2);
        Set(train, 0, 0, 0, 1);
        Set(train, 0, 1, 6, 1);
        Set(train, 1, 0, 5, 1);
        Set(train, 1, 1, 5, 1);
        NearestCentroid nearest = NearestCentroid.Fit(train, 2, CentroidMetric.Euclidean);
        Assert.Equal(0, nearest.Predict([3.9f, 1]));
        Assert.Equal(1, nearest.Predict([4.1f, 1]));
    }

    [Fact]
    public void Wrong_sizes_are_refused()
    {
        using FeatureMatrix train = new([0, 1], 2);
        Assert.Throws<ArgumentException>(() => NearestCentroid.Fit(train, 1));
        Assert.Throws<ArgumentException>(() => NearestCentroid.Fit(train, 2).Predict(new float[3]));
    }

    private static void Set(FeatureMatrix matrix, int sample, int view, float x, float y) => new[] { x, y }.CopyTo(matrix.WritableRow(sample, view));

    private static double[][] Means(FeatureScaler scaler, FeatureMatrix train, int classes)
    {
        double[][] means = new double[classes][];
        int[] counts = new int[classes];
        float[] z = new float[train.Features];
        for (int c = 0; c < classes; c++) means[c] = new double[train.Features];
        for (int i = 0; i < train.Samples; i++)
        {
            scaler.Apply(train.Row(i), z);
            counts[train.Labels[i]]++;
            for (int k = 0; k < z.Length; k++) means[train.Labels[i]][k] += z[k];
        }

        for (int c = 0; c < classes; c++)
            for (int k = 0; k < z.Length; k++) means[c][k] /= counts[c];
        return means;
    }
}
