using System;
using System.Collections.Generic;
using Thomas.Kernels.OpenCl;

namespace Thomas.Graphs;

/// <summary>The only way to make a graph: each node's types are inferred and checked as it is added.</summary>
internal sealed class GraphBuilder
{
    private readonly List<Value> _values = [];
    private readonly List<Node> _nodes = [];
    private readonly List<Value> _inputs = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _suffixes = new(StringComparer.Ordinal);
    private readonly Dictionary<Variable, Value> _variables = [];
    private bool _built;

    /// <summary>The part of a training step that nodes added from now on belong to.</summary>
    internal Stage Stage { get; set; }

    /// <summary>The device that runs nodes added from now on, by its number.</summary>
    internal int Place { get; set; }

    /// <summary>Which results of nodes added from now on lie in memory as 16-bit floats, a bit for each; see <see cref="Value.IsHalf"/>.</summary>
    internal ulong Halves { get; set; }

    /// <summary>Adds a value that is fed from outside.</summary>
    /// <exception cref="GraphException">The type has no elements.</exception>
    public Value Input(string name, TensorType type)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (type.Shape.ElementCount == 0) throw new GraphException($"Input '{name}' of type {type} has no elements.");
        Value value = AddValue(name, type, null, null);
        _inputs.Add(value);
        return value;
    }

    /// <summary>Adds a value whose contents are known.</summary>
    public Value Constant(string name, TensorData data)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(data);
        return AddValue(name, data.Type, null, data);
    }

    /// <summary>The value that stands for a variable; the same one each time.</summary>
    public Value Variable(Variable variable)
    {
        ArgumentNullException.ThrowIfNull(variable);
        if (!_variables.TryGetValue(variable, out Value? value))
        {
            value = AddNamedValue(Unique(variable.Name), variable.Type, null, null, variable);
            _variables.Add(variable, value);
        }

        return value;
    }

    /// <summary>Adds a node with one result and returns that.</summary>
    /// <param name="op">The operator.</param>
    /// <param name="inputs">Its operands, in the operator's order; values of this builder.</param>
    /// <param name="attributes">Its settings; may be null for operators without any.</param>
    /// <param name="name">A name for the result; made unique by a suffix where it is taken.</param>
    /// <exception cref="GraphException">The operands do not fit the operator, have a type that it does not take, or leave a result without
    /// elements.</exception>
    public Value Add(Op op, ReadOnlySpan<Value> inputs, OpAttributes? attributes = null, string? name = null) =>
        AddNode(op, inputs, attributes, name).Output;

    /// <summary>Adds a node; see <see cref="Add"/>.</summary>
    public Node AddNode(Op op, ReadOnlySpan<Value> inputs, OpAttributes? attributes = null, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(op);
        ObjectDisposedException.ThrowIf(_built, this);
        attributes ??= NoAttributes.Instance;
        TensorType[] inputTypes = new TensorType[inputs.Length];
        for (int i = 0; i < inputs.Length; i++)
        {
            Value input = inputs[i] ?? throw new ArgumentNullException(nameof(inputs), $"{op.Name} '{name}': operand {i} is null.");
            if (input.Id >= _values.Count || !ReferenceEquals(_values[input.Id], input))
            {
                throw new GraphException($"{op.Name} '{name}': operand {i} ({input}) belongs to another graph.");
            }

            ElementTypes types = op.OperandTypes(i, attributes);
            if (!types.Contains(input.Type.DType))
            {
                throw new GraphException($"{op.Name} '{name}': operand {i} ({input}) holds {input.Type.DType}; it must be {types.Describe()}.");
            }

            inputTypes[i] = input.Type;
        }

        TensorType[] outputTypes;
        try
        {
            outputTypes = op.InferTypes(inputTypes, attributes);
        }
        catch (Exception e) when (e is GraphException or OverflowException or InvalidCastException)
        {
            throw new GraphException($"{op.Name} '{name ?? op.Name}' on {string.Join(", ", inputTypes)}: {e.Message}");
        }

        foreach (TensorType type in outputTypes)
        {
            if (type.Shape.ElementCount == 0)
            {
                throw new GraphException($"{op.Name} '{name ?? op.Name}' on {string.Join(", ", inputTypes)}: the result {type} has no elements.");
            }
        }

        string baseName = string.IsNullOrEmpty(name) ? op.Name : name;
        Node node = new(Unique(baseName), op, attributes, inputs.ToArray(), Stage, Place);
        Value[] outputs = new Value[outputTypes.Length];
        for (int i = 0; i < outputs.Length; i++)
        {
            bool isHalf = i < HalfOperands.Most && (Halves >> i & 1) != 0;
            outputs[i] = AddNamedValue(i == 0 ? node.Name : Unique($"{node.Name}:{i}"), outputTypes[i], node, null, isHalf: isHalf);
        }

        node.Outputs = outputs;
        _nodes.Add(node);
        foreach (Value input in inputs) input.AddConsumer(node);
        return node;
    }

    /// <summary>Ends building; the builder cannot be used afterwards.</summary>
    public Graph Build(params ReadOnlySpan<Value> outputs)
    {
        ObjectDisposedException.ThrowIf(_built, this);
        if (outputs.Length == 0) throw new GraphException("A graph needs at least one output.");
        foreach (Value output in outputs)
        {
            if (output.Id >= _values.Count || !ReferenceEquals(_values[output.Id], output))
            {
                throw new GraphException($"The output {output} belongs to another graph.");
            }
        }

        _built = true;
        return new Graph([.. _values], [.. _nodes], [.. _inputs], outputs.ToArray());
    }

    private Value AddValue(string name, TensorType type, Node? producer, TensorData? constant) =>
        AddNamedValue(Unique(name), type, producer, constant);

    private Value AddNamedValue(string name, TensorType type, Node? producer, TensorData? constant, Variable? variable = null, bool isHalf = false)
    {
        ObjectDisposedException.ThrowIf(_built, this);
        Value value = new(_values.Count, name, type, producer, constant, variable, isHalf);
        _values.Add(value);
        return value;
    }

    private string Unique(string name)
    {
        if (_names.Add(name)) return name;
        int suffix = _suffixes.GetValueOrDefault(name, 1);
        string candidate;
        do
        {
            candidate = $"{name}_{suffix++}";
        }
        while (!_names.Add(candidate));
        _suffixes[name] = suffix;
        return candidate;
    }
}
