using System;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;
using Thomas.Passes;
using Thomas.Runtime;
using Thomas.Tests.Formats.Onnx;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Passes;

/// <summary>Whatever sizes a file wrote into its graph, N images give what each of them gives alone; graphs that mix images are refused.</summary>
public sealed class RebatchTests
{
    public static TheoryData<string> Foldings { get; } =
    [
        "dense on positions", "one row", "all in one axis", "given sizes", "numbers for each position", "one axis against two", "mean of positions",
        "softmax of one axis",
        "some positions", "padded positions", "joined positions", "turned", "constant channels", "constant rows",
        "class token", "products of positions", "products by constants", "positions times positions", "constant times positions", "a matrix for each row",
    ];

    // Batch 3 of a graph for single images equals three runs, whatever works along the axis that positions are folded into.
    [Theory]
    [MemberData(nameof(Foldings))]
    public void Images_of_a_batch_are_computed_alone(string folding)
    {
        Graph graph = Rebatch.FromFile(Folded(folding), isOpen: false);
        using Executable one = Executable.Compile(graph, 1, TestGraphs.Oracle), many = Executable.Compile(graph, 3, TestGraphs.Oracle);
        float[] images = TestGraphs.Noise(3 * one.Input().Length, 5);
        images.CopyTo(many.Input());
        many.Run();
        Assert.Equal(3 * one.Output().Length, many.Output().Length);
        for (int i = 0; i < 3; i++)
        {
            images.AsSpan(i * one.Input().Length, one.Input().Length).CopyTo(one.Input());
            one.Run();
            Assert.Equal(one.Output(), many.Output().Slice(i * one.Output().Length, one.Output().Length));
        }
    }

    // A file with an open batch is read for one image and run for any number: the written graph itself must hold for them.
    [Theory]
    [MemberData(nameof(Foldings))]
    public void A_graph_for_an_open_batch_holds_for_two_images_as_it_stands(string folding)
    {
        if (folding is "joined positions")
        {
            Assert.Throws<GraphException>(() => Rebatch.ForAnyBatch(Folded(folding)));
            return;
        }

        Graph open = Rebatch.ForAnyBatch(Folded(folding)), two = PlainCopy(open, 2);
        Assert.Equal(open.Outputs[0].Shape.With(0, 2 * open.Outputs[0].Shape[0]), two.Outputs[0].Shape);
        Assert.Equal(TestGraphs.Run(Folded(folding), TestGraphs.Oracle, 2), TestGraphs.Run(two, TestGraphs.Oracle, 2));
    }

    private static Graph PlainCopy(Graph graph, int batch)
    {
        GraphRewriter rewriter = new(graph, input => new TensorType(input.Type.DType, input.Shape.With(0, batch)));
        foreach (Node node in graph.Nodes) rewriter.Copy(node);
        return rewriter.Build();
    }

    [Theory]
    [InlineData("mean", "Reduce 'y'")]
    [InlineData("slice", "Slice 'y'")]
    [InlineData("join", "Concat 'y'")]
    [InlineData("pad", "Pad 'y'")]
    [InlineData("turn", "Transpose 'y'")]
    [InlineData("flatten", "Reshape 'y'")]
    [InlineData("lift", "Reshape 'y'")]
    [InlineData("single axis", "output")]
    [InlineData("values for each image", "Add 'y'")]
    [InlineData("lower rank", "Add 'y'")]
    [InlineData("product", "MatMul 'y'")]
    public void Graphs_that_mix_the_images_of_a_batch_are_refused(string kind, string named)
    {
        GraphException e = Assert.Throws<GraphException>(() => Rebatch.FromFile(Mixed(kind), isOpen: false));
        Assert.Contains(named, e.Message, StringComparison.Ordinal);
        Assert.Contains("images", e.Message, StringComparison.Ordinal);
    }

