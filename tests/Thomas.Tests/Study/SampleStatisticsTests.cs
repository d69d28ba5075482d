using System;
using System.Linq;
using Thomas.Study;
using Xunit;

namespace Thomas.Tests.Study;

public sealed class SampleStatisticsTests
{
    [Fact]
    public void Median_is_the_middle_or_the_mean_of_two()
    {
        Assert.Equal(2, SampleStatistics.Median([3, 1, 2]));
        Assert.Equal(2.5, SampleStatistics.Median([4, 1, 3, 2]));
    }

    [Fact]
    public void Outliers_are_counted_and_kept()
    {
        double[] seconds = [1.0, 1.1, 0.9, 1.05, 0.95, 1.0, 9];
        TimingSummary summary = SampleStatistics.Summarize([.. seconds.Select(s => new TimingSample(s, 100))]);
        Assert.Equal((1, 1.0, 9.0, 0.9, 100.0), (summary.Outliers, summary.Median, summary.Maximum, summary.Minimum, summary.Gigaflops));
        Assert.InRange(summary.Low, 0.9, 1.0);
        Assert.InRange(summary.High, 1.0, 1.1);
    }

    [Fact]
    public void Two_samples_have_no_interval()
    {
        TimingSummary summary = SampleStatistics.Summarize([new TimingSample(1, 50), new TimingSample(3, 70)]);
        Assert.Equal((2.0, 2.0, 2.0, 60.0), (summary.Median, summary.Low, summary.High, summary.Gigaflops));
    }

    /// <summary>
    /// 95 % intervals of a median must hold the true one in about 95 % of the cases; with so few samples the bootstrap is known to fall a little short.
    /// </summary>
    [Fact]
    public void Intervals_cover_the_true_median()
    {
        Rng rng = new(5);
        const int Trials = 400, Count = 15;
        int inside = 0, ratios = 0;
        for (int trial = 0; trial < Trials; trial++)
        {
            double[] a = Draw(rng, Count, 1), b = Draw(rng, Count, 1.1);
            TimingSummary summary = SampleStatistics.Summarize([.. a.Select(s => new TimingSample(s, 1))]);
            inside += summary.Low <= 1 && 1 <= summary.High ? 1 : 0;
            (_, double low, double high) = SampleStatistics.Ratio(b, a);
            ratios += low <= 1.1 && 1.1 <= high ? 1 : 0;
        }

        Assert.InRange(inside, (int)(0.90 * Trials), Trials);
        Assert.InRange(ratios, (int)(0.90 * Trials), Trials);
    }

    [Fact]
    public void The_same_samples_give_the_same_interval()
    {
        double[] a = Draw(new Rng(1), 9, 1), b = Draw(new Rng(2), 9, 2);
        Assert.Equal(SampleStatistics.Ratio(a, b), SampleStatistics.Ratio(a, b));
    }

    private static double[] Draw(Rng rng, int count, double median)
    {
        double[] values = new double[count];
        for (int i = 0; i < count; i++) values[i] = median * Math.Exp(0.1 * rng.Normal());
        return values;
    }
}
