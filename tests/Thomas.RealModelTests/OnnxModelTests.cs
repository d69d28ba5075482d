using System;
using System.Collections.Generic;
using System.IO;
using System.IO.Compression;
using System.Text.Json;
using Thomas.Runtime;
using Xunit;

namespace Thomas.RealModelTests;

/// <summary>The shared .onnx files against recorded outputs.</summary>
public sealed class OnnxModelTests
{
    private const string MeanStd = "imagenet";

    [Theory]
    [InlineData("mobilenet_v2_1.0_224", "mobilenet_v2_1.0_224.imagenet3_logits_f32", MeanStd)]
    [InlineData("mobilenet_v2_1.0_224_bn_features", "mobilenet_v2_1.0_224_bn_features.imagenet3_features_f32", MeanStd)]
    [InlineData("mobilenet_v1_0.25_224_bn", "mobilenet_v1_0.25_224_bn.imagenet3_logits_f32", "tf")]
    [InlineData("squeezenet1.1", "squeezenet1.1.imagenet3_logits_f32", MeanStd)]
    public void Recorded_outputs_on_images_are_reproduced(string file, string golden, string preset)
    {
        byte[] crops = OnnxAssets.Bytes("imagenet10_crops224_nhwc_rgb_u8", out _);
        float[] expected = OnnxAssets.Floats(golden, out int[] shape);
        using Executable executable = Executable.Compile(Model.Load(Assets.PathOf("models", "onnx", file + ".onnx")).Graph);
        for (int image = 0; image < shape[0]; image++)
        {
            OnnxAssets.Fill(executable.Input(), crops, image, Preprocessing.Preset(preset, 224, 224));
            executable.Run();
            AssertClose(expected.AsSpan(image * shape[1], shape[1]), executable.Output());
        }
    }

    [Fact]
    public void Recorded_outputs_on_cifar_images_are_reproduced()
    {
        byte[] images = OnnxAssets.Bytes("cifar20_nhwc_rgb_u8", out int[] shape);
        float[] expected = OnnxAssets.Floats("resnet20_cifar10.cifar20_logits_f32", out _);
        using Executable executable = Executable.Compile(Model.Load(Assets.PathOf("models", "onnx", "resnet20_cifar10.onnx")).Graph);
        for (int image = 0; image < shape[0]; image++)
        {
            OnnxAssets.Fill(executable.Input(), images, image, Preprocessing.Preset(MeanStd, 32, 32));
            executable.Run();
            AssertClose(expected.AsSpan(image * 10, 10), executable.Output());
        }
    }

    [Fact]
    public void Recorded_outputs_on_digits_are_reproduced()
    {
        float[] expected = OnnxAssets.Floats("mnist.onnx.mnist_first20_logits_f32", out int[] shape);
        using GZipStream digits = new(File.OpenRead(Assets.PathOf("datasets", "mnist", "t10k-images-idx3-ubyte.gz")), CompressionMode.Decompress);
        byte[] bytes = new byte[16 + (shape[0] * 784)];
        digits.ReadExactly(bytes);
        using Executable executable = Executable.Compile(Model.Load(Assets.PathOf("models", "onnx", "mnist.onnx")).Graph);
        for (int digit = 0; digit < shape[0]; digit++)
        {
            for (int i = 0; i < 784; i++) executable.Input()[i] = bytes[16 + (digit * 784) + i];
            executable.Run();
            AssertClose(expected.AsSpan(digit * 10, 10), executable.Output());
        }
    }

    [Theory]
    [InlineData("mobilenet_v2_1.0_224", "mobilenet_v2_1.0_224.testvector_input_f32", "mobilenet_v2_1.0_224.testvector_output_f32")]
    [InlineData("mobilenet_v2_1.0_224_bn_features", "mobilenet_v2_1.0_224.testvector_input_f32", "mobilenet_v2_1.0_224_bn_features.testvector_output_f32")]
    [InlineData("squeezenet1.1", "squeezenet1.1.testvector_input_f32", "squeezenet1.1.testvector_published_output_f32")]
    public void Published_vectors_are_reproduced(string file, string input, string output)
    {
        float[] nchw = OnnxAssets.Floats(input, out int[] shape);
        using Executable executable = Executable.Compile(Model.Load(Assets.PathOf("models", "onnx", file + ".onnx")).Graph);
        Span<float> nhwc = executable.Input();
        int channels = shape[1], pixels = shape[2] * shape[3];
        for (int i = 0; i < nhwc.Length; i++) nhwc[i] = nchw[(i % channels * pixels) + (i / channels)];
        executable.Run();
        AssertClose(OnnxAssets.Floats(output, out _), executable.Output());
    }

