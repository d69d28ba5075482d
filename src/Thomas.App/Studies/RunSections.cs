using System.Collections.Generic;
using System.Globalization;
using Thomas.Study;

namespace Thomas.App.Studies;

/// <summary>The plain parts of a report: machine, notes, what is missing, stages, figures of others.</summary>
internal static class RunSections
{
    public static List<ReportBlock> Machine(ReportHeader header)
    {
        List<ReportCell[]> rows =
        [
            ["Processor", $"{header.Processor} ({header.Architecture}, {header.Tier})"],
            ["Processors", header.Processors == header.PerformanceProcessors
                ? Format.Invariant($"{header.Processors}")
                : Format.Invariant($"{header.Processors}, {header.PerformanceProcessors} of them used by default")],
            ["Memory", Format.Bytes(header.MemoryBytes)],
        ];
        foreach (ReportDevice device in header.Devices) rows.Add([device.Name, $"{device.Model}, driver {device.Driver}, {device.Platform}"]);
        rows.Add(["System", header.System]);
        rows.Add(["Program", $"{header.Version}{(header.Commit is string commit ? $", commit {commit}" : "")}"]);
        rows.Add(["Runtime", header.Runtime]);
        rows.Add(["Command", header.Command]);
        rows.Add(["Seed", header.Seed.ToString(CultureInfo.InvariantCulture)]);
        rows.Add(["Began", header.Began.ToString("yyyy-MM-dd HH:mm:ss zzz", CultureInfo.InvariantCulture)]);
        rows.Add(["Took", double.IsFinite(header.Seconds) ? Figures.Time(header.Seconds) : Figures.None]);
        rows.Add(["Complete", header.IsComplete ? "yes" : "no: interrupted before everything was measured"]);
        return [new ReportTable("Where, when and by what this was measured", [new("", false), new("", false)], rows)];
    }

    public static List<ReportBlock> Notes(IReadOnlyList<string> notes) => notes.Count == 0 ? [] : [new ReportList(notes)];

    public static List<ReportBlock> Absent(IReadOnlyList<AbsentCell> absent)
    {
        List<ReportCell[]> rows = [];
        foreach (AbsentCell cell in absent) rows.Add([cell.Experiment, cell.What, cell.Reason]);
        if (rows.Count == 0) return [];
        ReportColumn[] columns = [new("Experiment", false), new("What", false), new("Reason", false)];
        return [new ReportTable("What was asked for and not measured", columns, rows) { Names = 2 }];
    }

    public static List<ReportBlock> Stages(IReadOnlyList<StageSeconds> stages)
    {
        double sum = 0;
        foreach (StageSeconds stage in stages) sum += stage.Seconds;
        List<ReportCell[]> rows = [];
        List<Bar> bars = [];
        foreach (StageSeconds stage in stages)
        {
            rows.Add([stage.Name, Figures.Time(stage.Seconds), sum > 0 ? Figures.Percent(stage.Seconds / sum) : Figures.None]);
            bars.Add(new Bar($"{stage.Name}: {Figures.Time(stage.Seconds)}", stage.Seconds, stage.Seconds, stage.Seconds));
        }

        if (rows.Count == 0) return [];
        return [
            new BarChart("Time of each stage, seconds", "Bars of the time that each stage took, as in the table below.", bars),
            new ReportTable("Time of each stage", [new("Stage", false), new("Time"), new("Share")], rows)];
    }

    public static List<ReportBlock> Published(IReadOnlyList<PublishedFigure> published)
    {
        List<ReportCell[]> rows = [];
        foreach (PublishedFigure figure in published) rows.Add([figure.Subject, figure.What, figure.Figure, figure.Source]);
        if (rows.Count == 0) return [];
        return [
            new ReportText("Nothing in this table was measured here: other machines, other data, other settings. It shows the order of magnitude only."),
            new ReportTable(
                "Figures published by others, not measured by this program",
                [new("Program", false), new("What", false), new("Figure", false), new("Source", false)],
                rows)];
    }
}
