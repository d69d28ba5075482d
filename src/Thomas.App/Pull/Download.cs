using System;
using System.IO;
using System.Net;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Threading;
using System.Threading.Tasks;
using Thomas.Training;

namespace Thomas.App.Pull;

/// <summary>
/// Downloads one file whose checksum is known. A lost connection is taken up again where it broke, also by a later run; the file gets its name only when it is
/// complete and has the checksum.
/// </summary>
internal sealed class Download : IDisposable
{
    /// <summary>The stage under which progress is reported; its counts are in KiB.</summary>
    public const string Stage = "download (KiB)";

    private const int BufferBytes = 1 << 16;
    private const int MostRedirects = 8;
    private const int MostAttempts = 100;
    private static readonly TimeSpan LongestDelay = TimeSpan.FromMinutes(1);

    private readonly DownloadOptions _options;
    private readonly IProgress<StageProgress>? _progress;
    private readonly HttpMessageInvoker _client;
    private readonly PartFile _part;
    private readonly CancellationToken _cancellation;
    private long _resumedAt;
    private long? _total;

    private Download(DownloadOptions options, HttpMessageHandler handler, IProgress<StageProgress>? progress, PartFile part, CancellationToken cancellation)
    {
        (_options, _progress, _part, _cancellation) = (options, progress, part, cancellation);
        _client = new HttpMessageInvoker(handler, disposeHandler: false);
        _resumedAt = part.Length;
    }

    /// <summary>Downloads a file, unless it is there already.</summary>
    /// <param name="options">What and where to.</param>
    /// <param name="progress">Gets the KiB so far and of the whole, and as warnings what is tried again.</param>
    /// <param name="handler">Sends the requests, without following redirects; null for the usual one.</param>
    /// <param name="cancellation">Ends it; what has come stays for a later run.</param>
    /// <exception cref="DownloadException">It cannot be had, or is not the file that was promised.</exception>
    /// <exception cref="OutputException">It cannot be written, or something else has its name.</exception>
    public static async Task<DownloadResult> RunAsync(
        DownloadOptions options, IProgress<StageProgress>? progress = null, HttpMessageHandler? handler = null, CancellationToken cancellation = default)
    {
        SecureConnections.Check(options);
        if (await Existing.LengthAsync(options, cancellation) is long length) return new DownloadResult(length, 0, WasThere: true);
        using SocketsHttpHandler usual = new() { AllowAutoRedirect = false, UseCookies = false, ConnectTimeout = options.IdleTimeout };
        using PartFile part = PartFile.Open(options);
        using Download download = new(options, handler ?? usual, progress, part, cancellation);
        await download.RunAsync();
        return new DownloadResult(part.Length, download._resumedAt, WasThere: false);
    }

    public void Dispose() => _client.Dispose();

    private async Task RunAsync()
    {
        TimeSpan delay = _options.FirstDelay;
        int fruitless = 0, restarts = 0;
        for (int attempt = 1; ; attempt++)
        {
            long before = _part.Length;
            try
            {
                if (await TryAsync() && Finish()) return;
                restarts++;
                if (restarts < _options.Attempts && attempt < MostAttempts) continue;
                throw new DownloadException(
                    $"{_options.Address} was given up after {Format.Plural(attempt, "attempt")}: its answers do not continue one another, so the download had "
                    + $"to start again {Format.Plural(restarts, "time")}.");
            }
            catch (Lost lost)
            {
                if (_part.Length > before) (fruitless, delay) = (0, _options.FirstDelay);
                fruitless++;
                if (fruitless >= _options.Attempts || attempt >= MostAttempts)
                {
                    string kept = _part.Length == 0 ? "" : $" {Format.Bytes(_part.Length)} are kept in '{_part.Path}'; the same command goes on from there.";
                    throw new DownloadException($"{_options.Address} was given up after {Format.Plural(attempt, "attempt")}: {lost.Message}.{kept}", lost);
                }

                TimeSpan wait = lost.RetryAfter is TimeSpan asked && asked > delay ? asked : delay;
                if (wait > LongestDelay) wait = LongestDelay;
                _progress?.Report(StageProgress.Warning(Stage, $"{lost.Message} after {Format.Bytes(_part.Length)}; trying again in {Format.Duration(wait)}"));
                await Task.Delay(wait, _cancellation);
                delay *= 2;
            }
        }
    }

