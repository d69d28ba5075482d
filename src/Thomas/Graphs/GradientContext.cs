using System;
using System.Collections.Generic;

namespace Thomas.Graphs;

/// <summary>What a gradient rule sees of its node, and where it emits the nodes of the backward pass.</summary>
internal sealed class GradientContext
{
    private readonly Func<Value, bool> _needs;
    private readonly Action<Value, Value> _add;

    /// <param name="builder">The graph under construction.</param>
    /// <param name="node">The forward node, of the same builder.</param>
    /// <param name="gradOutputs">dL/d(output k), null where the loss does not depend on it.</param>
    /// <param name="needs">Whether a value's gradient is wanted.</param>
    /// <param name="add">Adds a contribution to a value's gradient.</param>
    public GradientContext(GraphBuilder builder, Node node, IReadOnlyList<Value?> gradOutputs, Func<Value, bool> needs, Action<Value, Value> add)
    {
        Builder = builder;
        Node = node;
        GradOutputs = gradOutputs;
        _needs = needs;
        _add = add;
    }

    public GraphBuilder Builder { get; }

    /// <summary>The forward node.</summary>
    public Node Node { get; }

    /// <summary>dL/d(output k), null where the loss does not depend on it.</summary>
    public IReadOnlyList<Value?> GradOutputs { get; }

    /// <summary>dL/dy of a node with one result that matters.</summary>
    public Value GradOutput => GradOutputs[0] ?? throw new GraphException($"{Node}: its first result has no gradient");

    public Value Output => Node.Output;

    public Value Input(int index) => Node.Inputs[index];

    public TAttributes Attributes<TAttributes>()
        where TAttributes : OpAttributes => (TAttributes)Node.Attributes;

    /// <summary>Whether the gradient of operand i is wanted. A rule must emit nothing for operands that are not.</summary>
    public bool Needs(int input) => _needs(Node.Inputs[input]);

    /// <summary>Adds dL/d(operand i), which must have the operand's shape. Contributions to the same value are summed.</summary>
    public void Add(int input, Value gradient)
    {
        if (gradient.Shape != Node.Inputs[input].Shape)
        {
            throw new GraphException($"{Node}: the gradient {gradient} of operand {input} should have the shape {Node.Inputs[input].Shape}");
        }

        _add(Node.Inputs[input], gradient);
    }

    /// <summary>Emits a node of the backward pass, named after the forward node.</summary>
    /// <param name="op">The operator.</param>
    /// <param name="what">What it computes in the field's words, for example <c>gradInput</c>.</param>
    /// <param name="inputs">Its operands.</param>
    /// <param name="attributes">Its settings.</param>
    public Value Emit(Op op, string what, ReadOnlySpan<Value> inputs, OpAttributes? attributes = null) =>
        Builder.Add(op, inputs, attributes, $"{Node.Name}/{what}");

    /// <summary>Emits a node that computes again, for this rule, what the forward pass has computed or could have kept.</summary>
    public Node EmitAgain(Op op, string what, ReadOnlySpan<Value> inputs, OpAttributes? attributes = null)
    {
        Stage stage = Builder.Stage;
        Builder.Stage = Stage.Recompute;
        Node node = Builder.AddNode(op, inputs, attributes, $"{Node.Name}/{what}");
        Builder.Stage = stage;
        return node;
    }

    /// <summary>A scalar constant.</summary>
    public Value Scalar(float value) => Builder.Constant($"{Node.Name}/constant", TensorData.FromFloats(new Shape(), [value]));
}
