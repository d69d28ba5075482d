using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Threading.Tasks;
using Thomas.Studio;
using Thomas.Tests.Data;
using Xunit;

namespace Thomas.Tests.Studio;

public sealed class StudioSecurityTests
{
    [Theory]
    [InlineData("GET", "about")]
    [InlineData("GET", "projects")]
    [InlineData("GET", "events")]
    [InlineData("GET", "nonsense")]
    [InlineData("POST", "shutdown")]
    public async Task A_call_without_the_right_token_is_refused(string method, string path)
    {
        await using StudioFixture studio = await StudioFixture.Start();
        string right = studio.Server.Token;
        foreach (string? token in (string?[])[null, "", "x", right[..^1], right + "x", right.ToUpperInvariant() + " "])
        {
            using HttpRequestMessage request = new(new HttpMethod(method), $"{studio.Client.BaseAddress}api/{path}");
            if (token is not null) request.Headers.TryAddWithoutValidation("X-Thomas-Token", token);
            using HttpClient other = new(new SocketsHttpHandler { UseProxy = false });
            using HttpResponseMessage answer = await other.SendAsync(request);
            Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
            CheckHeaders(answer);
        }

        Assert.False(studio.Server.Home.ShutdownAsked.IsCompleted);
    }

    [Theory]
    [InlineData("evil.example", 421)]
    [InlineData("evil.example:{port}", 421)]
    [InlineData("127.0.0.1.evil.example:{port}", 421)]
    [InlineData("127.0.0.1", 421)]
    [InlineData("127.0.0.1:1", 421)]
    [InlineData("0.0.0.0:{port}", 421)]
    [InlineData("127.0.0.1:{port}", 200)]
    [InlineData("localhost:{port}", 200)]
    [InlineData("[::1]:{port}", 200)]
    public async Task Only_its_own_hosts_are_answered(string host, int status)
    {
        await using StudioFixture studio = await StudioFixture.Start();
        foreach (string path in (string[])["/", "/api/about"])
        {
            using HttpRequestMessage request = new(HttpMethod.Get, path);
            request.Headers.Host = host.Replace("{port}", $"{studio.Server.Port}", StringComparison.Ordinal);
            using HttpResponseMessage answer = await studio.Client.SendAsync(request);
            Assert.Equal(status, (int)answer.StatusCode);
            CheckHeaders(answer);
        }
    }

    [Theory]
    [InlineData("Origin", "http://evil.example", 403)]
    [InlineData("Origin", "null", 403)]
    [InlineData("Origin", "https://127.0.0.1:{port}", 403)]
    [InlineData("Origin", "http://127.0.0.1", 403)]
    [InlineData("Origin", "http://127.0.0.1:{port}/", 403)]
    [InlineData("Origin", "http://127.0.0.1:{port}", 200)]
    [InlineData("Sec-Fetch-Site", "cross-site", 403)]
    [InlineData("Sec-Fetch-Site", "same-site", 403)]
    [InlineData("Sec-Fetch-Site", "same-origin", 200)]
    [InlineData("Sec-Fetch-Site", "none", 200)]
    public async Task Other_sites_are_refused(string header, string value, int status)
    {
        await using StudioFixture studio = await StudioFixture.Start();
        foreach ((string method, string path) in ((string, string)[])[("GET", "/"), ("GET", "/api/about"), ("POST", "/api/projects")])
        {
            using HttpRequestMessage request = new(new HttpMethod(method), path);
            if (method == "POST") request.Content = new StringContent("""{"name": "x"}""");
            request.Headers.TryAddWithoutValidation(header, value.Replace("{port}", $"{studio.Server.Port}", StringComparison.Ordinal));
            using HttpResponseMessage answer = await studio.Client.SendAsync(request);
            Assert.Equal(status, (int)answer.StatusCode);
            CheckHeaders(answer);
        }
    }

