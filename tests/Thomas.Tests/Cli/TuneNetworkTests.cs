using System;
using System.IO;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Threading;
using Thomas.Formats.TfLite.Writing;
using Thomas.Graphs;
using Xunit;

namespace Thomas.Tests.Cli;

/// <summary><c>thomas tune</c> with policies that train more than the last layer.</summary>
public sealed partial class TuneNetworkTests : IDisposable
{
    private readonly CliFixture _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData("bias", (8 * 3) + 3)]
    [InlineData("all", (8 * 3) + 3 + (8 * 3 * 3 * 3))]
    public void A_policy_trains_what_it_says_after_the_last_layer(string policy, int parameters)
    {
        string model = _files.Model(), output = _files["out.onnx"];
        CliRun run = Tune(model, _files.Data(), output, "--update", policy, "--epochs", "2", "--lr", "0.01", "--json");
        Assert.Equal(0, run.Code);
        JsonElement json = run.Json();
        Assert.Equal(policy, json.GetProperty("update").GetString());
        Assert.Equal("none", json.GetProperty("network").GetProperty("compression").GetString());
        Assert.Equal(parameters, json.GetProperty("network").GetProperty("trainedParameters").GetInt32());
        Assert.Equal(2, json.GetProperty("epochs").GetArrayLength());
        Assert.InRange(json.GetProperty("afterLastLayer").GetProperty("accuracy").GetDouble(), 0.9, 1);
        Assert.InRange(json.GetProperty("bestEpoch").GetInt32(), 1, 2);
        Assert.Equal(policy == "bias", Filter(model).AsSpan().SequenceEqual(Filter(output)));
        Assert.Contains("accuracy       100.0%", CliRun.Of("evaluate", output, "--data", _files.Data(), "--no-cache", "--quiet").Out, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_says_that_activations_were_compressed()
    {
        string[] options = ["--update", "all", "--epochs", "1", "--threads", "1", "--compress", "half"];
        CliRun run = Tune(_files.Model(), _files.Data(), _files["out.onnx"], [.. options, "--json"]);
        Assert.Equal(0, run.Code);
        Assert.Equal("half", run.Json().GetProperty("network").GetProperty("compression").GetString());
        CliRun text = Tune(_files.Model(), _files.Data(), _files["again.onnx"], options);
        Assert.Contains(", seed 1, compress half", text.Out, StringComparison.Ordinal);
        Assert.Contains("activations kept as 16-bit floats (half)", text.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void The_frozen_part_in_integers_is_reported_and_saved_so()
    {
        string output = _files["out.tflite"];
        string[] options = ["--update", "last", "--compress", "frozen", "--threads", "1"];
        CliRun run = Tune(_files.Model(), _files.Data(), output, [.. options, "--json"]);
        Assert.True(run.Code == 0, run.Error);
        JsonElement json = run.Json(), frozen = json.GetProperty("eightBits");
        Assert.InRange(frozen.GetProperty("calibrationImages").GetInt32(), 1, 64);
        Assert.InRange(frozen.GetProperty("signalToNoise").GetDouble(), 20, 200);
        double after = json.GetProperty("after").GetProperty("accuracy").GetDouble();
        Assert.InRange(after, 0.9, 1);
        JsonElement inspected = CliRun.Of("inspect", output, "--json").Json();
        Assert.True(inspected.GetProperty("isQuantized").GetBoolean());
        CliRun again = Tune(output, _files.Data(), _files["again.tflite"], [.. options, "--json"]);
        Assert.False(again.Json().GetProperty("eightBits").TryGetProperty("calibrationImages", out _));
        CliRun text = Tune(_files.Model(), _files.Data(), _files["text.tflite"], options);
        Assert.Contains("frozen part    8-bit integers", text.Out, StringComparison.Ordinal);
        CliRun refused = Tune(_files.Model(), _files.Data(), _files["none.onnx"], "--update", "all", "--compress", "frozen");
        Assert.NotEqual(0, refused.Code);
        Assert.Contains("is frozen; 'last' and 'last:N' leave a part frozen", refused.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--update all --bn live", "--bn live does not go with --compress int8")]
    [InlineData("--update norm", "--update norm does not go with --compress int8")]
    public void What_integers_cannot_do_is_refused_at_once(string options, string message)
    {
        CliRun refused = Tune(_files.Model(), _files.Data(), _files["none.tflite"], ["--compress", "int8", .. options.Split(' ')]);
        Assert.Equal(2, refused.Code);
        Assert.Contains(message, refused.Error, StringComparison.Ordinal);
    }

    // A float .onnx becomes integers with its last layer, an 8-bit file stays integers whatever is trained, and a float last layer is told.
    [Fact]
    public void Eight_bits_are_what_is_written()
    {
        string output = _files["out.tflite"], last = _files["last.tflite"], bounded = _files["bounded.tflite"];
        CliRun run = Tune(_files.Model(), _files.Data(), output, "--compress", "int8", "--update", "all", "--epochs", "2", "--threads", "1");
        Assert.True(run.Code == 0, run.Error);
        Assert.DoesNotContain("last layer is float32", run.Out + run.Error, StringComparison.Ordinal);
        Assert.Empty(IntegerPlan.Of(Model.Load(output).Graph).FloatLayers());
        Assert.Equal(0, Tune(output, _files.Data(), last, "--compress", "int8", "--threads", "1").Code);
        Assert.Empty(IntegerPlan.Of(Model.Load(last).Graph).FloatLayers());
        CliRun told = Tune(output, _files.Data(), bounded, "--compress", "int8", "--memory", "1GiB", "--threads", "1");
        Assert.Contains("note: the new last layer is float32", told.Out + told.Error, StringComparison.Ordinal);
        Assert.Single(IntegerPlan.Of(Model.Load(bounded).Graph).FloatLayers());
        CliRun frozen = Tune(output, _files.Data(), _files["frozen.tflite"], "--compress", "frozen", "--update", "all");
        Assert.Contains("leave a part frozen", frozen.Error, StringComparison.Ordinal);
    }

    // Vectors of other features than those that come out keep no class.
    [Theory]
    [InlineData("frozen")]
    [InlineData("int8")]
    public void Old_classes_do_not_lose_their_vectors_to_integers(string word)
    {
        string first = _files["first.onnx"];
        Assert.Equal(0, Tune(_files.Model(), _files.Data(), first, "--threads", "1").Code);
        CliRun refused = Tune(first, _files.Data(), _files["second.onnx"], "--keep-classes", "--compress", word, "--threads", "1");
        Assert.Equal(2, refused.Code);
        Assert.Contains("keep its old classes would be lost", refused.Error, StringComparison.Ordinal);
        Assert.Equal(0, Tune(first, _files.Data(), _files["second.onnx"], "--keep-classes", "--threads", "1").Code);
    }

    [Fact]
    public void A_bound_that_is_too_small_is_refused_with_the_one_that_works()
    {
        string model = _files.Model(), data = _files.Data();
        CliRun refused = Tune(model, data, _files["out.onnx"], "--update", "all", "--memory", "1KiB");
        Assert.NotEqual(0, refused.Code);
        Match bound = SmallestBound().Match(refused.Error);
        Assert.True(bound.Success, refused.Error);
        Assert.False(File.Exists(_files["out.onnx"]));

        CliRun run = Tune(model, data, _files["out.onnx"], "--update", "all", "--epochs", "1", "--memory", bound.Groups[1].Value, "--json");
        Assert.Equal(0, run.Code);
        JsonElement json = run.Json(), process = json.GetProperty("process");
        Assert.Equal(0, json.GetProperty("network").GetProperty("rollbackBytes").GetInt64());
        Assert.InRange(process.GetProperty("plannedBytes").GetInt64(), 1, process.GetProperty("boundBytes").GetInt64());

        // plan and tune agree.
        CliRun plan = CliRun.Of("plan", model, "--data", data, "--update", "all", "--memory", bound.Groups[1].Value, "--json");
        Assert.Equal(process.GetProperty("plannedBytes").GetInt64(), plan.Json().GetProperty("policies")[0].GetProperty("runBytes").GetInt64());

        CliRun last = Tune(model, data, _files["last.onnx"], "--memory", "1KiB");
        Assert.Equal(3, last.Code);
        Assert.Equal(0, Tune(model, data, _files["last.onnx"], "--memory", SmallestBound().Match(last.Error).Groups[1].Value).Code);
    }

    [Fact]
    public void A_run_that_was_stopped_goes_on_from_its_checkpoint_to_the_same_bytes()
    {
        string model = _files.Model(), data = _files.Data(), checkpoint = _files["run.checkpoint"];
        string[] options = ["--update", "all", "--epochs", "6", "--memory", "64MiB", "--batch", "8", "--lr", "0.01", "--threads", "1"];
        Assert.Equal(0, Tune(model, data, _files["whole.onnx"], options).Code);

        using CancellationTokenSource cancellation = new();
        CliRun stopped = CliRun.Of(
            ["tune", model, "--data", data, "-o", _files["part.onnx"], "--no-cache", .. options, "--checkpoint", checkpoint],
            line =>
            {
                if (SecondEpoch().IsMatch(line)) cancellation.Cancel();
            },
            cancellation.Token);
        Assert.Equal(130, stopped.Code);
        Assert.True(File.Exists(checkpoint));

        CliRun resumed = Tune(model, data, _files["resumed.onnx"], [.. options, "--checkpoint", checkpoint, "--resume", "-v"]);
        Assert.Equal(0, resumed.Code);
        Assert.Contains("resumed from '" + checkpoint, resumed.Error, StringComparison.Ordinal);
        Assert.Equal(File.ReadAllBytes(_files["whole.onnx"]), File.ReadAllBytes(_files["resumed.onnx"]));
        Assert.NotEqual(File.ReadAllBytes(_files["whole.onnx"]), File.ReadAllBytes(_files["part.onnx"]));

        CliRun other = Tune(model, data, _files["other.onnx"], [.. options, "--checkpoint", checkpoint, "--resume", "--seed", "9"]);
        Assert.NotEqual(0, other.Code);
        Assert.Contains("belongs to another run", other.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_resumed_run_that_is_cancelled_early_leaves_the_model_and_names_the_checkpoint()
    {
        string model = _files.Model(), data = _files.Data(), checkpoint = _files["run.checkpoint"], output = _files["out.onnx"];
        string[] options = ["--update", "all", "--batch", "8", "--threads", "1", "--checkpoint", checkpoint, "--resume", "--epochs", "2"];
        Assert.Equal(0, Tune(model, data, output, options).Code);
        byte[] before = File.ReadAllBytes(output);
        using CancellationTokenSource cancellation = new();
        CliRun run = CliRun.Of(
            ["tune", model, "--data", data, "-o", output, "--no-cache", .. options], null, cancellation.Token, onLine: line =>
            {
                if (line.StartsWith("device", StringComparison.Ordinal)) cancellation.Cancel();
            });
        Assert.Equal(130, run.Code);
        Assert.Contains("nothing was written: the best model so far is in the checkpoint", run.Error, StringComparison.Ordinal);
        Assert.Contains("run.checkpoint', and the same command continues from there", run.Error, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(output));
    }

    [Fact]
    public void A_finished_run_is_given_more_epochs_and_more_images()
    {
        string model = _files.Model(), data = _files.Data(), checkpoint = _files["run.checkpoint"];
        string[] options = ["--update", "all", "--batch", "8", "--lr", "0.01", "--threads", "1", "--checkpoint", checkpoint, "--resume", "--json"];
        Assert.Equal(0, Tune(model, data, _files["out.onnx"], [.. options, "--epochs", "2"]).Code);
        CliRun more = Tune(model, data, _files["out.onnx"], [.. options, "--epochs", "4"]);
        Assert.Equal(0, more.Code);
        Assert.Contains("4 epochs instead of 2: 2 are done, 2 follow", more.Error, StringComparison.Ordinal);
        Assert.Equal(4, more.Json().GetProperty("epochs").GetArrayLength());

        for (int c = 0; c < 3; c++) CliFixture.Image(Path.Combine(data, CliFixture.Colors[c], "new.png"), c, (ulong)(5000 + c));
        CliRun refused = Tune(model, data, _files["out.onnx"], [.. options, "--epochs", "6"]);
        Assert.Equal(3, refused.Code);
        Assert.Contains("--new-images", refused.Error, StringComparison.Ordinal);
        CliRun added = Tune(model, data, _files["out.onnx"], [.. options, "--epochs", "6", "--new-images"]);
        Assert.Equal(0, added.Code);
        Assert.Contains("the run continues with other images", added.Error, StringComparison.Ordinal);
        JsonElement json = added.Json();
        Assert.Equal(6, json.GetProperty("epochs").GetArrayLength());
        Assert.Contains("used for training before", json.GetProperty("warnings").ToString(), StringComparison.Ordinal);

        CliFixture.Image(Path.Combine(data, "white", "1.png"), 0, 1);
        CliFixture.Image(Path.Combine(data, "white", "2.png"), 0, 2);
        CliRun classes = Tune(model, data, _files["out.onnx"], [.. options, "--epochs", "6", "--new-images"]);
        Assert.Equal(3, classes.Code);
        Assert.Contains("new: 'white'", classes.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void The_tuned_model_takes_images_of_the_size_that_was_asked_for()
    {
        string output = _files["out.onnx"];
        Assert.Equal(0, Tune(_files.Model(), _files.Data(), output, "--size", "16").Code);
        Model tuned = Model.Load(output);
        Assert.Equal(new Shape(1, 16, 16, 3), tuned.Graph.Inputs[0].Shape);
        Assert.Equal((16, 16), (tuned.Info.Preprocessing!.Width, tuned.Info.Preprocessing.Height));
        Assert.Equal(0, CliRun.Of("classify", output, Path.Combine(_files["data"], "red"), "--quiet").Code);
    }

    private static CliRun Tune(string model, string data, string output, params string[] more) =>
        CliRun.Of(["tune", model, "--data", data, "-o", output, "--no-cache", .. more]);

    private static float[] Filter(string path)
    {
        foreach (Node node in Model.Load(path).Graph.Nodes)
        {
            if (node.Op is Thomas.Ops.Conv2d) return node.Inputs[1].Constant!.Floats.ToArray();
        }

        return [];
    }

    [GeneratedRegex("^train +2/6 ")]
    private static partial Regex SecondEpoch();

    [GeneratedRegex(@"smallest bound that works is ([0-9.]+[A-Za-z]+)\.")]
    private static partial Regex SmallestBound();
}
