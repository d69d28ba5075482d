using System.Collections.Generic;

namespace Thomas.Graphs;

/// <summary>An edge of the graph: a tensor with exactly one origin: a graph input, a constant, a variable, or one output of one node.</summary>
public sealed class Value
{
    private readonly List<Node> _consumers = [];

    internal Value(int id, string name, TensorType type, Node? producer, TensorData? constant, Variable? variable = null, bool isHalf = false)
    {
        Id = id;
        Name = name;
        Type = type;
        Producer = producer;
        Constant = constant;
        Variable = variable;
        IsHalf = isHalf;
    }

    /// <summary>Position in <see cref="Graph.Values"/>.</summary>
    public int Id { get; }

    /// <summary>Unique within the graph; taken from the model file where it has one.</summary>
    public string Name { get; }

    /// <summary>Element type and shape.</summary>
    public TensorType Type { get; }

    /// <summary>The sizes.</summary>
    public Shape Shape => Type.Shape;

    /// <summary>The node that computes it; null for inputs, constants and variables.</summary>
    public Node? Producer { get; }

    /// <summary>The contents, where they are known at compile time.</summary>
    public TensorData? Constant { get; }

    /// <summary>The tensor of longer life whose contents at the start of the run it has; else null.</summary>
    internal Variable? Variable { get; }

    /// <summary>Whether it is the contents of a variable at the start of the run.</summary>
    public bool IsVariable => Variable is not null;

    /// <summary>Whether the contents are known at compile time.</summary>
    public bool IsConstant => Constant is not null;

    /// <summary>Whether it is fed from outside.</summary>
    public bool IsInput => Producer is null && Constant is null && Variable is null;

    /// <summary>The device whose memory it lies in, by its number: its producer's; 0 for inputs and variables. Constants are wherever they are read.</summary>
    internal int Place => Producer?.Place ?? 0;

    /// <summary>
    /// Whether its elements, float32 numbers, lie in memory as 16-bit floats: they are rounded when they are written. Decided when nodes are placed.
    /// </summary>
    internal bool IsHalf { get; }

    /// <summary>Its elements as they lie in memory.</summary>
    internal TensorType StoredType => IsHalf ? new TensorType(DType.F16, Shape) : Type;

    /// <summary>Bytes of its elements in memory.</summary>
    internal long StoredBytes => StoredType.SizeBytes;

    /// <summary>The nodes that read it, in graph order; one that reads it twice stands here twice. Graph outputs are not counted.</summary>
    public IReadOnlyList<Node> Consumers => _consumers;

    /// <inheritdoc/>
    public override string ToString() => $"%{VisibleText.Of(Name)}: {Type}";

    internal void AddConsumer(Node node) => _consumers.Add(node);
}
