using System;
using System.IO;
using System.Linq;
using System.Text.Json;
using Thomas.Data;
using Thomas.Tests.Data;
using Xunit;

namespace Thomas.Tests.Cli;

public sealed class UnknownTests : IDisposable
{
    private readonly CliFixture _files = new();

    public void Dispose() => _files.Dispose();

    /// <summary>Tunes a model to colors with dark noise; the features of an image that is as bright everywhere are others.</summary>
    private (string Model, string Data, JsonElement Report) Tuned(params string[] options)
    {
        string data = _files.Data(perClass: 40);
        CliRun run = CliRun.Of(["tune", _files.Model(), "--data", data, "-o", _files["tuned.onnx"], "--no-cache", "--json", .. options]);
        Assert.Equal(0, run.Code);
        return (_files["tuned.onnx"], data, run.Json());
    }

    private string Gray()
    {
        byte[] pixels = new byte[16 * 12 * 3];
        Array.Fill(pixels, (byte)255);
        File.WriteAllBytes(_files["gray.png"], Images.Encode(new RgbImage(16, 12, pixels)));
        return _files["gray.png"];
    }

    [Fact]
    public void Classify_says_unknown_of_what_is_like_no_class()
    {
        (string model, string data, _) = Tuned();
        string gray = Gray(), red = Path.Combine(data, "red", "00.png");
        CliRun run = CliRun.Of("classify", model, gray, red);
        Assert.Equal(0, run.Code);
        string[] lines = [.. run.Out.TrimEnd().Split('\n').Select(line => line.TrimEnd())];
        Assert.Equal(gray, lines[0]);
        Assert.Matches(@"^  unknown \(similarity -?0\.[0-9]{2,4}, below 0\.[0-9]{2,4}\); nearest: (blue|green|red) [0-9.]+%$", lines[1]);
        Assert.Equal(red, lines[2]);
        Assert.Matches("^  red +[0-9.]+%$", lines[3]);

        CliRun asked = CliRun.Of("classify", model, gray, "--no-unknown");
        Assert.DoesNotContain("unknown", asked.Out, StringComparison.Ordinal);
        Assert.Equal(4, asked.Out.TrimEnd().Split('\n').Length);
    }

    [Fact]
    public void Json_of_classify_has_similarity_and_threshold()
    {
        (string model, string data, JsonElement report) = Tuned();
        CliRun run = CliRun.Of("classify", model, Gray(), Path.Combine(data, "red", "00.png"), "--json");
        JsonElement[] images = [.. run.Json().GetProperty("images").EnumerateArray()];
        Assert.True(images[0].GetProperty("unknown").GetBoolean());
        Assert.False(images[1].GetProperty("unknown").GetBoolean());
        float threshold = report.GetProperty("unknown").GetProperty("threshold").GetSingle();
        Assert.All(images, image => Assert.Equal(threshold, image.GetProperty("threshold").GetSingle()));
        Assert.True(images[0].GetProperty("similarity").GetSingle() < threshold);
        Assert.True(images[1].GetProperty("similarity").GetSingle() >= threshold);
        Assert.Equal(3, images[0].GetProperty("classes").GetArrayLength());
    }

    [Fact]
    public void Evaluate_and_inspect_show_it()
    {
        (string model, string data, JsonElement report) = Tuned();
        string threshold = FormattableString.Invariant($"{report.GetProperty("unknown").GetProperty("threshold").GetSingle():0.00##}");
        CliRun evaluated = CliRun.Of("evaluate", model, "--data", data, "--no-cache");
        Assert.Matches($@"unknown +[0-9]+ of 120 \([0-9.]+%\) would be refused: similarity below {threshold}", evaluated.Out);
        JsonElement counts = CliRun.Of("evaluate", model, "--data", data, "--no-cache", "--json").Json().GetProperty("unknown");
        Assert.Equal(120, counts.GetProperty("images").GetInt32());
        Assert.InRange(counts.GetProperty("refused").GetInt32(), 0, 12);
        CliRun inspected = CliRun.Of("inspect", model);
        Assert.Contains("vectors of 8 features", inspected.Out, StringComparison.Ordinal);
        Assert.Contains($"similarity below {threshold} are unknown", inspected.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void Models_without_a_threshold_answer_as_before()
    {
        (string model, string data, JsonElement report) = Tuned("--no-rehearsal");
        Assert.False(report.TryGetProperty("unknown", out _));
        JsonElement image = CliRun.Of("classify", model, Gray(), "--json").Json().GetProperty("images")[0];
        Assert.False(image.TryGetProperty("unknown", out _));
        Assert.False(image.TryGetProperty("similarity", out _));
        Assert.DoesNotContain("unknown", CliRun.Of("classify", model, Gray()).Out, StringComparison.Ordinal);
        Assert.DoesNotContain("refused", CliRun.Of("evaluate", model, "--data", data, "--no-cache").Out, StringComparison.Ordinal);
        Assert.DoesNotContain("rehearsal", CliRun.Of("inspect", model).Out, StringComparison.Ordinal);
    }
}
