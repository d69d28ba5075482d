using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Net;
using System.Net.Http;
using System.Net.Sockets;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using Thomas.Tests.Cli;
using Thomas.Tests.Data;
using Xunit;

namespace Thomas.Tests.Studio;

public sealed class StudioCommandTests
{
    [Fact]
    public async Task The_command_says_where_it_is_and_ends_when_it_is_asked_to()
    {
        using TemporaryFolder folder = new();
        using CliFixture models = new();
        string ready = folder["ready.json"], model = models.Model();
        Task<CliRun> run = Task.Run(() => CliRun.Of(
            "studio", "--folder", folder["studio"], "--port", "0", "--no-open", "--threads", "1", "--ready-file", ready, "--model", model));
        JsonElement told = await Told(ready);
        Assert.Equal(Environment.ProcessId, told.GetProperty("pid").GetInt32());
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(ready));
        using HttpClient client = Client(told);
        Assert.Contains("tiny", await client.GetStringAsync("api/models"), StringComparison.Ordinal);
        using HttpResponseMessage shutdown = await client.PostAsync("api/shutdown", null);
        Assert.Equal(202, (int)shutdown.StatusCode);
        CliRun ended = await run;
        Assert.Equal(0, ended.Code);
        string address = $"http://127.0.0.1:{told.GetProperty("port").GetInt32()}/#token={told.GetProperty("token").GetString()}";
        Assert.Contains(address, ended.Out, StringComparison.Ordinal);
        Assert.Contains("imported the model 'tiny'", ended.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Control_C_ends_it()
    {
        using TemporaryFolder folder = new();
        using CancellationTokenSource interrupt = new();
        string ready = folder["ready.json"];
        Task<CliRun> run = Task.Run(() => CliRun.Of(
            ["studio", "--folder", folder["studio"], "--port", "0", "--no-open", "--ready-file", ready, "--json"], null, interrupt.Token));
        JsonElement told = await Told(ready);
        await interrupt.CancelAsync();
        CliRun ended = await run;
        Assert.Equal(0, ended.Code);
        Assert.Equal(told.GetProperty("token").GetString(), ended.Json().GetProperty("token").GetString());
        Assert.Equal(folder["studio"], ended.Json().GetProperty("folder").GetString());
    }

    [Fact]
    public async Task What_keeps_it_from_starting_is_told_to_people_and_programs()
    {
        using TemporaryFolder folder = new();
        await using StudioFixture other = await StudioFixture.Start(folder: folder);
        string port = $"{other.Server.Port}";
        foreach ((string[] args, int code, string message) in (List<(string[], int, string)>)[
            (["--folder", folder["studio"], "--port", "0"], 4, "in use by another studio"),
            (["--folder", folder["new"], "--port", port], 2, $"Port {port} is in use"),
            (["--folder", folder["new"], "--port", "0", "--model", folder["none.onnx"]], 3, "none.onnx"),
            (["--folder", folder["new"], "--port", "5", "--listen", "127.0.0.1:6"], 2, "twice"),
            (["--folder", folder["new"], "--port", "0", "--device", "auto"], 2, "auto")])
        {
            string ready = folder["ready.json"];
            File.Delete(ready);
            CliRun run = CliRun.Of(["studio", .. args, "--no-open", "--ready-file", ready]);
            Assert.Equal(code, run.Code);
            Assert.Contains(message, run.Error, StringComparison.Ordinal);
            Assert.Contains(message, (await Told(ready)).GetProperty("error").GetString(), StringComparison.Ordinal);
        }
    }

    /// <summary>As the phone's shell starts it: the next one may begin while the former still ends.</summary>
    [Fact]
    public async Task It_ends_when_its_input_does_and_the_next_one_waits_for_that()
    {
        using TemporaryFolder folder = new();
        using Process first = Begin("first.json");
        await Told(folder["first.json"]);
        using Process second = Begin("second.json");
        await Task.Delay(300);
        Assert.False(first.HasExited);
        Assert.False(File.Exists(folder["second.json"]));
        Close(first);
        using HttpClient client = Client(await Told(folder["second.json"]));
        Assert.Contains("starter", await client.GetStringAsync("api/models"), StringComparison.Ordinal);
        Close(second);

        Process Begin(string ready) => StudioChild.StartCommand(
            "studio", "--folder", folder["studio"], "--port", "0", "--no-open", "--threads", "1", "--ready-file", folder[ready], "--until-stdin-closes");

        static void Close(Process process)
        {
            process.StandardInput.Close();
            Assert.True(process.WaitForExit(TimeSpan.FromSeconds(60)));
            Assert.Equal(0, process.ExitCode);
        }
    }

    /// <summary>To a browser another port is another site, with settings of its own.</summary>
    [Fact]
    public async Task Any_free_port_is_that_of_the_last_start_if_it_is_free()
    {
        using TemporaryFolder folder = new();
        int port = await PortOf(folder);
        Assert.Equal(port, await PortOf(folder));
        using (TcpListener other = new(IPAddress.Loopback, port))
        {
            other.Start();
            int next = await PortOf(folder);
            Assert.NotEqual(port, next);
            Assert.Equal(next, await PortOf(folder));
        }

        await File.WriteAllTextAsync(folder["studio", "port"], "70000 is none", TestContext.Current.CancellationToken);
        Assert.InRange(await PortOf(folder), 1, 65_535);
    }

    [Theory]
    [InlineData("--listen", "everywhere")]
    [InlineData("--listen", "5480")]
    [InlineData("--port", "65536")]
    [InlineData("--port", "-1")]
    public void Wrong_addresses_are_named(string option, string value)
    {
        CliRun run = CliRun.Of("studio", option, value);
        Assert.Equal(2, run.Code);
        Assert.Contains($"{option} is '{value}'", run.Error, StringComparison.Ordinal);
    }

    private static async Task<int> PortOf(TemporaryFolder folder)
    {
        await using StudioFixture studio = await StudioFixture.Start(folder: folder);
        Assert.True((await studio.Send("GET", "ready")).GetProperty("ready").GetBoolean());
        return studio.Server.Port;
    }

    private static HttpClient Client(JsonElement told)
    {
        HttpClient client = new(new SocketsHttpHandler { UseProxy = false })
        {
            BaseAddress = new Uri($"http://127.0.0.1:{told.GetProperty("port").GetInt32()}/"),
        };
        client.DefaultRequestHeaders.Add("X-Thomas-Token", told.GetProperty("token").GetString());
        return client;
    }

    private static async Task<JsonElement> Told(string path)
    {
        DateTime end = DateTime.UtcNow.AddSeconds(60);
        while (!File.Exists(path))
        {
            Assert.True(DateTime.UtcNow < end);
            await Task.Delay(20);
        }

        return JsonDocument.Parse(await File.ReadAllTextAsync(path)).RootElement;
    }
}
