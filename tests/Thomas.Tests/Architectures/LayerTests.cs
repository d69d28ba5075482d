using System;
using System.Collections.Generic;
using Thomas.Architectures;
using Thomas.Graphs;
using Thomas.Ops;
using Xunit;

namespace Thomas.Tests.Architectures;

/// <summary>Single layers of the architectures: names, sizes, weights, windows.</summary>
public sealed class LayerTests
{
    // Keys of the PyTorch state_dicts, with the shapes in our layouts.
    [Theory]
    [InlineData("lenet5", "conv2.weight", 50, 5, 5, 20)]
    [InlineData("lenet5", "fc1.weight", 500, 800)]
    [InlineData("squeezenet", "features.12.expand3x3.weight", 256, 3, 3, 64)]
    [InlineData("squeezenet", "features.6.squeeze.bias", 32)]
    [InlineData("squeezenet", "classifier.1.weight", 9, 1, 1, 512)]
    [InlineData("resnet20", "layer3.0.conv1.weight", 64, 3, 3, 32)]
    [InlineData("resnet20", "layer2.2.bn2.running_var", 32)]
    [InlineData("resnet20", "linear.bias", 9)]
    [InlineData("mobilenet-v1", "model.0.0.weight", 32, 3, 3, 3)]
    [InlineData("mobilenet-v1", "model.13.0.weight", 1, 3, 3, 1024)]
    [InlineData("mobilenet-v1", "model.13.4.running_mean", 1024)]
    [InlineData("mobilenet-v1", "fc.weight", 9, 1024)]
    [InlineData("mobilenet-v2", "features.1.conv.0.0.weight", 1, 3, 3, 32)]
    [InlineData("mobilenet-v2", "features.1.conv.2.running_mean", 16)]
    [InlineData("mobilenet-v2", "features.17.conv.2.weight", 320, 1, 1, 960)]
    [InlineData("mobilenet-v2", "features.18.1.bias", 1280)]
    [InlineData("mobilenet-v2", "classifier.1.weight", 9, 1280)]
    [InlineData("mobilenet-v3-small", "features.1.block.1.fc1.weight", 8, 1, 1, 16)]
    [InlineData("mobilenet-v3-small", "features.11.block.3.0.weight", 96, 1, 1, 576)]
    [InlineData("mobilenet-v3-small", "features.12.0.weight", 576, 1, 1, 96)]
    [InlineData("mobilenet-v3-small", "classifier.0.weight", 1024, 576)]
    [InlineData("mobilenet-v3-large", "features.4.block.2.fc2.bias", 72)]
    [InlineData("mobilenet-v3-large", "features.15.block.1.0.weight", 1, 5, 5, 960)]
    [InlineData("mobilenet-v3-large", "features.16.1.running_var", 960)]
    [InlineData("mobilenet-v3-large", "classifier.3.weight", 9, 1280)]
    public void Constants_have_the_names_of_the_state_dict(string architecture, string name, params int[] shape)
    {
        Dictionary<string, Value> constants = NewNetwork.Constants(NewNetwork.Build(architecture, classes: 9));
        Assert.Equal(new Shape(shape), constants[name].Shape);
    }

    // Keras counts 470,072 trained parameters for MobileNetV1 0.25; the channels of MobileNetV2 0.35 are those of its published files.
    [Fact]
    public void The_width_multiplier_scales_channels_as_published()
    {
        Assert.Equal(470_072, NewNetwork.TrainedParameters(NewNetwork.Build("mobilenet-v1", classes: 1000, size: 32, width: 0.25f)));
        Dictionary<string, Value> narrow = NewNetwork.Constants(NewNetwork.Build("mobilenet-v2", classes: 2, size: 32, width: 0.35f));
        int[] channels = Array.ConvertAll(
            (string[])[
                "features.0.0", "features.1.conv.1", "features.2.conv.2", "features.4.conv.2", "features.7.conv.2", "features.11.conv.2", "features.14.conv.2",
                "features.17.conv.2", "features.18.0"],
            layer => narrow[layer + ".weight"].Shape[0]);
        Assert.Equal([16, 8, 8, 16, 24, 32, 56, 112, 1280], channels);
        Dictionary<string, Value> wide = NewNetwork.Constants(NewNetwork.Build("mobilenet-v2", classes: 2, size: 32, width: 1.4f));
        Assert.Equal(1792, wide["features.18.0.weight"].Shape[0]);

        // 80 * 0.35 = 28 lies half way between 24 and 32; 0.35f is a little less than 0.35.
        Assert.Equal(
            32, NewNetwork.Constants(NewNetwork.Build("mobilenet-v3-large", classes: 2, size: 32, width: 0.35f))["features.7.block.2.0.weight"].Shape[0]);
    }

    [Theory]
    [InlineData(1, 8)]
    [InlineData(11.9, 16)]
    [InlineData(12, 16)]
    [InlineData(18, 24)]
    [InlineData(20, 24)]
    [InlineData(28, 32)]
    [InlineData(27.9, 32)]
    [InlineData(33, 32)]
    [InlineData(1024, 1024)]
    public void Channels_become_multiples_of_eight_not_below_nine_tenths(double channels, int expected) =>
        Assert.Equal(expected, LayerBuilder.RoundChannels(channels));

