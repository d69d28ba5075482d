using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Passes;

namespace Thomas.Planning;

/// <summary>
/// Orders the backward pass so that less is live at once: of the nodes that could run next, the one that adds least, or frees most. The forward pass keeps its
/// order. Values do not depend on the order, so no result does.
/// </summary>
internal sealed class Scheduler
{
    private readonly Graph _graph;
    private readonly Dictionary<Node, int> _index = [];
    private readonly List<int>[] _successors;
    private readonly List<int>[] _predecessors;
    private readonly int[] _blockers;
    private readonly bool[] _isTaken;
    private readonly Value[] _origins;
    private readonly Value[][] _operands;
    private readonly int[] _readers;
    private readonly List<int>?[] _readersOf;
    private readonly PriorityQueue<int, (long Growth, int Index)> _ready = new();

    private Scheduler(Graph graph)
    {
        _graph = graph;
        _successors = new List<int>[graph.Nodes.Count];
        _predecessors = new List<int>[graph.Nodes.Count];
        _blockers = new int[graph.Nodes.Count];
        _isTaken = new bool[graph.Nodes.Count];
        _operands = new Value[graph.Nodes.Count][];
        _origins = Views.Origins(graph);
        _readers = new int[graph.Values.Count];
        _readersOf = new List<int>?[graph.Values.Count];
        for (int i = 0; i < _successors.Length; i++)
        {
            _successors[i] = [];
            _predecessors[i] = [];
            _index.Add(graph.Nodes[i], i);
        }
    }

    /// <summary>The better of the given order and the one found.</summary>
    public static Schedule Run(Schedule schedule)
    {
        if (!HasBackward(schedule.Graph)) return schedule;
        int[] order = new Scheduler(schedule.Graph).Order();
        GraphRewriter rewriter = new(schedule.Graph);
        foreach (int node in order) rewriter.Copy(schedule.Graph.Nodes[node]);
        Schedule reordered = schedule.With(rewriter.Build(), order);
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
        List<int> order = [];
        for (int i = 0; i < _blockers.Length; i++)
        {
            if (_graph.Nodes[i].Stage != Stage.Forward && _blockers[i] == 0) Offer(i);
        }

        for (int i = 0; i < _blockers.Length; i++)
        {
            if (_graph.Nodes[i].Stage == Stage.Forward) Take(i, order);
        }

        while (_ready.TryDequeue(out int node, out (long Growth, int Index) offer))
        {
            // What lowers the growth of a node that waits offers it again; what raises it shows here.
            if (_isTaken[node]) continue;
            if (Growth(node) == offer.Growth) Take(node, order);
            else Offer(node);
        }

        return [.. order];
    }

    /// <summary>Puts a node that nothing blocks into the queue, by what it adds and by its place in the graph.</summary>
    private void Offer(int node) => _ready.Enqueue(node, (Growth(node), node));

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

        HashSet<Value> operands = [];
        for (int i = 0; i < _successors.Length; i++)
        {
            operands.Clear();
            foreach (Value input in _graph.Nodes[i].Inputs)
            {
                Value origin = _origins[input.Id];
                if (operands.Add(origin))
                {
                    _readers[origin.Id]++;
                    (_readersOf[origin.Id] ??= []).Add(i);
                }

                if (input.Producer is Node producer) AddEdge(_index[producer], i);
                if (origin.Variable is Variable variable && updates.TryGetValue(variable, out int update) && update != i) AddEdge(i, update);
            }

            _operands[i] = [.. operands];
        }

        foreach (Value output in _graph.Outputs) _readers[_origins[output.Id].Id]++;
    }

    private void AddEdge(int from, int to)
    {
        _successors[from].Add(to);
        _predecessors[to].Add(from);
        _blockers[to]++;
    }

    private void Take(int node, List<int> order)
    {
        order.Add(node);
        _isTaken[node] = true;
        foreach (int successor in _successors[node])
        {
            if (--_blockers[successor] == 0 && _graph.Nodes[successor].Stage != Stage.Forward) Offer(successor);
            else if (_blockers[successor] == 1) OfferLastBlocker(successor);
        }

        foreach (Value operand in _operands[node])
        {
            if (--_readers[operand.Id] != 1) continue;
            foreach (int reader in _readersOf[operand.Id]!)
            {
                if (_isTaken[reader]) continue;
                if (IsReady(reader)) Offer(reader);
                else if (_blockers[reader] == 1) OfferLastBlocker(reader);
            }
        }
    }

    private bool IsReady(int node) => !_isTaken[node] && _blockers[node] == 0 && _graph.Nodes[node].Stage != Stage.Forward;

    /// <summary>An update counts with the node that makes it possible, which may add less now.</summary>
    private void OfferLastBlocker(int update)
    {
        if (_graph.Nodes[update].Stage != Stage.Update) return;
        foreach (int blocker in _predecessors[update])
        {
            if (IsReady(blocker)) Offer(blocker);
        }
    }

    /// <summary>Bytes that are live after the node and were not before, together with the updates that it makes possible.</summary>
    private long Growth(int index)
    {
        long growth = Allocated(index) - Freed(index);
        foreach (int successor in _successors[index])
        {
            if (_graph.Nodes[successor].Stage == Stage.Update && _blockers[successor] == 1) growth += Allocated(successor) - Freed(successor);
        }

        return growth;
    }

    private long Allocated(int index)
    {
        Node node = _graph.Nodes[index];
        if (node.Op.IsView(node)) return 0;
        long bytes = 0;
        for (int output = 0; output < node.Outputs.Count; output++)
        {
            Value value = node.Outputs[output];
            if (node.Op.UpdatedInput(output) < 0 && _readers[value.Id] > 0) bytes += value.StoredBytes;
        }

        return bytes;
    }

    private long Freed(int index)
    {
        long bytes = 0;
        foreach (Value operand in _operands[index])
        {
            if (operand is { IsConstant: false, IsVariable: false } && _readers[operand.Id] == 1) bytes += operand.StoredBytes;
        }

        return bytes;
    }
}
