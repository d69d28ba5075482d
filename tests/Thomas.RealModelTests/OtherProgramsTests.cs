using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Thomas.Autodiff;
using Thomas.Data;
using Thomas.Graphs;
using Thomas.Imaging;
using Thomas.Runtime;
using Thomas.Training;
using Xunit;

namespace Thomas.RealModelTests;

/// <summary>
/// What users carry to their apps: models of one sigmoid and tuned 8-bit models, written in both formats. ONNX Runtime as it runs by default, TensorFlow Lite's
/// interpreter and LiteRT's compiled models name the classes that Thomas names, with its probabilities.
/// </summary>
public sealed class OtherProgramsTests(ITestOutputHelper output)
{
    private const double Tolerance = 1e-4;

    // Sums next to the middle between two steps of a grid round either way in each runtime, and the layers after it carry that on.
    private const double Quantized = 0.01;

    private static readonly SkiaImageDecoder Decoder = new();

    [Theory]
    [InlineData("mobilenet_v1_0.25_224_1_metadata_1.tflite", false)]
    [InlineData("vww_96_int8.tflite", true)]
    public void One_sigmoid_is_the_probability_of_the_second_class(string file, bool quantized)
    {
        Model built = OutputMeaningTests.Sigmoid(TfLiteModels.Load(file), quantized);
        List<Written> written = [];
        foreach (ModelFormat format in Enum.GetValues<ModelFormat>())
        {
            Model model = Reload(built, format);
            Assert.Equal((1, ScoreKind.Probability), (ClassOutput.Of(model).Numbers, ClassOutput.Of(model).Kind));
            written.Add(new Written($"{file}, one sigmoid, from {format}", model, quantized ? Quantized : Tolerance));
            Model tuned = Tune(model, null);
            Assert.Equal((2, ScoreKind.Probability), (ClassOutput.Of(tuned).Numbers, ClassOutput.Of(tuned).Kind));
            written.Add(new Written($"{file}, one sigmoid, from {format}, tuned", tuned, quantized ? Quantized : Tolerance));
        }

        Agree(written);
    }

    [Fact]
    public void Tuned_8_bit_models_name_the_same_class() => Agree(
    [
        Tuned("tflite", "cifar10_resnet8_int8.tflite"),
        Tuned("tflite", "mcunet_vww.tflite", tolerance: 0.05),
        Tuned("tflite", "mobilenet_v1_0.25_128_quant.tflite"),
        Tuned("tflite", "mobilenet_v2_035_96_embedder_with_metadata.tflite"),
        Tuned("tflite", "mobilenet_v2_1.0_224_quant.tflite"),
        Tuned("tflite", "mobilenet_v2_quantized_1x3x224x224.tflite", tolerance: 0.1),
        Tuned("tflite", "person_detect.tflite"),
        Tuned("tflite", "tf2_mobilenet_v2_1.0_224_ptq.tflite", tolerance: 0.02),
        Tuned("tflite", "vww_96_int8.tflite"),
        Tuned("onnx", "mobilenet_v2_quant.onnx"),
        Tuned("tflite", "vww_96_int8.tflite", UpdatePolicy.All),
        Tuned("tflite", "mobilenet_v1_0.25_128_quant.tflite", UpdatePolicy.All),
        Tuned("tflite", "mcunet_vww.tflite", new UpdatePolicy(UpdateKind.Bias), 0.05),
    ]);

    private sealed record Written(string Name, Model Model, double Tolerance);

    private static Written Tuned(string folder, string file, UpdatePolicy? policy = null, double tolerance = Quantized)
    {
        Model tuned = Tune(Model.Load(Assets.PathOf("models", folder, file)), policy);
        return new Written($"{file}, tuned {policy?.ToString() ?? "last"}", tuned, tolerance);
    }

    private static Model Tune(Model model, UpdatePolicy? policy)
    {
        CompileOptions oneThread = new() { Threads = 1 };
        TrainerOptions? network = policy is not { } update ? null : new TrainerOptions { Policy = update, Epochs = 2, BatchSize = 6, Compile = oneThread };
        ImageSet images = new();
        foreach ((string label, string path) in Flowers("train", 6)) images.Add(label, File.ReadAllBytes(path));
        return Tuner.Tune(model, images.ToDataset(), Decoder, new TuningOptions
        {
            Head = TrainerOptions.LastLayer with { Epochs = 20 },
            Network = network,
            Compile = oneThread,
        }).Model;
    }

