using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Thomas.Architectures;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Architectures;

public sealed class ArchitectureCatalogTests
{
    public static TheoryData<string> Names() => NewNetwork.Names();

    [Fact]
    public void Architectures_are_found_by_name_in_any_case()
    {
        Assert.Equal(
            [
                "lenet5", "lenet5-classic", "alexnet", "alexnet-2012", "squeezenet", "squeezenet-1.0", "resnet20", "resnet20-b", "mobilenet-v1", "mobilenet-v2",
                "mobilenet-v3-small", "mobilenet-v3-large",
            ],
            ArchitectureCatalog.All.Select(architecture => architecture.Name));
        Assert.True(ArchitectureCatalog.TryFind("MobileNet-V2", out Architecture? found));
        Assert.Same(MobileNetV2.Architecture, found);
        Assert.False(ArchitectureCatalog.TryFind("mobilenet", out _));
    }

    // Parameters and multiply-adds as published: torchvision's model pages (alexnet, squeezenet, v2, v3), Keras (v1), the papers (resnet20, v1).
    [Theory]
    [InlineData("lenet5", 431_080, 2.293)]
    [InlineData("lenet5-classic", 61_706, 0.4168)]
    [InlineData("alexnet", 61_100_840, 714)]
    [InlineData("alexnet-2012", 62_378_344, 1_135)]
    [InlineData("squeezenet-1.0", 1_248_424, 818)]
    [InlineData("resnet20-b", 272_474, 40.8)]
    [InlineData("squeezenet", 1_235_496, 349)]
    [InlineData("resnet20", 269_722, 40.6)]
    [InlineData("mobilenet-v1", 4_231_976, 569)]
    [InlineData("mobilenet-v2", 3_504_872, 300)]
    [InlineData("mobilenet-v3-small", 2_542_856, 56.5)]
    [InlineData("mobilenet-v3-large", 5_483_032, 217)]
    public void Parameters_and_cost_are_the_published_ones(string name, long parameters, double millionMultiplyAdds)
    {
        Architecture architecture = NewNetwork.Architecture(name);
        Graph graph = architecture.Build(new ArchitectureOptions { Classes = architecture.DefaultClasses });
        GraphVerifier.Verify(graph);
        Assert.Equal(parameters, NewNetwork.TrainedParameters(graph));
        Assert.Equal(parameters, architecture.ParameterCount);
        Assert.InRange(graph.Cost.MultiplyAdds / 1e6 / millionMultiplyAdds, 0.98, 1.02);
        Assert.Equal(new Shape(1, architecture.DefaultSize, architecture.DefaultSize, architecture.DefaultChannels), Assert.Single(graph.Inputs).Shape);
        Assert.Equal(new Shape(1, architecture.DefaultClasses), Assert.Single(graph.Outputs).Shape);
        Assert.Equal(("input", "logits"), (graph.Inputs[0].Name, graph.Outputs[0].Name));
        CheckDropouts(architecture, graph);
        CheckFlattenedWeight(architecture, graph);
    }

    [Theory]
    [InlineData("lenet5", 16, 3)]
    [InlineData("lenet5", 32, 1)]
    [InlineData("lenet5-classic", 16, 3)]
    [InlineData("lenet5-classic", 32, 1)]
    [InlineData("alexnet", 63, 3)]
    [InlineData("alexnet-2012", 63, 3)]
    [InlineData("squeezenet-1.0", 21, 3)]
    [InlineData("resnet20-b", 33, 1)]
    [InlineData("alexnet", 96, 1)]
    [InlineData("alexnet", 224, 3)]
    [InlineData("squeezenet", 17, 3)]
    [InlineData("squeezenet", 32, 1)]
    [InlineData("squeezenet", 224, 3)]
    [InlineData("resnet20", 1, 3)]
    [InlineData("resnet20", 33, 1)]
    [InlineData("resnet20", 96, 3)]
    [InlineData("mobilenet-v1", 1, 3)]
    [InlineData("mobilenet-v1", 64, 1)]
    [InlineData("mobilenet-v1", 224, 3)]
    [InlineData("mobilenet-v2", 1, 3)]
    [InlineData("mobilenet-v2", 32, 1)]
    [InlineData("mobilenet-v2", 96, 3)]
    [InlineData("mobilenet-v3-small", 1, 3)]
    [InlineData("mobilenet-v3-small", 64, 1)]
    [InlineData("mobilenet-v3-small", 224, 3)]
    [InlineData("mobilenet-v3-large", 1, 3)]
    [InlineData("mobilenet-v3-large", 96, 3)]
    public void Every_size_compiles_and_tells_images_apart(string name, int size, int channels)
    {
        Graph graph = NewNetwork.Build(name, classes: 7, size, channels);
        float[] scores = TestGraphs.Run(graph, batch: 2);
        Assert.Equal(14, scores.Length);
        Assert.All(scores, score => Assert.True(float.IsFinite(score)));
        Assert.NotEqual(scores[..7], scores[7..]);
    }

