using System;
using System.Collections.Generic;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

public sealed class BatchPlanTests
{
    private static readonly int[] Labels = [0, 0, 0, 0, 0, 0, 1, 1, 1, 2];

    [Fact]
    public void Every_image_comes_once_an_epoch_in_an_order_of_seed_and_epoch()
    {
        List<int> first = Order(Plan(seed: 1), 1), second = Order(Plan(seed: 1), 2);
        Assert.Equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], Sorted(first));
        Assert.Equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], Sorted(second));
        Assert.NotEqual(first, second);
        Assert.NotEqual(first, Order(Plan(seed: 2), 1));
        BatchPlan plan = Plan(seed: 1);
        plan.Begin(7);
        Assert.Equal(second, Order(plan, 2));
    }

    [Theory]
    [InlineData(false, 0f, 0f)]
    [InlineData(true, 0f, 0f)]
    [InlineData(false, 0.4f, 0f)]
    [InlineData(true, 0.4f, 1f)]
    public void The_weights_of_a_step_sum_to_one_whatever_the_classes_and_the_mix(bool fillsUp, float mixup, float cutMix)
    {
        BatchPlan plan = Plan(fillsUp: fillsUp, mixup: mixup, cutMix: cutMix);
        plan.Begin(3);
        for (int step = 0; step < plan.Steps; step++)
        {
            double sum = 0;
            Rng rng = new(0);
            for (int row = 0; row < plan.Rows(step); row++) sum += plan.Weight(plan.Draw((step * 4) + row, rng), step);
            Assert.Equal(1, sum, 1e-6);
        }
    }

    [Fact]
    public void Weights_of_classes_make_them_count_the_same()
    {
        float[] weights = BatchPlan.ClassWeights(Labels, 4, ClassBalance.Weighted);
        Assert.Equal([10f / 18, 10f / 9, 10f / 3, 0], weights);
        Assert.Equal([1, 1, 1, 1], BatchPlan.ClassWeights(Labels, 4, ClassBalance.None));
    }

    [Fact]
    public void The_last_step_is_short_or_filled_up_from_the_start_of_the_order()
    {
        BatchPlan shorter = Plan(), filled = Plan(fillsUp: true);
        Assert.Equal(3, shorter.Steps);
        Assert.Equal((2, 1), (shorter.Rows(2), shorter.Runs(2)));
        Assert.Equal((4, 2, 2), (filled.Rows(2), filled.NewRows(2), filled.Runs(2)));
        filled.Begin(1);
        Rng rng = new(0);
        Assert.Equal(filled.Draw(0, rng).Sample, filled.Draw(10, rng).Sample);
        Assert.Equal(filled.Draw(1, rng).Sample, filled.Draw(11, rng).Sample);
    }

    [Fact]
    public void Targets_are_smoothed_and_mixed()
    {
        BatchPlan plan = Plan();
        float[] target = new float[3];
        plan.Target(new Pick(0, 0, 0, 0, new Mix(1)), 0.3f, target);
        Assert.Equal([0.8f, 0.1f, 0.1f], target, Close);
        plan.Target(new Pick(0, 0, 9, 0, new Mix(0.25f)), 0.3f, target);
        Assert.Equal([0.1f + (0.7f * 0.25f), 0.1f, 0.1f + (0.7f * 0.75f)], target, Close);
    }

    [Fact]
    public void Mixed_images_of_one_position_are_the_same_each_time()
    {
        BatchPlan plan = Plan(mixup: 0.4f, cutMix: 1);
        plan.Begin(1);
        Rng a = new(0), b = new(5);
        for (int position = 0; position < 10; position++)
        {
            Assert.Equal(plan.Draw(position, a), plan.Draw(position, b));
            Assert.Equal(a.State, b.State);
        }
    }

    private static bool Close(float a, float b) => MathF.Abs(a - b) < 1e-6f;

    private static BatchPlan Plan(ulong seed = 1, bool fillsUp = false, float mixup = 0, float cutMix = 0) => new(
        Labels, BatchPlan.ClassWeights(Labels, 3, ClassBalance.Weighted), new BatchPlanOptions(4, 2, fillsUp, 1, mixup, cutMix, 12, 10, seed));

    private static List<int> Order(BatchPlan plan, int epoch)
    {
        plan.Begin(epoch);
        List<int> order = [];
        for (int position = 0; position < plan.Samples; position++) order.Add(plan.Draw(position, new Rng(0)).Sample);
        return order;
    }

    private static List<int> Sorted(List<int> order)
    {
        List<int> sorted = [.. order];
        sorted.Sort();
        return sorted;
    }
}
