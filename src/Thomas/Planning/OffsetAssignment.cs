using System;
using System.Collections.Generic;

namespace Thomas.Planning;

/// <summary>
/// Gives ranges offsets so that those that overlap in time do not overlap in memory (dynamic storage allocation, which is NP-hard): a few greedy orders, then a
/// search by small changes to the best of them, with a fixed seed. It stops at the lower bound.
/// </summary>
internal sealed class OffsetAssignment
{
    /// <summary>Comparisons of two ranges that the search may make: some tens of milliseconds.</summary>
    private const long SearchBudget = 6_000_000;

    /// <summary>
    /// Placing takes the square of the number of ranges: from so many on they are placed in order of time, where a list of what is free is enough.
    /// </summary>
    private const int ManyRanges = 2048, TooManyRanges = 8192;

    private readonly IReadOnlyList<LiveRange> _ranges;
    private readonly long[] _offsets;
    private readonly int[] _placed;
    private int _count;
    private long _comparisons;
    private uint _random = 1;

    private OffsetAssignment(IReadOnlyList<LiveRange> ranges)
    {
        _ranges = ranges;
        _offsets = new long[ranges.Count];
        _placed = new int[ranges.Count];
    }

    /// <param name="ranges">What to place.</param>
    /// <param name="lowerBound">The largest sum of sizes live at one step.</param>
    /// <param name="arenaBytes">The end of the last range.</param>
    /// <returns>The offset of each range.</returns>
    public static long[] Run(IReadOnlyList<LiveRange> ranges, long lowerBound, out long arenaBytes) =>
        new OffsetAssignment(ranges).Search(lowerBound, out arenaBytes);

    private long[] Search(long lowerBound, out long arenaBytes)
    {
        Comparison<LiveRange>[] orders =
        [
            static (a, b) => b.Size.CompareTo(a.Size),
            static (a, b) => (b.Size * (b.LastStep - b.FirstStep + 1)).CompareTo(a.Size * (a.LastStep - a.FirstStep + 1)),
            static (a, b) => a.FirstStep.CompareTo(b.FirstStep),
            static (a, b) => (b.LastStep - b.FirstStep).CompareTo(a.LastStep - a.FirstStep),
            static (a, b) => b.LastStep.CompareTo(a.LastStep),
        ];
        int[] sequence = [];
        long[] best = [];
        arenaBytes = long.MaxValue;
        if (_ranges.Count > ManyRanges)
        {
            best = TimeOrderAssignment.Run(_ranges, out arenaBytes);
            if (arenaBytes <= lowerBound || _ranges.Count > TooManyRanges) return best;
            sequence = Sorted(orders[2]);
        }

        foreach (Comparison<LiveRange> order in orders)
        {
            int[] candidate = Sorted(order);
            long size = Place(candidate, arenaBytes);
            if (size >= arenaBytes) continue;
            (arenaBytes, sequence, best) = (size, candidate, [.. _offsets]);
            if (size <= lowerBound) return best;
        }

        // What ends highest was placed too late: move it, or what lies beneath it, forward.
        _comparisons = 0;
        int[] trial = [.. sequence];
        while (_comparisons < SearchBudget && arenaBytes > lowerBound)
        {
            sequence.CopyTo(trial, 0);
            MoveForward(trial, HighestIn(best, arenaBytes));
            if (Next(2) == 0) MoveForward(trial, trial[Next(trial.Length)]);
            long size = Place(trial, arenaBytes);
            if (size > arenaBytes) continue;
            if (size < arenaBytes) best = [.. _offsets];
            arenaBytes = size;
            trial.CopyTo(sequence, 0);
        }

        return best;
    }

    private int[] Sorted(Comparison<LiveRange> order)
    {
        int[] sequence = new int[_ranges.Count];
        for (int i = 0; i < sequence.Length; i++) sequence[i] = i;
        Array.Sort(sequence, (a, b) => order(_ranges[a], _ranges[b]) is int c && c != 0 ? c : a.CompareTo(b));
        return sequence;
    }

    private int HighestIn(long[] offsets, long end)
    {
        for (int i = 0; i < offsets.Length; i++)
        {
            if (offsets[i] + _ranges[i].Size == end) return i;
        }

        return 0;
    }

    private void MoveForward(int[] sequence, int range)
    {
        int at = Array.IndexOf(sequence, range);
        if (at == 0) return;
        int to = Next(at);
        Array.Copy(sequence, to, sequence, to + 1, at - to);
        sequence[to] = range;
    }

    /// <summary>A number below the bound, by xorshift (Marsaglia 2003).</summary>
    private int Next(int bound)
    {
        _random ^= _random << 13;
        _random ^= _random >> 17;
        _random ^= _random << 5;
        return (int)(_random % (uint)bound);
    }

    /// <summary>Places ranges one by one at the lowest offset that is free during their whole life; gives up above the limit.</summary>
    private long Place(int[] sequence, long limit)
    {
        _count = 0;
        long end = 0;
        foreach (int index in sequence)
        {
            LiveRange range = _ranges[index];
            long offset = 0;

            // "_placed" is in the order of offsets, so the first gap that is wide enough is the lowest.
            for (int i = 0; i < _count; i++)
            {
                int other = _placed[i];
                if (!range.Overlaps(_ranges[other])) continue;
                if (_offsets[other] >= offset + range.Size) break;
                offset = Math.Max(offset, _offsets[other] + _ranges[other].Size);
            }

            _comparisons += _count;
            _offsets[index] = offset;
            Insert(index, offset);
            end = Math.Max(end, offset + range.Size);
            if (end > limit) return long.MaxValue;
        }

        return end;
    }

    private void Insert(int index, long offset)
    {
        int low = 0, high = _count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_offsets[_placed[middle]] > offset) high = middle;
            else low = middle + 1;
        }

        Array.Copy(_placed, low, _placed, low + 1, _count - low);
        _placed[low] = index;
        _count++;
    }
}
