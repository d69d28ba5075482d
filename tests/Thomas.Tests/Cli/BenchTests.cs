using System;
using System.IO;
using System.Linq;
using System.Threading;
using Thomas.App.Studies;
using Thomas.Study;
using Xunit;

namespace Thomas.Tests.Cli;

/// <summary><c>thomas bench</c> as its users run it: a study, an interrupted one, a comparison.</summary>
public sealed class BenchTests : IDisposable
{
    private const string Study =
        """
        {
          "title": "Tiny", "visits": 2, "rounds": 3, "secondsEach": 0.1,
          "experiments": [
            { "title": "Speed", "measure": ["times", "kernels"], "models": ["lenet5"], "policies": ["inference", "all"], "threads": [1], "batches": [2],
              "devices": ["cpu", "opencl:250"] },
            { "title": "Data", "measure": ["data"], "models": ["lenet5"], "data": ["mine"] }
          ]
        }
        """;

    // More than a cancelled run does, also on a busy machine, where cells have had their time after fewer visits.
    private static readonly string Long = Study
        .Replace("\"visits\": 2", "\"visits\": 6", StringComparison.Ordinal).Replace("\"secondsEach\": 0.1", "\"secondsEach\": 1", StringComparison.Ordinal);

    private readonly string _folder = Directory.CreateTempSubdirectory("thomas-bench").FullName;

    [Fact]
    public void A_study_writes_its_report_and_shows_it()
    {
        CliRun run = CliRun.Of("bench", Plan(), "-o", At("out"), "--no-cache");
        Assert.Equal(0, run.Code);
        foreach (string file in ReportFolder.Files(At("out"))) Assert.True(new FileInfo(file).Length > 0, file);
        Assert.False(File.Exists(Path.Combine(At("out"), StudyJournal.FileName)));
        Assert.Contains("lenet5", run.Out, StringComparison.Ordinal);
        StudyReport report = ReportFile.Read(At("out"));
        Assert.True(report.Header.IsComplete);
        Assert.Contains(report.Absent, cell => cell.What == "opencl:250 float32");
        Assert.Contains(report.Absent, cell => cell.Reason.Contains("--data mine=PATH", StringComparison.Ordinal));
        CliRun shown = CliRun.Of("bench", "show", At("out"));
        Assert.Equal(0, shown.Code);
        Assert.Contains(shown.Out.Trim(), run.Out, StringComparison.Ordinal);
        Assert.Equal(1, CliRun.Of("bench", "show", At("out"), "--json").Json().GetProperty("schema").GetInt32());
    }

    [Fact]
    public void A_cancelled_study_keeps_what_it_has_and_goes_on_with_resume()
    {
        using CancellationTokenSource cancellation = new();
        string[] args = ["bench", Plan(), "-o", At("out"), "--no-cache", "--json"];
        File.WriteAllText(Plan(), Long);
        using Timer timer = new(_ => CancelAfterTheFirstVisit(cancellation), null, 0, 20);
        CliRun stopped = CliRun.Of(args, null, cancellation.Token);
        Assert.Equal(130, stopped.Code);
        Assert.Contains("--resume goes on", stopped.Error, StringComparison.Ordinal);
        Assert.False(stopped.Json().GetProperty("isComplete").GetBoolean());
        Assert.False(ReportFile.Read(At("out")).Header.IsComplete);

        CliRun again = CliRun.Of(args);
        Assert.Equal(5, again.Code);
        Assert.Contains("goes on with it with --resume", again.Error, StringComparison.Ordinal);

        File.WriteAllText(At("study.json"), Long.Replace("\"rounds\": 3", "\"rounds\": 4", StringComparison.Ordinal));
        CliRun other = CliRun.Of([.. args, "--resume"]);
        Assert.Equal(2, other.Code);
        Assert.Contains("measures something else", other.Error, StringComparison.Ordinal);

        File.WriteAllText(At("study.json"), Long);
        CliRun resumed = CliRun.Of([.. args, "--resume"]);
        Assert.Equal(0, resumed.Code);
        Assert.True(ReportFile.Read(At("out")).Header.IsComplete);
        Assert.Equal(5, CliRun.Of([.. args, "--resume"]).Code);
    }