    // The definition of every operator, one by one, on the compiled network: nothing in it is fused or folded wrongly.
    [Theory]
    [MemberData(nameof(Names))]
    public void The_compiled_network_agrees_with_the_definition(string name)
    {
        Graph graph = Small(name);
        float[] expected = TestGraphs.Run(graph, TestGraphs.Oracle);
        AssertClose(expected, TestGraphs.Run(graph), 2e-5f, name);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_written_network_computes_the_same(string name)
    {
        Graph graph = Small(name);
        float[] expected = TestGraphs.Run(graph, batch: 2);
        Model model = new(graph, new ModelInfo { Name = name, BatchIsSymbolic = true });
        foreach (ModelFormat format in Enum.GetValues<ModelFormat>())
        {
            using MemoryStream file = new();
            model.Save(file, format);
            file.Position = 0;
            Model again = Model.Load(file, $"{name} as {format}");
            Assert.Equal(graph.Inputs[0].Shape, again.Graph.Inputs[0].Shape);
            Assert.Equal(("input", "logits"), (again.Graph.Inputs[0].Name, again.Graph.Outputs[0].Name));
            AssertClose(expected, TestGraphs.Run(again.Graph, batch: 2), 2e-5f, $"{name} as {format}");
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void The_seed_decides_the_weights(string name)
    {
        Dictionary<string, Value> first = NewNetwork.Constants(Small(name)), again = NewNetwork.Constants(Build(1)), other = NewNetwork.Constants(Build(2));
        Assert.Equal(first.Keys, again.Keys);
        foreach ((string constant, Value value) in first)
        {
            Assert.True(value.Constant!.Bytes.Span.SequenceEqual(again[constant].Constant!.Bytes.Span), constant);
            bool isRandom = value.Shape.Rank > 1;
            if (isRandom) Assert.False(value.Constant!.Bytes.Span.SequenceEqual(other[constant].Constant!.Bytes.Span), constant);
        }

        Graph Build(ulong seed)
        {
            Architecture architecture = NewNetwork.Architecture(name);
            return architecture.Build(SmallOptions(architecture) with { Seed = seed });
        }
    }

    [Theory]
    [InlineData(1, 0, 1f, "1 classes")]
    [InlineData(10, -1, 1f, "each side must be 1 to 16384")]
    [InlineData(10, 20_000, 1f, "20000x20000")]
    [InlineData(10, 32, 0f, "width multiplier is 0")]
    [InlineData(10, 32, 4.5f, "at most 4")]
    [InlineData(10, 32, float.NaN, "width multiplier is NaN")]
    public void Options_that_do_not_fit_are_named(int classes, int size, float width, string expected)
    {
        ThomasException error = Assert.Throws<ThomasException>(() => NewNetwork.Build("mobilenet-v2", classes, size, width: width));
        Assert.Contains("mobilenet-v2", error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Too_small_inputs_negative_channels_and_unknown_widths_are_refused()
    {
        foreach (Architecture architecture in ArchitectureCatalog.All)
        {
            ArchitectureOptions options = new() { Classes = 2, Height = architecture.MinimumSize, Width = architecture.MinimumSize - 1 };
            if (architecture.MinimumSize > 1)
            {
                Assert.Contains($"must be {architecture.MinimumSize} to", Refused(architecture, options), StringComparison.Ordinal);
            }

            Assert.Contains("-1 channels", Refused(architecture, new ArchitectureOptions { Classes = 2, Channels = -1 }), StringComparison.Ordinal);
            if (!architecture.HasWidthMultiplier)
            {
                Assert.Contains(
                    "defined for 1 only", Refused(architecture, new ArchitectureOptions { Classes = 2, WidthMultiplier = 0.5f }), StringComparison.Ordinal);
            }
        }
    }

    private static string Refused(Architecture architecture, ArchitectureOptions options) =>
        Assert.Throws<ThomasException>(() => architecture.Build(options)).Message;

    private static Graph Small(string name) => NewNetwork.Build(name, SmallOptions(NewNetwork.Architecture(name)));

    private static ArchitectureOptions SmallOptions(Architecture architecture) => NewNetwork.Options(
        classes: 5, Math.Max(architecture.MinimumSize, 24), width: architecture.HasWidthMultiplier ? 0.25f : 1);

    private static void CheckDropouts(Architecture architecture, Graph graph)
    {
        Dictionary<string, Value> constants = NewNetwork.Constants(graph);
        foreach (DropoutPlace place in architecture.Dropouts)
        {
            Assert.Same(constants[place.Weight], Assert.Single(constants[place.Weight].Consumers).Inputs[1]);
            Assert.InRange(place.Rate, 0.1f, 0.9f);
        }
    }

    private static void CheckFlattenedWeight(Architecture architecture, Graph graph)
    {
        List<Node> reshapes = NewNetwork.NodesOf(graph, OpCatalog.Reshape);
        if (architecture.FlattenedWeight is null)
        {
            Assert.Empty(reshapes);
            return;
        }

        Shape map = Assert.Single(reshapes).Inputs[0].Shape;
        Node dense = Assert.Single(reshapes[0].Output.Consumers);
        Assert.Equal(architecture.FlattenedWeight, dense.Inputs[1].Name);
        Assert.Equal(map.Product(1, 4), dense.Inputs[1].Shape[1]);
        Assert.Equal(
            architecture.Name switch
            {
                "lenet5" => new Shape(1, 4, 4, 50),
                "lenet5-classic" => new Shape(1, 5, 5, 16),
                _ => new Shape(1, 6, 6, 256),
            }, map);
    }

    private static void AssertClose(float[] expected, float[] actual, float tolerance, string where)
    {
        float range = expected.Max() - expected.Min(), worst = 0;
        Assert.True(range > 0, where);
        for (int i = 0; i < expected.Length; i++) worst = Math.Max(worst, Math.Abs(expected[i] - actual[i]));
        Expect.True(worst <= tolerance * range, $"{where}: the largest error is {worst} of a range of {range}");
    }
}
