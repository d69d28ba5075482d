using System.Collections.Generic;
using System.Linq;
using Thomas.Autodiff;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Planning;
using Thomas.Runtime;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Planning;

public sealed class RecomputeChoiceTests
{
    [Fact]
    public void Nothing_is_dropped_where_the_bound_is_met()
    {
        Schedule schedule = Step();
        long bound = MemoryPlanner.Plan(schedule.Graph, schedule.WorkspaceBytes).ArenaBytes;
        Assert.DoesNotContain(RecomputeChoice.Run(schedule, bound).Graph.Nodes, node => node.Stage == Stage.Recompute);
    }

    [Fact]
    public void Dropped_values_are_computed_once_again_after_the_forward_pass_and_before_their_use()
    {
        Schedule schedule = Step(), smallest = RecomputeChoice.Run(schedule, 1);
        GraphVerifier.Verify(smallest.Graph);
        Assert.True(smallest.Live().PeakBytes < schedule.Live().PeakBytes * 0.8);
        Node[] again = [.. smallest.Graph.Nodes.Where(node => node.Stage == Stage.Recompute)];
        Assert.NotEmpty(again);
        Assert.Equal(again.Length, again.Select(node => node.Name).Distinct().Count());
        int lastForward = smallest.Graph.Nodes.ToList().FindLastIndex(node => node.Stage == Stage.Forward);
        Assert.All(again, node => Assert.True(smallest.Graph.Nodes.ToList().IndexOf(node) > lastForward));
        Assert.All(again, node => Assert.DoesNotContain(node.Op, (Op[])[OpCatalog.SoftmaxCrossEntropy, OpCatalog.SgdUpdate]));

        // What is computed again is not read by the backward pass in its first form.
        foreach (Node node in again)
        {
            string original = node.Name[..^Recompute.Suffix.Length];
            Value first = smallest.Graph.Values.Single(value => value.Name == original);
            Assert.All(first.Consumers, reader => Assert.Equal(Stage.Forward, reader.Stage));
        }
    }

    [Fact]
    public void A_value_whose_variable_has_changed_in_the_meantime_cannot_be_computed_again()
    {
        Variable w = new("w", new Shape(4), VariableKind.Weight);
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(4))),
            control = b.Input("control", new TensorType(DType.F32, new Shape(UpdateOp.ControlLength)));
        Value product = b.Add(OpCatalog.Multiply, [x, b.Variable(w)], name: "product");
        Value loss = b.Add(OpCatalog.Reduce, [product], new ReduceAttributes(ReduceKind.Sum, new IntList(0), KeepDims: false));
        b.Stage = Stage.Update;
        Value moment = b.Variable(new Variable("m", new Shape(4), VariableKind.OptimizerState));
        Node update = b.AddNode(OpCatalog.SgdUpdate, [b.Variable(w), moment, x, control], new SgdAttributes());
        b.Stage = Stage.Backward;
        Value late = b.Add(OpCatalog.Negate, [product], name: "late");
        Graph graph = b.Build(loss, update.Output, late);
        Assert.True(Recompute.CanDrop(graph, product));
        Assert.Null(Recompute.Run(graph, new HashSet<Value> { product }, out _));
        Assert.NotNull(Recompute.Run(graph, new HashSet<Value>(), out _));
    }

    [Fact]
    public void Values_that_are_handed_out_or_shown_under_another_shape_are_not_dropped_themselves()
    {
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(4)));
        Value y = b.Add(OpCatalog.Abs, [x]);
        Value view = b.Add(OpCatalog.Reshape, [y], new ReshapeAttributes(new IntList(2, 2)));
        Value z = b.Add(OpCatalog.Abs, [view]);
        Graph graph = b.Build(z);
        Assert.True(Recompute.CanDrop(graph, y));
        Assert.False(Recompute.CanDrop(graph, view));
        Assert.False(Recompute.CanDrop(graph, z));
        Assert.False(Recompute.CanDrop(graph, x));
    }

    private static Schedule Step()
    {
        Trainee trainee = Trainee.Create(TrainingSteps.Network, UpdatePolicy.All, BatchNormMode.Frozen);
        TrainingGraph graph = TrainingGraph.Build(trainee, new TrainingGraphOptions(4, new OptimizerOptions()));
        CompiledGraph compiled = CompiledGraph.Create(graph.Step, new CompileOptions { Threads = 1 });
        return new Schedule(compiled.Graph, new long[compiled.Graph.Nodes.Count]);
    }
}
