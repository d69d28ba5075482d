using System;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

public sealed class HeadLossTests
{
    private const int Rows = 5;
    private const int Classes = 4;
    private static readonly int[] Labels = [2, 0, 3, 3, 1];
    private static readonly double[] ClassWeights = [0.25, 2, 1, 0.75];

    [Theory]
    [InlineData(0.0, false)]
    [InlineData(0.0, true)]
    [InlineData(0.1, false)]
    [InlineData(0.3, true)]
    public void Loss_matches_the_formula(double smoothing, bool weighted)
    {
        double[] logits = RandomLogits(21);
        double[] weights = weighted ? ClassWeights : [];
        double actual = HeadLoss.Compute<double>(logits, Labels, Classes, default, smoothing, weights);
        Assert.Equal(BruteForce(logits, smoothing, weights), actual, 1e-13);
    }

    [Theory]
    [InlineData(0.0, false)]
    [InlineData(0.1, false)]
    [InlineData(0.3, true)]
    public void Gradient_matches_central_differences(double smoothing, bool weighted)
    {
        const double Step = 1e-5;
        double[] logits = RandomLogits(22), gradient = new double[logits.Length];
        double[] weights = weighted ? ClassWeights : [];
        HeadLoss.Compute<double>(logits, Labels, Classes, gradient, smoothing, weights);
        for (int i = 0; i < logits.Length; i++)
        {
            double kept = logits[i];
            logits[i] = kept + Step;
            double up = HeadLoss.Compute<double>(logits, Labels, Classes, default, smoothing, weights);
            logits[i] = kept - Step;
            double down = HeadLoss.Compute<double>(logits, Labels, Classes, default, smoothing, weights);
            logits[i] = kept;
            Assert.Equal((up - down) / (2 * Step), gradient[i], 1e-9);
        }

        Assert.Contains(gradient, g => Math.Abs(g) > 0.05);
    }

    [Fact]
    public void Float_agrees_with_double_and_may_overwrite_the_logits()
    {
        double[] logits = RandomLogits(23), gradient = new double[logits.Length];
        float[] weights32 = Array.ConvertAll(ClassWeights, w => (float)w), shared = Array.ConvertAll(logits, z => (float)z), separate = new float[logits.Length];
        double expected = HeadLoss.Compute<double>(logits, Labels, Classes, gradient, 0.1, ClassWeights);
        double lossSeparate = HeadLoss.Compute<float>(shared, Labels, Classes, separate, 0.1f, weights32);
        double lossShared = HeadLoss.Compute<float>(shared, Labels, Classes, shared, 0.1f, weights32);
        Assert.Equal(expected, lossSeparate, 2e-6);
        Assert.Equal(lossSeparate, lossShared);
        Assert.Equal(separate, shared);
        for (int i = 0; i < gradient.Length; i++) Assert.Equal(gradient[i], separate[i], 2e-7);
    }

    [Fact]
    public void Gradient_of_a_row_sums_to_zero()
    {
        double[] logits = RandomLogits(24), gradient = new double[logits.Length];
        HeadLoss.Compute<double>(logits, Labels, Classes, gradient, 0.2, ClassWeights);
        for (int n = 0; n < Rows; n++)
        {
            double sum = 0;
            for (int c = 0; c < Classes; c++) sum += gradient[(n * Classes) + c];
            Assert.Equal(0, sum, 1e-15);
        }
    }

    [Fact]
    public void Huge_logits_do_not_overflow()
    {
        float[] logits = [3e38f, -3e38f, 0, 1], gradient = new float[4];
        double right = HeadLoss.Compute<float>([1e30f, 0, -1e30f, 5], [0], 4, gradient, 0, default);
        Assert.Equal(0, right);
        Assert.All(gradient, g => Assert.Equal(0, g));
        Assert.Equal(1e4, HeadLoss.Compute<float>([1e4f, 0, 0, 0], [1], 4, gradient, 0, default), 1e-2);
        Assert.False(double.IsFinite(HeadLoss.Compute<float>(logits, [1], 4, gradient, 0, default)));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void A_logit_that_is_not_finite_shows_in_the_loss(float bad)
    {
        for (int position = 0; position < 3; position++)
        {
            float[] logits = [1, 2, 3];
            logits[position] = bad;
            Assert.False(double.IsFinite(HeadLoss.Compute<float>(logits, [0], 3, default, 0.1f, default)));
        }
    }

    [Fact]
    public void Wrong_sizes_and_labels_are_refused()
    {
        Assert.Throws<ArgumentException>(() => HeadLoss.Compute<float>(new float[7], [0, 1], 4, default, 0, default));
        Assert.Throws<ArgumentException>(() => HeadLoss.Compute<float>(new float[8], [0, 1], 4, new float[7], 0, default));
        Assert.Throws<ArgumentException>(() => HeadLoss.Compute<float>(new float[8], [0, 1], 4, default, 0, new float[3]));
        Assert.Throws<ArgumentException>(() => HeadLoss.Compute<float>([], [], 4, default, 0, default));
        ArgumentException e = Assert.Throws<ArgumentException>(() => HeadLoss.Compute<float>(new float[8], [0, 4], 4, default, 0, default));
        Assert.Contains("Row 1 has label 4", e.Message, StringComparison.Ordinal);
    }

    private static double[] RandomLogits(ulong seed) => Array.ConvertAll(Surrogate.Normals(new Rng(seed), Rows * Classes, 2), z => (double)z);

    private static double BruteForce(double[] logits, double smoothing, double[] weights)
    {
        double loss = 0;
        for (int n = 0; n < Rows; n++)
        {
            double sum = 0;
            for (int c = 0; c < Classes; c++) sum += Math.Exp(logits[(n * Classes) + c]);
            for (int c = 0; c < Classes; c++)
            {
                double target = ((1 - smoothing) * (c == Labels[n] ? 1 : 0)) + (smoothing / Classes);
                loss -= (weights.Length == 0 ? 1 : weights[Labels[n]]) * target * Math.Log(Math.Exp(logits[(n * Classes) + c]) / sum);
            }
        }

        return loss / Rows;
    }
}
