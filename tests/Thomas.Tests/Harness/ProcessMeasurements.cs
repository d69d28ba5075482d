using System;
using Xunit;

namespace Thomas.Tests.Harness;

/// <summary>Tests that measure the whole process, such as what all threads allocate: they run one after the other when all others are done.</summary>
[CollectionDefinition(nameof(ProcessMeasurements), DisableParallelization = true)]
public sealed class ProcessMeasurements
{
    private const int Rounds = 5;

    /// <summary>
    /// The least that all threads allocate in one of several rounds. What the round itself allocates is in each of them; what the test runner's own threads do at times is not.
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
}
