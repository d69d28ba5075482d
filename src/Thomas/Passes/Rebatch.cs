using System;
using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Passes;

/// <summary>
/// Gives a graph another batch. Every value that depends on an input holds the images one after the other along its first axis, some rows for each image: one,
/// or more where a file folds positions into that axis. So a value whose rows for one image are known has a known shape for any batch, whatever sizes a file
/// wrote into its reshapes; and an operator that works along the first axis either works on the rows of one image, and then gets the batch as an axis of its
/// own, or mixes images, and is refused.
/// </summary>
internal sealed class Rebatch
{
    private readonly Graph _graph;
    private readonly GraphRewriter _rewriter;
    private readonly int _from;
    private readonly int _to;
    private readonly bool _mayCross;
    private readonly bool _isOpen;
    private readonly bool[] _holdsImages;
    private Node _node = null!;

    private Rebatch(Graph graph, int from, int to, bool mayCross, bool isOpen = false)
    {
        _graph = graph;
        _from = from;
        _to = to;
        _mayCross = mayCross;
        _isOpen = isOpen;
        _holdsImages = new bool[graph.Values.Count];
        _rewriter = new GraphRewriter(graph, input => input.Shape.Rank == 0 ? input.Type : new TensorType(input.Type.DType, Rows(input.Shape)));
    }

    /// <summary>The graph of a model, whose batch is 1, for another batch.</summary>
    /// <exception cref="GraphException">Some node cannot take another batch.</exception>
    public static Graph Run(Graph graph, int batch)
    {
        int from = BatchOf(graph);
        if (from == batch) return graph;
        foreach (Node node in graph.Nodes)
        {
            // Steps of training sum over the batch on purpose. What rounds weights does not see it.
            if (node.Op.IsTrainingOnly && node.Op is not (RoundWeights or RoundBias)) return Copy(graph, batch);
        }

        return new Rebatch(graph, from, batch, mayCross: true).Run();
    }

    private static Graph Copy(Graph graph, int batch)
    {
        GraphRewriter rewriter = new(graph, input => input.Shape.Rank == 0 ? input.Type : new TensorType(input.Type.DType, input.Shape.With(0, batch)));
        foreach (Node node in graph.Nodes) rewriter.Copy(node);
        return rewriter.Build();
    }

    /// <summary>The graph of a file, whose inputs have the file's batch, for a batch of 1, such that it holds for any batch.</summary>
    /// <param name="graph">The graph as the file has it.</param>
    /// <param name="isOpen">Whether the file leaves the batch open: what works along an axis of size 1 then works on images, not on nothing.</param>
    /// <exception cref="GraphException">Some node mixes the images of a batch.</exception>
    public static Graph FromFile(Graph graph, bool isOpen) => new Rebatch(graph, BatchOf(graph), 1, mayCross: !isOpen).Run();

    /// <summary>The graph of a model with a batch of 1, such that it holds as it is for any batch: for files that leave the batch open.</summary>
    /// <exception cref="GraphException">Some node holds for one batch only.</exception>
    public static Graph ForAnyBatch(Graph graph) => new Rebatch(graph, 1, 1, mayCross: true, isOpen: true).Run();

    /// <summary>Whether nodes need not change: the batch stays, and stays fixed.</summary>
    private bool StaysAsIs => _from == _to && !_isOpen;

    /// <summary>The first axis of the first input; an input of one axis holds one image.</summary>
    private static int BatchOf(Graph graph) => graph.Inputs is [{ Shape: { Rank: >= 2 } shape }, ..] && shape[0] > 0 ? shape[0] : 1;

    private Graph Run()
    {
        foreach (Value input in _graph.Inputs)
        {
            _holdsImages[input.Id] = input.Shape.Rank > 0;
            if (input.Shape.Rank > 0 && input.Shape[0] % _from != 0)
            {
                throw new GraphException($"The inputs differ in their batch: {input} does not hold {_from} images.");
            }
        }

        foreach (Node node in _graph.Nodes)
        {
            _node = node;
            bool any = false;
            foreach (Value input in node.Inputs) any |= _holdsImages[input.Id];
            if (!any || !Rewrite(node)) _rewriter.Copy(node);
            foreach (Value output in node.Outputs) _holdsImages[output.Id] = any && output.Shape.Rank > 0;
            if (any) CheckRows(node);
        }

        foreach (Value output in _graph.Outputs)
        {
            if (_from > 1 && _holdsImages[output.Id] && output.Shape[0] != _from)
            {
                throw Mixes(output.Producer, $"the output {output} does not hold {_from} images along its first axis");
            }
        }

        return _rewriter.Build();
    }

