using System;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Threading;
using Thomas.Cli;
using Thomas.Tests.Data;
using Xunit;

namespace Thomas.Tests.Cli;

public sealed class CheckTests : IDisposable
{
    private readonly CliFixture _fixture = new();

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public void A_sound_set_exits_with_0()
    {
        CliRun run = CliRun.Of("check", Sound());
        Assert.Equal(ExitCode.Success, run.Code);
        Assert.Contains("160 images of 2 classes (80 training, 80 validation)", run.Out, StringComparison.Ordinal);
        Assert.Contains("nothing found", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void Warnings_exit_with_9_and_notes_with_0()
    {
        string data = Sound();
        File.WriteAllText(_fixture["data", "train", "a", "x.ppm"], "P6");
        CliRun notes = CliRun.Of("check", data);
        Assert.Equal(ExitCode.Success, notes.Code);
        Assert.Contains("0 warnings, 1 note", notes.Out, StringComparison.Ordinal);
        File.Copy(_fixture["data", "train", "a", "0.jpg"], _fixture["data", "val", "a", "copy.jpg"]);
        CliRun warned = CliRun.Of("check", data);
        Assert.Equal(ExitCode.Findings, warned.Code);
        Assert.Contains("warning: 1 of 81 validation images is in another part too", warned.Out, StringComparison.Ordinal);
        string pair = $"  {Path.Combine("train", "a", "0.jpg")} and {Path.Combine("val", "a", "copy.jpg")}: the same file in training and validation";
        Assert.Contains(pair, warned.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void Long_lists_are_cut_and_the_report_has_all()
    {
        string data = Sound();
        for (int i = 0; i < 17; i++) File.Copy(_fixture["data", "train", "a", $"{i}.jpg"], _fixture["data", "val", "b", $"copy{i}.jpg"]);
        string report = _fixture["findings.csv"];
        CliRun run = CliRun.Of("check", data, "--report", report);
        Assert.Contains("and 12 more", run.Out, StringComparison.Ordinal);
        string[] lines = File.ReadAllLines(report);
        Assert.Equal("finding,kind,severity,match,path,label,part,message", lines[0]);
        Assert.Equal(1 + (17 * 2 * 2), lines.Length);
        Assert.Equal($"1,two-labels,warning,bytes,{_fixture["data", "train", "a", "0.jpg"]},a,train,\"the same file, labeled 'a' and 'b'\"", lines[1]);
        Assert.Contains(lines, line => line.StartsWith("18,across-parts,warning,bytes,", StringComparison.Ordinal));
        Assert.DoesNotContain("more", CliRun.Of("check", data, "--verbose").Out, StringComparison.Ordinal);
    }

    [Fact]
    public void Json_is_all_of_standard_output()
    {
        string data = Sound();
        File.Copy(_fixture["data", "train", "a", "0.jpg"], _fixture["data", "train", "b", "copy.jpg"]);
        CliRun run = CliRun.Of("check", data, "--json");
        JsonElement json = run.Json(), finding = json.GetProperty("findings").EnumerateArray().Single();
        Assert.Equal((ExitCode.Findings, 161, 1, true), (
            run.Code, json.GetProperty("images").GetInt32(), json.GetProperty("warnings").GetInt32(), json.GetProperty("isComplete").GetBoolean()));
        Assert.Equal(("two-labels", "warning", "bytes"), (
            finding.GetProperty("kind").GetString(), finding.GetProperty("severity").GetString(), finding.GetProperty("match").GetString()));
        JsonElement image = finding.GetProperty("images")[1];
        Assert.Equal((_fixture["data", "train", "b", "copy.jpg"], "b", "train"), (
            image.GetProperty("path").GetString(), image.GetProperty("label").GetString(), image.GetProperty("part").GetString()));
    }

    [Fact]
    public void A_model_adds_doubtful_labels_and_small_images()
    {
        string data = _fixture.Data(perClass: 40);
        CliFixture.Image(_fixture["data", "red", "wrong.png"], 0, 999);
        CliRun run = CliRun.Of("check", data, "--model", _fixture.Model(), "--no-cache");
        Assert.Contains("1 image may carry the wrong label", run.Out, StringComparison.Ordinal);
        Assert.Contains("wrong.png: labeled 'red', looks like 'blue'", run.Out, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Findings, run.Code);
    }

    [Fact]
    public void Wrong_arguments_are_named()
    {
        string data = Sound();
        Assert.Equal(ExitCode.Data, CliRun.Of("check", _fixture["nothing"]).Code);
        Assert.Equal(ExitCode.Usage, CliRun.Of("check", data, "--report", _fixture["x.txt"]).Code);
        Assert.Equal(ExitCode.Usage, CliRun.Of("check", data, "--background", "gray").Code);
        Assert.Equal(ExitCode.Output, CliRun.Of("check", data, "--report", _fixture["missing", "x.csv"]).Code);
    }

    [Fact]
    public void Cancelling_writes_nothing()
    {
        string data = Sound(), report = _fixture["findings.csv"];
        using CancellationTokenSource cancel = new();
        cancel.Cancel();
        CliRun run = CliRun.Of(["check", data, "--report", report], null, cancel.Token);
        Assert.Equal((ExitCode.Cancelled, ""), (run.Code, run.Out));
        Assert.False(File.Exists(report));
    }

    [Theory]
    [InlineData("tune")]
    [InlineData("train")]
    [InlineData("evaluate")]
    public void Copies_and_conflicts_are_told_unasked(string command)
    {
        for (int c = 0; c < 3; c++)
        {
            string color = CliFixture.Colors[c];
            for (int i = 0; i < 8; i++)
            {
                CliFixture.Image(_fixture["data", "train", color, $"{i}.png"], c, (ulong)((c * 1000) + i));
                CliFixture.Image(_fixture["data", "val", color, $"{i}.png"], c, (ulong)((c * 1000) + 500 + i));
            }
        }

        File.Copy(_fixture["data", "train", "red", "0.png"], _fixture["data", "val", "red", "copy.png"]);
        File.Copy(_fixture["data", "val", "blue", "1.png"], _fixture["data", "val", "green", "other.png"]);
        string[] labels = ["--labels", _fixture["labels.txt"]];
        File.WriteAllLines(_fixture["labels.txt"], [.. CliFixture.Colors, "none"]);
        string[] args = command switch
        {
            "tune" => ["tune", _fixture.Model(), "-o", _fixture["out.onnx"]],
            "train" => ["train", "lenet5", "-o", _fixture["out.onnx"], "--epochs", "1", "--rgb"],
            _ => ["evaluate", _fixture.Model(), .. labels],
        };
        foreach (string cache in (string[])["first", "again"])
        {
            CliRun run = CliRun.Of([.. args, "--data", _fixture["data"], "--cache-dir", _fixture["cache"], "-q"]);
            Assert.Equal(ExitCode.Success, run.Code);
            Assert.Contains("warning: 1 of 26 validation images is a training image too (", run.Error, StringComparison.Ordinal);
            Assert.Contains("warning: 1 image has more than one label (", run.Error, StringComparison.Ordinal);
            Assert.Equal(2, run.Error.Split("'check' lists them").Length - 1);
        }
    }

    [Fact]
    public void A_background_is_stored_and_used_again()
    {
        string model = _fixture.Model(), data = _fixture.Data(), tuned = _fixture["tuned.onnx"];
        CliRun run = CliRun.Of("tune", model, "--data", data, "-o", tuned, "--background", "#204060", "--cache-dir", _fixture["cache"], "--json");
        Assert.Equal("#204060", run.Json().GetProperty("preprocessing").GetProperty("background").GetString());
        JsonElement again = CliRun.Of("classify", tuned, _fixture["data", "red", "00.png"], "--json").Json();
        Assert.Equal("#204060", again.GetProperty("preprocessing").GetProperty("background").GetString());
        CliRun wrong = CliRun.Of("classify", tuned, _fixture["data", "red", "00.png"], "--background", "pink");
        Assert.Equal(ExitCode.Usage, wrong.Code);
        Assert.Contains("must be white, black, gray", wrong.Error, StringComparison.Ordinal);
    }

    private string Sound()
    {
        foreach (string part in (string[])["train", "val"])
        {
            foreach (string name in (string[])["a", "b"])
            {
                ulong offset = (part == "val" ? 200UL : 100UL) + (name == "b" ? 50UL : 0);
                for (ulong i = 0; i < 40; i++) Scenes.Save(_fixture["data", part, name, $"{i}.jpg"], Scenes.Draw(offset + i, 60, 45));
            }
        }

        return _fixture["data"];
    }
}
