using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Thomas.Kernels;
using Thomas.Runtime;
using Xunit;

namespace Thomas.Tests.Runtime;

public class ThreadTeamTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Every_item_runs_once_whatever_the_counts(int threads)
    {
        using ThreadTeam team = new(threads);
        Assert.Equal(threads, team.Threads);
        for (int items = 0; items < 40; items++)
        {
            Counter work = new(items);
            team.Run(work, 7, items);
            Assert.Equal(7, items == 0 ? 7 : work.Phase);
            Assert.All(work.Counts, count => Assert.Equal(1, count));
            Assert.True(work.LargestThread < threads);
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void A_thread_that_is_held_up_does_not_hold_up_the_items_it_has_not_begun(int threads)
    {
        using ThreadTeam team = new(threads);
        HeldUp work = new(64);
        team.Run(work, 0, 64);
        Assert.True(work.OthersFinished, "the other threads did not take over the rest of the share");
        Assert.All(work.Counts, count => Assert.Equal(1, count));
    }

    [Fact]
    public void Many_short_runs_in_a_row_lose_and_repeat_nothing()
    {
        using ThreadTeam team = new(4);
        Counter work = new(37);
        for (int i = 1; i <= 20_000; i++)
            team.Run(work, 0, 1 + (i % 37));
        long total = 0;
        foreach (int count in work.Counts)
            total += count;
        long expected = 0;
        for (int i = 1; i <= 20_000; i++)
            expected += 1 + (i % 37);
        Assert.Equal(expected, total);
    }

    [Fact]
    public void A_warm_run_allocates_nothing_on_any_thread()
    {
        using ThreadTeam team = new(2);
        AllocationProbe work = new();
        long[] before = new long[2];
        for (int i = 0; i < 200; i++)
            team.Run(work, 0, 2);
        Thread.Sleep(5); // longer than the spin, so that waking a sleeper is warm too
        team.Run(work, 0, 2);

        // The runtime itself allocates now and then on a thread that waits for a lock; a run that did would do it in every round.
        for (int round = 0; round < 5; round++)
        {
            work.Allocated.CopyTo(before, 0);
            for (int i = 0; i < 1000; i++)
                team.Run(work, 0, 2);
            if (before.AsSpan().SequenceEqual(work.Allocated)) return;
        }

        Assert.Equal(before, work.Allocated);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public void An_exception_reaches_the_caller_and_the_team_goes_on(int failingItem)
    {
        using ThreadTeam team = new(4);
        for (int i = 0; i < 20; i++)
        {
            InvalidDataException e = Assert.Throws<InvalidDataException>(() => team.Run(new Failing(failingItem), 0, 4));
            Assert.Equal($"item {failingItem}", e.Message);
        }

        Counter work = new(8);
        team.Run(work, 0, 8);
        Assert.All(work.Counts, count => Assert.Equal(1, count));
    }

    [Fact]
    public void Use_from_inside_its_own_work_is_refused()
    {
        using ThreadTeam team = new(2);
        Assert.Throws<InvalidOperationException>(() => team.Run(new Nested(team), 0, 2));
    }

    [Fact]
    public async Task Several_callers_and_more_threads_than_cores_finish()
    {
        using ThreadTeam shared = new(8);
        Task[] callers = new Task[4];
        for (int t = 0; t < callers.Length; t++)
        {
            callers[t] = Task.Run(() =>
            {
                using ThreadTeam own = new(3);
                for (int i = 0; i < 50; i++)
                {
                    Counter a = new(16), b = new(5);
                    shared.Run(a, 0, 16);
                    own.Run(b, 0, 5);
                    Assert.All(a.Counts, count => Assert.Equal(1, count));
                    Assert.All(b.Counts, count => Assert.Equal(1, count));
                }
            }, TestContext.Current.CancellationToken);
        }

        await Task.WhenAll(callers).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
    }

    [Fact]
    public void Idle_workers_sleep_and_wake_again()
    {
        using ThreadTeam team = new(3);
        for (int i = 0; i < 5; i++)
        {
            Counter work = new(3);
            team.Run(work, 0, 3);
            Assert.All(work.Counts, count => Assert.Equal(1, count));
            Assert.True(SpinWait.SpinUntil(() => team.SleepingWorkers == 2, TimeSpan.FromSeconds(30)));
        }
    }

    [Fact]
    public void Short_work_does_not_wake_sleepers_and_is_done_all_the_same()
    {
        using ThreadTeam team = new(3);
        Counter first = new(3), second = new(8), third = new(8);
        team.Run(first, 0, 3);
        Assert.True(SpinWait.SpinUntil(() => team.SleepingWorkers == 2, TimeSpan.FromSeconds(30)));
        team.Run(second, 0, 8, wake: false);
        Assert.Equal(2, team.SleepingWorkers);
        Assert.Equal(0, second.LargestThread);
        team.Run(third, 0, 8);
        Assert.All(second.Counts, count => Assert.Equal(1, count));
        Assert.All(third.Counts, count => Assert.Equal(1, count));
    }

    [Fact]
    public void Some_asleep_and_some_awake_do_every_item_once_without_waking()
    {
        using ThreadTeam team = new(4);
        Counter work = new(37);
        long expected = 0;
        for (int i = 1; i <= 2000; i++)
        {
            if (i % 50 == 0) Thread.Sleep(1);
            team.Run(work, 0, 1 + (i % 37), wake: i % 3 == 0);
            expected += 1 + (i % 37);
        }

        long total = 0;
        foreach (int count in work.Counts) total += count;
        Assert.Equal(expected, total);
    }

    [Fact]
    public void A_disposed_team_refuses_work()
    {
        ThreadTeam team = new(2);
        team.Dispose();
        team.Dispose();
        Assert.Throws<ObjectDisposedException>(() => team.Run(new Counter(2), 0, 2));
    }

    [Fact]
    public void Small_cores_are_not_counted()
    {
        string folder = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        int[] capacities = [250, 250, 250, 250, 870, 870, 870, 1024];
        for (int i = 0; i < capacities.Length; i++)
        {
            Directory.CreateDirectory(Path.Combine(folder, $"cpu{i}"));
            File.WriteAllText(Path.Combine(folder, $"cpu{i}", "cpu_capacity"), $"{capacities[i]}\n");
        }

        int expected = OperatingSystem.IsLinux() ? 4 : 8;
        Assert.Equal(expected, ThreadTeam.CountPerformanceCores(8, folder));
        Assert.Equal(2, ThreadTeam.CountPerformanceCores(2, folder));
        File.WriteAllText(Path.Combine(folder, "cpu3", "cpu_capacity"), "many");
        Assert.Equal(8, ThreadTeam.CountPerformanceCores(8, folder));
        Directory.Delete(folder, recursive: true);
        Assert.Equal(6, ThreadTeam.CountPerformanceCores(6, folder));
    }

    private sealed class Counter(int items) : IParallelWork
    {
        public int[] Counts { get; } = new int[items];

        public int Phase { get; private set; }

        public int LargestThread { get; private set; }

        public void Run(int phase, int begin, int end, int thread)
        {
            lock (this)
            {
                Phase = phase;
                LargestThread = Math.Max(LargestThread, thread);
            }

            for (int i = begin; i < end; i++)
                Interlocked.Increment(ref Counts[i]);
        }
    }

    /// <summary>The first piece to run on a worker waits until all other items are done.</summary>
    private sealed class HeldUp(int items) : IParallelWork
    {
        private int _done;
        private int _held;

        public int[] Counts { get; } = new int[items];

        public bool OthersFinished { get; private set; } = true;

        public void Run(int phase, int begin, int end, int thread)
        {
            for (int i = begin; i < end; i++)
                Interlocked.Increment(ref Counts[i]);
            if (thread != 0 && Interlocked.Exchange(ref _held, 1) == 0)
            {
                OthersFinished = SpinWait.SpinUntil(() => Volatile.Read(ref _done) == items - (end - begin), TimeSpan.FromSeconds(20));
            }

            Interlocked.Add(ref _done, end - begin);
        }
    }

    private sealed class AllocationProbe : IParallelWork
    {
        public long[] Allocated { get; } = new long[2];

        public void Run(int phase, int begin, int end, int thread) => Allocated[thread] = GC.GetAllocatedBytesForCurrentThread();
    }

    private sealed class Failing(int item) : IParallelWork
    {
        public void Run(int phase, int begin, int end, int thread)
        {
            if (begin <= item && item < end) throw new InvalidDataException($"item {item}");
        }
    }

    private sealed class Nested(ThreadTeam team) : IParallelWork
    {
        public void Run(int phase, int begin, int end, int thread)
        {
            team.Run(new Counter(2), 0, 2);
        }
    }
}
