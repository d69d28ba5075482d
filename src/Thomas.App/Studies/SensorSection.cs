using System.Collections.Generic;
using System.Linq;
using Thomas.Study;

namespace Thomas.App.Studies;

/// <summary>What the sensors said over the time of the run, and which there are none of.</summary>
internal static class SensorSection
{
    private const int MostLines = 8;

    public static List<ReportBlock> Of(SensorRecord? sensors)
    {
        if (sensors is null) return [];
        List<ReportBlock> blocks = [];
        if (sensors.Joules is double joules)
        {
            blocks.Add(new ReportText($"Energy of the whole run: {Figures.Energy(joules)}{(sensors.EnergySource is string source ? $" ({source})" : "")}."));
        }

        if (sensors.PausedSeconds > 0)
        {
            blocks.Add(new ReportText($"The run waited {Figures.Time(sensors.PausedSeconds)} because the device was hot or its battery low."));
        }

        foreach (((string Kind, string Unit) key, List<SensorSeries> all) in ReportSections.Group(sensors.Series, series => (series.Kind, series.Unit)))
        {
            foreach (SensorSeries[] chunk in all.Where(series => series.Seconds.Count > 1).Chunk(MostLines))
            {
                double longest = chunk.Max(series => series.Seconds[^1]);
                (double scale, string unit) = longest > 300 ? (1 / 60.0, "minutes") : (1, "seconds");
                blocks.Add(new LineChart(
                    $"{Capital(key.Kind)} over the time of the run, {key.Unit}",
                    $"Lines of the {key.Kind} that each sensor gave over the time of the run; the table has the extremes.", unit,
                    [.. chunk.Select(series => new Line(series.Name, [.. series.Seconds.Select(second => second * scale)], series.Values))]));
            }
        }

        List<ReportCell[]> rows = [
            .. sensors.Series.Where(series => series.Values.Count > 0).Select(series => (ReportCell[])[
                series.Name, series.Kind, series.Unit, Figures.Number(series.Values.Min()), Figures.Number(series.Values.Average()),
                Figures.Number(series.Values.Max()), Format.Invariant($"{series.Values.Count}")])];
        if (rows.Count > 0)
        {
            blocks.Add(new ReportTable(
                "Sensors", [new("Sensor", false), new("Kind", false), new("Unit", false), new("Least"), new("Mean"), new("Most"), new("Readings")], rows));
        }

        if (sensors.Absent.Count > 0) blocks.Add(new ReportList(sensors.Absent));
        return blocks;
    }

    private static string Capital(string word) => word.Length == 0 ? word : char.ToUpperInvariant(word[0]) + word[1..];
}
