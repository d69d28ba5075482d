using System;
using System.Collections.Generic;
using Thomas.Training;

namespace Thomas.App;

/// <summary>Numbers and tables for people; the same in every culture.</summary>
internal static class Format
{
    public static string Bytes(long bytes) => bytes switch
    {
        < 1 << 10 => Invariant($"{bytes} B"),
        < 1 << 20 => Invariant($"{bytes / 1024.0:0.0} KiB"),
        < 1 << 30 => Invariant($"{bytes / (1024.0 * 1024):0.0} MiB"),
        _ => Invariant($"{bytes / (1024.0 * 1024 * 1024):0.00} GiB"),
    };

    public static string Count(long count) => count switch
    {
        < 10_000 => Invariant($"{count}"),
        < 1_000_000 => Invariant($"{count / 1e3:0.0} thousand"),
        < 1_000_000_000 => Invariant($"{count / 1e6:0.00} million"),
        _ => Invariant($"{count / 1e9:0.00} billion"),
    };

    public static string Duration(TimeSpan time) => time.TotalSeconds switch
    {
        > 0 and < 0.0001 => "<0.1 ms",
        < 1 => Invariant($"{time.TotalMilliseconds:0.0} ms"),
        < 120 => Invariant($"{time.TotalSeconds:0.0} s"),
        _ => Invariant($"{(int)time.TotalMinutes} min {time.Seconds:00} s"),
    };

    public static string Percent(double share) => Invariant($"{share:0.0%}");

    /// <summary>An accuracy with its counts and, where they are small, what they leave open: 4 of 4 right is not 100 %.</summary>
    public static string Accuracy(ConfusionMatrix matrix) => Invariant($"{matrix.Accuracy:0.0%} ({matrix.Correct} of {matrix.Total}){Interval(matrix)}");

    /// <summary>The 95 % interval of an accuracy on fewer than 200 images; nothing on more.</summary>
    public static string Interval(ConfusionMatrix matrix) => matrix.Total < 200 ? $", 95% interval {matrix.AccuracyInterval}" : "";

    public static string Plural(int count, string singular, string? plural = null) =>
        Invariant($"{count} {(count == 1 ? singular : plural ?? singular + "s")}");

    /// <summary>What a line on a training adds of its compression.</summary>
    public static string Compression(Compression compression) => compression == Training.Compression.None ? "" : $", compress {compression.ToWord()}";

    public static string Invariant(FormattableString text) => FormattableString.Invariant(text);

    /// <summary>A name from a file or a path, on one line whatever is in it.</summary>
    public static string Name(string name) => VisibleText.Of(name);

    /// <summary>Names that occur several times, each once with its count, most frequent first.</summary>
    public static IReadOnlyList<KeyValuePair<string, int>> Tally(IEnumerable<string> names)
    {
        Dictionary<string, int> counts = new(StringComparer.Ordinal);
        foreach (string name in names) counts[name] = counts.GetValueOrDefault(name) + 1;
        List<KeyValuePair<string, int>> sorted = [.. counts];
        sorted.Sort(static (a, b) => a.Value != b.Value ? b.Value.CompareTo(a.Value) : string.CompareOrdinal(a.Key, b.Key));
        return sorted;
    }
}
