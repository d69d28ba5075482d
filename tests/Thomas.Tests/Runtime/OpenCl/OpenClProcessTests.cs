using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Threading.Tasks;
using Thomas.App;
using Thomas.Kernels.OpenCl;
using Thomas.Runtime.OpenCl;
using Thomas.Tests.Cli;
using Thomas.Tests.Data;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Runtime.OpenCl;

/// <summary>What only whole processes show: the environment, and a cache folder that they share.</summary>
public sealed class OpenClProcessTests : IDisposable
{
    private readonly CliFixture _files = new();
    private readonly TemporaryFolder _cache = new();

    private static string Number => OpenClTesting.RequireDevice().Name["opencl:".Length..];

    [Theory]
    [InlineData("float")]
    [InlineData("half")]
    public async Task Two_processes_share_a_cache_folder(string storage)
    {
        string[] args = [.. Classify($"opencl:{Number}"), "--opencl-storage", storage];
        (int Code, string Out, string Error)[] runs = await Task.WhenAll(Run(args), Run(args));
        Assert.All(runs, run => Assert.True(run.Code == 0, run.Error));
        Assert.Equal(runs[0].Out, runs[1].Out);
        string[] files = Files();
        Assert.Contains(files, file => Path.GetExtension(file) == ".clbin");
        Assert.Contains(files, file => Path.GetExtension(file) == ".cltest");
        Assert.DoesNotContain(files, file => Path.GetExtension(file) is not (".clbin" or ".cltest"));
        Assert.Equal(runs[0].Out, (await Run(args)).Out);
        Assert.Equal(files, Files());
    }

    [Theory]
    [InlineData("classify")]
    [InlineData("demo")]
    [InlineData("evaluate")]
    [InlineData("plan")]
    [InlineData("tune")]
    [InlineData("train")]
    public async Task The_options_of_the_cache_rule_where_programs_are_kept(string command)
    {
        string data = _files.Data(perClass: 2), output = _files["out.onnx"], folder = _files["own"];
        string[] args = command switch
        {
            "classify" => ["classify", .. Classified()],
            "demo" => ["demo", "--quick", "-o", _files["demo"]],
            "plan" => ["plan", _files.Model(), "--update", "all"],
            "evaluate" => ["evaluate", _files.Model(labels: ["red", "green", "blue", "gray"]), "--data", data],
            "tune" => ["tune", _files.Model(), "--data", data, "-o", output, "--epochs", "1"],
            _ => ["train", "lenet5", "--data", data, "-o", output, "--epochs", "1", "--batch", "2"],
        };
        args = [.. args, "--device", $"opencl:{Number}", "--opencl", "no-self-test"];
        int code;
        string error;
        if (command != "demo")
        {
            (code, _, error) = await Run([.. args, "--no-cache"]);
            Assert.True(code == 0, error);
            Assert.Empty(Files());
        }

        // The demonstration trains three networks: once is enough.
        (code, _, error) = await Run([.. args, "--cache-dir", folder]);
        Assert.True(code == 0, error);
        Assert.Empty(Files());
        Assert.Contains(Directory.GetFiles(Path.Combine(folder, "opencl")), file => Path.GetExtension(file) == ".clbin");
    }

    [Fact]
    public async Task Words_of_the_environment_hold_for_every_run()
    {
        string[] args = Classify($"opencl:{Number}");
        (int code, string result, string error) = await Run(args, (OpenClSettings.Variable, "no-binaries"));
        Assert.True(code == 0, error);
        Assert.Empty(Files());
        Assert.Equal((await Run(args, (OpenClSettings.Variable, "no-self-test"))).Out, result);
        Assert.DoesNotContain(Files(), file => Path.GetExtension(file) == ".cltest");
        (code, _, error) = await Run(args, (OpenClSettings.Variable, "nonsense"));
        Assert.NotEqual(0, code);
        Assert.Contains("The environment variable THOMAS_OPENCL_SETTINGS: 'nonsense' is no setting of OpenCL", error, StringComparison.Ordinal);

        (_, result, _) = await Run(["devices", "--json"], (OpenClSettings.Variable, "local=1KiB group=16 buffer=1MiB tiles=registers"));
        JsonElement use = JsonDocument.Parse(result).RootElement.GetProperty("openCl").GetProperty("devices")[0].GetProperty("use");
        Assert.Equal(16, use.GetProperty("workGroup").GetInt32());
        Assert.Equal(1024, use.GetProperty("localBytes").GetInt64());
        Assert.Equal(1 << 20, use.GetProperty("largestBuffer").GetInt64());
        Assert.Equal("registers", use.GetProperty("tiles").GetString());
    }

