using System;
using System.IO;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Cli;

public sealed class DeviceAutoTests : IDisposable
{
    private readonly CliFixture _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void Classify_takes_the_fastest_device_and_says_why()
    {
        string model = _files.Model(), data = _files.Data(perClass: 1);
        CliRun named = CliRun.Of("classify", model, data, "--threads", "1"), run = CliRun.Of("classify", model, data, "--threads", "1", "--device", "auto");
        Assert.Equal((0, named.Out), (run.Code, run.Out));
        Assert.Matches("^cpu +[0-9.]+ ms  .*; compiling took [0-9.]+ s", run.Error);
        Assert.Contains(" is the fastest for inference of one image", run.Error, StringComparison.Ordinal);
        string device = CliRun.Of("classify", model, data, "--threads", "1", "--device", "auto", "--json", "--quiet").Json().GetProperty("device").GetString()!;
        Assert.Contains(" is the fastest for inference of one image: cpu ", device, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("last", "inference of 8 images")]
    [InlineData("all", "a training step of 4 images")]
    public void Tune_times_what_it_will_do(string update, string work)
    {
        string[] args =
            ["tune", _files.Model(), "--data", _files.Data(perClass: 5), "-o", _files["out.onnx"], "--update", update, "--epochs", "1", "--batch", "4", "--no-cache",
             "--device", "auto"];
        CliRun run = CliRun.Of(args);
        Assert.True(run.Code == 0, run.Error);
        Assert.Contains($" is the fastest for {work}", run.Error, StringComparison.Ordinal);
        Assert.Contains($" is the fastest for {work}: cpu ", run.Out, StringComparison.Ordinal);
        Assert.True(File.Exists(_files["out.onnx"]));
    }

    [Fact]
    public void Evaluate_and_train_take_it_too()
    {
        string data = _files.Data(perClass: 5);
        CliRun evaluate = CliRun.Of("evaluate", _files.Model(labels: CliFixture.Colors, classes: 3), "--data", data, "--no-cache", "--device", "auto");
        Assert.True(evaluate.Code == 0, evaluate.Error);
        Assert.Contains("is the fastest for inference of 8 images", evaluate.Error, StringComparison.Ordinal);
        CliRun train = CliRun.Of(
            "train", "lenet5", "--data", data, "-o", _files["out.onnx"], "--epochs", "1", "--batch", "4", "--no-cache", "--device", "auto");
        Assert.True(train.Code == 0, train.Error);
        Assert.Contains("is the fastest for a training step of 4 images", train.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_plan_has_nothing_to_time()
    {
        CliRun run = CliRun.Of("plan", _files.Model(), "--device", "auto");
        Assert.Equal(2, run.Code);
        Assert.Contains("--device auto times the work of a run", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Tune_and_train_split_their_steps()
    {
        OpenClTesting.RequireDevices();
        string data = _files.Data(perClass: 5);
        CliRun tune = CliRun.Of(
            "tune", _files.Model(), "--data", data, "-o", _files["out.onnx"], "--update", "all", "--epochs", "1", "--batch", "4", "--no-cache", "--device", "hybrid:0",
            "--device-share", "0.25", "-v");
        Assert.True(tune.Code == 0, tune.Error);
        Assert.Contains("together with it, 25% of the images of a step: cpu", tune.Out.Replace("25 %", "25%", StringComparison.Ordinal), StringComparison.Ordinal);
        CliRun train = CliRun.Of(
            "train", "lenet5", "--data", data, "-o", _files["out.onnx"], "--epochs", "1", "--batch", "4", "--no-cache", "--device", "hybrid", "-v");
        Assert.True(train.Code == 0, train.Error);
        Assert.Contains("4 images of a step take ", train.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("classify MODEL DATA --device hybrid", "--device hybrid splits the steps of train")]
    [InlineData("evaluate MODEL --data DATA --device hybrid", "--device hybrid splits the steps of train")]
    [InlineData("tune MODEL --data DATA --device hybrid", "--device hybrid splits the steps of train")]
    [InlineData("plan MODEL --device hybrid", "--device hybrid splits the steps of train")]
    [InlineData("tune MODEL --data DATA --update all --device opencl --device-share 0.5", "--device-share needs --device hybrid")]
    [InlineData("tune MODEL --data DATA --update all --device hybrid --device-share 1", "it must be a number from 0.001 to 0.999")]
    public void What_cannot_be_split_is_refused(string line, string expected)
    {
        string model = _files.Model(), data = _files.Data(perClass: 5);
        string[] args = Array.ConvertAll(line.Split(' '), word => word == "MODEL" ? model : word == "DATA" ? data : word);
        CliRun run = CliRun.Of(args);
        Assert.Equal(2, run.Code);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void OpenCL_without_a_number_is_the_preferred_device()
    {
        OpenClTesting.RequireDevices();
        CliRun run = CliRun.Of("classify", _files.Model(), _files.Data(perClass: 1), "--device", "opencl", "-v");
        Assert.Equal(0, run.Code);
        Assert.Contains($"device: opencl:{Thomas.Runtime.OpenCl.OpenClDevices.Preferred}, ", run.Error, StringComparison.Ordinal);
    }
}
