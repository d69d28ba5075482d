using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Thomas.Data;
using Thomas.Imaging;
using Thomas.Training;
using Xunit;

namespace Thomas.RealModelTests;

/// <summary>Heat maps and wrong labels with stock models on real photos.</summary>
public sealed class SingleImageTests(ITestOutputHelper output)
{
    private const int Wrong = 10, First = 15;

    // Stock models of every kind of last layer; the cat's head fills the middle of its photo, the bow tie the lower middle of the other.
    [Theory]
    [InlineData("onnx/mobilenet_v2_1.0_224.onnx", 7)]
    [InlineData("onnx/squeezenet1.1.onnx", 13)]
    [InlineData("onnx/mobilenet_v1_0.25_224_bn.onnx", 7)]
    [InlineData("tflite/mobilenet_v1_0.25_224_1_metadata_1.tflite", 7)]
    [InlineData("tflite/mobilenet_v2_1.0_224_quant.tflite", 7)]
    [InlineData("tflite/mobilenet_v2_quantized_1x3x224x224.tflite", 7)]
    public void The_cat_is_where_the_model_looks(string file, int side)
    {
        Model model = Model.Load(Assets.PathOf(["models", .. file.Split('/')]));
        byte[] photo = File.ReadAllBytes(Assets.PathOf("datasets", "sample_images", "cat.bmp"));
        using ImageExplainer explainer = new(model);
        ClassActivation map = explainer.Explain(new SkiaImageDecoder().Decode(photo, 512));
        Assert.Equal((side, side), (map.Width, map.Height));
        float[] heat = map.ToHeat(100, 100);
        double row = 0, column = 0, sum = heat.Sum();
        for (int i = 0; i < heat.Length; i++)
        {
            row += heat[i] / sum * (i / 100);
            column += heat[i] / sum * (i % 100);
        }

        output.WriteLine($"{file}: {map.Class.Label} {map.Class.Probability:P0}, middle of the heat at row {row:0}, column {column:0} of 100");
        Assert.InRange(row, 30, 65);
        Assert.InRange(column, 40, 75);
    }

    [Theory]
    [InlineData("onnx/mobilenet_v2_1.0_224.onnx")]
    [InlineData("tflite/mobilenet_v1_0.25_224_1_metadata_1.tflite")]
    public void Planted_wrong_labels_are_among_the_first_suspects(string file)
    {
        Model model = Model.Load(Assets.PathOf(["models", .. file.Split('/')]));
        Dataset flowers = DatasetLoader.Load(Assets.PathOf("datasets", "flowers5"));
        using TemporaryCache cache = new();
        EvaluationOptions options = new() { CacheDirectory = cache.Path };
        List<int> found = [];
        for (ulong seed = 1; seed <= 3; seed++)
        {
            Rng rng = new(seed);
            Sample[] samples = [.. flowers.Samples];
            HashSet<string> planted = [];
            while (planted.Count < Wrong)
            {
                int i = rng.Next(samples.Length);
                if (!planted.Add(samples[i].Image.Name)) continue;
                samples[i] = samples[i] with { ClassIndex = (samples[i].ClassIndex + 1 + rng.Next(4)) % 5 };
            }

            Dataset data = new("flowers", flowers.ClassNames, samples);
            IReadOnlyList<LabelSuspect> suspects = LabelAudit.Run(model, data, new SkiaImageDecoder(), options);
            found.Add(suspects.Take(First).Count(suspect => planted.Contains(suspect.Sample.Image.Name)));
        }

        output.WriteLine($"{file}: {string.Join(' ', found)} of {Wrong} among the first {First}");
        Assert.True(found.Average() >= 7, $"{found.Average():0.0} of {Wrong}");
    }

    private sealed class TemporaryCache : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("thomas-test").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
