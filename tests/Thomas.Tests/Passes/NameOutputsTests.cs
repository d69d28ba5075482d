using System.IO;
using System.Linq;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Passes;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Passes;

public sealed class NameOutputsTests
{
    private static readonly TensorType Image = new(DType.F32, new Shape(1, 4, 5, 3));

    private static string[] Names(Graph graph) => [.. graph.Outputs.Select(static output => output.Name)];

    [Fact]
    public void Import_passes_keep_the_names_of_outputs_whose_transposes_move_or_vanish()
    {
        GraphBuilder b = new();
        Value x = b.Input("x", Image);
        Value abs = b.Add(OpCatalog.Abs, [b.Nchw(x)], null, "moved");
        Value vanishes = b.Add(OpCatalog.Transpose, [b.Add(OpCatalog.Exp, [abs], null, "inner")], new TransposeAttributes(Transpose.NchwToNhwc), "vanished");
        Value pooled = b.Add(OpCatalog.Reduce, [abs], new ReduceAttributes(ReduceKind.Mean, new IntList(2, 3), KeepDims: true), "reshaped");
        Graph graph = b.Build(abs, vanishes, pooled);
        Graph result = ImportPasses.Run(graph);
        GraphVerifier.Verify(result);
        Assert.Equal(["moved", "vanished", "reshaped"], Names(result));
        Assert.Equal(TestGraphs.Run(graph, TestGraphs.Oracle), TestGraphs.Run(result, TestGraphs.Oracle));
    }

    [Fact]
    public void A_value_under_two_names_an_input_and_a_constant_can_be_handed_out()
    {
        GraphBuilder b = new();
        Value x = b.Input("x", Image);
        Value abs = b.Add(OpCatalog.Abs, [x], null, "abs"), constant = b.Weights("c", 1, 2), user = b.Add(OpCatalog.Exp, [abs], null, "first");
        Graph graph = b.Build(abs, abs, x, constant, user);
        Graph result = NameOutputs.Run(graph, ["first", "second", "third", "fourth", "fifth"]);
        GraphVerifier.Verify(result);
        Assert.Equal(["first", "second", "third", "fourth", "fifth"], Names(result));
        Assert.Equal(["x"], result.Inputs.Select(static input => input.Name));
        Assert.Equal(TestGraphs.Run(graph, TestGraphs.Oracle), TestGraphs.Run(result, TestGraphs.Oracle));
        Assert.Same(graph, NameOutputs.Run(graph, Names(graph)));
    }

    [Theory]
    [InlineData(ModelFormat.Onnx)]
    [InlineData(ModelFormat.TfLite)]
    public void Files_keep_them_too(ModelFormat format)
    {
        GraphBuilder b = new();
        Value x = b.Input("x", Image);
        Value abs = b.Add(OpCatalog.Abs, [x], null, "abs");
        Value same = b.Add(OpCatalog.Reshape, [abs], ReshapeAttributes.Same(4), "same");
        Graph graph = b.Build(same, abs, b.Add(OpCatalog.Transpose, [abs], new TransposeAttributes(Transpose.NhwcToNchw), "turned"));
        using MemoryStream stream = new();
        new Model(graph, new ModelInfo { Name = "names" }).Save(stream, format);
        Graph result = ModelFiles.Load(stream.ToArray(), "names").Graph;
        Assert.Equal(["same", "abs", "turned"], Names(result));
        Assert.Equal(TestGraphs.Run(graph, TestGraphs.Oracle), TestGraphs.Run(result, TestGraphs.Oracle));
    }

    [Fact]
    public void Constants_beyond_the_budget_are_not_folded_but_computed()
    {
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(1, 4096)));
        Value large = b.Add(OpCatalog.Multiply, [b.Weights("column", 1, 4096, 1), b.Weights("row", 2, 4096)], null, "large");
        Graph graph = b.Build(b.Add(OpCatalog.Dense, [x, large], new DenseAttributes(), "y"));
        Assert.Contains(FoldConstants.Run(graph).Nodes, static node => node.Name == "large");
    }
}