    [Fact]
    public async Task A_link_of_another_site_opens_the_page_but_no_call()
    {
        await using StudioFixture studio = await StudioFixture.Start();
        foreach ((string path, string destination, int status) in ((string, string, int)[])[
            ("/", "document", 200), ("/", "iframe", 403), ("/api/about", "document", 403)])
        {
            using HttpRequestMessage request = new(HttpMethod.Get, path);
            request.Headers.Add("Sec-Fetch-Site", "cross-site");
            request.Headers.Add("Sec-Fetch-Mode", "navigate");
            request.Headers.Add("Sec-Fetch-Dest", destination);
            using HttpResponseMessage answer = await studio.Client.SendAsync(request);
            Assert.Equal(status, (int)answer.StatusCode);
        }
    }

    [Fact]
    public async Task No_other_site_is_ever_allowed()
    {
        await using StudioFixture studio = await StudioFixture.Start();
        using HttpRequestMessage preflight = new(HttpMethod.Options, "/api/projects");
        preflight.Headers.Add("Origin", "http://evil.example");
        preflight.Headers.Add("Access-Control-Request-Method", "POST");
        preflight.Headers.Add("Access-Control-Request-Headers", "x-thomas-token");
        using HttpResponseMessage answer = await studio.Client.SendAsync(preflight);
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.DoesNotContain(answer.Headers, header => header.Key.StartsWith("Access-Control", StringComparison.OrdinalIgnoreCase));
        Assert.DoesNotContain(answer.Headers, header => header.Key.Equals("Set-Cookie", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task The_address_that_a_browser_is_given_works_once()
    {
        await using StudioFixture studio = await StudioFixture.Start();
        using HttpClient browser = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false });
        using HttpResponseMessage guess = await browser.GetAsync($"{studio.Client.BaseAddress}start?code=guess");
        Assert.Equal(HttpStatusCode.Forbidden, guess.StatusCode);
        using HttpResponseMessage first = await browser.GetAsync(studio.Server.LaunchAddress);
        Assert.Equal(HttpStatusCode.SeeOther, first.StatusCode);
        Assert.Equal($"/#token={studio.Server.Token}", first.Headers.Location!.OriginalString);
        CheckHeaders(first);
        using HttpResponseMessage second = await browser.GetAsync(studio.Server.LaunchAddress);
        Assert.Equal(HttpStatusCode.Forbidden, second.StatusCode);
        Assert.DoesNotContain(studio.Server.Token, studio.Server.LaunchAddress, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET / HTTP/1.0\r\n\r\n", 421)]
    [InlineData("GET / HTTP/1.1\r\n\r\n", 400)]
    [InlineData("GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421)]
    [InlineData("GET http://evil.example/ HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n", 400)]
    [InlineData("GET /../../etc/passwd HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n", 404)]
    [InlineData("nonsense\r\n\r\n", 400)]
    public async Task Requests_that_no_browser_sends_do_no_harm(string request, int status)
    {
        await using StudioFixture studio = await StudioFixture.Start();
        using TcpClient client = new();
        await client.ConnectAsync(IPAddress.Loopback, studio.Server.Port);
        NetworkStream stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(request.Replace("{port}", $"{studio.Server.Port}", StringComparison.Ordinal)));
        using StreamReader reader = new(stream);
        string? line = await reader.ReadLineAsync();
        Assert.Contains($" {status} ", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_listens_to_this_device_alone()
    {
        await using StudioFixture studio = await StudioFixture.Start();
        IPAddress own = StudioCertificate.OwnAddress() ?? IPAddress.Loopback;
        Assert.SkipWhen(IPAddress.IsLoopback(own), "this machine has no other address");
        using TcpClient client = new();
        await Assert.ThrowsAsync<SocketException>(() => client.ConnectAsync(own, studio.Server.Port));
    }

    [Fact]
    public async Task Its_folder_and_secrets_are_for_the_owner_alone()
    {
        using TemporaryFolder folder = new();
        await using StudioFixture studio = await StudioFixture.Start(settings => settings with { Listen = IPAddress.Loopback }, folder);
        const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.None, File.GetUnixFileMode(studio.Folder) & Others);
            Assert.Equal(UnixFileMode.None, File.GetUnixFileMode(Path.Combine(studio.Folder, "tls", "studio.pem")) & Others);
        }
    }

    [Fact]
    public async Task Other_devices_reach_it_by_TLS_with_a_certificate_that_is_kept()
    {
        using TemporaryFolder folder = new();
        string? former = null;
        for (int start = 0; start < 2; start++)
        {
            await using StudioFixture studio = await StudioFixture.Start(settings => settings with { Listen = IPAddress.Loopback }, folder);
            Assert.StartsWith($"https://127.0.0.1:{studio.Server.Port}/#token=", studio.Server.Address, StringComparison.Ordinal);
            string? shown = null;
            List<SslPolicyErrors> seen = [];
            using SocketsHttpHandler handler = new()
            {
                UseProxy = false,
                SslOptions = new SslClientAuthenticationOptions
                {
                    RemoteCertificateValidationCallback = (_, certificate, _, errors) =>
                    {
                        shown = Convert.ToHexString(certificate!.GetCertHash(HashAlgorithmName.SHA256));
                        seen.Add(errors);
                        return shown == studio.Server.Fingerprint!.Replace(":", "", StringComparison.Ordinal);
                    },
                },
            };
            using HttpClient client = new(handler);
            client.DefaultRequestHeaders.Add("X-Thomas-Token", studio.Server.Token);
            using HttpResponseMessage answer = await client.GetAsync($"https://127.0.0.1:{studio.Server.Port}/api/about");
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);

            // Nobody vouches for it, but it is for this address.
            Assert.Equal([SslPolicyErrors.RemoteCertificateChainErrors], seen);
            using HttpRequestMessage foreign = new(HttpMethod.Get, $"https://127.0.0.1:{studio.Server.Port}/api/about");
            foreign.Headers.Host = "evil.example";
            using HttpResponseMessage refused = await client.SendAsync(foreign);
            Assert.Equal(421, (int)refused.StatusCode);
            await Assert.ThrowsAnyAsync<HttpRequestException>(() => client.GetAsync($"http://127.0.0.1:{studio.Server.Port}/"));
            Assert.True(former is null || former == shown);
            former = shown;
        }
    }

    [Fact]
    public async Task A_second_studio_on_the_folder_is_refused()
    {
        using TemporaryFolder folder = new();
        await using StudioFixture studio = await StudioFixture.Start(folder: folder);
        DataException error = await Assert.ThrowsAsync<DataException>(() => StudioServer.Start(StudioFixture.Settings(folder["studio"])));
        Assert.Contains("in use by another studio", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_that_is_taken_is_named_and_the_folder_is_free_again()
    {
        using TemporaryFolder folder = new();
        await using StudioFixture studio = await StudioFixture.Start();
        PortInUseException error = await Assert.ThrowsAsync<PortInUseException>(
            () => StudioServer.Start(StudioFixture.Settings(folder["studio"]) with { Port = studio.Server.Port }));
        Assert.Contains($"Port {studio.Server.Port} is in use", error.Message, StringComparison.Ordinal);
        await using StudioFixture other = await StudioFixture.Start(folder: folder);
    }

    internal static void CheckHeaders(HttpResponseMessage answer)
    {
        string policy = answer.Headers.GetValues("Content-Security-Policy").Single();
        Assert.StartsWith("default-src 'none'; script-src 'self'; style-src 'self'; ", policy, StringComparison.Ordinal);
        Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
        Dictionary<string, string> wanted = new()
        {
            ["X-Content-Type-Options"] = "nosniff",
            ["Referrer-Policy"] = "no-referrer",
            ["Cross-Origin-Resource-Policy"] = "same-origin",
            ["Cross-Origin-Opener-Policy"] = "same-origin",
            ["Cache-Control"] = "no-store",
        };
        foreach ((string name, string value) in wanted) Assert.Equal(value, answer.Headers.GetValues(name).Single());
        Assert.False(answer.Headers.Contains("Server"));
    }
}
