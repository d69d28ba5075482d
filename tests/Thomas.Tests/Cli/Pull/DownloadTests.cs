using System;
using System.Collections.Generic;
using System.IO;
using System.Net.Http;
using System.Security.Cryptography;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Thomas.App.Pull;
using Thomas.Tests.Data;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Cli.Pull;

/// <summary>Downloads from a server on this machine that fails in every way that servers do.</summary>
public sealed partial class DownloadTests : IDisposable
{
    private const int Cut = 300_000;
    private static readonly byte[] File1 = Bytes(1_000_003, 1), File2 = Bytes(1_000_003, 2);

    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _warnings = [];
    private readonly List<StageProgress> _progress = [];

    private string Output => _folder["model.tflite"];

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_file_is_saved_and_not_downloaded_twice()
    {
        using FaultyServer server = new(e => e.ServeAsync(File1));
        DownloadResult result = await RunAsync(server);
        Assert.Equal(new DownloadResult(File1.Length, 0, WasThere: false), result);
        AssertSaved();
        Assert.Equal((File1.Length >> 10, File1.Length >> 10), (_progress[^1].Done, _progress[^1].Total));
        Assert.Equal(new DownloadResult(File1.Length, 0, WasThere: true), await RunAsync(server));
        string request = server.Asked(1)[0];
        Assert.Contains("User-Agent: thomas/", request, StringComparison.Ordinal);
        Assert.DoesNotContain("Range:", request, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_lost_connection_is_taken_up_where_it_broke(bool reset)
    {
        using FaultyServer server = new(
            async e =>
            {
                await e.ServeAsync(File1, cutAfter: Cut);
                await Task.Delay(50, e.Stop);
                if (reset) e.Reset();
            },
            e => e.ServeAsync(File1));
        await RunAsync(server);
        AssertSaved();
        string second = server.Asked(2)[1];
        Assert.Contains("If-Range: \"v1\"", second, StringComparison.Ordinal);
        Assert.Matches("Range: bytes=[1-9][0-9]*-\r", second);
        Assert.Single(_warnings);
    }

    [Fact]
    public async Task What_a_cancelled_run_has_left_is_not_downloaded_again()
    {
        using CancellationTokenSource cancel = new();
        using FaultyServer server = new(
            async e =>
            {
                await e.ServeAsync(File1, cutAfter: Cut);
                await e.HangAsync();
            },
            e => e.ServeAsync(File1));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => RunAsync(server, cancel: cancel, after: Cut));
        Assert.False(File.Exists(Output));
        long kept = new FileInfo(Output + ".part").Length;
        Assert.InRange(kept, 1, Cut);
        DownloadResult result = await RunAsync(server);
        Assert.Equal(kept, result.ResumedAt);
        Assert.Contains($"Range: bytes={kept}-", server.Asked(2)[1], StringComparison.Ordinal);
        AssertSaved();
    }

    [Fact]
    public async Task A_part_of_another_file_is_not_gone_on_from()
    {
        using CancellationTokenSource cancel = new();
        using FaultyServer server = new(
            async e =>
            {
                await e.ServeAsync(File2, cutAfter: Cut);
                await e.HangAsync();
            },
            e => e.ServeAsync(File1));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => RunAsync(server, file: File2, cancel: cancel, after: Cut));
        Assert.Equal(0, (await RunAsync(server)).ResumedAt);
        AssertSaved();
    }

