using System.Collections.Generic;
using System.Linq;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;
using Thomas.Passes;
using Thomas.Runtime;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Passes;

public sealed class FuseInvertedResidualTests
{
    private const int Side = 48, Inputs = 16;

    private static readonly Window2d Same3x3 = new(3, 3, 1, 1, 1, 1, new Padding2d(1, 1, 1, 1));

    [Fact]
    public void A_block_becomes_one_node_with_the_same_bits()
    {
        Graph graph = Block(new Options()), fused = FuseInvertedResidual.Run(graph);
        GraphVerifier.Verify(fused);
        Node node = Assert.Single(fused.Nodes);
        Assert.IsType<InvertedResidual>(node.Op);
        Assert.Equal("project", node.Name);
        Assert.Equal(graph.Cost.MultiplyAdds, fused.Cost.MultiplyAdds);
        using Executable executable = Executable.Compile(graph);
        Assert.Contains("f32_inverted_residual_k3x3s1__", Assert.Single(executable.Kernels), System.StringComparison.Ordinal);
        Assert.Equal(TestGraphs.Run(graph, new CompileOptions { PassesOff = ["fuse-inverted-residual"] }, 2), TestGraphs.Run(graph, null, 2));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_is_handed_out_or_read_elsewhere_stays(bool handedOut)
    {
        foreach (string wanted in (string[])["expanded", "convolved"])
        {
            Graph graph = Block(new Options { Wanted = wanted, HandedOut = handedOut }), fused = FuseInvertedResidual.Run(graph);
            GraphVerifier.Verify(fused);
            Assert.Equal(graph.Nodes.Count - 1, fused.Nodes.Count);
            Node pair = fused.Nodes.Single(node => node.Op is InvertedResidual);
            InvertedResidualAttributes attributes = (InvertedResidualAttributes)pair.Attributes;
            Assert.Equal(wanted == "expanded", attributes.Expand is null);
            Assert.Equal(wanted == "convolved", attributes.Project is null);
            Assert.Contains(fused.Values, value => value.Name == wanted);
            Assert.Equal(TestGraphs.Run(graph, new CompileOptions { PassesOff = ["fuse-inverted-residual"] }), TestGraphs.Run(graph));
        }
    }

    [Fact]
    public void A_depthwise_convolution_and_its_projection_are_fused_where_outputs_are_few()
    {
        foreach (int outputs in (int[])[64, 65])
        {
            Graph fused = FuseInvertedResidual.Run(Block(new Options { Expand = Same3x3, Outputs = outputs }));
            GraphVerifier.Verify(fused);
            Assert.Equal(outputs == 64, fused.Nodes.Any(node => node.Attributes is InvertedResidualAttributes { Expand: null }));
        }
    }

    [Fact]
    public void A_projection_is_no_expansion_of_the_next_block()
    {
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(1, 72, 72, 64)));
        for (int i = 0; i < 2; i++)
        {
            x = b.Add(OpCatalog.DepthwiseConv2d, [x, b.Weights($"d{i}", 1, 1, 3, 3, 64)], new DepthwiseConv2dAttributes(Same3x3));
            x = b.Add(OpCatalog.Conv2d, [x, b.Weights($"p{i}", 1, 64, 1, 1, 64)], new Conv2dAttributes(new Window2d(1, 1)));
        }

        Graph graph = b.Build(x), fused = FuseInvertedResidual.Run(graph);
        Assert.All(fused.Nodes, node => Assert.IsType<InvertedResidual>(node.Op));
        Assert.Equal(2, fused.Nodes.Count);
        Assert.Equal(TestGraphs.Run(graph, new CompileOptions { PassesOff = ["fuse-inverted-residual"] }), TestGraphs.Run(graph));
    }

    [Fact]
    public void Other_shapes_and_stages_stay_as_they_are()
    {
        Window2d strided = new(1, 1, 2, 2, 1, 1, default), dilated = new(3, 3, 1, 1, 2, 1, new Padding2d(2, 1, 2, 1));
        Options[] others =
        [
            new() { Depthwise = dilated }, new() { Multiplier = 2 }, new() { Stage = Stage.Recompute }, new() { Side = 36 },
            new() { Expand = strided, Side = 2 * Side, Outputs = 80 }, new() { ExpandGroups = 2, Outputs = 80 },
        ];
        foreach (Options options in others)
        {
            Graph graph = Block(options);
            Assert.Equal(graph.Nodes.Select(node => node.Op), FuseInvertedResidual.Run(graph).Nodes.Select(node => node.Op));
        }
    }

    [Fact]
    public void A_last_convolution_that_does_not_fit_stays_behind_the_others()
    {
        Options[] others = [new() { Project = new(1, 1, 2, 2, 1, 1, default) }, new() { Project = Same3x3 }, new() { ProjectGroups = 2 }];
        foreach (Options options in others)
        {
            Graph fused = FuseInvertedResidual.Run(Block(options));
            Assert.Equal([OpCatalog.InvertedResidual, OpCatalog.Conv2d], fused.Nodes.Select(node => node.Op));
            Assert.Null(((InvertedResidualAttributes)fused.Nodes[0].Attributes).Project);
        }
    }

    private static Graph Block(Options o)
    {
        GraphBuilder b = new() { Stage = o.Stage };
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(1, o.Side, o.Side, Inputs)));
        Conv2dAttributes expand = new(o.Expand, o.ExpandGroups, HasBias: true, Activation: Activation.Relu6);
        Value expanded = b.Add(
            OpCatalog.Conv2d, [x, b.Weights("e", 1, o.Hidden, o.Expand.KernelH, o.Expand.KernelW, Inputs / o.ExpandGroups), b.Weights("eb", 2, o.Hidden)],
            expand, "expanded");
        int convolvedChannels = o.Hidden * o.Multiplier;
        Value convolved = b.Add(
            OpCatalog.DepthwiseConv2d, [expanded, b.Weights("d", 3, 1, 3, 3, convolvedChannels)],
            new DepthwiseConv2dAttributes(o.Depthwise, Activation: Activation.Relu6), "convolved");
        List<Value> operands = [convolved, b.Weights("p", 4, o.Outputs, o.Project.KernelH, o.Project.KernelW, convolvedChannels / o.ProjectGroups)];
        bool residual = o is { Project.StrideH: 1, Expand.StrideH: 1, Outputs: Inputs };
        if (residual) operands.Add(x);
        Value project = b.Add(OpCatalog.Conv2d, [.. operands], new Conv2dAttributes(o.Project, o.ProjectGroups, HasResidual: residual), "project");
        Value? wanted = o.Wanted is null ? null : o.Wanted == "expanded" ? expanded : convolved;
        if (wanted is null) return b.Build(project);
        return b.Build(project, o.HandedOut ? wanted : b.Add(OpCatalog.Negate, [wanted], name: "other"));
    }

    /// <summary>How a block differs from the one that is fused.</summary>
    private sealed record Options
    {
        public int Side { get; init; } = FuseInvertedResidualTests.Side;

        public int Hidden { get; init; } = 136;

        public int Outputs { get; init; } = Inputs;

        public int Multiplier { get; init; } = 1;

        public int ExpandGroups { get; init; } = 1;

        public int ProjectGroups { get; init; } = 1;

        public Window2d Expand { get; init; } = new(1, 1);

        public Window2d Depthwise { get; init; } = Same3x3;

        public Window2d Project { get; init; } = new(1, 1);

        public Stage Stage { get; init; }

        public string? Wanted { get; init; }

        public bool HandedOut { get; init; }
    }
}
