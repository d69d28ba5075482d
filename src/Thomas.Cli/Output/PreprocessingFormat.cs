using static System.FormattableString;

namespace Thomas.Cli.Output;

/// <summary>Preprocessing in words.</summary>
internal static class PreprocessingFormat
{
    public static string Describe(Preprocessing p)
    {
        string normalization = PresetOf(p) is string preset ? $"{preset}: {Arithmetic(p)}" : Arithmetic(p);
        string resize = p.Resize == ResizeMode.Stretch ? "stretched" : Invariant($"center crop (resized to {p.CropMargin:0.###} times the crop)");
        return Invariant($"{p.Width}x{p.Height} {p.ColorOrder.ToString().ToUpperInvariant()}, {normalization}, {resize}");
    }

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