    [Fact]
    public async Task Without_the_library_the_device_is_refused_by_name_and_auto_takes_the_CPU()
    {
        (int code, _, string error) = await Run(Classify("opencl"), (ClLibrary.Override, "none"));
        Assert.NotEqual(0, code);
        Assert.Contains("There is no OpenCL device: switched off by THOMAS_OPENCL=none", error, StringComparison.Ordinal);
        (code, string result, error) = await Run(Classify("auto"), (ClLibrary.Override, "none"));
        Assert.True(code == 0, error);
        Assert.Contains("\"classes\"", result, StringComparison.Ordinal);
    }

    [Fact]
    public void The_command_line_tells_what_the_self_test_found()
    {
        int number = int.Parse(Number, CultureInfo.InvariantCulture);
        OpenClDeviceInfo info = OpenClTesting.RequireDevices().Devices[number];
        JsonElement before = Listed();
        Assert.Equal((0, 0, 0), Counts(before));

        IReadOnlyList<OpenClVerdict> found = OpenClCheck.Run(number, _cache.Path, ["lenet5"], TestContext.Current.CancellationToken);
        Assert.Contains(found, verdict => verdict.Program == "updates" && verdict.Outcome == OpenClOutcome.Passed);
        Assert.DoesNotContain(found, verdict => verdict.Outcome != OpenClOutcome.Passed);
        Assert.Equal((found.Count, 0, 0), Counts(Listed()));
        Assert.Equal(found.ToHashSet(), OpenClCheck.Recorded(info, _cache.Path).ToHashSet());

        // A verdict that another driver, or a fault, has left behind.
        OpenClVerdicts record = new(OpenClCheck.FolderOf(_cache.Path), info, OpenClSettings.Parse(""));
        record.Keep(
            OpenClProgram.Of("softmax"), new OpenClVerdict("softmax", "softmax", OpenClOutcome.Failed, "softmax: 1 instead of 2 \u001b[2J"));
        Assert.Equal(1, Counts(Listed()).Failed);
        string text = CliRun.Of("devices", "--cache-dir", _cache.Path).Out;
        Assert.Contains(" right, 1 wrong", text, StringComparison.Ordinal);
        Assert.Contains("not used, since its results are wrong: softmax: softmax: 1 instead of 2", text, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', text);

        JsonElement Listed() =>
            CliRun.Of("devices", "--json", "--cache-dir", _cache.Path).Json().GetProperty("openCl").GetProperty("devices")[number].GetProperty("selfTest");

        static (int Passed, int Untested, int Failed) Counts(JsonElement test) =>
            (test.GetProperty("passed").GetInt32(), test.GetProperty("untested").GetInt32(), test.GetProperty("failed").GetArrayLength());
    }

    public void Dispose()
    {
        _files.Dispose();
        _cache.Dispose();
    }

    private string[] Classify(string device) => ["classify", .. Classified(), "--device", device, "--json"];

    /// <summary>A model and an image.</summary>
    private string[] Classified()
    {
        string image = _files["red.png"];
        CliFixture.Image(image, 2, 1);
        return [_files.Model(), image];
    }

    private string[] Files()
    {
        string folder = Path.Combine(_cache.Path, "thomas", "opencl");
        return Directory.Exists(folder) ? [.. Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)] : [];
    }

    private async Task<(int Code, string Out, string Error)> Run(string[] args, params (string Name, string Value)[] environment)
    {
        string program = Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "Thomas.Cli.exe" : "Thomas.Cli");
        ProcessStartInfo start = new(program, args) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["XDG_CACHE_HOME"] = _cache.Path;

        // The driver's own cache stays where it is: a PoCL without any takes half a minute.
        string home = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
        start.Environment.TryAdd("POCL_CACHE_DIR", Path.Combine(Environment.GetEnvironmentVariable("XDG_CACHE_HOME") ?? home, "pocl", "kcache"));
        foreach ((string name, string value) in environment) start.Environment[name] = value;
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, output, await error);
    }
}