    /// <summary>Rewrites a node that reads images; false where a copy is right.</summary>
    private bool Rewrite(Node node)
    {
        switch (node.Op)
        {
            case Reshape:
                return RewriteReshape(node);
            case BinaryOp:
                return RewriteBinary(node);
            case MatMul:
                return RewriteMatMul(node);
            case Reduce when ((ReduceAttributes)node.Attributes) is var a && a.Axes.Items.Contains(0):
                return Inside(node, "computes one number over all images", a with { Axes = Shifted(a.Axes, 1) });
            case Softmax when node.Output.Shape.Rank == 1:
                return Inside(node, "divides by a sum over all images", node.Attributes);
            case Concat when ((ConcatAttributes)node.Attributes).Axis == 0:
                return Inside(node, "joins along the axis of the images", new ConcatAttributes(1));
            case Concat:
                return RewriteConcat(node);
            case Pad when ((PadAttributes)node.Attributes) is var a && (a.Before[0] != 0 || a.After[0] != 0):
                return Inside(node, "pads the axis of the images", a with { Before = Prepended(0, a.Before), After = Prepended(0, a.After) });
            case Slice:
                return RewriteSlice(node);
            case Transpose when ((TransposeAttributes)node.Attributes).Perm is var perm && perm[0] != 0:
                if (_from > 1) throw Mixes(node, "moves the axis of the images");
                return InsideUnchecked(node, new TransposeAttributes(Prepended(0, Shifted(perm, 1))));
            case BatchNorm or LocalResponseNorm or FakeQuantize when node.Output.Shape.Rank == 1
                && node.Attributes is not FakeQuantizeAttributes { Quantization.IsPerTensor: true }:
                return Inside(node, "scales along the axis of the images", node.Attributes);
            default:
                return false;
        }
    }

    /// <summary>A reshape keeps the images one after the other, so that only the size of the first axis follows from the batch.</summary>
    private bool RewriteReshape(Node node)
    {
        Shape x = node.Inputs[0].Shape, y = node.Output.Shape;
        IntList wanted = ((ReshapeAttributes)node.Attributes).Dims;
        if (y.Rank == 0) throw Mixes(node, "reduces the images to a single number");
        if (y[0] % _from != 0) throw Mixes(node, $"makes {y} of {x}, which no longer holds {_from} images along its first axis");
        if (wanted[0] is 0 or -1) return false;
        int[] dims = wanted.Items.ToArray();
        bool keeps = x[0] == y[0];
        for (int i = 1; i < dims.Length; i++)
        {
            if (dims[i] == -1 && !keeps) dims[i] = y[i];
        }

        // Nothing follows from sizes of 0.
        dims[0] = keeps ? 0 : y.Product(1, y.Rank) > 0 ? -1 : y[0] / _from * _to;
        Emit(node, [_rewriter.Map(node.Inputs[0])], new ReshapeAttributes(new IntList(dims)));
        return true;
    }

    private bool RewriteSlice(Node node)
    {
        SliceAttributes a = (SliceAttributes)node.Attributes;
        Shape x = node.Inputs[0].Shape;
        if (a.Begin[0] != 0 || a.Step[0] != 1 || (a.Size[0] != -1 && a.Size[0] != x[0]))
        {
            return Inside(node, "takes some of the images", new SliceAttributes(Prepended(0, a.Begin), Prepended(-1, a.Size), Prepended(1, a.Step)));
        }

        if (a.Size[0] == -1) return false;
        Emit(node, [_rewriter.Map(node.Inputs[0])], a with { Size = Replaced(a.Size, -1) });
        return true;
    }

