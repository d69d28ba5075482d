using System;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading;
using Thomas.App.Demo;
using Thomas.Data;
using Thomas.Imaging;
using Thomas.Tests.Data;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Cli;

/// <summary>The demo trains for seconds, so tests share three runs of it.</summary>
public sealed class DemoTests(DemoTests.Runs runs) : IClassFixture<DemoTests.Runs>, IDisposable
{
    private static readonly string[] Files =
        ["drawn.png", "filters.png", "letters.tflite", .. "ABCDEFGHIJ".Select(letter => Path.Combine("letters", $"{letter}.png")), "predictions.png"];

    private readonly TemporaryFolder _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void It_tells_the_whole_story_and_what_it_saves_can_be_used()
    {
        (string folder, CliRun run) = runs.Story;
        Assert.Equal(0, run.Code);
        Assert.Contains("1,500 digits to learn from, 500 to test", run.Out, StringComparison.Ordinal);
        Assert.Matches(@"accuracy on 500 test digits, trained in [0-9.]+ m?s", run.Out);
        (string Policy, string Trained)[] rows = [("last", "5,010"), ("last:2", "405,510"), ("bias", "5,580"), ("all", "431,080"), ("scratch", "431,080")];
        foreach ((string policy, string trained) in rows)
            Assert.Matches($@"\n  {policy} +{trained} +[0-9]+ of 128 +[0-9.]+% +[0-9.]+% +[0-9.]+ m?s +[0-9.]+ MiB", run.Out);
        Assert.Matches(
            "After 128 letters, the network that knew digits, tuned by 'all', gets [0-9.]+% of 500 new letters right; the same network from random "
            + "weights gets [0-9.]+%: .+\\.\n", run.Out);
        Assert.Contains("tune last:2", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("NaN", run.Out, StringComparison.Ordinal);
        Assert.Equal(Files, SavedIn(folder));

        string model = Path.Combine(folder, "letters.tflite"), sample = Path.Combine(folder, "letters", "A.png");
        Assert.Contains($"thomas classify {model} {sample}", run.Out, StringComparison.Ordinal);
        CliRun classify = CliRun.Of("classify", model, sample, "--top", "1");
        Assert.Equal(0, classify.Code);
        Assert.Empty(classify.Error);
        Assert.Matches("  [A-J] +[0-9.]+%", classify.Out);
    }

    [Fact]
    public void The_saved_model_is_as_good_as_the_table_says()
    {
        JsonElement report = runs.OnTwoThreads;
        JsonElement letters = report.GetProperty("letters");
        JsonElement saved = letters.GetProperty("policies").EnumerateArray()
            .Single(policy => policy.GetProperty("policy").ValueEquals(letters.GetProperty("saved").GetString()));
        Model model = Model.Load(runs["two", "letters.tflite"]);
        Preprocessing expected = Preprocessing.Preset("unit", 28, 28) with { ColorOrder = ColorOrder.Gray, CropMargin = 1 };
        Assert.Equal(expected, model.Info.Preprocessing);
        Dataset test = new DemoSettings().Quick().DrawTestLetters().ToDataset();
        Assert.Equal(saved.GetProperty("accuracyAfter").GetDouble(), Evaluator.Evaluate(model, test, new SkiaImageDecoder()).Confusion.Accuracy);
        for (int i = 0; i < 10; i++)
        {
            byte[] png = File.ReadAllBytes(runs["two", "letters", $"{test.ClassNames[i]}.png"]);
            Assert.Equal(test.Samples[i].Image.Read().Pixels!.Pixels, new SkiaImageDecoder().Decode(png).Pixels);
        }

        // Digits are learned, and each policy brings the letters far above the chance that it starts with.
        Assert.InRange(report.GetProperty("digits").GetProperty("testAccuracy").GetDouble(), 0.8, 1);
        foreach (JsonElement policy in letters.GetProperty("policies").EnumerateArray())
        {
            Assert.InRange(policy.GetProperty("accuracyBefore").GetDouble(), 0, 0.25);
            Assert.InRange(policy.GetProperty("accuracyAfter").GetDouble(), 0.55, 0.95);
            Assert.InRange(policy.GetProperty("ownCorrect").GetInt32(), 100, 128);
        }
    }

    [Fact]
    public void The_same_seed_gives_the_same_accuracies_and_files_whatever_the_threads()
    {
        Assert.Equal(Figures(runs.OnOneThread), Figures(runs.OnTwoThreads));
        foreach (string file in Files) Expect.Same(File.ReadAllBytes(runs["one", file]), File.ReadAllBytes(runs["two", file]));

        // What another seed draws and learns is something else.
        foreach (string file in (string[])["drawn.png", "letters.tflite"])
            Assert.False(File.ReadAllBytes(runs["one", file]).AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(runs.Story.Folder, file))), file);
    }

    [Fact]
    public void A_device_of_OpenCL_learns_what_the_CPU_learns()
    {
        string device = OpenClTesting.RequireDevice().Name;
        CliRun run = CliRun.Of("demo", "--quick", "--json", "--quiet", "--out", _files["device"], "--device", device);
        Assert.Equal((0, ""), (run.Code, run.Error));
        JsonElement there = run.Json(), here = runs.OnOneThread;
        Assert.StartsWith(device, there.GetProperty("device").GetString(), StringComparison.Ordinal);

        // Rounding differs, and by the end so does what is said of a few images.
        Assert.Equal(
            here.GetProperty("digits").GetProperty("testAccuracy").GetDouble(), there.GetProperty("digits").GetProperty("testAccuracy").GetDouble(), 0.02);
        JsonElement.ArrayEnumerator one = Policies(here), other = Policies(there);
        foreach ((JsonElement mine, JsonElement its) in one.Zip(other))
        {
            Assert.Equal(mine.GetProperty("policy").GetString(), its.GetProperty("policy").GetString());
            Assert.Equal(mine.GetProperty("accuracyAfter").GetDouble(), its.GetProperty("accuracyAfter").GetDouble(), 0.04);
        }

        static JsonElement.ArrayEnumerator Policies(JsonElement report) => report.GetProperty("letters").GetProperty("policies").EnumerateArray();
    }

    [Theory]
    [InlineData("hybrid")]
    [InlineData("auto")]
    public void A_device_that_needs_a_run_of_its_own_is_refused(string device)
    {
        CliRun run = CliRun.Of("demo", "--quick", "--out", _files["demo"], "--device", device);
        Assert.Equal(2, run.Code);
        Assert.Contains("name ", run.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_files.Path));
    }

    [Theory]
    [InlineData("digits ")]
    [InlineData("tune bias ")]
    public void Cancelled_it_leaves_nothing(string moment)
    {
        using CancellationTokenSource cancellation = new();
        CliRun run = CliRun.Of(
            ["demo", "--quick", "--out", _files["demo"]],
            line =>
            {
                if (line.StartsWith(moment, StringComparison.Ordinal)) cancellation.Cancel();
            },
            cancellation.Token);
        Assert.Equal(130, run.Code);
        Assert.Contains("cancelled; nothing was written", run.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_files.Path));
    }

    [Fact]
    public void A_place_that_cannot_be_written_is_refused_before_anything_is_computed()
    {
        File.WriteAllText(_files["file"], "");
        CliRun taken = CliRun.Of("demo", "--quick", "--out", _files["file"]), under = CliRun.Of("demo", "--quick", "--out", _files["file", "demo"]);
        Assert.Equal((5, 5), (taken.Code, under.Code));
        foreach (CliRun run in new[] { taken, under })
            Assert.Contains($"'{_files["file"]}' is a file. Choose another folder (--out).", run.Error, StringComparison.Ordinal);
        Assert.Empty(taken.Out + under.Out);
    }

    /// <summary>The report without what may differ: times, and memory, of which each thread has some for itself.</summary>
    private static string Figures(JsonElement report)
    {
        JsonObject copy = JsonObject.Create(report)!;
        copy.Remove("device");
        copy.Remove("folder");
        foreach (JsonNode? timed in new[] { copy["digits"] }.Concat(copy["digits"]!["epochs"]!.AsArray()).Concat(copy["letters"]!["policies"]!.AsArray()))
            Assert.True(timed!.AsObject().Remove("seconds"));
        foreach (JsonNode? policy in copy["letters"]!["policies"]!.AsArray()) Assert.True(policy!.AsObject().Remove("stepBytes"));
        return copy.ToJsonString();
    }

    private static string[] SavedIn(string folder) =>
        [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(folder, path))
            .Order(StringComparer.Ordinal)];

    /// <summary>The story as text with a seed of its own, in a folder that the demo makes, and reports of the default seed on one and on two threads.</summary>
    public sealed class Runs : IDisposable
    {
        private readonly TemporaryFolder _files = new();
        private readonly Lazy<CliRun> _story;
        private readonly Lazy<JsonElement> _one, _two;

        public Runs()
        {
            _story = new Lazy<CliRun>(() => CliRun.Of("demo", "--quick", "--out", _files["new", "demo"], "--seed", "3"));
            _one = new Lazy<JsonElement>(() => Report("one", "1"));
            _two = new Lazy<JsonElement>(() => Report("two", "2"));
        }

        internal (string Folder, CliRun Run) Story => (_files["new", "demo"], _story.Value);

        internal JsonElement OnOneThread => _one.Value;

        internal JsonElement OnTwoThreads => _two.Value;

        internal string this[params string[] parts] => _files[parts];

        public void Dispose() => _files.Dispose();

        private JsonElement Report(string folder, string threads)
        {
            CliRun run = CliRun.Of("demo", "--quick", "--json", "--quiet", "--out", _files[folder], "--threads", threads);
            Assert.Equal(0, run.Code);
            Assert.Empty(run.Error);
            Assert.Equal(Files, SavedIn(_files[folder]));
            return run.Json();
        }
    }
}
