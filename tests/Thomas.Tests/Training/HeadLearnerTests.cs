using System;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

public sealed class HeadLearnerTests
{
    [Theory]
    [InlineData(OptimizerKind.Sgd)]
    [InlineData(OptimizerKind.AdamW)]
    public void Warm_steps_and_evaluations_allocate_nothing(OptimizerKind optimizer)
    {
        using FeatureMatrix train = Surrogate.Gaussians([20, 20, 20], 33, seed: 71, distance: 2);
        HeadLearner learner = new(train, 3, null, 0, new HeadOptions { BatchSize = 10, Optimizer = optimizer, ClipNorm = 1 });
        int[] samples = [0, 20, 40, 1, 21, 41, 2, 22, 42, 3], views = new int[10];
        ConfusionMatrix confusion = new(3);
        learner.Step(samples, views, 0.01f, out _);
        learner.Evaluate(train, confusion);
        Assert.Equal(0, ProcessMeasurements.LeastAllocatedHere(() =>
        {
            for (int step = 0; step < 20; step++) learner.Step(samples, views, 0.01f, out _);
            learner.Evaluate(train, confusion);
            learner.Keep();
            learner.Restore();
        }));
        Assert.Equal(60, confusion.Total);
    }

    [Fact]
    public void A_plain_step_goes_down_the_numeric_gradient_of_the_loss()
    {
        // One SGD step of rate 1 without momentum or decay moves weights by minus the gradient.
        const int Features = 5, Classes = 3;
        const double Difference = 1e-5;
        using FeatureMatrix train = Surrogate.Gaussians([4, 2, 3], Features, seed: 72, distance: 1);
        HeadOptions options = new() { Optimizer = OptimizerKind.Sgd, Momentum = 0, Nesterov = false, WeightDecay = 0, LabelSmoothing = 0.1f };
        float[] initialWeights = Surrogate.Normals(new Rng(73), Classes * Features, 0.5f), initialBias = Surrogate.Normals(new Rng(74), Classes, 0.5f);
        FeatureScaler scaler = FeatureScaler.Fit(train);
        LinearHead initial = Plain(scaler, initialWeights, initialBias);
        HeadLearner learner = new(train, Classes, initial, 0, options);
        learner.Step([0, 1, 2, 3, 4, 5, 6, 7, 8], new int[9], 1, out _);
        LinearHead stepped = learner.ToHead(initial);

        double[] z = Standardized(scaler, train), weights = Array.ConvertAll(initialWeights, w => (double)w), bias = Array.ConvertAll(initialBias, b => (double)b);
        double Loss()
        {
            double[] logits = new double[9 * Classes];
            for (int n = 0; n < 9; n++)
                for (int c = 0; c < Classes; c++)
                {
                    logits[(n * Classes) + c] = bias[c];
                    for (int k = 0; k < Features; k++) logits[(n * Classes) + c] += z[(n * Features) + k] * weights[(c * Features) + k];
                }

            // 9 samples, 3 classes of 4, 2 and 3 samples.
            return HeadLoss.Compute<double>(logits, train.Labels, Classes, default, options.LabelSmoothing, [9 / 12.0, 9 / 6.0, 9 / 9.0]);
        }

        float[] expectedWeights = new float[weights.Length], expectedBias = new float[Classes];
        for (int i = 0; i < weights.Length; i++) expectedWeights[i] = (float)(weights[i] - Slope(weights, i, Loss));
        for (int c = 0; c < Classes; c++) expectedBias[c] = (float)(bias[c] - Slope(bias, c, Loss));
        LinearHead expected = Plain(scaler, expectedWeights, expectedBias);
        for (int i = 0; i < weights.Length; i++) Assert.Equal(expected.Weights[i], stepped.Weights[i], 3e-6f);
        for (int c = 0; c < Classes; c++) Assert.Equal(expected.Bias[c], stepped.Bias[c], 5e-6f);

        static double Slope(double[] parameters, int i, Func<double> loss)
        {
            double kept = parameters[i];
            parameters[i] = kept + Difference;
            double up = loss();
            parameters[i] = kept - Difference;
            double down = loss();
            parameters[i] = kept;
            return (up - down) / (2 * Difference);
        }
    }

    [Theory]
    [InlineData(OptimizerKind.Sgd)]
    [InlineData(OptimizerKind.AdamW)]
    public void Restoring_goes_back_to_the_start_and_forgets_the_moments(OptimizerKind optimizer)
    {
        using FeatureMatrix train = Surrogate.Gaussians([6, 6], 7, seed: 77, distance: 5);
        HeadOptions options = new() { Optimizer = optimizer };
        HeadLearner used = new(train, 2, null, 0, options), fresh = new(train, 2, null, 0, options);
        used.Step([0, 1, 6, 7], new int[4], 0.1f, out _);
        used.Step([2, 3, 8, 9], new int[4], 0.1f, out _);
        used.Restore();
        used.Step([4, 10], new int[2], 0.1f, out _);
        fresh.Step([4, 10], new int[2], 0.1f, out _);
        Assert.Equal(fresh.ToHead(null).Weights.ToArray(), used.ToHead(null).Weights.ToArray());
        Assert.Equal(fresh.ToHead(null).Bias.ToArray(), used.ToHead(null).Bias.ToArray());
    }

