using System;
using System.Collections.Generic;
using System.IO;
using System.IO.Compression;
using System.Linq;
using Thomas.Architectures;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;
using Thomas.Runtime;
using Xunit;

namespace Thomas.RealModelTests;

/// <summary>Weight files of PyTorch and burn: what is in them, and what networks compute with them against recorded outputs.</summary>
public sealed class WeightFileTests
{
    private const float BatchNormEpsilon = 1e-5f;

    private static readonly string[] BurnNames =
    [
        "conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias", "conv3.weight", "conv3.bias",
        "norm1.weight", "norm1.bias", "norm1.running_mean", "norm1.running_var", "fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias",
        "norm2.weight", "norm2.bias", "norm2.running_mean", "norm2.running_var",
    ];

    private static WeightFile Load(string folder, string name, bool integers = false) => WeightFile.Load(Assets.PathOf("models", folder, name), integers);

    [Fact]
    public void Zip_archive_is_read()
    {
        WeightFile file = Load("pytorch", "burn_mnist.pt");
        Assert.Equal(WeightFormat.PyTorch, file.Format);
        Assert.Equal(BurnNames, file.Tensors.Select(tensor => tensor.Name));
        Assert.Equal(new Shape(32, 11616), file.Find("fc1.weight")!.Shape);
        Assert.Equal(new Shape(24, 16, 3, 3), file.Find("conv3.weight")!.Shape);
        Assert.Empty(file.Notes);
        Assert.Equal(20, Load("pytorch", "burn_mnist.pt", integers: true).Tensors.Count);
    }

    [Fact]
    public void Safetensors_file_is_read()
    {
        WeightFile file = Load("safetensors", "burn_mnist.safetensors");
        Assert.Equal(WeightFormat.Safetensors, file.Format);
        Assert.Equal(BurnNames.Order(StringComparer.Ordinal), file.Tensors.Select(tensor => tensor.Name).Order(StringComparer.Ordinal));
        Assert.Equal(new Shape(32, 11616), file.Find("fc1.weight")!.Shape);
    }

    [Fact]
    public void Legacy_file_is_read()
    {
        WeightFile file = Load("pytorch", "resnet20-12fca82f.th");
        Assert.Equal(97, file.Tensors.Count);
        Assert.Equal("conv1.weight", file.Tensors[0].Name);
        Assert.Equal(new Shape(16, 3, 3, 3), file.Tensors[0].Shape);
        Assert.Equal(new Shape(10, 64), file.Find("linear.weight")!.Shape);
        Assert.Equal(["'module.' was removed from all names"], file.Notes);
    }

    [Fact]
    public void Half_precision_file_is_read()
    {
        WeightFile file = Load("safetensors", "mobilenet_v2_1.0_224.safetensors");
        Assert.Equal(106, file.Tensors.Count);
        Assert.All(file.Tensors, static tensor => Assert.Equal("F16", tensor.StoredType));
        Assert.All(file.Tensors, static tensor => Assert.Equal(DType.F16, tensor.Data.Type.DType));
        Assert.Empty(file.Notes);
        Assert.Equal(new Shape(1000, 1280), file.Find("classifier.1.weight")!.Shape);
    }

    [Theory]
    [InlineData("pytorch", "burn_mnist.pt")]
    [InlineData("safetensors", "burn_mnist.safetensors")]
    public void Digit_network_reproduces_recorded_logits(string folder, string name)
    {
        Graph graph = WeightLoader.Load(BurnNetwork(), Load(folder, name)).Graph;
        float[] expected = OnnxAssets.Floats($"{name}.mnist_first20_logits_f32", out int[] shape);
        using GZipStream digits = new(
            File.OpenRead(Directory.EnumerateFiles(Assets.PathOf("datasets", "mnist"), "t10k-images*.gz").Single()), CompressionMode.Decompress);
        byte[] bytes = new byte[16 + (shape[0] * 784)];
        digits.ReadExactly(bytes);
        using Executable executable = Executable.Compile(graph);
        for (int digit = 0; digit < shape[0]; digit++)
        {
            for (int i = 0; i < 784; i++) executable.Input()[i] = ((bytes[16 + (digit * 784) + i] / 255f) - 0.1307f) / 0.3081f;
            executable.Run();
            AssertClose(expected.AsSpan(digit * 10, 10), executable.Output(), 1e-4f);
        }
    }

    [Fact]
    public void ResNet20_reproduces_recorded_logits()
    {
        Graph graph = WeightLoader.Load(ResNet20.Architecture.Build(new ArchitectureOptions { Classes = 10 }), Load("pytorch", "resnet20-12fca82f.th")).Graph;
        byte[] images = OnnxAssets.Bytes("cifar20_nhwc_rgb_u8", out int[] shape);
        float[] expected = OnnxAssets.Floats("resnet20_cifar10.cifar20_logits_f32", out _);
        using Executable executable = Executable.Compile(graph);
        for (int image = 0; image < shape[0]; image++)
        {
            OnnxAssets.Fill(executable.Input(), images, image, Preprocessing.Preset("imagenet", 32, 32));
            executable.Run();
            AssertClose(expected.AsSpan(image * 10, 10), executable.Output(), 1e-4f);
        }
    }

