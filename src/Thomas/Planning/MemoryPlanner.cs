using System;
using System.Collections.Generic;
using Thomas.Graphs;

namespace Thomas.Planning;

/// <summary>
/// Assigns arena offsets to the values of a scheduled graph: what is never live together may share bytes. Every device that nodes are placed on has an arena of
/// its own. See <see cref="LiveRanges"/>.
/// </summary>
internal static class MemoryPlanner
{
    /// <summary>Plans the memory of a graph that runs on the CPU alone.</summary>
    /// <param name="graph">The graph; its node order is the schedule.</param>
    /// <param name="workspaceBytes">Scratch bytes of each node, live only while it runs.</param>
    /// <param name="share">Whether values may share memory; off, every value has bytes of its own, which must not change any result.</param>
    public static MemoryPlan Plan(Graph graph, IReadOnlyList<long> workspaceBytes, bool share = true) => Plan(new Schedule(graph, workspaceBytes), share);

    /// <param name="schedule">The graph in the order in which it runs, and where its nodes are placed.</param>
    /// <param name="share">Whether values may share memory.</param>
    public static MemoryPlan Plan(Schedule schedule, bool share = true)
    {
        Graph graph = schedule.Graph;
        LiveRanges live = schedule.Live(share);
        long[] offsets = Assign(live, schedule.Places, out MemoryArena[] arenas);
        MemoryBlock[] blocks = new MemoryBlock[offsets.Length];
        for (int i = 0; i < blocks.Length; i++)
        {
            LiveRange range = live.Ranges[i];
            blocks[i] = new MemoryBlock(
                range.Kind == MemoryKind.Workspace ? $"workspace of {range.Name}" : range.Name, range.Kind, range.Size, range.FirstStep, range.LastStep,
                offsets[i])
            { Arena = range.Place };
        }

        Array.Sort(
            blocks,
            static (a, b) => a.FirstStep != b.FirstStep ? a.FirstStep.CompareTo(b.FirstStep)
            : a.Arena != b.Arena ? a.Arena.CompareTo(b.Arena)
            : a.Offset.CompareTo(b.Offset));
        Dictionary<Value, long> valueOffsets = [];
        Dictionary<Value, Variable> variableOf = [];
        foreach (Value value in graph.Values)
        {
            if (live.RangeOf(value) is int range && range >= 0) valueOffsets[value] = offsets[range];
            else if (live.Root(value).Variable is Variable variable) variableOf[value] = variable;
        }

        long[] workspaces = new long[graph.Nodes.Count];
        for (int i = 0; i < workspaces.Length; i++) workspaces[i] = live.WorkspaceRanges[i] < 0 ? -1 : offsets[live.WorkspaceRanges[i]];
        return new MemoryPlan(graph, blocks, arenas, live, valueOffsets, variableOf, workspaces);
    }

    /// <summary>Offsets in the arena of each range's place.</summary>
    private static long[] Assign(LiveRanges live, IPlaces places, out MemoryArena[] arenas)
    {
        arenas = new MemoryArena[places.Count];
        if (arenas.Length == 1)
        {
            long[] all = OffsetAssignment.Run(live.Ranges, live.PeakBytes, out long bytes);
            arenas[0] = new MemoryArena(places.NameOf(0), bytes);
            return all;
        }

        long[] offsets = new long[live.Ranges.Count];
        for (int place = 0; place < arenas.Length; place++)
        {
            List<LiveRange> ranges = [];
            List<int> indexes = [];
            for (int i = 0; i < offsets.Length; i++)
            {
                if (live.Ranges[i].Place != place) continue;
                ranges.Add(live.Ranges[i]);
                indexes.Add(i);
            }

            long bytes = 0;
            long[] found = ranges.Count == 0 ? [] : OffsetAssignment.Run(ranges, live.PeakOf(ranges), out bytes);
            for (int i = 0; i < found.Length; i++) offsets[indexes[i]] = found[i];
            arenas[place] = new MemoryArena(places.NameOf(place), bytes);
        }

        return offsets;
    }
}
