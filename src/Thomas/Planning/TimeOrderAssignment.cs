using System;
using System.Collections.Generic;

namespace Thomas.Planning;

/// <summary>
/// Gives ranges offsets in the order in which they begin, each in the smallest gap that is wide enough: the allocator of a program that runs once. Takes n log
/// n time for n ranges, and finds the least memory for chains.
/// </summary>
internal sealed class TimeOrderAssignment
{
    private readonly SortedSet<(long Size, long Begin)> _gaps = [];
    private readonly Dictionary<long, long> _endOf = [];
    private readonly Dictionary<long, long> _beginOf = [];
    private long _end;

    private TimeOrderAssignment()
    {
    }

    /// <param name="ranges">What to place.</param>
    /// <param name="arenaBytes">The end of the highest range.</param>
    /// <returns>The offset of each range.</returns>
    public static long[] Run(IReadOnlyList<LiveRange> ranges, out long arenaBytes)
    {
        int[] byFirst = Order(ranges, static range => range.FirstStep), byLast = Order(ranges, static range => range.LastStep);
        long[] offsets = new long[ranges.Count];
        TimeOrderAssignment assignment = new();
        int ended = 0;
        arenaBytes = 0;
        foreach (int index in byFirst)
        {
            for (; ranges[byLast[ended]].LastStep < ranges[index].FirstStep; ended++) assignment.Free(offsets[byLast[ended]], ranges[byLast[ended]].Size);
            offsets[index] = assignment.Take(ranges[index].Size);
            arenaBytes = Math.Max(arenaBytes, assignment._end);
        }

        return offsets;
    }

    private static int[] Order(IReadOnlyList<LiveRange> ranges, Func<LiveRange, int> step)
    {
        int[] order = new int[ranges.Count], keys = new int[ranges.Count];
        for (int i = 0; i < order.Length; i++) (order[i], keys[i]) = (i, step(ranges[i]));
        Array.Sort(order, (a, b) => keys[a] != keys[b] ? keys[a].CompareTo(keys[b]) : a.CompareTo(b));
        return order;
    }

    private long Take(long size)
    {
        (long Size, long Begin) gap = _gaps.GetViewBetween((size, 0), (long.MaxValue, long.MaxValue)).Min;
        if (gap.Size == 0)
        {
            // A gap at the end can be widened.
            long begin = _end;
            if (_beginOf.TryGetValue(_end, out long last))
            {
                Remove(last, _end);
                begin = last;
            }

            _end = begin + size;
            return begin;
        }

        Remove(gap.Begin, gap.Begin + gap.Size);
        if (gap.Size > size) Add(gap.Begin + size, gap.Begin + gap.Size);
        return gap.Begin;
    }

    private void Free(long begin, long size)
    {
        long end = begin + size;
        if (_beginOf.TryGetValue(begin, out long before))
        {
            Remove(before, begin);
            begin = before;
        }

        if (_endOf.TryGetValue(end, out long after))
        {
            Remove(end, after);
            end = after;
        }

        Add(begin, end);
    }

    private void Add(long begin, long end)
    {
        _gaps.Add((end - begin, begin));
        _endOf.Add(begin, end);
        _beginOf.Add(end, begin);
    }

    private void Remove(long begin, long end)
    {
        _gaps.Remove((end - begin, begin));
        _endOf.Remove(begin);
        _beginOf.Remove(end);
    }
}
