using System;
using System.Collections.Generic;
using System.Linq;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Passes;
using Thomas.Runtime;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Ops;

public sealed class BatchNormTrainingTests
{
    private const float Epsilon = 1e-5f;
    private static readonly BatchNormTrainingAttributes Attributes = new(Epsilon);

    [Fact]
    public void Two_rows_by_hand()
    {
        // Channel 0: mean 2, deviations -1 and 1, variance 1. Channel 1: constant, so y is the shift.
        float[][] results = Run([1, 5, 3, 5], [2, 7], [10, -1], new Shape(2, 2));
        float y = (float)(2 / Math.Sqrt(1 + (double)Epsilon));
        Assert.Equal([10 - y, -1, 10 + y, -1], results[0]);
        Assert.Equal([2, 5], results[1]);
        Assert.Equal([1, 0], results[2]);
    }

    [Fact]
    public void Numbers_far_from_zero_keep_their_digits()
    {
        // 4096 + {0, 1/64, 2/64, ...}: exact in float32, while the mean of squares minus the square of the mean would have no correct digit.
        float[] x = [.. Enumerable.Range(0, 1000).Select(i => 4096 + ((i % 10) / 64f))];
        float[][] results = Run(x, [1], [0], new Shape(1000, 1));
        Assert.Equal(4096 + (4.5 / 64), results[1][0], 2.5e-4);
        Assert.Equal(8.25 / (64 * 64), results[2][0], 1e-4 * 8.25 / (64 * 64));
        for (int i = 0; i < x.Length; i++) Assert.Equal(((i % 10) - 4.5) / 64 / Math.Sqrt((8.25 / (64 * 64)) + Epsilon), results[0][i], 5e-3);
    }

