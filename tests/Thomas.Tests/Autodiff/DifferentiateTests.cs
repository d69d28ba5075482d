using System;
using System.Collections.Generic;
using System.Linq;
using Thomas.Autodiff;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;
using Thomas.Passes;
using Thomas.Runtime;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Autodiff;

public sealed class DifferentiateTests
{
    private static readonly ReduceAttributes SumOfVector = new(ReduceKind.Sum, new IntList(0), KeepDims: false);

    [Fact]
    public void An_operand_used_twice_gets_both_gradients()
    {
        Variable x = new("x", new Shape(3), VariableKind.Weight);
        GraphBuilder builder = new();
        Value value = builder.Variable(x);
        Graph loss = builder.Build(builder.Add(OpCatalog.Reduce, [builder.Add(OpCatalog.Multiply, [value, value])], SumOfVector));
        Assert.Equal([2, -4, 6], GradientCheck.Gradients(loss, [x], [[1, -2, 3]], [x])[x]);
    }

    [Fact]
    public void Gradients_of_all_ways_to_the_loss_are_summed()
    {
        Variable x = new("x", new Shape(2), VariableKind.Weight);
        GraphBuilder builder = new();
        Value square = builder.Add(OpCatalog.Multiply, [builder.Variable(x), builder.Variable(x)]);
        Value exponential = builder.Add(OpCatalog.Exp, [square]), root = builder.Add(OpCatalog.Sqrt, [square]);
        Value sum = builder.Add(OpCatalog.Add, [builder.Add(OpCatalog.Subtract, [exponential, root]), builder.Variable(x)]);
        Graph loss = builder.Build(builder.Add(OpCatalog.Reduce, [sum], SumOfVector));
        double[] values = [0.5, 1.5], actual = GradientCheck.Gradients(loss, [x], [values], [x])[x];
        for (int i = 0; i < values.Length; i++)
            Assert.Equal((2 * values[i] * Math.Exp(values[i] * values[i])) - 1 + 1, actual[i], 12);
    }

    [Fact]
    public void A_parameter_of_two_layers_is_used_once_with_the_sum_of_its_gradients()
    {
        Variable shared = new("shared", new Shape(4, 4), VariableKind.Weight);
        Variable first = new("first", new Shape(4, 4), VariableKind.Weight), second = new("second", new Shape(4, 4), VariableKind.Weight);
        double[] weights = Array.ConvertAll(TestGraphs.Noise(16, 3), x => (double)x);
        double[] together = GradientCheck.Gradients(TwoLayers(shared, shared), [shared], [weights], [shared])[shared];
        Dictionary<Variable, double[]> apart = GradientCheck.Gradients(TwoLayers(first, second), [first, second], [weights, weights], [first, second]);
        for (int i = 0; i < together.Length; i++) Assert.Equal(apart[first][i] + apart[second][i], together[i], 12);
    }

    [Fact]
    public void Frozen_layers_cost_no_backward_node()
    {
        Variable first = new("first", new Shape(4, 4), VariableKind.Weight), second = new("second", new Shape(4, 4), VariableKind.Weight);
        Graph forward = TwoLayers(first, second);
        Graph all = Differentiate.Run(forward, [first, second], HandOut), last = Differentiate.Run(forward, [second], HandOut),
            none = Differentiate.Run(forward, [], HandOut);
        Assert.Contains(all.Nodes, node => node.Stage == Stage.Backward && node.Name.StartsWith("layer1/", StringComparison.Ordinal));
        Assert.DoesNotContain(last.Nodes, node => node.Stage == Stage.Backward && node.Name.StartsWith("layer1/", StringComparison.Ordinal));
        Assert.Contains(last.Nodes, node => node.Name == "layer2/gradWeight");
        Assert.DoesNotContain(last.Nodes, node => node.Name == "layer2/gradInput");
        Assert.All(none.Nodes, node => Assert.Equal(Stage.Forward, node.Stage));
        Assert.Equal(forward.Nodes.Count, none.Nodes.Count);
    }

    [Theory]
    [InlineData(DeviceKind.Serial)]
    [InlineData(DeviceKind.Cpu)]
    public void When_gradients_are_used_changes_no_bit(DeviceKind device)
    {
        Assert.Equal(Train(device, immediate: true), Train(device, immediate: false));
    }

