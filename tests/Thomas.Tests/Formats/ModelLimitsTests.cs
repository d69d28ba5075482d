using System;
using System.IO;
using Thomas.Formats;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Formats;

public sealed class ModelLimitsTests
{
    private static Value Input(GraphBuilder b, params ReadOnlySpan<int> dims) => b.Input("x", new TensorType(DType.F32, new Shape(dims)));

    private static Graph ManyMultiplyAdds()
    {
        GraphBuilder b = new();
        Value x = Input(b, 1, 1024, 1024, 16);
        Conv2dAttributes same = new(new Window2d(3, 3, 1, 1, 1, 1, new Padding2d(1, 1, 1, 1)));
        for (int i = 0; i < 25; i++) x = b.Add(OpCatalog.Conv2d, [x, b.Weights($"w{i}", 1, 16, 3, 3, 16)], same, $"conv{i}");
        return b.Build(x);
    }

    private static Graph ManyTaps()
    {
        GraphBuilder b = new();
        Value x = Input(b, 1, 512, 512, 3);
        return b.Build(b.Add(OpCatalog.MaxPool2d, [x], new MaxPool2dAttributes(new Window2d(200, 200)), "pool"));
    }

    private static Graph ManyBytes()
    {
        GraphBuilder b = new();
        Value x = Input(b, 1, 1024, 1024, 6);
        Value[] parts = new Value[34];
        for (int i = 0; i < parts.Length; i++) parts[i] = b.Add(OpCatalog.Multiply, [x, b.Weights($"w{i}", 1, 6)], null, $"part{i}");
        Value sum = parts[0];
        for (int i = parts.Length - 1; i > 0; i--) sum = b.Add(OpCatalog.Add, [sum, parts[i]], null, $"sum{i}");
        return b.Build(sum);
    }

    [Theory]
    [InlineData("multiply-adds")]
    [InlineData("operations other than")]
    [InlineData("activations at the same time")]
    public void A_file_that_asks_for_too_much_is_refused_with_the_amount_and_the_node(string what)
    {
        Graph graph = what switch
        {
            "multiply-adds" => ManyMultiplyAdds(),
            "operations other than" => ManyTaps(),
            _ => ManyBytes(),
        };
        using MemoryStream stream = new();
        new Model(graph, new ModelInfo { Name = "large" }).Save(stream, ModelFormat.Onnx);
        ModelFormatException e = Assert.Throws<ModelFormatException>(() => ModelFiles.Load(stream.ToArray(), "large.onnx"));
        Assert.StartsWith("large.onnx: node '", e.Message, StringComparison.Ordinal);
        Assert.Contains(what, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Values_that_die_make_room_for_later_ones()
    {
        GraphBuilder b = new();
        Value x = Input(b, 1, 1024, 1024, 3);
        for (int i = 0; i < 100; i++) x = b.Add(OpCatalog.Add, [x, x], null, $"y{i}");
        ModelLimits.Check(b.Build(x), "chain");
    }

    [Fact]
    public void A_hundred_million_outputs_take_no_memory_for_their_names()
    {
        GraphBuilder b = new();
        Value x = Input(b, 1, 3 << 25);
        Model model = new(b.Build(b.Add(OpCatalog.Negate, [x])), new ModelInfo { Name = "wide" });
        long before = GC.GetAllocatedBytesForCurrentThread();
        ClassOutput output = ClassOutput.Of(model);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
        Assert.Equal(3 << 25, output.Labels.Count);
        Assert.Equal("100000000", output.Labels[100_000_000]);
        Assert.Throws<ArgumentOutOfRangeException>(() => output.Labels[-1]);
    }
}
