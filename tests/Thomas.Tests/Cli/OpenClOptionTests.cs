using System;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using System.Threading;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Cli;

/// <summary>What the command line says of settings of OpenCL devices that do not fit, and what it does with those that do.</summary>
public sealed class OpenClOptionTests : IDisposable
{
    private readonly CliFixture _files = new();

    private static string Device => OpenClTesting.RequireDevice().Name;

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData("classify")]
    [InlineData("classify", "--device", "cpu")]
    [InlineData("plan", "--device", "serial")]
    public void Half_storage_needs_a_device_that_has_it(params string[] args)
    {
        string[] rest = args[0] == "classify" ? [_files.Model(), _files.Data(perClass: 1)] : [_files.Model()];
        CliRun run = CliRun.Of([.. args, .. rest, "--opencl-storage", "half"]);
        Assert.Equal((2, ""), (run.Code, run.Out));
        Assert.Contains("--opencl-storage half needs an OpenCL device: --device opencl, hybrid or auto.", run.Error, StringComparison.Ordinal);
        Assert.Equal(0, CliRun.Of([.. args, .. rest, "--opencl-storage", "float"]).Code);
    }

    [Theory]
    [InlineData("--opencl", "nonsense", "'nonsense' is no setting of OpenCL")]
    [InlineData("--opencl", "storage=quarter", "'storage=quarter' is no setting of OpenCL")]
    [InlineData("--opencl-storage", "quarter", "it must be float or half")]
    public void What_is_no_setting_is_refused_before_anything_is_read(string option, string value, string message)
    {
        CliRun run = CliRun.Of("classify", "no-model.onnx", "no-image.png", "--device", "opencl", option, value);
        Assert.Equal((2, ""), (run.Code, run.Out));
        Assert.Contains(message, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Half_storage_classifies_as_the_CPU_does()
    {
        string[] args = ["classify", _files.Model(), _files.Data(perClass: 2), "--no-cache", "--json"];
        CliRun cpu = CliRun.Of(args), half = CliRun.Of([.. args, "--device", Device, "--opencl-storage", "half", "--opencl", "no-self-test"]);
        Assert.Equal((0, 0), (cpu.Code, half.Code));
        Assert.Contains("storage=half", half.Json().GetProperty("device").GetString(), StringComparison.Ordinal);
        Assert.Equal(Best(cpu), Best(half));

        static (int, double)[] Best(CliRun run) => [
            .. run.Json().GetProperty("images").EnumerateArray().Select(image => image.GetProperty("classes")[0])
                .Select(best => (best.GetProperty("index").GetInt32(), Math.Round(best.GetProperty("probability").GetDouble(), 2)))];
    }

    /// <summary>The message names what differs, and the file can still be resumed as it was.</summary>
    [Theory]
    [InlineData("float", "half", "there activations as float32, here activations as 16-bit floats")]
    [InlineData("half", "float", "there activations as 16-bit floats, here activations as float32")]
    public void A_checkpoint_of_another_storage_is_refused_and_stays(string storage, string other, string difference)
    {
        string model = _files.Model(), data = _files.Data(perClass: 4), checkpoint = _files["run"];
        Assert.Equal(0, Tune("whole.onnx", storage).Code);
        using CancellationTokenSource cancellation = new();
        CliRun stopped = CliRun.Of(
            Args("part.onnx", storage, "--checkpoint", checkpoint),
            line =>
            {
                if (Regex.IsMatch(line, "^train +2/6 ")) cancellation.Cancel();
            },
            cancellation.Token);
        Assert.Equal(130, stopped.Code);
        byte[] saved = File.ReadAllBytes(checkpoint);

        CliRun refused = Tune("other.onnx", other, "--checkpoint", checkpoint, "--resume");
        Assert.Equal(3, refused.Code);
        Assert.Contains($"belongs to another run; differences: device ({difference})", refused.Error, StringComparison.Ordinal);
        Assert.Equal(saved, File.ReadAllBytes(checkpoint));
        Assert.False(File.Exists(_files["other.onnx"]));

        Assert.Equal(0, Tune("resumed.onnx", storage, "--checkpoint", checkpoint, "--resume").Code);
        Assert.Equal(File.ReadAllBytes(_files["whole.onnx"]), File.ReadAllBytes(_files["resumed.onnx"]));

        CliRun Tune(string output, string storage, params string[] more) => CliRun.Of(Args(output, storage, more));

        string[] Args(string output, string storage, params string[] more) =>
        [
            "tune", model, "--data", data, "-o", _files[output], "--update", "all", "--epochs", "6", "--no-cache", "--device", Device,
            "--opencl-storage", storage, "--opencl", "no-self-test", .. more
        ];
    }
}
