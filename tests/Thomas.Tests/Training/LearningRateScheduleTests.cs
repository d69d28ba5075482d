using System;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

public sealed class LearningRateScheduleTests
{
    [Fact]
    public void Warms_up_linearly_then_follows_half_a_cosine()
    {
        // 4 of 13 steps warm up; 8 steps lead from the peak at step 4 to the final rate at step 12.
        LearningRateSchedule schedule = new(0.8f, 13, warmupShare: 0.3f, finalShare: 0.1f);
        Assert.Equal(4, schedule.WarmupSteps);
        Assert.Equal(0.2f, schedule.At(0), 1e-7f);
        Assert.Equal(0.4f, schedule.At(1), 1e-7f);
        Assert.Equal(0.8f, schedule.At(3), 1e-7f);
        Assert.Equal(0.8f, schedule.At(4), 1e-7f);
        Assert.Equal(0.08 + (0.72 * (1 + Math.Sqrt(0.5)) / 2), schedule.At(6), 1e-7);
        Assert.Equal(0.08 + 0.36, schedule.At(8), 1e-7);
        Assert.Equal(0.08f, schedule.At(12), 1e-7f);
        Assert.Equal(0.08f, schedule.At(500), 1e-7f);
    }

    [Theory]
    [InlineData(1, 0.5f)]
    [InlineData(2, 0.9f)]
    public void The_last_step_never_warms_up(int steps, float share) => Assert.Equal(0.3f, new LearningRateSchedule(0.3f, steps, share).At(steps - 1));

    [Fact]
    public void A_final_share_of_one_keeps_the_rate()
    {
        LearningRateSchedule schedule = new(0.25f, 10, finalShare: 1);
        for (int step = 0; step < 10; step++) Assert.Equal(0.25f, schedule.At(step));
    }

    [Theory]
    [InlineData(0f, 10, 0f, 0f)]
    [InlineData(float.NaN, 10, 0f, 0f)]
    [InlineData(float.PositiveInfinity, 10, 0f, 0f)]
    [InlineData(0.1f, 0, 0f, 0f)]
    [InlineData(0.1f, 10, 1f, 0f)]
    [InlineData(0.1f, 10, 0f, 1.5f)]
    public void Numbers_outside_their_range_are_refused(float peak, int steps, float warmup, float final) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new LearningRateSchedule(peak, steps, warmup, final));
}
