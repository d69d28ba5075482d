using System;
using System.Collections.Generic;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Thomas.Studio.Http;

/// <summary>
/// Decides who may ask. A page of another site must not reach the studio: its Host is not ours where a name was bound to this address (DNS rebinding), its
/// Origin is not ours otherwise, and it does not know the token, which no browser sends by itself.
/// </summary>
internal sealed class RequestGuard
{
    /// <summary>The header of the token.</summary>
    public const string TokenHeader = "X-Thomas-Token";

    private const string ContentPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'; font-src 'self'; "
        + "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private readonly byte[] _token;
    private readonly string _scheme;
    private readonly HashSet<string> _loopback = new(StringComparer.OrdinalIgnoreCase);
    private readonly IPAddress? _listen;
    private readonly int _port;

    /// <param name="token">The secret.</param>
    /// <param name="port">The port that the server has.</param>
    /// <param name="listen">The address that was asked for; null for this device alone.</param>
    public RequestGuard(string token, int port, IPAddress? listen)
    {
        _token = Encoding.ASCII.GetBytes(token);
        (_port, _listen) = (port, listen);
        _scheme = listen is null ? "http" : "https";
        if (listen is not null && !IPAddress.IsLoopback(listen)) return;
        foreach (string name in (string[])["127.0.0.1", "localhost", "[::1]"]) AddHost(name);
    }

    /// <summary>Sets what every answer says to browsers.</summary>
    public static void SetHeaders(HttpResponse response)
    {
        IHeaderDictionary headers = response.Headers;
        headers.ContentSecurityPolicy = ContentPolicy;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Permissions-Policy"] = "camera=(self), microphone=(), geolocation=()";
        headers.CacheControl = "no-store";
    }

    /// <summary>Checks where a request comes from.</summary>
    /// <exception cref="StudioException">It is refused.</exception>
    public void CheckSource(HttpContext context)
    {
        HttpRequest request = context.Request;
        if (!IsOwn(request.Host.Value, context.Connection.LocalIpAddress))
        {
            throw new StudioException(421, ErrorCode.Host, "This address is not the studio's; open the one that 'thomas studio' printed.");
        }

        StringValues origin = request.Headers.Origin;
        if (origin.Count > 0 && !(origin.Count == 1 && IsOwnOrigin(origin[0]!, context.Connection.LocalIpAddress))) throw Foreign();

        // A link from elsewhere may open the page itself: it holds nothing, and without the token it shows nothing.
        StringValues site = request.Headers["Sec-Fetch-Site"];
        if (site.Count == 0 || site == "same-origin" || site == "none") return;
        bool navigates = request.Headers["Sec-Fetch-Mode"] == "navigate" && request.Headers["Sec-Fetch-Dest"] == "document";
        if (!navigates || !HttpMethods.IsGet(request.Method) || request.Path.StartsWithSegments("/api")) throw Foreign();
    }

    /// <summary>Checks the token, in a time that tells nothing about it.</summary>
    /// <exception cref="StudioException">It is missing or wrong.</exception>
    public void CheckToken(HttpRequest request)
    {
        StringValues given = request.Headers[TokenHeader];
        if (given.Count == 1 && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given[0] ?? ""), _token)) return;
        throw new StudioException(401, ErrorCode.Unauthorized, "The token is missing or wrong; open the address that 'thomas studio' printed.");
    }

    private static StudioException Foreign() => new(403, ErrorCode.Forbidden, "The request comes from another site.");

    private bool IsOwnOrigin(string origin, IPAddress? local) =>
        origin.StartsWith(_scheme + "://", StringComparison.Ordinal) && IsOwn(origin[(_scheme.Length + 3)..], local);

    /// <summary>Whether a host with its port is the studio's. Addresses in figures cannot be rebound, so that of the connection itself is right.</summary>
    private bool IsOwn(string? host, IPAddress? local)
    {
        if (string.IsNullOrEmpty(host)) return false;
        if (_loopback.Contains(host)) return true;
        if (_listen is null || local is null) return false;
        if (local.IsIPv4MappedToIPv6) local = local.MapToIPv4();
        string text = local.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{new IPAddress(local.GetAddressBytes())}]" : local.ToString();
        return host.Equals(WithPort(text), StringComparison.OrdinalIgnoreCase) || (_port == DefaultPort && host == text);
    }

    private int DefaultPort => _listen is null ? 80 : 443;

    private void AddHost(string name)
    {
        _loopback.Add(WithPort(name));
        if (_port == DefaultPort) _loopback.Add(name);
    }

    private string WithPort(string name) => string.Create(CultureInfo.InvariantCulture, $"{name}:{_port}");
}
