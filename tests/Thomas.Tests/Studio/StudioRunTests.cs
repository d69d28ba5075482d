using System;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Text.Json;
using System.Threading.Tasks;
using Thomas.Imaging;
using Thomas.Runtime;
using Thomas.Studio.Runs;
using Thomas.Tests.Data;
using Xunit;

namespace Thomas.Tests.Studio;

public sealed class StudioRunTests
{
    [Fact]
    public async Task A_run_trains_more_and_its_network_is_used()
    {
        await using StudioFixture studio = await StudioFixture.Start();
        string project = await studio.NewProject();
        Assert.Equal("tooFew", await studio.Fails("POST", $"projects/{project}/runs", """{"policy": "all"}""", 422));
        await studio.Fill(project, 1);
        Assert.Equal("tooFewOfClass", await studio.Fails("POST", $"projects/{project}/runs", """{"policy": "all"}""", 422));
        await studio.Fill(project, 9);
        Assert.Equal("noRun", await studio.Fails("POST", $"projects/{project}/run/pause", null, 409));
        JsonElement begun = await studio.Send("POST", $"projects/{project}/runs", """{"policy": "all", "epochs": 3, "batch": 4}""", 202);
        Assert.Equal("all", begun.GetProperty("policy").GetString());
        JsonElement run = await studio.UntilRun(project, "done");
        Assert.Equal([1, 2, 3], run.GetProperty("curves").EnumerateArray().Select(curve => curve.GetProperty("epoch").GetInt32()));
        Assert.Equal(12, run.GetProperty("losses").GetArrayLength());
        Assert.All(run.GetProperty("losses").EnumerateArray(), loss => Assert.True(loss[1].GetDouble() > 0));
        Assert.Equal(4, run.GetProperty("after").GetProperty("images").GetInt32());
        Assert.Equal(4, run.GetProperty("before").GetProperty("images").GetInt32());
        Assert.True(run.GetProperty("hasResult").GetBoolean());
        JsonElement measured = (await studio.Send("GET", $"projects/{project}/report?which=run")).GetProperty("checked");
        Assert.Equal(("checkedRun", "4 validation images of 2 classes"), (measured.GetProperty("code").GetString(), measured.GetProperty("text").GetString()));
        Assert.Equal("4", measured.GetProperty("values").GetProperty("n").GetString());

        byte[] picture = StudioFixture.Picture(1, 77);
        JsonElement best = (await studio.Send("POST", $"projects/{project}/classify?which=run&top=1", picture)).GetProperty("scores")[0];
        using HttpResponseMessage export = await studio.Raw("POST", $"projects/{project}/export", """{"format": "tflite", "which": "run"}""");
        using ImageClassifier classifier = new(Model.Load(new MemoryStream(await export.Content.ReadAsByteArrayAsync()), "run.tflite"));
        ClassScore score = classifier.Classify(new SkiaImageDecoder(), picture, 1)[0];
        Assert.Equal(score.Label, best.GetProperty("label").GetString());
        Assert.Equal(score.Probability, best.GetProperty("probability").GetDouble(), 1e-5);

        // What was taught since then the run knows nothing of, and says so.
        Assert.False(run.GetProperty("isStale").GetBoolean());
        await studio.Add(project, 2, 500);
        Assert.True(await IsStale());
        await studio.Send("POST", $"projects/{project}/undo");
        Assert.False(await IsStale());
        await studio.Send("PUT", $"projects/{project}/classes", """{"from": "red", "to": "rot"}""");
        Assert.True(await IsStale());
        await studio.Send("DELETE", $"projects/{project}/run", null, 204);
        Assert.Equal("noRun", await studio.Fails("POST", $"projects/{project}/classify?which=run", picture, 409));
        Assert.Empty(Directory.GetDirectories(Path.Combine(studio.Folder, "projects", project, "runs")));

        async Task<bool> IsStale() => (await studio.Send("GET", $"projects/{project}")).GetProperty("run").GetProperty("isStale").GetBoolean();
    }

