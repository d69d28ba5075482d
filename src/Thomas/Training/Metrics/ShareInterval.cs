using System;

namespace Thomas.Training;

/// <summary>What a share that was counted on few images says of the share among all images of the kind.</summary>
/// <param name="Low">Lower end, 0 to 1.</param>
/// <param name="High">Upper end, 0 to 1.</param>
public readonly record struct ShareInterval(double Low, double High)
{
    /// <summary>From so many samples on, reports leave the interval out.</summary>
    internal const int ManySamples = 200;

    // The 97.5 % point of the normal distribution.
    private const double Z = 1.959963984540054;

    /// <summary>
    /// The Wilson score interval at 95 %: with p = correct / total, n = total and z = 1.96, <c>(p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n)</c>. Unlike
    /// the textbook's p ± z sqrt(p(1-p)/n) it is not empty at 0 % and 100 %. E. B. Wilson, "Probable inference, the law of succession, and statistical
    /// inference", Journal of the American Statistical Association 22 (1927), 209-212. It assumes that the images are independent draws.
    /// </summary>
    /// <param name="correct">How many were right.</param>
    /// <param name="total">Of how many; 0 gives the interval from 0 to 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">A count is negative, or more are right than there are.</exception>
    public static ShareInterval Wilson(int correct, int total)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(correct);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(correct, total);
        if (total == 0) return new ShareInterval(0, 1);
        double n = total, p = correct / n, scale = 1 + (Z * Z / n);
        double center = (p + (Z * Z / (2 * n))) / scale, half = Z * Math.Sqrt((p * (1 - p) / n) + (Z * Z / (4 * n * n))) / scale;

        // At the ends the formula gives exactly 0 and 1; rounding must not.
        return new ShareInterval(correct == 0 ? 0 : Math.Max(0, center - half), correct == total ? 1 : Math.Min(1, center + half));
    }

    /// <summary>For example <c>51.0% to 100.0%</c>.</summary>
    public override string ToString() => FormattableString.Invariant($"{Low:0.0%} to {High:0.0%}");
}
