using System;
using System.Collections.Generic;
using System.IO;
using Thomas.Data;
using Thomas.Graphs;
using Thomas.Imaging;
using Thomas.Kernels.Activations;
using Thomas.Ops;
using Thomas.Runtime;
using Thomas.Tests.Formats.Onnx;
using Thomas.Training;
using Xunit;

namespace Thomas.RealModelTests;

/// <summary>
/// Written .tflite files are loaded and computed by TensorFlow Lite's own code, by its interpreter and by LiteRT's compiled models, and give what Thomas gives.
/// </summary>
public sealed class TfLiteRuntimeTests(ITestOutputHelper output)
{
    private const double Tolerance = 1e-4;

    private static readonly CompileOptions OneThread = new() { Threads = 1 };

    [Fact]
    public void Float_models_of_all_origins() => Agree(
    [
        Written("tflite", "mobilenet_v1_0.25_224_1_metadata_1.tflite"),
        Written("tflite", "mobilenet_v2_035_96_embedder_with_metadata.tflite"),
        Written("tflite", "vww_96_float.tflite"),
        Written("tflite", "cifar10_resnet8_float.tflite"),
        Written("onnx", "mobilenet_v2_1.0_224.onnx"),
        Written("onnx", "mobilenet_v1_0.25_224_bn.onnx"),
        Written("onnx", "squeezenet1.1.onnx"),
        Written("onnx", "resnet20_cifar10.onnx"),
        Written("onnx", "mnist.onnx"),
    ]);

    // What is rounded to a grid in between may fall on the next step, so the best class counts, and the others within a few steps.
    [Fact]
    public void Converted_8_bit_models() => Agree(
    [
        Written("tflite", "vww_96_int8.tflite", 0.05),
        Written("tflite", "cifar10_resnet8_int8.tflite", 0.05),
        Written("tflite", "mcunet_vww.tflite", 0.1),
        Written("tflite", "mobilenet_v1_0.25_128_quant.tflite", 0.05),
        Written("tflite", "mobilenet_v2_1.0_224_quant.tflite", 0.1),
        Written("tflite", "mobilenet_v2_quantized_1x3x224x224.tflite", 0.15),
        Written("tflite", "tf2_mobilenet_v2_1.0_224_ptq.tflite", 0.05),
        Written("tflite", "person_detect.tflite", 0.05),
    ]);

    // Layers of integers have one definition, so nothing may differ: what Thomas computes of the file that it read, and others of the one that it wrote. On
    // one file the two versions of TensorFlow Lite differ, as they do on the original; ours is LiteRT's.
    [Fact]
    public void Converted_8_bit_models_as_integers()
    {
        List<Case> cases = [];
        foreach (string name in TfLiteModels.EightBit)
        {
            double tolerance = name.StartsWith("mcunet", StringComparison.Ordinal) ? 0.051 : 0;
            cases.Add(Written(TfLiteModels.Load(name), name, tolerance, null, integers: true));
        }

        Agree(cases);
    }

    // LiteRT's compiled models refuse tensors of open size that are said to have a rank.
    [Fact]
    public void Files_with_an_open_batch() => Agree(
    [
        Written("tflite", "mobilenet_v1_0.25_224_1_metadata_1.tflite", batch: SaveOptions.OpenBatch),
        Written("tflite", "mobilenet_v2_quantized_1x3x224x224.tflite", 0.15, SaveOptions.OpenBatch),
        Written("onnx", "mobilenet_v2_1.0_224.onnx", batch: SaveOptions.OpenBatch),
        Written("onnx", "squeezenet1.1.onnx", batch: SaveOptions.OpenBatch),
        Written("onnx", "resnet20_cifar10.onnx", batch: SaveOptions.OpenBatch),
    ]);

    [Fact]
    public void Files_for_three_images_at_a_time() => Agree(
    [
        Written("tflite", "vww_96_float.tflite", batch: 3),
        Written("onnx", "resnet20_cifar10.onnx", batch: 3),
    ]);

