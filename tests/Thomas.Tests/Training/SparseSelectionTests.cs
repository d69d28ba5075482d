using System;
using System.Collections.Generic;
using System.Linq;
using Thomas.Autodiff;
using Thomas.Runtime;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

public sealed class SparseSelectionTests
{
    private static readonly TrainingPlanOptions Options = new() { Batch = 16, Compile = new CompileOptions { Threads = 1 } };

    [Fact]
    public void More_memory_trains_more_and_the_bound_is_kept()
    {
        long least = TrainableSize(UpdatePolicy.Last), most = TrainableSize(UpdatePolicy.All);
        int tensors = 0;
        for (int share = 0; share <= 4; share++)
        {
            long bound = least + ((most - least) * share / 4);
            TrainingPlan plan = Plan(bound);
            Expect.True(plan.Memory.Total <= bound, $"{plan.Memory.Total} exceeds {bound}");
            Assert.Empty(plan.Recomputed);
            Expect.True(plan.TrainedTensors.Count >= tensors, $"{plan.TrainedTensors.Count} tensors in {bound} bytes, {tensors} in less");
            tensors = plan.TrainedTensors.Count;
        }

        Assert.Equal(TrainingPlanner.Plan(TrainingSteps.Network, Options).TrainedTensors, Plan(4 * most).TrainedTensors);
    }

    [Fact]
    public void Biases_come_before_weights_and_expansions_before_other_weights()
    {
        long least = TrainableSize(UpdatePolicy.Last), most = TrainableSize(UpdatePolicy.All);
        TrainingPlan plan = Plan(least + ((most - least) / 4));
        List<Parameter> all = [.. Parameter.Find(Trainee.SourceOf(TrainingSteps.Network, UpdatePolicy.All, BatchNormMode.Frozen))];
        HashSet<string> trained = [.. plan.TrainedTensors];
        int last = all.Max(p => p.Layer), depth = all.Where(p => p.Role == ParameterRole.Bias && trained.Contains(p.Constant.Name)).Min(p => p.Layer);
        Assert.InRange(depth, 1, last - 1);
        Assert.All(all.Where(p => p.Role == ParameterRole.Bias), p => Assert.Equal(p.Layer >= depth, trained.Contains(p.Constant.Name)));
        Assert.All(all.Where(p => p.Role == ParameterRole.Weight && p.Layer < depth), p => Assert.DoesNotContain(p.Constant.Name, trained));
        Assert.Contains(all, p => p.Layer == last && p.Role == ParameterRole.Weight && trained.Contains(p.Constant.Name));
    }

    [Fact]
    public void A_bound_too_small_for_the_last_layer_is_refused()
    {
        ThomasException e = Assert.Throws<ThomasException>(() => Plan(1000));
        Assert.Contains("Not even the last layer", e.Message, StringComparison.Ordinal);
        Assert.True(ByteSize.TryParse(e.Message.Split(' ')[^1].TrimEnd('.'), out long bound), e.Message);
        Assert.True(Plan(bound).Memory.Total <= bound);
    }

    [Fact]
    public void What_is_selected_learns()
    {
        long least = TrainableSize(UpdatePolicy.Last), most = TrainableSize(UpdatePolicy.All);
        List<float> losses = TrainingSteps.Run(Plan(least + ((most - least) / 3)), 10);
        Assert.True(losses[^1] < losses[0], string.Join(' ', losses));
    }

    private static long TrainableSize(UpdatePolicy policy) =>
        TrainingPlanner.Plan(TrainingSteps.Network, Options with { Policy = policy, MicroBatch = 8 }).Memory.Total;

    private static TrainingPlan Plan(long bound) =>
        TrainingPlanner.Plan(TrainingSteps.Network, Options with { Policy = new UpdatePolicy(UpdateKind.Sparse, MemoryBytes: bound) });
}
