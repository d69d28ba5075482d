using System;
using System.Collections.Generic;
using System.IO;
using Thomas.Formats.Onnx.Proto;
using Thomas.Formats.TfLite.Schema;
using Thomas.Graphs;
using Thomas.Runtime;
using Xunit;

namespace Thomas.RealModelTests;

/// <summary>Every model of the assets is written in both formats and means the same afterwards: to us and, as .onnx, to ONNX Runtime.</summary>
public sealed class RoundTripTests(ITestOutputHelper output)
{
    private const double OurTolerance = 1e-5;
    private const double OrtTolerance = 1e-4;
    private const int Batch = 3;
    // 8-bit networks as the real numbers that a graph says: in integers, .tflite and .onnx files are computed as their own runtimes do, which differ by steps.
    private static readonly CompileOptions OneThread = new() { Threads = 1, PassesOff = ["lower-quantized"] };

    public static TheoryData<string, string> Files { get; } = new()
    {
        { "onnx", "mobilenet_v2_1.0_224.onnx" },
        { "onnx", "mobilenet_v2_1.0_224_bn_features.onnx" },
        { "onnx", "mobilenet_v1_0.25_224_bn.onnx" },
        { "onnx", "squeezenet1.1.onnx" },
        { "onnx", "resnet20_cifar10.onnx" },
        { "onnx", "mnist.onnx" },
        { "onnx", "SqueezeNet_fp16.onnx" },
        { "onnx", "mobilenet_v2_quant.onnx" },
        { "tflite", "cifar10_resnet8_float.tflite" },
        { "tflite", "cifar10_resnet8_int8.tflite" },
        { "tflite", "mcunet_vww.tflite" },
        { "tflite", "mobilenet_v1_0.25_128_quant.tflite" },
        { "tflite", "mobilenet_v1_0.25_224_1_metadata_1.tflite" },
        { "tflite", "mobilenet_v2_035_96_embedder_with_metadata.tflite" },
        { "tflite", "mobilenet_v2_1.0_224_quant.tflite" },
        { "tflite", "mobilenet_v2_quantized_1x3x224x224.tflite" },
        { "tflite", "person_detect.tflite" },
        { "tflite", "tf2_mobilenet_v2_1.0_224_ptq.tflite" },
        { "tflite", "vww_96_float.tflite" },
        { "tflite", "vww_96_int8.tflite" },
    };

    [Theory]
    [MemberData(nameof(Files))]
    public void A_written_model_computes_and_describes_the_same(string folder, string name)
    {
        Model model = Described(folder, name);
        float[] input = Images(model, 1);
        float[][] expected = Run(model, 1, input);
        foreach (ModelFormat format in (ModelFormat[])[ModelFormat.Onnx, ModelFormat.TfLite])
        {
            string place = $"{name} as {format}";
            byte[] file = Export(model, format);
            Model again = Model.Load(new MemoryStream(file), place);
            GraphVerifier.Verify(again.Graph);
            AssertSameDescription(model, again, format, place);
            float[][] actual = Run(again, 1, input);
            for (int i = 0; i < expected.Length; i++) AssertClose(expected[i], actual[i], OurTolerance, $"{place}, output {i}");
        }
    }

    public static TheoryData<string, string, bool> FilesInOrt()
    {
        TheoryData<string, string, bool> rows = [];
        foreach (TheoryDataRow<string, string> row in Files)
        {
            rows.Add(row.Data.Item1, row.Data.Item2, true);
            rows.Add(row.Data.Item1, row.Data.Item2, false);
        }

        return rows;
    }

