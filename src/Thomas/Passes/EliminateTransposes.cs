using System;
using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Passes;

/// <summary>
/// Moves transposes down through operators that do not care about the order of axes, where they meet their inverses and vanish. A network exported in
/// NCHW becomes NHWC throughout; a transpose that must stay (before a flatten, say) is made as late as possible, and one that moves no element is a reshape.
/// </summary>
/// <remarks>While the graph is walked, an old value may stand in the new graph in another axis order: old = transpose(stored, perm).</remarks>
internal sealed class EliminateTransposes
{
    private readonly Graph _graph;
    private readonly GraphRewriter _rewriter;
    private readonly Value?[] _stored;
    private readonly IntList[] _perms;

    private EliminateTransposes(Graph graph)
    {
        _graph = graph;
        _rewriter = new GraphRewriter(graph);
        _stored = new Value?[graph.Values.Count];
        _perms = new IntList[graph.Values.Count];
    }

    public static Graph Run(Graph graph) => new EliminateTransposes(graph).Run();

    private Graph Run()
    {
        foreach (Node node in _graph.Nodes)
        {
            if (!TrySink(node)) CopyMaterialized(node);
        }

        foreach (Value output in _graph.Outputs) Materialize(output);
        return EliminateDeadNodes.Run(_rewriter.Build());
    }

    private bool TrySink(Node node)
    {
        switch (node.Op)
        {
            case Transpose:
                (Value stored, IntList perm) = Stored(node.Inputs[0]);
                Store(node, stored, Permutation.Compose(perm, ((TransposeAttributes)node.Attributes).Perm));
                return true;
            case Activate or UnaryOp:
                return SinkUnary(node, node.Attributes);
            case FakeQuantize when ((FakeQuantizeAttributes)node.Attributes).Quantization.IsPerTensor:
                return SinkUnary(node, node.Attributes);
            case Pad:
                PadAttributes pad = (PadAttributes)node.Attributes;
                return SinkUnary(node, inverse => pad with { Before = Permutation.Apply(inverse, pad.Before), After = Permutation.Apply(inverse, pad.After) });
            case Slice:
                SliceAttributes slice = (SliceAttributes)node.Attributes;
                return SinkUnary(
                    node,
                    inverse => new SliceAttributes(
                        Permutation.Apply(inverse, slice.Begin), Permutation.Apply(inverse, slice.Size), Permutation.Apply(inverse, slice.Step)));
            case Softmax:
                return IsPending(node.Inputs[0]) && PermOf(node.Inputs[0])[node.Output.Shape.Rank - 1] == node.Output.Shape.Rank - 1
                    && SinkUnary(node, node.Attributes);
            case Reduce:
                return SinkReduce(node);
            case BinaryOp:
                return SinkBinary(node);
            case Concat:
                return SinkConcat(node);
            case Reshape:
                return SinkReshape(node);
            default:
                return false;
        }
    }

    private bool SinkUnary(Node node, OpAttributes attributes) => SinkUnary(node, _ => attributes);

    /// <summary>Applies the node to the operand as it is stored, its attributes turned by the inverse permutation.</summary>
    private bool SinkUnary(Node node, Func<IntList, OpAttributes> attributes)
    {
        if (!IsPending(node.Inputs[0])) return false;
        (Value stored, IntList perm) = Stored(node.Inputs[0]);
        Store(node, _rewriter.Builder.Add(node.Op, [stored], attributes(Permutation.Invert(perm)), node.Name), perm);
        return true;
    }

    private bool SinkReduce(Node node)
    {
        if (!IsPending(node.Inputs[0])) return false;
        (Value stored, IntList perm) = Stored(node.Inputs[0]);
        ReduceAttributes a = (ReduceAttributes)node.Attributes;
        int[] axes = new int[a.Axes.Count];
        for (int i = 0; i < axes.Length; i++) axes[i] = perm[a.Axes[i]];
        Array.Sort(axes);
        Value reduced = _rewriter.Builder.Add(node.Op, [stored], a with { Axes = new IntList(axes) }, node.Name);
        Store(node, reduced, a.KeepDims ? perm : WithoutAxes(perm, a.Axes));
        return true;
    }

    /// <summary>The permutation among the axes that a reduction leaves.</summary>
    private static IntList WithoutAxes(IntList perm, IntList reduced)
    {
        Span<int> kept = stackalloc int[perm.Count];
        int count = 0;
        for (int i = 0; i < perm.Count; i++)
        {
            if (!reduced.Items.Contains(i)) kept[count++] = perm[i];
        }

        // Rank the remaining stored axes: 0 for the smallest, and so on.
        int[] result = new int[count];
        for (int i = 0; i < count; i++)
        {
            for (int j = 0; j < count; j++) result[i] += kept[j] < kept[i] ? 1 : 0;
        }

        return new IntList(result);
    }