    [Fact]
    public void Clipping_bounds_the_length_of_a_step()
    {
        using FeatureMatrix train = Surrogate.Gaussians([6, 6], 7, seed: 75, distance: 5);
        HeadOptions options = new() { Optimizer = OptimizerKind.Sgd, Momentum = 0, Nesterov = false, WeightDecay = 0, ClipNorm = 0.125f };
        HeadLearner learner = new(train, 2, null, 0, options);
        learner.Step([0, 1, 6, 7, 8], new int[5], 1, out _);
        LinearHead head = learner.ToHead(null);
        FeatureScaler scaler = FeatureScaler.Fit(train);
        double squares = 0;
        float[] row = new float[7];
        for (int c = 0; c < 2; c++)
        {
            double bias = scaler.Unfold(head.Weights.Slice(c * 7, 7), head.Bias[c], row);
            squares += bias * bias;
            foreach (float w in row) squares += (double)w * w;
        }

        Assert.Equal(0.125, Math.Sqrt(squares), 1e-5);
    }

    [Fact]
    public void Folding_the_standardization_keeps_the_logits()
    {
        const int Features = 37;
        Rng rng = new(76);
        using FeatureMatrix matrix = new(new int[50], Features, views: 2);
        for (int view = 0; view < 2; view++)
            for (int i = 0; i < 50; i++)
                for (int k = 0; k < Features; k++)
                    matrix.WritableRow(i, view)[k] = rng.Normal(k % 5, 0.02f * (1 << (k % 8)));
        FeatureScaler scaler = FeatureScaler.Fit(matrix);
        float[] weights = Surrogate.Normals(rng, Features, 1), z = new float[Features], back = new float[Features];
        LinearHead plain = Plain(scaler, weights, [0.25f]);
        float[] logit = new float[1], standardizedLogit = new float[1];
        for (int i = 0; i < 50; i++)
        {
            scaler.Apply(matrix.Row(i, 1), z);
            HeadMath.Logits(z, weights, [0.25f], standardizedLogit, rows: 1);
            plain.Logits(matrix.Row(i, 1), logit);
            double scale = 1;
            for (int k = 0; k < Features; k++) scale += Math.Abs(z[k] * weights[k]);
            Assert.Equal(standardizedLogit[0], logit[0], 1e-5 * scale);
        }

        Assert.Equal(0.25f, scaler.Unfold(plain.Weights, plain.Bias[0], back), 1e-5f);
        for (int k = 0; k < Features; k++) Assert.Equal(weights[k], back[k], 1e-6f);
    }

    [Fact]
    public void Standardized_features_have_mean_zero_and_a_bounded_variance()
    {
        using FeatureMatrix matrix = Surrogate.Relu6Clusters([40, 40], 30, world: 7, seed: 1, separation: 0.3f);
        double[] z = Standardized(FeatureScaler.Fit(matrix), matrix);
        double total = 0;
        for (int k = 0; k < 30; k++)
        {
            double mean = 0, square = 0;
            for (int i = 0; i < 80; i++)
            {
                mean += z[(i * 30) + k] / 80;
                square += z[(i * 30) + k] * z[(i * 30) + k] / 80;
            }

            Assert.Equal(0, mean, 1e-5);
            Assert.InRange(square, 0, 1);
            total += square;
        }

        Assert.InRange(total / 30, 0.5, 1);
    }

    [Fact]
    public void Balanced_weights_average_one_over_the_samples_and_skip_absent_classes()
    {
        float[] weights = HeadLearner.BalancedWeights([0, 0, 0, 0, 0, 0, 2, 2], 4);
        Assert.Equal([8 / 12f, 0, 2, 0], weights);
        Assert.Equal(8, (6 * weights[0]) + (2 * weights[2]), 1e-6);
    }

    private static LinearHead Plain(FeatureScaler scaler, float[] weights, float[] bias)
    {
        float[] plain = new float[weights.Length], plainBias = new float[bias.Length];
        int features = scaler.Features;
        for (int c = 0; c < bias.Length; c++)
            plainBias[c] = scaler.Fold(weights.AsSpan(c * features, features), bias[c], plain.AsSpan(c * features, features));
        return new LinearHead(plain, plainBias);
    }

    private static double[] Standardized(FeatureScaler scaler, FeatureMatrix matrix)
    {
        double[] z = new double[matrix.Samples * matrix.Features];
        float[] row = new float[matrix.Features];
        for (int i = 0; i < matrix.Samples; i++)
        {
            scaler.Apply(matrix.Row(i), row);
            for (int k = 0; k < row.Length; k++) z[(i * row.Length) + k] = row[k];
        }

        return z;
    }
}