    /// <summary>One request for what is missing. False if it has to be asked for again at once, without what is there.</summary>
    private async Task<bool> TryAsync()
    {
        using CancellationTokenSource idle = CancellationTokenSource.CreateLinkedTokenSource(_cancellation);
        try
        {
            idle.CancelAfter(_options.IdleTimeout);
            using HttpResponseMessage response = await SendAsync(idle.Token);
            switch (response.StatusCode)
            {
                case HttpStatusCode.OK:
                    // The server does not know ranges, or the file has changed: it sends all of it.
                    if (_part.Length > 0) StartAgain("the server sends the file from its beginning");
                    Expect(response.Content.Headers.ContentLength);
                    _part.Remember(response.Headers.ETag, response.Content.Headers.LastModified);
                    break;
                case HttpStatusCode.PartialContent:
                    ContentRangeHeaderValue? range = response.Content.Headers.ContentRange;
                    if (range?.From != _part.Length || (_total is long known && range.Length is long now && now != known))
                    {
                        // Nothing is there to start again without, and nothing else can be asked for.
                        if (_part.Length == 0)
                        {
                            string part = range is null ? "a part of the file without saying which" : $"the part '{range}'";
                            throw new DownloadException($"{_options.Address}: the server sends {part}, and all of it was asked for.");
                        }

                        StartAgain("the server sends another part than was asked for");
                        return false;
                    }

                    Expect(range.Length);
                    break;
                case HttpStatusCode.RequestedRangeNotSatisfiable when _part.Length > 0:
                    // What is there may be all of it.
                    if (_part.Sum() == _options.Sha256) return true;
                    StartAgain("the file is shorter than what an earlier download has left");
                    return false;
                default:
                    throw Refused(response);
            }

            await ReceiveAsync(response.Content, idle);
            return true;
        }
        catch (OperationCanceledException) when (!_cancellation.IsCancellationRequested)
        {
            throw new Lost($"nothing came for {Format.Duration(_options.IdleTimeout)}");
        }
        catch (HttpRequestException e)
        {
            throw e.HttpRequestError is HttpRequestError.SecureConnectionError or HttpRequestError.NameResolutionError && _part.Length == 0
                ? new DownloadException($"{_options.Address} cannot be reached: {Reason(e)}", e)
                : new Lost(Reason(e));
        }
        catch (IOException)
        {
            // Errors of the disk are of another kind.
            throw new Lost("the connection was lost");
        }
    }

