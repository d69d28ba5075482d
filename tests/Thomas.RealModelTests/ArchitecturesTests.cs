using System;
using System.Collections.Generic;
using Thomas.Architectures;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Runtime;
using Xunit;

namespace Thomas.RealModelTests;

/// <summary>The architectures with the weights of published models compute what the published files compute.</summary>
public sealed class ArchitecturesTests
{
    // Same names as in the file, which was written from the same PyTorch code.
    [Fact]
    public void ResNet20_with_published_weights_computes_the_recorded_logits()
    {
        Graph published = Model.Load(Assets.PathOf("models", "onnx", "resnet20_cifar10.onnx")).Graph;
        Dictionary<string, TensorData> weights = Weights(published);
        Graph graph = WithWeights(ResNet20.Architecture.Build(new ArchitectureOptions { Classes = 10 }), weights);
        Assert.Equal(published.ParameterCount, graph.ParameterCount);
        byte[] images = OnnxAssets.Bytes("cifar20_nhwc_rgb_u8", out int[] shape);
        float[] expected = OnnxAssets.Floats("resnet20_cifar10.cifar20_logits_f32", out _);
        using Executable executable = Executable.Compile(graph);
        for (int image = 0; image < shape[0]; image++)
        {
            OnnxAssets.Fill(executable.Input(), images, image, Preprocessing.Preset("imagenet", 32, 32));
            executable.Run();
            OnnxSweep.AssertClose(expected.AsSpan(image * 10, 10).ToArray(), executable.Output().ToArray(), 1e-4, $"image {image}");
        }
    }

    // The file names its weights otherwise, but has the layers in the same order.
    [Fact]
    public void SqueezeNet_with_published_weights_computes_the_recorded_logits()
    {
        Graph published = Model.Load(Assets.PathOf("models", "onnx", "squeezenet1.1.onnx")).Graph;
        Graph graph = SqueezeNet.Architecture.Build(new ArchitectureOptions { Classes = 1000 });
        List<Node> theirs = Convolutions(published), ours = Convolutions(graph);
        Assert.Equal(26, ours.Count);
        Assert.Equal(ours.Count, theirs.Count);
        Dictionary<string, TensorData> weights = [];
        for (int i = 0; i < ours.Count; i++)
        {
            for (int operand = 1; operand < 3; operand++) weights.Add(ours[i].Inputs[operand].Name, theirs[i].Inputs[operand].Constant!);
        }

        AssertImageNet(WithWeights(graph, weights), "squeezenet1.1.imagenet3_logits_f32");
    }

    // The file has torchvision's names, but batch normalization is folded into its convolutions: ours becomes the addition of their bias.
    [Fact]
    public void MobileNetV2_with_published_weights_computes_the_recorded_logits()
    {
        Dictionary<string, TensorData> published = Weights(Model.Load(Assets.PathOf("models", "onnx", "mobilenet_v2_1.0_224.onnx")).Graph);
        Graph graph = MobileNetV2.Architecture.Build(new ArchitectureOptions { Classes = 1000 });
        Dictionary<string, TensorData> weights = [];
        foreach (Node node in graph.Nodes)
        {
            if (node.Op == OpCatalog.BatchNorm)
            {
                string convolution = node.Inputs[0].Producer!.Name;
                float variance = 1 - ((BatchNormAttributes)node.Attributes).Epsilon;
                weights.Add(node.Inputs[1].Name, Filled(node.Inputs[1].Shape, 1));
                weights.Add(node.Inputs[2].Name, published[convolution + ".bias"]);
                weights.Add(node.Inputs[3].Name, Filled(node.Inputs[3].Shape, 0));
                weights.Add(node.Inputs[4].Name, Filled(node.Inputs[4].Shape, variance));
            }
            else if (node.Op == OpCatalog.Conv2d || node.Op == OpCatalog.DepthwiseConv2d || node.Op == OpCatalog.Dense)
            {
                for (int i = 1; i < node.Inputs.Count; i++) weights.Add(node.Inputs[i].Name, published[node.Inputs[i].Name]);
            }
        }

        AssertImageNet(WithWeights(graph, weights), "mobilenet_v2_1.0_224.imagenet3_logits_f32");
    }

