using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Text.Json;
using System.Threading;
using SkiaSharp;
using Thomas.App;
using Xunit;

namespace Thomas.Tests.Cli;

/// <summary>Files about single images: <c>--predictions</c>, <c>--mistakes</c>, <c>--suspects</c>, <c>--explain</c>.</summary>
public sealed class ResultFilesTests : IDisposable
{
    private readonly CliFixture _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void Evaluate_writes_one_line_for_each_image_worst_first()
    {
        string model = _files.Model(labels: ["red", "green", "blue", "gray"]), data = _files.Data(perClass: 4), table = _files["p.csv"], page = _files["m.png"];
        CliRun run = CliRun.Of("evaluate", model, "--data", data, "--no-cache", "--predictions", table, "--mistakes", page);
        Assert.Equal(0, run.Code);
        List<string[]> rows = Read(table);
        Assert.Equal(["path", "label", "predicted", "predicted_probability", "label_probability", "loss", "correct"], rows[0]);
        Assert.Equal(12, rows.Count - 1);
        Assert.Equal(rows.Skip(1).Select(row => double.Parse(row[5])), rows.Skip(1).Select(row => double.Parse(row[5])).OrderDescending());
        foreach (string[] row in rows.Skip(1))
        {
            Assert.True(File.Exists(row[0]), row[0]);
            Assert.Equal(Path.GetFileName(Path.GetDirectoryName(row[0])), row[1]);
            Assert.Equal(row[1] == row[2] ? "1" : "0", row[6]);
            Assert.Equal(-Math.Log(double.Parse(row[4])), double.Parse(row[5]), 1e-3);
        }

        int wrong = rows.Count(row => row[6] == "0");
        JsonElement json = CliRun.Of("evaluate", model, "--data", data, "--no-cache", "--json", "--predictions", table, "--mistakes", page).Json();
        Assert.Equal(12 - wrong, json.GetProperty("result").GetProperty("correct").GetInt32());
        Assert.Equal((table, page), (json.GetProperty("predictionsFile").GetString(), json.GetProperty("mistakesFile").GetString()));
        Assert.False(json.TryGetProperty("suspects", out _));
        Assert.Contains($"{wrong} mistake", run.Out, StringComparison.Ordinal);
        using SKBitmap picture = SKBitmap.Decode(page);
        Assert.InRange(picture.Width, 600, 1700);
    }

    [Theory]
    [InlineData("last")]
    [InlineData("all")]
    public void Tune_writes_what_the_tuned_model_makes_of_the_validation_images(string update)
    {
        string table = _files["p.csv"], suspects = _files["s.csv"], page = _files["m.png"], output = _files["out.onnx"], data = _files.Data(perClass: 8);
        CliRun run = CliRun.Of(
            "tune", _files.Model(), "--data", data, "-o", output, "--no-cache", "--epochs", "2", "--update", update, "--json", "--predictions", table,
            "--mistakes", page, "--suspects", suspects);
        Assert.True(run.Code == 0, run.Error);
        JsonElement json = run.Json();
        JsonElement after = json.GetProperty("after");
        List<string[]> rows = Read(table);
        Assert.Equal(after.GetProperty("images").GetInt32(), rows.Count - 1);
        Assert.Equal(after.GetProperty("correct").GetInt32(), rows.Count(row => row[6] == "1"));
        Assert.Equal(["path", "label", "suggested", "doubt", "convincing", "part"], Read(suspects)[0]);
        Assert.True(json.GetProperty("suspects").GetArrayLength() <= Read(suspects).Count - 1);
        Assert.Equal(suspects, json.GetProperty("suspectsFile").GetString());
        Assert.NotNull(SKBitmap.Decode(page));
    }

    [Fact]
    public void Train_writes_the_same_files()
    {
        string table = _files["p.csv"], page = _files["m.png"], data = _files.Data(perClass: 6);
        CliRun run = CliRun.Of(
            "train", "lenet5", "--rgb", "--size", "20", "--data", data, "-o", _files["out.onnx"], "--no-cache", "--epochs", "1", "--json", "--predictions",
            table, "--mistakes", page);
        Assert.True(run.Code == 0, run.Error);
        JsonElement validation = run.Json().GetProperty("validation");
        Assert.Equal(validation.GetProperty("correct").GetInt32(), Read(table).Count(row => row[6] == "1"));
        Assert.NotNull(SKBitmap.Decode(page));
        Assert.Equal(2, CliRun.Of("train", "lenet5", "--data", data, "--suspects", _files["s.csv"]).Code);
    }

