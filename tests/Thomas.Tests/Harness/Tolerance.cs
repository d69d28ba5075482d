using System;
using System.Runtime.CompilerServices;
using Xunit;

namespace Thomas.Tests.Harness;

/// <summary>
/// The bound of all kernel comparisons: |actual - expected| is at most eps * (abs + rel * sqrt(K) * scale), with eps = 2^-23, K the
/// length of the sum and scale the sum of its terms' sizes.
/// </summary>
internal static class Tolerance
{
    public const double Epsilon = 1.0 / (1 << 23);

    /// <summary>The largest error of a sum of <paramref name="k"/> terms whose sizes add up to <paramref name="scale"/>.</summary>
    public static double Sum(double scale, int k, double abs = 1e-6, double rel = 1) => Epsilon * (abs + (rel * Math.Sqrt(k) * scale));

    /// <summary>The largest error of a value that may be off by units in the last place of the expected one.</summary>
    public static double Ulps(double expected, double ulps)
    {
        float size = MathF.Abs((float)expected);
        return ulps * ((double)MathF.BitIncrement(size) - size);
    }

    /// <summary>Whether a result is as near as the bound says; NaN and infinities must match, also those that rounding to single precision makes.</summary>
    public static bool Holds(float actual, double expected, double bound)
    {
        float rounded = (float)expected;
        return float.IsFinite(rounded) ? Math.Abs(actual - expected) <= bound : actual.Equals(rounded);
    }

    /// <summary>Fails with <paramref name="where"/> and both values unless <see cref="Holds"/>.</summary>
    public static void Check(
        float actual, double expected, double bound, [InterpolatedStringHandlerArgument(nameof(actual), nameof(expected), nameof(bound))] FailureText where)
    {
        if (!Holds(actual, expected, bound)) Assert.Fail($"{where.ToString()}: got {actual:R}, expected {expected:R}, bound {bound:R}");
    }
}
