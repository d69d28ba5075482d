using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using Thomas.Study;

namespace Thomas.App.Studies;

/// <summary>Every sample of every cell, in the order in which they were taken.</summary>
internal static class SampleSection
{
    public static List<ReportBlock> Of(IReadOnlyList<TimingCell> cells)
    {
        if (cells.Count == 0) return [];
        List<ReportCell[]> rows = [];
        foreach (TimingCell cell in cells)
        {
            (double scale, string unit) = cell.Summary.Median < 1e-3 ? (1e6, "µs") : cell.Summary.Median < 1 ? (1e3, "ms") : (1, "s");
            rows.Add([
                cell.Id, unit, Values(cell, scale), Format.Invariant($"{Figures.Number(cell.Summary.Minimum * scale)}"),
                Format.Invariant($"{Figures.Number(cell.Summary.Maximum * scale)}"), Format.Invariant($"{cell.Summary.Gigaflops:0}")]);
        }

        return [
            new ReportText(
                "Outliers, more than 1.5 interquartile ranges outside the quartiles, have an asterisk; they count like all others. \"GFLOP/s\" is the median "
                + "rate of a plain loop of multiply-adds that ran before each sample: where it differs between cells, the machine was not the same for both."),
            new ReportTable(
                "All samples, in the order in which they were taken",
                [new("Cell", false), new("Unit", false), new("Samples", false), new("Least"), new("Most"), new("GFLOP/s")], rows) { IsFolded = true }];
    }

    private static string Values(TimingCell cell, double scale)
    {
        double[] seconds = [.. cell.Samples.Select(sample => sample.Seconds)];

        // The summary says how many there are; which ones follows, since they are the farthest out.
        int outliers = Math.Min(cell.Summary.Outliers, seconds.Length);
        HashSet<int> marked = [
            .. Enumerable.Range(0, seconds.Length).OrderByDescending(i => Math.Abs(seconds[i] - cell.Summary.Median)).Take(outliers)];
        StringBuilder values = new();
        for (int i = 0; i < seconds.Length; i++)
        {
            values.Append(i == 0 ? "" : ", ").Append(Figures.Number(seconds[i] * scale)).Append(marked.Contains(i) ? "*" : "");
        }

        return values.ToString();
    }
}
