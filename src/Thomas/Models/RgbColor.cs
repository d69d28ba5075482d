using System;
using System.Globalization;

namespace Thomas;

/// <summary>A color of 8 bits a channel.</summary>
/// <param name="Red">Red, 0 to 255.</param>
/// <param name="Green">Green, 0 to 255.</param>
/// <param name="Blue">Blue, 0 to 255.</param>
public readonly record struct RgbColor(byte Red, byte Green, byte Blue)
{
    /// <summary>White.</summary>
    public static RgbColor White { get; } = new(255, 255, 255);

    /// <summary>Black.</summary>
    public static RgbColor Black { get; }

    /// <summary>The middle of the range, #808080.</summary>
    public static RgbColor Gray { get; } = new(128, 128, 128);

    /// <summary>Reads <c>white</c>, <c>black</c>, <c>gray</c> or <c>#RRGGBB</c> with hexadecimal digits.</summary>
    /// <param name="text">The text.</param>
    /// <param name="color">The color; black if there is none.</param>
    /// <returns>Whether the text is a color.</returns>
    public static bool TryParse(string? text, out RgbColor color)
    {
        color = text switch
        {
            "white" => White,
            "gray" => Gray,
            _ => Black,
        };
        if (text is "white" or "gray" or "black") return true;
        if (text is not ['#', ..] || text.Length != 7) return false;
        if (!uint.TryParse(text.AsSpan(1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint rgb)) return false;

        color = new RgbColor((byte)(rgb >> 16), (byte)(rgb >> 8), (byte)rgb);
        return true;
    }

    /// <summary>As <c>#RRGGBB</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"#{Red:X2}{Green:X2}{Blue:X2}");
}
