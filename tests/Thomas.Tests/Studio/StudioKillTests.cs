using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Text.Json;
using System.Threading.Tasks;
using Thomas.Tests.Data;
using Thomas.Tests.Training;
using Xunit;

namespace Thomas.Tests.Studio;

public sealed class StudioKillTests(ITestOutputHelper output)
{
    private const string KillsVariable = "THOMAS_STUDIO_KILLS";

    private static readonly int Kills = int.TryParse(Environment.GetEnvironmentVariable(KillsVariable), out int kills) ? kills : 4;

    [Fact]
    public async Task A_studio_that_is_killed_again_and_again_loses_at_most_the_images_in_flight()
    {
        using TemporaryFolder folder = new(onDisk: true);
        string project;
        await using (StudioFixture studio = await StudioFixture.Start(folder: folder)) project = await studio.NewProject();
        Dictionary<long, (string Class, ulong Seed)> told = [];
        Rng rng = new(11);
        ulong seed = 0;
        int unheard = 0, orphans = 0;
        for (int kill = 0; kill < Kills; kill++)
        {
            seed = await TeachAndKill(folder, project, told, rng, seed);
            string pictures = Path.Combine(folder["studio"], "projects", project, "pictures");
            int files = Directory.GetFiles(pictures).Length;
            await using StudioFixture studio = await StudioFixture.Start(folder: folder);
            JsonElement[] items = [.. (await studio.Send("GET", $"projects/{project}/images?count=500")).GetProperty("items").EnumerateArray()];
            Dictionary<long, string> there = items.ToDictionary(item => item.GetProperty("id").GetInt64(), item => item.GetProperty("class").GetString()!);
            foreach ((long id, (string @class, ulong itsSeed)) in told)
            {
                Assert.Equal(@class, there.GetValueOrDefault(id));
                using HttpResponseMessage picture = await studio.Raw("GET", $"projects/{project}/images/{id}");
                Assert.Equal(StudioFixture.Picture(Array.IndexOf(SessionJob.Colors, @class), itsSeed), await picture.Content.ReadAsByteArrayAsync());
            }

            // One request is in flight; it may have been done without being told.
            long[] more = [.. there.Keys.Where(id => !told.ContainsKey(id))];
            Assert.InRange(more.Length, 0, 1);
            orphans += files - there.Count;
            Assert.Equal(there.Count, Directory.GetFiles(pictures).Length);
            foreach (long id in more)
            {
                using HttpResponseMessage picture = await studio.Raw("GET", $"projects/{project}/images/{id}");
                Assert.True(picture.IsSuccessStatusCode);
                told.Add(id, (there[id], seed));
                unheard++;
            }

            foreach (string left in Directory.GetFiles(folder["studio"], "*", SearchOption.AllDirectories))
                Assert.DoesNotContain(".received-", left, StringComparison.Ordinal);
        }

        output.WriteLine($"{Kills} kills, {told.Count} images told; {unheard} kept but not told, {orphans} files of images that did not count");
        Assert.NotEmpty(told);
    }

    [Fact]
    public async Task A_run_goes_on_after_a_kill()
    {
        using TemporaryFolder folder = new(onDisk: true);
        string project;
        await using (StudioFixture studio = await StudioFixture.Start(folder: folder))
        {
            project = await studio.NewProject();
            await studio.Fill(project, 8);
        }

        using (Process child = StudioChild.Start(folder["studio"]))
        {
            using HttpClient client = await Connect(child);
            using StringContent asked = new("""{"policy": "all", "epochs": 1000, "batch": 4}""");
            using HttpResponseMessage begun = await client.PostAsync($"api/projects/{project}/runs", asked);
            Assert.Equal(202, (int)begun.StatusCode);
            while (true)
            {
                JsonElement state = JsonDocument.Parse(await client.GetStringAsync($"api/projects/{project}")).RootElement;
                if (state.GetProperty("run").GetProperty("curves").GetArrayLength() >= 4) break;
                await Task.Delay(10);
            }

            child.Kill();
            await child.WaitForExitAsync();
        }

        await using StudioFixture again = await StudioFixture.Start(folder: folder);
        JsonElement run = await again.UntilRun(project, "paused");
        Assert.Equal("restart", run.GetProperty("pausedBy").GetString());
        int before = run.GetProperty("curves").GetArrayLength();
        Assert.True(before >= 4);
        JsonElement going = await again.Send("POST", $"projects/{project}/run/resume");
        Assert.Equal(before, going.GetProperty("curves").GetArrayLength());
        await again.Until(project, state => state.GetProperty("run").GetProperty("curves").GetArrayLength() > before);
        await again.Send("POST", $"projects/{project}/run/stop");
        Assert.True((await again.UntilRun(project, "stopped")).GetProperty("hasResult").GetBoolean());
    }

    /// <summary>Adds images one after the other, and kills the studio while one of them is under way.</summary>
    private static async Task<ulong> TeachAndKill(
        TemporaryFolder folder, string project, Dictionary<long, (string Class, ulong Seed)> told, Rng rng, ulong seed)
    {
        using Process child = StudioChild.Start(folder["studio"]);
        using HttpClient client = await Connect(child);
        int images = 1 + rng.Next(12);
        Task<(long Id, string Class)>? flight = null;
        for (int i = 0; i <= images; i++)
        {
            int color = rng.Next(3);
            flight = Add(client, project, color, ++seed);
            if (i < images) told.Add((await flight).Id, (SessionJob.Colors[color], seed));
        }

        // At any moment of the last one: before it arrives, while it is written, after it is done.
        await Task.Delay(TimeSpan.FromMicroseconds(rng.Next(6_000)));
        child.Kill();
        await child.WaitForExitAsync();
        try
        {
            (long id, string @class) = await flight!;
            told.Add(id, (@class, seed));
        }
        catch (HttpRequestException)
        {
            // It was not answered.
        }

        return seed;
    }

    private static async Task<(long Id, string Class)> Add(HttpClient client, string project, int color, ulong seed)
    {
        string @class = SessionJob.Colors[color];
        using ByteArrayContent picture = new(StudioFixture.Picture(color, seed));
        using HttpResponseMessage answer = await client.PostAsync($"api/projects/{project}/images?class={@class}", picture);
        answer.EnsureSuccessStatusCode();
        JsonElement added = JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement;
        return (added.GetProperty("item").GetProperty("id").GetInt64(), @class);
    }

    private static async Task<HttpClient> Connect(Process child)
    {
        string line = await child.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException(await child.StandardError.ReadToEndAsync());
        string[] words = line.Split(' ');
        HttpClient client = new(new SocketsHttpHandler { UseProxy = false })
        {
            BaseAddress = new Uri($"http://127.0.0.1:{int.Parse(words[0], CultureInfo.InvariantCulture)}/"),
        };
        client.DefaultRequestHeaders.Add("X-Thomas-Token", words[1]);
        return client;
    }
}
