using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;
using Thomas.App;
using Thomas.App.Studies;
using Thomas.Study;

namespace Thomas.Tests.Docs;

/// <summary>
/// A few times of each machine over the reports of it, by date. Each report is compared with the one before as <c>thomas bench diff</c> does: times of one
/// thread are scaled by the loop of multiply-adds beside them and judged.
/// </summary>
internal static class StudyHistory
{
    private const string Inference = StudyExperiment.Inference, OpenCl = "opencl";
    private const int Batch = 8;

    private static readonly string[] Models = ["lenet5", "mobilenet-v2"];

    /// <summary>A table for each machine that was measured at one of these times, in the order in which the machines came.</summary>
    public static string Of(IEnumerable<StudyReport> reports)
    {
        StringBuilder text = new();
        foreach ((string machine, List<StudyReport> history) in ReportSections.Group(
            reports.Select(Reduce).Where(report => report.Timings.Count > 0).OrderBy(report => report.Header.Began), report => MachineOf(report.Header)))
        {
            text.Append(MarkdownTables.Of(Table(machine, history))).Append('\n');
        }

        return text.ToString();
    }

    private static ReportTable Table(string machine, List<StudyReport> history)
    {
        List<string> keys = [.. history.SelectMany(report => report.Timings).Select(cell => cell.Id).Distinct()];
        List<ReportCell[]> rows = [];
        foreach (TimingCell first in keys.Select(key => history.SelectMany(report => report.Timings).First(cell => cell.Id == key)))
        {
            rows.Add([
                first.Model, first.Policy == Inference ? Inference : $"step, {first.Policy}", Figures.Device(first.Device, first.Threads),
                .. history.Select(report => (ReportCell)(report.Timings.FirstOrDefault(cell => cell.Id == first.Id) is TimingCell found
                    ? Figures.Time(found.Summary.Median)
                    : Figures.None))]);
        }

        for (int i = 1; i < history.Count; i++)
        {
            foreach (CellDifference cell in StudyDiff.Of(history[i - 1], history[i]).Cells)
            {
                ReportCell[] row = rows[keys.IndexOf(cell.After.Id)];
                row[3 + i] = $"{row[3 + i].Text}: {Ratio(cell)}";
            }
        }

        return new ReportTable(
            $"{machine}, batch {Batch.ToString(CultureInfo.InvariantCulture)}",
            [new("Model", false), new("Work", false), new("Device", false), .. history.Select(report => new ReportColumn(Name(report.Header)))], rows);
    }

    private static string Ratio(CellDifference cell) => cell.Change == CellChange.Shown
        ? $"{Figures.Ratio(cell.Ratio)}, not judged"
        : $"{Figures.Ratio(cell.Ratio)} ({Figures.Number(cell.Low)} to {Figures.Number(cell.High)}), {cell.Change.ToString().ToLowerInvariant()}";

    private static string Name(ReportHeader header)
    {
        string date = header.Began.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        return header.Commit is string commit ? $"{date}, {commit[..Math.Min(8, commit.Length)]}" : date;
    }

    private static string MachineOf(ReportHeader header) => string.Join(
        "; ", (string[])[$"{header.Processor}, {Format.Plural(header.Processors, "processor")}", .. header.Devices.Select(device => device.Model).Distinct()]);

    /// <summary>The report with the chosen times only, whose identities no longer name the experiment: studies of different kinds measure the same.</summary>
    private static StudyReport Reduce(StudyReport report)
    {
        List<TimingCell> cells = [];
        foreach (string model in Models)
        {
            foreach ((string stage, string policy) in new[] { (TimingCell.Step, "all"), (TimingCell.Inference, Inference) })
            {
                foreach (string device in (string[])["cpu", OpenCl])
                {
                    TimingCell? found = report.Timings.FirstOrDefault(cell =>
                        (cell.Model, cell.Stage, cell.Policy, cell.Batch, cell.Type, cell.Switches)
                        == (model, stage, policy, Batch, StudyExperiment.Float, "")
                        && cell.Samples.Count > 0 && IsOn(cell, device));
                    if (found is not null) cells.Add(found with { Id = $"{stage}/{model}/{found.Device}" });
                }
            }
        }

        return report with { Timings = cells };
    }

    private static bool IsOn(TimingCell cell, string device) =>
        device == OpenCl ? cell.Device.StartsWith(OpenCl, StringComparison.Ordinal) : cell.Device == device && cell.Threads == 1;
}
