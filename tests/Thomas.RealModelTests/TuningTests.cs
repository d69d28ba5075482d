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

    [Theory]
    [InlineData("tflite/mobilenet_v1_0.25_224_1_metadata_1.tflite", 0.45, 0.08)]
    [InlineData("onnx/mobilenet_v2_1.0_224.onnx", 0.6, 0.08)]
    public void A_flower_is_added_without_the_images_of_the_others_and_without_losing_them(string file, double added, double loss)
    {
        Dataset flowers = ImageFolder.Load(Assets.PathOf("datasets", "flowers5"));
        SkiaImageDecoder decoder = new();
        Model four = Tuner.Tune(Model.Load(Assets.PathOf(["models", .. file.Split('/')])), Only(flowers, c => c < 4), decoder).Model;
        TuningResult result = Tuner.Tune(four, Only(flowers, c => c == 4), decoder, new TuningOptions { KeepClasses = true });
        Assert.Equal(flowers.ClassNames, result.Labels);
        Assert.InRange(result.OldBefore!.MacroRecall - result.OldAfter!.MacroRecall, -loss, loss);
        Assert.Empty(result.UncheckedClasses);

        // The images that were set aside by the data set itself: no row was trained on them.
        ConfusionMatrix before = Evaluator.Evaluate(four, Only(flowers, c => c < 4).Only(Subset.Validation), decoder).Confusion;
        ConfusionMatrix after = Evaluator.Evaluate(result.Model, flowers.Only(Subset.Validation), decoder).Confusion;
        output.WriteLine($"{file}: {before.MacroRecall:P1} before\n{after.ToTable(result.Labels)}");
        double old = Enumerable.Range(0, 4).Average(c => after.OfClass(c).Recall!.Value);
        Assert.True(old >= before.MacroRecall - loss, $"old classes {before.MacroRecall:P1} before, {old:P1} after");
        Assert.True(after.OfClass(4).Recall >= added, after.ToTable(result.Labels));
    }

    /// <summary>Some classes of a data set, numbered anew.</summary>
    private static Dataset Only(Dataset all, System.Func<int, bool> isWanted)
    {
        int[] kept = [.. Enumerable.Range(0, all.ClassNames.Count).Where(isWanted)];
        return new Dataset(
            all.Name, [.. kept.Select(c => all.ClassNames[c])],
            [.. all.Samples.Where(s => isWanted(s.ClassIndex)).Select(s => s with { ClassIndex = System.Array.IndexOf(kept, s.ClassIndex) })]);
    }

    private static void LaterEpochsCostNothing(TuningResult result)
    {
        double first = result.Times.Of("decode").TotalSeconds + result.Times.Of("features").TotalSeconds + result.Epochs[0].Duration.TotalSeconds;
        double[] later = [.. result.Epochs.Skip(1).Select(epoch => epoch.Duration.TotalSeconds).Order()];
        Assert.True(later[later.Length / 2] < 0.02 * first, $"later epochs take {later[later.Length / 2]:F4} s, the first {first:F2} s");
    }
}
