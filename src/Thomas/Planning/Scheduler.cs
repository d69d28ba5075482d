using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Passes;

namespace Thomas.Planning;

/// <summary>
/// Orders the backward pass so that less is live at once: of the nodes that could run next, the one that adds least, or frees most. The forward pass keeps its order.
/// Values do not depend on the order, so no result does.
/// </summary>
internal sealed class Scheduler
{
    private readonly Graph _graph;
    private readonly Dictionary<Node, int> _index = [];
    private readonly List<int>[] _successors;
    private readonly int[] _blockers;
    private readonly int[] _readers;

    private Scheduler(Graph graph)
    {
        _graph = graph;
        _successors = new List<int>[graph.Nodes.Count];
        _blockers = new int[graph.Nodes.Count];
        _readers = new int[graph.Values.Count];
        for (int i = 0; i < _successors.Length; i++)
        {
            _successors[i] = [];
            _index.Add(graph.Nodes[i], i);
        }
    }

    /// <summary>The better of the given order and the one found.</summary>
    public static Schedule Run(Schedule schedule)
    {
        if (!HasBackward(schedule.Graph)) return schedule;
        int[] order = new Scheduler(schedule.Graph).Order();
        GraphRewriter rewriter = new(schedule.Graph);
        long[] workspaces = new long[order.Length];
        for (int i = 0; i < order.Length; i++)
        {
            rewriter.Copy(schedule.Graph.Nodes[order[i]]);
            workspaces[i] = schedule.WorkspaceBytes[order[i]];
        }

        Schedule reordered = new(rewriter.Build(), workspaces);
        return reordered.Live().PeakBytes < schedule.Live().PeakBytes ? reordered : schedule;
    }

    private static bool HasBackward(Graph graph)
    {
        foreach (Node node in graph.Nodes)
        {
            if (node.Stage == Stage.Backward) return true;
        }

        return false;
    }

    private int[] Order()
    {
        Connect();
        List<int> order = [], ready = [];
        for (int i = 0; i < _blockers.Length; i++)
        {
            if (_graph.Nodes[i].Stage != Stage.Forward && _blockers[i] == 0) ready.Add(i);
        }

        for (int i = 0; i < _blockers.Length; i++)
        {
            if (_graph.Nodes[i].Stage == Stage.Forward) Take(i, order, ready);
        }

        while (ready.Count > 0)
        {
            int best = 0;
            long least = long.MaxValue;
            for (int i = 0; i < ready.Count; i++)
            {
                long growth = Growth(ready[i]);
                if (growth > least || (growth == least && ready[i] > ready[best])) continue;
                (best, least) = (i, growth);
            }

            int node = ready[best];
            ready.RemoveAt(best);
            Take(node, order, ready);
        }

        return [.. order];
    }

    /// <summary>An edge to each reader of a result, and from each reader of a variable to the node that overwrites it.</summary>
    private void Connect()
    {
        Dictionary<Variable, int> updates = [];
        for (int i = 0; i < _successors.Length; i++)
        {
            Node node = _graph.Nodes[i];
            for (int output = 0; output < node.Outputs.Count; output++)
            {
                if (node.Op.UpdatedInput(output) is int updated && updated >= 0) updates.Add(node.Inputs[updated].Variable!, i);
            }
        }

        for (int i = 0; i < _successors.Length; i++)
        {
            Node node = _graph.Nodes[i];
            for (int k = 0; k < node.Inputs.Count; k++)
            {
                Value input = node.Inputs[k], origin = Origin(input);
                if (IsFirst(node, k)) _readers[origin.Id]++;
                if (input.Producer is Node producer) AddEdge(_index[producer], i);
                if (origin.Variable is Variable variable && updates.TryGetValue(variable, out int update) && update != i) AddEdge(i, update);
            }
        }

        foreach (Value output in _graph.Outputs) _readers[Origin(output).Id]++;
    }

    private void AddEdge(int from, int to)
    {
        _successors[from].Add(to);
        _blockers[to]++;
    }

    private void Take(int node, List<int> order, List<int> ready)
    {
        order.Add(node);
        for (int k = 0; k < _graph.Nodes[node].Inputs.Count; k++)
        {
            if (IsFirst(_graph.Nodes[node], k)) _readers[Origin(_graph.Nodes[node].Inputs[k]).Id]--;
        }

        foreach (int successor in _successors[node])
        {
            if (--_blockers[successor] == 0 && _graph.Nodes[successor].Stage != Stage.Forward) ready.Add(successor);
        }
    }

    /// <summary>Bytes that are live after the node and were not before, together with the updates that it makes possible.</summary>
    private long Growth(int index)
    {
        Node node = _graph.Nodes[index];
        long growth = Allocated(node) - Freed(node);
        foreach (int successor in _successors[index])
        {
            Node next = _graph.Nodes[successor];
            if (next.Stage == Stage.Update && _blockers[successor] == 1) growth += Allocated(next) - Freed(next);
        }

        return growth;
    }

    private long Allocated(Node node)
    {
        if (node.Op.IsView(node)) return 0;
        long bytes = 0;
        for (int output = 0; output < node.Outputs.Count; output++)
        {
            Value value = node.Outputs[output];
            if (node.Op.UpdatedInput(output) < 0 && _readers[value.Id] > 0) bytes += value.Type.SizeBytes;
        }

        return bytes;
    }

    private long Freed(Node node)
    {
        long bytes = 0;
        for (int k = 0; k < node.Inputs.Count; k++)
        {
            Value origin = Origin(node.Inputs[k]);
            if (origin is { IsConstant: false, IsVariable: false } && _readers[origin.Id] == 1 && IsFirst(node, k)) bytes += origin.Type.SizeBytes;
        }

        return bytes;
    }

    /// <summary>Whether no operand before this one lies in the same bytes.</summary>
    private static bool IsFirst(Node node, int input)
    {
        for (int i = 0; i < input; i++)
        {
            if (ReferenceEquals(Origin(node.Inputs[i]), Origin(node.Inputs[input]))) return false;
        }

        return true;
    }

    /// <summary>The value whose bytes a reshaped value shows.</summary>
    private static Value Origin(Value value)
    {
        while (value.Producer is Node node && node.Op.IsView(node)) value = node.Inputs[0];
        return value;
    }
}
