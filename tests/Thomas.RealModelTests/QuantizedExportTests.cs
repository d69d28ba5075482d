using System;
using System.Collections.Generic;
using System.IO;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Passes;
using Thomas.Runtime;
using Xunit;

namespace Thomas.RealModelTests;

/// <summary>
/// .onnx written from 8-bit files, in ONNX Runtime as it runs for everybody: its optimizer makes integer arithmetic of layers between QuantizeLinear and
/// DequantizeLinear, and rounds weights that it finds there as floats with one scale for each tensor.
/// </summary>
public sealed class QuantizedExportTests(ITestOutputHelper output)
{
    private static readonly CompileOptions OneThread = new() { Threads = 1 };

    public static TheoryData<string> Files { get; } =
    [
        "tflite/cifar10_resnet8_int8.tflite", "tflite/mcunet_vww.tflite", "tflite/mobilenet_v1_0.25_128_quant.tflite",
        "tflite/mobilenet_v2_035_96_embedder_with_metadata.tflite", "tflite/mobilenet_v2_1.0_224_quant.tflite",
        "tflite/mobilenet_v2_quantized_1x3x224x224.tflite", "tflite/person_detect.tflite", "tflite/tf2_mobilenet_v2_1.0_224_ptq.tflite",
        "tflite/vww_96_int8.tflite", "onnx/mobilenet_v2_quant.onnx", "../../cases/models/perchannel_qdq.onnx",
    ];

    [Theory]
    [MemberData(nameof(Files))]
    public void The_optimizer_of_onnx_runtime_leaves_the_classes_as_they_are(string file)
    {
        Model model = Load(file);
        byte[] written = Ort.Export(model);
        output.WriteLine($"{file}: {written.Length} bytes");
        Compare(model, written, file);
    }

    // Tuning moves weights off their grids: what is trained is written as floats, and must not be rounded by the optimizer either.
    [Theory]
    [InlineData("tflite/tf2_mobilenet_v2_1.0_224_ptq.tflite")]
    [InlineData("tflite/mobilenet_v1_0.25_128_quant.tflite")]
    [InlineData("tflite/vww_96_int8.tflite")]
    [InlineData("../../cases/models/perchannel_qdq.onnx")]
    public void Trained_weights_are_not_rounded(string file)
    {
        Model model = Load(file);
        Model trained = new(Moved(model.Graph), model.Info);
        Compare(trained, Ort.Export(trained), file);
    }

    private static Model Load(string file)
    {
        string path = Path.Combine(Assets.PathOf("models"), file);
        Assert.SkipUnless(File.Exists(path), $"{file} is not beside the assets");
        return Model.Load(path);
    }

    private void Compare(Model model, byte[] written, string file)
    {
        float[][] images = Images(model);
        using Executable executable = Executable.Compile(model.Graph, 1, OneThread);
        using Ort ort = new(written);
        int same = 0;
        foreach (float[] image in images)
        {
            image.CopyTo(executable.Input());
            executable.Run();
            float[] expected = executable.Output().ToArray(), actual = ort.Run(OnnxSweep.ToNchw(image, model.Graph.Inputs[0].Shape))[0];
            if (Best(expected) == Best(actual)) same++;
        }

        output.WriteLine($"{file}: the same class for {same} of {images.Length} images");

        // One near tie may fall the other way: integers round once, floats after each sum.
        Assert.True(same >= images.Length - 1, $"{file}: the same class for {same} of {images.Length} images");
    }

    /// <summary>Ten golden images in the model's size.</summary>
    private static float[][] Images(Model model)
    {
        float[][] images = new float[10][];
        for (int i = 0; i < images.Length; i++) images[i] = TfLiteModels.Image(model, i);
        return images;
    }

    /// <summary>The graph with every weight a little off its grid, as an optimizer leaves it.</summary>
    private static Graph Moved(Graph graph)
    {
        GraphRewriter rewriter = new(graph);
        HashSet<Value> done = [];
        foreach (Node node in graph.Nodes)
        {
            if (node.Op is Conv2d or DepthwiseConv2d or Dense && node.Inputs[1].Constant is TensorData data && done.Add(node.Inputs[1]))
            {
                float[] moved = data.Floats.ToArray();
                for (int i = 0; i < moved.Length; i++) moved[i] *= 1 + (1e-4f * (i % 3));
                rewriter.Set(node.Inputs[1], rewriter.Builder.Constant(node.Inputs[1].Name, TensorData.FromFloats(data.Type.Shape, moved)));
            }

            rewriter.Copy(node);
        }

        return rewriter.Build();
    }

    private static int Best(float[] values)
    {
        int best = 0;
        for (int i = 1; i < values.Length; i++) best = values[i] > values[best] ? i : best;
        return best;
    }
}
