using System;
using static System.FormattableString;

namespace Thomas.Cli.Output;

/// <summary>Preprocessing in words.</summary>
internal static class PreprocessingFormat
{
    public static string Describe(Preprocessing p)
    {
        string normalization = PresetOf(p) is string preset ? $"{preset}: {Arithmetic(p)}" : Arithmetic(p);
        string resize = p.Resize == ResizeMode.Stretch ? "stretched" : Invariant($"center crop (resized to {p.CropMargin:0.###} times the crop)");
        return Invariant($"{p.Width}x{p.Height} {p.ColorOrder.ToString().ToUpperInvariant()}, {normalization}, {resize}{Ground(p)}");
    }

    /// <summary>Order of the colors, arithmetic and what bytes become.</summary>
    public static string Normalization(Preprocessing p)
    {
        (float low, float high) = Range(p);
        return Invariant($"{p.ColorOrder.ToString().ToUpperInvariant()}, {Arithmetic(p)} for bytes x: {low:0.##} to {high:0.##}");
    }

    /// <summary>The smallest and the largest number that bytes become.</summary>
    public static (float Low, float High) Range(Preprocessing p)
    {
        float low = float.PositiveInfinity, high = float.NegativeInfinity;
        for (int c = 0; c < p.Channels; c++)
        {
            float black = (0 - p.Mean[c]) / p.Std[c], white = (255 - p.Mean[c]) / p.Std[c];
            low = float.Min(low, float.Min(black, white));
            high = float.Max(high, float.Max(black, white));
        }

        return (low, high);
    }

    /// <summary>How the size is reached, in pixels.</summary>
    public static string Resizing(Preprocessing p, ModelFormat format)
    {
        if (p.Resize == ResizeMode.Stretch)
        {
            return Invariant($"stretch to {p.Width}x{p.Height} pixels{(format == ModelFormat.TfLite ? ", as TFLite's task libraries do" : "")}{Ground(p)}");
        }

        string crop = p.CropMargin == 1
            ? Invariant($"largest center crop, resized to {p.Width}x{p.Height} pixels")
            : Invariant(
                $"cover {Math.Round(p.Width * p.CropMargin)}x{Math.Round(p.Height * p.CropMargin)} pixels, then cut out the center {p.Width}x{p.Height}");
        return (format == ModelFormat.TfLite ? $"{crop}; TFLite's task libraries would stretch" : crop) + Ground(p);
    }

    // White is what most programs take.
    private static string Ground(Preprocessing p) => p.Background == RgbColor.White ? "" : $"; transparent parts on {p.Background}";

    /// <summary>The preset that normalizes so, if one does.</summary>
    public static string? PresetOf(Preprocessing p)
    {
        foreach (string name in Preprocessing.PresetNames)
        {
            Preprocessing preset = Preprocessing.Preset(name, p.Width, p.Height);
            bool sameOrder = preset.ColorOrder == p.ColorOrder || (p.ColorOrder == ColorOrder.Gray && IsUniform(preset));
            if (sameOrder && Near(preset.Mean, p.Mean) && Near(preset.Std, p.Std)) return name;
        }

        return null;
    }

    private static string Arithmetic(Preprocessing p)
    {
        string mean = Values(p.Mean), std = Values(p.Std);
        string centered = mean == "0" ? "x" : $"x - {mean}";
        if (std == "1") return centered;
        return mean == "0" ? $"x / {std}" : $"({centered}) / {std}";
    }

    private static string Values(ChannelValues v) =>
        v.First == v.Second && v.Second == v.Third ? Invariant($"{v.First:0.###}") : Invariant($"[{v.First:0.###} {v.Second:0.###} {v.Third:0.###}]");

    private static bool IsUniform(Preprocessing p) => p.Mean == new ChannelValues(p.Mean.First) && p.Std == new ChannelValues(p.Std.First);

    private static bool Near(ChannelValues a, ChannelValues b)
    {
        for (int c = 0; c < 3; c++)
        {
            if (float.Abs(a[c] - b[c]) > 0.01f) return false;
        }

        return true;
    }
}
