using System;
using System.Collections.Generic;
using System.Diagnostics;
using Thomas.Graphs;

namespace Thomas.Planning;

/// <summary>
/// When the values of a scheduled graph are needed, and which of them share bytes: views share their operand's, updates their variable's, and an element-wise
/// node writes over an operand that dies with it.
/// </summary>
internal sealed class LiveRanges
{
    private readonly Graph _graph;
    private readonly IPlaces _places;
    private readonly Value[] _roots;
    private readonly int[] _lastUse;
    private readonly bool[] _isSaved;
    private readonly int[] _rangeOf;
    private readonly List<LiveRange> _ranges = [];

    /// <param name="graph">The graph; its node order is the schedule.</param>
    /// <param name="workspaceBytes">Scratch bytes of each node, live only while it runs.</param>
    /// <param name="share">Whether values may share memory; off, every value has bytes of its own all the time.</param>
    /// <param name="places">The devices that nodes are placed on; null for the CPU alone.</param>
    public LiveRanges(Graph graph, IReadOnlyList<long> workspaceBytes, bool share = true, IPlaces? places = null)
    {
        _graph = graph;
        _places = places ?? CpuPlace.Instance;
        _roots = new Value[graph.Values.Count];
        _lastUse = new int[_roots.Length];
        _isSaved = new bool[_roots.Length];
        _rangeOf = new int[_roots.Length];
        Array.Fill(_rangeOf, -1);
        FindLastUses();
        FindRoots(share);

        foreach (Value input in graph.Inputs) AddRange(input, -1, MemoryKind.Input);
        for (int step = 0; step < graph.Nodes.Count; step++)
        {
            foreach (Value output in graph.Nodes[step].Outputs) AddRange(output, step, KindOf(graph.Nodes[step], output));
        }

        WorkspaceRanges = new int[graph.Nodes.Count];
        for (int step = 0; step < WorkspaceRanges.Length; step++)
        {
            WorkspaceRanges[step] = workspaceBytes[step] == 0 ? -1 : _ranges.Count;
            if (workspaceBytes[step] == 0) continue;
            int place = graph.Nodes[step].Place;
            _ranges.Add(
                new LiveRange(graph.Nodes[step].Name, MemoryKind.Workspace, Align(workspaceBytes[step], _places.AlignmentOf(place)), step, step, place));
        }

        if (!share)
        {
            for (int i = 0; i < _ranges.Count; i++) _ranges[i] = _ranges[i] with { FirstStep = -1, LastStep = graph.Nodes.Count };
        }

        LiveBytes = SumLiveBytes(_ranges);
        for (int step = 0; step < LiveBytes.Length; step++)
        {
            if (LiveBytes[step] > PeakBytes) (PeakBytes, PeakStep) = (LiveBytes[step], step - 1);
        }
    }

    /// <summary>All ranges: inputs, then results and workspaces in the order of the schedule.</summary>
    public IReadOnlyList<LiveRange> Ranges => _ranges;

    /// <summary>The range of each node's workspace, -1 where it has none.</summary>
    public int[] WorkspaceRanges { get; }

    /// <summary>The sum of what is live before the first step, at each step, and after the last.</summary>
    public long[] LiveBytes { get; }

    /// <summary>The largest of <see cref="LiveBytes"/>.</summary>
    public long PeakBytes { get; }

    /// <summary>The first step at which so much is live; -1 before the first, the step count after the last.</summary>
    public int PeakStep { get; } = -1;

    public static long Align(long bytes, long alignment) => (Math.Max(bytes, 1) + alignment - 1) & -alignment;

    /// <summary>The largest sum of what is live at one step in some of the ranges.</summary>
    public long PeakOf(IReadOnlyList<LiveRange> ranges)
    {
        long peak = 0;
        foreach (long bytes in SumLiveBytes(ranges)) peak = Math.Max(peak, bytes);
        return peak;
    }

    /// <summary>The value whose bytes this one uses: itself, or the operand that it views, overwrites or updates.</summary>
    public Value Root(Value value) => _roots[value.Id];

    /// <summary>The range that the value lies in; -1 for constants and what lies in variables.</summary>
    public int RangeOf(Value value) => _rangeOf[value.Id];

