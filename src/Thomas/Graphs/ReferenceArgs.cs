using System;

namespace Thomas.Graphs;

/// <summary>One operand of a reference execution: memory of <see cref="Shape"/>, row-major.</summary>
internal readonly unsafe struct RefTensor<T>(T* data, Shape shape)
    where T : unmanaged
{
    public T* Data { get; } = data;

    public Shape Shape { get; } = shape;

    public Span<T> Span => new(Data, Shape.ElementCount);
}

/// <summary>The operands of a reference execution of one node.</summary>
internal sealed class ReferenceArgs<T>(Node node, RefTensor<T>[] inputs, RefTensor<T>[] outputs)
    where T : unmanaged
{
    public Node Node { get; } = node;

    public RefTensor<T>[] Inputs { get; } = inputs;

    public RefTensor<T>[] Outputs { get; } = outputs;

    public RefTensor<T> Output => Outputs[0];

    public TAttributes Attributes<TAttributes>()
        where TAttributes : OpAttributes => (TAttributes)Node.Attributes;
}