    private bool SinkBinary(Node node)
    {
        Value a = node.Inputs[0], b = node.Inputs[1];
        int rank = node.Output.Shape.Rank;
        Value lead = IsPending(a) && (!IsPending(b) || a.Shape.ElementCount >= b.Shape.ElementCount) ? a : b;
        if (!IsPending(lead) || lead.Shape.Rank != rank) return false;
        Value other = ReferenceEquals(lead, a) ? b : a;

        // Following the smaller operand would move more data than it saves.
        if (!IsPending(other) && !other.IsConstant && other.Shape.ElementCount > lead.Shape.ElementCount) return false;
        IntList perm = PermOf(lead), inverse = Permutation.Invert(perm);
        Value otherStored = InOrder(other, rank, perm, inverse);
        Value leadStored = Stored(lead).Stored;
        Value[] inputs = ReferenceEquals(lead, a) ? [leadStored, otherStored] : [otherStored, leadStored];
        Store(node, _rewriter.Builder.Add(node.Op, inputs, node.Attributes, node.Name), perm);
        return true;
    }

    private bool SinkConcat(Node node)
    {
        Value? lead = null;
        foreach (Value input in node.Inputs)
        {
            if (IsPending(input) && (lead is null || input.Shape.ElementCount > lead.Shape.ElementCount)) lead = input;
        }

        if (lead is null) return false;
        IntList perm = PermOf(lead), inverse = Permutation.Invert(perm);
        Value[] inputs = new Value[node.Inputs.Count];
        for (int i = 0; i < inputs.Length; i++) inputs[i] = InOrder(node.Inputs[i], lead.Shape.Rank, perm, inverse);
        int axis = perm[((ConcatAttributes)node.Attributes).Axis];
        Store(node, _rewriter.Builder.Add(node.Op, inputs, new ConcatAttributes(axis), node.Name), perm);
        return true;
    }

    /// <summary>A reshape does not care about a permutation that leaves the elements in place.</summary>
    private bool SinkReshape(Node node)
    {
        if (!IsPending(node.Inputs[0])) return false;
        (Value stored, IntList perm) = Stored(node.Inputs[0]);
        if (!Permutation.KeepsOrder(perm, stored.Shape)) return false;
        IntList dims = ((ReshapeAttributes)node.Attributes).Dims;
        int[] sizes = dims.Items.ToArray();
        for (int i = 0; i < sizes.Length; i++)
        {
            // "Copy the operand's size" means another axis now, except for a batch that stays in front.
            if (sizes[i] == 0 && perm[i] != i) sizes[i] = node.Output.Shape[i];
        }

        _rewriter.Set(node.Output, _rewriter.Builder.Add(node.Op, [stored], new ReshapeAttributes(new IntList(sizes)), node.Name));
        return true;
    }

    /// <summary>An operand of lower or equal rank as it must be stored to fit one whose pending permutation is <paramref name="perm"/>.</summary>
    private Value InOrder(Value operand, int rank, IntList perm, IntList inverse)
    {
        if (IsPending(operand) && PermOf(operand) == perm) return Stored(operand).Stored;
        Value plain = Materialize(operand);
        if (plain.Shape.ElementCount == 1 && plain.Shape.Rank <= 1) return plain;
        if (plain.Shape.Rank < rank)
        {
            int[] dims = new int[rank];
            Array.Fill(dims, 1);
            plain.Shape.Dims.CopyTo(dims.AsSpan(rank - plain.Shape.Rank));
            plain = Reshaped(plain, new IntList(dims));
        }

        return Permuted(plain, inverse);
    }

    private void CopyMaterialized(Node node)
    {
        foreach (Value input in node.Inputs) Materialize(input);
        _rewriter.Copy(node);
    }

    /// <summary>The new value with the axes in the old order.</summary>
    private Value Materialize(Value old)
    {
        if (IsPending(old))
        {
            (Value stored, IntList perm) = Stored(old);
            _rewriter.Set(old, Permuted(stored, perm));
            _stored[old.Id] = null;
        }

        return _rewriter.Map(old);
    }

    private Value Permuted(Value value, IntList perm)
    {
        if (Permutation.IsIdentity(perm)) return value;
        if (Permutation.KeepsOrder(perm, value.Shape))
        {
            Shape shape = Permutation.Apply(perm, value.Shape);
            int[] dims = shape.Dims.ToArray();
            if (!value.IsConstant && perm[0] == 0) dims[0] = 0;
            return Reshaped(value, new IntList(dims));
        }

        if (value.Constant is not null) return _rewriter.Builder.Constant(value.Name, Transpose.Permuted(value.Constant, perm));
        return _rewriter.Builder.Add(OpCatalog.Transpose, [value], new TransposeAttributes(perm), value.Name + ".transposed");
    }

    private Value Reshaped(Value value, IntList dims)
    {
        if (value.Constant is not null) return _rewriter.Builder.Constant(value.Name, value.Constant.Reshaped(new Shape(dims.Items)));
        return _rewriter.Builder.Add(OpCatalog.Reshape, [value], new ReshapeAttributes(dims), value.Name + ".reshaped");
    }

    private bool IsPending(Value old) => _stored[old.Id] is not null;

    private IntList PermOf(Value old) => _perms[old.Id];

    private (Value Stored, IntList Perm) Stored(Value old) =>
        _stored[old.Id] is Value stored ? (stored, _perms[old.Id]) : (_rewriter.Map(old), Permutation.Identity(old.Shape.Rank));

    private void Store(Node node, Value stored, IntList perm)
    {
        if (Permutation.IsIdentity(perm))
        {
            _rewriter.Set(node.Output, stored);
            return;
        }

        _stored[node.Output.Id] = stored;
        _perms[node.Output.Id] = perm;
    }
}
