using System;
using System.IO;
using System.Linq;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;
using Thomas.Runtime;
using Xunit;

namespace Thomas.Tests.Passes;

public sealed class FuseRoundingTests
{
    // Behind a layer of float weights the writer spells the rounding out, which ONNX Runtime's optimizer would else take for 8-bit arithmetic.
    [Theory]
    [InlineData(-128, 127, -128)]
    [InlineData(-128, 127, 3)]
    [InlineData(-127, 127, 0)]
    [InlineData(0, 255, 128)]
    [InlineData(0, 15, 4)]
    public void A_rounding_that_is_spelled_out_is_read_as_one(int minimum, int maximum, int zero)
    {
        Model model = Rounded(new FakeQuantizeAttributes(new Quantization([0.03125f], [zero]), minimum, maximum));
        Model again = Reload(model);
        Assert.DoesNotContain(again.Graph.Nodes, static n => n.Op is Round or Divide or Multiply or Minimum or Maximum);
        FakeQuantizeAttributes read = (FakeQuantizeAttributes)Assert.Single(again.Graph.Nodes, static n => n.Op is FakeQuantize).Attributes;
        Assert.Equal(maximum - minimum, read.Maximum - read.Minimum);
        Assert.Equal(minimum - zero, read.Minimum - read.Quantization.ZeroPoints[0]);
        Assert.Equal(Run(model), Run(again));
        Assert.Equal(Run(model), Run(Reload(again)));
    }

    [Fact]
    public void Channels_have_their_own_grids()
    {
        Model model = Rounded(new FakeQuantizeAttributes(new Quantization([0.03125f, 0.25f], [0, -128], 1), -128, 127));
        Model again = Reload(model);
        Assert.Equal(2, ((FakeQuantizeAttributes)Assert.Single(again.Graph.Nodes, static n => n.Op is FakeQuantize).Attributes).Quantization.Scales.Length);
        Assert.Equal(Run(model), Run(again));
    }

    [Fact]
    public void A_sigmoid_behind_it_stays_a_probability()
    {
        FakeQuantizeAttributes grid = new(new Quantization([1f / 256], [-128]), -128, 127);
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(1, 4)));
        Value z = b.Add(OpCatalog.Dense, [x, b.Constant("w", TensorData.FromFloats(new Shape(1, 4), [0.5f, -0.25f, 0.125f, 1]))], new DenseAttributes(), "z");
        Value p = b.Add(OpCatalog.Activate, [z], new ActivateAttributes(new Activation(ActivationKind.Sigmoid)), "p");
        Model again = Reload(new Model(b.Build(b.Add(OpCatalog.FakeQuantize, [p], grid, "rounded")), new ModelInfo { Name = "binary" }));
        Assert.Equal(ScoreKind.Probability, ClassOutput.Of(again).Kind);
    }

    // What only looks like it: a product with another number, ends that are no whole steps, more than 8 bits.
    [Theory]
    [InlineData(0.5f, 0.25f, -128f, 127f)]
    [InlineData(0.5f, 0.5f, -127.5f, 127f)]
    [InlineData(0.5f, 0.5f, -32768f, 32767f)]
    [InlineData(-0.5f, -0.5f, -128f, 127f)]
    public void Other_arithmetic_stays_as_it_is(float divisor, float factor, float low, float high)
    {
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(1, 4)));
        Value rounded = b.Add(OpCatalog.Round, [b.Add(OpCatalog.Divide, [x, One("a", divisor)], null, "divided")], null, "rounded");
        Value clipped = b.Add(OpCatalog.Minimum, [b.Add(OpCatalog.Maximum, [rounded, One("low", low)], null, "raised"), One("high", high)], null, "clipped");
        Model model = new(b.Build(b.Add(OpCatalog.Multiply, [clipped, One("f", factor)], null, "y")), new ModelInfo { Name = "net" });
        Model again = Reload(model);
        Assert.Contains(again.Graph.Nodes, static n => n.Op is Round);
        Assert.Equal(Run(model), Run(again));

        Value One(string name, float value) => b.Constant(name, TensorData.FromFloats(new Shape(), [value]));
    }

    private static Model Rounded(FakeQuantizeAttributes grid)
    {
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(1, 4)));
        Value w = b.Constant("w", TensorData.FromFloats(new Shape(2, 4), [0.5f, -0.25f, 0.125f, 1, 0.3f, 0.7f, -1.1f, 2]));
        Value y = b.Add(OpCatalog.Dense, [x, w], new DenseAttributes(), "y");
        return new Model(b.Build(b.Add(OpCatalog.FakeQuantize, [y], grid, "rounded")), new ModelInfo { Name = "net" });
    }

    private static float[] Run(Model model)
    {
        using Executable executable = Executable.Compile(model.Graph, 1, new CompileOptions { Threads = 1 });
        return [.. Enumerable.Range(0, 40).SelectMany(i =>
        {
            for (int k = 0; k < 4; k++) executable.Input()[k] = MathF.Sin((i * 4) + k) * i;
            executable.Run();
            return executable.Output().ToArray();
        })];
    }

    private static Model Reload(Model model)
    {
        using MemoryStream stream = new();
        model.Save(stream, ModelFormat.Onnx);
        stream.Position = 0;
        return Model.Load(stream, "net.onnx");
    }
}
