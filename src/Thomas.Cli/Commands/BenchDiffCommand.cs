using System.Collections.Generic;
using System.CommandLine;
using Thomas.App;
using Thomas.App.Reports;
using Thomas.App.Studies;
using Thomas.Cli.Output;
using Thomas.Study;

namespace Thomas.Cli.Commands;

/// <summary><c>thomas bench diff</c>: what changed between two reports, and what is noise.</summary>
internal sealed class BenchDiffCommand
{
    private readonly Terminal _terminal;
    private readonly Argument<string> _before = new("before") { Description = "A report, or its folder" };
    private readonly Argument<string> _after = new("after") { Description = "A later report of the same study, or its folder" };
    private readonly Option<bool> _all = new("--all") { Description = "List all cells, also those that are the same or are not judged" };

    private BenchDiffCommand(Terminal terminal) => _terminal = terminal;

    public static Command Create(Terminal terminal)
    {
        BenchDiffCommand diff = new(terminal);
        Command command = new("diff", "Compare two reports with their noise; exit code 10 if anything became slower") { diff._before, diff._after, diff._all };
        terminal.Bind(command, diff.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        StudyReport before = ReportFile.Read(parsed.GetRequiredValue(_before)), after = ReportFile.Read(parsed.GetRequiredValue(_after));
        StudyDiff diff = StudyDiff.Of(before, after);
        if (diff.Cells.Count == 0) throw new DataException("The reports have no time in common: they are of different studies.");
        int slower = diff.Count(CellChange.Slower);
        if (_terminal.Json) _terminal.WriteJson(Report(diff), ReportJson.Default.BenchDiffReport);
        else Print(diff, parsed.GetValue(_all));
        return slower > 0 ? ExitCode.Slower : ExitCode.Success;
    }

    private static BenchDiffReport Report(StudyDiff diff)
    {
        List<CellDifferenceReport> cells = [];
        foreach (CellDifference cell in diff.Cells)
        {
            cells.Add(new CellDifferenceReport(
                cell.After.Id, Name(cell), cell.Before.Summary.Median, cell.After.Summary.Median, cell.Ratio, cell.Low, cell.High));
        }

        return new BenchDiffReport(
            cells, diff.Count(CellChange.Slower), diff.Count(CellChange.Faster), diff.Count(CellChange.Same), diff.OnlyBefore, diff.OnlyAfter, diff.Notes);
    }

    private static string Name(CellDifference cell) => cell.Change.ToString().ToLowerInvariant();

    private static string Times(CellDifference cell) => $"{Figures.Time(cell.Before.Summary.Median)} to {Figures.Time(cell.After.Summary.Median)}";

    private void Print(StudyDiff diff, bool all)
    {
        foreach (string note in diff.Notes) _terminal.Say($"differs  {note}");
        if (diff.Notes.Count > 0) _terminal.Say();
        foreach (CellDifference cell in diff.Cells)
        {
            if (!all && cell.Change is CellChange.Same or CellChange.Shown) continue;
            _terminal.Say(Format.Invariant(
                $"{Name(cell),-7} {cell.Ratio,6:0.000} ({cell.Low:0.000} to {cell.High:0.000})  {Times(cell)}  {cell.After.Id}"));
        }

        int judged = diff.Count(CellChange.Slower) + diff.Count(CellChange.Faster) + diff.Count(CellChange.Same);
        _terminal.Say(
            $"{diff.Count(CellChange.Slower)} slower, {diff.Count(CellChange.Faster)} faster, {diff.Count(CellChange.Same)} the same of {judged} times of one "
            + $"thread, each scaled by the loop beside it; {diff.Count(CellChange.Shown)} other times are not judged");
        foreach (string id in diff.OnlyBefore) _terminal.Detail($"only in the first   {id}");
        foreach (string id in diff.OnlyAfter) _terminal.Detail($"only in the second  {id}");
        int missing = diff.OnlyBefore.Count + diff.OnlyAfter.Count;
        if (missing > 0) _terminal.Note($"{missing} times are in one of the reports only (--verbose lists them)");
    }
}