    [Theory]
    [InlineData("mobilenet_v2_1.0_224", MeanStd)]
    [InlineData("mobilenet_v1_0.25_224_bn", "tf")]
    [InlineData("squeezenet1.1", MeanStd)]
    [InlineData("SqueezeNet_fp16", "caffe-bgr")]
    [InlineData("mobilenet_v2_quant", MeanStd)]
    public void Recorded_top_five_are_reproduced(string file, string preset)
    {
        byte[] crops = OnnxAssets.Bytes("imagenet10_crops224_nhwc_rgb_u8", out _);
        using JsonDocument golden = JsonDocument.Parse(File.ReadAllText(Assets.PathOf("golden", "imagenet_top5.json")));
        JsonElement images = golden.RootElement.GetProperty("models").GetProperty($"models/onnx/{file}.onnx").GetProperty("top5");
        using Executable executable = Executable.Compile(Model.Load(Assets.PathOf("models", "onnx", file + ".onnx")).Graph);
        for (int image = 0; image < images.GetArrayLength(); image++)
        {
            OnnxAssets.Fill(executable.Input(), crops, image, Preprocessing.Preset(preset, 224, 224));
            executable.Run();
            AssertTopFive(images[image], executable.Output(), $"{file}, image {image}");
        }
    }

    [Theory]
    [InlineData("mobilenet_v2_1.0_224", 1e-4)]
    [InlineData("mobilenet_v2_1.0_224_bn_features", 1e-4)]
    [InlineData("mobilenet_v1_0.25_224_bn", 1e-4)]
    [InlineData("squeezenet1.1", 1e-4)]
    [InlineData("resnet20_cifar10", 1e-4)]
    [InlineData("mnist", 1e-4)]
    [InlineData("SqueezeNet_fp16", 2e-3)]
    [InlineData("mobilenet_v2_quant", 1e-4)]
    public void Onnx_runtime_on_the_same_file_agrees(string file, double tolerance)
    {
        string path = Assets.PathOf("models", "onnx", file + ".onnx");
        using Executable executable = Executable.Compile(Model.Load(path).Graph);
        float[] crops = Array.ConvertAll(OnnxAssets.Bytes("imagenet10_crops224_nhwc_rgb_u8", out _), static v => (float)v);
        int channels = executable.Graph.Inputs[0].Shape[3], length = executable.Input().Length;
        float scale = file == "SqueezeNet_fp16" ? 1 : 1 / 60f, zero = 118;
        for (int i = 0; i < length; i++) executable.Input()[i] = (crops[i] - zero) * scale;
        float[] nchw = new float[length];
        for (int i = 0; i < length; i++) nchw[(i % channels * (length / channels)) + (i / channels)] = executable.Input()[i];
        executable.Run();
        using Ort ort = new(File.ReadAllBytes(path));
        AssertClose(ort.Run(nchw)[0], executable.Output(), (float)tolerance);
        Assert.Equal(ort.OutputNames[0], executable.Graph.Outputs[0].Name);
    }

    [Fact]
    public void The_8_bit_file_says_so()
    {
        Model model = Model.Load(Assets.PathOf("models", "onnx", "mobilenet_v2_quant.onnx"));
        Assert.True(model.Info.IsQuantized);
        Assert.Contains(model.Info.Notes, note => note.Contains("8-bit", StringComparison.Ordinal));
        Assert.Equal("output", model.Graph.Outputs[0].Name);
    }

    // Places in the recorded list may be swapped only between scores that are within a thousandth of each other.
    private static void AssertTopFive(JsonElement expected, ReadOnlySpan<float> scores, string place)
    {
        int[] order = new int[scores.Length];
        float[] keys = new float[scores.Length];
        for (int i = 0; i < order.Length; i++) (order[i], keys[i]) = (i, -scores[i]);
        Array.Sort(keys, order);
        List<string> actual = [];
        for (int i = 0; i < 5; i++) actual.Add($"{order[i]}: {scores[order[i]]}");
        for (int i = 0; i < 5; i++)
        {
            int index = expected[i][0].GetInt32();
            float score = expected[i][1].GetSingle();
            Assert.True(
                scores[order[i]] - scores[index] <= 1e-3 * Math.Max(1, Math.Abs(score)),
                $"{place}, rank {i}: expected {index} ({score}), got {string.Join(", ", actual)}");
        }
    }

    private static void AssertClose(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, float tolerance = 2e-3f)
    {
        Assert.Equal(expected.Length, actual.Length);
        float minimum = float.MaxValue, maximum = float.MinValue, worst = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            minimum = Math.Min(minimum, expected[i]);
            maximum = Math.Max(maximum, expected[i]);
            worst = MathF.Max(worst, MathF.Abs(expected[i] - actual[i]));
        }

        Assert.True(worst <= tolerance * (maximum - minimum), $"the largest error is {worst} of a range of {maximum - minimum}");
    }
}
