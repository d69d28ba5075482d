using System;
using System.IO;
using System.Text.Json;
using System.Threading;
using Thomas.Data;
using Thomas.Data.Handwriting;
using Thomas.Imaging;
using Xunit;

namespace Thomas.Tests.Cli;

public sealed class TrainTests : IDisposable
{
    private readonly CliFixture _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void A_network_trained_from_scratch_reads_the_digits_that_it_was_shown()
    {
        string output = _files["digits.tflite"];
        CliRun train = CliRun.Of(["train", "lenet5", "--data", Digits(test: 50), "-o", output, "--epochs", "8", "--batch", "16", "--no-cache", "--json"]);
        Assert.Equal(0, train.Code);
        JsonElement report = train.Json();
        Assert.Equal("lenet5", report.GetProperty("architecture").GetString());
        Assert.Equal(8, report.GetProperty("epochs").GetArrayLength());
        Assert.Equal(50, report.GetProperty("test").GetProperty("images").GetInt32());
        Assert.True(report.GetProperty("test").GetProperty("accuracy").GetDouble() > 0.5);
        Assert.True(report.GetProperty("network").GetProperty("trainedParameters").GetInt64() == 431_080);

        CliRun classify = CliRun.Of("classify", output, _files["7.png"], "--top", "1");
        Assert.Equal(0, classify.Code);
        Assert.Matches("[0-9] +[0-9.]+%", classify.Out);
    }

    [Fact]
    public void Cancelled_in_the_test_the_trained_model_is_saved()
    {
        string output = _files["out.onnx"];
        using CancellationTokenSource cancel = new();
        CliRun run = CliRun.Of(
            ["train", "lenet5", "--data", Digits(test: 50), "-o", output, "--epochs", "1", "--no-cache"],
            line =>
            {
                if (line.StartsWith("decode test", StringComparison.Ordinal)) cancel.Cancel();
            },
            cancel.Token);
        Assert.Equal(130, run.Code);
        Assert.Contains("the trained model is in", run.Error, StringComparison.Ordinal);
        Assert.Equal(10, Model.Load(output).Info.Labels!.Count);
    }

    [Fact]
    public void Cancelled_before_an_epoch_ended_nothing_is_written()
    {
        string output = _files["out.onnx"];
        using CancellationTokenSource cancel = new();
        CliRun run = CliRun.Of(
            ["train", "lenet5", "--data", Digits(), "-o", output, "--batch", "2", "--no-cache"],
            line =>
            {
                if (line.StartsWith("decode validation", StringComparison.Ordinal)) cancel.Cancel();
            },
            cancel.Token);
        Assert.Equal(130, run.Code);
        Assert.False(File.Exists(output));
    }

    [Fact]
    public void A_checkpoint_replaces_no_other_file_and_no_other_run()
    {
        string data = Digits(), other = _files["model.onnx"], checkpoint = _files["run.ckpt"];
        File.WriteAllText(other, "not a checkpoint");
        string[] train = ["train", "lenet5", "--data", data, "-o", _files["out.onnx"], "--epochs", "1", "--no-cache", "-q", "--checkpoint"];
        CliRun refused = CliRun.Of([.. train, other]);
        Assert.Equal(5, refused.Code);
        Assert.Contains("is not a checkpoint", refused.Error, StringComparison.Ordinal);
        Assert.Equal("not a checkpoint", File.ReadAllText(other));

        Assert.Equal(0, CliRun.Of([.. train, checkpoint]).Code);
        CliRun again = CliRun.Of([.. train, checkpoint]);
        Assert.Equal(5, again.Code);
        Assert.Contains("--resume", again.Error, StringComparison.Ordinal);
        Assert.Equal(0, CliRun.Of([.. train, checkpoint, "--resume"]).Code);
        Assert.Equal(2, CliRun.Of([.. train, ""]).Code);
    }

    [Theory]
    [InlineData("lenet6", "", 2, "Unknown architecture 'lenet6'")]
    [InlineData("lenet5", "--update all", 2, "--update needs --weights")]
    [InlineData("lenet5", "--weights w.pth --update scratch", 2, "--update scratch discards")]
    [InlineData("lenet5", "--width 0.5", 3, "width")]
    public void What_does_not_fit_is_refused_in_words(string architecture, string options, int code, string message)
    {
        string[] extra = options.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        CliRun run = CliRun.Of(["train", architecture, "--data", Digits(), "-o", _files["out.onnx"], "--no-cache", .. extra]);
        Assert.Equal(code, run.Code);
        Assert.Contains(message, run.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(_files["out.onnx"]));
    }

    /// <summary>A folder of drawn digits in folders by class, with test/ where asked for.</summary>
    private string Digits(int test = 0)
    {
        string folder = _files["digits"];
        Write(test == 0 ? folder : Path.Combine(folder, "train"), HandwrittenSet.Create(HandwrittenSet.Digits, 200, 1));
        if (test == 0) return folder;
        Write(Path.Combine(folder, "test"), HandwrittenSet.Create(HandwrittenSet.Digits, test, 2));
        HandwrittenSet one = HandwrittenSet.Create(HandwrittenSet.Digits, 10, 3);
        File.WriteAllBytes(_files["7.png"], Png(one, 7));
        return folder;
    }

    private static void Write(string folder, HandwrittenSet set)
    {
        for (int i = 0; i < set.Count; i++)
        {
            string of = Path.Combine(folder, HandwrittenSet.Digits[set.Label(i)].ToString());
            Directory.CreateDirectory(of);
            File.WriteAllBytes(Path.Combine(of, $"{i:0000}.png"), Png(set, i));
        }
    }

    private static byte[] Png(HandwrittenSet set, int index)
    {
        byte[] rgb = new byte[HandwrittenSet.Side * HandwrittenSet.Side * 3];
        ReadOnlySpan<byte> gray = set.Pixels(index);
        for (int i = 0; i < gray.Length; i++) rgb.AsSpan(3 * i, 3).Fill(gray[i]);
        return PngWriter.Encode(new RgbImage(HandwrittenSet.Side, HandwrittenSet.Side, rgb));
    }
}