    /// <summary>
    /// Operands align at their last axes. All that hold images must have them at the first axis of the result; a constant of as many rows has one for each row
    /// of an image, and the same ones for each image.
    /// </summary>
    private bool RewriteBinary(Node node)
    {
        if (StaysAsIs) return false;
        int rank = node.Output.Shape.Rank, rows = node.Output.Shape[0];
        bool aligned = true;
        Value[] operands = new Value[2];
        for (int i = 0; i < operands.Length; i++)
        {
            Value operand = node.Inputs[i];
            operands[i] = _rewriter.Map(operand);
            if (_holdsImages[operand.Id])
            {
                if (_from > 1 && operand.Shape.Rank != rank) throw Mixes(node, $"puts the images of {operand} along another axis of {node.Output}");
                aligned &= operand.Shape.Rank == rank && operand.Shape[0] == rows;
            }
            else if (operand.Shape.Rank == rank && operand.Shape[0] > 1)
            {
                operands[i] = RowsOfOne(operand);
                aligned &= operands[i].Shape[0] == 1;
            }
        }

        if (aligned)
        {
            Emit(node, operands, node.Attributes);
            return true;
        }

        for (int i = 0; i < operands.Length; i++)
        {
            if (_holdsImages[node.Inputs[i].Id]) operands[i] = Split(node.Inputs[i], rank);
        }

        Join(node, _rewriter.Builder.Add(node.Op, operands, node.Attributes, $"{node.Name}/images"));
        return true;
    }

    /// <summary>
    /// Operands that hold images either count products along their first axis, all of them, or have rows for a product that mixes none; whatever else they have
    /// there (a side of the matrix, a part of the products) becomes a product for each image.
    /// </summary>
    private bool RewriteMatMul(Node node)
    {
        int rank = node.Output.Shape.Rank, rows = node.Output.Shape[0];
        bool mixes = false, apart = false, single = true;
        for (int i = 0; i < 2; i++)
        {
            Value operand = node.Inputs[i];
            if (_holdsImages[operand.Id])
            {
                bool areRows = i == 0 && !((MatMulAttributes)node.Attributes).TransposeA;
                mixes |= operand.Shape.Rank != rank || operand.Shape[0] != rows || (rank == 2 && !areRows);
                single &= operand.Shape[0] == 1;
            }
            else
            {
                apart |= HasMatrices(operand, rank) && operand.Shape[0] != _from;
            }
        }

        if (mixes && (_from > 1 || (single && !_mayCross))) throw Mixes(node, "multiplies the images of a batch by each other");
        if (StaysAsIs) return false;
        Value[] operands = new Value[2];
        for (int i = 0; i < 2; i++)
        {
            Value operand = node.Inputs[i];
            operands[i] = _holdsImages[operand.Id] && (mixes || apart) ? Split(operand, rank)
                : !_holdsImages[operand.Id] && HasMatrices(operand, rank) ? RowsOfOne(operand) : _rewriter.Map(operand);
        }

        if (mixes || apart) Join(node, _rewriter.Builder.Add(node.Op, operands, node.Attributes, $"{node.Name}/images"));
        else Emit(node, operands, node.Attributes);
        return true;
    }

    /// <summary>Whether a constant has other matrices along the first axis of a product.</summary>
    private static bool HasMatrices(Value constant, int rank) => rank > 2 && constant.Shape.Rank == rank && constant.Shape[0] > 1;

    /// <summary>Constants beside images: their rows are those of one image.</summary>
    private bool RewriteConcat(Node node)
    {
        if (StaysAsIs) return false;
        if (_isOpen && JoinOpen(node)) return true;
        Value[] operands = new Value[node.Inputs.Count];
        for (int i = 0; i < operands.Length; i++)
        {
            Value operand = node.Inputs[i];
            operands[i] = _holdsImages[operand.Id] ? _rewriter.Map(operand) : Repeated(RowsOfOne(operand));
        }

        Emit(node, operands, node.Attributes);
        return true;
    }