    [Theory]
    [MemberData(nameof(FilesInOrt))]
    public void Onnx_runtime_agrees_with_a_written_model(string folder, string name, bool optimized)
    {
        Model model = Described(folder, name);
        float[] input = Images(model, Batch);
        float[][] expected = Run(model, Batch, input);
        using Ort ort = new(Export(model, ModelFormat.Onnx), optimized);
        Assert.Equal(model.Graph.Inputs[0].Name, ort.InputName);
        Assert.Equal(model.Graph.Outputs[0].Name, ort.OutputNames[0]);
        Assert.True(ort.InputShape[0] <= 0, "the batch of an .onnx file is open unless asked for otherwise");
        bool isNhwc = model.Info is { SourceFormat: ModelFormat.Onnx, InputLayout: ImageLayout.Nhwc };
        Shape shape = model.Graph.Inputs[0].Shape.With(0, Batch);
        float[][] actual = ort.Run(isNhwc ? input : OnnxSweep.ToNchw(input, shape));
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            string place = $"{name} in ONNX Runtime, batch {Batch}, output {i}";

            // Optimized, 8-bit layers run in integers, whose sums round otherwise than those of floats.
            if (RoundsDifferently(name) || (optimized && model.Info.IsQuantized)) Assert.Equal(Largest(expected[i]), Largest(actual[i]));
            else AssertClose(expected[i], actual[i], OrtTolerance, place);
        }
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void A_batch_gives_what_each_image_gives_alone(string folder, string name)
    {
        Model model = Described(folder, name);
        float[] images = Images(model, Batch);
        float[] together = Run(model, Batch, images)[0];
        int pixels = images.Length / Batch, length = together.Length / Batch;
        for (int i = 0; i < Batch; i++)
        {
            float[] alone = Run(model, 1, images[(i * pixels)..((i + 1) * pixels)])[0];
            Assert.Equal(alone.Length, length);
            AssertClose(alone, together[(i * length)..((i + 1) * length)], OurTolerance, $"{name}, image {i} of {Batch}");
        }
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Inputs_and_outputs_keep_the_names_of_the_file(string folder, string name)
    {
        byte[] file = File.ReadAllBytes(Assets.PathOf("models", folder, name));
        (List<string> inputs, List<string> outputs) = folder == "onnx" ? OnnxNames(file) : TfLiteNames(file);
        Graph graph = ModelFiles.Load(file, name).Graph;
        Assert.Equal(inputs, Names(graph.Inputs));
        Assert.Equal(outputs, Names(graph.Outputs));
    }

    /// <summary>A model with labels, preprocessing and other metadata: the file's own, or made up where it has none.</summary>
    private static Model Described(string folder, string name)
    {
        Model model = Model.Load(Assets.PathOf("models", folder, name));
        string[] labels = new string[model.Graph.Outputs[0].Shape.ElementCount];
        for (int i = 0; i < labels.Length; i++) labels[i] = $"class {i}, \u00e9";
        Preprocessing preprocessing = name switch
        {
            "SqueezeNet_fp16.onnx" => Preprocessing.Preset("caffe-bgr", 224, 224),
            "mnist.onnx" => ImageInput.Of(model).Preprocessing with { Mean = new ChannelValues(0), Std = new ChannelValues(1) },
            _ => ImageInput.Of(model).Preprocessing,
        };
        Dictionary<string, string> metadata = new(model.Info.Metadata) { ["key of a test"] = "value \u00fc" };
        return new Model(model.Graph, model.Info with { Labels = model.Info.Labels ?? labels, Preprocessing = preprocessing, Metadata = metadata });
    }

    /// <summary>Golden images shrunk by taking every n-th pixel and normalized.</summary>
    private static float[] Images(Model model, int count)
    {
        Shape shape = model.Graph.Inputs[0].Shape;
        byte[] pixels = TfLiteModels.Images(224).Values;
        Preprocessing preprocessing = model.Info.Preprocessing!;
        float[] values = new float[shape.ElementCount * count];
        for (int i = 0; i < values.Length; i++)
        {
            int c = i % shape[3], x = i / shape[3] % shape[2], y = i / shape[3] / shape[2] % shape[1], image = i / shape.ElementCount;
            int pixel = (((image * 224) + (y * 224 / shape[1])) * 224) + (x * 224 / shape[2]);
            int source = shape[3] == 1 ? 1 : preprocessing.ColorOrder == ColorOrder.Bgr ? 2 - c : c;
            values[i] = (pixels[(pixel * 3) + source] - preprocessing.Mean[c]) / preprocessing.Std[c];
        }

        return values;
    }

    private static byte[] Export(Model model, ModelFormat format)
    {
        using MemoryStream stream = new();
        model.Save(stream, format);
        return stream.ToArray();
    }

    private static float[][] Run(Model model, int batch, float[] input)
    {
        using Executable executable = Executable.Compile(model.Graph, batch, OneThread);
        input.CopyTo(executable.Input());
        executable.Run();
        float[][] outputs = new float[model.Graph.Outputs.Count][];
        for (int i = 0; i < outputs.Length; i++) outputs[i] = executable.Output(i).ToArray();
        return outputs;
    }

    private static void AssertSameDescription(Model expected, Model actual, ModelFormat format, string place)
    {
        Assert.Equal(expected.Info.Labels, actual.Info.Labels);
        Assert.Equal(expected.Info.Preprocessing, actual.Info.Preprocessing);
        Assert.Equal(expected.Info.Metadata, actual.Info.Metadata);
        Assert.Equal(format == ModelFormat.Onnx, actual.Info.BatchIsSymbolic);
        Assert.Equal(format, actual.Info.SourceFormat);
        if (expected.Info.SourceFormat == format) Assert.Equal(expected.Info.InputLayout, actual.Info.InputLayout);
        Assert.Equal(Names(expected.Graph.Inputs), Names(actual.Graph.Inputs));
        Assert.Equal(Names(expected.Graph.Outputs), Names(actual.Graph.Outputs));
        Assert.Equal(expected.Graph.Inputs[0].Type, actual.Graph.Inputs[0].Type);
        for (int i = 0; i < expected.Graph.Outputs.Count; i++)
            Assert.True(expected.Graph.Outputs[i].Type == actual.Graph.Outputs[i].Type, $"{place}: output {i}");
    }

    private void AssertClose(float[] expected, float[] actual, double tolerance, string place)
    {
        Assert.Equal(expected.Length, actual.Length);
        double low = double.MaxValue, high = double.MinValue, worst = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            low = Math.Min(low, expected[i]);
            high = Math.Max(high, expected[i]);
            worst = Math.Max(worst, Math.Abs(expected[i] - (double)actual[i]));
        }

        output.WriteLine($"{place}: {(worst == 0 ? "same bits" : $"largest error {worst / (high - low):E1} of the range")}");
        Assert.True(high > low, $"{place}: all outputs are {high}");
        Assert.True(worst <= tolerance * (high - low), $"{place}: the largest error is {worst} of a range of {high - low}");
    }

