using System.Linq;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Runtime;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Ops;

public sealed class InvertedResidualTests
{
    /// <summary>Batches and threads for which an item is an image, a group of one, and a part of it.</summary>
    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 2)]
    [InlineData(1, 5)]
    [InlineData(3, 2)]
    [InlineData(4, 2)]
    public void It_gives_the_bits_of_its_parts(int batch, int threads)
    {
        foreach (OpCase test in BlockCases.All())
        {
            float[] expected = TestGraphs.Run(Parts(test), Unfused(threads), batch), actual = TestGraphs.Run(Whole(test), Unfused(threads), batch);
            for (int i = 0; i < expected.Length; i++)
                Expect.True(expected[i].Equals(actual[i]), $"{test}: element {i} is {actual[i]}, of its parts {expected[i]}");
        }
    }

    [Fact]
    public void The_expanded_image_is_nowhere()
    {
        OpCase test = BlockCases.Block(new Shape(1, 96, 96, 8), 96, new Window2d(3, 3, 2, 2, 1, 1, new Padding2d(0, 0, 1, 1)), 12);
        long expanded = 96 * 96 * 96 * sizeof(float);
        foreach (int threads in (int[])[1, 2])
        {
            using Executable whole = Executable.Compile(Whole(test), 8, Unfused(threads)), parts = Executable.Compile(Parts(test), 8, Unfused(threads));
            Expect.True(parts.SizeBytes > 8 * expanded, $"{parts.SizeBytes}");
            Expect.True(whole.SizeBytes < 2 * expanded, $"{whole.SizeBytes}");
        }
    }

    [Fact]
    public void Its_cost_is_that_of_its_parts_less_what_lies_between()
    {
        OpCase test = BlockCases.Block(new Shape(1, 9, 7, 8), 40, new Window2d(3, 3), 12);
        OpCost whole = Whole(test).Cost, parts = Parts(test).Cost;
        Assert.Equal(parts.MultiplyAdds, whole.MultiplyAdds);
        long between = 40L * ((9 * 7) + (7 * 5)) * sizeof(float);
        Assert.Equal(parts.Bytes - (2 * between), whole.Bytes);
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        OpCase test = BlockCases.Block(new Shape(1, 9, 9, 8), 40, new Window2d(3, 3), 12);
        InvertedResidualAttributes a = (InvertedResidualAttributes)test.Attributes;
        Window2d strided = new(1, 1, 2, 2, 1, 1, default), dilated = a.Depthwise.Window with { DilationH = 2 };
        Refused(a with { Expand = a.Expand! with { Window = strided } }, "an expansion that is a 1x1 convolution");
        Refused(a with { Depthwise = a.Depthwise with { Window = dilated } }, "without dilation in height");
        Refused(a with { Project = a.Project! with { Window = strided } }, "a projection that is a 1x1 convolution");
        Refused(a with { Expand = null }, "operand(s)");
        OpCase alone = test with { Attributes = a with { Expand = null, Project = null }, Shapes = [new Shape(1, 9, 9, 40), .. test.Shapes[3..5]] };
        Assert.Contains("an expansion or a projection", Assert.Throws<GraphException>(() => Whole(alone)).Message, System.StringComparison.Ordinal);

        void Refused(InvertedResidualAttributes attributes, string reason) =>
            Assert.Contains(reason, Assert.Throws<GraphException>(() => Whole(test with { Attributes = attributes })).Message, System.StringComparison.Ordinal);
    }

    private static CompileOptions Unfused(int threads) => new() { Threads = threads, PassesOff = ["fuse-inverted-residual"] };

    private static Graph Whole(OpCase test)
    {
        GraphBuilder b = new();
        return b.Build(b.Add(test.Op, Operands(b, test), test.Attributes));
    }

    private static Graph Parts(OpCase test)
    {
        GraphBuilder b = new();
        InvertedResidualAttributes a = (InvertedResidualAttributes)test.Attributes;
        Value[] operands = Operands(b, test);
        Value x = operands[0];
        if (a.Expand is not null) x = b.Add(OpCatalog.Conv2d, [x, .. operands[1..a.DepthwiseFilter]], a.Expand);
        x = b.Add(OpCatalog.DepthwiseConv2d, [x, .. operands[a.DepthwiseFilter..a.ProjectFilter]], a.Depthwise);
        return b.Build(a.Project is null ? x : b.Add(OpCatalog.Conv2d, [x, .. operands[a.ProjectFilter..]], a.Project));
    }

    /// <summary>Images are inputs, the residual among them; filters and biases constants.</summary>
    private static Value[] Operands(GraphBuilder b, OpCase test) =>
        [.. test.Shapes.Select(
            (shape, i) => i == 0
            || (shape.Rank == 4 && i == test.Shapes.Length - 1 && ((InvertedResidualAttributes)test.Attributes).Project?.HasResidual == true)

            ? b.Input($"x{i}", new TensorType(DType.F32, new Shape(1, shape[1], shape[2], shape[3])))
            : b.Weights($"w{i}", (uint)i + 1, [.. Enumerable.Range(0, shape.Rank).Select(axis => shape[axis])]))];
}
