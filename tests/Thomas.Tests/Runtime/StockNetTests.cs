using System;
using System.IO;
using System.Linq;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Passes;
using Thomas.Runtime;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Runtime;

public sealed class StockNetTests
{
    public static TheoryData<string, int> Cases
    {
        get
        {
            TheoryData<string, int> cases = [];
            foreach (string name in StockNets.Names)
            {
                cases.Add(name, 1);
                cases.Add(name, 3);
            }

            return cases;
        }
    }

    public static TheoryData<string, ModelFormat> Files
    {
        get
        {
            TheoryData<string, ModelFormat> files = [];
            foreach (string name in StockNets.Names)
            {
                foreach (ModelFormat format in Enum.GetValues<ModelFormat>()) files.Add(name, format);
            }

            return files;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_compiled_network_agrees_with_the_definition_of_every_operator(string name, int batch)
    {
        Graph graph = StockNets.Create(name), imported = ImportPasses.Run(graph);
        GraphVerifier.Verify(imported);
        float[] expected = TestGraphs.Run(graph, TestGraphs.Oracle, batch);
        Assert.True(expected.Max() - expected.Min() > 0.05f, "the network must not be dead");
        Same(expected, TestGraphs.Run(imported, TestGraphs.Oracle, batch), 1e-6f);
        Same(expected, TestGraphs.Run(imported, null, batch), 2e-5f);
        Same(expected, TestGraphs.Run(imported, new CompileOptions { Threads = 3, ShareMemory = false }, batch), 2e-5f);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Only_a_flatten_of_positions_leaves_a_transpose(string name, int batch)
    {
        Graph compiled = CompilePasses.Run(Rebatch.Run(ImportPasses.Run(StockNets.Create(name)), batch));
        Assert.Equal(name is "AlexNet" or "Vgg" ? 1 : 0, compiled.Nodes.Count(node => node.Op is Transpose));
        Assert.DoesNotContain(compiled.Nodes, node => node.Op is BatchNorm or Pad);
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void A_saved_network_computes_the_same_for_any_batch(string name, ModelFormat format)
    {
        Model model = new(ImportPasses.Run(StockNets.Create(name)), new ModelInfo { Name = name, BatchIsSymbolic = true });
        using MemoryStream file = new();
        model.Save(file, format);
        file.Position = 0;
        Model loaded = Model.Load(file, name);
        Assert.Equal(model.Graph.Outputs.Count, loaded.Graph.Outputs.Count);
        foreach (int batch in (int[])[1, 3]) Same(TestGraphs.Run(model.Graph, null, batch), TestGraphs.Run(loaded.Graph, null, batch), 1e-5f);
        Assert.Equal(Tuner.Describe(model).Features, Tuner.Describe(loaded).Features);
    }

    [Theory]
    [InlineData("LeNet", 20, 6)]
    [InlineData("AlexNet", 16, 6)]
    [InlineData("Vgg", 16, 6)]
    [InlineData("ResNetBottleneck", 24, 6)]
    [InlineData("SqueezeNet", 16, null)]
    [InlineData("MobileNetV1", 24, 6)]
    [InlineData("MobileNetV2", 12, 6)]
    [InlineData("MobileNetV3Small", 20, 6)]
    [InlineData("EfficientNetLite", 20, 6)]
    public void The_last_layer_is_found(string name, int features, int? classes)
    {
        TunableHead head = Tuner.Describe(new Model(ImportPasses.Run(StockNets.Create(name)), new ModelInfo { Name = name }));
        Assert.Equal(features, head.Features);
        Assert.Equal(classes, head.KeepableClasses);
    }

    private static void Same(float[] expected, float[] actual, float tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        float scale = expected.Max(Math.Abs);
        for (int i = 0; i < expected.Length; i++)
            Expect.True(Math.Abs(expected[i] - actual[i]) <= tolerance * scale, $"element {i}: {expected[i]} against {actual[i]}");
    }
}
