using System;
using System.IO;
using System.Linq;
using Thomas.Runtime;
using Thomas.Tests.Formats.Safetensors;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Cli;

/// <summary>Weights of PyTorch become a model with <c>convert</c>, and are what <c>train</c> begins with.</summary>
public sealed class ConvertWeightsTests : IDisposable
{
    private readonly CliFixture _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData("kuangliu lenet", "lenet5-classic", false, "out.onnx")]
    [InlineData("activatedgeek lenet", "lenet5-classic", true, "out.tflite")]
    [InlineData("chenyaofo cifar10_resnet20", "resnet20-b", false, "out.tflite")]
    public void A_weight_file_becomes_a_model_that_computes_what_PyTorch_computed(string name, string architecture, bool legacy, string output)
    {
        ForeignNetwork network = ForeignNetwork.Of(name);
        string weights = _files["net.pth"];
        File.WriteAllBytes(weights, network.TorchBytes(legacy));
        CliRun run = CliRun.Of("convert", weights, "-o", _files[output], "--size", $"{network.Size}", "--json");
        Assert.Equal(0, run.Code);
        Assert.Equal(architecture, run.Json().GetProperty("architecture").GetString());
        Assert.StartsWith($"recognized: {architecture}", run.Json().GetProperty("notes")[0].GetString(), StringComparison.Ordinal);
        CheckLogits(network, Model.Load(_files[output]));
    }

    [Fact]
    public void Variant_labels_and_normalization_are_given_as_for_other_models()
    {
        ForeignNetwork network = ForeignNetwork.Of("d2l lenet");
        string weights = _files["net.pt"], output = _files["out.onnx"];
        File.WriteAllBytes(weights, network.TorchBytes());
        File.WriteAllLines(_files["names.txt"], Enumerable.Range(0, 10).Select(static digit => $"digit {digit}"));
        CliRun run = CliRun.Of(
            "convert", weights, "-o", output, "--arch", "lenet5-classic", "--variant", "sigmoid,average", "--labels", _files["names.txt"], "--mean", "33.3285",
            "--std", "78.5655");
        Assert.Equal(0, run.Code);
        Assert.Contains("assumed: sigmoid,average, as in the published network", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("assumed of the images", run.Error, StringComparison.Ordinal);
        Model model = Model.Load(output);
        CheckLogits(network, model);
        Assert.Equal("digit 9", model.Info.Labels![9]);
        Assert.Equal(33.3285f, model.Info.Preprocessing!.Mean[0], 1e-3f);
        Assert.Equal(ColorOrder.Gray, model.Info.Preprocessing.ColorOrder);
    }

    [Fact]
    public void What_fits_no_network_is_told_in_at_most_ten_lines()
    {
        string weights = _files["net.safetensors"];
        File.WriteAllBytes(weights, SafetensorsFile.Of(("a.weight", [4, 3, 3, 3], new float[108]), ("b.weight", [2, 4], new float[8])));
        CliRun run = CliRun.Of("convert", weights, "-o", _files["out.onnx"]);
        Assert.Equal(3, run.Code);
        string[] lines = run.Error.TrimEnd().Split('\n');
        Assert.InRange(lines.Length, 2, 10);
        Assert.EndsWith("the weights belong to no network that Thomas builds", lines[0].TrimEnd(), StringComparison.Ordinal);
        Assert.StartsWith("Thomas builds lenet5, lenet5-classic,", lines[^1], StringComparison.Ordinal);
        Assert.False(File.Exists(_files["out.onnx"]));
    }

    [Theory]
    [InlineData("--arch lenet", "Unknown architecture 'lenet'")]
    [InlineData("--arch lenet5-classic --variant relu6", "lenet5-classic has no variant 'relu6'")]
    [InlineData("--weights-key ema", "it has no entry 'ema'")]
    public void A_wrong_option_is_named(string options, string problem)
    {
        string weights = _files["net.pth"];
        File.WriteAllBytes(weights, ForeignNetwork.Of("tutorial lenet").TorchBytes());
        CliRun run = CliRun.Of(["convert", weights, "-o", _files["out.onnx"], .. options.Split(' ')]);
        Assert.NotEqual(0, run.Code);
        Assert.Contains(problem, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_for_weights_are_refused_for_a_model()
    {
        CliRun run = CliRun.Of("convert", _files.Model(), "-o", _files["out.onnx"], "--variant", "relu");
        Assert.Equal(2, run.Code);
        Assert.Contains("are for files of weights", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Train_begins_with_weights_of_other_names_and_classes()
    {
        string weights = _files["net.pth"], output = _files["out.onnx"];
        File.WriteAllBytes(weights, ForeignNetwork.Of("kuangliu lenet").TorchBytes());
        CliRun run = CliRun.Of(
            ["train", "lenet5-classic", "--weights", weights, "--data", _files.Data(), "-o", output, "--epochs", "1", "--no-cache", "--json"]);
        Assert.Equal(0, run.Code);
        string[] notes = [.. run.Json().GetProperty("notes").EnumerateArray().Select(static note => note.GetString()!)];
        Assert.Contains("recognized: lenet5-classic, 3x32x32, 10 classes", notes);
        Assert.Contains(notes, static note => note.StartsWith("the last layer keeps its initial weights", StringComparison.Ordinal));
        Assert.Equal(CliFixture.Colors, Model.Load(output).Info.Labels!);
        run = CliRun.Of(["train", "squeezenet", "--weights", weights, "--data", _files.Data(), "-o", output]);
        Assert.Equal(3, run.Code);
        Assert.Contains("the weights do not fit squeezenet", run.Error, StringComparison.Ordinal);
    }

    private static void CheckLogits(ForeignNetwork network, Model model)
    {
        using Executable executable = Executable.Compile(model.Graph);
        network.Input().CopyTo(executable.Input());
        executable.Run();
        double range = network.Logits.Max() - network.Logits.Min();
        for (int i = 0; i < network.Logits.Length; i++) Assert.Equal(network.Logits[i], executable.Output()[i], 2e-5 * range);
    }
}
