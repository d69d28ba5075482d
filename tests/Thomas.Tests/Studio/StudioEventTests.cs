using System;
using System.IO;
using System.Net.Http;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Thomas.Tests.Studio;

public sealed class StudioEventTests
{
    [Fact]
    public async Task Changes_are_told_and_not_too_often()
    {
        await using StudioFixture studio = await StudioFixture.Start();
        string project = await studio.NewProject();
        using EventReader reader = await EventReader.Open(studio, $"events?project={project}");
        (string name, JsonElement first) = await reader.Next();
        Assert.Equal("state", name);
        Assert.Equal(0, first.GetProperty("images").GetInt32());
        await studio.Fill(project, 10);
        int states = 0, trainings = 0;
        while (true)
        {
            (name, JsonElement data) = await reader.Next();
            if (name == "training") trainings++;
            if (name != "state") continue;
            states++;
            if (data.GetProperty("images").GetInt32() == 20 && data.GetProperty("head") is JsonElement head
                && head.GetProperty("isTrained").GetBoolean() && !head.GetProperty("isStale").GetBoolean()) break;
        }

        Assert.InRange(states, 1, 200);
        await studio.Send("POST", $"projects/{project}/runs", """{"policy": "all", "epochs": 2, "batch": 4}""", 202);
        while (true)
        {
            (name, JsonElement data) = await reader.Next();
            if (name == "run" && data.GetProperty("status").GetString() == "done") break;
        }
    }

    [Fact]
    public async Task A_stream_without_a_project_begins_and_ends()
    {
        StudioFixture studio = await StudioFixture.Start();
        using EventReader reader = await EventReader.Open(studio, "events");
        Task<(string Name, JsonElement Data)> next = reader.Next();
        await studio.DisposeAsync();
        Assert.Equal("bye", (await next).Name);
    }

    [Fact]
    public async Task A_stream_ends_with_its_project()
    {
        await using StudioFixture studio = await StudioFixture.Start();
        string project = await studio.NewProject();
        using EventReader reader = await EventReader.Open(studio, $"events?project={project}");
        await reader.Next();
        await studio.Send("DELETE", $"projects/{project}", null, 204);
        await Assert.ThrowsAnyAsync<IOException>(async () =>
        {
            while (true) await reader.Next();
        });
    }

    [Fact]
    public async Task There_is_an_end_to_streams()
    {
        await using StudioFixture studio = await StudioFixture.Start(settings => settings with { Limits = settings.Limits with { EventStreams = 2 } });
        using (EventReader first = await EventReader.Open(studio, "events"))
        using (EventReader second = await EventReader.Open(studio, "events"))
            Assert.Equal("busy", await studio.Fails("GET", "events", null, 503));
        DateTime end = DateTime.UtcNow.AddSeconds(20);
        while (true)
        {
            using HttpResponseMessage answer = await EventReader.Ask(studio, "events");
            if (answer.IsSuccessStatusCode) break;
            Assert.True(DateTime.UtcNow < end);
            await Task.Delay(20);
        }
    }

    /// <summary>Reads a stream of events.</summary>
    private sealed class EventReader(HttpResponseMessage answer, StreamReader reader) : IDisposable
    {
        public static async Task<EventReader> Open(StudioFixture studio, string path)
        {
            HttpResponseMessage answer = await Ask(studio, path);
            Assert.Equal("text/event-stream; charset=utf-8", answer.Content.Headers.ContentType!.ToString());
            StudioSecurityTests.CheckHeaders(answer);
            return new EventReader(answer, new StreamReader(await answer.Content.ReadAsStreamAsync()));
        }

        public static Task<HttpResponseMessage> Ask(StudioFixture studio, string path) =>
            studio.Client.GetAsync($"api/{path}", HttpCompletionOption.ResponseHeadersRead);

        /// <summary>The next event; comments are passed over.</summary>
        public async Task<(string Name, JsonElement Data)> Next()
        {
            using CancellationTokenSource limit = new(TimeSpan.FromSeconds(60));
            string? name = null;
            while (true)
            {
                string line = await reader.ReadLineAsync(limit.Token) ?? throw new EndOfStreamException();
                if (line.StartsWith("event: ", StringComparison.Ordinal)) name = line[7..];
                else if (line.StartsWith("data: ", StringComparison.Ordinal)) return (name!, JsonDocument.Parse(line[6..]).RootElement);
            }
        }

        public void Dispose()
        {
            reader.Dispose();
            answer.Dispose();
        }
    }
}
