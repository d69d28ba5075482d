using System;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Threading;
using Thomas.App.Studies;
using Thomas.Study;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Cli;

/// <summary><c>--max-temperature</c> and <c>--min-battery</c>. Other tests that read the variable which these set expect nothing of sensors.</summary>
public sealed class GuardTests : IDisposable
{
    private const string Root = "THOMAS_SYSFS";

    private readonly CliFixture _files = new();
    private readonly FakeSysfs _sys = FakeSysfs.Laptop();

    public GuardTests() => Environment.SetEnvironmentVariable(Root, _sys.Root);

    public void Dispose()
    {
        Environment.SetEnvironmentVariable(Root, null);
        _sys.Dispose();
        _files.Dispose();
    }

    private string[] Tune(params string[] options) =>
        ["tune", _files.Model(), "--data", _files.Data(), "-o", _files["out.onnx"], "--no-cache", "--threads", "1", .. options];

    [Fact]
    public void Within_its_limits_a_run_is_not_paused_and_says_so_in_JSON()
    {
        CliRun run = CliRun.Of(Tune("--max-temperature", "80", "--min-battery", "20", "--json"));
        Assert.Equal(0, run.Code);
        JsonElement pauses = run.Json().GetProperty("pauses");
        Assert.Equal((0, 0), (pauses.GetProperty("seconds").GetDouble(), pauses.GetProperty("count").GetInt32()));
        Assert.False(pauses.TryGetProperty("stopReason", out _));
        Assert.False(CliRun.Of(Tune("--json")).Json().TryGetProperty("pauses", out _));
    }

    [Fact]
    public void A_report_has_the_sensors_of_the_run()
    {
        string folder = _files["report"];
        Assert.Equal(0, CliRun.Of(Tune("--report", folder)).Code);
        SensorRecord sensors = ReportFile.Read(folder).Sensors!;
        SensorSeries temperature = Assert.Single(sensors.Series, series => series.Name == "x86_pkg_temp");
        Assert.Equal(("temperature", "°C", 61.0), (temperature.Kind, temperature.Unit, temperature.Values[0]));
        Assert.Contains("x86_pkg_temp", File.ReadAllText(Path.Combine(folder, "report.html")), StringComparison.Ordinal);
        Assert.Equal(0, sensors.PausedSeconds);
    }

    [Fact]
    public void A_machine_without_sensors_warns_and_goes_on()
    {
        Directory.Delete(_sys.Root, recursive: true);
        Directory.CreateDirectory(_sys.Root);
        CliRun run = CliRun.Of(Tune("--max-temperature", "80", "--min-battery", "20", "--json", "--quiet"));
        Assert.Equal(0, run.Code);
        Assert.Contains("warning: the limit of 80 °C has no effect: No temperature: ", run.Error, StringComparison.Ordinal);
        Assert.Contains("warning: the limit of 20 % battery has no effect: No battery: ", run.Error, StringComparison.Ordinal);
        Assert.Equal(3, run.Error.Split("has no effect").Length);
        Assert.Equal(2, run.Json().GetProperty("warnings").EnumerateArray().Count(text => text.GetString()!.Contains("no effect", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_low_battery_stops_before_there_is_anything_to_keep()
    {
        CliRun run = CliRun.Of(Tune("--min-battery", "70", "--low-battery", "stop"));
        Assert.Equal(130, run.Code);
        Assert.Contains(
            "error: stopped: the battery is at 64 %, below the limit of 70 %, and is not being charged; no model was written", run.Error,
            StringComparison.Ordinal);
        Assert.False(File.Exists(_files["out.onnx"]));
    }

    [Fact]
    public void Training_that_is_stopped_leaves_its_checkpoint_and_goes_on_from_it()
    {
        string checkpoint = _files["run.checkpoint"];
        string[] train = ["train", "lenet5", "--rgb", "--size", "16", "--data", _files.Data(), "-o", _files["net.onnx"], "--no-cache", "--epochs", "2"];
        train = [.. train, "--checkpoint", checkpoint, "--resume", "--threads", "1"];
        CliRun stopped = CliRun.Of([.. train, "--min-battery", "70", "--low-battery", "stop"]);
        Assert.Equal(130, stopped.Code);
        Assert.Contains("stopped: the battery is at 64 %", stopped.Error, StringComparison.Ordinal);
        Assert.Equal(0, CliRun.Of([.. train, "--min-battery", "30", "--low-battery", "stop"]).Code);
        Assert.True(File.Exists(checkpoint));
    }

    [Fact]
    public void A_hot_device_waits_until_it_is_canceled()
    {
        using CancellationTokenSource cancellation = new();
        _sys.Temperature(2, 91_000);
        string? line = null;
        CliRun run = CliRun.Of(
            Tune("--max-temperature", "85"),
            text =>
            {
                if (!text.Contains("paused", StringComparison.Ordinal)) return;
                line = text;
                cancellation.Cancel();
            },
            cancellation.Token);
        Assert.Equal(130, run.Code);
        Assert.Equal("decode               paused: 91 °C (x86_pkg_temp), goes on below 82 °C", line);
        Assert.Contains("cancelled; nothing was written", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("needs --min-battery", "--low-battery", "stop")]
    [InlineData("--max-temperature is '500'; it must be a number from 20 to 120", "--max-temperature", "500")]
    [InlineData("--min-battery is '0'; it must be a number from 1 to 99", "--min-battery", "0")]
    [InlineData("must be one of wait, stop", "--min-battery", "20", "--low-battery", "sleep")]
    public void Wrong_limits_are_usage_errors(string message, params string[] options)
    {
        CliRun run = CliRun.Of(Tune(options));
        Assert.Equal(2, run.Code);
        Assert.Contains(message, run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tune")]
    [InlineData("train")]
    public void Both_commands_explain_them(string command)
    {
        string help = CliRun.Of(command, "--help").Out;
        foreach (string option in (string[])["--max-temperature", "--min-battery", "--low-battery"]) Assert.Contains(option, help, StringComparison.Ordinal);
    }
}