    /// <summary>Whether the model is one of those whose every stage agrees but whose outputs do not: see <see cref="QuantizedStagesTests"/>.</summary>
    private static bool RoundsDifferently(string name)
    {
        foreach (TheoryDataRow<string> row in QuantizedStagesTests.Models)
        {
            if (row.Data == name) return true;
        }

        return false;
    }

    private static int Largest(float[] values)
    {
        int best = 0;
        for (int i = 1; i < values.Length; i++) best = values[i] > values[best] ? i : best;
        return best;
    }

    private static List<string> Names(IReadOnlyList<Value> values)
    {
        List<string> names = [];
        foreach (Value value in values) names.Add(value.Name);
        return names;
    }

    private static (List<string> Inputs, List<string> Outputs) OnnxNames(byte[] file)
    {
        GraphProto graph = ModelProto.Parser.ParseFrom(file).Graph;
        HashSet<string> initializers = [];
        foreach (TensorProto initializer in graph.Initializer) initializers.Add(initializer.Name);
        List<string> inputs = [], outputs = [];
        foreach (ValueInfoProto input in graph.Input)
        {
            if (!initializers.Contains(input.Name)) inputs.Add(input.Name);
        }

        foreach (ValueInfoProto item in graph.Output) outputs.Add(item.Name);
        return (inputs, outputs);
    }

    private static (List<string> Inputs, List<string> Outputs) TfLiteNames(byte[] file)
    {
        SubgraphTable graph = new(new ModelTable(new FlatFile(file, "names").Root("model")).Subgraphs[0]);
        List<string> inputs = [], outputs = [];
        foreach (int index in graph.Inputs) inputs.Add(new TensorTable(graph.Tensors[index]).Name!);
        foreach (int index in graph.Outputs) outputs.Add(new TensorTable(graph.Tensors[index]).Name!);
        return (inputs, outputs);
    }
}
