using System;
using System.IO;
using System.Text.Json;
using Xunit;

namespace Thomas.Tests.Cli;

public sealed class QuantizeTests : IDisposable
{
    private readonly CliFixture _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData("out.tflite")]
    [InlineData("out.onnx")]
    public void Calibrated_8_bit_files_name_the_same_classes(string to)
    {
        string model = _files.Model(labels: ["a", "b", "c", "d"]), data = _files.Data(perClass: 4);
        CliRun run = CliRun.Of("convert", model, "-o", _files[to], "--int8", "--calibration", data, "--calibration-images", "6");
        Assert.True(run.Code == 0, run.Error);
        Assert.Contains("8 bits", run.Out, StringComparison.Ordinal);
        Assert.Contains("on the 6 calibration images", run.Out, StringComparison.Ordinal);
        JsonElement before = CliRun.Of("classify", model, data, "--top", "1", "--json").Json().GetProperty("images");
        JsonElement after = CliRun.Of("classify", _files[to], data, "--top", "1", "--json").Json().GetProperty("images");
        int same = 0;
        for (int i = 0; i < 12; i++) same += Best(before[i]) == Best(after[i]) ? 1 : 0;
        Assert.InRange(same, 11, 12);
        Assert.True(CliRun.Of("inspect", _files[to], "--json").Json().GetProperty("isQuantized").GetBoolean());

        static string? Best(JsonElement image) => image.GetProperty("classes")[0].GetProperty("label").GetString();
    }

    [Fact]
    public void The_report_says_how_both_networks_compare_and_what_the_file_takes()
    {
        CliRun run = CliRun.Of(
            "convert", _files.Model(), "-o", _files["out.tflite"], "--int8", "--calibration", _files.Data(perClass: 2), "--ranges", "percentile",
            "--percentile", "99.9", "--no-equalization", "--nearest-weights", "--no-bias-correction", "--io", "uint8", "--json");
        Assert.True(run.Code == 0, run.Error);
        JsonElement report = run.Json(), int8 = report.GetProperty("int8");
        Assert.Equal(6, int8.GetProperty("calibrationImages").GetInt32());
        Assert.InRange(int8.GetProperty("agreement").GetDouble(), 0, 1);
        Assert.InRange(int8.GetProperty("signalToNoise").GetDouble(), 15, 80);
        Assert.Equal(0, int8.GetProperty("floatLayers").GetArrayLength());
        JsonElement usage = report.GetProperty("usage");
        Assert.Equal("uint8", usage.GetProperty("input").GetProperty("type").GetString());
        Assert.Contains("+ 0, 0, 255).astype(np.uint8)", usage.GetProperty("code").GetString(), StringComparison.Ordinal);
        Assert.Contains("each q for 0.00390625 * (q - 0)", usage.GetProperty("meaning").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public void An_8_bit_network_keeps_its_grids_without_images()
    {
        string model = _files.Model(), first = _files["first.onnx"], second = _files["second.tflite"];
        Assert.Equal(0, CliRun.Of("convert", model, "-o", first, "--int8", "--calibration", _files.Data(perClass: 2)).Code);
        CliRun run = CliRun.Of("convert", first, "-o", second, "--int8");
        Assert.True(run.Code == 0, run.Error);
        Assert.Contains("keeps the grids that it has", run.Out, StringComparison.Ordinal);
        string data = _files.Data(perClass: 2);
        Assert.Equal(CliRun.Of("classify", first, data).Out, CliRun.Of("classify", second, data).Out);
        Assert.True(new FileInfo(second).Length < new FileInfo(model).Length * 3, "integers");
    }

    [Fact]
    public void Without_images_it_says_what_to_do()
    {
        CliRun run = CliRun.Of("convert", _files.Model(), "-o", _files["out.tflite"], "--int8");
        Assert.Equal(2, run.Code);
        Assert.Contains("give some with --calibration FOLDER", run.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(_files["out.tflite"]));
    }

    [Theory]
    [InlineData("exclude each other", "--int8", "--fp16")]
    [InlineData("--io needs --int8", "--io", "int8")]
    [InlineData("--ranges needs --int8", "--ranges", "min-max")]
    [InlineData("--nearest-weights needs --int8", "--nearest-weights")]
    [InlineData("--percentile needs --ranges percentile", "--int8", "--percentile", "99")]
    [InlineData("does not exist", "--int8", "--calibration", "nowhere")]
    public void Options_that_do_not_fit_are_named(string problem, params string[] options)
    {
        CliRun run = CliRun.Of([.. (string[])["convert", _files.Model(), "-o", _files["out.tflite"]], .. options]);
        Assert.NotEqual(0, run.Code);
        Assert.Contains(problem, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Integers_at_the_ends_are_for_tflite() => Assert.Contains(
        "--io is for .tflite", CliRun.Of("convert", _files.Model(), "-o", _files["out.onnx"], "--int8", "--io", "int8").Error, StringComparison.Ordinal);

    [Theory]
    [InlineData("out.tflite")]
    [InlineData("out.onnx")]
    public void Weights_of_16_bits_are_written(string to)
    {
        string model = _files.Model(), data = _files.Data(perClass: 1);
        Assert.Equal(0, CliRun.Of("convert", model, "-o", _files[to], "--fp16").Code);
        JsonElement inspected = CliRun.Of("inspect", _files[to], "--json").Json();

        // All but the bias of zeros that .tflite adds to a layer without one.
        Assert.Equal(252, inspected.GetProperty("halfParameters").GetInt64());
        CliRun again = CliRun.Of("convert", _files[to], "-o", _files["again.onnx"], "--fp16");
        Assert.Equal(0, again.Code);
    }

    [Fact]
    public void Weights_of_8_bits_do_not_become_16()
    {
        Assert.Equal(0, CliRun.Of("convert", _files.Model(), "-o", _files["q.tflite"], "--int8", "--calibration", _files.Data(perClass: 1)).Code);
        CliRun run = CliRun.Of("convert", _files["q.tflite"], "-o", _files["out.tflite"], "--fp16");
        Assert.NotEqual(0, run.Code);
        Assert.Contains("8-bit weights", run.Error, StringComparison.Ordinal);
    }
}
