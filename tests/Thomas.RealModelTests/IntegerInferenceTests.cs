using System;
using System.Collections.Generic;
using System.IO;
using System.Runtime.InteropServices;
using Thomas.Data;
using Thomas.Graphs;
using Thomas.Imaging;
using Thomas.Ops;
using Thomas.Runtime;
using Xunit;

namespace Thomas.RealModelTests;

/// <summary>
/// The 8-bit files of the assets in integers, byte for byte beside TensorFlow Lite as WebAssembly: LiteRT, and where that takes no int8 from outside, the
/// interpreter. Both compute layers in XNNPACK, as applications do.
/// </summary>
public sealed class IntegerInferenceTests(ITestOutputHelper output)
{
    private const int Images = 30;

    public static TheoryData<string, string> Files { get; } = new()
    {
        { "mcunet_vww.tflite", "litert" },
        { "mobilenet_v1_0.25_128_quant.tflite", "litert" },
        { "mobilenet_v2_1.0_224_quant.tflite", "litert" },
        { "tf2_mobilenet_v2_1.0_224_ptq.tflite", "litert" },
        { "mobilenet_v2_1.0_224_quant.tflite", "tflite" },
        { "mobilenet_v2_quantized_1x3x224x224.tflite", "tflite" },
        { "cifar10_resnet8_int8.tflite", "tflite" },
        { "vww_96_int8.tflite", "tflite" },
    };

    [Theory]
    [MemberData(nameof(Files))]
    public void Every_byte_is_the_one_of_TensorFlow_Lite(string name, string runtime)
    {
        byte[] file = TfLiteModels.Bytes(name);
        Model model = TfLiteModels.Load(name);
        using Executable executable = Executable.Compile(model.Graph, 1, new CompileOptions { Threads = 2 });
        foreach (Node node in executable.Graph.Nodes)
        {
            bool isInteger = node.Op is Quantize or Dequantize or Reshape or Transpose || node.Inputs[0].Type.DType is DType.I8 or DType.U8;
            Assert.True(isInteger, $"{node} computes reals");
        }


        StepGrid? first = GridAfter(model.Graph.Inputs[0]), last = GridBefore(model.Graph.Outputs[0]);
        bool isFloat = name == "mcunet_vww.tflite";
        List<byte> fed = [], ours = [];
        foreach (float[] image in Pictures(model, isFloat ? null : first))
        {
            float[] scores = TfLiteModels.Run(executable, image);
            fed.AddRange(isFloat ? MemoryMarshal.AsBytes(image.AsSpan()).ToArray() : Steps(InLayout(model, image), first!.Value));
            ours.AddRange(isFloat ? MemoryMarshal.AsBytes(scores.AsSpan()).ToArray() : Steps(scores, last!.Value));
        }

        (byte[]? theirs, string types, string? error) = TfLiteRuntime.RunBytes([(runtime, file, [.. fed])])[0];
        Assert.True(theirs is not null, error);
        Assert.Equal(ours.Count, theirs.Length);
        int differ = 0;
        for (int i = 0; i < theirs.Length; i++) differ += ours[i] != theirs[i] ? 1 : 0;
        output.WriteLine($"{name}, {runtime} ({types}): {differ} of {theirs.Length} bytes differ over {Images} pictures");
        Assert.Equal(0, differ);
    }

    /// <summary>Photos, shrunk by taking every n-th pixel, on the input's grid.</summary>
    private static IEnumerable<float[]> Pictures(Model model, StepGrid? grid)
    {
        Shape shape = model.Graph.Inputs[0].Shape;
        SkiaImageDecoder decoder = new();
        string[] files = Directory.GetFiles(Assets.PathOf("datasets", "imagenet_sample"), "*.JPEG", SearchOption.AllDirectories);
        Array.Sort(files, StringComparer.Ordinal);
        for (int n = 0; n < Images; n++)
        {
            RgbImage image = decoder.Decode(File.ReadAllBytes(files[n * (files.Length / Images)]));
            float[] values = new float[shape.ElementCount];
            for (int i = 0; i < values.Length; i++)
            {
                int c = i % shape[3], x = i / shape[3] % shape[2], y = i / shape[3] / shape[2];
                byte pixel = image.Pixels[(((y * image.Height / shape[1] * image.Width) + (x * image.Width / shape[2])) * 3) + c];
                values[i] = grid is { } steps ? steps.Real(pixel + steps.Minimum) : (pixel / 127.5f) - 1;
            }

            yield return values;
        }
    }

    private static float[] InLayout(Model model, float[] image) =>
        model.Info.InputLayout == ImageLayout.Nchw ? OnnxSweep.ToNchw(image, model.Graph.Inputs[0].Shape) : image;

    private static StepGrid? GridAfter(Value value)
    {
        Node node = value.Consumers[0];
        while (node.Op is not FakeQuantize) node = node.Output.Consumers[0];
        return StepGrid.Of((FakeQuantizeAttributes)node.Attributes);
    }

    private static StepGrid? GridBefore(Value value)
    {
        Node node = value.Producer!;
        while (node.Op is not FakeQuantize) node = node.Inputs[0].Producer!;
        return StepGrid.Of((FakeQuantizeAttributes)node.Attributes);
    }

    private static byte[] Steps(float[] real, StepGrid grid) => Array.ConvertAll(real, x => (byte)grid.Step(x));
}
