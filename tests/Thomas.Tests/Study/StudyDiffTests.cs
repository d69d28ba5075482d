using System;
using System.Collections.Generic;
using System.Linq;
using Thomas.App.Studies;
using Thomas.Study;
using Xunit;

namespace Thomas.Tests.Study;

public sealed class StudyDiffTests
{
    [Fact]
    public void A_slowdown_beyond_the_noise_is_found_and_another_clock_is_not_one()
    {
        StudyReport before = Report(Cell("a", 1, 100), Cell("b", 1, 100), Cell("c", 1, 100), Cell("d", 1, 100));
        StudyReport after = Report(
            Cell("a", 1.1, 100),

            // The whole machine is slower: the loop beside it says so.
            Cell("b", 1.25, 80),
            Cell("c", 0.9, 100), Cell("e", 1, 100));
        StudyDiff diff = StudyDiff.Of(before, after);
        Assert.Equal([CellChange.Slower, CellChange.Same, CellChange.Faster], diff.Cells.Select(cell => cell.Change));
        Assert.Equal(1.1, diff.Cells[0].Ratio, 2);
        Assert.Equal(["Speed/step/d"], diff.OnlyBefore);
        Assert.Equal(["Speed/step/e"], diff.OnlyAfter);
    }

    [Fact]
    public void Noise_is_no_change()
    {
        int wrong = 0;
        for (ulong seed = 0; seed < 200; seed++)
        {
            StudyDiff diff = StudyDiff.Of(Report(Cell("a", 1, 100, seed)), Report(Cell("a", 1, 100, seed + 1000)));
            wrong += diff.Cells[0].Change == CellChange.Same ? 0 : 1;
        }

        Assert.InRange(wrong, 0, 10);
    }

    [Fact]
    public void Threads_and_other_devices_are_shown_and_not_judged()
    {
        TimingCell two = Cell("a", 1, 100) with { Threads = 2 }, gpu = Cell("b", 1, 100) with { Device = "opencl:0" };
        TimingCell few = Cell("c", 1, 100) with { Samples = [new TimingSample(1, 100)] }, compile = Cell("d", 1, 100) with { Stage = TimingCell.Compile };
        StudyReport before = Report(two, gpu, few, compile);
        StudyReport after = Report([.. before.Timings.Select(Twice)]);
        StudyDiff diff = StudyDiff.Of(before, after);
        Assert.All(diff.Cells, cell => Assert.Equal((CellChange.Shown, 2.0), (cell.Change, Math.Round(cell.Ratio, 6))));
    }

    [Fact]
    public void What_else_differs_is_said()
    {
        StudyReport before = Report(Cell("a", 1, 100));
        StudyReport after = before with { Header = before.Header with { Processor = "Other", Commit = "0123", IsComplete = false } };
        string[] notes = [.. StudyDiff.Of(before, after).Notes];
        Assert.Contains(notes, note => note.Contains("Other", StringComparison.Ordinal));
        Assert.Contains(notes, note => note.StartsWith("commit", StringComparison.Ordinal));
        Assert.Contains(notes, note => note.Contains("interrupted", StringComparison.Ordinal));
    }

    private static TimingCell Twice(TimingCell cell) => cell with { Samples = [.. cell.Samples.Select(s => s with { Seconds = 2 * s.Seconds })] };

    private static TimingCell Cell(string name, double seconds, double gigaflops, ulong seed = 1)
    {
        Rng rng = new(seed);
        List<TimingSample> samples = [];
        for (int i = 0; i < 15; i++) samples.Add(new TimingSample(seconds * Math.Exp(0.02 * rng.Normal()), gigaflops, i / 5));
        return new TimingCell
        {
            Id = $"Speed/step/{name}",
            Experiment = "Speed",
            Stage = TimingCell.Step,
            Model = name,
            Policy = "all",
            Device = "cpu",
            Threads = 1,
            Batch = 8,
            Type = "float32",
            Switches = "",
            Samples = samples,
            Summary = SampleStatistics.Summarize(samples),
        };
    }

    private static StudyReport Report(params TimingCell[] cells) => new()
    {
        Schema = StudyReport.CurrentSchema,
        Kind = "bench",
        Title = "A study",
        Header = ReportHeaders.Create("thomas bench", 1) with { IsComplete = true },
        Timings = cells,
    };
}