    [Fact]
    public async Task A_server_without_ranges_or_with_a_changed_file_sends_all_of_it()
    {
        using FaultyServer server = new(
            e => e.ServeAsync(File2, tag: "\"old\"", cutAfter: Cut),
            async e =>
            {
                await e.HeadAsync("200 OK", $"Content-Length: {File1.Length}", "ETag: \"new\"");
                await e.BodyAsync(File1, 0, File1.Length);
            });
        await RunAsync(server);
        AssertSaved();
        Assert.Contains("If-Range: \"old\"", server.Asked(2)[1], StringComparison.Ordinal);
        Assert.Contains(_warnings, w => w.Contains("from its beginning", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_file_that_changed_unnoticed_between_two_runs_is_downloaded_once_more()
    {
        using CancellationTokenSource cancel = new();
        using FaultyServer server = new(
            async e =>
            {
                // A weak tag: nothing to ask for the same version with.
                await e.ServeAsync(File2, tag: "W/\"same\"", cutAfter: Cut);
                await e.HangAsync();
            },
            e => e.ServeAsync(File1));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => RunAsync(server, cancel: cancel, after: Cut));
        Assert.Equal(0, (await RunAsync(server)).ResumedAt);
        IReadOnlyList<string> asked = server.Asked(3);
        Assert.DoesNotContain("If-Range", asked[1], StringComparison.Ordinal);
        Assert.DoesNotContain("Range:", asked[2], StringComparison.Ordinal);
        AssertSaved();
    }

    [Fact]
    public async Task A_complete_part_only_gets_its_name()
    {
        using CancellationTokenSource cancel = new();
        using FaultyServer server = new(
            async e =>
            {
                // No length: the client waits for more.
                await e.HeadAsync("200 OK", "ETag: \"v1\"");
                await e.BodyAsync(File1, 0, File1.Length);
                await e.HangAsync();
            },
            e => e.HeadAsync("416 Range Not Satisfiable", $"Content-Range: bytes */{File1.Length}", "Content-Length: 0"));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => RunAsync(server, cancel: cancel, after: 0, whenPartHas: File1.Length));
        Assert.Equal(File1.Length, (await RunAsync(server)).ResumedAt);
        AssertSaved();
    }

    [Fact]
    public async Task Another_part_than_was_asked_for_is_not_used()
    {
        using FaultyServer server = new(
            e => e.ServeAsync(File1, cutAfter: Cut),
            async e =>
            {
                await e.HeadAsync("206 Partial Content", "Content-Length: 10", $"Content-Range: bytes 5-14/{File1.Length}");
                await e.BodyAsync(File1, 5, 10);
            },
            e => e.ServeAsync(File1));
        await RunAsync(server);
        AssertSaved();
        Assert.DoesNotContain("Range:", server.Asked(3)[2], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Content-Range: bytes 5-14/1000003")]
    [InlineData("Content-Length: 10")]
    public async Task A_part_that_nobody_asked_for_is_refused_at_once(string header)
    {
        using FaultyServer server = new(e => e.HeadAsync("206 Partial Content", "Content-Length: 10", header));
        Assert.Contains("and all of it was asked for", await FailsAsync<DownloadException>(server), StringComparison.Ordinal);
        server.Asked(1);
        AssertNothingLeft();
    }

    [Theory]
    [InlineData("206 Partial Content", "Content-Range: bytes 5-14/1000003")]
    [InlineData("416 Range Not Satisfiable", "Content-Range: bytes */1000003")]
    public async Task A_server_that_never_goes_on_where_it_broke_is_given_up(string status, string header)
    {
        using FaultyServer server = new(async e =>
        {
            if (e.From > 0) await e.HeadAsync(status, "Content-Length: 0", header);
            else await e.ServeAsync(File1, cutAfter: Cut);
        });
        Assert.Contains("given up after 6 attempts: its answers do not continue one another", await FailsAsync<DownloadException>(server),
            StringComparison.Ordinal);
        server.Asked(6);
        AssertNothingLeft();
    }

    [Fact]
    public async Task What_gets_the_name_during_the_download_is_not_overwritten_either()
    {
        using FaultyServer server = new(async e =>
        {
            File.WriteAllText(Output, "mine");
            await e.ServeAsync(File1);
        });
        Assert.Contains("was made by something else during the download", await FailsAsync<OutputException>(server), StringComparison.Ordinal);
        Assert.Equal("mine", File.ReadAllText(Output));
        Assert.Equal(File1, File.ReadAllBytes(Output + ".part"));

        // As the message says: what is there only gets its name.
        File.Delete(Output);
        using FaultyServer whole = new(e => e.HeadAsync("416 Range Not Satisfiable", "Content-Length: 0"));
        string note = File.ReadAllText(Output + ".part.from");
        File.WriteAllText(Output + ".part.from", note.Replace($"{server.Address()}", $"{whole.Address()}", StringComparison.Ordinal));
        Assert.Equal(File1.Length, (await RunAsync(whole)).ResumedAt);
        AssertSaved();
    }

    [Fact]
    public async Task Wrong_bytes_are_not_kept()
    {
        using FaultyServer server = new(e => e.ServeAsync(File2));
        string message = await FailsAsync<DownloadException>(server);
        Assert.Contains(Sum(File1), message, StringComparison.Ordinal);
        Assert.Contains(Sum(File2), message, StringComparison.Ordinal);
        server.Asked(1);
        AssertNothingLeft();
    }

    [Theory]
    [InlineData("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 14\n", "a git-lfs pointer")]
    [InlineData("<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>x</body></html>\n", "(on GitHub: Raw)")]
    public async Task What_came_instead_of_the_model_is_named(string text, string expected)
    {
        using FaultyServer server = new(e => e.ServeAsync(Encoding.UTF8.GetBytes(text)));
        Assert.Contains(expected, await FailsAsync<DownloadException>(server), StringComparison.Ordinal);
        AssertNothingLeft();
    }

    [Theory]
    [InlineData("404 Not Found", "There is no file at")]
    [InlineData("403 Forbidden", "may not be read without permission")]
    [InlineData("418 I'm a teapot", "answered 418")]
    public async Task What_will_not_get_better_is_not_tried_again(string status, string expected)
    {
        using FaultyServer server = new(e => e.HeadAsync(status, "Content-Length: 0"));
        Assert.Contains(expected, await FailsAsync<DownloadException>(server), StringComparison.Ordinal);
        server.Asked(1);
        AssertNothingLeft();
    }

    [Fact]
    public async Task A_failing_server_is_asked_again()
    {
        using FaultyServer server = new(
            e => e.HeadAsync("500 Internal Server Error", "Content-Length: 0"),
            e => e.HeadAsync("503 Service Unavailable", "Content-Length: 0", "Retry-After: 0"),
            e => e.ServeAsync(File1));
        await RunAsync(server);
        AssertSaved();
        server.Asked(3);
        Assert.Equal(2, _warnings.Count);
    }

    [Fact]
    public async Task A_server_that_always_fails_is_given_up()
    {
        using FaultyServer server = new(e => e.HeadAsync("502 Bad Gateway", "Content-Length: 0"));
        Assert.Contains("given up after 3 attempts: the server answered 502", await FailsAsync<DownloadException>(server), StringComparison.Ordinal);
        server.Asked(3);
        AssertNothingLeft();
    }

    [Fact]
    public async Task A_body_that_is_always_too_short_is_given_up_and_kept()
    {
        using FaultyServer server = new(
            e => e.ServeAsync(File1, cutAfter: Cut),
            e => e.HeadAsync("206 Partial Content", "Content-Length: 9", $"Content-Range: bytes {e.From}-{File1.Length - 1}/{File1.Length}"));
        string message = await FailsAsync<DownloadException>(server);
        Assert.Contains("are kept in", message, StringComparison.Ordinal);
        Assert.InRange(new FileInfo(Output + ".part").Length, 1, Cut);
    }

    [Fact]
    public async Task A_silent_server_is_given_up_after_a_while()
    {
        using FaultyServer server = new(e => e.HangAsync());
        Assert.Contains("nothing came for", await FailsAsync<DownloadException>(server, idle: 0.2), StringComparison.Ordinal);
        server.Asked(3);
    }

    [Fact]
    public async Task No_server_is_an_error_after_a_few_attempts()
    {
        FaultyServer server = new(e => e.HangAsync());
        Uri address = server.Address();
        server.Dispose();
        DownloadOptions options = new(address, Sum(File1), Output) { FirstDelay = TimeSpan.FromMilliseconds(1), Attempts = 2 };
        DownloadException error = await Assert.ThrowsAsync<DownloadException>(() => Download.RunAsync(options, cancellation: Stop));
        Assert.Contains("no connection", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_file_beyond_the_limit_is_refused(bool isAnnounced)
    {
        using FaultyServer server = new(async e =>
        {
            await e.HeadAsync("200 OK", isAnnounced ? [$"Content-Length: {File1.Length}"] : []);
            await e.BodyAsync(File1, 0, File1.Length);
        });
        Assert.Contains("the limit of 97.7 KiB", await FailsAsync<DownloadException>(server, limit: 100_000), StringComparison.Ordinal);
        server.Asked(1);
        AssertNothingLeft();
    }

    [Theory]
    [InlineData(true, "another file is there now")]
    [InlineData(false, "sends more than the")]
    public async Task A_file_that_is_longer_than_it_should_be_is_refused(bool isAnnounced, string expected)
    {
        byte[] longer = [.. File1, 1, 2, 3];
        using FaultyServer server = new(async e =>
        {
            await e.HeadAsync("200 OK", isAnnounced ? [$"Content-Length: {longer.Length}"] : []);
            await e.BodyAsync(longer, 0, longer.Length);
        });
        Assert.Contains(expected, await FailsAsync<DownloadException>(server, bytes: File1.Length), StringComparison.Ordinal);
        AssertNothingLeft();
    }

    [Fact]
    public async Task What_has_the_name_already_is_never_overwritten()
    {
        using FaultyServer server = new(e => e.ServeAsync(File1));
        File.WriteAllText(Output, "mine");
        Assert.Contains("holds something else", await FailsAsync<OutputException>(server), StringComparison.Ordinal);
        Assert.Equal("mine", File.ReadAllText(Output));

        // Nor is the part that another program has left.
        File.Move(Output, Output + ".part");
        Assert.Contains("was not made by this command", await FailsAsync<OutputException>(server), StringComparison.Ordinal);
        Assert.Equal("mine", File.ReadAllText(Output + ".part"));
        server.Asked(0);
    }

    [Fact]
    public async Task Two_runs_do_not_write_the_same_file()
    {
        using CancellationTokenSource cancel = new();
        using FaultyServer server = new(async e =>
        {
            await e.ServeAsync(File1, cutAfter: Cut);
            await e.HangAsync();
        });
        Task first = RunAsync(server, cancel: cancel, after: Cut, then: async () =>
        {
            using FaultyServer second = new(e => e.ServeAsync(File1));
            OutputException error = await Assert.ThrowsAsync<OutputException>(
                () => Download.RunAsync(new DownloadOptions(second.Address(), Sum(File1), Output), cancellation: Stop));
            Assert.Contains("another download of the same file may be running", error.Message, StringComparison.Ordinal);
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
    }

    [Fact]
    public async Task A_missing_folder_is_named_before_anything_is_asked()
    {
        using FaultyServer server = new(e => e.ServeAsync(File1));
        DownloadOptions options = new(server.Address(), Sum(File1), _folder["nowhere", "model.tflite"]);
        OutputException error = await Assert.ThrowsAsync<OutputException>(() => Download.RunAsync(options, cancellation: Stop));
        Assert.Contains("does not exist; create it first", error.Message, StringComparison.Ordinal);
        server.Asked(0);
    }

    private async Task<DownloadResult> RunAsync(
        FaultyServer server, byte[]? file = null, CancellationTokenSource? cancel = null, int after = 0, int? whenPartHas = null, double idle = 20,
        long limit = 1L << 30, long? bytes = null, Func<Task>? then = null)
    {
        DownloadOptions options = new(server.Address(), Sum(file ?? File1), Output)
        {
            FirstDelay = TimeSpan.FromMilliseconds(1),
            Attempts = 3,
            IdleTimeout = TimeSpan.FromSeconds(idle),
            MaximumBytes = limit,
            Bytes = bytes,
        };
        using CancellationTokenSource linked = CancellationTokenSource.CreateLinkedTokenSource(Stop, cancel?.Token ?? CancellationToken.None);
        Task<DownloadResult> run = Download.RunAsync(options, new ImmediateProgress<StageProgress>(Note), cancellation: linked.Token);
        if (cancel is not null)
        {
            // As a person does: when something has come, and nothing more does.
            while (!run.IsCompleted && !HasCome()) await Task.Delay(5, Stop);
            await Task.Delay(100, Stop);
            if (then is not null) await then();
            await cancel.CancelAsync();
        }

        return await run;

        bool HasCome()
        {
            FileInfo part = new(Output + ".part");
            if (whenPartHas is int whole) return part.Exists && part.Length >= whole;
            lock (_progress) return _progress.Count > 0 && _progress[^1].Done >= (after - 70_000) >> 10;
        }
    }

    private void Note(StageProgress report)
    {
        lock (_progress)
        {
            if (report.IsWarning) _warnings.Add(report.Message);
            else _progress.Add(report);
        }
    }

    private async Task<string> FailsAsync<T>(FaultyServer server, double idle = 20, long limit = 1L << 30, long? bytes = null)
        where T : ThomasException => (await Assert.ThrowsAsync<T>(() => RunAsync(server, idle: idle, limit: limit, bytes: bytes))).Message;

    private void AssertSaved()
    {
        Assert.Equal(File1, File.ReadAllBytes(Output));
        Assert.Equal([Output], Directory.GetFileSystemEntries(_folder.Path));
    }

    private void AssertNothingLeft() => Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));

    private static string Sum(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    private static byte[] Bytes(int count, ulong seed)
    {
        byte[] bytes = new byte[count];
        Rng random = new(seed);
        for (int i = 0; i < count; i++) bytes[i] = (byte)random.NextUInt64();
        return bytes;
    }

    private sealed class Answers(Func<HttpRequestMessage, HttpResponseMessage> answer) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult(answer(request));
    }
}