    [Fact]
    public void Binary_models_with_one_sigmoid_output()
    {
        GraphBuilder builder = new();
        Value x = builder.Input("image", new TensorType(DType.F32, new Shape(1, 24, 20, 3)));
        x = builder.Add(
            OpCatalog.Conv2d, [x, Numbers("filter", 8, 3, 3, 3), Numbers("bias", 8)],
            new Conv2dAttributes(new Window2d(3, 3), HasBias: true, Activation: Activation.Relu), "features");
        x = builder.Add(OpCatalog.Reshape, [x], new ReshapeAttributes(new IntList(0, 22 * 18 * 8)), "flat");
        x = builder.Add(OpCatalog.Dense, [x, Numbers("weight", 1, 22 * 18 * 8), Numbers("shift", 1)], new DenseAttributes(HasBias: true), "score");
        x = builder.Add(OpCatalog.Activate, [x], new ActivateAttributes(new Activation(ActivationKind.Sigmoid)), "dog");
        Model model = new(builder.Build(x), new ModelInfo { Name = "cats and dogs", Preprocessing = Preprocessing.Preset("unit", 20, 24) });
        Agree([Written(model, "sigmoid", Tolerance, null), Written(model, "sigmoid, open batch", Tolerance, SaveOptions.OpenBatch)]);

        Value Numbers(string name, params ReadOnlySpan<int> dims)
        {
            float[] values = new float[new Shape(dims).ElementCount];
            for (int i = 0; i < values.Length; i++) values[i] = 0.3f * MathF.Sin((i * 7) + name.Length) / MathF.Sqrt(values.Length);
            return builder.Constant(name, TensorData.FromFloats(new Shape(dims), values));
        }
    }

    // Products of activations, transposed convolutions, signs, Einsum: operators that no stock model here has.
    [Fact]
    public void Whole_files_of_other_exporters()
    {
        List<Case> cases = [];
        foreach ((string name, Func<OnnxFile> file) in WholeFiles.All)
        {
            Model model = file().Load();
            model = new Model(model.Graph, model.Info with { Preprocessing = Preprocessing.Preset("tf", WholeFiles.Side, WholeFiles.Side) });
            cases.Add(Written(model, name, Tolerance, null));
            if (model.Info.BatchIsSymbolic) cases.Add(Written(model, name, Tolerance, SaveOptions.OpenBatch));
        }

        OnnxFile signs = new OnnxFile(13).Input("x", 1, 3, 12, 12).Node("Sign", ["x"], ["s"]).Node("GlobalAveragePool", ["s"], ["y"]).Output("y");
        Model sign = signs.Load();
        cases.Add(Written(new Model(sign.Graph, sign.Info with { Preprocessing = Preprocessing.Preset("tf", 12, 12) }), "Sign", Tolerance, null));
        Agree(cases);
    }

    [Fact]
    public void Tuned_models()
    {
        ImageSet images = new();
        foreach (string label in (string[])["daisy", "roses"])
        {
            string[] files = Directory.GetFiles(Assets.PathOf("datasets", "flowers5", "train", label));
            Array.Sort(files, StringComparer.Ordinal);
            for (int i = 0; i < 6; i++) images.Add(label, File.ReadAllBytes(files[i]));
        }

        List<Case> cases = [];
        foreach ((string folder, string name) in ((string, string)[])[
            ("tflite", "mobilenet_v1_0.25_224_1_metadata_1.tflite"), ("onnx", "squeezenet1.1.onnx"), ("tflite", "vww_96_int8.tflite")])
        {
            TuningOptions options = new() { Head = TrainerOptions.LastLayer with { Epochs = 3 }, Compile = OneThread };
            Model tuned = Tuner.Tune(Model.Load(Assets.PathOf("models", folder, name)), images.ToDataset(), new SkiaImageDecoder(), options).Model;
            cases.Add(Written(tuned, $"{name}, tuned", name.Contains("int8", StringComparison.Ordinal) ? 0.05 : Tolerance, null));
        }

        Agree(cases);
    }