    private async Task<HttpResponseMessage> SendAsync(CancellationToken cancellation)
    {
        Uri address = _options.Address;
        for (int redirects = 0; ; redirects++)
        {
            using HttpRequestMessage request = new(HttpMethod.Get, address);
            request.Headers.UserAgent.Add(new ProductInfoHeaderValue("thomas", typeof(Download).Assembly.GetName().Version?.ToString(3)));
            request.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue("identity"));
            if (_part.Length > 0)
            {
                request.Headers.Range = new RangeHeaderValue(_part.Length, null);
                request.Headers.IfRange = _part.Version;
            }

            HttpResponseMessage response = await _client.SendAsync(request, cancellation);
            if (response.StatusCode is not (HttpStatusCode.MovedPermanently or HttpStatusCode.Found or HttpStatusCode.SeeOther
                or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect) || response.Headers.Location is not Uri location)
            {
                return response;
            }

            response.Dispose();
            Uri next = new(address, location);
            if (redirects == MostRedirects) throw new DownloadException($"{_options.Address} leads from one address to another without an end.");
            if (!MayLeadTo(address, next))
            {
                throw new DownloadException(
                    $"{_options.Address} leads to {next}, which is not an https address: not followed. If you trust it, give that address itself.");
            }

            address = next;
        }
    }

    /// <summary>A redirect may lead to https only, or from an http address that the user gave to the same server.</summary>
    internal static bool MayLeadTo(Uri from, Uri to) =>
        to.Scheme == Uri.UriSchemeHttps || (to.Scheme == Uri.UriSchemeHttp && from.Scheme == Uri.UriSchemeHttp && to.Authority == from.Authority);

    private async Task ReceiveAsync(HttpContent content, CancellationTokenSource idle)
    {
        if (content.Headers.ContentEncoding.Count > 0)
        {
            string packing = string.Join(", ", content.Headers.ContentEncoding);
            throw new DownloadException($"{_options.Address} is sent packed ({packing}), which was not asked for.");
        }

        await using Stream stream = await content.ReadAsStreamAsync(idle.Token);
        byte[] buffer = new byte[BufferBytes];
        for (; ; )
        {
            idle.CancelAfter(_options.IdleTimeout);
            int read = await stream.ReadAsync(buffer, idle.Token);
            if (read == 0) break;
            if (_part.Length + read > (_total ?? _options.MaximumBytes))
            {
                string limit = _total is long said
                    ? $"the {Format.Bytes(said)} that were announced"
                    : $"the limit of {Format.Bytes(_options.MaximumBytes)} (--max-size)";
                _part.Delete();
                throw new DownloadException($"{_options.Address} sends more than {limit}; nothing was kept.");
            }

            _part.Append(buffer.AsSpan(0, read));
            Report();
        }

        if (_part.Length < _total) throw new Lost("the server ended the connection early");
    }

    /// <summary>Takes note of the length of the whole file, as the server says it.</summary>
    private void Expect(long? total)
    {
        if (total is long bytes)
        {
            if (_options.Bytes is long known && bytes != known)
            {
                throw new DownloadException(
                    $"{_options.Address} has {bytes:N0} bytes, and the file that is meant has {known:N0}: another file is there now. Nothing was downloaded.");
            }

            if (bytes > _options.MaximumBytes)
            {
                throw new DownloadException(
                    $"{_options.Address} has {Format.Bytes(bytes)}, more than the limit of {Format.Bytes(_options.MaximumBytes)}. Nothing was downloaded; "
                    + "--max-size allows more.");
            }
        }

        _total = total ?? _options.Bytes;
        if (_total is long whole) _part.CheckSpace(whole);
    }

    /// <summary>Checks the file and gives it its name. False if it has to be downloaded again from its beginning.</summary>
    private bool Finish()
    {
        string sum = _part.Sum();
        if (sum == _options.Sha256)
        {
            _part.Complete();
            return true;
        }

        if (_resumedAt > 0)
        {
            StartAgain("the file does not go on where an earlier download ended");
            return false;
        }

        byte[] start = _part.Start();
        long length = _part.Length;
        _part.Delete();
        FileKind? kind = FileKind.RecognizeStart(start);
        string what = kind is { Family: FileFamily.Text } ? $" It is {kind.Name}{Remedy(kind)}." : "";
        throw new DownloadException(
            $"{_options.Address} is not the file that is meant: its SHA-256 is {sum}, not {_options.Sha256} ({length:N0} bytes).{what} Nothing was kept.");
    }

    private string Remedy(FileKind kind) => kind.Name.Contains("git-lfs", StringComparison.Ordinal)
        ? _options.Address.Host == "raw.githubusercontent.com"
            ? $"; the file itself is at https://media.githubusercontent.com/media{_options.Address.AbsolutePath}"
            : "; take the address of the file itself"
        : kind.Name.Contains("HTML", StringComparison.OrdinalIgnoreCase) ? "; take the address of the file itself (on GitHub: Raw)" : "";

    private void StartAgain(string reason)
    {
        _progress?.Report(StageProgress.Warning(Stage, $"{reason}; starting again"));
        _part.Restart();
        _resumedAt = 0;
        _total = null;
    }

    private void Report()
    {
        if (_total is long total) _progress?.Report(new StageProgress(Stage, (int)(_part.Length >> 10), (int)(total >> 10)));
    }

    private Exception Refused(HttpResponseMessage response)
    {
        int code = (int)response.StatusCode;
        string answer = $"the server answered {code} {response.ReasonPhrase}".TrimEnd();
        TimeSpan? after = response.Headers.RetryAfter?.Delta;
        return code switch
        {
            404 or 410 => new DownloadException($"There is no file at {_options.Address} ({answer}); it may have moved."),
            401 or 403 => new DownloadException($"{_options.Address} may not be read without permission ({answer})."),
            408 or 429 or >= 500 => new Lost(answer) { RetryAfter = after },
            _ => new DownloadException($"{_options.Address}: {answer}."),
        };
    }

    private static string Reason(HttpRequestException e) => e.HttpRequestError switch
    {
        HttpRequestError.NameResolutionError => "its name is not known (is there a network connection?)",
        HttpRequestError.ConnectionError => $"no connection ({e.InnerException?.Message ?? e.Message})",
        HttpRequestError.SecureConnectionError => $"no secure connection ({e.InnerException?.Message ?? e.Message})",
        HttpRequestError.ResponseEnded => "the connection was lost",
        _ => e.Message.TrimEnd('.'),
    };

    /// <summary>What may go better at the next attempt.</summary>
    private sealed class Lost(string message) : Exception(message)
    {
        public TimeSpan? RetryAfter { get; init; }
    }

    /// <summary>What has the name of the file already.</summary>
    private static class Existing
    {
        /// <summary>The length of the file if it is there and has the checksum; null if there is none.</summary>
        public static async Task<long?> LengthAsync(DownloadOptions options, CancellationToken cancellation)
        {
            FileInfo file = new(options.Output);
            if (!file.Exists) return null;
            try
            {
                if (SpecialFile.Describe(file.FullName) is null)
                {
                    await using FileStream stream = new(file.FullName, FileMode.Open, FileAccess.Read, FileShare.Read, BufferBytes, useAsync: true);
                    if (Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, cancellation)) == options.Sha256) return stream.Length;
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new OutputException($"'{options.Output}' is there and cannot be read: {e.Message}", e);
            }

            throw new OutputException($"'{options.Output}' is there and holds something else; choose another name (-o), or remove it.");
        }
    }
}
