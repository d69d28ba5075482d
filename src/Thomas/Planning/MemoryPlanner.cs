using System;
using System.Collections.Generic;
using Thomas.Graphs;

namespace Thomas.Planning;

/// <summary>
/// Assigns arena offsets to the values of a scheduled graph: values that are never live together may share bytes. Reshapes share their operand's
/// bytes, and an element-wise node writes over an operand that dies with it.
/// </summary>
internal sealed class MemoryPlanner
{
    /// <summary>One cache line and one AVX-512 vector.</summary>
    public const long Alignment = 64;

    private readonly Graph _graph;
    private readonly Dictionary<Value, Value> _roots = [];
    private readonly Dictionary<Value, int> _lastUse = [];
    private readonly Dictionary<Value, Variable> _variableOf = [];

    private MemoryPlanner(Graph graph) => _graph = graph;

    /// <param name="graph">The graph; its node order is the schedule.</param>
    /// <param name="workspaceBytes">Scratch bytes of each node, live only while it runs.</param>
    /// <param name="share">Whether values may share memory; off, every value has bytes of its own, which must not change any result.</param>
    public static MemoryPlan Plan(Graph graph, IReadOnlyList<long> workspaceBytes, bool share = true) => new MemoryPlanner(graph).Run(workspaceBytes, share);

    private MemoryPlan Run(IReadOnlyList<long> workspaceBytes, bool share)
    {
        FindLastUses();
        FindRoots(share);

        List<Request> requests = [];
        Dictionary<Value, int> requestOf = [];
        foreach (Value input in _graph.Inputs) AddRequest(requests, requestOf, input, -1);
        for (int step = 0; step < _graph.Nodes.Count; step++)
        {
            foreach (Value output in _graph.Nodes[step].Outputs) AddRequest(requests, requestOf, output, step);
        }

        int[] workspaceRequest = new int[_graph.Nodes.Count];
        for (int step = 0; step < workspaceRequest.Length; step++)
        {
            workspaceRequest[step] = workspaceBytes[step] == 0 ? -1 : requests.Count;
            if (workspaceBytes[step] > 0) requests.Add(new Request($"workspace of {_graph.Nodes[step].Name}", Align(workspaceBytes[step]), step, step));
        }

        if (!share)
        {
            for (int i = 0; i < requests.Count; i++) requests[i] = requests[i] with { FirstStep = -1, LastStep = _graph.Nodes.Count };
        }

        long[] offsets = BestOffsets(requests, out long arenaBytes);
        return Result(requests, offsets, arenaBytes, requestOf, workspaceRequest);
    }

    private void FindLastUses()
    {
        for (int step = 0; step < _graph.Nodes.Count; step++)
        {
            foreach (Value input in _graph.Nodes[step].Inputs) _lastUse[input] = step;
            foreach (Value output in _graph.Nodes[step].Outputs) _lastUse.TryAdd(output, step);
        }

        foreach (Value output in _graph.Outputs) _lastUse[output] = _graph.Nodes.Count;
    }

    /// <summary>Gives each value the value whose bytes it uses: itself, or the operand that it views, overwrites or updates.</summary>
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

            if (_roots.ContainsKey(node.Output)) continue;
            if (node.Op.IsView(node))
            {
                if (!node.Inputs[0].IsConstant) SetRoot(node.Output, Root(node.Inputs[0]));
                continue;
            }

