using System;
using System.Globalization;
using OxyPlot;

namespace Thomas.App.Studies;

/// <summary>
/// Colors of charts. A chart is drawn with colors that occur nowhere else, each of which becomes a variable of the page's style, so that one drawing serves
/// light, dark and paper.
/// </summary>
internal static class ChartColors
{
    private const string Start = "rgb(";

    /// <summary>How many colors there are for lines and parts: --s1, --s2 and so on.</summary>
    public const int Series = 9;

    public static readonly OxyColor Ink = OxyColor.FromRgb(1, 0, 0), Faint = OxyColor.FromRgb(1, 0, 1), Grid = OxyColor.FromRgb(1, 0, 2),
        Paper = OxyColor.FromRgb(1, 0, 3), Other = OxyColor.FromRgb(1, 0, 4), NonKernel = OxyColor.FromRgb(1, 0, 5);

    /// <summary>The color of a line or part, from 0.</summary>
    public static OxyColor Of(int index) => OxyColor.FromRgb(2, 0, (byte)(index % Series));

    /// <summary>The variable of a color, or of a part of a stacked bar by its name.</summary>
    public static string VariableOf(OxyColor color)
    {
        if (color.R == 2) return Format.Invariant($"--s{color.B + 1}");
        return color.B switch { 0 => "--ink", 1 => "--faint", 2 => "--grid", 3 => "--paper", 4 => "--other", _ => "--non-kernel" };
    }

    /// <summary>The variable that a color of a drawing stands for; null if it is none of these.</summary>
    public static string? VariableOf(string color)
    {
        if (!color.StartsWith(Start, StringComparison.Ordinal) || color[^1] != ')') return null;
        string[] parts = color[Start.Length..^1].Split(',');
        return parts is ["1" or "2", "0", _] && byte.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out byte index)
            ? VariableOf(OxyColor.FromRgb((byte)(parts[0][0] - '0'), 0, index))
            : null;
    }
}