    [Fact]
    public void An_image_in_the_wrong_folder_is_told_of_and_listed()
    {
        string data = _files.Data(perClass: 10), wrong = _files["data", "red", "wrong.png"], model = _files.Model();
        CliFixture.Image(wrong, 0, 77);
        string[] tune = ["tune", model, "--data", data, "-o", _files["out.onnx"], "--no-cache", "--epochs", "2"];
        CliRun told = CliRun.Of(tune);
        string note = $"1 image may carry the wrong label, '{wrong}' (labeled 'red', looks like 'blue'); --suspects FILE.csv lists it";
        Assert.Contains(note, told.Error, StringComparison.Ordinal);
        string[] evaluate = ["evaluate", _files.Model("four.onnx", labels: ["red", "green", "blue", "gray"]), "--data", data, "--no-cache"];
        foreach (string[] command in (string[][])[tune, evaluate])
        {
            CliRun run = CliRun.Of([.. command, "--suspects", _files["s.csv"]]);
            Assert.Equal(0, run.Code);
            Assert.Contains("1 of them convincing", run.Out, StringComparison.Ordinal);
            string[] first = Read(_files["s.csv"])[1];
            Assert.Equal([wrong, "red", "blue", "1"], [first[0], first[1], first[2], first[4]]);
        }
    }

