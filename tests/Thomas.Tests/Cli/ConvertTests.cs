using System;
using System.IO;
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
}
