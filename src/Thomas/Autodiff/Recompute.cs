using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Passes;

namespace Thomas.Autodiff;

/// <summary>
/// Drops forward results after the forward pass and computes them again before the backward pass first needs them (Chen et al. 2016): the nodes are repeated
/// with
/// <see cref="Stage.Recompute"/>, once each, and everything after the forward pass reads the repeated results. Kernels are deterministic, so no bit changes.
/// </summary>
internal sealed class Recompute
{
    /// <summary>What the names of repeated nodes end in.</summary>
    public const string Suffix = "/recompute";

    private readonly bool[] _isDropped;
    private readonly Dictionary<Value, Value> _again = [];
    private readonly HashSet<Variable> _updated = [];
    private readonly Dictionary<Node, int> _index = [];
    private readonly List<int> _origins = [];
    private readonly GraphRewriter _rewriter;
    private bool _readsOverwritten;

    private Recompute(Graph graph, IReadOnlySet<Value> dropped)
    {
        _isDropped = new bool[graph.Values.Count];
        foreach (Value value in dropped) _isDropped[value.Id] = true;
        foreach (Node node in graph.Nodes)
        {
            // Views follow the value that they show.
            if (node.Stage == Stage.Forward && node.Op.IsView(node) && _isDropped[node.Inputs[0].Id]) _isDropped[node.Output.Id] = true;
        }

        _rewriter = new GraphRewriter(graph);
    }

    /// <summary>Whether the backward pass reads this result and it can be computed again. Views follow the value that they show.</summary>
    public static bool CanDrop(Graph graph, Value value)
    {
        if (value.Producer is not { Stage: Stage.Forward } node || node.Op.IsView(node) || graph.IsOutput(value)) return false;
        for (int output = 0; output < node.Outputs.Count; output++)
        {
            if (node.Op.UpdatedInput(output) >= 0) return false;
        }

        return true;
    }

    /// <summary>Rewrites a graph with its backward pass.</summary>
    /// <param name="graph">The graph; its node order is the schedule.</param>
    /// <param name="dropped">Results that <see cref="CanDrop"/> allows.</param>
    /// <param name="origins">For each node of the result, the position of the node that it stands for.</param>
    /// <returns>The new graph, or null where a value would be computed from a variable that has changed in the meantime.</returns>
    public static Graph? Run(Graph graph, IReadOnlySet<Value> dropped, out int[] origins)
    {
        Recompute rewrite = new(graph, dropped);
        for (int i = 0; i < graph.Nodes.Count; i++) rewrite._index.Add(graph.Nodes[i], i);
        foreach (Node node in graph.Nodes) rewrite.Visit(node);
        origins = [.. rewrite._origins];
        return rewrite._readsOverwritten ? null : rewrite._rewriter.Build();
    }

    private void Visit(Node node)
    {
        Value[] inputs = new Value[node.Inputs.Count];
        for (int i = 0; i < inputs.Length; i++) inputs[i] = node.Stage == Stage.Forward ? _rewriter.Map(node.Inputs[i]) : Read(node.Inputs[i]);
        _rewriter.Enter(node);
        Node copy = _rewriter.Builder.AddNode(node.Op, inputs, node.Attributes, node.Name);
        _origins.Add(_index[node]);
        for (int i = 0; i < node.Outputs.Count; i++)
        {
            _rewriter.Set(node.Outputs[i], copy.Outputs[i]);
            int updated = node.Op.UpdatedInput(i);
            if (updated >= 0) _updated.Add(node.Inputs[updated].Variable!);
        }
    }

    /// <summary>The value as the backward pass sees it, computed again now if need be.</summary>
    private Value Read(Value value)
    {
        if (!_isDropped[value.Id]) return _rewriter.Map(value);
        if (_again.TryGetValue(value, out Value? again)) return again;

        // The operands of a node come before it, in their order; a stack of our own, since chains can be long.
        Stack<(Node Node, int Operand)> unfinished = new([(value.Producer!, 0)]);
        while (unfinished.TryPop(out (Node Node, int Operand) at))
        {
            int operand = at.Operand;
            IReadOnlyList<Value> operands = at.Node.Inputs;
            while (operand < operands.Count && (!_isDropped[operands[operand].Id] || _again.ContainsKey(operands[operand]))) operand++;
            if (operand == operands.Count)
            {
                Repeat(at.Node);
                continue;
            }

            unfinished.Push((at.Node, operand + 1));
            unfinished.Push((operands[operand].Producer!, 0));
        }

        return _again[value];
    }

    private void Repeat(Node node)
    {
        Value[] inputs = new Value[node.Inputs.Count];
        for (int i = 0; i < inputs.Length; i++)
        {
            inputs[i] = _isDropped[node.Inputs[i].Id] ? _again[node.Inputs[i]] : _rewriter.Map(node.Inputs[i]);
            _readsOverwritten |= node.Inputs[i].Variable is Variable variable && _updated.Contains(variable);
        }

        _rewriter.Enter(node);
        _rewriter.Builder.Stage = Stage.Recompute;
        Node copy = _rewriter.Builder.AddNode(node.Op, inputs, node.Attributes, node.Name + Suffix);
        _origins.Add(_index[node]);
        for (int i = 0; i < node.Outputs.Count; i++)
        {
            if (_isDropped[node.Outputs[i].Id]) _again.Add(node.Outputs[i], copy.Outputs[i]);
        }
    }
}
