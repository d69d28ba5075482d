using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Thomas.Studio.Calls;
using Thomas.Studio.Http;

using BadHttpRequestException = Microsoft.AspNetCore.Http.BadHttpRequestException;

namespace Thomas.Studio;

/// <summary>The studio's server: the page and its API for the person who started it.</summary>
internal sealed class StudioServer : IAsyncDisposable
{
    private const string ApiPrefix = "/api/", LaunchPath = "/start";

    private static readonly TimeSpan LaunchTime = TimeSpan.FromMinutes(2), EndTime = TimeSpan.FromSeconds(5);

    private readonly StudioHome _home;
    private readonly WebApplication _app;
    private readonly StaticFiles _files;
    private readonly Routes _routes;
    private readonly string _launchCode = StudioId.NewSecret();
    private readonly long _launchUntil;
    private RequestGuard? _guard;
    private int _launched;

    private StudioServer(StudioHome home, StudioCertificate? certificate, int port)
    {
        (_home, Fingerprint) = (home, certificate?.Fingerprint);
        _files = new StaticFiles(home.Settings.PageFolder);
        _routes = AllCalls.Of(home);
        _launchUntil = Stopwatch.GetTimestamp() + (long)(LaunchTime.TotalSeconds * Stopwatch.Frequency);
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());