    // Where the batch is open, an axis of size 1 is the batch, not one that happens to have one element.
    [Fact]
    public void A_mean_over_an_open_batch_is_refused_and_over_a_fixed_axis_of_one_it_is_not()
    {
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(1, 6)));
        Graph graph = b.Build(b.Add(OpCatalog.Reduce, [x], new ReduceAttributes(ReduceKind.Mean, new IntList(0), KeepDims: true), "y"));
        Assert.Throws<GraphException>(() => Rebatch.FromFile(graph, isOpen: true));
        Assert.Equal(new Shape(3, 6), Rebatch.Run(Rebatch.FromFile(graph, isOpen: false), 3).Outputs[0].Shape);
    }

    [Fact]
    public void A_fixed_batch_is_brought_to_one_with_the_constants_that_repeat_for_it()
    {
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(3, 2, 2, 4)));
        Value rows = b.Add(OpCatalog.Reshape, [x], new ReshapeAttributes(new IntList(12, 4)), "rows");
        Value added = b.Add(OpCatalog.Add, [rows, b.Constant("c", TensorData.FromFloats(new Shape(12, 4), Repeat(TestGraphs.Noise(16, 1), 3)))], null, "added");
        Value y = b.Add(OpCatalog.Reshape, [added], new ReshapeAttributes(new IntList(3, -1)), "y");
        Graph file = b.Build(y), one = Rebatch.FromFile(file, isOpen: false);
        Assert.Equal(new Shape(1, 2, 2, 4), one.Inputs[0].Shape);
        Assert.Equal(new Shape(1, 16), one.Outputs[0].Shape);
        using Executable asIs = Executable.CompileAsIs(file, TestGraphs.Oracle), again = Executable.Compile(one, 3, TestGraphs.Oracle);
        float[] images = TestGraphs.Noise(48, 2);
        images.CopyTo(asIs.Input());
        images.CopyTo(again.Input());
        asIs.Run();
        again.Run();
        Assert.Equal(asIs.Output(), again.Output());
    }

    [Theory]
    [InlineData("Flatten", "axis", 0)]
    [InlineData("Unsqueeze", "axes", 0)]
    [InlineData("Slice", "", 0)]
    [InlineData("Gather", "", 0)]
    [InlineData("ReduceMean", "axes", 0)]
    [InlineData("Softmax", "axis", 0)]
    [InlineData("Transpose", "perm", 0)]
    public void Files_with_a_fixed_batch_that_mix_images_are_refused_with_the_operator(string op, string attribute, int axis)
    {
        OnnxFile file = new OnnxFile(11).Input("x", 3, 4).Longs("zero", 0).Longs("two", 2).Longs("first", 0);
        string[] operands = op switch { "Slice" => ["x", "zero", "two", "first"], "Gather" => ["x", "zero"], _ => ["x"] };
        object value = op switch { "Transpose" => new[] { 1, 0 }, "Unsqueeze" or "ReduceMean" => new[] { axis }, _ => axis };
        file = attribute.Length > 0 ? file.Node(op, operands, ["y"], (attribute, value)) : file.Node(op, operands, ["y"]);
        UnsupportedModelException e = Assert.Throws<UnsupportedModelException>(() => file.Output("y").Load());
        Assert.Contains("images", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(3, -1)]
    [InlineData(3, 32)]
    [InlineData(-1, 32)]
    public void A_fixed_batch_in_a_reshape_is_the_batch(long first, long second)
    {
        Model model = new OnnxFile().Input("x", 3, 2, 4, 4).Longs("dims", first, second).Node("Reshape", ["x", "dims"], ["y"]).Output("y").Load();
        Assert.Equal(new Shape(1, 32), model.Graph.Outputs[0].Shape);
        Assert.Equal(new Shape(5, 32), Rebatch.Run(model.Graph, 5).Outputs[0].Shape);
        Assert.Contains(model.Info.Notes, note => note.Contains("batch of 3", StringComparison.Ordinal));
    }

    private static float[] Repeat(float[] values, int times)
    {
        float[] repeated = new float[values.Length * times];
        for (int i = 0; i < times; i++) values.CopyTo(repeated, i * values.Length);
        return repeated;
    }

    /// <summary>A graph for one image of 3 x 3 positions and 4 channels, written for a batch of 1 only.</summary>
    private static Graph Folded(string kind)
    {
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(1, 3, 3, 4)));
        Value rows = Reshape(b, x, 9, 4), line = Reshape(b, x, 36), y = kind switch
        {
            "dense on positions" => Reshape(b, b.Add(OpCatalog.Dense, [rows, b.Weights("w", 1, 5, 4)], new DenseAttributes()), 1, 3, 3, 5),
            "one row" => Reshape(b, x, 1, -1),
            "all in one axis" => line,
            "given sizes" => Reshape(b, Reshape(b, x, 6, 6), 1, 36),
            "numbers for each position" => b.Add(OpCatalog.Add, [rows, b.Weights("p", 1, 9, 4)]),
            "one axis against two" => b.Add(OpCatalog.Multiply, [line, b.Weights("p", 1, 36)]),
            "mean of positions" => b.Add(OpCatalog.Reduce, [rows], new ReduceAttributes(ReduceKind.Mean, new IntList(0), KeepDims: true)),
            "softmax of one axis" => Reshape(b, b.Add(OpCatalog.Softmax, [line], new SoftmaxAttributes()), 1, 36),
            "some positions" => b.Add(OpCatalog.Slice, [rows], new SliceAttributes(new IntList(2, 0), new IntList(3, -1), new IntList(2, 1))),
            "padded positions" => b.Add(OpCatalog.Pad, [rows], new PadAttributes(new IntList(1, 0), new IntList(2, 1), 0.5f)),
            "joined positions" => b.Add(OpCatalog.Concat, [rows, b.Weights("p", 1, 2, 4), rows], new ConcatAttributes(0)),
            "turned" => Reshape(b, b.Add(OpCatalog.Transpose, [rows], new TransposeAttributes(new IntList(1, 0))), 1, 36),
            "constant channels" => b.Add(OpCatalog.Concat, [x, b.Weights("p", 1, 1, 3, 3, 2)], new ConcatAttributes(3)),
            "constant rows" => b.Add(OpCatalog.Add, [Reshape(b, x, 3, 12), b.Weights("p", 1, 1, 3, 12)]),
            "class token" =>
                b.Add(
                    OpCatalog.Concat, [b.Weights("c", 1, 1, 1, 4), Reshape(b, x, 1, 9, 4), b.Weights("d", 2, 1, 2, 4), Reshape(b, x, 1, 9, 4)],
                    new ConcatAttributes(1)),
            "products of positions" => b.Add(OpCatalog.MatMul, [rows, rows], new MatMulAttributes(TransposeB: true)),
            "products by constants" => b.Add(OpCatalog.MatMul, [Reshape(b, x, 1, 9, 4), b.Weights("c", 1, 1, 4, 5)], new MatMulAttributes()),
            "positions times positions" => b.Add(OpCatalog.MatMul, [Reshape(b, x, 3, 3, 4), Reshape(b, x, 3, 4, 3)], new MatMulAttributes()),
            "constant times positions" => b.Add(OpCatalog.MatMul, [b.Weights("c", 1, 5, 9), rows], new MatMulAttributes()),
            "a matrix for each row" => b.Add(OpCatalog.MatMul, [Reshape(b, x, 3, 3, 4), b.Weights("c", 1, 3, 4, 2)], new MatMulAttributes()),
            _ => throw new ArgumentException(kind),
        };
        return b.Build(b.Add(OpCatalog.Activate, [y], new ActivateAttributes(Activation.Relu), "out"));
    }

    private static Value Reshape(GraphBuilder b, Value x, params int[] dims) => b.Add(OpCatalog.Reshape, [x], new ReshapeAttributes(new IntList(dims)));

    /// <summary>A graph of a file with a batch of 3 that does something across its images.</summary>
    private static Graph Mixed(string kind)
    {
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(3, 4)));
        return b.Build(kind switch
        {
            "mean" => b.Add(OpCatalog.Reduce, [x], new ReduceAttributes(ReduceKind.Mean, new IntList(0), KeepDims: true), "y"),
            "slice" => b.Add(OpCatalog.Slice, [x], new SliceAttributes(new IntList(0, 0), new IntList(1, -1), new IntList(1, 1)), "y"),
            "join" => b.Add(OpCatalog.Concat, [x, x], new ConcatAttributes(0), "y"),
            "pad" => b.Add(OpCatalog.Pad, [x], new PadAttributes(new IntList(0, 0), new IntList(3, 0)), "y"),
            "turn" => b.Add(OpCatalog.Transpose, [x], new TransposeAttributes(new IntList(1, 0)), "y"),
            "flatten" => b.Add(OpCatalog.Reshape, [x], new ReshapeAttributes(new IntList(1, 12)), "y"),
            "lift" => b.Add(OpCatalog.Reshape, [x], new ReshapeAttributes(new IntList(1, 3, 4)), "y"),
            "single axis" => b.Add(OpCatalog.Reshape, [x], new ReshapeAttributes(new IntList(12)), "y"),
            "values for each image" => b.Add(OpCatalog.Add, [x, b.Weights("c", 1, 3, 4)], null, "y"),
            "product" => b.Add(OpCatalog.MatMul, [x, x], new MatMulAttributes(TransposeA: true), "y"),
            "lower rank" => b.Add(OpCatalog.Add, [Reshape(b, x, 12), b.Weights("c", 1, 2, 12)], null, "y"),
            _ => throw new ArgumentException(kind),
        });
    }
}
