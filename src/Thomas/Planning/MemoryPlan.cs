using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;
using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Planning;

/// <summary>A stretch of the arena: bytes [Offset, Offset + Size) from step FirstStep to LastStep, both inclusive.</summary>
/// <param name="Name">The value or kernel it serves.</param>
/// <param name="Kind">What it holds.</param>
/// <param name="Size">Bytes, a multiple of the alignment.</param>
/// <param name="FirstStep">The step that writes it; -1 for graph inputs.</param>
/// <param name="LastStep">The last step that reads it; the step count for graph outputs.</param>
/// <param name="Offset">Bytes from the arena's start.</param>
public sealed record MemoryBlock(string Name, MemoryKind Kind, long Size, int FirstStep, int LastStep, long Offset)
{
    /// <summary>The arena that it lies in, by its number in <see cref="MemoryPlan.Arenas"/>.</summary>
    public int Arena { get; init; }
}

/// <summary>The memory of a plan on one device.</summary>
/// <param name="Device">Name of the device.</param>
/// <param name="Bytes">Size of the arena.</param>
public sealed record MemoryArena(string Device, long Bytes);

/// <summary>Where every value of an executable lies, decided before it runs.</summary>
public sealed class MemoryPlan
{
    private const int ChartRows = 24;
    private const int ChartWidth = 40;
    private const int NameColumns = 80;

    private readonly Graph _graph;
    private readonly long[] _live;

    internal MemoryPlan(
        Graph graph, IReadOnlyList<MemoryBlock> blocks, MemoryArena[] arenas, LiveRanges live, Dictionary<Value, long> offsets,
        Dictionary<Value, Variable> variableOf, long[] workspaceOffsets)
    {
        _graph = graph;
        _live = live.LiveBytes;
        Blocks = blocks;
        Arenas = arenas;
        foreach (MemoryArena arena in arenas) ArenaBytes += arena.Bytes;
        LowerBoundBytes = live.PeakBytes;
        PeakStep = live.PeakStep;
        Offsets = offsets;
        VariableOf = variableOf;
        WorkspaceOffsets = workspaceOffsets;
    }

    /// <summary>All stretches, in the order of their first step.</summary>
    public IReadOnlyList<MemoryBlock> Blocks { get; }

    /// <summary>
    /// One for each device that nodes are placed on: the device that was asked for, then the one that runs what the first has no kernels for.
    /// </summary>
    public IReadOnlyList<MemoryArena> Arenas { get; }

    /// <summary>Size of all arenas.</summary>
    public long ArenaBytes { get; }

    /// <summary>No assignment can be smaller: the largest sum of sizes live at one step.</summary>
    public long LowerBoundBytes { get; }

    /// <summary>The step at which most is live; -1 before the first, the step count after the last.</summary>
    public int PeakStep { get; }

    /// <summary>The sum of sizes live at each step: an entry for before the first step, one for each step, one for after the last.</summary>
    public IReadOnlyList<long> Timeline => _live;

    internal Dictionary<Value, long> Offsets { get; }

    /// <summary>The values that lie in a variable: what updates it, and views of it.</summary>
    internal Dictionary<Value, Variable> VariableOf { get; }

    internal long[] WorkspaceOffsets { get; }

    /// <summary>Bytes of one kind that are live at the peak; over all kinds they sum to <see cref="LowerBoundBytes"/>.</summary>
    public long PeakBytes(MemoryKind kind)
    {
        long bytes = 0;
        foreach (MemoryBlock block in Blocks)
        {
            if (block.Kind == kind && block.FirstStep <= PeakStep && block.LastStep >= PeakStep) bytes += block.Size;
        }

        return bytes;
    }

    /// <summary>The largest sum of the bytes of one kind that are live at one step.</summary>
    public long MostBytes(MemoryKind kind)
    {
        long[] live = new long[_graph.Nodes.Count + 3];
        foreach (MemoryBlock block in Blocks)
        {
            if (block.Kind != kind) continue;
            live[block.FirstStep + 1] += block.Size;
            live[Math.Min(block.LastStep + 2, live.Length - 1)] -= block.Size;
        }

        long most = 0, sum = 0;
        foreach (long change in live) most = Math.Max(most, sum += change);
        return most;
    }

    /// <summary>A chart of <see cref="Timeline"/>: a bar for every few steps, with the largest of their sums and the node that runs then.</summary>
    public string ToText()
    {
        StringBuilder text = new();
        int steps = _graph.Nodes.Count, rows = Math.Min(ChartRows, steps);
        for (int row = 0; row < rows; row++)
        {
            int begin = (int)((long)steps * row / rows), end = (int)((long)steps * (row + 1) / rows), at = begin;
            for (int step = begin + 1; step < end; step++)
            {
                if (_live[step + 1] > _live[at + 1]) at = step;
            }

            long bytes = _live[at + 1];
            int width = (int)((bytes * ChartWidth + LowerBoundBytes - 1) / Math.Max(LowerBoundBytes, 1));
            Node node = _graph.Nodes[at];
            text.Append(CultureInfo.InvariantCulture, $"{at,5} {node.Stage.ToString().ToLowerInvariant(),-9} {ByteSize.Format(bytes),9} ");
            text.Append('#', width).Append(' ', ChartWidth - width)
                .Append(CultureInfo.InvariantCulture, $" {node.Op.Name} {VisibleText.Shorten(node.Name, NameColumns)}{(at == PeakStep ? "  <- peak" : "")}\n");
        }

        text.Append(CultureInfo.InvariantCulture, $"arena {ByteSize.Format(ArenaBytes)}, at least {ByteSize.Format(LowerBoundBytes)}\n");
        if (Arenas.Count > 1) AddDevices(text);
        return text.ToString();
    }

    /// <summary>What lies and runs where, and what is copied between the devices.</summary>
    private void AddDevices(StringBuilder text)
    {
        int[] nodes = new int[Arenas.Count];
        foreach (Node node in _graph.Nodes) nodes[node.Place] += node.Op is Transfer || node.Op.IsView(node) ? 0 : 1;
        for (int place = 0; place < nodes.Length; place++)
            text.Append(
                CultureInfo.InvariantCulture, $"{VisibleText.Of(Arenas[place].Device)}: {nodes[place]} nodes, arena {ByteSize.Format(Arenas[place].Bytes)}\n");
        foreach (Node node in _graph.Nodes)
        {
            if (node is { Op: Transfer, Attributes: TransferAttributes between })
            {
                text.Append(
                    CultureInfo.InvariantCulture,
                    $"transfer {VisibleText.Shorten(node.Inputs[0].Name, NameColumns)} {ByteSize.Format(node.Output.StoredBytes)} from "
                    + $"{VisibleText.Of(between.Source)} to {VisibleText.Of(between.Target)}\n");
            }
        }
    }
}
