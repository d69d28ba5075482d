using System;
using System.Diagnostics;
using System.IO;
using System.Threading.Tasks;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Cli;

/// <summary>The real program with an output that is full, closed or hung up.</summary>
public sealed class HostileTerminalTests
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(120);

    [Theory]
    [InlineData("2>/dev/full", 0, true)]
    [InlineData("2>&-", 0, true)]
    [InlineData(">/dev/full", 5, false)]
    [InlineData(">/dev/full 2>/dev/full", 5, false)]
    [InlineData(">&- 2>&-", 5, false)]
    public async Task What_cannot_be_written_is_no_crash(string redirection, int expected, bool isShown)
    {
        using CliFixture files = new();
        (int code, string output, string errors) = await Shell($"\"$0\" inspect \"$1\" {redirection}", files.Model());
        Expect.True(expected == code, $"exit code {code}: {errors}");
        Assert.Equal(isShown, output.Contains("tiny.onnx", StringComparison.Ordinal));
        if (redirection == ">/dev/full") Assert.Contains("could not be written to standard output", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_reader_that_has_seen_enough_is_no_error()
    {
        using CliFixture files = new();
        (int code, string output, string errors) = await Shell("\"$0\" inspect \"$1\" | head -n 1", files.Model());
        Assert.Equal((0, ""), (code, errors));
        Assert.Single(output.TrimEnd().Split('\n'));
    }

    [Theory]
    [InlineData("/dev/full")]
    [InlineData("/dev/null")]
    public async Task Tuning_ends_well_where_nobody_can_be_told(string errors)
    {
        using CliFixture files = new();
        string tuned = files["tuned.onnx"];
        (int code, _, _) = await Shell(
            $"\"$0\" tune \"$1\" --data \"$2\" -o \"$3\" --epochs 3 --no-cache 2>{errors}", files.Model(), files.Data(perClass: 4), tuned);
        Assert.Equal(0, code);
        Assert.Equal(CliFixture.Colors, Model.Load(tuned).Info.Labels);
    }

    [Fact]
    public async Task A_closed_terminal_stops_training_and_keeps_the_best_model()
    {
        using CliFixture files = new();
        string tuned = files["tuned.onnx"];
        using Process process = Start(
            "exec \"$0\" tune \"$1\" --data \"$2\" -o \"$3\" --update all --epochs 10000 --no-cache", files.Model(), files.Data(perClass: 4), tuned);
        _ = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        while (await process.StandardError.ReadLineAsync(TestContext.Current.CancellationToken) is string line
            && !line.StartsWith("train ", StringComparison.Ordinal))
        {
            // Before the first epoch there is nothing to keep.
        }

        Task<string> errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await HangUp(process);
        await HangUp(process);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Long, TestContext.Current.CancellationToken);
        Assert.Equal(130, process.ExitCode);
        Assert.Contains("the best model so far is in", await errors, StringComparison.Ordinal);
        Assert.Equal(CliFixture.Colors, Model.Load(tuned).Info.Labels);
    }

    [Fact]
    public async Task Under_nohup_it_goes_on()
    {
        using CliFixture files = new();
        string tuned = files["tuned.onnx"];
        using Process process = Start(
            "trap '' HUP; exec \"$0\" tune \"$1\" --data \"$2\" -o \"$3\" --epochs 200 --no-cache", files.Model(), files.Data(perClass: 4), tuned);
        _ = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.StandardError.ReadLineAsync(TestContext.Current.CancellationToken);
        Task<string> errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await HangUp(process);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Long, TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, await errors);
        Assert.Equal(CliFixture.Colors, Model.Load(tuned).Info.Labels);
    }

    [Fact]
    public async Task Too_little_memory_is_said_as_such()
    {
        using CliFixture files = new();
        string large = files["large.onnx"];
        using (FileStream file = File.Create(large))
        {
            file.Write([0x1C, 0, 0, 0, .. "TFL3"u8]);
            file.SetLength(300 << 20);
        }

        (int code, _, string errors) = await Shell("DOTNET_GCHeapHardLimit=0x6000000 \"$0\" inspect \"$1\"", large);
        Expect.True(code == 7, $"exit code {code}: {errors}");
        Assert.Contains("Not enough memory", errors, StringComparison.Ordinal);
        Assert.DoesNotContain("unexpected", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Inspect_says_what_a_model_would_take_that_does_not_fit()
    {
        using CliFixture files = new();
        (int code, string output, string errors) = await Shell("DOTNET_GCHeapHardLimit=0x8000000 \"$0\" inspect \"$1\" --size 4096", files.Model());
        Assert.True(code == 0, errors);

        // The image and what the convolution makes of it.
        Assert.Contains($"{((4096.0 * 4096 * 3) + (2047 * 2047 * 8)) * 4 / (1 << 20):0.0} MiB of activations", output, StringComparison.Ordinal);
        Assert.DoesNotContain("ot enough memory", output + errors, StringComparison.Ordinal);
    }

    private static async Task HangUp(Process process)
    {
        using Process kill = Process.Start("kill", ["-HUP", process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
    }

    private static async Task<(int Code, string Output, string Errors)> Shell(string script, params string[] arguments)
    {
        using Process process = Start(script, arguments);
        Task<string> output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken),
            errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Long, TestContext.Current.CancellationToken);
        return (process.ExitCode, await output, await errors);
    }

    /// <summary>Runs a script in which $0 is the program.</summary>
    private static Process Start(string script, params string[] arguments)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "Thomas.Cli");
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.Exists(program), "needs a shell, /dev/full and the program beside the tests");
        ProcessStartInfo start = new("sh") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in (string[])["-c", script, program, .. arguments]) start.ArgumentList.Add(argument);
        start.Environment["DOTNET_TieredPGO"] = "0";
        return Process.Start(start)!;
    }
}