    [Theory]
    [InlineData("mobilenet-v2", "features.0.0.weight", 0.0833, false)]
    [InlineData("mobilenet-v2", "features.3.conv.1.0.weight", 0.0393, false)]
    [InlineData("mobilenet-v2", "classifier.1.weight", 0.01, false)]
    [InlineData("mobilenet-v3-small", "features.9.block.2.fc1.weight", 0.1667, false)]
    [InlineData("resnet20", "layer1.0.conv1.weight", 0.1179, false)]
    [InlineData("squeezenet", "features.3.expand3x3.weight", 0.1179, true)]
    [InlineData("squeezenet", "classifier.1.weight", 0.01, false)]
    [InlineData("lenet5", "fc1.weight", 0.0354, true)]
    [InlineData("alexnet", "features.3.weight", 0.01443, true)]
    [InlineData("alexnet", "classifier.4.bias", 0.00902, true)]
    public void Weights_begin_with_the_published_distribution(string architecture, string name, double deviation, bool isUniform)
    {
        ReadOnlySpan<float> values = NewNetwork.Constants(NewNetwork.Build(architecture, classes: 100))[name].Constant!.Floats;
        double sum = 0, squares = 0, largest = 0;
        foreach (float value in values)
        {
            sum += value;
            squares += value * (double)value;
            largest = Math.Max(largest, Math.Abs(value));
        }

        double standardError = deviation / Math.Sqrt(values.Length);
        Assert.InRange(sum / values.Length, -5 * standardError, 5 * standardError);
        Assert.InRange(Math.Sqrt(squares / values.Length) / deviation, 1 - (5 / Math.Sqrt(values.Length)), 1 + (5 / Math.Sqrt(values.Length)));
        Assert.Equal(isUniform, largest <= deviation * Math.Sqrt(3) * 1.001);
    }

    [Fact]
    public void Norms_begin_as_the_identity_and_biases_at_zero()
    {
        Graph graph = NewNetwork.Build("mobilenet-v3-small", classes: 2, size: 32);
        Assert.NotEmpty(NewNetwork.NodesOf(graph, OpCatalog.BatchNorm));
        foreach (Node norm in NewNetwork.NodesOf(graph, OpCatalog.BatchNorm))
        {
            Assert.Equal(1e-3f, ((BatchNormAttributes)norm.Attributes).Epsilon);
            for (int operand = 1; operand < 5; operand++)
                Assert.Equal(-1, norm.Inputs[operand].Constant!.Floats.IndexOfAnyExcept(operand is 1 or 4 ? 1f : 0f));
        }

        Assert.Equal(-1, NewNetwork.Constants(graph)["classifier.0.bias"].Constant!.Floats.IndexOfAnyExcept(0f));
    }

    // torch.nn.MaxPool2d(3, 2, ceil_mode=True): ceil((s - 3) / 2) + 1 rows of s.
    [Fact]
    public void SqueezeNet_pools_may_hang_over_the_edge()
    {
        for (int size = 17; size < 60; size++)
        {
            List<Node> pools = NewNetwork.NodesOf(NewNetwork.Build("squeezenet", classes: 2, size), OpCatalog.MaxPool2d);
            Assert.Equal(3, pools.Count);
            foreach (Node pool in pools) Assert.Equal((int)Math.Ceiling((pool.Inputs[0].Shape[1] - 3) / 2.0) + 1, pool.Output.Shape[1]);
        }
    }

    // torch.nn.AdaptiveAvgPool2d(6): output i is the mean of rows floor(i * s / 6) up to ceil((i + 1) * s / 6) of s.
    [Theory]
    [InlineData(256, 7)]
    [InlineData(420, 12)]
    [InlineData(448, 13)]
    public void AlexNet_pools_as_adaptive_pooling_does(int size, int map)
    {
        Node pool = Assert.Single(NewNetwork.NodesOf(NewNetwork.Build("alexnet", classes: 2, size), OpCatalog.AveragePool2d));
        Window2d window = ((AveragePool2dAttributes)pool.Attributes).Window;
        Assert.Equal(map, pool.Inputs[0].Shape[1]);
        Assert.Equal(new Shape(1, 6, 6, 256), pool.Output.Shape);
        for (int i = 0; i < 6; i++)
        {
            Assert.Equal(i * map / 6, i * window.StrideH);
            Assert.Equal((((i + 1) * map) + 5) / 6, (i * window.StrideH) + window.KernelH);
        }
    }

    [Fact]
    public void AlexNet_names_the_nearest_sizes_where_the_pooling_is_uneven()
    {
        ArchitectureOptions options = new() { Classes = 2, Height = 224, Width = 300 };
        string message = Assert.Throws<ThomasException>(() => AlexNet.Architecture.Build(options)).Message;
        Assert.Contains("width of 300 pixels leaves 8", message, StringComparison.Ordinal);
        Assert.Contains("286 and 415", message, StringComparison.Ordinal);
        foreach (int width in (int[])[286, 415]) AlexNet.Architecture.Build(options with { Width = width });
        foreach (int width in (int[])[287, 414]) Assert.Throws<ThomasException>(() => AlexNet.Architecture.Build(options with { Width = width }));
    }
}
