using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Text.Json;
using System.Threading.Tasks;
using Thomas.Imaging;
using Thomas.Tests.Data;
using Thomas.Tests.Harness;
using Thomas.Tests.Training;
using Xunit;

namespace Thomas.Tests.Studio;

public sealed class StudioApiTests
{
    [Fact]
    public async Task About_tells_what_there_is()
    {
        await using StudioFixture studio = await StudioFixture.Start();
        Assert.True((await studio.Send("GET", "ready")).GetProperty("ready").GetBoolean());
        JsonElement about = await studio.Send("GET", "about");
        Assert.Equal("cpu", about.GetProperty("devices")[0].GetProperty("id").GetString());
        Assert.Equal(studio.Folder, about.GetProperty("folder").GetString());
        Assert.Equal(["en", "de"], about.GetProperty("languages").EnumerateArray().Select(language => language.GetString()));
        Assert.True(about.GetProperty("limits").GetProperty("imageBytes").GetInt64() > 1 << 20);
        using HttpResponseMessage log = await studio.Raw("GET", "log");
        Assert.Contains("opened", await log.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_page_is_served_with_its_type()
    {
        await using StudioFixture studio = await StudioFixture.Start();
        using HttpResponseMessage page = await studio.Client.GetAsync("/");
        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        Assert.Equal("text/html; charset=utf-8", page.Content.Headers.ContentType!.ToString());
        Assert.Contains("<html", await page.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        foreach (string path in (string[])["/nothing", "/../project.json", "/%2e%2e/%2e%2e/etc/passwd", "/index.html/"])
        {
            using HttpResponseMessage other = await studio.Client.GetAsync(path);
            Assert.Equal(HttpStatusCode.NotFound, other.StatusCode);
        }
    }

    [Fact]
    public async Task A_page_in_a_folder_is_served_as_it_is_now()
    {
        using TemporaryFolder folder = new();
        Directory.CreateDirectory(folder["page", "script"]);
        await File.WriteAllTextAsync(folder["page", "script", "main.js"], "first");
        await File.WriteAllTextAsync(folder["secret"], "secret");
        await using StudioFixture studio = await StudioFixture.Start(settings => settings with { PageFolder = folder["page"] }, folder);
        Assert.Equal("first", await studio.Client.GetStringAsync("/script/main.js"));
        await File.WriteAllTextAsync(folder["page", "script", "main.js"], "second");
        using HttpResponseMessage changed = await studio.Client.GetAsync("/script/main.js");
        Assert.Equal("second", await changed.Content.ReadAsStringAsync());
        Assert.Equal("text/javascript; charset=utf-8", changed.Content.Headers.ContentType!.ToString());
        using HttpResponseMessage outside = await studio.Client.GetAsync("/%2e%2e%2fsecret");
        Assert.Equal(HttpStatusCode.NotFound, outside.StatusCode);
    }

    [Fact]
    public async Task A_model_is_imported_listed_and_deleted()
    {
        await using StudioFixture studio = await StudioFixture.Start();
        Assert.Equal("starter", Assert.Single((await studio.Send("GET", "models")).EnumerateArray()).GetProperty("id").GetString());
        string id = await studio.ImportModel();
        Assert.Equal(id, await studio.ImportModel());
        JsonElement model = (await studio.Send("GET", "models")).EnumerateArray().Single(model => model.GetProperty("id").GetString() == id);
        Assert.Equal("tiny", model.GetProperty("name").GetString());
        Assert.Equal(TinyModels.Side, model.GetProperty("inputs").GetProperty("width").GetInt32());
        Assert.Equal("notAModel", await studio.Fails("POST", "models?name=x.onnx", new byte[100], 415));
        Assert.Equal("notAModel", await studio.Fails("POST", "models?name=x.onnx", Array.Empty<byte>(), 415));
        Assert.Equal("starterStays", await studio.Fails("DELETE", "models/starter", null, 409));
        string project = (await studio.Send("POST", "projects", $$"""{"name": "p", "model": "{{id}}"}""")).GetProperty("id").GetString()!;
        Assert.Equal("modelInUse", await studio.Fails("DELETE", $"models/{id}", null, 409));
        await studio.Send("DELETE", $"projects/{project}", null, 204);
        await studio.Send("DELETE", $"models/{id}", null, 204);
        Assert.Single((await studio.Send("GET", "models")).EnumerateArray());
        Assert.Equal(["starter"], Directory.GetDirectories(Path.Combine(studio.Folder, "models")).Select(Path.GetFileName).Append("starter").Distinct());
    }

    [Fact]
    public async Task The_starter_learns_letters()
    {
        await using StudioFixture studio = await StudioFixture.Start();
        JsonElement made = await studio.Send("POST", "projects", """{"name": "letters", "model": "starter"}""");
        string project = made.GetProperty("id").GetString()!;
        Thomas.Data.Handwriting.HandwrittenSet letters = Thomas.Data.Handwriting.HandwrittenSet.Create("AB", 12, 5);
        for (int i = 0; i < letters.Count; i++)
        {
            byte[] pixels = new byte[28 * 28 * 3];
            for (int k = 0; k < pixels.Length; k++) pixels[k] = letters.Pixels(i)[k / 3];
            byte[] image = PngWriter.Encode(new Thomas.Data.RgbImage(28, 28, pixels));
            await studio.Send("POST", $"projects/{project}/images?class={letters.Characters[letters.Label(i)]}", image);
        }

        JsonElement state = await studio.UntilTrained(project);
        Assert.True(state.GetProperty("model").GetProperty("isStarter").GetBoolean());
        Assert.False(state.GetProperty("model").GetProperty("isPhoto").GetBoolean());
        Assert.Equal(12, state.GetProperty("head").GetProperty("images").GetInt32());
        Assert.True((await studio.Send("GET", "models"))[0].GetProperty("bytes").GetInt64() > 1000);
    }

    [Fact]
    public async Task The_starter_is_made_from_the_start_and_says_how_far_that_is()
    {
        using TemporaryFolder folder = new();
        await using (await StudioFixture.Start(settings => settings with { MakesStarter = true, StarterDigits = 10_000 }, folder))
        {
            // A studio that is ended meanwhile does not wait for it, and leaves nothing of it.
        }

        Assert.Empty(Directory.GetFileSystemEntries(folder["studio", "models"]));
        await using StudioFixture studio = await StudioFixture.Start(settings => settings with { MakesStarter = true, StarterDigits = 5_000 }, folder);
        List<double> shares = [];
        JsonElement starter;
        do
        {
            starter = (await studio.Send("GET", "models"))[0];
            if (starter.TryGetProperty("preparing", out JsonElement share)) shares.Add(share.GetDouble());
        }
        while (starter.GetProperty("bytes").GetInt64() == 0);
        Assert.NotEmpty(shares);
        Assert.Equal(shares.Order(), shares);
        Assert.InRange(shares[^1], 0, 1);
        Assert.False((await studio.Send("GET", "models"))[0].TryGetProperty("preparing", out _));
    }

    [Fact]
    public async Task Two_classes_are_taught_by_images_and_the_exported_file_says_the_same()
    {
        await using StudioFixture studio = await StudioFixture.Start();
        string project = await studio.NewProject();
        Assert.Equal("notTrained", await studio.Fails("POST", $"projects/{project}/classify", StudioFixture.Picture(0, 1), 422));
        Assert.False((await studio.Send("GET", $"projects/{project}/report")).GetProperty("trained").GetBoolean());
        await studio.Fill(project, 10);
        JsonElement state = await studio.UntilTrained(project);
        Assert.Equal(20, state.GetProperty("images").GetInt32());
        Assert.Equal(4, state.GetProperty("head").GetProperty("accuracy").GetProperty("images").GetInt32());
        SkiaImageDecoder decoder = new();
        foreach (string format in (string[])["tflite", "onnx"])
        {
            using HttpResponseMessage export = await studio.Raw("POST", $"projects/{project}/export", $$"""{"format": "{{format}}", "which": "head"}""");
            Assert.Equal(HttpStatusCode.OK, export.StatusCode);
            byte[] file = await export.Content.ReadAsByteArrayAsync();
            string saved = export.Headers.GetValues("X-Thomas-Saved").Single();
            Assert.Equal(file, await File.ReadAllBytesAsync(Path.Combine(studio.Folder, "projects", project, "exports", saved)));
            Assert.Equal($"colors.{format}", export.Content.Headers.ContentDisposition!.FileNameStar);
            using ImageClassifier classifier = new(Model.Load(new MemoryStream(file), saved));
            for (int color = 0; color < 2; color++)
            {
                byte[] picture = StudioFixture.Picture(color, 99);
                JsonElement best = (await studio.Send("POST", $"projects/{project}/classify?top=1", picture)).GetProperty("scores")[0];
                ClassScore score = classifier.Classify(decoder, picture, 1)[0];
                Assert.Equal(SessionJob.Colors[color], best.GetProperty("label").GetString());
                Assert.Equal(score.Label, best.GetProperty("label").GetString());
                Assert.Equal(score.Probability, best.GetProperty("probability").GetDouble(), 1e-5);
            }
        }

        JsonElement report = await studio.Send("GET", $"projects/{project}/report");
        Assert.True(report.GetProperty("trained").GetBoolean());
        Assert.Equal(2, report.GetProperty("confusion").GetProperty("rows").GetArrayLength());
        Assert.Equal(["red", "green"], report.GetProperty("perClass").EnumerateArray().Select(c => c.GetProperty("label").GetString()));
        Assert.Equal("noRun", await studio.Fails("GET", $"projects/{project}/report?which=run", null, 404));
        Assert.Equal("noLabels", await studio.Fails("POST", $"projects/{project}/classify?which=model", StudioFixture.Picture(0, 1), 422));
    }

    [Fact]
    public async Task Wrong_images_of_the_check_are_named()
    {
        await using StudioFixture studio = await StudioFixture.Start();
        string project = await studio.NewProject();

        // Green images under the name of red: those that are set aside must be taken for green.
        for (ulong i = 0; i < 12; i++) await studio.Add(project, (int)(i % 2), i);
        for (ulong i = 0; i < 3; i++) await studio.Send("POST", $"projects/{project}/images?class=red", StudioFixture.Picture(1, 50 + i));
        JsonElement state = await studio.UntilTrained(project);
        JsonElement report = await studio.Send("GET", $"projects/{project}/report");
        JsonElement rows = report.GetProperty("confusion").GetProperty("rows");
        int off = rows[0][1].GetInt32() + rows[1][0].GetInt32();
        JsonElement[] wrong = [.. report.GetProperty("wrong").EnumerateArray()];
        Assert.Equal(off, wrong.Length);
        foreach (JsonElement item in wrong)
        {
            Assert.NotEqual(item.GetProperty("class").GetString(), item.GetProperty("said").GetString());
            Assert.InRange(item.GetProperty("probability").GetDouble(), 0.5, 1);
            using HttpResponseMessage picture = await studio.Raw("GET", $"projects/{project}/images/{item.GetProperty("item").GetInt64()}");
            Assert.Equal(HttpStatusCode.OK, picture.StatusCode);
        }

        Assert.Equal(15, state.GetProperty("images").GetInt32());
    }

    [Fact]
    public async Task The_network_as_it_came_classifies_by_its_own_names()
    {
        await using StudioFixture studio = await StudioFixture.Start();
        string model = await studio.ImportModel(labels: ["w", "x", "y", "z"]);
        string project = (await studio.Send("POST", "projects", $$"""{"name": "p", "model": "{{model}}"}""")).GetProperty("id").GetString()!;
        JsonElement answer = await studio.Send("POST", $"projects/{project}/classify?which=model&top=4", StudioFixture.Picture(0, 1));
        Assert.Equal(["w", "x", "y", "z"], answer.GetProperty("scores").EnumerateArray().Select(score => score.GetProperty("label").GetString()!).Order());
    }

    [Fact]
    public async Task Classes_are_made_renamed_and_removed_and_undone()
    {
        using TemporaryFolder folder = new();
        string project;
        await using (StudioFixture studio = await StudioFixture.Start(folder: folder))
        {
            project = await studio.NewProject();
            await studio.Send("POST", $"projects/{project}/classes", """{"name": " empty "}""");
            Assert.Equal("nameTaken", await studio.Fails("POST", $"projects/{project}/classes", """{"name": "empty"}""", 409));
            await studio.Fill(project, 2);
            await studio.Send("PUT", $"projects/{project}/classes", """{"from": "red", "to": "rot"}""");
            Assert.Equal("nameTaken", await studio.Fails("PUT", $"projects/{project}/classes", """{"from": "green", "to": "rot"}""", 409));
            Assert.Equal("notFound", await studio.Fails("PUT", $"projects/{project}/classes", """{"from": "red", "to": "x"}""", 404));
            Assert.Equal("empty:0 rot:2 green:2", Classes(await studio.Send("GET", $"projects/{project}")));
            Assert.Equal("empty:0 red:2 green:2", Classes(await studio.Send("POST", $"projects/{project}/undo")));
            Assert.Equal("empty:0 rot:2 green:2", Classes(await studio.Send("POST", $"projects/{project}/redo")));
            Assert.Equal("nothingToRedo", await studio.Fails("POST", $"projects/{project}/redo", null, 409));
            Assert.Equal("empty:0 green:2", Classes(await studio.Send("DELETE", $"projects/{project}/classes?name=rot")));
            Assert.Equal("empty:0 green:2 rot:2", Classes(await studio.Send("POST", $"projects/{project}/undo")));
            await studio.Send("DELETE", $"projects/{project}/classes?name=empty");
        }

        await using StudioFixture again = await StudioFixture.Start(folder: folder);
        JsonElement listed = Assert.Single((await again.Send("GET", "projects")).EnumerateArray());
        Assert.Equal((2, 4), (listed.GetProperty("classes").GetInt32(), listed.GetProperty("images").GetInt32()));
        Assert.Equal("green:2 rot:2", Classes(await again.Send("GET", $"projects/{project}")));
    }

    [Fact]
    public async Task Images_are_listed_moved_removed_and_brought_back_also_after_a_restart()
    {
        using TemporaryFolder folder = new();
        string project;
        long first, second;
        await using (StudioFixture studio = await StudioFixture.Start(folder: folder))
        {
            project = await studio.NewProject();
            first = await studio.Add(project, 0, 1);
            second = await studio.Add(project, 0, 2);
            await studio.Add(project, 1, 3);
            JsonElement page = await studio.Send("GET", $"projects/{project}/images?class=red&count=1");
            Assert.Equal(2, page.GetProperty("total").GetInt32());
            Assert.Equal(second, Assert.Single(page.GetProperty("items").EnumerateArray()).GetProperty("id").GetInt64());
            page = await studio.Send("GET", $"projects/{project}/images?class=red&after={second}");
            Assert.Equal(first, Assert.Single(page.GetProperty("items").EnumerateArray()).GetProperty("id").GetInt64());
            await studio.Send("PUT", $"projects/{project}/images/{first}", """{"class": "blue"}""");
            Assert.Equal("red:1 green:1 blue:1", Classes(await studio.Send("GET", $"projects/{project}")));
            await studio.Send("DELETE", $"projects/{project}/images/{second}");
            Assert.Equal("notFound", await studio.Fails("DELETE", $"projects/{project}/images/{second}", null, 404));
            Assert.Equal("notFound", await studio.Fails("PUT", $"projects/{project}/images/{second}", """{"class": "blue"}""", 404));
        }

        // A file without an image, as a program leaves it that was killed between the two.
        string pictures = Path.Combine(folder["studio"], "projects", project, "pictures");
        await File.WriteAllBytesAsync(Path.Combine(pictures, "77.png"), StudioFixture.Picture(0, 1));
        await using StudioFixture again = await StudioFixture.Start(folder: folder);
        await again.Send("POST", $"projects/{project}/undo");
        using HttpResponseMessage picture = await again.Raw("GET", $"projects/{project}/images/{second}");
        Assert.Equal("image/png", picture.Content.Headers.ContentType!.ToString());
        Assert.Equal(StudioFixture.Picture(0, 2), await picture.Content.ReadAsByteArrayAsync());
        Assert.False(File.Exists(Path.Combine(pictures, "77.png")));
        Assert.Equal("red:1 green:1 blue:1", Classes(await again.Send("GET", $"projects/{project}")));
    }

    [Fact]
    public async Task What_is_too_much_or_makes_no_sense_is_refused()
    {
        await using StudioFixture studio = await StudioFixture.Start(settings => settings with
        {
            Limits = settings.Limits with { ImageBytes = 20_000, ImagesPerProject = 3, Projects = 2, ModelBytes = 50_000, Models = 1 },
        });
        string project = await studio.NewProject();
        Assert.Equal("imageTooLarge", await studio.Fails("POST", $"projects/{project}/images?class=a", new byte[20_001], 413));
        Assert.Equal("tooLarge", await studio.Fails("POST", "models?name=m", new byte[50_001], 413));

        // Also of a body that is still being sent when it is refused, the answer arrives.
        for (int i = 0; i < 5; i++)
        {
            Assert.Equal("imageTooLarge", await studio.Fails("POST", $"projects/{project}/images?class=a", new byte[4 << 20], 413));
            Assert.Equal("notFound", await studio.Fails("POST", "nonsense", new byte[4 << 20], 404));
        }

        Assert.Equal("tooManyModels", await studio.Fails("POST", "models?name=m", new byte[5], 507));
        Assert.Equal("tooLarge", await studio.Fails("POST", "projects", "\"" + new string('x', 70_000) + "\"", 413));
        Assert.Equal("notAnImage", await studio.Fails("POST", $"projects/{project}/images?class=a", "<svg/>"u8.ToArray(), 415));
        Assert.Equal("nameInvalid", await studio.Fails("POST", $"projects/{project}/images", StudioFixture.Picture(0, 1), 400));
        Assert.Equal("nameInvalid", await studio.Fails("POST", $"projects/{project}/images?class=a%0ab", StudioFixture.Picture(0, 1), 400));
        Assert.Equal("nameInvalid", await studio.Fails("POST", "projects", """{"name": "   "}""", 400));
        Assert.Equal("badRequest", await studio.Fails("POST", "projects", "{", 400));
        Assert.Equal("badRequest", await studio.Fails("POST", "projects", "null", 400));
        Assert.Equal("badRequest", await studio.Fails("POST", "projects", """{"name": "\ud800"}""", 400));
        Assert.Equal("notFound", await studio.Fails("POST", "projects", """{"name": "x", "model": "../../x"}""", 404));
        Assert.Equal("badRequest", await studio.Fails("GET", $"projects/{project}/images?count=0", null, 400));
        Assert.Equal("method", await studio.Fails("PATCH", $"projects/{project}", null, 405));
        Assert.Equal("notFound", await studio.Fails("GET", "nonsense", null, 404));
        Assert.Equal("notFound", await studio.Fails("GET", "projects/0123456789abcdef", null, 404));
        await studio.Send("POST", "projects", """{"name": "second"}""");
        Assert.Equal("tooManyProjects", await studio.Fails("POST", "projects", """{"name": "third"}""", 507));
        for (ulong i = 0; i < 3; i++) await studio.Add(project, 0, i);
        Assert.Equal("tooManyImages", await studio.Fails("POST", $"projects/{project}/images?class=red", StudioFixture.Picture(0, 9), 507));
    }

    [Fact]
    public async Task More_requests_than_can_be_worked_on_are_told_to_come_back()
    {
        await using StudioFixture studio = await StudioFixture.Start(settings => settings with
        {
            Limits = settings.Limits with { HeavyAtOnce = 1, HeavyWaiting = 1 },
        });
        string project = await studio.NewProject();
        await studio.Send("GET", $"projects/{project}");

        // A quick machine may be done with each before the next one comes.
        List<HttpResponseMessage> answers = [];
        for (int round = 0; round < 20 && answers.All(answer => answer.StatusCode == HttpStatusCode.OK); round++)
        {
            answers.AddRange(await Task.WhenAll(Enumerable.Range(24 * round, 24).Select(
                i => studio.Raw("POST", $"projects/{project}/images?class=red", StudioFixture.Picture(0, (ulong)i)))));
        }

        int added = answers.Count(answer => answer.StatusCode == HttpStatusCode.OK);
        Assert.All(answers, answer => Assert.True(answer.StatusCode is HttpStatusCode.OK or HttpStatusCode.ServiceUnavailable));
        Assert.All(
            answers.Where(answer => answer.StatusCode == HttpStatusCode.ServiceUnavailable), answer => Assert.NotNull(answer.Headers.RetryAfter));
        Assert.InRange(added, 1, answers.Count - 1);
        Assert.Equal(added, (await studio.Send("GET", $"projects/{project}")).GetProperty("images").GetInt32());
    }

    [Fact]
    public async Task Projects_are_renamed_and_deleted_and_only_a_few_are_open_at_once()
    {
        await using StudioFixture studio = await StudioFixture.Start(settings => settings with { Limits = settings.Limits with { OpenProjects = 1 } });
        string first = await studio.NewProject("first");
        await studio.Fill(first, 2);
        await studio.UntilTrained(first);
        string second = await studio.NewProject("second");
        await studio.Add(second, 0, 1);
        await studio.Send("PUT", $"projects/{first}", """{"name": "renamed"}""");
        JsonElement[] projects = [.. (await studio.Send("GET", "projects")).EnumerateArray()];
        Assert.Equal(["renamed", "second"], projects.Select(project => project.GetProperty("name").GetString()!).Order());
        Assert.Equal([1, 4], projects.Select(project => project.GetProperty("images").GetInt32()).Order());
        JsonElement again = await studio.Send("GET", $"projects/{first}");
        Assert.True(again.GetProperty("head").GetProperty("isTrained").GetBoolean());
        await studio.Send("DELETE", $"projects/{first}", null, 204);
        Assert.Equal("notFound", await studio.Fails("GET", $"projects/{first}", null, 404));
        Assert.Single(Directory.GetDirectories(Path.Combine(studio.Folder, "projects")));
    }

    [Fact]
    public async Task A_plan_names_memory_and_time()
    {
        await using StudioFixture studio = await StudioFixture.Start();
        string project = await studio.NewProject();
        await studio.Fill(project, 3);
        JsonElement plan = await studio.Send("POST", $"projects/{project}/plan", """{"epochs": 3, "batch": 4}""");
        JsonElement[] rows = [.. plan.GetProperty("rows").EnumerateArray()];
        Assert.Equal(["last", "bias", "last:2", "all"], rows.Select(row => row.GetProperty("policy").GetString()));
        Assert.All(rows, row =>
        {
            Assert.True(row.GetProperty("memoryBytes").GetInt64() > 0);
            Assert.True(row.GetProperty("secondsTotal").GetDouble() > 0);
            Assert.True(row.GetProperty("fits").GetBoolean());
            Assert.True(row.GetProperty("trainedParameters").GetInt64() > 0);
        });
        Assert.Equal(6, plan.GetProperty("images").GetInt32());
        Assert.Equal("badRequest", await studio.Fails("POST", $"projects/{project}/plan", """{"device": "toaster"}""", 400));
        Assert.Equal("badRequest", await studio.Fails("POST", $"projects/{project}/plan", """{"epochs": -1}""", 400));
    }

    internal static string Classes(JsonElement state) => string.Join(
        ' ', state.GetProperty("classes").EnumerateArray().Select(c => $"{c.GetProperty("name").GetString()}:{c.GetProperty("images").GetInt32()}"));
}
