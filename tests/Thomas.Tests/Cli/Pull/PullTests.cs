using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Threading;
using System.Threading.Tasks;
using Thomas.App.Pull;
using Thomas.Tests.Docs;
using Xunit;

namespace Thomas.Tests.Cli.Pull;

public sealed class PullTests : IDisposable
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(60);

    private readonly CliFixture _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void A_model_that_was_pulled_can_be_used()
    {
        byte[] model = File.ReadAllBytes(_files.Model());
        using FaultyServer server = new(e => e.ServeAsync(model, cutAfter: model.Length / 2), e => e.ServeAsync(model));
        string output = _files["pulled.onnx"];
        CliRun run = CliRun.Of("pull", server.Address("tiny.onnx").AbsoluteUri, "--sha256", Sum(model).ToUpperInvariant(), "-o", output);
        Assert.True(run.Code == 0, run.Error);
        Assert.Contains("its SHA-256 is right", run.Out, StringComparison.Ordinal);
        Assert.Contains("thomas: warning: ", run.Error, StringComparison.Ordinal);
        Assert.Contains("trying again in", run.Error, StringComparison.Ordinal);
        Assert.Equal(0, CliRun.Of("inspect", output).Code);

        CliRun again = CliRun.Of("pull", server.Address("tiny.onnx").AbsoluteUri, "--sha256", Sum(model), "-o", output);
        Assert.StartsWith("there already", again.Out, StringComparison.Ordinal);
        server.Asked(2);
    }

    [Fact]
    public void The_report_for_machines_says_what_was_saved()
    {
        byte[] model = File.ReadAllBytes(_files.Model());
        using FaultyServer server = new(e => e.ServeAsync(model));
        CliRun run = CliRun.Of("pull", server.Address().AbsoluteUri, "--sha256", Sum(model), "-o", _files["pulled.onnx"], "--json");
        Assert.Equal(0, run.Code);
        JsonElement report = run.Json();
        Assert.Equal(Sum(model), report.GetProperty("sha256").GetString());
        Assert.Equal(model.Length, report.GetProperty("bytes").GetInt64());
        Assert.False(report.GetProperty("wasThere").GetBoolean());
        Assert.Equal(server.Address().AbsoluteUri, report.GetProperty("url").GetString());
    }

    [Theory]
    [InlineData("a%00b.tflite")]
    [InlineData("a%0Ab.tflite")]
    [InlineData("a%1B%5B31mb.tflite")]
    [InlineData("a%C2%9Bb.tflite")]
    public void An_address_whose_name_has_control_characters_needs_another_name(string path)
    {
        CliRun run = CliRun.Of("pull", $"https://localhost/{path}", "--sha256", new string('0', 64));
        Assert.Equal(2, run.Code);
        Assert.Contains("control characters; give another one with -o", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_failed_download_has_an_exit_code_of_its_own()
    {
        using FaultyServer server = new(e => e.HeadAsync("404 Not Found", "Content-Length: 0"));
        CliRun run = CliRun.Of("pull", server.Address().AbsoluteUri, "--sha256", new string('0', 64), "-o", _files["pulled.onnx"]);
        Assert.Equal(8, run.Code);
        Assert.Contains("thomas: error: There is no file at http://127.0.0.1:", run.Error, StringComparison.Ordinal);
        Assert.Empty(run.Out);
    }

    [Fact]
    public void A_cancelled_download_says_how_to_go_on()
    {
        byte[] model = File.ReadAllBytes(_files.Model());
        using CancellationTokenSource cancel = new();
        using FaultyServer server = new(
            async e =>
            {
                await e.ServeAsync(model, cutAfter: model.Length / 2);
                await Task.Delay(300, e.Stop);
                await cancel.CancelAsync();
                await e.HangAsync();
            },
            e => e.ServeAsync(model));
        string[] command = ["pull", server.Address().AbsoluteUri, "--sha256", Sum(model), "-o", _files["pulled.onnx"]];
        CliRun run = CliRun.Of(command, null, cancel.Token);
        Assert.Equal(130, run.Code);
        Assert.Contains("are kept in", run.Error, StringComparison.Ordinal);
        Assert.Contains("the same command goes on from there", run.Error, StringComparison.Ordinal);
        CliRun rest = CliRun.Of(command);
        Assert.True(rest.Code == 0, rest.Error);
        Assert.Contains("of it by an earlier run", rest.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("pull", "Give the name of a model")]
    [InlineData("pull mobilenet", "is neither the name of a model")]
    [InlineData("pull ftp://example.org/m.onnx", "begins with https:// or http://")]
    [InlineData("pull https://example.org/m.onnx", "An address needs --sha256")]
    [InlineData("pull https://example.org/m.onnx --sha256 12ab", "64 hexadecimal digits")]
    [InlineData("pull mobilenet-v2 --list", "leave the name out")]
    [InlineData("pull mobilenet-v2 --sha256 0000000000000000000000000000000000000000000000000000000000000000", "leave it out")]
    [InlineData("pull https://example.org/ --sha256 0000000000000000000000000000000000000000000000000000000000000000", "give one with -o")]
    public void Wrong_arguments_are_named(string line, string expected)
    {
        CliRun run = CliRun.Of(line.Split(' '));
        Assert.Equal(2, run.Code);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_full_disk_is_an_error_and_what_fitted_is_kept()
    {
        string program = Path.Combine(AppContext.BaseDirectory, "Thomas.Cli");
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.Exists(program), "needs a shell and the program next to the tests");
        byte[] model = new byte[1 << 20];
        using FaultyServer server = new(e => e.ServeAsync(model));
        ProcessStartInfo start = new("sh") { RedirectStandardError = true, RedirectStandardOutput = true };

        // No file may have more than 512 blocks, whatever a shell takes for one. Protected code lies in a file that is larger.
        start.Environment["DOTNET_EnableWriteXorExecute"] = "0";
        foreach (string argument in (string[])[
            "-c", "ulimit -f 512; exec \"$0\" pull \"$1\" --sha256 \"$2\" -o \"$3\"", program, server.Address().AbsoluteUri, Sum(model), _files["big.bin"]])
            start.ArgumentList.Add(argument);
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken),
            errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Long, TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 5, await errors);
        Assert.Contains("Cannot write '", await errors, StringComparison.Ordinal);
        Assert.Empty(await output);
        Assert.False(File.Exists(_files["big.bin"]));
    }

    [Fact]
    public void The_catalog_holds_what_its_records_need()
    {
        Assert.Equal(StockCatalog.Models.Count, StockCatalog.Models.Select(m => m.Name).Distinct(StringComparer.OrdinalIgnoreCase).Count());
        foreach (StockModel model in StockCatalog.Models)
        {
            Assert.Matches("^[0-9a-f]{64}$", model.Sha256);
            Assert.Matches("^[0-9a-f]{40}$", model.Commit);
            Assert.Equal(Uri.UriSchemeHttps, model.Address.Scheme);
            Assert.Contains(Path.GetExtension(model.FileName), new[] { ".tflite", ".onnx", ".pth" });
            Assert.Contains(model.License, new[] { "Apache-2.0", "MIT", "BSD-2-Clause" });
            if (model.Address.Host == "raw.githubusercontent.com")
            {
                Assert.Equal($"/{model.Repository}/{model.Commit}/{model.Path}", model.Address.AbsolutePath);
            }
        }
    }

    [Fact]
    public void The_list_shows_every_model_with_its_license()
    {
        string list = CliRun.Of("pull", "--list").Out;
        JsonElement models = CliRun.Of("pull", "--list", "--json").Json().GetProperty("models");
        Assert.Equal(StockCatalog.Models.Count, models.GetArrayLength());
        foreach (StockModel model in StockCatalog.Models)
        {
            string entry = $"(?m)^{Regex.Escape(model.Name)}\n.*\n    {Regex.Escape(model.License)}, {Regex.Escape(model.Repository)}";
            Assert.Matches(entry, list.ReplaceLineEndings("\n"));
        }
    }

    [Fact]
    public void The_documentation_has_the_same_table()
    {
        string page = RepositoryFiles.Read("docs/getting-started.md");
        IEnumerable<string> rows = page.Split('\n').Where(line => Regex.IsMatch(line, "^\\| `[a-z0-9.-]+` \\|.*[0-9a-f]{64}"));
        Assert.Equal(StockCatalog.Models.Select(Row), rows);
    }

    private static string Row(StockModel model) =>
        $"| `{model.Name}` | {model.Description} | {model.License} | {model.Repository}@{model.Commit[..10]}, `{model.Path}` | `{model.Sha256}` |";

    private static string Sum(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}