            for (int input = 0; share && input < node.Inputs.Count; input++)
            {
                Value root = Root(node.Inputs[input]);

                // Overwriting needs the operand, and all that share its bytes, to be dead afterwards; graph inputs stay as the caller wrote them.
                if (!node.Op.CanOverwrite(node, input) || LastUse(root) > step || root.Producer is null || UsesTwice(node, root, input)
                    || node.Inputs[input].Shape.ElementCount != node.Output.Shape.ElementCount) continue;
                SetRoot(node.Output, root);
                break;
            }
        }
    }

    private void SetRoot(Value value, Value root)
    {
        _roots[value] = root;
        _lastUse[root] = Math.Max(LastUse(root), LastUse(value));
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

    private Value Root(Value value) => _roots.GetValueOrDefault(value, value);

    private int LastUse(Value value) => _lastUse.GetValueOrDefault(value, -1);

    private void AddRequest(List<Request> requests, Dictionary<Value, int> requestOf, Value value, int step)
    {
        Value root = Root(value);
        if (root.IsConstant) return;
        if (root.Variable is Variable variable)
        {
            _variableOf[value] = variable;
            return;
        }

        if (requestOf.TryGetValue(root, out int existing))
        {
            requestOf[value] = existing;
            return;
        }

        requestOf[value] = requests.Count;
        requests.Add(new Request(value.Name, Align(value.Type.SizeBytes), step, Math.Max(LastUse(value), step)));
    }

    private static long Align(long bytes) => (Math.Max(bytes, 1) + Alignment - 1) & -Alignment;

    /// <summary>Tries a few greedy orders and keeps the smallest arena.</summary>
    private static long[] BestOffsets(List<Request> requests, out long arenaBytes)
    {
        Comparison<Request>[] orders =
        [
            static (a, b) => b.Size.CompareTo(a.Size),
            static (a, b) => (b.Size * (b.LastStep - b.FirstStep + 1)).CompareTo(a.Size * (a.LastStep - a.FirstStep + 1)),
            static (a, b) => a.FirstStep.CompareTo(b.FirstStep),
            static (a, b) => (b.LastStep - b.FirstStep).CompareTo(a.LastStep - a.FirstStep),
        ];
        long[]? best = null;
        arenaBytes = long.MaxValue;
        foreach (Comparison<Request> order in orders)
        {
            long[] offsets = Greedy(requests, order, out long size);
            if (size >= arenaBytes) continue;
            arenaBytes = size;
            best = offsets;
        }

        return best!;
    }

    /// <summary>Places requests one by one at the lowest offset that is free during their whole life.</summary>
    private static long[] Greedy(List<Request> requests, Comparison<Request> order, out long arenaBytes)
    {
        int[] sequence = new int[requests.Count];
        for (int i = 0; i < sequence.Length; i++) sequence[i] = i;
        Array.Sort(sequence, (a, b) => order(requests[a], requests[b]) is int c && c != 0 ? c : a.CompareTo(b));
        long[] offsets = new long[requests.Count];
        List<int> placed = [];
        arenaBytes = 0;
        foreach (int index in sequence)
        {
            Request request = requests[index];
            long offset = 0;

            // "placed" is in the order of offsets, so the first gap that is wide enough is the lowest.
            foreach (int other in placed)
            {
                if (!request.Overlaps(requests[other])) continue;
                if (offsets[other] >= offset + request.Size) break;
                offset = Math.Max(offset, offsets[other] + requests[other].Size);
            }

            offsets[index] = offset;
            int position = placed.FindIndex(other => offsets[other] > offset);
            placed.Insert(position < 0 ? placed.Count : position, index);
            arenaBytes = Math.Max(arenaBytes, offset + request.Size);
        }

        return offsets;
    }

    private MemoryPlan Result(List<Request> requests, long[] offsets, long arenaBytes, Dictionary<Value, int> requestOf, int[] workspaceRequest)
    {
        long[] live = new long[_graph.Nodes.Count + 2];
        MemoryBlock[] blocks = new MemoryBlock[requests.Count];
        for (int i = 0; i < blocks.Length; i++)
        {
            Request request = requests[i];
            blocks[i] = new MemoryBlock(request.Name, request.Size, request.FirstStep, request.LastStep, offsets[i]);
            for (int step = request.FirstStep; step <= request.LastStep; step++) live[step + 1] += request.Size;
        }

        long bound = 0;
        foreach (long bytes in live) bound = Math.Max(bound, bytes);
        Array.Sort(blocks, static (a, b) => a.FirstStep != b.FirstStep ? a.FirstStep.CompareTo(b.FirstStep) : a.Offset.CompareTo(b.Offset));
        Dictionary<Value, long> valueOffsets = [];
        foreach ((Value value, int request) in requestOf) valueOffsets[value] = offsets[request];
        long[] workspaces = new long[workspaceRequest.Length];
        for (int i = 0; i < workspaces.Length; i++) workspaces[i] = workspaceRequest[i] < 0 ? -1 : offsets[workspaceRequest[i]];
        return new MemoryPlan(blocks, arenaBytes, bound, valueOffsets, _variableOf, workspaces);
    }

    private readonly record struct Request(string Name, long Size, int FirstStep, int LastStep)
    {
        public bool Overlaps(Request other) => FirstStep <= other.LastStep && other.FirstStep <= LastStep;
    }
}
