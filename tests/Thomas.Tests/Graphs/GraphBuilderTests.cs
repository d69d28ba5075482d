using System;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Graphs;

public sealed class GraphBuilderTests
{
    private static Value Image(GraphBuilder b, int h = 4, int w = 4, int c = 2) => b.Input("x", new TensorType(DType.F32, new Shape(1, h, w, c)));

    [Fact]
    public void Tensors_without_elements_are_refused()
    {
        GraphBuilder b = new();
        Value x = Image(b);
        Assert.Throws<GraphException>(() => b.Input("empty", new TensorType(DType.F32, new Shape(1, 0, 4, 2))));
        Value none = b.Constant("none", TensorData.FromFloats(new Shape(0, 1, 1, 2), []));
        GraphException e = Assert.Throws<GraphException>(() => b.Add(OpCatalog.Conv2d, [x, none], new Conv2dAttributes(new Window2d(1, 1)), "layer"));
        Assert.Contains("'layer'", e.Message, StringComparison.Ordinal);
        Assert.Contains("no elements", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Operands_of_other_element_types_are_refused()
    {
        GraphBuilder b = new();
        Value x = Image(b);
        Value integers = b.Constant("w", new TensorData(new TensorType(DType.I32, new Shape(3, 1, 1, 2)), new byte[24]));
        GraphException e = Assert.Throws<GraphException>(() => b.Add(OpCatalog.Conv2d, [x, integers], new Conv2dAttributes(new Window2d(1, 1))));
        Assert.Contains("I32", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Values_of_another_graph_are_refused_as_operands_and_outputs()
    {
        GraphBuilder one = new(), other = new();
        Value x = Image(one);
        Image(other);
        Assert.Throws<GraphException>(() => other.Add(OpCatalog.Exp, [x]));
        Assert.Throws<GraphException>(() => other.Build(x));
    }

    /// <summary>Offsets of kernels count padded elements in 32 bits: these would wrap around.</summary>
    [Theory]
    [InlineData(1 << 30, 1 << 30, 4)]
    [InlineData(1 << 15, 1 << 15, 1 << 16)]
    public void Padding_beyond_32_bit_offsets_is_refused(int left, int stride, int channels)
    {
        GraphBuilder b = new();
        Value x = Image(b, 1, 1, channels);
        Conv2dAttributes attributes = new(new Window2d(1, 1, 1, stride, 1, 1, new Padding2d(0, left, 0, 0)));
        Assert.Throws<GraphException>(() => b.Add(OpCatalog.Conv2d, [x, b.Weights("w", 1, 1, 1, 1, channels)], attributes));
    }
}
