using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Text.RegularExpressions;
using Thomas.Autodiff;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Planning;
using Thomas.Runtime;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

public sealed partial class TrainingPlannerTests
{
    private const int Batch = 8;

    private static readonly TrainingPlanOptions All = new() { Batch = Batch, Compile = new CompileOptions { Threads = 2 } };

    /// <summary>The plan without a bound.</summary>
    private static readonly Lazy<TrainingPlan> Free = new(() => TrainingPlanner.Plan(TrainingSteps.Network, All));

    private static readonly ConcurrentDictionary<TrainingPlanOptions, TrainingPlan> SmallestPlans = [];

    public static TheoryData<string, BatchNormMode> Policies { get; } = new()
    {
        { "all", BatchNormMode.Frozen }, { "all", BatchNormMode.Live }, { "norm", BatchNormMode.Live }, { "norm", BatchNormMode.Frozen },
            { "bias", BatchNormMode.Frozen },
        { "last:3", BatchNormMode.Frozen },
    };

    [Theory]
    [MemberData(nameof(Policies))]
    public void What_is_allocated_is_what_was_planned(string policy, BatchNormMode batchNorm)
    {
        foreach (int micro in (int[])[Batch, 2])
        {
            TrainingPlan plan = TrainingPlanner.Plan(TrainingSteps.Network, Options(policy, batchNorm) with { MicroBatch = micro });
            using VariableStore store = new(plan.Graph.Variables);
            using StepProgram program = new(plan, store);
            long allocated = store.UsedBytes + program.Step.SizeBytes + (program.Apply?.SizeBytes ?? 0);
            Assert.Equal(plan.Memory.Allocated, allocated);
            Assert.Equal(plan.Memory.Total, allocated + plan.Memory.FrozenConstants);
            Assert.Equal(plan.Step.ArenaBytes, plan.Memory.StepArena);
            long parts = 0;
            foreach ((_, long bytes) in plan.Parts()) parts += bytes;
            Assert.Equal(plan.Memory.Total, parts);
            Assert.Equal(micro < Batch, plan.Memory.GradientSums > 0);
        }
    }

    [Theory]
    [MemberData(nameof(Policies))]
    public void Recomputation_and_order_change_no_bit(string policy, BatchNormMode batchNorm)
    {
        TrainingPlanOptions options = Options(policy, batchNorm);
        List<float> plain = TrainingSteps.Run(TrainingPlanner.Plan(TrainingSteps.Network, options with { Compile = options.Compile with { Reorder = false } }));
        Assert.Equal(plain, TrainingSteps.Run(TrainingPlanner.Plan(TrainingSteps.Network, options)));
        TrainingPlan smallest = Smallest(options);
        GraphVerifier.Verify(smallest.CompiledStep.Graph);
        Assert.Equal(plain, TrainingSteps.Run(smallest));
        Assert.True(policy == "last:3" || smallest.Recomputed.Count > 0, "nothing was recomputed");
    }

    [Fact]
    public void What_recomputation_drops_need_not_exist_in_the_forward_pass()
    {
        TrainingPlan free = Free.Value, smallest = Smallest(All);
        TrainingPlan without = TrainingPlanner.Smallest(
            TrainingSteps.Network, All with { Compile = All.Compile with { PassesOff = ["fuse-inverted-residual"] } });
        Assert.DoesNotContain(free.CompiledStep.Graph.Nodes, node => node.Op is InvertedResidual && node.Inputs[1].IsVariable);
        Assert.Contains(
            smallest.CompiledStep.Graph.Nodes,
            node => node is { Attributes: InvertedResidualAttributes { Project: null }, Stage: Stage.Forward } && node.Inputs[1].IsVariable);
        Assert.DoesNotContain(without.CompiledStep.Graph.Nodes, node => node.Op is InvertedResidual);
        Expect.True(smallest.Memory.Total <= without.Memory.Total, $"{smallest.Memory.Total} against {without.Memory.Total}");
        Assert.Equal(TrainingSteps.Run(without), TrainingSteps.Run(smallest));
        using VariableStore store = new(smallest.Graph.Variables);
        using StepProgram program = new(smallest, store);
        Assert.Equal(smallest.Memory.Allocated, store.UsedBytes + program.Step.SizeBytes);
    }

    [Fact]
    public void A_bound_is_kept_and_a_tighter_one_recomputes_more()
    {
        TrainingPlan free = Free.Value, smallest = Smallest(All);
        Assert.Empty(free.Recomputed);
        Expect.True(smallest.Memory.Total < 0.65 * free.Memory.Total, $"{smallest.Memory.Total} against {free.Memory.Total}");
        long before = 0;
        for (int share = 3; share >= 0; share--)
        {
            long bound = smallest.Memory.Total + ((free.Memory.Total - smallest.Memory.Total) * share / 4);
            TrainingPlan plan = TrainingPlanner.Plan(TrainingSteps.Network, All with { MemoryBytes = bound, MicroBatch = Batch });
            Expect.True(plan.Memory.Total <= bound, $"{plan.Memory.Total} exceeds {bound}");
            Assert.True(plan.RecomputedMultiplyAdds >= before, "a tighter bound costs less");
            before = plan.RecomputedMultiplyAdds;
        }

        Assert.True(before > 0);
    }

