using System;
using System.Globalization;
using Thomas.Study;

namespace Thomas.App.Studies;

/// <summary>Numbers of reports for people: three digits, the unit beside them, the same in every culture.</summary>
internal static class Figures
{
    /// <summary>What stands where there is no number.</summary>
    public const string None = "–";

    /// <summary>A duration in the unit that fits it.</summary>
    public static string Time(double seconds)
    {
        if (!double.IsFinite(seconds)) return None;
        if (seconds >= 120) return Format.Duration(TimeSpan.FromSeconds(Math.Min(seconds, TimeSpan.MaxValue.TotalSeconds / 2)));
        (double scale, string unit) = UnitOf(seconds);
        return $"{Number(seconds * scale)} {unit}";
    }

    /// <summary>The ends of an interval in the unit that fits a median.</summary>
    public static string TimeRange(double median, double low, double high, bool withUnit = true)
    {
        (double scale, string unit) = UnitOf(median);
        return $"{Number(low * scale)} to {Number(high * scale)}{(withUnit ? $" {unit}" : "")}";
    }

    /// <summary>Three digits, more before the point where they are.</summary>
    public static string Number(double value)
    {
        if (!double.IsFinite(value)) return None;
        double size = Math.Abs(value);
        int decimals = size == 0 ? 0 : Math.Clamp(2 - (int)Math.Floor(Math.Log10(size)), 0, 6);
        return value.ToString($"N{decimals}", CultureInfo.InvariantCulture);
    }

    /// <summary>A ratio: 1.85 ×.</summary>
    public static string Ratio(double ratio) => double.IsFinite(ratio) ? Format.Invariant($"{Number(ratio)} ×") : None;

    /// <summary>A ratio with its interval.</summary>
    public static string Ratio(SpeedUp? speed) =>
        speed is null ? None : speed.Low == speed.High ? Ratio(speed.Ratio) : $"{Ratio(speed.Ratio)} ({Number(speed.Low)} to {Number(speed.High)})";

    /// <summary>A share with one decimal.</summary>
    public static string Percent(double? share) => share is double known && double.IsFinite(known) ? Format.Invariant($"{100 * known:0.0} %") : None;

    /// <summary>The ends of the interval of a share.</summary>
    public static string Range(IntervalReport? interval) =>
        interval is null ? None : Format.Invariant($"{100 * interval.Low:0.0} to {100 * interval.High:0.0} %");

    /// <summary>An energy in the unit that fits it.</summary>
    public static string Energy(double? joules) => joules switch
    {
        null => None,
        < 1 => $"{Number(joules.Value * 1e3)} mJ",
        < 10_000 => $"{Number(joules.Value)} J",
        _ => $"{Number(joules.Value / 3600)} Wh",
    };

    /// <summary>What computed, in a few words: its threads, and type and switches where they are not those by default.</summary>
    public static string Device(string device, int threads, string type = "float32", string switches = "")
    {
        string name = device == "serial" || threads == 0 || device.StartsWith("opencl", StringComparison.Ordinal)
            ? device
            : $"{device}, {Format.Plural(threads, "thread")}";
        if (type != "float32") name += $", {type}";
        return switches.Length > 0 ? $"{name}, {switches}" : name;
    }

    /// <summary>Images a second of a cell: most stages take a batch, decoding and preparing one image.</summary>
    public static double ImagesPerSecond(TimingCell cell, double seconds) =>
        (cell.Stage is TimingCell.Decode or TimingCell.Prepare ? 1 : cell.Batch) / seconds;

    private static (double Scale, string Unit) UnitOf(double seconds) => Math.Abs(seconds) switch
    {
        < 1e-3 => (1e6, "µs"),
        < 1 => (1e3, "ms"),
        _ => (1, "s"),
    };
}
