using System;
using System.Collections.Generic;
using System.Linq;
using Thomas.App.Studies;
using Thomas.Study;
using Xunit;

namespace Thomas.Tests.Docs;

public sealed class StudyHistoryTests
{
    [Fact]
    public void A_machine_has_a_column_for_each_report_of_it_in_the_order_of_their_dates()
    {
        // Given in the wrong order; the clock of the second day is a fifth slower, and the program a quarter faster.
        StudyReport second = Report(2, "bbbbbbbbcccc", Cell("lenet5", "all", "cpu", 1, 0.0096, 80)), first = Report(
            1, "aaaaaaaabbbb", Cell("lenet5", "all", "cpu", 1, 0.0102, 100), Cell("lenet5", "all", "opencl:0", 4, 0.002, 100));
        string[] lines = Lines(StudyHistory.Of([second, first]));
        Assert.Equal("**A processor, 4 processors; A device, batch 8**", lines[0]);
        Assert.Equal("| Model | Work | Device | 2026-11-01, aaaaaaaa | 2026-11-02, bbbbbbbb |", lines[1]);
        Assert.StartsWith("| lenet5 | step, all | cpu, 1 thread | 10.2 ms | 9.60 ms: 0.753 × (", lines[3], StringComparison.Ordinal);
        Assert.EndsWith("), faster |", lines[3], StringComparison.Ordinal);
        Assert.Equal("| lenet5 | step, all | opencl:0 | 2.00 ms | – |", lines[4]);
        Assert.Equal(5, lines.Length);
    }

    [Fact]
    public void Equal_work_of_another_experiment_is_compared_and_devices_are_not_judged()
    {
        StudyReport first = Report(1, "aaaaaaaa", Cell("mobilenet-v2", "inference", "cpu", 1, 0.05, 100), Cell("lenet5", "all", "opencl:0", 4, 0.002, 100));
        StudyReport second = Report(
            2, "bbbbbbbb",
            Cell("mobilenet-v2", "inference", "cpu", 1, 0.05, 100) with { Id = "Other/inference/mobilenet-v2", Experiment = "Other" },
            Cell("lenet5", "all", "opencl:0", 4, 0.003, 100));
        string[] lines = Lines(StudyHistory.Of([first, second]));
        Assert.Equal("| lenet5 | step, all | opencl:0 | 2.00 ms | 3.00 ms: 1.50 ×, not judged |", lines[3]);
        Assert.StartsWith("| mobilenet-v2 | inference | cpu, 1 thread | 50.0 ms | 50.0 ms: 1.00 × (", lines[4], StringComparison.Ordinal);
        Assert.EndsWith("), same |", lines[4], StringComparison.Ordinal);
    }

    [Fact]
    public void Other_machines_have_tables_of_their_own_and_other_times_are_left_out()
    {
        TimingCell cell = Cell("lenet5", "all", "cpu", 1, 0.01, 100);
        StudyReport here = Report(1, "aaaaaaaa", cell, cell with { Threads = 2 }, cell with { Batch = 32 }, cell with { Switches = "without=fold-constants" });
        StudyReport there = Report(2, "aaaaaaaa", cell);
        there = there with { Header = there.Header with { Processor = "Another" } };
        StudyReport peers = Report(3, "aaaaaaaa", Cell("mnist.onnx", "inference", "cpu", 1, 0.01, 100));
        string[] lines = Lines(StudyHistory.Of([here, there, peers]));
        Assert.Equal(["**A processor", "**Another"], lines.Where(line => line.StartsWith("**", StringComparison.Ordinal)).Select(line => line.Split(',')[0]));
        Assert.Equal(2, lines.Count(line => line.StartsWith("| lenet5", StringComparison.Ordinal)));
        Assert.Equal("", StudyHistory.Of([peers]));
    }

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static StudyReport Report(int day, string commit, params TimingCell[] cells) => new()
    {
        Schema = StudyReport.CurrentSchema,
        Kind = "bench",
        Title = "A study",
        Header = ReportHeaders.Create("thomas bench", 1, new ReportDevice("opencl:0", "A device", "1", "A platform")) with
        {
            Began = new DateTimeOffset(2026, 11, day, 12, 0, 0, TimeSpan.Zero),
            Commit = commit,
            Processor = "A processor",
            Processors = 4,
            IsComplete = true,
        },
        Timings = cells,
    };

    private static TimingCell Cell(string model, string policy, string device, int threads, double seconds, double gigaflops)
    {
        string stage = policy == StudyExperiment.Inference ? TimingCell.Inference : TimingCell.Step;
        List<TimingSample> samples = [.. Enumerable.Range(0, 15).Select(i => new TimingSample(seconds * (1 + (0.001 * (i - 7))), gigaflops, i / 5))];
        return new TimingCell
        {
            Id = $"Speed/{stage}/{model}/{policy}/8/{device}/{threads}/float32/",
            Experiment = "Speed",
            Stage = stage,
            Model = model,
            Policy = policy,
            Device = device,
            Threads = threads,
            Batch = 8,
            Type = "float32",
            Switches = "",
            Samples = samples,
            Summary = SampleStatistics.Summarize(samples),
        };
    }
}
