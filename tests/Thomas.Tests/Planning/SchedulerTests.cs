using System.Collections.Generic;
using System.Linq;
using Thomas.Autodiff;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Planning;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Planning;

public sealed class SchedulerTests
{
    [Fact]
    public void A_large_gradient_is_computed_and_used_before_the_next_and_updates_come_after_all_readers()
    {
        // Late updates keep all gradients until the end; the scheduler may move each up.
        Schedule late = Step(immediate: false), ordered = Scheduler.Run(late);
        GraphVerifier.Verify(ordered.Graph);
        Expect.True(ordered.Live().PeakBytes < late.Live().PeakBytes, $"{ordered.Live().PeakBytes} against {late.Live().PeakBytes}");
        Assert.Equal(late.Graph.Nodes.Select(node => node.Name).Order(), ordered.Graph.Nodes.Select(node => node.Name).Order());
        Assert.Equal(late.Graph.Outputs.Select(value => value.Name), ordered.Graph.Outputs.Select(value => value.Name));
        Assert.Equal(Forward(late.Graph), Forward(ordered.Graph));
    }

    [Fact]
    public void An_order_that_is_no_better_is_not_taken()
    {
        Schedule once = Scheduler.Run(Step(immediate: true));
        Assert.Same(once, Scheduler.Run(once));
    }

    [Fact]
    public void Backward_nodes_that_depend_on_nothing_of_the_forward_pass_are_ordered_too()
    {
        Variable w = new("w", new Shape(4), VariableKind.Weight);
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(4)));
        Value y = b.Add(OpCatalog.Abs, [x]);
        b.Stage = Stage.Backward;
        Value alone = b.Add(OpCatalog.Negate, [b.Variable(w)]);
        Graph graph = b.Build(b.Add(OpCatalog.Add, [alone, y]));
        Assert.Equal(3, Scheduler.Run(new Schedule(graph, new long[3])).Graph.Nodes.Count);
    }

    private static List<string> Forward(Graph graph) => [.. graph.Nodes.Where(node => node.Stage == Stage.Forward).Select(node => node.Name)];

    private static Schedule Step(bool immediate)
    {
        Trainee trainee = Trainee.Create(TrainingSteps.Network, UpdatePolicy.All, BatchNormMode.Frozen);
        Graph graph = TrainingGraph.Build(trainee, new TrainingGraphOptions(1, new OptimizerOptions(), Immediate: immediate)).Step;
        return new Schedule(graph, new long[graph.Nodes.Count]);
    }
}
