using System;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Threading;
using Thomas.App.Studies;
using Thomas.Study;
using Xunit;

namespace Thomas.Tests.Cli;

/// <summary><c>--report</c> of <c>tune</c> and <c>train</c>.</summary>
public sealed class ReportTests : IDisposable
{
    private readonly CliFixture _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData("last", "cpu")]
    [InlineData("all", "serial")]
    public void Tune_reports_what_it_says(string update, string device)
    {
        string folder = _files["my report"], data = _files.Data(perClass: 8);
        string[] args = [
            "tune", _files.Model(), "--data", data, "-o", _files["out.onnx"], "--no-cache", "--epochs", "3", "--update", update, "--device", device, "--seed",
            "5", "--json", "--report", folder];
        CliRun run = CliRun.Of(args);
        Assert.True(run.Code == 0, run.Error);
        JsonElement json = run.Json();
        Assert.Equal(folder, json.GetProperty("reportFolder").GetString());
        StudyReport report = ReportFile.Read(folder);
        Assert.Equal(("tune", "tiny, tuned on data", true, 5UL), (report.Kind, report.Title, report.Header.IsComplete, report.Header.Seed));
        Assert.Equal(ReportHeaders.CommandLine(args), report.Header.Command);
        Assert.Contains("'", report.Header.Command, StringComparison.Ordinal);
        AccuracyRun result = Assert.Single(report.Accuracies);
        Assert.Equal(("tiny", "data", update, device, 5UL), (result.Model, result.Data, result.Policy, result.Device, result.Seed));
        Assert.Equal(json.GetProperty("before").GetProperty("accuracy").GetDouble(), result.Before!.Accuracy);
        Assert.Equal(json.GetProperty("after").GetProperty("correct").GetInt32(), result.After!.Correct);
        Assert.Equal(json.GetProperty("bestEpoch").GetInt32(), result.BestEpoch);
        Assert.Equal(json.GetProperty("epochs").GetArrayLength(), result.Epochs.Count);
        Assert.Equal(update == "all", result.AfterLastLayer is not null);
        Assert.Equal(["blue", "green", "red"], result.Labels);
        Assert.Equal(
            json.GetProperty("stages").EnumerateArray().Select(stage => stage.GetProperty("name").GetString()), report.Stages.Select(stage => stage.Name));
        Assert.InRange(report.Header.Seconds, report.Stages.Sum(stage => stage.Seconds) * 0.5, 600);
        Assert.Equal(1 + result.Epochs.Count, File.ReadAllLines(Path.Combine(folder, "metrics.csv")).Length);
        Assert.Contains("tiny, tuned on data", File.ReadAllText(Path.Combine(folder, "report.html")), StringComparison.Ordinal);
    }

    [Fact]
    public void Train_reports_test_images_too()
    {
        string folder = _files["report"], data = _files.Data(perClass: 6);
        foreach (string color in CliFixture.Colors)
        {
            foreach ((string part, int from, int to) in new[] { ("train", 0, 3), ("val", 3, 5), ("test", 5, 6) })
            {
                Directory.CreateDirectory(_files["split", part, color]);
                for (int i = from; i < to; i++) File.Copy(Path.Combine(data, color, $"{i:00}.png"), _files["split", part, color, $"{i:00}.png"]);
            }
        }

        CliRun run = CliRun.Of(
            "train", "lenet5", "--rgb", "--size", "20", "--data", _files["split"], "-o", _files["out.onnx"], "--no-cache", "--epochs", "2", "--report", folder);
        Assert.True(run.Code == 0, run.Error);
        Assert.Contains("report.html", run.Out, StringComparison.Ordinal);
        StudyReport report = ReportFile.Read(folder);
        AccuracyRun result = Assert.Single(report.Accuracies);
        Assert.Equal(("train", "lenet5", "scratch", 9, 2), (report.Kind, result.Model, result.Policy, result.TrainingImages, result.Epochs.Count));
        Assert.Equal((6, 3), (result.After!.Images, result.Test!.Images));
        Assert.Contains(report.Notes, note => note.StartsWith("A training step of the network took", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("tune")]
    [InlineData("train")]
    public void A_cancelled_run_reports_what_there_is(string command)
    {
        string folder = _files["report"], data = _files.Data(perClass: 8);
        using CancellationTokenSource cancellation = new();
        string[] model = command == "tune" ? [_files.Model(), "--update", "all"] : ["lenet5", "--rgb", "--size", "20"];
        string[] args = [command, .. model, "--data", data, "-o", _files["out.onnx"], "--no-cache", "--epochs", "500", "--patience", "500", "--report", folder];
        int epochs = 0;
        CliRun run = CliRun.Of(
            args,
            line =>
            {
                if (line.TrimStart().StartsWith("validate", StringComparison.Ordinal) && ++epochs == 6) cancellation.Cancel();
            },
            cancellation.Token);
        Assert.True(run.Code == 130, $"{run.Code} {run.Error}");
        StudyReport report = ReportFile.Read(folder);
        Assert.False(report.Header.IsComplete);
        AccuracyRun result = Assert.Single(report.Accuracies);
        Assert.NotNull(result.After);
        Assert.InRange(result.Epochs.Count, 1, 499);
        Assert.Contains("not complete", File.ReadAllText(Path.Combine(folder, "report.md")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_of_other_things_is_refused_before_the_work()
    {
        string data = _files.Data(perClass: 6);
        CliRun run = CliRun.Of("tune", _files.Model(), "--data", data, "-o", _files["out.onnx"], "--no-cache", "--report", data);
        Assert.Equal(5, run.Code);
        Assert.Contains("holds other files and no report", run.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(_files["out.onnx"]));
    }
}
