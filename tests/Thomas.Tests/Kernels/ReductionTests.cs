using System;
using System.Linq;
using Thomas.Kernels.Reduce;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Kernels;

public unsafe class ReductionTests
{
    [Theory]
    [InlineData((int)ReductionKind.Sum)]
    [InlineData((int)ReductionKind.Mean)]
    [InlineData((int)ReductionKind.Max)]
    [InlineData((int)ReductionKind.Min)]
    public void Reduction_matches_reference(int kindValue)
    {
        ReductionKind kind = (ReductionKind)kindValue;
        foreach (int reduce in SimdSizes.UpTo(97))
        {
            foreach (int inner in new[] { 1, 2, 7, 16, 29, 49 })
            {
                for (int nan = 0; nan < 2; nan++)
                    Check(kind, reduce, inner, nan == 1);
            }
        }
    }

    [Theory]
    [InlineData((int)ReductionKind.Sum, 513, 2)]
    [InlineData((int)ReductionKind.Mean, 1500, 67)]
    [InlineData((int)ReductionKind.Max, 1024, 130)]
    [InlineData((int)ReductionKind.Min, 5000, 64)]
    [InlineData((int)ReductionKind.Sum, 16385, 1)]
    [InlineData((int)ReductionKind.Mean, 40000, 1)]
    public void Long_reductions_in_bands_match_reference(int kind, int reduce, int inner)
    {
        Assert.True(new TiledReduction((ReductionKind)kind, 1, reduce, inner).WorkspaceBytes > 0);
        Check((ReductionKind)kind, reduce, inner, withNaN: false);
        Check((ReductionKind)kind, reduce, inner, withNaN: true);
    }

    [Theory]
    [InlineData(1f)]
    [InlineData(0.5f)]
    public void Softmax_matches_reference_far_from_zero(float beta)
    {
        foreach (int n in SimdSizes.UpTo(200))
        {
            using GuardedBuffer x = GuardedBuffer.Random(3 * n, n), y = new(3 * n);
            for (int i = 0; i < x.Length; i++)
                x.Span[i] = (x.Span[i] * 20f) + 300f;
            SoftmaxKernel.RunItems(x.Pointer, y.Pointer, n, beta, 0, 3);
            for (int r = 0; r < 3; r++)
            {
                double[] row = [.. x.Span.Slice(r * n, n).ToArray().Select(v => (double)v * beta)];
                double max = row.Max(), sum = row.Sum(v => Math.Exp(v - max));
                for (int i = 0; i < n; i++)
                {
                    // Rounding x - max and its product with beta moves the exponent by up to 2 * eps * 40.
                    double expected = Math.Exp(row[i] - max) / sum;
                    Tolerance.Check(y.Span[(r * n) + i], expected, Tolerance.Sum(expected, n, abs: (100 * expected) + 1e-6), $"n {n} [{r},{i}]");
                }
            }
        }
    }

    [Fact]
    public void Softmax_of_a_row_with_NaN_is_NaN_and_other_rows_are_not()
    {
        using GuardedBuffer x = GuardedBuffer.Random(3 * 21, 1);
        x.Span[30] = float.NaN;
        SoftmaxKernel.RunItems(x.Pointer, x.Pointer, 21, 1f, 0, 3);
        for (int i = 0; i < x.Length; i++)
            Assert.Equal(i / 21 == 1, float.IsNaN(x.Span[i]));
    }

    [Theory]
    [InlineData(5, 0.75f)]
    [InlineData(4, 0.5f)]
    [InlineData(1, 1f)]
    [InlineData(9, 0.6f)]
    public void Local_response_norm_matches_reference(int size, float beta)
    {
        foreach (int channels in new[] { 1, 3, 16, 37 })
        {
            using GuardedBuffer x = GuardedBuffer.Random(4 * channels, 1), y = new(4 * channels);
            LocalResponseNormKernel.RunItems(x.Pointer, y.Pointer, channels, size, 1.5f, 0.3f, beta, 0, 4);
            for (int i = 0; i < x.Length; i++)
            {
                int c = i % channels;
                double sum = 0;
                for (int j = Math.Max(0, c - ((size - 1) / 2)); j <= Math.Min(channels - 1, c + (size / 2)); j++)
                    sum += Math.Pow(x.Span[i - c + j], 2);
                double expected = x.Span[i] * Math.Pow(1.5f + (0.3f * sum), -beta);
                Tolerance.Check(y.Span[i], expected, Tolerance.Sum(Math.Abs(expected), size, rel: 4), $"size {size} beta {beta} [{i}]");
            }
        }
    }

    private static void Check(ReductionKind kind, int reduce, int inner, bool withNaN)
    {
        using GuardedBuffer x = GuardedBuffer.Random(2 * reduce * inner, reduce), y = new(2 * inner);
        if (withNaN) x.Span[(reduce * inner) - 1] = float.NaN;
        TiledReduction reduction = new(kind, 2, reduce, inner);
        using GuardedBuffer bands = new(reduction.WorkspaceBytes / sizeof(float));
        for (int phase = 0; phase < 2; phase++)
        {
            int items = reduction.Items(phase), half = items / 2;
            reduction.RunItems(phase, x.Pointer, y.Pointer, bands.Pointer, half, items);
            reduction.RunItems(phase, x.Pointer, y.Pointer, bands.Pointer, 0, half);
        }

        for (int i = 0; i < y.Length; i++)
        {
            double sum = 0, scale = 0, max = double.NegativeInfinity, min = double.PositiveInfinity;
            for (int r = 0; r < reduce; r++)
            {
                double value = x.Span[(((i / inner * reduce) + r) * inner) + (i % inner)];
                sum += value;
                scale += Math.Abs(value);
                max = Math.Max(max, value);
                min = Math.Min(min, value);
            }

            double expected = kind switch
            {
                ReductionKind.Sum => sum,
                ReductionKind.Mean => sum / reduce,
                ReductionKind.Max => max,
                _ => min,
            };
            Tolerance.Check(y.Span[i], expected, Tolerance.Sum(kind == ReductionKind.Mean ? scale / reduce : scale, reduce), $"{kind} {reduce}x{inner} [{i}]");
        }
    }
}
