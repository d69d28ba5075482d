using System.Linq;
using Thomas.Data;
using Thomas.Imaging;
using Thomas.Training;
using Xunit;

namespace Thomas.RealModelTests;

/// <summary>Last-layer tuning of stock models on real photos: one seed each; bench/Thomas.Benchmarks prints five.</summary>
public sealed class TuningTests(ITestOutputHelper output)
{
    // flowers5 is split already, so its seeds differ in the order of the batches only; cats_dogs is split anew for each.
    [Theory]
    [InlineData("onnx/mobilenet_v2_1.0_224.onnx", "flowers5", 1, 0.83)]
    [InlineData("tflite/mobilenet_v1_0.25_224_1_metadata_1.tflite", "flowers5", 1, 0.68)]
    [InlineData("onnx/mobilenet_v2_1.0_224.onnx", "cats_dogs", 5, 0.96)]
    [InlineData("onnx/squeezenet1.1.onnx", "flowers5", 1, 0.68)]
    [InlineData("tflite/mobilenet_v2_1.0_224_quant.tflite", "flowers5", 1, 0.80)]
    [InlineData("onnx/mobilenet_v2_1.0_224_bn_features.onnx", "flowers5", 1, 0.80)]
    public void Tuning_the_last_layer_reaches(string file, string data, int seeds, double accuracy)
    {
        Model model = Model.Load(Assets.PathOf(["models", .. file.Split('/')]));
        double before = 0, after = 0;
        for (int seed = 1; seed <= seeds; seed++)
        {
            TuningOptions options = new() { Seed = (ulong)seed, Head = TrainerOptions.LastLayer with { Seed = (ulong)seed } };
            TuningResult result = Tuner.Tune(model, ImageFolder.Load(Assets.PathOf("datasets", data)), new SkiaImageDecoder(), options);
            output.WriteLine(
                $"{file} on {data}: {result.Before.Accuracy:P1} before, {result.After.Accuracy:P1} "
                + $"after\n{result.After.ToTable(result.Labels)}\n{result.Times.ToTable()}");
            before += result.Before.Accuracy / seeds;
            after += result.After.Accuracy / seeds;
            LaterEpochsCostNothing(result);
        }

        Assert.True(after >= accuracy, $"{after:P1} is below {accuracy:P1}");
        Assert.True(after >= before, $"{after:P1} is worse than the nearest centroid's {before:P1}");
    }

    private static void LaterEpochsCostNothing(TuningResult result)
    {
        double first = result.Times.Of("decode").TotalSeconds + result.Times.Of("features").TotalSeconds + result.Epochs[0].Duration.TotalSeconds;
        double[] later = [.. result.Epochs.Skip(1).Select(epoch => epoch.Duration.TotalSeconds).Order()];
        Assert.True(later[later.Length / 2] < 0.02 * first, $"later epochs take {later[later.Length / 2]:F4} s, the first {first:F2} s");
    }
}
