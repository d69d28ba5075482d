using System;
using System.Collections.Generic;
using System.IO;
using System.Text.Json;
using System.Threading;
using Thomas.App;
using Xunit;

namespace Thomas.Tests.Cli;

public sealed class TuneTests : IDisposable
{
    private readonly CliFixture _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData("out.onnx")]
    [InlineData("out.tflite")]
    public void A_tuned_model_knows_the_classes_of_the_folder(string name)
    {
        string output = _files[name];
        CliRun tune = CliRun.Of("tune", _files.Model(), "--data", _files.Data(), "-o", output, "--no-cache");
        Assert.Equal(0, tune.Code);
        Assert.Contains("before", tune.Out, StringComparison.Ordinal);
        Assert.Contains("nearest class centroid", tune.Out, StringComparison.Ordinal);
        Assert.Contains("true \\ predicted", tune.Out, StringComparison.Ordinal);
        Assert.Contains("recall", tune.Out, StringComparison.Ordinal);
        Assert.Contains("features  ", tune.Out, StringComparison.Ordinal);
        Assert.Contains("first epoch", tune.Out, StringComparison.Ordinal);
        Assert.Contains($"thomas classify {output} image.jpg", tune.Out, StringComparison.Ordinal);
        Assert.Contains("train ", tune.Error, StringComparison.Ordinal);

        CliFixture.Image(_files["new.png"], 1, 99);
        CliRun classify = CliRun.Of("classify", output, _files["new.png"], "--top", "1");
        Assert.Equal(0, classify.Code);
        Assert.Empty(classify.Error);
        Assert.Matches("  green +[0-9.]+%", classify.Out);

        CliRun evaluate = CliRun.Of("evaluate", output, "--data", _files.Data(), "--no-cache", "--quiet");
        Assert.Equal(0, evaluate.Code);
        Assert.Empty(evaluate.Error);
        Assert.Contains("accuracy       100.0% (36 of 36)", evaluate.Out, StringComparison.Ordinal);
    }

    // TFLite's task libraries stretch; what the options or a file that Thomas wrote say goes before.
    [Theory]
    [InlineData("out.tflite", false, null, "stretch", 1.0)]
    [InlineData("out.onnx", false, null, "center-crop", 1.0)]
    [InlineData("out.tflite", false, "center-crop", "center-crop", 1.0)]
    [InlineData("out.onnx", false, "stretch", "stretch", 1.0)]
    [InlineData("out.tflite", true, null, "center-crop", 1.143)]
    public void Images_get_their_size_in_the_usual_way_of_the_format(string name, bool isWritten, string? asked, string resize, double margin)
    {
        string model = _files.Model(withPreprocessing: isWritten);
        CliRun run = CliRun.Of(
            ["tune", model, "--data", _files.Data(perClass: 4), "-o", _files[name], "--epochs", "2", "--no-cache", "--json", "--write-labels", .. asked is null
            ? (string[])[]
            : ["--resize", asked]]);
        Assert.Equal(0, run.Code);
        Assert.Equal(resize, run.Json().GetProperty("usage").GetProperty("resize").GetString());
        Assert.Equal(
            isWritten ? "read from the model file" : "GUESSED 'imagenet' from the layout",
            run.Json().GetProperty("preprocessing").GetProperty("source").GetString()!.Split(" (")[0]);
        Assert.Equal(!isWritten, run.Json().GetProperty("preprocessing").GetProperty("isGuess").GetBoolean());
        Assert.Equal(_files["labels.txt"], run.Json().GetProperty("usage").GetProperty("labelFile").GetString());
        JsonElement preprocessing = CliRun.Of("inspect", _files[name], "--json").Json().GetProperty("preprocessing");
        Assert.Equal(resize, preprocessing.GetProperty("resize").GetString());
        Assert.Equal(margin, preprocessing.GetProperty("cropMargin").GetDouble(), 0.001);
    }

    [Fact]
    public void What_was_learned_is_kept_where_the_output_vanishes_during_training()
    {
        string folder = _files["gone"];
        Directory.CreateDirectory(folder);
        string[] args = ["tune", _files.Model(), "--data", _files.Data(), "-o", Path.Combine(folder, "out.onnx"), "--no-cache"];
        CliRun run = CliRun.Of(
            args,
            line =>
            {
                if (line.StartsWith("train ", StringComparison.Ordinal) && Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
            },
            CancellationToken.None);
        Assert.Equal(5, run.Code);
        string rescue = System.Text.RegularExpressions.Regex.Match(run.Error, "The tuned model is in (.+) instead").Groups[1].Value;
        Assert.Equal(["blue", "green", "red"], Thomas.Model.Load(rescue).Info.Labels);
        File.Delete(rescue);
    }

    [Fact]
    public void Its_json_reports_the_run_and_the_same_seed_gives_the_same_file()
    {
        string model = _files.Model(), data = _files.Data();
        CliRun first = Tune(model, data, _files["a.onnx"], "--seed", "7", "--epochs", "5", "--json");
        Assert.Equal(0, first.Code);
        JsonElement json = first.Json();
        Assert.Equal(["blue", "green", "red"], Strings(json.GetProperty("labels")));
        Assert.Equal(7, json.GetProperty("seed").GetInt32());
        Assert.Equal(5, json.GetProperty("epochs").GetArrayLength());
        Assert.InRange(json.GetProperty("after").GetProperty("accuracy").GetDouble(), 0.9, 1);
        Assert.Equal(3, json.GetProperty("after").GetProperty("confusion").GetArrayLength());
        Assert.True(json.GetProperty("firstEpochSeconds").GetDouble() > 0);
        Assert.False(json.GetProperty("cancelled").GetBoolean());

        Tune(model, data, _files["b.onnx"], "--seed", "7", "--epochs", "5");
        Tune(model, data, _files["c.onnx"], "--seed", "8", "--epochs", "5");
        Assert.Equal(File.ReadAllBytes(_files["a.onnx"]), File.ReadAllBytes(_files["b.onnx"]));
        Assert.NotEqual(File.ReadAllBytes(_files["a.onnx"]), File.ReadAllBytes(_files["c.onnx"]));
    }

    [Fact]
    public void Options_reach_the_training()
    {
        string model = _files.Model(labels: ["ant", "bee", "cat", "dog"]), data = _files.Data();
        JsonElement json = Tune(
            model, data, _files["a.onnx"], "--json", "--keep-classes", "--epochs", "3", "--batch", "8", "--lr", "0.01", "--optimizer", "sgd", "--momentum",
            "0.5", "--weight-decay", "0",
            "--label-smoothing", "0", "--warmup", "0", "--patience", "0", "--balance", "none", "--augment", "flip,crop,color", "--views", "3", "--validation",
            "0.5", "--threads", "1").Json();
        Assert.Equal(["ant", "bee", "cat", "dog", "blue", "green", "red"], Strings(json.GetProperty("labels")));
        Assert.Equal(18, json.GetProperty("trainingImages").GetInt32());
        Assert.Equal(3, json.GetProperty("epochs").GetArrayLength());
        Assert.Equal(0.01f, json.GetProperty("epochs")[0].GetProperty("learningRate").GetSingle(), 0.005f);
        Assert.Contains("1 thread", json.GetProperty("device").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_second_run_takes_images_and_features_from_the_cache()
    {
        string model = _files.Model(), data = _files.Data(), cache = _files["cache"];
        string[] args = ["tune", model, "--data", data, "-o", _files["a.onnx"], "--cache-dir", cache, "-v"];
        CliRun first = CliRun.Of(args), second = CliRun.Of(args);
        Assert.Equal((0, 0), (first.Code, second.Code));
        Assert.DoesNotContain("from the cache", first.Error, StringComparison.Ordinal);
        Assert.Contains("features of the training images read from the cache", second.Error, StringComparison.Ordinal);
        Assert.Contains("kernels: none ran", second.Error, StringComparison.Ordinal);
        Assert.NotEmpty(Directory.GetFiles(cache, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public void The_cache_is_kept_small_by_forgetting_the_oldest()
    {
        string folder = _files["cache"];
        Directory.CreateDirectory(folder);
        foreach ((string name, int age) in new[] { ("old.prepared", 3), ("middle.features", 2), ("new.prepared", 1), ("mine.txt", 9) })
        {
            string path = Path.Combine(folder, name);
            File.WriteAllBytes(path, new byte[100]);
            File.SetLastWriteTimeUtc(path, new DateTime(2030, 1, 10, 0, 0, 0, DateTimeKind.Utc).AddDays(-age));
            File.SetLastAccessTimeUtc(path, new DateTime(2030, 1, 10, 0, 0, 0, DateTimeKind.Utc).AddDays(-age));
        }

        CacheFolder.Trim(folder, 300);
        Assert.Equal(4, Directory.GetFiles(folder).Length);
        CacheFolder.Trim(folder, 150);
        Assert.Equal(["mine.txt", "new.prepared"], Names(folder));
    }

    [Fact]
    public void Cancelling_before_training_writes_nothing()
    {
        using CancellationTokenSource cancelled = new();
        cancelled.Cancel();
        CliRun run = CliRun.Of(["tune", _files.Model(), "--data", _files.Data(), "-o", _files["out.onnx"], "--no-cache"], null, cancelled.Token);
        Assert.Equal(130, run.Code);
        Assert.Contains("cancelled; nothing was written", run.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(_files["out.onnx"]));
    }

    [Fact]
    public void Cancelling_during_training_saves_the_best_model_so_far()
    {
        using CancellationTokenSource cancellation = new();
        CliRun run = CliRun.Of(
            ["tune", _files.Model(), "--data", _files.Data(), "-o", _files["out.onnx"], "--no-cache", "--epochs", "1000", "--patience", "0"],
            line =>
            {
                if (line.StartsWith("train ", StringComparison.Ordinal)) cancellation.Cancel();
            },
            cancellation.Token);
        Assert.Equal(130, run.Code);
        Assert.Contains("cancelled; the best model so far is in", run.Error, StringComparison.Ordinal);
        Assert.Equal(0, CliRun.Of("classify", _files["out.onnx"], Path.Combine(_files["data"], "red")).Code);
    }

    [Fact]
    public void A_broken_image_is_named_and_left_out()
    {
        string data = _files.Data(), broken = Path.Combine(data, "red", "broken.jpg");
        File.WriteAllText(broken, "no image");
        CliRun run = Tune(_files.Model(), data, _files["out.onnx"], "--json");
        Assert.Equal(0, run.Code);
        Assert.Contains("thomas: warning: 1 image was left out:", run.Error, StringComparison.Ordinal);
        Assert.Contains(broken, run.Error, StringComparison.Ordinal);
        Assert.Equal(broken, run.Json().GetProperty("broken")[0].GetProperty("path").GetString());
    }

    [Fact]
    public void Data_that_nothing_can_be_learnt_from_is_refused()
    {
        string model = _files.Model();
        Directory.CreateDirectory(_files["empty"]);
        string single = _files.Data("single", perClass: 3);
        Directory.Delete(Path.Combine(single, "red"), recursive: true);
        CliFixture.Image(Path.Combine(single, "red", "only.png"), 2, 5);
        string broken = _files.Data("broken", perClass: 3);
        foreach (string file in Directory.GetFiles(Path.Combine(broken, "red"))) File.WriteAllText(file, "no image");
        foreach ((string data, string expected) in new[]
        {
            (_files["missing"], "does not exist"),
            (_files["empty"], "contains no folders"),
            (_files.Data("one", classes: 1), "has only the class 'blue'"),
            (single, "only one image of 'red'"),
            (broken, "red"),
        })
        {
            CliRun run = Tune(model, data, _files["out.onnx"]);
            Assert.Equal(4, run.Code);
            Assert.Contains("thomas: error: ", run.Error, StringComparison.Ordinal);
            Assert.Contains(expected, run.Error, StringComparison.Ordinal);
            Assert.False(File.Exists(_files["out.onnx"]));
        }
    }

    [Fact]
    public void An_output_that_cannot_be_written_is_refused_before_training()
    {
        string model = _files.Model(), data = _files.Data();
        File.CreateSymbolicLink(_files["link.onnx"], model);
        Directory.CreateDirectory(_files["folder.onnx"]);
        byte[] original = File.ReadAllBytes(model);
        foreach ((string output, string expected) in new[]
        {
            (model, "is the input model"),
            (_files["link.onnx"], "is the input model"),
            (_files["none", "out.onnx"], "does not exist"),
            (_files["out.bin"], "use .tflite or .onnx"),
            (_files["folder.onnx"], "is a folder"),
        })
        {
            CliRun run = Tune(model, data, output);
            Assert.Equal(5, run.Code);
            Assert.Contains(expected, run.Error, StringComparison.Ordinal);
            Assert.DoesNotContain("decode", run.Error, StringComparison.Ordinal);
        }

        Assert.Equal(original, File.ReadAllBytes(model));
        Assert.Equal(["data", "folder.onnx", "link.onnx", "tiny.onnx"], Names(_files[""]));
    }

    [Theory]
    [InlineData("--views needs --augment", "--views", "3")]
    [InlineData("--augment contains 'blur'", "--augment", "blur")]
    [InlineData("--update is 'everything'; it must be last, last:N", "--update", "everything")]
    [InlineData("'thomas train' trains an architecture from scratch", "--update", "scratch")]
    [InlineData("--clip only applies to training more than the last layer", "--clip", "1")]
    [InlineData("--mixup only applies to training more than the last layer", "--update", "last", "--mixup", "0.2")]
    [InlineData("--keep-classes works with --update last only", "--update", "all", "--keep-classes")]
    [InlineData("--views works with --update last only", "--update", "bias", "--augment", "flip", "--views", "3")]
    [InlineData("--resume needs --checkpoint", "--update", "all", "--resume")]
    [InlineData("--new-images needs --resume", "--update", "all", "--new-images")]
    [InlineData("--new-images only applies to training more than the last layer", "--new-images")]
    [InlineData("--schedule is 'linear'", "--update", "all", "--schedule", "linear")]
    [InlineData("--size", "--size", "8")]
    public void Options_that_do_not_go_together_are_refused_in_words(string expected, params string[] options)
    {
        CliRun run = Tune(_files.Model(), _files.Data(perClass: 2), _files["out.onnx"], options);
        Assert.Equal(2, run.Code);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(_files["out.onnx"]));
    }

    [Fact]
    public void Damaged_weights_are_refused()
    {
        CliRun run = Tune(_files.Model(firstWeight: float.PositiveInfinity), _files.Data(perClass: 2), _files["out.onnx"]);
        Assert.Equal(3, run.Code);
        Assert.Contains("'conv.weight'", run.Error, StringComparison.Ordinal);
    }

    private static CliRun Tune(string model, string data, string output, params string[] more) =>
        CliRun.Of(["tune", model, "--data", data, "-o", output, "--no-cache", .. more]);

    private static List<string?> Strings(JsonElement array)
    {
        List<string?> strings = [];
        foreach (JsonElement element in array.EnumerateArray()) strings.Add(element.GetString());
        return strings;
    }

    private static List<string> Names(string folder)
    {
        List<string> names = [];
        foreach (string path in Directory.GetFileSystemEntries(folder)) names.Add(Path.GetFileName(path));
        names.Sort(StringComparer.Ordinal);
        return names;
    }
}
