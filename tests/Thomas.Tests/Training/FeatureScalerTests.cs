using System;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

public sealed class FeatureScalerTests
{
    [Fact]
    public void A_plain_step_goes_down_the_numeric_gradient_of_the_loss()
    {
        // One SGD step of rate 1 without momentum or decay moves weights by minus the gradient.
        const int Features = 5, Classes = 3;
        const double Difference = 1e-5;
        using FeatureMatrix train = Surrogate.Gaussians([4, 2, 3], Features, seed: 72, distance: 1);
        float[] initialWeights = Surrogate.Normals(new Rng(73), Classes * Features, 0.5f), initialBias = Surrogate.Normals(new Rng(74), Classes, 0.5f);
        FeatureScaler scaler = FeatureScaler.Fit(train);
        LinearHead initial = Plain(scaler, initialWeights, initialBias);
        LinearHead stepped = HeadTrainer.Train(train, null, Classes, OneStep, initial, cancellation: TestContext.Current.CancellationToken).Head;

        double[] z = Standardized(scaler, train), weights = Array.ConvertAll(initialWeights, w => (double)w),
            bias = Array.ConvertAll(initialBias, b => (double)b);
        double Loss()
        {
            // 9 samples, 3 classes of 4, 2 and 3 samples.
            double[] ofClass = [9 / 12.0, 9 / 6.0, 9 / 9.0];
            double total = 0;
            for (int n = 0; n < 9; n++)
            {
                double[] logits = [.. bias];
                for (int c = 0; c < Classes; c++)
                    for (int k = 0; k < Features; k++) logits[c] += z[(n * Features) + k] * weights[(c * Features) + k];
                total += ofClass[train.Labels[n]] * Surrogate.CrossEntropy(logits, train.Labels[n], OneStep.LabelSmoothing);
            }

            return total / 9;
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

    [Fact]
    public void Clipping_bounds_the_length_of_a_step()
    {
        using FeatureMatrix train = Surrogate.Gaussians([6, 6], 7, seed: 75, distance: 5);
        TrainerOptions options = OneStep with { Optimizer = OneStep.Optimizer with { ClipNorm = 0.125f } };
        LinearHead head = HeadTrainer.Train(train, null, 2, options, cancellation: TestContext.Current.CancellationToken).Head;
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
            LinearHead.Scores(z, weights, [0.25f], standardizedLogit);
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
    public void Warm_batches_of_features_are_standardized_rows_and_allocate_nothing()
    {
        using FeatureMatrix train = Surrogate.Gaussians([20, 20, 20], 33, seed: 71, distance: 2);
        FeatureScaler scaler = FeatureScaler.Fit(train);
        int[] labels = [.. train.Labels];
        BatchPlan plan = new(labels, [1, 1, 1], new BatchPlanOptions(10, 10, false, 1, 0, 0, 0, 0, 1));
        using BatchLoader loader = new(plan, 0, 33, () => new BatchMaker(new FeatureSamples(train, scaler), plan, 0.1f));
        Assert.Equal(0, loader.SizeBytes);
        float[] inputs = new float[10 * 33], targets = new float[10 * 3], weights = new float[10], row = new float[33];
        int[] found = new int[10];
        Assert.Equal(0, ProcessMeasurements.LeastAllocatedHere(() =>
        {
            loader.Start(1, 0);
            for (int step = 0; step < 6; step++) loader.Next(new BatchSpans(inputs, targets, weights, found));
        }));
        int last = plan.Draw(59, new Rng(0)).Sample;
        scaler.Apply(train.Row(last), row);
        Assert.Equal(row, inputs[(9 * 33)..]);
        Assert.Equal(labels[last], found[9]);
        Assert.Equal(0.1f, weights[9], 1e-6f);
    }

    /// <summary>One SGD step of rate 1 over all samples, without momentum or decay.</summary>
    private static TrainerOptions OneStep => TrainerOptions.LastLayer with
    {
        Optimizer = new OptimizerOptions { Kind = OptimizerKind.Sgd, Momentum = 0, WeightDecay = 0 },
        LearningRate = 1,
        WarmupShare = 0,
        Epochs = 1,
        BatchSize = 100,
    };

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
