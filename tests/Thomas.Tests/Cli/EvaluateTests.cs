using System;
using System.IO;
using System.Text.Json;
using Thomas.Tests.Data;
using Xunit;

namespace Thomas.Tests.Cli;

public sealed class EvaluateTests : IDisposable
{
    private readonly CliFixture _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void It_counts_every_image_and_names_the_broken_ones()
    {
        string data = _files.Data(perClass: 4), broken = Path.Combine(data, "red", "broken.png");
        File.WriteAllBytes(broken, [1, 2, 3]);
        CliRun run = CliRun.Of("evaluate", _files.Model(labels: ["red", "green", "blue", "gray"]), "--data", data, "--no-cache", "--json", "-v");
        Assert.Equal(0, run.Code);
        JsonElement json = run.Json(), result = json.GetProperty("result");
        Assert.Equal(12, result.GetProperty("images").GetInt32());
        int sum = 0;
        foreach (JsonElement row in result.GetProperty("confusion").EnumerateArray())
        {
            foreach (JsonElement count in row.EnumerateArray()) sum += count.GetInt32();
        }

        Assert.Equal(12, sum);
        Assert.Equal(1, json.GetProperty("top5Accuracy").GetDouble());
        Assert.Equal(broken, json.GetProperty("broken")[0].GetProperty("path").GetString());
        Assert.Contains(broken, run.Error, StringComparison.Ordinal);
        Assert.True(json.GetProperty("kernels").GetArrayLength() > 0);
    }

    [Fact]
    public void A_manifest_works_like_a_folder()
    {
        _files.Data(perClass: 3);
        File.WriteAllText(_files["list.csv"], "path,label\ndata/red/00.png,red\ndata/red/01.png,red\ndata/blue/00.png,blue\n");
        string model = _files.Model(labels: ["red", "green", "blue", "gray"]);
        JsonElement json = CliRun.Of("evaluate", model, "--data", _files["list.csv"], "--no-cache", "--json").Json();
        Assert.Equal(3, json.GetProperty("result").GetProperty("images").GetInt32());
        Assert.Contains("3 images of 2 classes", CliRun.Of("evaluate", model, "--data", _files["list.csv"], "--no-cache").Out, StringComparison.Ordinal);
    }

    [Fact]
    public void Classes_that_the_model_does_not_know_are_named()
    {
        CliRun run = CliRun.Of("evaluate", _files.Model(labels: ["red", "a", "b", "c"]), "--data", _files.Data(perClass: 1), "--no-cache");
        Assert.Equal(3, run.Code);
        Assert.Contains("blue, green", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Raw_data_sets_work_like_folders_and_their_test_part_counts()
    {
        string model = _files.Model(channels: 3, labels: ["0", "1", "2", "3"]), data = Directory.CreateDirectory(_files["mnist"]).FullName;
        RawFiles.Pair(Path.Combine(data, "train-images-idx3-ubyte.gz"), Path.Combine(data, "train-labels-idx1-ubyte.gz"), [0, 1, 2, 3, 3], 8, 8);
        RawFiles.Pair(Path.Combine(data, "t10k-images-idx3-ubyte"), Path.Combine(data, "t10k-labels-idx1-ubyte"), [2, 1], 8, 8);
        JsonElement json = CliRun.Of("evaluate", model, "--data", data, "--no-cache", "--json").Json();
        Assert.Equal(2, json.GetProperty("result").GetProperty("images").GetInt32());
        Assert.Contains("test images are evaluated", json.GetProperty("notes").ToString(), StringComparison.Ordinal);
        string file = Path.Combine(data, "train-images-idx3-ubyte.gz");
        Assert.Equal(5, CliRun.Of("evaluate", model, "--data", file, "--no-cache", "--json").Json().GetProperty("result").GetProperty("images").GetInt32());

        string cifar = Directory.CreateDirectory(_files["cifar"]).FullName;
        File.WriteAllText(Path.Combine(cifar, "batches.meta.txt"), "0\n1\n2\n");
        File.WriteAllBytes(Path.Combine(cifar, "test_batch.bin"), RawFiles.Cifar(2, 0, 1));
        Assert.Equal(3, CliRun.Of("evaluate", model, "--data", cifar, "--no-cache", "--json").Json().GetProperty("result").GetProperty("images").GetInt32());
    }
}