    private sealed record Case(string Name, byte[] File, float[] Input, float[] Expected, double Tolerance);

    private static Case Written(string folder, string name, double tolerance = Tolerance, int? batch = null)
    {
        Model model = Model.Load(Assets.PathOf("models", folder, name));
        return Written(model, name, tolerance, batch);
    }

    private static Case Written(Model model, string name, double tolerance, int? batch, bool? integers = null)
    {
        int images = Math.Max(batch ?? 1, 1);
        using MemoryStream stream = new();
        model.Save(stream, ModelFormat.TfLite, new SaveOptions { BatchSize = batch, Integers = integers });
        Preprocessing preprocessing = ImageInput.Of(model).Preprocessing;
        Shape shape = model.Graph.Inputs[0].Shape.With(0, images);
        float[] nhwc = Images(preprocessing, shape);
        using Executable executable = Executable.Compile(model.Graph, images, OneThread);
        nhwc.CopyTo(executable.Input());
        executable.Run();
        bool isNchw = model.Info is { SourceFormat: ModelFormat.TfLite, InputLayout: ImageLayout.Nchw };
        return new Case(
            batch is null ? name : $"{name}, batch {batch}", stream.ToArray(), isNchw ? OnnxSweep.ToNchw(nhwc, shape) : nhwc, executable.Output().ToArray(),
            tolerance);
    }

    /// <summary>Golden images shrunk by taking every n-th pixel and normalized.</summary>
    private static float[] Images(Preprocessing preprocessing, Shape shape)
    {
        byte[] pixels = TfLiteModels.Images(224).Values;
        float[] values = new float[shape.ElementCount];
        for (int i = 0; i < values.Length; i++)
        {
            int c = i % shape[3], x = i / shape[3] % shape[2], y = i / shape[3] / shape[2] % shape[1], image = i / (shape[3] * shape[2] * shape[1]);
            int pixel = (((image * 224) + (y * 224 / shape[1])) * 224) + (x * 224 / shape[2]);
            values[i] = (pixels[(pixel * 3) + (shape[3] == 1 ? 1 : c)] - preprocessing.Mean[c]) / preprocessing.Std[c];
        }

        return values;
    }

    private void Agree(IReadOnlyList<Case> cases)
    {
        List<(string, byte[], float[])> jobs = [];
        foreach (string runtime in TfLiteRuntime.Names)
        {
            foreach (Case c in cases) jobs.Add((runtime, c.File, c.Input));
        }

        IReadOnlyList<(float[]? Output, string? Error)> results = TfLiteRuntime.Run(jobs);
        List<string> failures = [];
        for (int i = 0; i < results.Count; i++)
        {
            Case c = cases[i % cases.Count];
            string place = $"{c.Name} in {TfLiteRuntime.Names[i / cases.Count]}";
            if (results[i].Output is not { } actual)
            {
                failures.Add($"{place}: {results[i].Error}");
                continue;
            }

            double largest = 0, worst = double.PositiveInfinity;
            if (actual.Length == c.Expected.Length)
            {
                worst = 0;
                for (int k = 0; k < actual.Length; k++)
                {
                    largest = Math.Max(largest, Math.Abs(c.Expected[k]));
                    worst = Math.Max(worst, Math.Abs(actual[k] - c.Expected[k]));
                }
            }

            output.WriteLine($"{place}: {worst / largest:0.0e+0} of the largest number");
            if (!(worst <= c.Tolerance * largest)) failures.Add($"{place}: {actual.Length} numbers, off by {worst} of {largest}");
            else if (Best(actual) != Best(c.Expected)) failures.Add($"{place}: names class {Best(actual)}, not {Best(c.Expected)}");
        }

        Assert.True(failures.Count == 0, string.Join('\n', failures));
    }

    private static int Best(float[] scores) => Array.IndexOf(scores, System.Linq.Enumerable.Max(scores));
}
