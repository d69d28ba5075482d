using System;
using System.IO;
using System.Linq;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Thomas.App.Studies;
using Thomas.Study;
using Thomas.Tests.Data;
using Xunit;

namespace Thomas.Tests.App.Studies;

/// <summary>Reports as folders: what is written, what may be replaced, what is refused on reading.</summary>
public sealed class ReportFolderTests : IDisposable
{
    private static readonly string[] Names = ["metrics.csv", "report.html", "report.json", "report.md"];

    private readonly TemporaryFolder _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData("rich")]
    [InlineData("hostile")]
    [InlineData("bare")]
    public void What_is_written_can_be_read_back(string which)
    {
        StudyReport report = SampleReports.Named(which);
        string folder = _files["report"];
        ReportFolder.Check(folder);
        Assert.False(Directory.Exists(folder));
        ReportFolder.Write(report, folder);
        Assert.Equal(Names, Directory.EnumerateFileSystemEntries(folder).Select(Path.GetFileName).Order());
        string expected = JsonSerializer.Serialize(report, StudyJson.Default.StudyReport);
        foreach (string path in (string[])[folder, Path.Combine(folder, "report.json")])
        {
            Assert.Equal(expected, JsonSerializer.Serialize(ReportFile.Read(path), StudyJson.Default.StudyReport));
        }
    }

    /// <summary>A class without images, or that nothing was taken for; epochs without validation images; more classes than a matrix is kept for.</summary>
    [Fact]
    public void What_is_missing_is_missing_when_it_is_read_back()
    {
        AccuracyRun run = SampleReports.Rich().Accuracies[0];
        AccuracyReport after = run.After! with { Classes = [new ClassMetricsReport("a", 0, 0, 0, null, null, null)], Confusion = null };
        AccuracyRun sparse = run with { After = after, Before = null, Joules = null, Epochs = [new EpochEntry(1, 0.1f, 2, 0.5, null, null, 1.5)] };
        StudyReport report = SampleReports.Bare() with { Accuracies = [sparse], Sensors = new SensorRecord { Series = [], Absent = [] } };
        ReportFolder.Write(report, _files["r"]);
        AccuracyRun read = Assert.Single(ReportFile.Read(_files["r"]).Accuracies);
        Assert.Equal((after.Classes[0], 1.5), (read.After!.Classes[0], read.Epochs[0].Seconds));
        Assert.Null(read.After.Confusion);
    }

    [Fact]
    public void An_earlier_report_is_replaced_and_an_empty_folder_is_used()
    {
        string folder = _files["report"];
        Directory.CreateDirectory(folder);
        ReportFolder.Check(folder);
        ReportFolder.Write(SampleReports.Rich(), folder);
        File.WriteAllText(Path.Combine(folder, "my notes.txt"), "mine");
        ReportFolder.Check(folder);
        ReportFolder.Write(SampleReports.Bare(), folder);
        Assert.Equal("Nothing yet", ReportFile.Read(folder).Title);
        Assert.Equal("mine", File.ReadAllText(Path.Combine(folder, "my notes.txt")));
    }

    [Fact]
    public void A_folder_of_other_things_is_left_alone()
    {
        string folder = Directory.CreateDirectory(_files["photos"]).FullName;
        File.WriteAllText(Path.Combine(folder, "report.json"), "{\"total\": 3}");
        OutputException error = Assert.Throws<OutputException>(() => ReportFolder.Check(folder));
        Assert.Contains("holds other files and no report", error.Message, StringComparison.Ordinal);
        File.Move(Path.Combine(folder, "report.json"), Path.Combine(folder, "journal.jsonl"));
        Assert.Throws<OutputException>(() => ReportFolder.Check(folder));
    }

    /// <summary>An interrupted study leaves its journal beside a report; neither 'tune' nor another study may put its own there.</summary>
    [Fact]
    public void A_folder_with_an_unfinished_study_is_left_to_it()
    {
        ReportFolder.Write(SampleReports.Bare(), _files["r"]);
        ReportFolder.Check(_files["r"]);
        File.WriteAllText(_files["r", StudyJournal.FileName], "{}\n");
        OutputException error = Assert.Throws<OutputException>(() => ReportFolder.Check(_files["r"]));
        Assert.Contains("goes on with it with --resume", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_cannot_be_a_folder_is_refused_before_the_work()
    {
        File.WriteAllText(_files["file"], "");
        Assert.Contains("there is a file", Assert.Throws<OutputException>(() => ReportFolder.Check(_files["file"])).Message, StringComparison.Ordinal);
        Assert.Throws<OutputException>(() => ReportFolder.Check(_files["no", "such", "folder"]));
        Assert.Throws<OutputException>(() => ReportFolder.Check(""));
        Assert.Throws<OutputException>(() => ReportFolder.Write(SampleReports.Bare(), _files["file"]));
    }

    [Fact]
    public void Report_json_comes_last()
    {
        // A folder in the place of a file makes the writing of that file fail.
        foreach (string blocked in Names.Except(["report.json"]))
        {
            string folder = _files[$"blocked {blocked}"];
            Directory.CreateDirectory(Path.Combine(folder, blocked));
            Assert.Throws<OutputException>(() => ReportFolder.Write(SampleReports.Bare(), folder));
            Assert.False(File.Exists(Path.Combine(folder, "report.json")), blocked);
            Assert.DoesNotContain(Directory.EnumerateFiles(folder), path => !Names.Contains(Path.GetFileName(path)));
        }
    }

    [Theory]
    [InlineData("", "not a report")]
    [InlineData("PK\u0003\u0004 and so on", "zip")]
    [InlineData("{\"schema\": 1, \"kind\"", "not JSON")]
    [InlineData("[1, 2]", "not a report")]
    [InlineData("{\"total\": 1}", "not a report")]
    [InlineData("{\"schema\": \"one\"}", "not a report")]
    [InlineData("{\"future\": [{}], \"schema\": 2}", "newer program (schema 2)")]
    [InlineData("{\"schema\": 0}", "schema 0")]
    [InlineData("{\"schema\": 1}", "damaged")]
    [InlineData("{\"schema\": 1, \"surprise\": 1}", "damaged at $")]
    public void What_is_no_report_is_named(string text, string said)
    {
        File.WriteAllText(_files["report.json"], text);
        DataException error = Assert.Throws<DataException>(() => ReportFile.Read(_files.Path));
        Assert.Contains(said, error.Message, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("report.json", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_report_is_named()
    {
        Assert.Contains("no such file", Assert.Throws<DataException>(() => ReportFile.Read(_files["none"])).Message, StringComparison.Ordinal);
        Assert.Contains("no such file", Assert.Throws<DataException>(() => ReportFile.Read(_files.Path)).Message, StringComparison.Ordinal);
    }

    public static TheoryData<string, string> Damages => new()
    {
        { "timings/0", "null" },
        { "timings/0/batch", "0" },
        { "timings/0/summary", "null" },
        { "kernels/0/parts/1", "null" },
        { "accuracies/0/labels/2", "null" },
        { "accuracies/0/after/confusion/1", "[1, 2]" },
        { "accuracies/0/after/confusion/1", "null" },
        { "accuracies/0/after/classes/0", "null" },
        { "accuracies/0/epochs/0", "null" },
        { "sensors/series/0/values", "[1]" },
        { "header/devices/0", "null" },
        { "notes/0", "null" },
    };

    [Theory]
    [MemberData(nameof(Damages))]
    public void Damage_that_the_types_allow_is_found(string place, string value)
    {
        JsonNode node = JsonSerializer.SerializeToNode(SampleReports.Rich(), StudyJson.Default.StudyReport)!;
        string[] parts = place.Split('/');
        JsonNode at = node;
        foreach (string part in parts[..^1]) at = int.TryParse(part, out int index) ? at[index]! : at[part]!;
        if (int.TryParse(parts[^1], out int last)) at[last] = JsonNode.Parse(value);
        else at[parts[^1]] = JsonNode.Parse(value);
        File.WriteAllText(_files["report.json"], node.ToJsonString());
        Assert.Contains("is damaged", Assert.Throws<DataException>(() => ReportFile.Read(_files.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Reports_that_were_cut_or_changed_are_refused_or_rendered_but_never_crash()
    {
        byte[] whole = JsonSerializer.SerializeToUtf8Bytes(SampleReports.Bare() with { Accuracies = SampleReports.Rich().Accuracies.Take(1).ToList() },
            StudyJson.Default.StudyReport);
        Random random = new(5);
        int read = 0;
        for (int i = 0; i < 300; i++)
        {
            byte[] bytes = [.. whole.AsSpan(0, i % 6 == 0 ? random.Next(whole.Length) : whole.Length)];
            int place = random.Next(bytes.Length + 1);

            // In two of three a digit, else whatever stands there.
            while (i % 3 != 0 && place < bytes.Length && !char.IsAsciiDigit((char)bytes[place])) place++;
            if (place < bytes.Length) bytes[place] = i % 3 == 0 ? (byte)random.Next(' ', 127) : "0123456789-.eE"u8[random.Next(14)];
            try
            {
                StudyReport report = ReportFile.Parse(bytes, "changed");
                Assert.Contains("</html>", HtmlReport.Render(report), StringComparison.Ordinal);
                Assert.NotEmpty(MarkdownReport.Render(report));
                read++;
            }
            catch (DataException)
            {
                // As it should be.
            }
        }

        Assert.InRange(read, 10, 290);
    }

    [Fact]
    public void Metrics_have_a_line_for_each_epoch()
    {
        StudyReport report = SampleReports.Rich();
        ReportFolder.Write(report, _files["r"]);
        string[] lines = File.ReadAllText(_files["r", "metrics.csv"], Encoding.UTF8).TrimEnd().Split("\r\n");
        Assert.Equal(1 + report.Accuracies.Sum(run => run.Epochs.Count), lines.Length);
        Assert.Equal(
            "run,model,data,policy,device,seed,epoch,learning_rate,train_loss,train_accuracy,validation_loss,validation_accuracy,seconds,is_kept", lines[0]);
        Assert.Equal(
            "Accuracy/accuracy/mobilenet_v2_1.0_224/flowers5/last/cpu/1,mobilenet_v2_1.0_224,flowers5,last,cpu,1,1,0.01,1.6,0.3,1.7,0.44,1.2,0", lines[1]);
        Assert.Equal(report.Accuracies.Count(run => run.Epochs.Count > 0), lines.Count(line => line.EndsWith(",1", StringComparison.Ordinal)));
    }

    [Fact]
    public void Metrics_hold_nothing_that_a_spreadsheet_computes()
    {
        AccuracyRun run = SampleReports.Rich().Accuracies[0];
        AccuracyRun hostile = run with { Model = "=1+1", Data = "-2\r\n", Id = "@x", Policy = "+3", Device = "\t4" };
        StudyReport report = SampleReports.Bare() with { Accuracies = [hostile] };
        ReportFolder.Write(report, _files["r"]);
        string first = File.ReadAllText(_files["r", "metrics.csv"]).Split("\r\n")[1];
        Assert.StartsWith("'@x,'=1+1,\"'-2", first, StringComparison.Ordinal);
    }
}