    // ONNX Runtime reads what is written of every architecture, operators of all of them included.
    [Theory]
    [InlineData("lenet5")]
    [InlineData("alexnet")]
    [InlineData("squeezenet")]
    [InlineData("resnet20")]
    [InlineData("mobilenet-v1")]
    [InlineData("mobilenet-v2")]
    [InlineData("mobilenet-v3-small")]
    [InlineData("mobilenet-v3-large")]
    public void Onnx_runtime_agrees_with_a_written_network(string name)
    {
        Assert.True(ArchitectureCatalog.TryFind(name, out Architecture? architecture));
        int size = Math.Max(architecture.MinimumSize, 40);
        Graph graph = architecture.Build(new ArchitectureOptions { Classes = 6, Height = size, Width = size + 3 });
        float[] input = new float[graph.Inputs[0].Shape.ElementCount];
        for (int i = 0; i < input.Length; i++) input[i] = MathF.Sin(i * 0.7f) + MathF.Cos(i * 0.013f);
        using Executable executable = Executable.Compile(graph);
        input.CopyTo(executable.Input());
        executable.Run();
        using Ort ort = new(Ort.Export(new Model(graph, new ModelInfo { Name = name })));
        float[] expected = ort.Run(OnnxSweep.ToNchw(input, graph.Inputs[0].Shape))[0];

        // Scores of a new network may be tiny, which must not make the comparison lax.
        float largest = 0;
        foreach (float score in expected) largest = MathF.Max(largest, MathF.Abs(score));
        Assert.True(largest > 0);
        OnnxSweep.AssertClose(
            Array.ConvertAll(expected, score => score / largest), Array.ConvertAll(executable.Output().ToArray(), score => score / largest), 1e-4, name);
    }

    private static void AssertImageNet(Graph graph, string golden)
    {
        byte[] crops = OnnxAssets.Bytes("imagenet10_crops224_nhwc_rgb_u8", out _);
        float[] expected = OnnxAssets.Floats(golden, out int[] shape);
        using Executable executable = Executable.Compile(graph);
        for (int image = 0; image < shape[0]; image++)
        {
            OnnxAssets.Fill(executable.Input(), crops, image, Preprocessing.Preset("imagenet", 224, 224));
            executable.Run();
            OnnxSweep.AssertClose(expected.AsSpan(image * shape[1], shape[1]).ToArray(), executable.Output().ToArray(), 1e-4, $"image {image}");
        }
    }

    private static TensorData Filled(Shape shape, float value)
    {
        float[] values = new float[shape.ElementCount];
        Array.Fill(values, value);
        return TensorData.FromFloats(shape, values);
    }

    private static Dictionary<string, TensorData> Weights(Graph graph)
    {
        Dictionary<string, TensorData> weights = [];
        foreach (Value value in graph.Values)
        {
            if (value.Constant is TensorData data) weights.Add(value.Name, data);
        }

        return weights;
    }

    private static List<Node> Convolutions(Graph graph)
    {
        List<Node> nodes = [];
        foreach (Node node in graph.Nodes)
        {
            if (node.Op == OpCatalog.Conv2d) nodes.Add(node);
        }

        return nodes;
    }

    /// <summary>The same graph with other constants; each must be given, in the shape that it has.</summary>
    private static Graph WithWeights(Graph graph, Dictionary<string, TensorData> weights)
    {
        GraphBuilder builder = new();
        Dictionary<Value, Value> copies = [];
        foreach (Value value in graph.Values)
        {
            if (value.IsInput) copies.Add(value, builder.Input(value.Name, value.Type));
            if (!value.IsConstant) continue;
            Assert.Equal(value.Shape, weights[value.Name].Type.Shape);
            copies.Add(value, builder.Constant(value.Name, weights[value.Name]));
        }

        foreach (Node node in graph.Nodes)
        {
            List<Value> operands = [];
            foreach (Value input in node.Inputs) operands.Add(copies[input]);
            copies.Add(node.Output, builder.Add(node.Op, operands.ToArray(), node.Attributes, node.Name));
        }

        return builder.Build(copies[graph.Outputs[0]]);
    }
}
