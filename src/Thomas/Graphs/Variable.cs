namespace Thomas.Graphs;

/// <summary>What a variable is for; memory plans report by it.</summary>
internal enum VariableKind
{
    /// <summary>A trained parameter.</summary>
    Weight,

    /// <summary>A running statistic of batch normalization.</summary>
    Statistic,

    /// <summary>A moment of an optimizer, or an average of weights.</summary>
    OptimizerState,

    /// <summary>A sum of gradients over micro-batches.</summary>
    Gradient,
}

/// <summary>
/// A tensor that lives longer than one run: a parameter in training, a statistic, a moment. Graphs name it by reference, so several graphs can share one; its
/// bytes lie in a <see cref="Runtime.VariableStore"/>.
/// </summary>
/// <param name="name">Unique among the variables that are used together; the name of the constant that it replaces, where it replaces one.</param>
/// <param name="type">Element type and sizes.</param>
/// <param name="kind">What it is for.</param>
/// <param name="initial">Its first contents, of the same type, or floats of 16 bits for a variable of F32, which are widened; null for zeros.</param>
internal sealed class Variable(string name, TensorType type, VariableKind kind, TensorData? initial = null)
{
    /// <summary>A variable of F32: all that is trained.</summary>
    public Variable(string name, Shape shape, VariableKind kind, TensorData? initial = null)
        : this(name, new TensorType(DType.F32, shape), kind, initial)
    {
    }

    /// <summary>Unique among the variables that are used together.</summary>
    public string Name { get; } = name ?? throw new System.ArgumentNullException(nameof(name));

    /// <summary>Element type and shape.</summary>
    public TensorType Type { get; } = type;

    /// <summary>The sizes.</summary>
    public Shape Shape => Type.Shape;

    /// <summary>What it is for.</summary>
    public VariableKind Kind { get; } = kind;

    /// <summary>Its first contents; null for zeros.</summary>
    public TensorData? Initial { get; } = initial;

    /// <inheritdoc/>
    public override string ToString() => $"{Name}: {Type}";
}