        // Signals are the program's matter.
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(options => Configure(options, home.Settings, certificate, port));
        _app = builder.Build();
        _app.Run(Answer);
    }

    /// <summary>The secret that every call needs.</summary>
    public string Token { get; } = StudioId.NewSecret();

    /// <summary>The port that it has.</summary>
    public int Port { get; private set; }

    /// <summary>The certificate's fingerprint; null without TLS.</summary>
    public string? Fingerprint { get; }

    /// <summary>What it works with.</summary>
    public StudioHome Home => _home;

    /// <summary>The page with the token, to be opened by the person who started the program.</summary>
    public string Address => $"{Root}/#token={Token}";

    /// <summary>
    /// An address that leads to the page with the token once, within two minutes. It may be given to a program that opens a browser: other users of the device
    /// can see it on that program's command line, but by then it is used.
    /// </summary>
    public string LaunchAddress => $"{Root}{LaunchPath}?code={_launchCode}";

    private string Root
    {
        get
        {
            IPAddress? listen = _home.Settings.Listen;
            if (listen is null) return string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Port}");
            string host = listen.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{listen}]" : listen.ToString();
            if (listen.Equals(IPAddress.Any) || listen.Equals(IPAddress.IPv6Any)) host = StudioCertificate.OwnAddress()?.ToString() ?? host;
            return string.Create(CultureInfo.InvariantCulture, $"https://{host}:{Port}");
        }
    }

    /// <summary>Starts a server.</summary>
    /// <param name="settings">How.</param>
    /// <param name="cancellation">Ends the start.</param>
    /// <exception cref="PortInUseException">Another program has the port.</exception>
    /// <exception cref="ThomasException">The folder cannot be used, or another program works in it; or there is no TLS and it is needed.</exception>
    public static async Task<StudioServer> Start(StudioSettings settings, CancellationToken cancellation = default)
    {
        if (settings.Listen is not null && Build.IsStatic) throw new ThomasException($"--listen needs TLS. {Capabilities.NoTls}");
        StudioHome home = StudioHome.Open(settings);
        try
        {
            StudioCertificate? certificate = settings.Listen is null ? null : StudioCertificate.Load(Path.Combine(home.Folder, "tls"), settings.Listen);
            if (settings.Port != 0) return await Begin(home, certificate, settings.Port, cancellation);
            StudioServer server = await BeginAtLast(home, certificate, cancellation) ?? await Begin(home, certificate, 0, cancellation);
            home.LastPort = server.Port;
            return server;
        }
        catch (Exception e)
        {
            await home.DisposeAsync();
            if (e is not (IOException or SocketException)) throw;
            if (e.InnerException is AddressInUseException) throw new PortInUseException(settings.Port, e);
            throw new ThomasException($"The studio cannot listen at this address: {e.Message}", e);
        }
    }

    /// <summary>Ends the server: tells listeners, interrupts runs so that they can go on later, and closes all projects.</summary>
    public async ValueTask DisposeAsync()
    {
        _home.End();
        using CancellationTokenSource limit = new(EndTime);
        await _app.StopAsync(limit.Token);
        await _app.DisposeAsync();
        await _home.DisposeAsync();
    }

    private static async Task<StudioServer> Begin(StudioHome home, StudioCertificate? certificate, int port, CancellationToken cancellation)
    {
        StudioServer server = new(home, certificate, port);
        try
        {
            await server._app.StartAsync(cancellation);
        }
        catch
        {
            await server._app.DisposeAsync();
            throw;
        }

        string address = string.Join("", server._app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses);
        server.Port = new Uri(address).Port;
        server._guard = new RequestGuard(server.Token, server.Port, home.Settings.Listen);
        return server;
    }

    /// <summary>Begins at the port of the last start; null if there is none, or it cannot be had now.</summary>
    private static async Task<StudioServer?> BeginAtLast(StudioHome home, StudioCertificate? certificate, CancellationToken cancellation)
    {
        try
        {
            return home.LastPort is int port ? await Begin(home, certificate, port, cancellation) : null;
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            return null;
        }
    }

    private static void Configure(KestrelServerOptions options, StudioSettings settings, StudioCertificate? certificate, int port)
    {
        options.AddServerHeader = false;
        options.Limits.MaxConcurrentConnections = settings.Limits.Connections;

        // Whoever reads a body bounds it. Of one that is refused the rest is thrown away for some seconds: if the connection were closed at once, the client
        // would not see why.
        options.Limits.MaxRequestBodySize = null;
        options.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(15);
        if (settings.Listen is null)
        {
            options.Listen(IPAddress.Loopback, port, static listen => listen.Protocols = HttpProtocols.Http1);
            return;
        }

        options.Listen(settings.Listen, port, listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            if (!Build.IsStatic) certificate!.AddTo(listen);
        });
    }

    private async Task Answer(HttpContext context)
    {
        RequestGuard.SetHeaders(context.Response);
        try
        {
            RequestGuard guard = _guard ?? throw StudioException.Busy();
            guard.CheckSource(context);
            string path = context.Request.Path.Value ?? "/";
            if (path == LaunchPath)
            {
                Launch(context);
            }
            else if (!path.StartsWith(ApiPrefix, StringComparison.Ordinal))
            {
                await _files.Reply(context);
            }
            else
            {
                guard.CheckToken(context.Request);
                RequestHandler handler = _routes.Find(context.Request.Method, path[ApiPrefix.Length..], out string[] parts);
                await handler(new StudioRequest(context, parts, _home.Settings.Limits.JsonBytes));
            }
        }
        catch (Exception e)
        {
            await Fail(context, e);
        }
    }

    private void Launch(HttpContext context)
    {
        bool fits = context.Request.Query["code"] == _launchCode && Stopwatch.GetTimestamp() < _launchUntil;
        if (!fits || Interlocked.Exchange(ref _launched, 1) != 0)
        {
            throw new StudioException(403, ErrorCode.Forbidden, "This address works once only; open the one that 'thomas studio' printed.");
        }

        context.Response.StatusCode = StatusCodes.Status303SeeOther;
        context.Response.Headers.Location = $"/#token={Token}";
    }

    private async Task Fail(HttpContext context, Exception error)
    {
        if (context.RequestAborted.IsCancellationRequested) return;
        StudioException known = error switch
        {
            StudioException studio => studio,
            ThomasException thomas => StudioException.Of(thomas),
            BadHttpRequestException bad => new StudioException(bad.StatusCode, ErrorCode.BadRequest, bad.Message),
            ObjectDisposedException => StudioException.Busy(),
            OperationCanceledException => new StudioException(408, ErrorCode.Timeout, "The request took too long."),
            OutOfMemoryException => new StudioException(507, ErrorCode.Memory, "There is not enough memory for this."),
            IOException or UnauthorizedAccessException => StudioException.NoRoom(error.Message),
            _ => new StudioException(500, ErrorCode.Unexpected, $"Unexpected {error.GetType().Name}: {error.Message}"),
        };
        if (known.Status >= StatusCodes.Status500InternalServerError)
        {
            _home.Log.Add($"{context.Request.Method} {context.Request.Path}: {(known.Status == 500 ? error.ToString() : known.Message)}");
        }

        HttpResponse response = context.Response;
        if (response.HasStarted)
        {
            context.Abort();
            return;
        }

        response.Clear();
        RequestGuard.SetHeaders(response);
        if (known.Status == StatusCodes.Status503ServiceUnavailable) response.Headers.RetryAfter = "1";
        ErrorReply reply = new(new ErrorBody(known.Code.Name(), known.Message, known.Details));
        await StudioRequest.Reply(response, reply, StudioJson.Default.ErrorReply, known.Status);
    }

    /// <summary>A host that listens to no signal.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}

/// <summary>Another program has the port.</summary>
internal sealed class PortInUseException(int port, Exception cause) : Exception(
    string.Create(CultureInfo.InvariantCulture, $"Port {port} is in use by another program; give another one with --port, or --port 0 for any that is free."),
    cause);
