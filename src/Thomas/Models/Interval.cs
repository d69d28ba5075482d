using System;
using System.Globalization;

namespace Thomas;

/// <summary>From the number that black becomes to the one that white becomes.</summary>
internal readonly record struct Interval(double Low, double High)
{
    public double Width => High - Low;

    /// <summary>The larger gap between the ends, as a share of this interval's width.</summary>
    public double Distance(Interval other) => Math.Max(Math.Abs(Low - other.Low), Math.Abs(High - other.High)) / Width;

    public bool Overlaps(Interval other) => Low < other.High && other.Low < High;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Low:0.##} to {High:0.##}");
}
