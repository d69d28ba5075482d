using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;

namespace Thomas;

/// <summary>
/// <see cref="Preprocessing"/> as key-value text, the form in which it travels inside model files. Numbers are invariant and read back to the same bits.
/// </summary>
internal static class PreprocessingText
{
    private const string WidthKey = "thomas.width";
    private const string HeightKey = "thomas.height";
    private const string MeanKey = "thomas.mean";
    private const string StdKey = "thomas.std";
    private const string ColorKey = "thomas.color";
    private const string ResizeKey = "thomas.resize";
    private const string CropMarginKey = "thomas.crop_margin";
    private const string BackgroundKey = "thomas.background";

    /// <summary>Names the preset that was guessed for the source of a file that has no preprocessing.</summary>
    public const string GuessKey = "thomas.guess";

    /// <summary>Writes a preprocessing as pairs in a fixed order.</summary>
    /// <param name="preprocessing">The preprocessing.</param>
    /// <returns>
    /// <c>thomas.width</c>, <c>thomas.height</c>, <c>thomas.mean</c> and <c>thomas.std</c> (three numbers separated by spaces), <c>thomas.color</c> (rgb, bgr,
    /// gray),
    /// <c>thomas.resize</c> (center-crop, stretch), <c>thomas.crop_margin</c>, and unless it is white <c>thomas.background</c> (#RRGGBB).
    /// </returns>
    public static IReadOnlyList<KeyValuePair<string, string>> Format(Preprocessing preprocessing)
    {
        ArgumentNullException.ThrowIfNull(preprocessing);
        List<KeyValuePair<string, string>> pairs =
        [
            new(WidthKey, preprocessing.Width.ToString(CultureInfo.InvariantCulture)),
            new(HeightKey, preprocessing.Height.ToString(CultureInfo.InvariantCulture)),
            new(MeanKey, FormatValues(preprocessing.Mean)),
            new(StdKey, FormatValues(preprocessing.Std)),
            new(ColorKey, FormatColor(preprocessing.ColorOrder)),
            new(ResizeKey, FormatResize(preprocessing.Resize)),
            new(CropMarginKey, preprocessing.CropMargin.ToString("R", CultureInfo.InvariantCulture)),
        ];

        // Versions that know no other background read the file as before, and its keys in caches stay the same.
        if (preprocessing.Background != RgbColor.White) pairs.Add(new(BackgroundKey, preprocessing.Background.ToString()));
        return pairs;
    }

    /// <summary>Reads what <see cref="Format"/> wrote; other pairs are ignored.</summary>
    /// <param name="pairs">The pairs of a model's metadata.</param>
    /// <returns>The preprocessing, or null if the pairs hold none.</returns>
    /// <exception cref="FormatException">Some of the pairs are there, but one is missing or cannot be read; the message names it.</exception>
    public static Preprocessing? Parse(IReadOnlyDictionary<string, string> pairs)
    {
        ArgumentNullException.ThrowIfNull(pairs);
        string[] keys = [WidthKey, HeightKey, MeanKey, StdKey, ColorKey, ResizeKey, CropMarginKey];
        string? missing = null;
        int present = 0;
        foreach (string key in keys)
        {
            if (pairs.ContainsKey(key))
            {
                present++;
            }
            else
            {
                missing ??= key;
            }
        }

        if (present == 0)
        {
            return null;
        }

        if (missing is not null)
        {
            throw new FormatException($"The model's preprocessing is incomplete: '{missing}' is missing.");
        }

        Preprocessing parsed = new()
        {
            Width = ParseInteger(pairs, WidthKey),
            Height = ParseInteger(pairs, HeightKey),
            Mean = ParseValues(pairs, MeanKey),
            Std = ParseValues(pairs, StdKey),
            ColorOrder = ParseColor(pairs[ColorKey]),
            Resize = ParseResize(pairs[ResizeKey]),
            CropMargin = ParseDouble(pairs, CropMarginKey),
            Background = pairs.TryGetValue(BackgroundKey, out string? background) ? ParseBackground(background) : RgbColor.White,
        };
        try
        {
            parsed.Check();
        }
        catch (ArgumentException error)
        {
            throw new FormatException($"The model's preprocessing cannot be used: {error.Message}", error);
        }

        return parsed;
    }

    private static string FormatValues(ChannelValues values) =>
        string.Create(CultureInfo.InvariantCulture, $"{values.First:R} {values.Second:R} {values.Third:R}");

    private static string FormatResize(ResizeMode mode) => mode switch
    {
        ResizeMode.Stretch => "stretch",
        ResizeMode.ShorterSideThenCenterCrop => "center-crop",
        _ => throw new UnreachableException($"Unknown {mode}."),
    };

    private static string FormatColor(ColorOrder order) => order switch
    {
        ColorOrder.Rgb => "rgb",
        ColorOrder.Bgr => "bgr",
        ColorOrder.Gray => "gray",
        _ => throw new UnreachableException($"Unknown {order}."),
    };

    private static ColorOrder ParseColor(string text) => text switch
    {
        "rgb" => ColorOrder.Rgb,
        "bgr" => ColorOrder.Bgr,
        "gray" => ColorOrder.Gray,
        _ => throw Unreadable(ColorKey, text, "rgb, bgr or gray"),
    };

    private static ResizeMode ParseResize(string text) => text switch
    {
        "center-crop" => ResizeMode.ShorterSideThenCenterCrop,
        "stretch" => ResizeMode.Stretch,
        _ => throw Unreadable(ResizeKey, text, "center-crop or stretch"),
    };

    private static RgbColor ParseBackground(string text) =>
        RgbColor.TryParse(text, out RgbColor color) ? color : throw Unreadable(BackgroundKey, text, "#RRGGBB");

    private static int ParseInteger(IReadOnlyDictionary<string, string> pairs, string key) =>
        int.TryParse(pairs[key], NumberStyles.None, CultureInfo.InvariantCulture, out int value)
            ? value
            : throw Unreadable(key, pairs[key], "a whole number");

    private static double ParseDouble(IReadOnlyDictionary<string, string> pairs, string key) =>
        double.TryParse(pairs[key], NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
            ? value
            : throw Unreadable(key, pairs[key], "a number");

    private static ChannelValues ParseValues(IReadOnlyDictionary<string, string> pairs, string key)
    {
        string[] words = pairs[key].Split(' ');
        Span<float> values = [0, 0, 0];
        bool readable = words.Length == values.Length;
        for (int i = 0; readable && i < values.Length; i++)
        {
            readable = float.TryParse(words[i], NumberStyles.Float, CultureInfo.InvariantCulture, out values[i]);
        }

        return readable ? new ChannelValues(values[0], values[1], values[2]) : throw Unreadable(key, pairs[key], "three numbers separated by spaces");
    }

    private static FormatException Unreadable(string key, string text, string expected) =>
        new($"The model's preprocessing cannot be read: '{key}' is '{text}', expected {expected}.");
}
