using System;
using System.Collections.Generic;

namespace Thomas.Graphs;

/// <summary>
/// A computation in static single assignment form: nodes in an executable order, each value with one origin. Immutable; a pass builds a new one.
/// </summary>
public sealed class Graph
{
    private readonly Value[] _values;
    private readonly bool[] _isOutput;

    internal Graph(Value[] values, Node[] nodes, Value[] inputs, Value[] outputs)
    {
        _values = values;
        _isOutput = new bool[values.Length];
        foreach (Value output in outputs) _isOutput[output.Id] = true;
        Nodes = nodes;
        Inputs = inputs;
        Outputs = outputs;
    }

    /// <summary>All values; the index is <see cref="Value.Id"/>.</summary>
    public IReadOnlyList<Value> Values => _values;

    /// <summary>All nodes; each stands after the nodes whose results it reads.</summary>
    public IReadOnlyList<Node> Nodes { get; }

    /// <summary>The values fed from outside.</summary>
    public IReadOnlyList<Value> Inputs { get; }

    /// <summary>The values handed out.</summary>
    public IReadOnlyList<Value> Outputs { get; }

    /// <summary>Elements of all constants and trained weights: for an imported network its parameter count.</summary>
    public long ParameterCount
    {
        get
        {
            long count = 0;
            foreach (Value value in Values)
                count += value.IsConstant || value.Variable?.Kind is VariableKind.Weight or VariableKind.Statistic ? value.Shape.ElementCount : 0;
            return count;
        }
    }

    /// <summary>The variables that it reads, in the order of their values.</summary>
    internal IReadOnlyList<Variable> Variables
    {
        get
        {
            List<Variable> variables = [];
            foreach (Value value in Values)
            {
                if (value.Variable is Variable variable) variables.Add(variable);
            }

            return variables;
        }
    }

    /// <summary>The cost of one execution.</summary>
    public OpCost Cost
    {
        get
        {
            long multiplyAdds = 0, elementwise = 0, bytes = 0;
            foreach (Node node in Nodes)
            {
                OpCost cost = node.Op.Cost(node);
                multiplyAdds += cost.MultiplyAdds;
                elementwise += cost.Elementwise;
                bytes += cost.Bytes;
            }

            return new OpCost(multiplyAdds, elementwise, bytes);
        }
    }

    /// <summary>Whether the value is handed out.</summary>
    public bool IsOutput(Value value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return value.Id < _values.Length && ReferenceEquals(_values[value.Id], value) && _isOutput[value.Id];
    }
}
