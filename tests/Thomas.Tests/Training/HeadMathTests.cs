using System;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

public sealed class HeadMathTests
{
    private static readonly int[] RowCounts = [1, 3, 4, 5, 9];
    private static readonly int[] ClassCounts = [1, 2, 3, 5, 8, 11];
    private static readonly int[] FeatureCounts = [1, 7, 8, 15, 16, 17, 31, 33, 48, 65, 1280];

    [Fact]
    public void Logits_match_a_double_sum()
    {
        Rng rng = new(11);
        foreach (int rows in RowCounts)
            foreach (int classes in ClassCounts)
                foreach (int k in FeatureCounts)
                {
                    float[] x = Surrogate.Normals(rng, rows * k, 1), w = Surrogate.Normals(rng, classes * k, 1), b = Surrogate.Normals(rng, classes, 1);
                    float[] logits = new float[rows * classes];
                    Array.Fill(logits, float.NaN);
                    HeadMath.Logits(x, w, b, logits, rows);
                    for (int n = 0; n < rows; n++)
                        for (int c = 0; c < classes; c++)
                        {
                            double sum = b[c], scale = Math.Abs(b[c]);
                            for (int i = 0; i < k; i++)
                            {
                                double term = (double)x[(n * k) + i] * w[(c * k) + i];
                                sum += term;
                                scale += Math.Abs(term);
                            }

                            AssertClose(sum, logits[(n * classes) + c], scale, $"rows {rows} classes {classes} k {k} at [{n},{c}]");
                        }
                }
    }

    [Fact]
    public void Weight_gradient_matches_a_double_sum_for_all_and_for_trailing_classes()
    {
        Rng rng = new(12);
        foreach (int rows in RowCounts)
            foreach (int classes in ClassCounts)
                foreach (int k in FeatureCounts)
                    foreach (int first in new[] { 0, classes / 2 })
                    {
                        float[] x = Surrogate.Normals(rng, rows * k, 1), dy = Surrogate.Normals(rng, rows * classes, 1);
                        float[] dw = new float[(classes - first) * k];
                        Array.Fill(dw, float.NaN);
                        HeadMath.WeightGradient(dy, x, dw, rows, classes, first, classes - first);
                        for (int c = first; c < classes; c++)
                            for (int i = 0; i < k; i++)
                            {
                                double sum = 0, scale = 0;
                                for (int n = 0; n < rows; n++)
                                {
                                    double term = (double)dy[(n * classes) + c] * x[(n * k) + i];
                                    sum += term;
                                    scale += Math.Abs(term);
                                }

                                AssertClose(sum, dw[((c - first) * k) + i], scale, $"rows {rows} classes {classes} from {first} k {k} at [{c},{i}]");
                            }
                    }
    }

    [Fact]
    public void A_logit_has_the_same_bits_wherever_its_row_and_class_stand()
    {
        const int K = 77;
        Rng rng = new(13);
        float[] x = Surrogate.Normals(rng, 6 * K, 1), w = Surrogate.Normals(rng, 5 * K, 1), b = Surrogate.Normals(rng, 5, 1);
        float[] all = new float[6 * 5];
        HeadMath.Logits(x, w, b, all, rows: 6);
        float[] one = new float[1];
        for (int n = 0; n < 6; n++)
            for (int c = 0; c < 5; c++)
            {
                HeadMath.Logits(x.AsSpan(n * K, K), w.AsSpan(c * K, K), b.AsSpan(c, 1), one, rows: 1);
                Assert.Equal(BitConverter.SingleToInt32Bits(all[(n * 5) + c]), BitConverter.SingleToInt32Bits(one[0]));
            }
    }

    [Fact]
    public void Matrices_that_do_not_fit_are_refused()
    {
        Assert.Throws<ArgumentException>(() => HeadMath.Logits(new float[7], new float[8], new float[2], new float[4], rows: 2));
        Assert.Throws<ArgumentException>(() => HeadMath.Logits(new float[8], new float[8], new float[2], new float[3], rows: 2));
        Assert.Throws<ArgumentException>(() => HeadMath.WeightGradient(new float[3], new float[8], new float[8], rows: 2, classes: 2, first: 0, count: 2));
        Assert.Throws<ArgumentException>(() => HeadMath.Dot(new float[3], new float[4]));
    }

    // k terms are added in any order: the error is below k/2 * eps * sum|terms| plus the final rounding; in practice far below.
    private static void AssertClose(double expected, float actual, double scale, string where) =>
        Expect.True(Math.Abs(expected - actual) <= 4 * 1.2e-7 * scale, $"{where}: {actual} is not {expected}");
}
