using System;
using System.Net;
using System.Net.Http;
using System.Threading.Tasks;
using Thomas.App.Pull;
using Xunit;

namespace Thomas.Tests.Cli.Pull;

// Where a server may send the download to.
public sealed partial class DownloadTests
{
    [Fact]
    public async Task A_redirect_on_the_same_server_is_followed()
    {
        using FaultyServer server = new(e => e.HeadAsync("302 Found", "Location: /elsewhere", "Content-Length: 0"), e => e.ServeAsync(File1));
        await RunAsync(server);
        AssertSaved();
        Assert.StartsWith("GET /elsewhere ", server.Asked(2)[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_redirect_to_another_server_without_encryption_is_not_followed()
    {
        using FaultyServer other = new(e => e.ServeAsync(File1));
        using FaultyServer server = new(e => e.HeadAsync("302 Found", $"Location: {other.Address()}", "Content-Length: 0"));
        Assert.Contains("not followed", await FailsAsync<DownloadException>(server), StringComparison.Ordinal);
        other.Asked(0);
        AssertNothingLeft();
    }

    [Fact]
    public async Task A_redirect_without_end_is_not_followed_for_ever()
    {
        using FaultyServer server = new(e => e.HeadAsync("301 Moved Permanently", "Location: /again", "Content-Length: 0"));
        Assert.Contains("without an end", await FailsAsync<DownloadException>(server), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Encryption_is_never_given_up_on_the_way()
    {
        DownloadOptions options = new(new Uri("https://example.org/model.tflite"), Sum(File1), Output);
        using Answers handler = new(static request =>
        {
            Assert.Equal("https", request.RequestUri!.Scheme);
            HttpResponseMessage response = new(HttpStatusCode.Found);
            response.Headers.Location = new Uri("http://example.org/model.tflite");
            return response;
        });
        DownloadException error = await Assert.ThrowsAsync<DownloadException>(() => Download.RunAsync(options, handler: handler, cancellation: Stop));
        Assert.Contains("http://example.org/model.tflite, which is not an https address", error.Message, StringComparison.Ordinal);
        AssertNothingLeft();
    }

    [Theory]
    [InlineData("https://a/x", "https://b/y", true)]
    [InlineData("https://a/x", "http://a/x", false)]
    [InlineData("https://a/x", "file:///etc/passwd", false)]
    [InlineData("http://a/x", "https://b/y", true)]
    [InlineData("http://a/x", "http://a/y", true)]
    [InlineData("http://a/x", "http://a:81/y", false)]
    [InlineData("http://a/x", "http://b/y", false)]
    [InlineData("http://a/x", "ftp://a/y", false)]
    public void Redirects_lead_to_https_or_stay(string from, string to, bool allowed) =>
        Assert.Equal(allowed, Download.MayLeadTo(new Uri(from), new Uri(to)));
}
