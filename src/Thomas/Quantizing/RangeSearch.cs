using System;
using System.Diagnostics;
using Thomas.Ops;

namespace Thomas.Quantizing;

/// <summary>Chooses the interval that a grid of 256 numbers covers.</summary>
internal static class RangeSearch
{
    /// <summary>Ends that are tried for the least error, from all of the range down to a fifth of it.</summary>
    private const int Candidates = 64;

    private const double SmallestShare = 0.2;

    /// <summary>The interval for numbers like these. It holds zero.</summary>
    public static (float Low, float High) Choose(ValueStatistics statistics, CalibrationRange range, double percentile) => range switch
    {
        CalibrationRange.MinMax => (Math.Min(statistics.Min, 0), Math.Max(statistics.Max, 0)),
        CalibrationRange.Percentile => Percentile(statistics, percentile),
        CalibrationRange.LeastError or CalibrationRange.Output => LeastError(statistics),
        _ => throw new UnreachableException($"Unknown {range}."),
    };

    /// <summary>The int8 grid over an interval that holds zero: the ends move by half a step at most, so that zero is one of its numbers.</summary>
    public static FakeQuantizeAttributes Grid(float low, float high)
    {
        const int Steps = byte.MaxValue;
        double width = (double)high - low;
        float scale = (float)(width / Steps);
        if (!(scale > 0) || !float.IsFinite(scale)) return GridPlan.Grid(1f / Steps, 0);
        int zero = sbyte.MinValue + (int)Math.Round(-low / (double)scale);
        return GridPlan.Grid(scale, Math.Clamp(zero, sbyte.MinValue, sbyte.MaxValue));
    }

    /// <summary>The interval without the outermost numbers: so many percent lie below the upper end, and as many above the lower one.</summary>
    private static (float Low, float High) Percentile(ValueStatistics s, double percentile)
    {
        long total = 0, outside = 0;
        foreach (long count in s.Counts) total += count;
        double allowed = total * (1 - (percentile / 100));
        double width = ((double)s.Max - s.Min) / ValueStatistics.Bins;
        int low = 0, high = ValueStatistics.Bins - 1;
        while (low < high && outside + s.Counts[low] <= allowed) outside += s.Counts[low++];
        outside = 0;
        while (high > low && outside + s.Counts[high] <= allowed) outside += s.Counts[high--];
        return ((float)Math.Min(0, s.Min + (low * width)), (float)Math.Max(0, Math.Min(s.Max, s.Min + ((high + 1) * width))));
    }

    /// <summary>
    /// The interval with the least sum of squared errors: what is inside is off by a step^2 / 12 in the mean, what is outside by its distance from the end.
    /// </summary>
    private static (float Low, float High) LeastError(ValueStatistics s)
    {
        double[] count = new double[ValueStatistics.Bins + 1], sum = new double[count.Length], squares = new double[count.Length];
        double bin = ((double)s.Max - s.Min) / ValueStatistics.Bins;
        if (bin <= 0) return (Math.Min(s.Min, 0), Math.Max(s.Max, 0));
        for (int i = 0; i < s.Counts.Length; i++)
        {
            double center = s.Min + ((i + 0.5) * bin);
            count[i + 1] = count[i] + s.Counts[i];
            sum[i + 1] = sum[i] + (s.Counts[i] * center);
            squares[i + 1] = squares[i] + (s.Counts[i] * center * center);
        }

        (double Low, double High) best = (Math.Min(s.Min, 0), Math.Max(s.Max, 0));
        double least = double.PositiveInfinity;
        for (int i = 0; i < Candidates; i++)
        {
            double low = Math.Min(s.Min, 0) * Share(i);
            for (int j = 0; j < Candidates; j++)
            {
                double high = Math.Max(s.Max, 0) * Share(j);
                double error = Error(low, high);
                if (error < least) (least, best) = (error, (low, high));
                if (s.Max <= 0) break;
            }

            if (s.Min >= 0) break;
        }

        return ((float)best.Low, (float)best.High);

        double Error(double low, double high)
        {
            int from = At(low), to = Math.Max(At(high), from);
            double step = (high - low) / byte.MaxValue, inside = (count[to] - count[from]) * step * step / 12;
            double below = squares[from] - (2 * low * sum[from]) + (low * low * count[from]);
            double aboveCount = count[^1] - count[to], above = squares[^1] - squares[to] - (2 * high * (sum[^1] - sum[to])) + (high * high * aboveCount);
            return inside + Math.Max(below, 0) + Math.Max(above, 0);
        }

        int At(double number) => Math.Clamp((int)Math.Round((number - s.Min) / bin), 0, ValueStatistics.Bins);
    }

    private static double Share(int candidate) => 1 - ((1 - SmallestShare) * candidate / (Candidates - 1));
}
