using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Text;
using SkiaSharp;

namespace Thomas.App.Results;

/// <summary>
/// Draws lines of text. The embedded font has Latin, Greek and Cyrillic, so a machine without fonts has readable sheets; other characters come from the
/// system's fonts, and where it has none, a box marks that there is a character. Characters are drawn one after the other: scripts that join letters or run
/// from right to left are not shaped.
/// </summary>
internal sealed class SheetText : IDisposable
{
    private const string Ellipsis = "…";
    private const int MostFontFiles = 500;

    private readonly SKTypeface _own = LoadOwn();
    private readonly List<SKTypeface> _others = [];
    private readonly HashSet<int> _missing = [];
    private Queue<string>? _files;

    /// <summary>Draws a line.</summary>
    /// <param name="canvas">Where.</param>
    /// <param name="text">What; control characters become escapes.</param>
    /// <param name="x">Left edge, in pixels.</param>
    /// <param name="y">Baseline.</param>
    /// <param name="size">Height of the font.</param>
    /// <param name="color">Its color.</param>
    /// <param name="width">Room; a longer text ends in an ellipsis.</param>
    /// <param name="isBold">Whether the strokes are thicker.</param>
    /// <param name="cutStart">Whether a long text loses its beginning instead of its end, as paths should.</param>
    /// <returns>Where the text ends.</returns>
    public float Draw(SKCanvas canvas, string text, float x, float y, float size, SKColor color, float width, bool isBold = false, bool cutStart = false)
    {
        using SKPaint paint = new() { Color = color, IsAntialias = true };
        foreach ((string run, SKTypeface typeface) in Runs(Fit(VisibleText.Of(text), size, width, isBold, cutStart)))
        {
            using SKFont font = FontOf(typeface, size, isBold);
            canvas.DrawText(run, x, y, SKTextAlign.Left, font, paint);
            x += font.MeasureText(run);
        }

        return x;
    }

    /// <summary>Width of a text in pixels.</summary>
    public float Measure(string text, float size, bool isBold = false)
    {
        float width = 0;
        foreach ((string run, SKTypeface typeface) in Runs(text))
        {
            using SKFont font = FontOf(typeface, size, isBold);
            width += font.MeasureText(run);
        }

        return width;
    }

    /// <summary>The text, or as many whole characters of it as fit beside an ellipsis.</summary>
    public string Fit(string text, float size, float width, bool isBold = false, bool cutStart = false)
    {
        if (Measure(text, size, isBold) <= width) return text;
        int[] starts = StringInfo.ParseCombiningCharacters(text);
        int low = 0, high = starts.Length - 1;
        while (low < high)
        {
            int kept = (low + high + 1) / 2;
            if (Measure(Cut(kept), size, isBold) <= width) low = kept;
            else high = kept - 1;
        }

        return Cut(low);

        string Cut(int kept) => cutStart ? Ellipsis + text[starts[starts.Length - Math.Max(kept, 1)]..] : text[..starts[kept]].TrimEnd() + Ellipsis;
    }

    public void Dispose()
    {
        _own.Dispose();
        foreach (SKTypeface typeface in _others) typeface.Dispose();
    }

    private static SKFont FontOf(SKTypeface typeface, float size, bool isBold) =>
        new(typeface, size) { Edging = SKFontEdging.Antialias, Subpixel = true, Embolden = isBold };

    private static SKTypeface LoadOwn()
    {
        // The only way to an embedded file; nothing is looked up by reflection.
        using Stream stream = typeof(SheetText).Assembly.GetManifestResourceStream("Roboto-Regular.ttf")
            ?? throw new InvalidOperationException("The embedded font is missing.");
        using SKData data = SKData.Create(stream);
        return SKTypeface.FromData(data) ?? throw new InvalidOperationException("The embedded font cannot be read.");
    }

    /// <summary>The pieces of a text that one font has.</summary>
    private List<(string Text, SKTypeface Typeface)> Runs(string text)
    {
        List<(string, SKTypeface)> runs = [];
        StringBuilder run = new();
        SKTypeface? current = null;
        foreach (Rune rune in text.EnumerateRunes())
        {
            // A mark stays with the letter before it, if that letter's font has it.
            bool isMark = Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format;
            SKTypeface typeface = isMark && current is not null && Has(current, rune.Value) ? current : FontFor(rune.Value);
            if (current is not null && !ReferenceEquals(typeface, current))
            {
                runs.Add((run.ToString(), current));
                run.Clear();
            }

            current = typeface;
            run.Append(rune);
        }

        if (current is not null) runs.Add((run.ToString(), current));
        return runs;
    }

    private static bool Has(SKTypeface typeface, int character)
    {
        using SKFont font = new(typeface);
        return font.ContainsGlyph(character);
    }

    private SKTypeface FontFor(int character)
    {
        if (Has(_own, character) || _missing.Contains(character)) return _own;
        foreach (SKTypeface typeface in _others)
        {
            if (Has(typeface, character)) return typeface;
        }

        SKTypeface? found = SKFontManager.Default.MatchCharacter(character);
        if (found is not null && !Has(found, character))
        {
            found.Dispose();
            found = null;
        }

        found ??= SearchFiles(character);
        if (found is null)
        {
            _missing.Add(character);
            return _own;
        }

        _others.Add(found);
        return found;
    }

    /// <summary>Skia's build for Linux without dependencies knows no system fonts, so their usual folders are looked through, each file once.</summary>
    private SKTypeface? SearchFiles(int character)
    {
        if (!OperatingSystem.IsLinux()) return null;
        _files ??= new Queue<string>(FontFiles());
        while (_files.TryDequeue(out string? file))
        {
            SKTypeface? typeface = SKTypeface.FromFile(file);
            if (typeface is null) continue;
            if (Has(typeface, character)) return typeface;

            // A later character may be in it.
            _others.Add(typeface);
        }

        return null;
    }

    private static List<string> FontFiles()
    {
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        List<string> files = [];
        foreach (string folder in (string[])[
            "/usr/share/fonts", "/usr/local/share/fonts", Path.Combine(home, ".local/share/fonts"), Path.Combine(home, ".fonts"), "/system/fonts"])
        {
            if (!Directory.Exists(folder)) continue;
            EnumerationOptions options = new() { RecurseSubdirectories = true, IgnoreInaccessible = true, MaxRecursionDepth = 8 };
            foreach (string file in Directory.EnumerateFiles(folder, "*", options))
            {
                if (Path.GetExtension(file).ToUpperInvariant() is ".TTF" or ".OTF" or ".TTC") files.Add(file);
            }
        }

        // Upright and regular faces first; among them in a fixed order.
        files.Sort(static (a, b) => Styles(a) != Styles(b) ? Styles(a) - Styles(b) : string.CompareOrdinal(a, b));
        return files.Count > MostFontFiles ? files[..MostFontFiles] : files;

        static int Styles(string file)
        {
            string name = Path.GetFileNameWithoutExtension(file);
            int styles = name.Contains("Regular", StringComparison.OrdinalIgnoreCase) ? -1 : 0;
            foreach (string style in (ReadOnlySpan<string>)["Bold", "Italic", "Oblique", "Mono", "Serif", "Condensed", "Light", "Thin", "Black", "Math"])
                styles += name.Contains(style, StringComparison.OrdinalIgnoreCase) ? 1 : 0;
            return styles;
        }
    }
}