    [Fact]
    public void A_slower_report_gives_exit_code_10()
    {
        Assert.Equal(0, CliRun.Of("bench", Plan(), "-o", At("a"), "--no-cache", "-q").Code);
        StudyReport report = ReportFile.Read(At("a"));
        ReportFolder.Write(With(report, 1), At("a"));
        ReportFolder.Write(With(report, 1.1), At("b"));
        CliRun same = CliRun.Of("bench", "diff", At("a"), At("a"), "--all");
        Assert.Equal(0, same.Code);
        Assert.Contains("0 slower, 0 faster, 2 the same of 2 times of one thread", same.Out, StringComparison.Ordinal);
        CliRun diff = CliRun.Of("bench", "diff", At("a"), At("b"), "--json");
        Assert.Equal(10, diff.Code);
        Assert.Equal(2, diff.Json().GetProperty("slower").GetInt32());
        Assert.Equal(0, CliRun.Of("bench", "diff", At("b"), At("a")).Code);
    }

    [Fact]
    public void A_printed_preset_is_a_study()
    {
        CliRun print = CliRun.Of("bench", "--preset", "standard", "--print");
        Assert.Equal(0, print.Code);
        Assert.Equal(StudyPresets.Get("standard").ToJson(), StudyPlan.Parse(print.Out, "printed").ToJson());
    }

    [Theory]
    [InlineData(2, "there is no", "bench", "--data", "mine=nowhere")]
    [InlineData(2, "it must be NAME=PATH", "bench", "--data", "mine")]
    [InlineData(2, "There is no preset 'fast'", "bench", "--preset", "fast")]
    [InlineData(2, "not both", "bench", "STUDY", "--preset", "quick")]
    [InlineData(2, "The study has no 'yours'", "bench", "STUDY", "--data", "yours=.")]
    [InlineData(5, "nothing to --resume", "bench", "STUDY", "--resume", "-o", "none")]
    [InlineData(4, "nowhere.json", "bench", "nowhere.json")]
    [InlineData(4, "none", "bench", "diff", "none", "none")]
    public void Mistakes_are_named(int code, string expected, params string[] args)
    {
        CliRun run = CliRun.Of([.. args.Select(arg => arg == "STUDY" ? Plan() : arg)]);
        Assert.Equal(code, run.Code);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_with_other_files_is_not_written_into()
    {
        Directory.CreateDirectory(At("out"));
        File.WriteAllText(Path.Combine(At("out"), "photo.txt"), "mine");
        Assert.Equal(5, CliRun.Of("bench", Plan(), "-o", At("out"), "--no-cache").Code);
        Assert.Equal(["photo.txt"], Directory.GetFiles(At("out")).Select(Path.GetFileName));
    }

    /// <summary>The report with times that are hardly noisy, and as many of them however busy the machine was.</summary>
    private static StudyReport With(StudyReport report, double seconds) => report with
    {
        Timings = [.. report.Timings.Select(
            cell => cell with { Samples = [.. Enumerable.Range(0, 6).Select(i => new TimingSample(seconds + (0.001 * i), 100))] })],
    };

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private void CancelAfterTheFirstVisit(CancellationTokenSource cancellation)
    {
        FileInfo journal = new(Path.Combine(At("out"), StudyJournal.FileName));

        // The first line says what is measured, and is shorter than the first visit with its samples.
        if (journal.Exists && journal.Length > 3000) cancellation.Cancel();
    }

    private string At(string name) => Path.Combine(_folder, name);

    private string Plan()
    {
        if (!File.Exists(At("study.json"))) File.WriteAllText(At("study.json"), Study);
        return At("study.json");
    }
}