    [Fact]
    public void Names_cannot_be_formulas_and_come_back_as_they_were()
    {
        string[] names = ["=1+1", "+a", "-b", "@c", "'=quoted", "'plain", "a, \"b\"\r\nc", " padded ", "＝wide", "犬"];
        string data = _files["hostile"], list = _files["list.csv"], table = _files["p.csv"];
        StringBuilder manifest = new("path,label\n");
        for (int i = 0; i < names.Length; i++)
        {
            CliFixture.Image(_files["hostile", $"{i}.png"], i % 3, (ulong)i);
            manifest.Append($"hostile/{i}.png,\"{names[i].Replace("\"", "\"\"", StringComparison.Ordinal)}\"\n");
        }

        File.WriteAllText(list, manifest.ToString());
        string model = _files.Model(classes: names.Length, labels: names);
        CliRun run = CliRun.Of("evaluate", model, "--data", list, "--no-cache", "--predictions", table, "--mistakes", _files["m.png"]);
        Assert.True(run.Code == 0, run.Error);
        byte[] bytes = File.ReadAllBytes(table);
        Assert.Equal([0xEF, 0xBB, 0xBF], bytes[..3]);
        List<string[]> rows = Read(table);
        Assert.All(rows, row => Assert.Equal(7, row.Length));
        Assert.Equal(
            ["'=1+1", "'+a", "'-b", "'@c", "''=quoted", "'plain", "a, \"b\"\r\nc", " padded ", "'＝wide", "犬"],
            rows.Skip(1).OrderBy(row => int.Parse(Path.GetFileNameWithoutExtension(row[0]))).Select(row => row[1]));
    }

    [Fact]
    public void A_file_that_cannot_be_written_or_is_in_use_is_refused_before_the_work()
    {
        string model = _files.Model(), data = _files.Data(perClass: 2);
        foreach ((string[] files, int code, string message) in ((string[], int, string)[])[
            (["--predictions", _files["p.txt"]], 2, "must end in .csv"),
            (["--mistakes", _files["p.jpg"]], 2, "must end in .png"),
            (["--predictions", _files["p.csv"], "--suspects", _files["p.csv"]], 2, "choose another name"),
            (["--predictions", _files["missing", "p.csv"]], 5, "does not exist"),
        ])
        {
            CliRun run = CliRun.Of(["tune", model, "--data", data, "-o", _files["out.onnx"], "--no-cache", .. files]);
            Assert.Equal(code, run.Code);
            Assert.Contains(message, run.Error, StringComparison.Ordinal);
            Assert.False(File.Exists(_files["out.onnx"]));
        }

        File.WriteAllText(_files["list.csv"], "data/red/00.png,red\ndata/blue/00.png,blue\n");
        CliRun same = CliRun.Of("tune", model, "--data", _files["list.csv"], "-o", _files["out.onnx"], "--predictions", _files["list.csv"]);
        Assert.Equal(2, same.Code);
        Assert.Equal(2, CliRun.Of("tune", model, "--data", data, "-o", _files["o.onnx"], "--suspects", _files["s.csv"], "--memory", "1GiB").Code);
    }

    [Fact]
    public void Classify_explains_images_and_folders()
    {
        string model = _files.Model(labels: ["red", "green", "blue", "gray"]), data = _files.Data(perClass: 2), page = _files["x.png"];
        CliRun run = CliRun.Of("classify", model, _files["data", "red", "00.png"], "--explain", page, "--json");
        Assert.Equal(0, run.Code);
        Assert.Equal(page, run.Json().GetProperty("explanationFile").GetString());
        using SKBitmap one = SKBitmap.Decode(page);
        run = CliRun.Of("classify", model, data, "--explain", page);
        Assert.Contains("looked at in 6 images", run.Error, StringComparison.Ordinal);
        using SKBitmap six = SKBitmap.Decode(page);
        Assert.True(six.Width * six.Height > one.Width * one.Height);
        Assert.Equal(2, CliRun.Of("classify", model, page, "--explain", page).Code);
        Assert.False(CliRun.Of("classify", model, data, "--json").Json().TryGetProperty("explanationFile", out _));
    }

    // What is cancelled then is the page alone.
    [Theory]
    [InlineData("evaluate")]
    [InlineData("tune")]
    [InlineData("train")]
    public void Cancelled_while_the_page_is_drawn_a_command_tells_what_it_has_written(string command)
    {
        string table = _files["p.csv"], page = _files["m.png"], suspects = _files["s.csv"], output = _files["out.onnx"], data = _files.Data(perClass: 6);
        string model = _files.Model(labels: ["red", "green", "blue", "gray"]);
        string[] own = command switch
        {
            "evaluate" => [model, "--suspects", suspects],
            "tune" => [model, "-o", output, "--epochs", "1", "--lr", "1e-9", "--suspects", suspects],
            _ => ["lenet5", "--rgb", "--size", "20", "-o", output, "--epochs", "1", "--lr", "1e-9"],
        };

        // The same images in every class: most are mistakes.
        for (int i = 0; i < 6; i++)
        {
            foreach (string color in (string[])["green", "blue"]) File.Copy(_files["data", "red", $"{i:00}.png"], _files["data", color, $"{i:00}.png"], true);
        }

        using CancellationTokenSource cancellation = new();
        CliRun run = CliRun.Of(
            [command, .. own, "--data", data, "--no-cache", "--predictions", table, "--mistakes", page], null, cancellation.Token, onLine: line =>
            {
                if (line.StartsWith("predictions", StringComparison.Ordinal)) cancellation.Cancel();
            });
        Assert.True(run.Code == 130, $"{run.Code} {run.Error}");
        Assert.Matches("error: cancelled; .*m.png is not written", run.Error);
        Assert.DoesNotContain("nothing was written", run.Error, StringComparison.Ordinal);
        Assert.True(File.Exists(table));
        Assert.False(File.Exists(page));
        Assert.Equal(command != "evaluate", File.Exists(output));
        Assert.Equal(command != "train", File.Exists(suspects));
    }

    [Fact]
    public void No_file_replaces_an_image_of_the_data()
    {
        string model = _files.Model(labels: ["red", "green", "blue", "gray"]), data = _files.Data(perClass: 4), image = _files["data", "red", "00.png"];
        byte[] before = File.ReadAllBytes(image);
        Directory.CreateSymbolicLink(_files["linked"], data);
        string linked = _files["linked", "red", "00.png"];
        Refused("classify", model, data, "--explain", image);
        Refused("classify", model, _files["linked"], "--explain", image);
        Refused("classify", model, data, "--explain", linked);
        Refused("evaluate", model, "--data", data, "--mistakes", image);
        Refused("tune", model, "--data", data, "-o", _files["out.onnx"], "--mistakes", linked);
        Refused("train", "lenet5", "--data", data, "-o", _files["out.onnx"], "--mistakes", image);

        // A file that the list of images names stays too, whatever its name.
        File.Copy(image, _files["list.d.csv"]);
        File.WriteAllText(_files["images.csv"], "path,label\nlist.d.csv,a\ndata/red/01.png,b\n");
        Refused("check", _files["images.csv"], "--report", _files["list.d.csv"]);
        Refused("evaluate", model, "--data", _files["images.csv"], "--predictions", _files["list.d.csv"]);
        Assert.Equal(before, File.ReadAllBytes(image));
        Assert.Equal(before, File.ReadAllBytes(_files["list.d.csv"]));

        void Refused(params string[] args)
        {
            CliRun run = CliRun.Of(args);
            Assert.True(run.Code == 2, $"{run.Code} {run.Error}");
            Assert.Contains("which is one of the images", run.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Links_in_a_circle_are_no_file()
    {
        File.CreateSymbolicLink(_files["a"], _files["b", "x"]);
        File.CreateSymbolicLink(_files["b"], _files["a", "y"]);
        Assert.False(OutputFile.IsSame(_files["a", "y", "z"], _files["b", "z", "z"]));
        Assert.True(OutputFile.IsSame(_files["c", "..", "new"], _files["new"]));
    }

    /// <summary>Reads a table by the rules of RFC 4180, written for this test.</summary>
    private static List<string[]> Read(string path)
    {
        string text = File.ReadAllText(path, new UTF8Encoding(false, throwOnInvalidBytes: true)).TrimStart('\uFEFF');
        Assert.EndsWith("\r\n", text, StringComparison.Ordinal);
        List<string[]> rows = [];
        List<string> row = [];
        StringBuilder field = new();
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '"')
            {
                Assert.Equal(0, field.Length);
                for (i++; text[i] != '"' || text[i + 1] == '"'; i++)
                {
                    if (text[i] == '"') i++;
                    field.Append(text[i]);
                }

                Assert.Contains(text[i + 1], ",\r");
            }
            else if (text[i] == ',' || text[i] == '\r')
            {
                row.Add(field.ToString());
                field.Clear();
                if (text[i] == ',') continue;
                Assert.Equal('\n', text[++i]);
                rows.Add([.. row]);
                row.Clear();
            }
            else
            {
                field.Append(text[i]);
            }
        }

        return rows;
    }
}
