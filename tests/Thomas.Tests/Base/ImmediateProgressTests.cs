using System;
using System.Collections.Generic;
using Xunit;

namespace Thomas.Tests.Base;

public sealed class ImmediateProgressTests
{
    [Fact]
    public void Reports_come_at_once_in_order_on_the_same_thread()
    {
        List<(int Value, int Thread)> told = [];
        ImmediateProgress<int> progress = new(value => told.Add((value, Environment.CurrentManagedThreadId)));
        for (int i = 0; i < 100; i++)
        {
            progress.Report(i);
            Assert.Equal((i, Environment.CurrentManagedThreadId), told[^1]);
        }

        Assert.Equal(100, told.Count);
    }

    [Fact]
    public void What_the_receiver_throws_reaches_the_work() =>
        Assert.Throws<OperationCanceledException>(() => new ImmediateProgress<int>(static _ => throw new OperationCanceledException()).Report(1));
}