    [Fact]
    public async Task A_run_is_paused_resumed_and_stopped_with_the_best_so_far()
    {
        await using StudioFixture studio = await StudioFixture.Start();
        string project = await studio.NewProject();
        await studio.Fill(project, 10);
        await studio.Send("POST", $"projects/{project}/runs", """{"policy": "bias", "epochs": 1000, "batch": 4}""", 202);
        Assert.Equal("runActive", await studio.Fails("POST", $"projects/{project}/runs", """{"policy": "all"}""", 409));
        Assert.Equal("runActive", await studio.Fails("DELETE", $"projects/{project}/run", null, 409));
        Assert.Equal("runActive", await studio.Fails("DELETE", $"projects/{project}", null, 409));
        await studio.UntilRun(project, "training");
        Assert.Equal("training", await Listed(studio));
        await studio.Send("POST", $"projects/{project}/run/pause");
        JsonElement paused = await studio.UntilRun(project, "paused");
        Assert.Equal("user", paused.GetProperty("pausedBy").GetString());
        Assert.Equal("paused", await Listed(studio));
        await Task.Delay(100);
        JsonElement still = (await studio.Send("GET", $"projects/{project}")).GetProperty("run");
        Assert.Equal(paused.GetProperty("step").GetInt32(), still.GetProperty("step").GetInt32());
        await studio.Send("POST", $"projects/{project}/run/resume");
        await studio.Until(project, state => state.GetProperty("run").GetProperty("step").GetInt32() > paused.GetProperty("step").GetInt32() + 50);
        await studio.Send("POST", $"projects/{project}/run/pause");
        await studio.UntilRun(project, "paused");
        await studio.Send("POST", $"projects/{project}/run/stop");
        JsonElement stopped = await studio.UntilRun(project, "stopped");
        Assert.True(stopped.GetProperty("hasResult").GetBoolean());
        Assert.InRange(stopped.GetProperty("curves").GetArrayLength(), 1, 999);
        Assert.Null(await Listed(studio));
        Assert.Equal("noRun", await studio.Fails("POST", $"projects/{project}/run/resume", null, 409));
        await studio.Send("POST", $"projects/{project}/classify?which=run", StudioFixture.Picture(0, 1));
    }

    [Fact]
    public async Task A_run_goes_on_after_the_program_was_ended()
    {
        using TemporaryFolder folder = new();
        string project = await Interrupted(folder);

        int before;
        await using (StudioFixture again = await StudioFixture.Start(folder: folder))
        {
            // Also of a project that nobody has opened since.
            Assert.Equal("paused", await Listed(again));
            JsonElement run = await again.UntilRun(project, "paused");
            Assert.Equal("restart", run.GetProperty("pausedBy").GetString());
            before = run.GetProperty("curves").GetArrayLength();
            Assert.InRange(before, 2, 399);
            Assert.Equal("runActive", await again.Fails("POST", $"projects/{project}/runs", """{"policy": "all"}""", 409));
            await again.Send("POST", $"projects/{project}/run/resume");
            await again.Until(project, state => state.GetProperty("run").GetProperty("curves").GetArrayLength() > before + 2);
        }

        await using StudioFixture third = await StudioFixture.Start(folder: folder);
        await third.UntilRun(project, "paused");
        await third.Send("POST", $"projects/{project}/run/stop");
        JsonElement stopped = await third.UntilRun(project, "stopped");
        int epochs = stopped.GetProperty("curves").GetArrayLength();
        Assert.True(epochs > before);
        Assert.Equal(Enumerable.Range(1, epochs), stopped.GetProperty("curves").EnumerateArray().Select(curve => curve.GetProperty("epoch").GetInt32()));
        Assert.True(stopped.GetProperty("hasResult").GetBoolean());
        await third.Send("POST", $"projects/{project}/classify?which=run", StudioFixture.Picture(0, 1));
    }

