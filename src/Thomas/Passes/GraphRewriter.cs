using System;
using Thomas.Graphs;

namespace Thomas.Passes;

/// <summary>Builds a new graph while walking an old one; the common part of all passes.</summary>
internal sealed class GraphRewriter
{
    private readonly Graph _source;
    private readonly Value?[] _map;

    /// <param name="source">The graph to walk.</param>
    /// <param name="inputType">The new type of each graph input; null keeps the types.</param>
    public GraphRewriter(Graph source, Func<Value, TensorType>? inputType = null)
    {
        _source = source;
        _map = new Value?[source.Values.Count];
        foreach (Value input in source.Inputs) _map[input.Id] = Builder.Input(input.Name, inputType?.Invoke(input) ?? input.Type);
    }

    public GraphBuilder Builder { get; } = new();

    /// <summary>The new value that stands for an old one; constants and variables move over when they are first asked for, so unused ones vanish.</summary>
    public Value Map(Value old)
    {
        ref Value? mapped = ref _map[old.Id];
        if (mapped is null)
        {
            if (old.Variable is Variable variable) mapped = Builder.Variable(variable);
            else mapped = Builder.Constant(old.Name, old.Constant ?? throw new InvalidOperationException($"{old} is read before it is rewritten."));
        }

        return mapped;
    }

    /// <summary>The new values for a node's operands, from the given one on.</summary>
    public Value[] MapInputs(Node node, int first = 0)
    {
        Value[] inputs = new Value[node.Inputs.Count - first];
        for (int i = 0; i < inputs.Length; i++) inputs[i] = Map(node.Inputs[first + i]);
        return inputs;
    }

    /// <summary>Makes a new value stand for an old one.</summary>
    public void Set(Value old, Value replacement) => _map[old.Id] = replacement;

    /// <summary>
    /// Begins with the next node: what is added from now on belongs to its part of the step, runs where it runs and lies in memory as its results do.
    /// </summary>
    public void Enter(Node node) => (Builder.Stage, Builder.Place, Builder.Halves) = (node.Stage, node.Place, node.Halves);

    /// <summary>Copies a node as it is.</summary>
    public Node Copy(Node node)
    {
        Enter(node);
        Node copy = Builder.AddNode(node.Op, MapInputs(node), node.Attributes, node.Name);
        for (int i = 0; i < node.Outputs.Count; i++) Set(node.Outputs[i], copy.Outputs[i]);
        return copy;
    }

    public Graph Build()
    {
        Value[] outputs = new Value[_source.Outputs.Count];
        for (int i = 0; i < outputs.Length; i++) outputs[i] = Map(_source.Outputs[i]);
        Graph graph = Builder.Build(outputs);
#if DEBUG
        GraphVerifier.Verify(graph);
#endif
        return graph;
    }
}