    private void Agree(IReadOnlyList<Written> models)
    {
        int compared = 0, decided = 0;
        List<string> failures = [];
        List<(string, byte[], float[])> jobs = [];
        List<(Written Model, float[] Expected)> expected = [];
        RgbImage[] images = [.. Flowers("val", 5).Select(static f => Decoder.Decode(File.ReadAllBytes(f.Path)))];
        foreach (Written written in models)
        {
            (float[] nhwc, float[] nchw, float[] scores) = Thomas(written.Model, images);
            using (Ort ort = new(Save(written.Model, ModelFormat.Onnx)))
            {
                Compare(written, "ONNX Runtime", scores, [.. Split(nchw, images.Length).SelectMany(image => ort.Run(image)[0])]);
            }

            bool isNchw = written.Model.Info is { SourceFormat: ModelFormat.TfLite, InputLayout: ImageLayout.Nchw };
            expected.Add((written, scores));
            foreach (string runtime in TfLiteRuntime.Names) jobs.Add((runtime, Save(written.Model, ModelFormat.TfLite), isNchw ? nchw : nhwc));
        }

        IReadOnlyList<(float[]? Output, string? Error)> results = TfLiteRuntime.Run(jobs);
        for (int i = 0; i < results.Count; i++)
        {
            (Written written, float[] scores) = expected[i / TfLiteRuntime.Names.Count];
            if (results[i].Output is { } actual) Compare(written, jobs[i].Item1, scores, actual);
            else failures.Add($"{written.Name} in {jobs[i].Item1}: {results[i].Error}");
        }

        Assert.True(failures.Count == 0, string.Join('\n', failures));
        output.WriteLine($"the named class agrees for {decided} images of {compared}; the others are near ties");
        Assert.True(decided > compared / 2);

        void Compare(Written written, string runtime, float[] expected, float[] actual)
        {
            string place = $"{written.Name} in {runtime}";
            if (actual.Length != expected.Length)
            {
                failures.Add($"{place}: {actual.Length} numbers, not {expected.Length}");
                return;
            }

            double worst = expected.Zip(actual, static (a, b) => (double)MathF.Abs(a - b)).Max();
            output.WriteLine($"{place}: off by {worst:0.0e+0}");
            if (!(worst <= written.Tolerance)) failures.Add($"{place}: off by {worst}");
            ClassOutput classes = ClassOutput.Of(written.Model);
            foreach ((float[] ours, float[] theirs) in Split(expected, images.Length).Zip(Split(actual, images.Length)))
            {
                IReadOnlyList<ClassScore> ranked = classes.Rank(ours, 2);
                compared++;
                if (ranked[0].Probability - ranked[1].Probability <= 2 * written.Tolerance) continue; // What moves both numbers may swap them.
                decided++;
                string ourClass = ranked[0].Label, theirClass = classes.Rank(theirs, 1)[0].Label;
                if (ourClass != theirClass)
                {
                    failures.Add($"{place}: names '{theirClass}' with {string.Join(' ', theirs)}, not '{ourClass}' with {string.Join(' ', ours)}");
                }
            }
        }
    }

    /// <summary>The images as the model takes them, in both layouts, and its numbers for each; what the classifier says follows from these.</summary>
    private static (float[] Nhwc, float[] Nchw, float[] Scores) Thomas(Model model, RgbImage[] images)
    {
        Preprocessor preprocessor = new(ImageInput.Of(model).Preprocessing);
        Shape shape = model.Graph.Inputs[0].Shape.With(0, 1);
        float[] input = new float[shape.ElementCount];
        List<float> nhwc = [], nchw = [], scores = [];
        using ImageClassifier classifier = new(model, options: new CompileOptions { Threads = 1 });
        using Executable executable = Executable.Compile(model.Graph, 1, new CompileOptions { Threads = 1 });
        foreach (RgbImage image in images)
        {
            preprocessor.Run(image, input);
            nhwc.AddRange(input);
            nchw.AddRange(OnnxSweep.ToNchw(input, shape));
            float[] numbers = TfLiteModels.Run(executable, input);
            scores.AddRange(numbers);
            ClassScore best = classifier.Classify(image, 1)[0];
            Assert.Equal(numbers.Length == 1 ? (best.Index == 1 ? numbers[0] : 1 - numbers[0]) : numbers[best.Index], best.Probability, 1e-6f);
        }

        return ([.. nhwc], [.. nchw], [.. scores]);
    }

    private static IEnumerable<float[]> Split(float[] values, int parts) => values.Chunk(values.Length / parts);

    private static IEnumerable<(string Label, string Path)> Flowers(string part, int count) =>
        from label in new[] { "daisy", "roses" }
        from path in Directory.EnumerateFiles(Assets.PathOf("datasets", "flowers5", part, label)).Order(StringComparer.Ordinal).Take(count)
        select (label, path);

    private static byte[] Save(Model model, ModelFormat format)
    {
        using MemoryStream stream = new();
        model.Save(stream, format);
        return stream.ToArray();
    }

    private static Model Reload(Model model, ModelFormat format)
    {
        using MemoryStream stream = new(Save(model, format));
        return Model.Load(stream, "file");
    }
}
