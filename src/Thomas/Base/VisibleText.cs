using System;
using System.Globalization;
using System.Text;

namespace Thomas;

/// <summary>
/// Shows text that comes from files, such as class names, names of tensors and file names, as what it is. Characters that would steer a terminal or hide what
/// is there are written as escapes: control characters (<c>\x1b</c>, <c>\n</c>), marks of writing direction (<c>\u202e</c>), characters without width, halves
/// of surrogate pairs. Joiners stay inside scripts and emoji that need them.
/// </summary>
internal static class VisibleText
{
    private const string Ellipsis = "…";

    /// <summary>The text with such characters as escapes; the same string if it has none.</summary>
    /// <param name="text">A name or a line.</param>
    /// <param name="keepLines">Whether line feeds stay what they are, for text of several lines.</param>
    public static string Of(string text, bool keepLines = false)
    {
        int first = FirstHidden(text, keepLines);
        if (first < 0) return text;
        StringBuilder shown = new(text, 0, first, text.Length + 16);
        for (int i = first; i < text.Length;)
        {
            int length = RuneAt(text, i, out Rune rune) ? rune.Utf16SequenceLength : 0;
            if (length == 0) Escape(shown, text[i++]);
            else
            {
                if (IsHidden(rune, keepLines) && !IsJoiner(text, i)) Escape(shown, rune.Value);
                else shown.Append(text, i, length);
                i += length;
            }
        }

        return shown.ToString();
    }

    /// <summary>The visible text, cut in its middle where it takes more columns than there are, so that beginning and end still tell names apart.</summary>
    public static string Shorten(string text, int columns)
    {
        string shown = Of(text);
        if (Width(shown) <= columns) return shown;
        int tail = (columns - Ellipsis.Length) / 3, head = columns - Ellipsis.Length - tail;

        // No character takes more than a few places, so what is far from both ends need not be looked at.
        int[] starts = StringInfo.ParseCombiningCharacters(shown);
        int headEnd = 0, tailStart = shown.Length;
        for (int i = 0, left = head; i < starts.Length; i++)
        {
            int end = i + 1 < starts.Length ? starts[i + 1] : shown.Length;
            left -= Width(shown.AsSpan()[starts[i]..end]);
            if (left < 0) break;
            headEnd = end;
        }

        for (int i = starts.Length - 1, left = tail; i >= 0 && starts[i] >= headEnd; i--)
        {
            left -= Width(shown.AsSpan()[starts[i]..tailStart]);
            if (left < 0) break;
            tailStart = starts[i];
        }

        return string.Concat(shown.AsSpan(0, headEnd), Ellipsis, shown.AsSpan(tailStart));
    }

    /// <summary>Columns that visible text takes on a terminal: two for wide East Asian characters and emoji, none for marks that combine.</summary>
    public static int Width(ReadOnlySpan<char> text)
    {
        int width = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (rune.Value < 0x300) width++;
            else if (Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark) continue;
            else width += IsWide(rune.Value) ? 2 : 1;
        }

        return width;
    }

    /// <summary>Visible text followed by blanks up to a number of columns.</summary>
    public static string Pad(string text, int columns) => text + new string(' ', Math.Max(0, columns - Width(text)));

    private static int FirstHidden(string text, bool keepLines)
    {
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (c is >= ' ' and < '\u007F') continue;
            if (!RuneAt(text, i, out Rune rune) || (IsHidden(rune, keepLines) && !IsJoiner(text, i))) return i;
            i += rune.Utf16SequenceLength - 1;
        }

        return -1;
    }

    private static bool RuneAt(string text, int index, out Rune rune) => Rune.TryGetRuneAt(text, index, out rune);

    /// <summary>A joiner or non-joiner between characters of Arabic or later scripts, or between emoji, where it belongs to how a word is written.</summary>
    private static bool IsJoiner(string text, int index) =>
        text[index] is '\u200C' or '\u200D' && index > 0 && index + 1 < text.Length && IsLetterOfLaterScript(text[index - 1])
        && IsLetterOfLaterScript(text[index + 1]);

    private static bool IsLetterOfLaterScript(char c) => c >= '\u0600' && c is not (>= '\u2000' and <= '\u206F');

    private static bool IsHidden(Rune rune, bool keepLines)
    {
        if (rune.Value == '\n' && keepLines) return false;

        // Letters that are drawn as nothing: fillers of Hangul, the empty Braille pattern; and what is not a character at all.
        if (rune.Value is 0x115F or 0x1160 or 0x3164 or 0xFFA0 or 0x2800 or 0x034F || (rune.Value & 0xFFFE) == 0xFFFE) return true;
        return Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator
            or UnicodeCategory.ParagraphSeparator;
    }

    private static void Escape(StringBuilder shown, int value)
    {
        string escape = value switch
        {
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            <= 0xFF => string.Create(CultureInfo.InvariantCulture, $"\\x{value:x2}"),
            <= 0xFFFF => string.Create(CultureInfo.InvariantCulture, $"\\u{value:x4}"),
            _ => string.Create(CultureInfo.InvariantCulture, $"\\U{value:x8}"),
        };
        shown.Append(escape);
    }

    private static bool IsWide(int value) =>
        value is (>= 0x1100 and <= 0x115F) or (>= 0x2E80 and <= 0x303E) or (>= 0x3041 and <= 0xA4CF) or (>= 0xAC00 and <= 0xD7A3)
        or (>= 0xF900 and <= 0xFAFF) or (>= 0xFE30 and <= 0xFE6F) or (>= 0xFF00 and <= 0xFF60) or (>= 0xFFE0 and <= 0xFFE6) or (>= 0x1F300 and <= 0x1F64F)
        or (>= 0x1F680 and <= 0x1F6FF) or (>= 0x1F900 and <= 0x1FAFF) or (>= 0x20000 and <= 0x3FFFD);
}
