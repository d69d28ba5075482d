using System;
using System.IO;
using System.Text.Json;
using Thomas.Graphs;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Cli;

public sealed class InspectTests : IDisposable
{
    private readonly CliFixture _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData("tiny.onnx", "ONNX")]
    [InlineData("tiny.tflite", "T")]
    public void It_shows_what_is_in_a_model(string name, string format)
    {
        CliRun run = CliRun.Of("inspect", _files.Model(name, labels: ["a", "b", "c", "d"]));
        Assert.Equal(0, run.Code);
        Assert.Empty(run.Error);
        Assert.Contains($"format         {format}", run.Out, StringComparison.Ordinal);
        Assert.Contains("F32[1x8x8x3]", run.Out, StringComparison.Ordinal);
        Assert.Contains("4: a; b; c; d", run.Out, StringComparison.Ordinal);
        Assert.Contains("8x8 RGB, unit: x / 255, center crop", run.Out, StringComparison.Ordinal);
        Assert.Contains("8 features to 4 classes", run.Out, StringComparison.Ordinal);
        Assert.Contains("1 x Conv2d", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void Its_json_holds_the_same()
    {
        string model = _files.Model(labels: ["a", "b", "c", "d"]);
        JsonElement json = CliRun.Of("inspect", model, "--json", "--graph").Json();
        Assert.Equal("onnx", json.GetProperty("format").GetString());
        Assert.Equal(new FileInfo(model).Length, json.GetProperty("bytes").GetInt64());
        Assert.Equal((8 * 9 * 3) + (4 * 8) + 4, json.GetProperty("parameters").GetInt64());

        // 3x3 convolution of stride 2 on 8x8 gives 3x3 positions of 8 channels; the head has 8 x 4 weights.
        Assert.Equal((3 * 3 * 8 * 27) + 32, json.GetProperty("multiplyAdds").GetInt64());
        Assert.True(json.GetProperty("arenaBytes").GetInt64() >= 8 * 8 * 3 * 4);
        Assert.False(json.GetProperty("preprocessing").GetProperty("isGuess").GetBoolean());
        Assert.Equal(4, json.GetProperty("labels").GetArrayLength());
        Assert.Contains("Conv2d(", json.GetProperty("graph").GetString(), StringComparison.Ordinal);
        Assert.Equal(0, json.GetProperty("warnings").GetArrayLength());
    }

    [Theory]
    [InlineData("tiny.onnx", 252)]
    [InlineData("tiny.tflite", 260)]
    public void Weights_of_16_bits_are_counted(string name, int count)
    {
        // A .tflite file has a bias of zeros where a layer has none.
        string path = _files.Model(name);
        Halves.Of(Model.Load(path), DType.F16).Half.Save(path);
        CliRun run = CliRun.Of("inspect", path);
        Expect.True(run.Out.Contains($"parameters     {count}, of which {count} are 16-bit floats; {2 * count} B", StringComparison.Ordinal), $"{run.Out}");
        Assert.Contains("float32, from 16-bit weights", run.Out, StringComparison.Ordinal);
        JsonElement json = CliRun.Of("inspect", path, "--json", "--graph").Json();
        Assert.Equal((count, 2 * count), (json.GetProperty("halfParameters").GetInt64(), json.GetProperty("parameterBytes").GetInt64()));
        Assert.Contains("%conv.weight: F16[8,3,3,3]", json.GetProperty("graph").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_graph_is_printed_on_request()
    {
        string model = _files.Model();
        Assert.DoesNotContain("= Conv2d(", CliRun.Of("inspect", model).Out, StringComparison.Ordinal);
        Assert.Contains("= Conv2d(", CliRun.Of("inspect", model, "--graph").Out, StringComparison.Ordinal);
    }

    [Fact]
    public void A_guess_is_called_a_guess()
    {
        CliRun run = CliRun.Of("inspect", _files.Model(withPreprocessing: false));
        Assert.Contains("GUESSED", run.Out, StringComparison.Ordinal);
        Assert.Contains("without names in the file", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void Damaged_weights_are_a_warning()
    {
        CliRun run = CliRun.Of("inspect", _files.Model(firstWeight: float.NaN));
        Assert.Equal(0, run.Code);
        Assert.Contains("thomas: warning: numbers that are not finite", run.Error, StringComparison.Ordinal);
        Assert.Contains("conv.weight", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_that_takes_no_image_is_shown_all_the_same()
    {
        CliRun run = CliRun.Of("inspect", _files.Model(channels: 5, withPreprocessing: false));
        Assert.Equal(0, run.Code);
        Assert.Contains("F32[1x8x8x5]", run.Out, StringComparison.Ordinal);
        Assert.Contains("an image has 4 axes", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_with_the_wrong_number_of_labels_is_shown_with_a_warning()
    {
        CliRun run = CliRun.Of("inspect", _files.Model(labels: ["a", "b", "c"]));
        Assert.Equal(0, run.Code);
        Assert.Contains("3 labels for 4 outputs", run.Error, StringComparison.Ordinal);
    }
}