    [Fact]
    public async Task A_low_battery_pauses_a_run()
    {
        double charge = 0.5;
        RunGuard guard = new()
        {
            MinimumBattery = 0.2,
            Interval = TimeSpan.FromMilliseconds(20),
            Read = () => new GuardReading { Battery = charge, IsCharging = false },
        };
        await using StudioFixture studio = await StudioFixture.Start(settings => settings with { Guard = guard });
        string project = await studio.NewProject();
        await studio.Fill(project, 4);
        await studio.UntilTrained(project);
        await studio.Send("POST", $"projects/{project}/runs", """{"policy": "last:2", "epochs": 1000, "batch": 4}""", 202);
        await studio.UntilRun(project, "training");
        charge = 0.1;
        JsonElement paused = await studio.UntilRun(project, "paused");
        Assert.Equal("battery", paused.GetProperty("pausedBy").GetString());
        charge = 0.9;
        await studio.UntilRun(project, "training");
        await studio.Send("POST", $"projects/{project}/run/stop");
        await studio.UntilRun(project, "stopped");
    }

    [Fact]
    public async Task A_bound_of_memory_that_is_too_small_fails_with_the_reason()
    {
        await using StudioFixture studio = await StudioFixture.Start();
        string project = await studio.NewProject();
        await studio.Fill(project, 4);
        await studio.Send("POST", $"projects/{project}/runs", """{"policy": "all", "epochs": 1, "memoryBytes": 1048576}""", 202);
        JsonElement failed = await studio.UntilRun(project, "failed");
        Assert.Contains("memory", failed.GetProperty("error").GetProperty("text").GetString(), StringComparison.OrdinalIgnoreCase);
        Assert.False(failed.GetProperty("hasResult").GetBoolean());
    }

    [Fact]
    public async Task Pictures_that_were_removed_meanwhile_do_not_stop_a_run_from_going_on()
    {
        using TemporaryFolder folder = new();
        string project = await Interrupted(folder);

        string pictures = Path.Combine(folder["studio"], "projects", project, "pictures");
        File.Delete(Directory.GetFiles(pictures).Order().First());
        await using StudioFixture again = await StudioFixture.Start(folder: folder);
        int before = (await again.UntilRun(project, "paused")).GetProperty("curves").GetArrayLength();
        await again.Send("POST", $"projects/{project}/run/resume");
        await again.Until(project, state => state.GetProperty("run").GetProperty("curves").GetArrayLength() > before);
        await again.Send("POST", $"projects/{project}/run/stop");
        Assert.True((await again.UntilRun(project, "stopped")).GetProperty("hasResult").GetBoolean());
    }

    [Fact]
    public void Losses_of_any_number_of_steps_are_few_points()
    {
        LossCurve curve = new();
        for (int step = 1; step <= 10_000; step++) curve.Add(step, step);
        double[][] points = curve.ToArray();
        Assert.InRange(points.Length, 100, 200);
        Assert.All(points.Zip(points.Skip(1)), pair => Assert.True(pair.First[0] < pair.Second[0]));
        double stride = points[1][0] - points[0][0];
        Assert.All(points, point => Assert.Equal(point[0] - ((stride - 1) / 2), point[1], 1e-9));

        // Steps that are done again take the place of what was there.
        curve.Add(5_000, -1);
        Assert.True(curve.ToArray()[^1][0] <= 5_000);
    }

    /// <summary>What the list of projects says of the run of the only one.</summary>
    private static async Task<string?> Listed(StudioFixture studio) =>
        Assert.Single((await studio.Send("GET", "projects")).EnumerateArray()).TryGetProperty("run", out JsonElement run) ? run.GetString() : null;

    /// <summary>A project whose run of 400 epochs was interrupted, since the program ended.</summary>
    private static async Task<string> Interrupted(TemporaryFolder folder)
    {
        await using StudioFixture studio = await StudioFixture.Start(folder: folder);
        string project = await studio.NewProject();
        await studio.Fill(project, 10);
        await studio.Send("POST", $"projects/{project}/runs", """{"policy": "all", "epochs": 400, "batch": 4}""", 202);
        await studio.Until(project, state => state.TryGetProperty("run", out JsonElement run) && run.GetProperty("curves").GetArrayLength() >= 2);
        return project;
    }
}
