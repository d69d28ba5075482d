using System;
using System.Collections.Generic;
using Thomas.Planning;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Planning;

public sealed class OffsetAssignmentTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Ranges_that_live_together_do_not_overlap(uint seed)
    {
        List<LiveRange> ranges = Random(seed, 120);
        long bound = LowerBound(ranges);
        long[] offsets = OffsetAssignment.Run(ranges, bound, out long arena);
        long end = 0;
        for (int i = 0; i < offsets.Length; i++)
        {
            end = Math.Max(end, offsets[i] + ranges[i].Size);
            for (int j = 0; j < i; j++)
            {
                bool overlap = offsets[i] < offsets[j] + ranges[j].Size && offsets[j] < offsets[i] + ranges[i].Size;
                Expect.True(!(overlap && ranges[i].Overlaps(ranges[j])), $"{ranges[i]} and {ranges[j]} share bytes");
            }
        }

        Assert.Equal(end, arena);
        Assert.InRange(arena, bound, bound * 103 / 100);
        Assert.Equal(offsets, OffsetAssignment.Run(ranges, bound, out _));
    }

    [Fact]
    public void The_search_finds_what_no_greedy_order_does()
    {
        // Robson's classic: each order leaves a gap, the right mixture none.
        LiveRange[] ranges = [Range(2, 0, 1), Range(1, 0, 2), Range(1, 1, 4), Range(2, 2, 3), Range(1, 3, 6), Range(2, 4, 5), Range(3, 5, 7), Range(1, 6, 8)];
        OffsetAssignment.Run(ranges, LowerBound(ranges), out long arena);
        Assert.Equal(LowerBound(ranges), arena);
    }

    private static List<LiveRange> Random(uint seed, int count)
    {
        float[] noise = TestGraphs.Noise(3 * count, seed);
        List<LiveRange> ranges = [];
        for (int i = 0; i < count; i++)
        {
            int first = (int)((noise[3 * i] + 1) * 100), length = 1 + (int)((noise[(3 * i) + 1] + 1) * 15);
            ranges.Add(Range(1 + (int)((noise[(3 * i) + 2] + 1) * 50), first, first + length));
        }

        return ranges;
    }

    private static LiveRange Range(int units, int first, int last) => new("range", MemoryKind.Activation, units * CpuPlace.Alignment, first, last);

    private static long LowerBound(IReadOnlyList<LiveRange> ranges)
    {
        long bound = 0;
        for (int step = 0; step < 300; step++)
        {
            long live = 0;
            foreach (LiveRange range in ranges) live += range.FirstStep <= step && step <= range.LastStep ? range.Size : 0;
            bound = Math.Max(bound, live);
        }

        return bound;
    }
}