    /// <summary>
    /// Joins images with constants of one row (class tokens) without a size for the batch: images padded by zeros, plus the constants where the zeros are.
    /// </summary>
    private bool JoinOpen(Node node)
    {
        int axis = ((ConcatAttributes)node.Attributes).Axis, rank = node.Output.Shape.Rank, at = 0, lastImage = -1;
        Shape full = node.Output.Shape.With(0, 1);
        float[] added = new float[full.ElementCount];
        int[] before = new int[node.Inputs.Count], after = new int[node.Inputs.Count];
        bool any = false;
        for (int i = 0; i < before.Length; i++)
        {
            Value operand = node.Inputs[i];
            int length = operand.Shape[axis];
            if (_holdsImages[operand.Id])
            {
                if (lastImage < 0) before[i] = at;
                lastImage = i;
            }
            else
            {
                if (operand.Constant is not TensorData { Type.DType: DType.F32 } data || operand.Shape[0] != 1) return false;
                any = true;
                if (lastImage >= 0) after[lastImage] += length;
                int inner = full.Product(axis + 1, rank), row = length * inner;
                for (int outer = 0; outer < full.Product(0, axis); outer++)
                    data.Floats.Slice(outer * row, row).CopyTo(added.AsSpan(((outer * full[axis]) + at) * inner));
            }

            at += length;
        }

        if (!any) return false;
        List<Value> images = [];
        for (int i = 0; i < before.Length; i++)
        {
            if (_holdsImages[node.Inputs[i].Id]) images.Add(Padded(_rewriter.Map(node.Inputs[i]), axis, before[i], after[i], $"{node.Name}/apart"));
        }

        Value joined = images.Count == 1 ? images[0] : _rewriter.Builder.Add(OpCatalog.Concat, images.ToArray(), node.Attributes, $"{node.Name}/images");
        _rewriter.Set(
            node.Output,
            _rewriter.Builder.Add(
                OpCatalog.Add, [joined, _rewriter.Builder.Constant($"{node.Name}/constants", TensorData.FromFloats(full, added))], null, node.Name));
        return true;
    }

    private Value Padded(Value value, int axis, int before, int after, string name)
    {
        if (before == 0 && after == 0) return value;
        int[] left = new int[value.Shape.Rank], right = new int[value.Shape.Rank];
        (left[axis], right[axis]) = (before, after);
        return _rewriter.Builder.Add(OpCatalog.Pad, [value], new PadAttributes(new IntList(left), new IntList(right)), name);
    }

    /// <summary>The rows of a constant for one image, where the file repeats them for each of its batch.</summary>
    private Value RowsOfOne(Value constant)
    {
        Value mapped = _rewriter.Map(constant);
        if (_from == 1) return mapped;
        int rows = constant.Shape[0] / _from;
        if (constant.Constant is not TensorData data || constant.Shape[0] % _from != 0) throw Mixes(_node, $"reads {constant} together with {_from} images");
        int bytes = data.Bytes.Length / _from;
        for (int image = 1; image < _from; image++)
        {
            if (!data.Bytes.Span.Slice(image * bytes, bytes).SequenceEqual(data.Bytes.Span[..bytes]))
            {
                throw Mixes(_node, $"reads '{constant.Name}', which has different values for each image");
            }
        }

        return _rewriter.Builder.Constant(
            $"{constant.Name}/one", new TensorData(new TensorType(constant.Type.DType, constant.Shape.With(0, rows)), data.Bytes[..bytes]));
    }

    private Value Repeated(Value constant)
    {
        if (_isOpen) throw new GraphException($"{_node} joins images with {constant}, which a file with an open batch cannot repeat for each image.");
        if (_to == 1) return constant;
        TensorData data = constant.Constant ?? throw new GraphException($"{_node} joins images with {constant}, which cannot be repeated for each of {_to}.");
        byte[] repeated = new byte[checked(data.Bytes.Length * _to)];
        for (int i = 0; i < _to; i++) data.Bytes.Span.CopyTo(repeated.AsSpan(i * data.Bytes.Length));
        return _rewriter.Builder.Constant($"{constant.Name}/repeated", new TensorData(new TensorType(constant.Type.DType, Rows(constant.Shape)), repeated));
    }

    /// <summary>Lets an operator that works along the first axis work on the rows of each image.</summary>
    private bool Inside(Node node, string mixing, OpAttributes? attributes)
    {
        // Of a single row for each image nothing is left to work on but the other images.
        bool single = true;
        foreach (Value input in node.Inputs) single &= !_holdsImages[input.Id] || input.Shape[0] == 1;
        if (_from > 1 || (single && !_mayCross)) throw Mixes(node, mixing);
        return InsideUnchecked(node, attributes);
    }

