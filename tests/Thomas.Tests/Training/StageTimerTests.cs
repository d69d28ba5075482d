using System;
using System.Threading;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

public sealed class StageTimerTests
{
    [Fact]
    public void Stages_keep_their_order_and_add_up()
    {
        StageTimer timer = new();
        using (timer.Measure("features"))
        {
            Thread.Sleep(20);
            timer.Add("decode", TimeSpan.FromSeconds(2));
        }

        timer.Add("decode", TimeSpan.FromSeconds(1));
        StageTimes times = timer.Times;
        Assert.Equal(["features", "decode"], [times.Stages[0].Name, times.Stages[1].Name]);
        Assert.True(times.Of("features") >= TimeSpan.FromMilliseconds(19));
        Assert.Equal(TimeSpan.FromSeconds(3), times.Of("decode"));
        Assert.Equal(TimeSpan.Zero, times.Of("save"));
        Assert.Equal(times.Of("features") + TimeSpan.FromSeconds(3), times.Total);
    }

    [Fact]
    public void A_stage_that_ends_twice_counts_once()
    {
        StageTimer timer = new();
        StageTimer.Stage stage = timer.Measure("train");
        Thread.Sleep(5);
        stage.Dispose();
        TimeSpan once = timer.Times.Of("train");
        Thread.Sleep(5);
        stage.Dispose();
        Assert.Equal(once, timer.Times.Of("train"));
    }

    [Fact]
    public void The_table_shows_seconds_and_shares()
    {
        StageTimer timer = new();
        timer.Add("decode", TimeSpan.FromMilliseconds(750));
        timer.Add("train", TimeSpan.FromMilliseconds(250));
        string expected = string.Join('\n',
            "decode      0.750 s    75%",
            "train       0.250 s    25%",
            "total       1.000 s");
        Assert.Equal(expected, timer.Times.ToTable());
    }
}