    /// <summary>The same after convolutions that change nothing, with several blocks in a band.</summary>
    [Theory]
    [InlineData("conv", 19)]
    [InlineData("conv", 1)]
    [InlineData("depthwise", 19)]
    [InlineData("depthwise", 1)]
    public void Numbers_far_from_zero_keep_their_digits_after_a_convolution(string kind, int channels)
    {
        Shape shape = new(2, 120, 100, channels), vector = new(channels);
        GraphBuilder builder = new();
        Value input = builder.Input("x", new TensorType(DType.F32, shape));
        float[] identity = new float[channels * channels], ones = new float[channels];
        Array.Fill(ones, 1f);
        for (int c = 0; c < channels; c++) identity[c * (channels + 1)] = 1;
        Value x = kind == "conv"
            ? builder.Add(
                OpCatalog.Conv2d, [input, builder.Constant("w", TensorData.FromFloats(new Shape(channels, 1, 1, channels), identity))],
                new Conv2dAttributes(new Window2d(1, 1)))
            : builder.Add(
                OpCatalog.DepthwiseConv2d, [input, builder.Constant("w", TensorData.FromFloats(new Shape(1, 1, 1, channels), ones))],
                new DepthwiseConv2dAttributes(new Window2d(1, 1)));
        Value scale = builder.Constant("scale", TensorData.FromFloats(vector, ones)),
            shift = builder.Constant("shift", TensorData.FromFloats(vector, new float[channels]));
        Graph graph = builder.Build([.. builder.AddNode(OpCatalog.BatchNormTraining, [x, scale, shift], Attributes).Outputs]);
        using Executable executable = Executable.CompileAsIs(FuseBatchNormMoments.Run(graph, 0), new CompileOptions { Threads = 2 });
        Assert.DoesNotContain(executable.Graph.Nodes, node => node.Op is BatchNormTraining);
        for (int i = 0; i < executable.Input().Length; i++) executable.Input()[i] = 4096 + ((i / channels % 10) / 64f);
        executable.Run();
        for (int c = 0; c < channels; c++)
        {
            Assert.Equal(4096 + (4.5 / 64), executable.Output(1)[c], 2.5e-4);
            Assert.Equal(8.25 / (64 * 64), executable.Output(2)[c], 1e-4 * 8.25 / (64 * 64));
        }

        for (int i = 0; i < shape.ElementCount; i++)
            Assert.Equal(((i / channels % 10) - 4.5) / 64 / Math.Sqrt((8.25 / (64 * 64)) + Epsilon), executable.Output(0)[i], 1e-4);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Statistics_alone_cannot_be_differentiated(int result)
    {
        (GraphBuilder builder, Node node) = Small();
        Value?[] gradOutputs = new Value?[3];
        gradOutputs[result] = builder.Constant("dy", TensorData.FromFloats(new Shape(3), new float[3]));
        GraphException e = Assert.Throws<GraphException>(() => node.Op.Gradient(new GradientContext(builder, node, gradOutputs, _ => true, (_, _) => { })));
        Assert.Contains("'norm': mean and variance", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Only_the_gradients_that_are_wanted_are_handed_out()
    {
        (GraphBuilder builder, Node node) = Small();
        Value dy = builder.Constant("dy", TensorData.FromFloats(new Shape(4, 3), new float[12]));
        List<Value> given = [];
        node.Op.Gradient(new GradientContext(builder, node, [dy, null, null], value => value == node.Inputs[2], (value, _) => given.Add(value)));
        Assert.Equal([node.Inputs[2]], given);
    }

    [Fact]
    public void Gradients_agree_with_central_differences()
    {
        Shape shape = new(2, 3, 5, 3);
        double[][] operands =
        [
            Array.ConvertAll(TestGraphs.Noise(shape.ElementCount, 3), v => (double)v + 2), Array.ConvertAll(TestGraphs.Noise(3, 4), v => (double)v),
            Array.ConvertAll(TestGraphs.Noise(3, 5), v => (double)v),
        ];
        float[] direction = TestGraphs.Noise(shape.ElementCount, 6);
        float[][] gradients = Gradients(operands, direction, shape, out Graph graph);
        Assert.Single(graph.Nodes, node => node.Op is BatchNormTrainingGradient);
        for (int k = 0; k < operands.Length; k++)
        {
            for (int i = 0; i < operands[k].Length; i++)
            {
                const double H = 1e-5;
                double value = operands[k][i];
                operands[k][i] = value + H;
                double above = Loss(operands, direction);
                operands[k][i] = value - H;
                double expected = (above - Loss(operands, direction)) / (2 * H);
                operands[k][i] = value;
                Expect.True(
                    Math.Abs(gradients[k][i] - expected) <= 2e-5 * Math.Max(1, Math.Abs(expected)),
                    $"operand {k}, element {i}: {gradients[k][i]}, expected {expected}");
            }
        }
    }

    private static (GraphBuilder Builder, Node Node) Small()
    {
        GraphBuilder builder = new();
        Value x = builder.Input("x", new TensorType(DType.F32, new Shape(4, 3)));
        Value scale = builder.Variable(new Variable("scale", new Shape(3), VariableKind.Weight)),
            shift = builder.Variable(new Variable("shift", new Shape(3), VariableKind.Weight));
        return (builder, builder.AddNode(OpCatalog.BatchNormTraining, [x, scale, shift], Attributes, "norm"));
    }

    private static float[][] Run(float[] x, float[] scale, float[] shift, Shape shape)
    {
        GraphBuilder builder = new();
        Value input = builder.Input("x", new TensorType(DType.F32, shape));
        Value c = builder.Constant("scale", TensorData.FromFloats(new Shape(scale.Length), scale)),
            d = builder.Constant("shift", TensorData.FromFloats(new Shape(shift.Length), shift));
        Graph graph = builder.Build([.. builder.AddNode(OpCatalog.BatchNormTraining, [input, c, d], Attributes).Outputs]);
        using Executable executable = Executable.CompileAsIs(graph, new CompileOptions { Threads = 1 });
        x.CopyTo(executable.Input());
        executable.Run();
        return [executable.Output(0).ToArray(), executable.Output(1).ToArray(), executable.Output(2).ToArray()];
    }

    /// <summary>The gradients of the sum of dy * y, on the CPU.</summary>
    private static float[][] Gradients(double[][] operands, float[] direction, Shape shape, out Graph graph)
    {
        GraphBuilder builder = new();
        Variable[] variables =
        [
            .. operands.Select((operand, i) =>
            {
                Shape own = i == 0 ? shape : new Shape(operand.Length);
                return new Variable($"v{i}", own, VariableKind.Weight, TensorData.FromFloats(own, Array.ConvertAll(operand, v => (float)v)));
            }),
        ];
        Value[] values = [.. variables.Select(builder.Variable)];
        Node node = builder.AddNode(OpCatalog.BatchNormTraining, values, Attributes, "norm");
        Value dy = builder.Constant("dy", TensorData.FromFloats(shape, direction));
        Value?[] gradients = new Value?[3];
        node.Op.Gradient(
            new GradientContext(builder, node, [dy, null, null], _ => true, (value, gradient) => gradients[Array.IndexOf(values, value)] = gradient));
        graph = builder.Build([.. gradients.Select(gradient => gradient!)]);
        using VariableStore store = new(variables);
        using Executable executable = Executable.CompileAsIs(graph, new CompileOptions { Threads = 2 }, store);
        executable.Run();
        return [executable.Output(0).ToArray(), executable.Output(1).ToArray(), executable.Output(2).ToArray()];
    }

    private static double Loss(double[][] operands, float[] direction)
    {
        double[] x = operands[0];
        int channels = operands[1].Length;
        double loss = 0;
        for (int c = 0; c < channels; c++)
        {
            double[] column = [.. x.Where((_, i) => i % channels == c)];
            double mean = column.Average(), variance = column.Average(v => (v - mean) * (v - mean));
            for (int r = 0; r < column.Length; r++)
                loss += direction[(r * channels) + c] * (((column[r] - mean) / Math.Sqrt(variance + Epsilon) * operands[1][c]) + operands[2][c]);
        }

        return loss;
    }
}
