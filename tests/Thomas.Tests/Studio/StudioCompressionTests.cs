using System.IO;
using System.Linq;
using System.Net.Http;
using System.Text.Json;
using System.Threading.Tasks;
using Thomas.Architectures;
using Thomas.Imaging;
using Thomas.Quantizing;
using Thomas.Tests.Quantizing;
using Xunit;

namespace Thomas.Tests.Studio;

/// <summary>Runs of the studio that keep numbers in 16 or 8 bits.</summary>
public sealed class StudioCompressionTests
{
    [Fact]
    public async Task Sixteen_bits_take_less_memory_and_train()
    {
        await using StudioFixture studio = await StudioFixture.Start();
        string project = await Project(studio, Large());
        await studio.Fill(project, 8);
        JsonElement plan = await studio.Send("POST", $"projects/{project}/plan", """{"batch": 12}""");
        Assert.Equal(["none", "half"], plan.GetProperty("compress").EnumerateArray().Select(word => word.GetString()));
        JsonElement half = await studio.Send("POST", $"projects/{project}/plan", """{"batch": 12, "compress": "half"}""");
        Assert.True(Bytes(half, "all") < Bytes(plan, "all"));
        Assert.Equal("badRequest", await studio.Fails("POST", $"projects/{project}/plan", """{"compress": "int8"}""", 400));
        Assert.Equal("badRequest", await studio.Fails("POST", $"projects/{project}/runs", """{"policy": "all", "compress": "tiny"}""", 400));

        await studio.Send("POST", $"projects/{project}/runs", """{"policy": "all", "epochs": 2, "batch": 4, "compress": "half"}""", 202);
        JsonElement run = await studio.UntilRun(project, "done", "failed");
        Assert.Equal("done", run.GetProperty("status").GetString());
        string file = Directory.GetFiles(Path.Combine(studio.Folder, "projects", project, "runs"), "run.json", SearchOption.AllDirectories).Single();
        Assert.Equal("half", JsonDocument.Parse(File.ReadAllText(file)).RootElement.GetProperty("compress").GetString());
    }

    [Fact]
    public async Task A_network_of_8_bits_stays_one()
    {
        await using StudioFixture studio = await StudioFixture.Start();
        string large = await Project(studio, Quantizer.Outline(Large()));
        await studio.Fill(large, 8);
        JsonElement plan = await studio.Send("POST", $"projects/{large}/plan", """{"batch": 12}""");
        Assert.Equal(["none", "half", "int8"], plan.GetProperty("compress").EnumerateArray().Select(word => word.GetString()));
        JsonElement eight = await studio.Send("POST", $"projects/{large}/plan", """{"batch": 12, "compress": "int8"}""");
        Assert.True(Bytes(eight, "all") < Bytes(plan, "all"));

        QuantizedModel small = Quantizer.Quantize(SmallNetworks.Build("mobile"), QuantizerTests.Calibration(), new ManagedImageDecoder());
        string project = await Project(studio, small.Model);
        await studio.Fill(project, 10);

        await studio.Send("POST", $"projects/{project}/runs", """{"policy": "all", "epochs": 3, "batch": 4, "compress": "int8"}""", 202);
        JsonElement run = await studio.UntilRun(project, "done", "failed");
        Assert.Equal("done", run.GetProperty("status").GetString());
        Assert.Equal(4, run.GetProperty("after").GetProperty("images").GetInt32());

        // The file holds integers, and says what the studio says.
        using HttpResponseMessage export = await studio.Raw("POST", $"projects/{project}/export", """{"format": "tflite", "which": "run"}""");
        Model exported = Model.Load(new MemoryStream(await export.Content.ReadAsByteArrayAsync()), "run.tflite");
        Assert.True(Quantizer.IsQuantized(exported));
        byte[] picture = StudioFixture.Picture(1, 77);
        JsonElement best = (await studio.Send("POST", $"projects/{project}/classify?which=run&top=1", picture)).GetProperty("scores")[0];
        using ImageClassifier classifier = new(exported);
        ClassScore score = classifier.Classify(new SkiaImageDecoder(), picture, 1)[0];
        Assert.Equal(score.Label, best.GetProperty("label").GetString());
        Assert.Equal(score.Probability, best.GetProperty("probability").GetDouble(), 1e-5);
    }

    private static Model Large()
    {
        Assert.True(ArchitectureCatalog.TryFind("mobilenet-v2", out Architecture? architecture));
        ArchitectureOptions options = new() { Classes = 5, Height = 224, Width = 224, WidthMultiplier = 0.5f };
        return new Model(architecture.Build(options), new ModelInfo { Name = "large" });
    }

    private static async Task<string> Project(StudioFixture studio, Model model)
    {
        using MemoryStream file = new();
        model.Save(file, ModelFormat.TfLite);
        string id = (await studio.Send("POST", $"models?name={model.Info.Name}.tflite", file.ToArray())).GetProperty("id").GetString()!;
        return (await studio.Send("POST", "projects", $$"""{"name": "compressed", "model": "{{id}}"}""")).GetProperty("id").GetString()!;
    }

    private static long Bytes(JsonElement plan, string policy) =>
        plan.GetProperty("rows").EnumerateArray().Single(row => row.GetProperty("policy").GetString() == policy).GetProperty("memoryBytes").GetInt64();
}