    [Fact]
    public void Under_a_bound_the_batch_is_cut_where_that_is_faster_than_recomputing()
    {
        TrainingPlanOptions options = All with { Batch = 4 * Batch };
        TrainingPlan free = TrainingPlanner.Plan(TrainingSteps.Network, options);
        TrainingPlan third = TrainingPlanner.Plan(TrainingSteps.Network, options with { MemoryBytes = free.Memory.Total / 3 });
        Assert.True(third.MicroBatch < 4 * Batch);
        Assert.True(third.Memory.Total <= free.Memory.Total / 3);
        foreach (int micro in (int[])[32, 16, 8, 4])
        {
            try
            {
                TrainingPlan other = TrainingPlanner.Plan(TrainingSteps.Network, options with { MemoryBytes = free.Memory.Total / 3, MicroBatch = micro });
                Expect.True(other.Seconds(CostModel.Nominal) >= third.Seconds(CostModel.Nominal) * 0.999, $"micro-batches of {micro} are faster");
            }
            catch (ThomasException)
            {
                Assert.NotEqual(third.MicroBatch, micro);
            }
        }

        List<float> whole = TrainingSteps.Run(free, 6), pieces = TrainingSteps.Run(third, 6);
        for (int i = 0; i < whole.Count; i++) Assert.Equal(whole[i], pieces[i], 1e-3f * whole[i]);
    }

    [Fact]
    public void With_live_normalization_the_largest_pieces_that_fit_are_taken()
    {
        TrainingPlanOptions live = All with { BatchNorm = BatchNormMode.Live };
        long bound = Smallest(live).Memory.Total;
        Assert.Equal(Batch, TrainingPlanner.Plan(TrainingSteps.Network, live with { MemoryBytes = bound }).MicroBatch);
    }

    [Fact]
    public void The_same_question_has_the_same_answer()
    {
        TrainingPlanOptions options = All with { MemoryBytes = Free.Value.Memory.Total / 2 };
        TrainingPlan first = TrainingPlanner.Plan(TrainingSteps.Network, options), second = TrainingPlanner.Plan(TrainingSteps.Network, options);
        Assert.Equal(first.ToText(), second.ToText());
        Assert.Equal(first.Step.Blocks, second.Step.Blocks);
    }

    [Theory]
    [InlineData("all")]
    [InlineData("bias")]
    [InlineData("last:2")]
    public void A_refusal_names_the_smallest_bound_and_that_works(string policy)
    {
        TrainingPlanOptions options = Options(policy, BatchNormMode.Frozen) with { MemoryBytes = 10_000 };
        ThomasException e = Assert.ThrowsAny<ThomasException>(() => TrainingPlanner.Plan(TrainingSteps.Network, options));
        Assert.Contains($"Training '{policy}' at batch {Batch} does not fit in 9.8KiB", e.Message, StringComparison.Ordinal);
        Assert.True(ByteSize.TryParse(Bound().Match(e.Message).Groups[1].Value, out long bound), e.Message);
        TrainingPlan plan = TrainingPlanner.Plan(TrainingSteps.Network, options with { MemoryBytes = bound });
        Assert.True(plan.Memory.Total <= bound);
        Assert.ThrowsAny<ThomasException>(() => TrainingPlanner.Plan(TrainingSteps.Network, options with { MemoryBytes = (long)(plan.Memory.Total * 0.98) }));
    }

    [Fact]
    public void Options_out_of_range_are_named()
    {
        Assert.Throws<ArgumentOutOfRangeException>("Batch", () => TrainingPlanner.Plan(TrainingSteps.Network, All with { Batch = 0 }));
        Assert.Throws<ArgumentOutOfRangeException>("MicroBatch", () => TrainingPlanner.Plan(TrainingSteps.Network, All with { MicroBatch = 3 }));
        Assert.Throws<ArgumentOutOfRangeException>("MemoryBytes", () => TrainingPlanner.Plan(TrainingSteps.Network, All with { MemoryBytes = 0 }));
    }

    [Fact]
    public void New_classes_get_a_new_last_layer()
    {
        Assert.Same(TrainingSteps.Network, TrainingPlanner.WithClasses(TrainingSteps.Network, TrainingSteps.Classes));
        Assert.Equal(9, TrainingPlanner.WithClasses(TrainingSteps.Network, 9).Graph.Outputs[0].Shape[-1]);
    }

    /// <summary>The smallest plan, which takes long to find: tests share it.</summary>
    private static TrainingPlan Smallest(TrainingPlanOptions options) =>
        SmallestPlans.GetOrAdd(options, wanted => TrainingPlanner.Smallest(TrainingSteps.Network, wanted));

    private static TrainingPlanOptions Options(string policy, BatchNormMode batchNorm)
    {
        Assert.True(UpdatePolicy.TryParse(policy, out UpdatePolicy parsed));
        return All with { Policy = parsed, BatchNorm = batchNorm };
    }

    [GeneratedRegex(@"smallest bound that works is ([0-9.]+[A-Za-z]+)\.")]
    private static partial Regex Bound();
}
