using System;
using Xunit;

namespace Thomas.Tests.Harness;

/// <summary>
/// The bound of all kernel comparisons: |actual - expected| is at most eps * (abs + rel * sqrt(K) * scale), with eps = 2^-23, K the
/// length of the sum and scale the sum of its terms' sizes.
/// </summary>
internal static class Tolerance
{
    public const double Epsilon = 1.0 / (1 << 23);

    /// <summary>Fails with <paramref name="where"/> and both values unless the bound holds; NaN and infinities must match.</summary>
    public static void Check(float actual, double expected, double scale, int k, string where, double abs = 1e-6, double rel = 1)
    {
        if (double.IsNaN(expected) || double.IsInfinity(expected))
        {
            Assert.True(((double)actual).Equals(expected), $"{where}: got {actual:R}, expected {expected:R}");
            return;
        }

        double bound = Epsilon * (abs + (rel * Math.Sqrt(k) * scale));
        // Not "error > bound": NaN must fail.
        Assert.True(Math.Abs(actual - expected) <= bound, $"{where}: got {actual:R}, expected {expected:R}, bound {bound:R}");
    }

    /// <summary>Fails unless the value is within <paramref name="ulps"/> units in the last place of the expected one.</summary>
    public static void CheckUlps(float actual, double expected, double ulps, string where)
    {
        float rounded = (float)expected;
        if (float.IsNaN(rounded) || float.IsInfinity(rounded))
        {
            Assert.True(actual.Equals(rounded), $"{where}: got {actual:R}, expected {expected:R}");
            return;
        }

        double ulp = (double)MathF.BitIncrement(MathF.Abs(rounded)) - MathF.Abs(rounded);
        Assert.True(Math.Abs(actual - expected) <= ulps * ulp, $"{where}: got {actual:R}, expected {expected:R} ({Math.Abs(actual - expected) / ulp:F2} ulp)");
    }
}
