using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Thomas.Tests.Cli.Pull;

/// <summary>
/// A web server on this machine that does to each request what the test says, byte for byte: servers that break off, lie about lengths or never answer cannot
/// be made with a well-behaved one. Requests beyond the script get the last entry again.
/// </summary>
internal sealed class FaultyServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Func<Exchange, Task>[] _script;

    public FaultyServer(params Func<Exchange, Task>[] script)
    {
        _script = script;
        _listener.Start();
        _ = AcceptAsync();
    }

    /// <summary>What was asked, in order: each the lines of a request.</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    public Uri Address(string path = "model.tflite") => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/{path}");

    /// <summary>The requests so far, which must be so many.</summary>
    public IReadOnlyList<string> Asked(int count)
    {
        string[] requests = [.. Requests];
        Assert.Equal(count, requests.Length);
        return requests;
    }

    public void Dispose()
    {
        _stop.Cancel();
        _listener.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            for (int i = 0; ; i++)
            {
                TcpClient client = await _listener.AcceptTcpClientAsync(_stop.Token);
                _ = AnswerAsync(client, _script[Math.Min(i, _script.Length - 1)]);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task AnswerAsync(TcpClient client, Func<Exchange, Task> answer)
    {
        using (client)
        {
            try
            {
                NetworkStream stream = client.GetStream();
                StringBuilder request = new();
                byte[] buffer = new byte[4096];
                while (!request.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
                {
                    int read = await stream.ReadAsync(buffer, _stop.Token);
                    if (read == 0) return;
                    request.Append(Encoding.ASCII.GetString(buffer, 0, read));
                }

                Requests.Enqueue(request.ToString());
                await answer(new Exchange(client, stream, request.ToString(), _stop.Token));
            }
            catch (Exception e) when (e is System.IO.IOException or OperationCanceledException or ObjectDisposedException or SocketException)
            {
                // The client went away, as some tests want it to.
            }
        }
    }
}

/// <summary>A request and the connection to answer it on.</summary>
internal sealed record Exchange(TcpClient Client, NetworkStream Stream, string Request, CancellationToken Stop)
{
    /// <summary>The first byte that was asked for.</summary>
    public int From
    {
        get
        {
            int at = Request.IndexOf("Range: bytes=", StringComparison.Ordinal);
            return at < 0 ? 0 : int.Parse(Request.AsSpan(at + 13, Request.IndexOf('-', at + 13) - at - 13), CultureInfo.InvariantCulture);
        }
    }

    public async Task HeadAsync(string status, params string[] headers)
    {
        string head = $"HTTP/1.1 {status}\r\nConnection: close\r\n{string.Concat(Array.ConvertAll(headers, static h => h + "\r\n"))}\r\n";
        await Stream.WriteAsync(Encoding.ASCII.GetBytes(head), Stop);
    }

    public async Task BodyAsync(byte[] bytes, int from, int count) => await Stream.WriteAsync(bytes.AsMemory(from, count), Stop);

    /// <summary>Answers as a good server does: the rest from where it was asked for.</summary>
    public async Task ServeAsync(byte[] file, string tag = "\"v1\"", int? cutAfter = null)
    {
        int from = From, rest = file.Length - from;
        string[] range = from > 0 ? [$"Content-Range: bytes {from}-{file.Length - 1}/{file.Length}"] : [];
        string[] headers = [$"Content-Length: {rest}", $"ETag: {tag}", .. range];
        await HeadAsync(from > 0 ? "206 Partial Content" : "200 OK", headers);
        await BodyAsync(file, from, Math.Min(rest, cutAfter ?? rest));
    }

    /// <summary>Ends the connection as a crashed server does.</summary>
    public void Reset()
    {
        Client.Client.LingerState = new LingerOption(true, 0);
        Client.Close();
    }

    /// <summary>Says nothing more, until the test ends.</summary>
    public Task HangAsync() => Task.Delay(Timeout.Infinite, Stop);
}
