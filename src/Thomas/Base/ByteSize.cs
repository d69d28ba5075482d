using System;
using System.Globalization;

namespace Thomas;

/// <summary>Amounts of memory as people write them.</summary>
public static class ByteSize
{
    /// <summary>
    /// Reads a number with a unit: B, KB, MB, GB (powers of 1000) or KiB, MiB, GiB (powers of 1024); without one, bytes. Case does not matter.
    /// </summary>
    /// <returns>Whether the text is a positive amount below 2^60 bytes.</returns>
    public static bool TryParse(string text, out long bytes)
    {
        ArgumentNullException.ThrowIfNull(text);
        text = text.Trim();
        int end = text.Length;
        while (end > 0 && char.IsLetter(text[end - 1])) end--;
        double unit = text[end..].ToUpperInvariant() switch
        {
            "" or "B" => 1,
            "K" or "KIB" => 1 << 10,
            "M" or "MIB" => 1 << 20,
            "G" or "GIB" => 1 << 30,
            "KB" => 1e3,
            "MB" => 1e6,
            "GB" => 1e9,
            _ => 0,
        };
        bytes = 0;
        if (unit == 0
            || !double.TryParse(
                text.AsSpan(0, end), NumberStyles.AllowDecimalPoint | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out double number))
        {
            return false;
        }

        double product = number * unit;
        if (!(product >= 1 && product < 1L << 60)) return false;
        bytes = (long)product;
        return true;
    }

    /// <summary>Like <see cref="Format"/>, but rounded up: what it returns, read again, is at least as much.</summary>
    public static string FormatAtLeast(long bytes)
    {
        double tenth = bytes >= 1L << 30 ? (1 << 30) / 10.0 : bytes >= 1 << 20 ? (1 << 20) / 10.0 : bytes >= 1 << 10 ? (1 << 10) / 10.0 : 1;
        return Format((long)Math.Ceiling(Math.Ceiling(bytes / tenth) * tenth));
    }

    /// <summary>For example <c>96MiB</c>, <c>1.5GiB</c> or <c>512B</c>: one decimal where it says something.</summary>
    public static string Format(long bytes)
    {
        (double unit, string name) = bytes >= 1L << 30 ? (1 << 30, "GiB")
            : bytes >= 1 << 20 ? (1 << 20, "MiB")
            : bytes >= 1 << 10 ? (1 << 10, "KiB")
            : (1, "B");
        return (bytes / unit).ToString("0.#", CultureInfo.InvariantCulture) + name;
    }
}
