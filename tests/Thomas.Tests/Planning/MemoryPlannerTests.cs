using System;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Passes;
using Thomas.Planning;
using Thomas.Runtime;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Planning;

public sealed class MemoryPlannerTests
{
    [Fact]
    public void Blocks_that_live_together_do_not_overlap_and_fill_the_arena()
    {
        using Executable executable = Executable.Compile(ImportPasses.Run(TestGraphs.NchwBlock()), 3);
        MemoryPlan plan = executable.Plan;
        long end = 0;
        for (int i = 0; i < plan.Blocks.Count; i++)
        {
            MemoryBlock a = plan.Blocks[i];
            Assert.Equal(0, a.Offset % CpuPlace.Alignment);
            end = Math.Max(end, a.Offset + a.Size);
            for (int j = 0; j < i; j++)
            {
                MemoryBlock b = plan.Blocks[j];
                bool together = a.FirstStep <= b.LastStep && b.FirstStep <= a.LastStep;
                bool overlap = a.Offset < b.Offset + b.Size && b.Offset < a.Offset + a.Size;
                Expect.True(!(together && overlap), $"{a} and {b} share bytes");
            }
        }

        Assert.Equal(plan.ArenaBytes, end);
        Assert.True(plan.LowerBoundBytes <= plan.ArenaBytes);
    }

    [Fact]
    public void The_plan_of_a_step_says_what_is_live_when_and_of_what_kind()
    {
        MemoryPlan plan =
            TrainingPlanner.Smallest(TrainingSteps.Network, new TrainingPlanOptions { Batch = 4, Compile = new CompileOptions { Threads = 1 } }).Step;
        long sum = 0;
        foreach (MemoryKind kind in Enum.GetValues<MemoryKind>()) sum += plan.PeakBytes(kind);
        Assert.Equal(plan.LowerBoundBytes, sum);
        Assert.Equal(plan.LowerBoundBytes, plan.Timeline[plan.PeakStep + 1]);
        Assert.True(plan.PeakBytes(MemoryKind.SavedActivation) > 0);
        Assert.Contains(plan.Blocks, block => block.Kind == MemoryKind.Recomputed);
        Assert.Contains(plan.Blocks, block => block.Kind == MemoryKind.Gradient);
        Assert.Contains(plan.Blocks, block => block is { Kind: MemoryKind.Input, Name: "input", FirstStep: -1 });
        foreach (MemoryBlock block in plan.Blocks) Assert.InRange(block.LastStep, block.FirstStep, plan.Timeline.Count - 2);
        string text = plan.ToText();
        Assert.Contains("<- peak", text, StringComparison.Ordinal);
        Assert.Contains(" backward ", text, StringComparison.Ordinal);
        Assert.Equal(25, text.TrimEnd().Split('\n').Length);
        Expect.True(plan.ArenaBytes <= plan.LowerBoundBytes * 1.03, $"{plan.ArenaBytes} for {plan.LowerBoundBytes}");
    }

    [Fact]
    public void Sharing_memory_changes_no_bit()
    {
        Graph graph = ImportPasses.Run(TestGraphs.NchwBlock());
        Assert.Equal(TestGraphs.Run(graph, new CompileOptions { ShareMemory = false }), TestGraphs.Run(graph));
    }

    [Fact]
    public void A_chain_of_element_wise_nodes_needs_one_buffer_besides_the_input()
    {
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(1, 16, 16, 4)));
        Value y = x;
        for (int i = 0; i < 5; i++) y = b.Add(OpCatalog.Abs, [y]);
        MemoryPlan plan = MemoryPlanner.Plan(b.Build(y), new long[5]);
        Assert.Equal(2 * 16 * 16 * 4 * 4, plan.ArenaBytes);
    }

    [Fact]
    public void An_operand_that_is_read_again_is_not_overwritten()
    {
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(1, 8)));
        Value doubled = b.Add(OpCatalog.Add, [x, x]);
        Value view = b.Add(OpCatalog.Reshape, [doubled], new ReshapeAttributes(new IntList(2, 4)));
        Value negated = b.Add(OpCatalog.Negate, [doubled]);
        Value back = b.Add(OpCatalog.Reshape, [view], new ReshapeAttributes(new IntList(1, 8)));
        Graph graph = b.Build(b.Add(OpCatalog.Subtract, [back, negated]));
        Assert.Equal(TestGraphs.Run(graph, TestGraphs.Oracle), TestGraphs.Run(graph));
        float[] noise = TestGraphs.Noise(8, 7);
        float[] result = TestGraphs.Run(graph);
        for (int i = 0; i < 8; i++) Assert.Equal(4 * noise[i], result[i]);
    }
}
