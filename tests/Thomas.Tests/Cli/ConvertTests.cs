using System;
using System.IO;
using System.Linq;
using System.Text.Json;
using Xunit;

namespace Thomas.Tests.Cli;

public sealed class ConvertTests : IDisposable
{
    private readonly CliFixture _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData("tiny.onnx", "out.tflite")]
    [InlineData("tiny.tflite", "out.onnx")]
    [InlineData("tiny.onnx", "out.onnx")]
    public void The_other_format_gives_the_same_answers(string from, string to)
    {
        string model = _files.Model(from, labels: ["a", "b", "c", "d"]), data = _files.Data(perClass: 2);
        CliRun run = CliRun.Of("convert", model, "-o", _files[to]);
        Assert.Equal(0, run.Code);
        Assert.Contains("saved", run.Out, StringComparison.Ordinal);
        Assert.Equal(CliRun.Of("classify", model, data).Out, CliRun.Of("classify", _files[to], data).Out);
    }

    [Fact]
    public void Labels_and_preprocessing_are_put_into_the_file()
    {
        File.WriteAllText(_files["names.txt"], "un\ndeux\ntrois\nquatre\n");
        string model = _files.Model(withPreprocessing: false), output = _files["out.tflite"];
        CliRun run = CliRun.Of("convert", model, "-o", output, "--labels", _files["names.txt"], "--preset", "tf", "--resize", "stretch", "--json");
        Assert.Equal(0, run.Code);
        Assert.Empty(run.Error);
        Assert.Equal(new FileInfo(output).Length, run.Json().GetProperty("bytes").GetInt64());
        JsonElement inspected = CliRun.Of("inspect", output, "--json").Json();
        Assert.Equal("deux", inspected.GetProperty("labels")[1].GetString());
        Assert.Equal("stretch", inspected.GetProperty("preprocessing").GetProperty("resize").GetString());
        Assert.Equal(127.5f, inspected.GetProperty("preprocessing").GetProperty("mean")[0].GetSingle());
        Assert.False(inspected.GetProperty("preprocessing").GetProperty("isGuess").GetBoolean());
    }

    [Fact]
    public void The_model_itself_is_never_overwritten()
    {
        string model = _files.Model();
        byte[] before = File.ReadAllBytes(model);
        Assert.Equal(5, CliRun.Of("convert", model, "-o", model).Code);
        Assert.Equal(before, File.ReadAllBytes(model));
    }

    [Fact]
    public void The_last_lines_say_what_a_program_has_to_know()
    {
        string model = _files.Model(labels: ["a", "b", "c", "d"]);
        CliRun run = CliRun.Of("convert", model, "-o", _files["out.tflite"], "--resize", "stretch");
        Assert.Contains("input          image  float32[1, 8, 8, 3] NHWC, RGB, x / 255 for bytes x: 0 to 1", run.Out, StringComparison.Ordinal);
        Assert.Contains("resize         stretch to 8x8 pixels", run.Out, StringComparison.Ordinal);
        Assert.Contains(
            "x = (np.asarray(ImageOps.exif_transpose(Image.open(file)).convert(\"RGB\").resize((8, 8), Image.BILINEAR), np.float32) / 255)[None]", run.Out,
            StringComparison.Ordinal);
        Assert.Contains("output         probabilities  float32[1, 4], probabilities", run.Out, StringComparison.Ordinal);
        JsonElement usage = CliRun.Of("convert", model, "-o", _files["out.onnx"], "--preset", "imagenet", "--color", "bgr", "--json").Json()
            .GetProperty("usage");
        Assert.Equal(
            "[\"batch\",\"3\",\"8\",\"8\"]",
            usage.GetProperty("input").GetProperty("shape").GetRawText().ReplaceLineEndings("").Replace(" ", "", StringComparison.Ordinal));
        Assert.Equal("NCHW", usage.GetProperty("input").GetProperty("layout").GetString());
        Assert.Equal(2.64f, usage.GetProperty("range")[1].GetSingle(), 0.01f);
        Assert.Contains(
            "[:, :, ::-1] - np.float32([123.675, 116.28, 103.53])) / np.float32([58.395, 57.12, 57.375])).transpose(2, 0, 1)[None]",
            usage.GetProperty("code").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("out.tflite", null, "1")]
    [InlineData("out.onnx", null, "batch")]
    [InlineData("out.tflite", "open", "batch")]
    [InlineData("out.onnx", "1", "1")]
    [InlineData("out.onnx", "3", "3")]
    [InlineData("out.tflite", "3", "3")]
    public void The_batch_of_the_file_is_what_runtimes_take_or_what_is_asked_for(string name, string? batch, string expected)
    {
        string model = _files.Model(), output = _files[name];
        CliRun run = CliRun.Of(["convert", model, "-o", output, "--json", .. batch is null ? (string[])[] : ["--batch-size", batch]]);
        Assert.Equal(0, run.Code);
        JsonElement usage = run.Json().GetProperty("usage");
        Assert.Equal(expected, usage.GetProperty("input").GetProperty("shape")[0].GetString());
        Assert.Equal(expected, usage.GetProperty("output").GetProperty("shape")[0].GetString());
        Assert.StartsWith("probabilities that add up to 100 %", usage.GetProperty("meaning").GetString(), StringComparison.Ordinal);
        Assert.Equal(
            expected == "3", usage.GetProperty("code").GetString()!.EndsWith("; x = np.repeat(x, 3, 0)  # room for 3 images", StringComparison.Ordinal));
        Assert.Equal(expected == "batch", Model.Load(output).Info.BatchIsSymbolic);
        Assert.Equal(expected == "3", Model.Load(output).Info.Notes.Any(note => note.Contains("batch of 3", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("many")]
    public void Another_batch_is_refused(string batch)
    {
        CliRun run = CliRun.Of("convert", _files.Model(), "-o", _files["out.onnx"], "--batch-size", batch);
        Assert.Equal(2, run.Code);
        Assert.Contains("--batch-size is", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Labels_are_written_next_to_the_model_and_nothing_else_is_overwritten()
    {
        string model = _files.Model(labels: ["a", "b", "c", "d"]), labels = _files["labels.txt"];
        Assert.Equal(0, CliRun.Of("convert", model, "-o", _files["out.tflite"], "--write-labels").Code);
        Assert.Equal("a\nb\nc\nd\n", File.ReadAllText(labels));
        CliRun again = CliRun.Of("convert", model, "-o", _files["out.onnx"], "--write-labels");
        Assert.Empty(again.Error);
        Assert.Contains("labels         " + labels, again.Out, StringComparison.Ordinal);
        File.WriteAllText(labels, "x\n");
        again = CliRun.Of("convert", model, "-o", _files["out.onnx"], "--write-labels");
        Assert.Equal(0, again.Code);
        Assert.Contains("holds something else and was left unchanged", again.Error, StringComparison.Ordinal);
        Assert.Equal(("x\n", "a\nb\nc\nd\n"), (File.ReadAllText(labels), File.ReadAllText(_files["out.labels.txt"])));
    }

    [Fact]
    public void Without_class_names_there_is_nothing_to_write()
    {
        CliRun run = CliRun.Of("convert", _files.Model(), "-o", _files["out.tflite"], "--write-labels");
        Assert.Equal(0, run.Code);
        Assert.Contains("has no class names", run.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(_files["labels.txt"]));
    }
}