    // The network has batch normalization, the file has it folded into biases.
    [Fact]
    public void MobileNetV2_in_half_precision_reproduces_recorded_logits()
    {
        LoadedWeights loaded = WeightLoader.Load(
            MobileNetV2.Architecture.Build(new ArchitectureOptions { Classes = 1000 }), Load("safetensors", "mobilenet_v2_1.0_224.safetensors"));
        Assert.Contains(loaded.Notes, static note => note.StartsWith("the file has 52 batch normalizations folded", StringComparison.Ordinal));
        byte[] crops = OnnxAssets.Bytes("imagenet10_crops224_nhwc_rgb_u8", out _);
        float[] expected = OnnxAssets.Floats("mobilenet_v2_1.0_224.safetensors.imagenet3_logits_f32", out int[] shape);
        using Executable executable = Executable.Compile(loaded.Graph);
        for (int image = 0; image < shape[0]; image++)
        {
            OnnxAssets.Fill(executable.Input(), crops, image, Preprocessing.Preset("imagenet", 224, 224));
            executable.Run();
            AssertClose(expected.AsSpan(image * 1000, 1000), executable.Output(), 1e-4f);
        }
    }

    [Fact]
    public void A_network_of_other_classes_takes_all_but_the_last_layer()
    {
        Graph graph = MobileNetV2.Architecture.Build(new ArchitectureOptions { Classes = 5, Height = 96, Width = 96 });
        WeightFile weights = Load("safetensors", "mobilenet_v2_1.0_224.safetensors");
        WeightMismatchException e = Assert.Throws<WeightMismatchException>(() => WeightLoader.Load(graph, weights));
        Assert.EndsWith(
            "2 with a different shape: 'classifier.1.weight' is [1000,1280], the network needs [5,1280], 'classifier.1.bias' is [1000], the network needs [5]",
            e.Message, StringComparison.Ordinal);
        Graph loaded = WeightLoader.Load(graph, weights, allowHeadMismatch: true).Graph;
        Assert.Equal(
            graph.Values.Single(static value => value.Name == "classifier.1.weight").Constant!.Floats,
            loaded.Values.Single(static value => value.Name == "classifier.1.weight").Constant!.Floats);
        Assert.Equal(
            weights.Find("features.0.0.bias")!.Data.ToFloats(), loaded.Values.Single(static value => value.Name == "features.0.1.bias").Constant!.Floats);
    }

    // conv1 to conv3 (3x3, no padding, ReLU), norm1, flatten, fc1, ReLU, fc2, norm2.
    private static Graph BurnNetwork()
    {
        GraphBuilder b = new();
        Value x = b.Input("input", new TensorType(DType.F32, new Shape(1, 28, 28, 1)));
        int[] channels = [1, 8, 16, 24];
        for (int i = 1; i <= 3; i++)
        {
            Conv2dAttributes valid = new(new Window2d(3, 3), HasBias: true, Activation: Activation.Relu);
            x = b.Add(
                OpCatalog.Conv2d, [x, Zeros(b, $"conv{i}.weight", channels[i], 3, 3, channels[i - 1]), Zeros(b, $"conv{i}.bias", channels[i])], valid,
                $"conv{i}");
        }

        x = b.Add(OpCatalog.Reshape, [Norm(b, "norm1", x)], new ReshapeAttributes(new IntList(0, -1)), "flatten");
        x = b.Add(
            OpCatalog.Dense, [x, Zeros(b, "fc1.weight", 32, x.Shape[1]), Zeros(b, "fc1.bias", 32)],
            new DenseAttributes(HasBias: true, Activation: Activation.Relu), "fc1");
        x = b.Add(OpCatalog.Dense, [x, Zeros(b, "fc2.weight", 10, 32), Zeros(b, "fc2.bias", 10)], new DenseAttributes(HasBias: true), "fc2");
        return b.Build(Norm(b, "norm2", x));
    }

    private static Value Norm(GraphBuilder b, string name, Value x)
    {
        List<Value> operands = [x];
        foreach (string part in new[] { "weight", "bias", "running_mean", "running_var" }) operands.Add(Zeros(b, $"{name}.{part}", x.Shape[-1]));
        return b.Add(OpCatalog.BatchNorm, [.. operands], new BatchNormAttributes(BatchNormEpsilon), name);
    }

    private static Value Zeros(GraphBuilder b, string name, params ReadOnlySpan<int> dims)
    {
        Shape shape = new(dims);
        return b.Constant(name, TensorData.FromFloats(shape, new float[shape.ElementCount]));
    }

    private static void AssertClose(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, float tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
            Assert.True(
                MathF.Abs(expected[i] - actual[i]) <= tolerance * MathF.Max(1, MathF.Abs(expected[i])), $"number {i}: expected {expected[i]}, got {actual[i]}");
    }
}
