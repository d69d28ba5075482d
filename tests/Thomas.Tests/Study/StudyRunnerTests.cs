using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using Thomas.App.Studies;
using Thomas.Imaging;
using Thomas.Runtime;
using Thomas.Study;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Study;

/// <summary>A small study in all its parts: what is in the report, and that a cancelled or killed one goes on.</summary>
public sealed class StudyRunnerTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("thomas-study").FullName;

    private static StudyPlan Plan => new()
    {
        Title = "Small",
        Visits = 2,
        Rounds = 3,
        SecondsEach = 0.2,
        Experiments =
        [
            new StudyExperiment
            {
                Title = "Speed",
                Measure = [StudyExperiment.TimesMeasure, StudyExperiment.KernelsMeasure],
                Models = ["lenet5"],
                Policies = [StudyExperiment.Inference, "last", "all"],
                Devices = ["serial", "cpu"],
                Threads = [1, 2],
                Batches = [2],
            },
            new StudyExperiment
            {
                Title = "Letters",
                Measure = [StudyExperiment.AccuracyMeasure, StudyExperiment.DataMeasure],
                Models = [StudySources.DigitsModel],
                Data = [StudySources.DrawnLetters],
                Policies = ["last", "scratch"],
                Epochs = 1,
                Compare = ["missing.onnx"],
            },
        ],
    };

    [Fact]
    public void Types_of_numbers_are_measured_where_they_mean_something()
    {
        StudyExperiment speed = Plan.Experiments[0] with
        {
            Measure = [StudyExperiment.TimesMeasure],
            Policies = [StudyExperiment.Inference, "last:2", "all"],
            Devices = ["serial", "cpu"],
            Threads = [1],
            Types = StudyExperiment.KnownTypes,
        };
        StudyReport report = Run(Plan with { Experiments = [speed] }, resume: false);
        IEnumerable<TimingCell> cells = report.Timings.Where(cell => cell.Stage is TimingCell.Step or TimingCell.Inference);
        string[] steps = [.. cells.Select(cell => $"{cell.Policy} {cell.Device} {cell.Type}").Order()];
        Assert.Equal(
            ["all cpu float32", "all cpu half", "all cpu int8", "all serial float32", "inference cpu float32", "inference cpu int8", "inference serial float32",
                "last:2 cpu float32", "last:2 cpu frozen", "last:2 cpu half", "last:2 cpu int8", "last:2 serial float32"],
            steps);
        Assert.Contains(report.Absent, cell => cell.Reason.Contains("no part of lenet5 is frozen", StringComparison.Ordinal));
        Assert.Contains(report.Absent, cell => cell.Reason.Contains("keeps nothing for a backward pass", StringComparison.Ordinal));
    }

    [Fact]
    public void All_parts_are_measured()
    {
        StudyReport report = Run(Plan, resume: false);
        Assert.True(report.Header.IsComplete);
        Assert.Equal(report.Timings.Count, report.Timings.Select(cell => cell.Id).Distinct().Count());
        Assert.All(report.Timings, cell => Assert.All(cell.Samples, sample => Assert.True(sample.Seconds > 0 && sample.Gigaflops > 0, cell.Id)));

        // Three devices (serial, one thread, two), three policies: compile, first and later steps each.
        Assert.Equal(27, report.Timings.Count(cell => cell.Experiment == "Speed"));
        TimingCell step = Find(report, TimingCell.Step, "all", "cpu", 1), serial = Find(report, TimingCell.Step, "all", "serial", 1);

        // A cell that had its time in the first visit, on a busy machine, is not visited again.
        int[] visits = [.. step.Samples.Select(sample => sample.Visit).Distinct()];
        Assert.True(visits is [0, 1] || (visits is [0] && Taken(report, "all", "cpu", 1) > Plan.SecondsEach), string.Join(", ", visits));
        Assert.Equal(serial.Summary.Median / step.Summary.Median, step.OverSerial!.Ratio, 9);
        Assert.Null(serial.OverSerial);
        Assert.NotNull(Find(report, TimingCell.Step, "all", "cpu", 2).OverOneThread);
        Assert.True(Find(report, TimingCell.Inference, "inference", "cpu", 1).MultiplyAdds > 0);

        AccuracyRun tuned = Assert.Single(report.Accuracies, run => run.Policy == "last");
        AccuracyRun scratch = Assert.Single(report.Accuracies, run => run.Policy == "scratch");
        Assert.True(tuned.After!.Accuracy > 0.3, "a tenth would be chance");
        Assert.Single(scratch.Epochs);
        Assert.Equal(200, scratch.After!.Images);
        Assert.Contains(report.Timings, cell => cell.Stage == TimingCell.Prepare && cell.Data == StudySources.DrawnLetters);
        AbsentCell missing = Assert.Single(report.Absent, cell => cell.What.Contains("missing.onnx", StringComparison.Ordinal));
        Assert.Contains("not given", missing.Reason, StringComparison.Ordinal);
        Assert.Contains(report.Absent, cell => cell.What.Contains("/decode/", StringComparison.Ordinal));
    }

    [Fact]
    public void Kernel_kinds_are_the_whole_step()
    {
        StudyReport report = Run(Plan with { Experiments = [Plan.Experiments[0] with { Devices = ["cpu"], Threads = [1] }] }, resume: false);
        KernelProfile all = Assert.Single(report.Kernels, k => k is { Policy: "all", Device: "cpu", Threads: 1 });
        string[] kinds = [.. all.Parts.Select(part => part.Kind)];
        Assert.Equal([.. KernelProfile.Kinds.Where(kinds.Contains)], kinds);
        Assert.Superset(
            new HashSet<string>
            {
                KernelKinds.ForwardConvolution, KernelKinds.ForwardDense, KernelKinds.Pooling, KernelKinds.Loss, KernelKinds.BackwardData,
                KernelKinds.WeightGradient, KernelKinds.PoolingBackward, KernelKinds.Update, KernelKinds.NonKernel,
            },
            kinds.ToHashSet());
        KernelProfile last = Assert.Single(report.Kernels, k => k is { Policy: "last", Device: "cpu", Threads: 1 });
        Assert.DoesNotContain(last.Parts, part => part.Kind is KernelKinds.BackwardData or KernelKinds.PoolingBackward);
        KernelProfile inference = Assert.Single(report.Kernels, k => k is { Policy: "inference", Device: "cpu", Threads: 1 });
        Assert.DoesNotContain(inference.Parts, part => part.Kind is KernelKinds.WeightGradient or KernelKinds.Update);
    }

    [Theory]
    [InlineData("scratch", BatchNormMode.Live)]
    [InlineData("all", BatchNormMode.Frozen)]
    public void A_step_normalizes_as_training_does(string policy, BatchNormMode expected) =>
        Assert.Equal(expected, TimingUnit.StepOptions(policy, 8, new CompileOptions()).BatchNorm);

    [Fact]
    public void A_cancelled_study_goes_on_and_measures_nothing_twice()
    {
        StudyPlan plan = Plan with { Experiments = [Plan.Experiments[0] with { Devices = ["cpu"] }] };
        StudyReport part = Run(plan, resume: false, stopAfter: 3);
        Assert.False(part.Header.IsComplete);
        Assert.NotEmpty(part.Timings);
        StudyReport whole = Run(plan, resume: true);
        Assert.True(whole.Header.IsComplete);
        foreach (TimingCell cell in part.Timings)
        {
            TimingCell same = whole.Timings.Single(other => other.Id == cell.Id);
            Assert.Equal(cell.Samples, same.Samples.Take(cell.Samples.Count));
            Assert.All(same.Samples.GroupBy(sample => sample.Visit), visit => Assert.True(visit.Count() <= Plan.Rounds));
        }

        Assert.False(File.Exists(Path.Combine(_folder, StudyJournal.FileName)));
    }

    /// <summary>A kill leaves the journal cut anywhere: all whole lines count, the rest is measured again.</summary>
    [Fact]
    public void A_journal_that_was_cut_anywhere_loses_one_visit_at_most()
    {
        Run(Plan with { Experiments = [Plan.Experiments[0] with { Policies = ["all"] }] }, resume: false, stopAfter: 3);
        string path = Path.Combine(_folder, StudyJournal.FileName);
        byte[] whole = File.ReadAllBytes(path);
        int[] ends = [.. Enumerable.Range(0, whole.Length).Where(i => whole[i] == (byte)'\n')];
        for (int length = ends[0] + 1; length <= whole.Length; length += 97)
        {
            File.WriteAllBytes(path, whole[..length]);
            using StudyJournal journal = StudyJournal.Open(_folder);
            Assert.Equal(ends.Count(end => end < length) - 1, journal.Entries.Count);
        }

        File.WriteAllBytes(path, whole[..ends[0]]);
        Assert.Contains("empty", Assert.Throws<DataException>(() => StudyJournal.Open(_folder)).Message, StringComparison.Ordinal);
        File.WriteAllText(path, "{}\n");
        Assert.Contains("damaged in line 1", Assert.Throws<DataException>(() => StudyJournal.Open(_folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_journal_is_written_by_one_program_at_a_time()
    {
        using StudyJournal journal = StudyJournal.Create(_folder, Origin(Plan));
        Assert.Throws<DataException>(() => StudyJournal.Open(_folder));
        Assert.Throws<OutputException>(() => StudyJournal.Create(_folder, Origin(Plan)));
    }

    [Fact]
    public void Another_study_or_machine_does_not_go_on()
    {
        StudyOrigin origin = Origin(Plan);
        Assert.Null(origin.Differs(Origin(Plan)));
        Assert.Contains("something else", origin.Differs(Origin(Plan with { Rounds = 4 })), StringComparison.Ordinal);
        Assert.Contains("begun on", origin.Differs(origin with { Header = origin.Header with { Processor = "another" } }), StringComparison.Ordinal);
        Assert.Contains("begun by", origin.Differs(origin with { Header = origin.Header with { Commit = "other" } }), StringComparison.Ordinal);
        Assert.NotNull(origin.Differs(origin with { Names = new Dictionary<string, string> { ["a"] = "b" } }));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static TimingCell Find(StudyReport report, string stage, string policy, string device, int threads) =>
        report.Timings.Single(cell => cell.Stage == stage && cell.Policy == policy && cell.Device == device && cell.Threads == threads);

    private static double Taken(StudyReport report, string policy, string device, int threads) =>
        Find(report, TimingCell.FirstStep, policy, device, threads).Samples.Sum(sample => sample.Seconds)
        + Find(report, TimingCell.Step, policy, device, threads).Samples.Sum(sample => Math.Max(sample.Seconds, 0.02));

    private static StudyOrigin Origin(StudyPlan plan) => new(plan.ToJson(), ReportHeaders.Create("thomas bench", 1), new Dictionary<string, string>());

    private StudySources Sources() => new(1, _folder, new Dictionary<string, string>(), new SkiaImageDecoder()) { DigitsToLearn = 500, ToTest = 200 };

    private StudyReport Run(StudyPlan plan, bool resume, int stopAfter = int.MaxValue)
    {
        using CancellationTokenSource cancellation = new();
        using StudyJournal journal = resume ? StudyJournal.Open(_folder) : StudyJournal.Create(_folder, Origin(plan));
        using StudyContext context = new(plan, Sources(), null);
        StudyReport report = new StudyRunner(context, journal).Run(new StopAt(stopAfter, cancellation), cancellation.Token);
        if (report.Header.IsComplete) journal.Delete();
        return report;
    }

    private sealed class StopAt(int visits, CancellationTokenSource cancellation) : IProgress<StageProgress>
    {
        public void Report(StageProgress value)
        {
            if (value.Done >= visits) cancellation.Cancel();
        }
    }
}
