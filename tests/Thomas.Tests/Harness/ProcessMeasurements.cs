using System;
using Xunit;

namespace Thomas.Tests.Harness;

/// <summary>Tests that measure the whole process, such as what all threads allocate: they run one after the other when all others are done.</summary>
[CollectionDefinition(nameof(ProcessMeasurements), DisableParallelization = true)]
public sealed class ProcessMeasurements
{
    private const int Rounds = 40;
    private const int RoundsHere = 5;

    /// <summary>
    /// The least that all threads allocate in one of many rounds. What the round itself allocates is in each of them. The threads that count coverage allocate
    /// every ten milliseconds, so rounds should be shorter than that.
    /// </summary>
    public static long LeastAllocated(Action round)
    {
        long least = long.MaxValue;
        for (int i = 0; i < Rounds; i++)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            round();
            least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
        }

        return least;
    }

    /// <summary>
    /// The least that the calling thread allocates in one of a few rounds; other tests may run meanwhile. The runtime itself allocates on a thread now and then
    /// (when it waits for a lock, or when code is compiled anew), so that one round says little; what the round itself allocates is in each of them.
    /// </summary>
    public static long LeastAllocatedHere(Action round)
    {
        long least = long.MaxValue;
        for (int i = 0; i < RoundsHere && least > 0; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            round();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }
}