    private bool InsideUnchecked(Node node, OpAttributes? attributes)
    {
        if (StaysAsIs) return false;
        Value[] operands = new Value[node.Inputs.Count];
        for (int i = 0; i < operands.Length; i++)
        {
            Value input = node.Inputs[i];
            operands[i] = _holdsImages[input.Id] ? Split(input, input.Shape.Rank) : _rewriter.Map(input);
            if (!_holdsImages[input.Id] && node.Op is Concat)
            {
                operands[i] = Repeated(Reshaped(operands[i], Prepended(1, new IntList(input.Shape.Dims)), "rows"));
            }
        }

        Join(node, _rewriter.Builder.Add(node.Op, operands, attributes, $"{node.Name}/images"));
        return true;
    }

    /// <summary>A value with the batch as an axis of its own before the rows of an image, which get leading axes of size 1 up to a rank.</summary>
    private Value Split(Value value, int rank)
    {
        if (rank + 1 > Shape.MaxRank) throw new GraphException($"{_node} works along the axis of the images, and {value} has no axis left for them.");
        int[] dims = new int[rank + 1];
        Array.Fill(dims, 1);
        value.Shape.Dims.CopyTo(dims.AsSpan(rank + 1 - value.Shape.Rank));
        dims[rank + 1 - value.Shape.Rank] = value.Shape[0] / _from;
        dims[0] = -1;
        return _rewriter.Builder.Add(OpCatalog.Reshape, [_rewriter.Map(value)], new ReshapeAttributes(new IntList(dims)), $"{_node.Name}/split");
    }

    /// <summary>Undoes <see cref="Split"/> on a node's result.</summary>
    private void Join(Node node, Value result)
    {
        Shape y = node.Output.Shape;
        if (y.Rank == 0) throw Mixes(node, "reduces the images to a single number");
        int[] dims = y.Dims.ToArray();
        dims[0] = -1;
        _rewriter.Set(node.Output, _rewriter.Builder.Add(OpCatalog.Reshape, [result], new ReshapeAttributes(new IntList(dims)), node.Name));
    }

    private Value Reshaped(Value value, IntList dims, string suffix) => value.Constant is TensorData data
        ? _rewriter.Builder.Constant($"{value.Name}/{suffix}", data.Reshaped(new Shape(dims.Items)))
        : _rewriter.Builder.Add(OpCatalog.Reshape, [value], new ReshapeAttributes(dims), $"{value.Name}/{suffix}");

    private void Emit(Node node, ReadOnlySpan<Value> operands, OpAttributes? attributes)
    {
        _rewriter.Enter(node);
        Node copy = _rewriter.Builder.AddNode(node.Op, operands, attributes, node.Name);
        for (int i = 0; i < node.Outputs.Count; i++) _rewriter.Set(node.Outputs[i], copy.Outputs[i]);
    }

    /// <summary>Whatever an operator does, its results must have the rows that follow from the batch.</summary>
    private void CheckRows(Node node)
    {
        foreach (Value output in node.Outputs)
        {
            if (output.Shape.Rank == 0)
            {
                if (_from > 1 || _to > 1) throw Mixes(node, "reduces the images to a single number");
                continue;
            }

            bool whole = output.Shape[0] % _from == 0;
            if (!whole || _rewriter.Map(output).Shape != Rows(output.Shape)) throw Mixes(node, $"makes {output}, whose first axis does not follow the images");
        }
    }

    private Shape Rows(Shape shape) => shape.With(0, checked((int)((long)shape[0] / _from * _to)));

    private static GraphException Mixes(Node? node, string how) =>
        new($"{(node is null ? "a graph" : $"{node.Op.Name} '{node.Name}'")} that {how} (it would mix the images of a batch; export the model with a batch "
        + $"of 1, or without this node)");

    private static IntList Shifted(IntList axes, int by)
    {
        int[] shifted = axes.Items.ToArray();
        for (int i = 0; i < shifted.Length; i++) shifted[i] += by;
        return new IntList(shifted);
    }

    private static IntList Prepended(int first, IntList items) => new([first, .. items.Items]);

    private static IntList Replaced(IntList items, int first)
    {
        int[] replaced = items.Items.ToArray();
        replaced[0] = first;
        return new IntList(replaced);
    }
}
