using System;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Runtime;
using Xunit;

namespace Thomas.Tests.Ops;

public sealed class LossTests
{
    [Fact]
    public void Cross_entropy_of_equal_scores_is_the_logarithm_of_the_number_of_classes()
    {
        (float loss, float[] probabilities) = CrossEntropy([7, 7, 7, 7, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0.5f, 0.5f], [0.5f, 0.5f]);
        Assert.Equal(Math.Log(4), loss, 1e-6);
        Assert.All(probabilities, p => Assert.Equal(0.25f, p));
    }

    [Fact]
    public void A_class_that_is_impossible_and_does_not_occur_adds_nothing()
    {
        (float loss, float[] probabilities) = CrossEntropy([0, float.NegativeInfinity], [1, 0], [1]);
        Assert.Equal(0, loss);
        Assert.Equal([1, 0], probabilities);
    }

    [Fact]
    public void Rows_of_weight_zero_do_not_count_whatever_they_hold()
    {
        (float loss, _) = CrossEntropy([0, 0, float.NaN, 3], [1, 0, 0, 1], [1, 0]);
        Assert.Equal(Math.Log(2), loss, 1e-6);
        float[] gradient = Run(
            OpCatalog.SoftmaxCrossEntropyGradient, [new Shape(2, 2), new Shape(2, 2), new Shape(2), new Shape()], [0.5f, 0.5f, float.NaN, 1], [1, 0, 0, 1],
            [1, 0], [2]);
        Assert.Equal([-1, 1, 0, 0], gradient);
    }

    [Fact]
    public void Large_scores_do_not_overflow()
    {
        (float loss, _) = CrossEntropy([1000, 900], [0, 1], [1]);
        Assert.Equal(100, loss, 1e-4);
    }

    [Fact]
    public void Squared_error_is_the_weighted_sum_of_row_means()
    {
        GraphBuilder builder = new();
        Value prediction = Fed(builder, "prediction", 2, 1, 2), target = Fed(builder, "target", 2, 1, 2), weights = Fed(builder, "weights", 2);
        Value loss = MeanSquaredError.Add(builder, prediction, target, weights);
        Assert.Equal(new Shape(), loss.Shape);
        using Executable executable = Executable.CompileAsIs(builder.Build(loss), new CompileOptions { Threads = 1 });
        new float[] { 1, 2, 3, 4 }.CopyTo(executable.Input(0));
        new float[] { 0, 4, 3, 1 }.CopyTo(executable.Input(1));
        new float[] { 0.5f, 2 }.CopyTo(executable.Input(2));
        executable.Run();

        // Rows: (1 + 4) / 2 and (0 + 9) / 2.
        Assert.Equal([(0.5f * 2.5f) + (2 * 4.5f)], executable.Output().ToArray());
    }

    [Fact]
    public void Squared_error_names_shapes_that_do_not_fit()
    {
        GraphBuilder builder = new();
        Value x = Fed(builder, "x", 2, 3), y = Fed(builder, "y", 2, 4), weights = Fed(builder, "weights", 2), wrong = Fed(builder, "wrong", 3);
        Assert.Contains("F32[2,4]", Assert.Throws<GraphException>(() => MeanSquaredError.Add(builder, x, y, weights)).Message, StringComparison.Ordinal);
        Assert.Contains("F32[3]", Assert.Throws<GraphException>(() => MeanSquaredError.Add(builder, x, x, wrong)).Message, StringComparison.Ordinal);
        Assert.Throws<GraphException>(() => MeanSquaredError.Add(builder, weights, weights, weights));
    }

    private static Value Fed(GraphBuilder builder, string name, params ReadOnlySpan<int> dims) =>
        builder.Input(name, new TensorType(DType.F32, new Shape(dims)));

    private static (float Loss, float[] Probabilities) CrossEntropy(float[] logits, float[] targets, float[] weights)
    {
        Shape shape = new(weights.Length, logits.Length / weights.Length);
        float[] results = Run(OpCatalog.SoftmaxCrossEntropy, [shape, shape, new Shape(weights.Length)], logits, targets, weights);
        return (results[0], results[1..]);
    }

    private static float[] Run(Op op, Shape[] shapes, params float[][] operands)
    {
        GraphBuilder builder = new();
        Value[] values = new Value[shapes.Length];
        for (int i = 0; i < values.Length; i++) values[i] = builder.Input($"x{i}", new TensorType(DType.F32, shapes[i]));
        Graph graph = builder.Build([.. builder.AddNode(op, values).Outputs]);
        using Executable executable = Executable.CompileAsIs(graph, new CompileOptions { Threads = 1 });
        for (int i = 0; i < operands.Length; i++) operands[i].CopyTo(executable.Input(i));
        executable.Run();
        System.Collections.Generic.List<float> results = [];
        for (int k = 0; k < graph.Outputs.Count; k++) results.AddRange(executable.Output(k).ToArray());
        return [.. results];
    }
}