    [Fact]
    public void Used_at_once_an_update_stands_before_the_gradients_of_earlier_layers()
    {
        Variable first = new("first", new Shape(4, 4), VariableKind.Weight), second = new("second", new Shape(4, 4), VariableKind.Weight);
        int gradient = Position(immediate: true, "layer1/gradWeight"), update = Position(immediate: true, "second/use");
        Assert.True(update < gradient);
        Assert.True(Position(immediate: false, "second/use") > Position(immediate: false, "layer1/gradWeight"));

        int Position(bool immediate, string name)
        {
            Graph graph = Differentiate.Run(
                TwoLayers(first, second),
                [first, second],
                static (rewriter, parameter, gradient) => [rewriter.Builder.Add(OpCatalog.Negate, [gradient], name: $"{parameter.Name}/use")],
                immediate);
            return graph.Nodes.Index().Single(item => item.Item.Name == name).Index;
        }
    }

    [Fact]
    public void A_loss_of_several_numbers_is_refused()
    {
        Variable x = new("x", new Shape(3), VariableKind.Weight);
        GraphBuilder builder = new();
        Graph graph = builder.Build(builder.Add(OpCatalog.Exp, [builder.Variable(x)]));
        Assert.Contains(
            "must be a single number", Assert.Throws<GraphException>(() => Differentiate.Run(graph, [x], HandOut)).Message, StringComparison.Ordinal);
    }

    private static IReadOnlyList<Value> HandOut(GraphRewriter rewriter, Variable parameter, Value gradient) => [gradient];

    /// <summary>Two dense layers on a fixed batch, and a residual around the second.</summary>
    private static Graph TwoLayers(Variable first, Variable second)
    {
        GraphBuilder builder = new();
        Value x = builder.Weights("x", 5, 3, 4);
        Value hidden = builder.Add(
            OpCatalog.Dense, [x, builder.Variable(first)], new DenseAttributes(Activation: new Activation(ActivationKind.Tanh)), "layer1");
        Value y = builder.Add(OpCatalog.Dense, [hidden, builder.Variable(second)], new DenseAttributes(), "layer2");
        return builder.Build(GradientCheck.Dot(builder, builder.Add(OpCatalog.Add, [y, hidden])));
    }

    /// <summary>The parameters after three steps of gradient descent.</summary>
    private static float[] Train(DeviceKind device, bool immediate)
    {
        Variable[] parameters = [Weight("first", 1), Weight("second", 2)];
        Dictionary<Variable, Variable> moments = parameters.ToDictionary(p => p, p => new Variable($"{p.Name}/moment", p.Shape, VariableKind.OptimizerState));
        float[] control = [0.1f, 1, 1, 1];
        Graph step = Differentiate.Run(
            TwoLayers(parameters[0], parameters[1]),
            parameters,
            (rewriter, parameter, gradient) =>
            {
                GraphBuilder builder = rewriter.Builder;
                Value settings = builder.Constant("control", TensorData.FromFloats(new Shape(4), control));
                return builder.AddNode(
                    OpCatalog.SgdUpdate, [builder.Variable(parameter), builder.Variable(moments[parameter]), gradient, settings],
                    new SgdAttributes(Momentum: 0.9f)).Outputs;
            },
            immediate);
        GraphVerifier.Verify(step);
        using VariableStore store = new([.. parameters, .. moments.Values]);
        using Executable executable = Executable.CompileAsIs(step, new CompileOptions { Device = device, Threads = 2 }, store);
        float[] before = [.. store[parameters[0]], .. store[parameters[1]]];
        for (int i = 0; i < 3; i++) executable.Run();
        float[] after = [.. store[parameters[0]], .. store[parameters[1]]];
        Assert.DoesNotContain(after.Zip(before), pair => pair.First == pair.Second);
        return after;
    }

    private static Variable Weight(string name, uint seed)
    {
        Shape shape = new(4, 4);
        return new Variable(name, shape, VariableKind.Weight, TensorData.FromFloats(shape, TestGraphs.Noise(16, seed)));
    }
}