    private void FindLastUses()
    {
        foreach (Value value in _graph.Values)
        {
            _roots[value.Id] = value;
            _lastUse[value.Id] = -1;
        }

        for (int step = 0; step < _graph.Nodes.Count; step++)
        {
            Node node = _graph.Nodes[step];
            foreach (Value input in node.Inputs)
            {
                _lastUse[input.Id] = step;
                _isSaved[input.Id] |= node.Stage != Stage.Forward && input.Producer?.Stage == Stage.Forward;
            }

            foreach (Value output in node.Outputs) _lastUse[output.Id] = step;
        }

        foreach (Value output in _graph.Outputs) _lastUse[output.Id] = _graph.Nodes.Count;
    }

    private void FindRoots(bool share)
    {
        for (int step = 0; step < _graph.Nodes.Count; step++)
        {
            Node node = _graph.Nodes[step];
            for (int output = 0; output < node.Outputs.Count; output++)
            {
                int updated = node.Op.UpdatedInput(output);
                if (updated >= 0) SetRoot(node.Outputs[output], Root(node.Inputs[updated]));
            }

            if (Root(node.Output) != node.Output) continue;
            if (node.Op.IsView(node))
            {
                if (!node.Inputs[0].IsConstant) SetRoot(node.Output, Root(node.Inputs[0]));
                continue;
            }

            for (int input = 0; share && input < node.Inputs.Count; input++)
            {
                Value root = Root(node.Inputs[input]);

                // Overwriting needs the operand, and all that share its bytes, to be dead afterwards; graph inputs stay as the caller wrote them.
                if (!_places.CanOverwrite(node, input) || _lastUse[root.Id] > step || root.Producer is null || UsesTwice(node, root, input)
                    || node.Inputs[input].IsHalf != node.Output.IsHalf || node.Inputs[input].StoredBytes != node.Output.StoredBytes) continue;
                SetRoot(node.Output, root);
                break;
            }
        }
    }

    private void SetRoot(Value value, Value root)
    {
        _roots[value.Id] = root;
        _lastUse[root.Id] = Math.Max(_lastUse[root.Id], _lastUse[value.Id]);
        _isSaved[root.Id] |= _isSaved[value.Id];
    }

    /// <summary>Whether another operand of the node lies in the same bytes.</summary>
    private bool UsesTwice(Node node, Value root, int input)
    {
        for (int i = 0; i < node.Inputs.Count; i++)
        {
            if (i != input && ReferenceEquals(Root(node.Inputs[i]), root)) return true;
        }

        return false;
    }

    private MemoryKind KindOf(Node node, Value output) => node.Stage switch
    {
        Stage.Forward => _isSaved[output.Id] ? MemoryKind.SavedActivation : MemoryKind.Activation,
        Stage.Recompute => MemoryKind.Recomputed,
        Stage.Backward or Stage.Update => MemoryKind.Gradient,
        _ => throw new UnreachableException($"Unknown {node.Stage}."),
    };

    private void AddRange(Value value, int step, MemoryKind kind)
    {
        Value root = Root(value);
        if (root.IsConstant || root.IsVariable) return;
        if (root != value)
        {
            _rangeOf[value.Id] = _rangeOf[root.Id];
            return;
        }

        _rangeOf[value.Id] = _ranges.Count;
        _ranges.Add(
            new LiveRange(
                value.Name, kind, Align(value.StoredBytes, _places.AlignmentOf(value.Place)), Begin(value, step), Math.Max(_lastUse[value.Id], step),
                value.Place));
    }

    /// <summary>The step from which on a value needs its bytes: a copy that is kept can be made while the node before writes what it is a copy of.</summary>
    private int Begin(Value value, int step)
    {
        if (step < 1 || !KeptHalves.IsCopy(value)) return step;
        Node source = value.Producer!.Inputs[0].Producer!;
        return _graph.Nodes[step - 1] == source ? step - 1 : step;
    }

    private long[] SumLiveBytes(IReadOnlyList<LiveRange> ranges)
    {
        long[] live = new long[_graph.Nodes.Count + 2];
        foreach (LiveRange range in ranges)
        {
            live[range.FirstStep + 1] += range.Size;
            if (range.LastStep + 2 < live.Length) live[range.LastStep + 2] -= range.Size;
        }

        for (int step = 1; step < live.Length; step++) live[step] += live[step - 1];
        return live;
    }
}
