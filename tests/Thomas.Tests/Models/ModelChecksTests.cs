using System;
using Thomas.Graphs;
using Thomas.Ops;
using Xunit;

namespace Thomas.Tests.Models;

public sealed class ModelChecksTests
{
    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void A_single_number_that_is_not_finite_is_found_wherever_it_stands(float bad)
    {
        for (int position = 0; position < 70; position++)
        {
            float[] values = new float[70];
            values.AsSpan().Fill(float.MaxValue);
            values[position] = bad;
            Assert.Equal(["damaged"], ModelChecks.NonFiniteConstants(Of(values)));
        }
    }

    [Fact]
    public void Large_and_tiny_numbers_are_finite()
    {
        float[] values = new float[70];
        values.AsSpan().Fill(float.MinValue);
        values[3] = float.Epsilon;
        values[69] = float.MaxValue;
        Assert.Empty(ModelChecks.NonFiniteConstants(Of(values)));
    }

    [Fact]
    public void The_error_names_the_model_and_the_tensor()
    {
        ModelFormatException error = Assert.Throws<ModelFormatException>(() => ModelChecks.RequireFinite(Of([float.NaN])));
        Assert.StartsWith("net: tensor 'damaged': found values that are not finite", error.Message, StringComparison.Ordinal);
    }

    private static Model Of(float[] values)
    {
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(1, values.Length)));
        Value sum = b.Add(OpCatalog.Add, [x, b.Constant("damaged", TensorData.FromFloats(new Shape(values.Length), values))]);
        return new Model(b.Build(b.Add(OpCatalog.Add, [sum, b.Constant("sound", TensorData.FromFloats(new Shape(1), [1]))])), new ModelInfo { Name = "net" });
    }
}
