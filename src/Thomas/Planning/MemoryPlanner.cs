using System;
using System.Collections.Generic;
using Thomas.Graphs;

namespace Thomas.Planning;

/// <summary>Assigns arena offsets to the values of a scheduled graph: what is never live together may share bytes. See <see cref="LiveRanges"/>.</summary>
internal static class MemoryPlanner
{
    /// <summary>One cache line and one AVX-512 vector.</summary>
    public const long Alignment = LiveRanges.Alignment;

    /// <param name="graph">The graph; its node order is the schedule.</param>
    /// <param name="workspaceBytes">Scratch bytes of each node, live only while it runs.</param>
    /// <param name="share">Whether values may share memory; off, every value has bytes of its own, which must not change any result.</param>
    public static MemoryPlan Plan(Graph graph, IReadOnlyList<long> workspaceBytes, bool share = true)
    {
        LiveRanges live = new(graph, workspaceBytes, share);
        long[] offsets = OffsetAssignment.Run(live.Ranges, live.PeakBytes, out long arenaBytes);
        MemoryBlock[] blocks = new MemoryBlock[offsets.Length];
        for (int i = 0; i < blocks.Length; i++)
        {
            LiveRange range = live.Ranges[i];
            blocks[i] = new MemoryBlock(range.Kind == MemoryKind.Workspace ? $"workspace of {range.Name}" : range.Name, range.Kind, range.Size, range.FirstStep, range.LastStep, offsets[i]);
        }

        Array.Sort(blocks, static (a, b) => a.FirstStep != b.FirstStep ? a.FirstStep.CompareTo(b.FirstStep) : a.Offset.CompareTo(b.Offset));
        Dictionary<Value, long> valueOffsets = [];
        Dictionary<Value, Variable> variableOf = [];
        foreach (Value value in graph.Values)
        {
            if (live.RangeOf(value) is int range && range >= 0) valueOffsets[value] = offsets[range];
            else if (live.Root(value).Variable is Variable variable) variableOf[value] = variable;
        }

        long[] workspaces = new long[graph.Nodes.Count];
        for (int i = 0; i < workspaces.Length; i++) workspaces[i] = live.WorkspaceRanges[i] < 0 ? -1 : offsets[live.WorkspaceRanges[i]];
        return new MemoryPlan(graph, blocks, arenaBytes, live, valueOffsets, variableOf, workspaces);
    }
}
