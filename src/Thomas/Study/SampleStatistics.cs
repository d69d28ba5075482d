using System;
using System.Collections.Generic;

namespace Thomas.Study;

/// <summary>Medians of samples with intervals by the bootstrap: how far the median moves when the samples are drawn again from themselves.</summary>
/// <remarks>
/// Percentile bootstrap: B. Efron, "Bootstrap methods: another look at the jackknife", 1979. The draws come from a fixed seed, so the same samples give the
/// same interval. With fewer than three samples there is no interval.
/// </remarks>
internal static class SampleStatistics
{
    private const int Draws = 1000;
    private const double Confidence = 0.95;

    /// <summary>The least number of samples that an interval can be made from.</summary>
    public const int LeastForInterval = 3;

    /// <summary>What samples say.</summary>
    public static TimingSummary Summarize(IReadOnlyList<TimingSample> samples)
    {
        double[] seconds = Seconds(samples), rates = new double[samples.Count];
        for (int i = 0; i < rates.Length; i++) rates[i] = samples[i].Gigaflops;
        double median = Median(seconds);
        (double low, double high) = Interval(Medians(seconds), median);
        Array.Sort(seconds);
        return new TimingSummary(median, low, high, seconds[0], seconds[^1], Outliers(seconds), Median(rates));
    }

    /// <summary>The times of samples.</summary>
    public static double[] Seconds(IReadOnlyList<TimingSample> samples)
    {
        double[] seconds = new double[samples.Count];
        for (int i = 0; i < seconds.Length; i++) seconds[i] = samples[i].Seconds;
        return seconds;
    }

    /// <summary>The ratio of the medians of two independent sets of samples, a over b.</summary>
    /// <param name="a">Numerator.</param>
    /// <param name="b">Denominator.</param>
    /// <param name="confidence">Of the interval.</param>
    public static (double Ratio, double Low, double High) Ratio(double[] a, double[] b, double confidence = Confidence)
    {
        double ratio = Median(a) / Median(b);
        if (a.Length < LeastForInterval || b.Length < LeastForInterval) return (ratio, ratio, ratio);
        double[] above = Medians(a, stream: 1), below = Medians(b, stream: 2), ratios = new double[Draws];
        for (int i = 0; i < Draws; i++) ratios[i] = above[i] / below[i];
        (double low, double high) = Interval(ratios, ratio, confidence);
        return (ratio, low, high);
    }

    /// <summary>The middle value, or the mean of the two in the middle.</summary>
    public static double Median(ReadOnlySpan<double> values)
    {
        double[] sorted = values.ToArray();
        Array.Sort(sorted);
        return MedianOfSorted(sorted);
    }

    /// <summary>Values more than 1.5 interquartile ranges outside the quartiles (Tukey's fences).</summary>
    private static int Outliers(double[] sorted)
    {
        int outliers = 0;
        double first = Quantile(sorted, 0.25), third = Quantile(sorted, 0.75), fence = 1.5 * (third - first);
        foreach (double value in sorted) outliers += value < first - fence || value > third + fence ? 1 : 0;
        return outliers;
    }

    private static double[] Medians(double[] values, ulong stream = 0)
    {
        if (values.Length < LeastForInterval) return [];
        Rng rng = new(stream);
        double[] medians = new double[Draws], drawn = new double[values.Length];
        for (int draw = 0; draw < Draws; draw++)
        {
            for (int i = 0; i < drawn.Length; i++) drawn[i] = values[rng.Next(values.Length)];
            Array.Sort(drawn);
            medians[draw] = MedianOfSorted(drawn);
        }

        return medians;
    }

    private static (double Low, double High) Interval(double[] values, double middle, double confidence = Confidence)
    {
        if (values.Length == 0) return (middle, middle);
        Array.Sort(values);
        return (Quantile(values, (1 - confidence) / 2), Quantile(values, (1 + confidence) / 2));
    }

    private static double MedianOfSorted(double[] sorted) =>
        sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2;

    private static double Quantile(double[] sorted, double share)
    {
        double position = share * (sorted.Length - 1);
        int below = (int)position, above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + ((position - below) * (sorted[above] - sorted[below]));
    }
}
