using System;
using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Formats.Onnx;

/// <summary>Operators that move, cut, join or reduce.</summary>
internal sealed partial class OnnxImporter
{
    private Operand Reshape(OnnxNode node)
    {
        Operand x = node.Input(0);
        long[] wanted = node.Opset < 5 && node.Ints("shape") is long[] attribute ? attribute : Integers(node, node.Input(1));
        if (wanted.Length > Shape.MaxRank) throw node.Fail($"asks for {wanted.Length} axes, more than {Shape.MaxRank}");
        bool allowZero = node.Int("allowzero", 0) != 0;
        long known = 1;
        int open = -1;
        for (int i = 0; i < wanted.Length; i++)
        {
            if (wanted[i] == 0 && !allowZero)
            {
                if (i >= x.Rank) throw node.Fail($"size {i} copies an axis that {x.Shape} does not have");
                wanted[i] = x.Shape[i];
            }

            if (wanted[i] == -1 && open < 0) open = i;
            else if (wanted[i] is < 0 or > int.MaxValue) throw node.Fail($"asks for size {wanted[i]}");
            else if ((known *= wanted[i]) > int.MaxValue) throw node.Fail($"asks for more elements than {x.Shape} has");
        }

        if (open >= 0)
        {
            if (known == 0 || x.Shape.ElementCount % known != 0) throw node.Fail($"{x.Shape} does not divide into the requested sizes");
            wanted[open] = x.Shape.ElementCount / known;
        }

        return ReshapeTo(node, x, ToShape(node, wanted).Dims, node.Name);
    }

    /// <summary>Reshapes to known sizes; the batch axis stays open.</summary>
    private Operand ReshapeTo(OnnxNode node, Operand x, ReadOnlySpan<int> sizes, string? name = null)
    {
        Shape shape = new(sizes);
        if (shape.ElementCount != x.Shape.ElementCount) throw node.Fail($"{x.Shape} cannot become {shape}");
        if (x.IsConstant) return new Operand(name ?? node.Name, x.Stored!.Reshaped(shape));
        int[] dims = sizes.ToArray();
        if (dims.Length > 0 && x.Rank > 0 && dims[0] == x.Shape[0]) dims[0] = 0;
        return Move(node, OpCatalog.Reshape, x, new ReshapeAttributes(new IntList(dims)), name);
    }

    private Operand Flatten(OnnxNode node)
    {
        Operand x = node.Input(0);
        long given = node.Int("axis", 1);
        int axis = given == x.Rank ? x.Rank : node.Axis(given, x.Rank);
        return ReshapeTo(node, x, [x.Shape.Product(0, axis), x.Shape.Product(axis, x.Rank)]);
    }

    /// <summary>Axes as an attribute before an operator set, as an operand since; null where not given.</summary>
    private static long[]? AxesOf(OnnxNode node, int operandSince) =>
        node.Opset < operandSince ? node.Ints("axes") : node.Optional(1) is Operand axes ? Integers(node, axes) : null;

    private Operand Squeeze(OnnxNode node)
    {
        Operand x = node.Input(0);
        int[]? axes = AxesOf(node, 13) is long[] given ? node.Axes(given, x.Rank) : null;
        int kept = 0;
        int[] sizes = new int[x.Rank];
        for (int i = 0; i < x.Rank; i++)
        {
            bool removed = axes is null ? x.Shape[i] == 1 : Array.IndexOf(axes, i) >= 0;
            if (removed && x.Shape[i] != 1) throw node.Fail($"axis {i} of {x.Shape} cannot be removed");
            if (!removed) sizes[kept++] = x.Shape[i];
        }

        return ReshapeTo(node, x, sizes.AsSpan(0, kept));
    }

    private Operand Unsqueeze(OnnxNode node)
    {
        Operand x = node.Input(0);
        long[] given = AxesOf(node, 13) ?? throw node.Fail("its axes are missing");
        int rank = x.Rank + given.Length;
        if (rank > Shape.MaxRank) throw node.Fail($"asks for {rank} axes, more than {Shape.MaxRank}");
        int[] axes = node.Axes(given, rank), sizes = new int[rank];
        for (int i = 0, source = 0; i < rank; i++) sizes[i] = Array.IndexOf(axes, i) >= 0 ? 1 : x.Shape[source++];
        return ReshapeTo(node, x, sizes);
    }

    private Operand TransposeAxes(OnnxNode node)
    {
        Operand x = node.Input(0);
        int[] permutation = new int[x.Rank];
        for (int i = 0; i < permutation.Length; i++) permutation[i] = x.Rank - 1 - i;
        if (node.Ints("perm") is long[] given)
        {
            if (given.Length != x.Rank) throw node.Fail($"perm has {given.Length} axes, the operand {x.Rank}");
            node.Axes(given, x.Rank);
            for (int i = 0; i < permutation.Length; i++) permutation[i] = node.Axis(given[i], x.Rank);
        }

        if (x.IsInteger)
        {
            int[] own = x.Shape.Strides(), from = new int[x.Rank];
            for (int i = 0; i < from.Length; i++) from[i] = own[permutation[i]];
            return Rearranged(x, Permutation.Apply(new IntList(permutation), x.Shape), 0, from, node.Name);
        }

        return x.IsConstant
            ? new Operand(node.Name, Permuted(node, x, "an operand", new IntList(permutation)).Stored!)
            : Move(node, OpCatalog.Transpose, x, new TransposeAttributes(new IntList(permutation)));
    }

    private Operand Concatenate(OnnxNode node)
    {
        if (!node.Has("axis") && node.Opset >= 4) throw node.Fail("its axis is missing");
        int axis = node.Axis(node.Int("axis", 1), node.Input(0).Rank);
        Operand[] operands = new Operand[node.InputCount];
        for (int i = 0; i < operands.Length; i++) operands[i] = node.Input(i);
        return Joined(node, operands, axis);
    }

    private Operand Joined(OnnxNode node, Operand[] operands, int axis) =>
        Array.TrueForAll(operands, static operand => operand.IsInteger)
        ? JoinIntegers(node, operands, axis)
        : Apply(node, OpCatalog.Concat, operands, new ConcatAttributes(axis));

    private Operand Pad(OnnxNode node)
    {
        Operand x = node.Input(0);
        bool asOperands = node.Opset >= 11;
        long[] pads = (asOperands ? Integers(node, node.Input(1)) : node.Ints("pads") ?? node.Ints("paddings")) ?? throw node.Fail("its pads are missing");
        float value = asOperands ? node.Optional(2) is Operand given ? Bound(node, 2, 0) : 0 : node.Float("value", 0);
        int[] before = new int[x.Rank], after = new int[x.Rank];
        long[]? axes = node.Opset >= 18 && node.Optional(3) is Operand named ? Integers(node, named) : null;
        int count = axes?.Length ?? x.Rank;
        if (pads.Length != 2 * count) throw node.Fail($"has {pads.Length} pads for {count} axes");
        int[] begin = new int[x.Rank], size = Filled(x.Rank, -1);
        bool none = true, cuts = false;
        for (int i = 0; i < count; i++)
        {
            int axis = axes is null ? i : node.Axis(axes[i], x.Rank), left = node.ToInt(pads[i]), right = node.ToInt(pads[count + i]);
            before[axis] = Math.Max(0, left);
            after[axis] = Math.Max(0, right);
            none &= left <= 0 && right <= 0;
            if (left >= 0 && right >= 0) continue;
            // Negative pads cut off.
            cuts = true;
            begin[axis] = Math.Max(0, -left);
            long kept = x.Shape[axis] - Math.Max(0L, -(long)left) - Math.Max(0L, -(long)right);
            size[axis] = kept > 0 ? (int)kept : throw node.Fail($"cuts all of axis {axis} of {x.Shape} off");
        }

        if (cuts) x = SliceOf(node, x, begin, size, Filled(x.Rank, 1), none ? node.Name : $"{node.Name}/cut");
        if (none) return x;
        string mode = node.Text("mode", "constant");
        if (mode is not ("constant" or "reflect" or "edge" or "wrap")) throw node.Unsupported($"in mode '{mode}'");
        return mode == "constant"
            ? Apply(node, OpCatalog.Pad, [x], new PadAttributes(new IntList(before), new IntList(after), value))
            : PadFromInside(node, x, before, after, mode);
    }

    private Operand Slice(OnnxNode node)
    {
        Operand x = node.Input(0);
        bool asOperands = node.Opset >= 10;
        long[] starts = (asOperands ? Integers(node, node.Input(1)) : node.Ints("starts")) ?? throw node.Fail("its starts are missing");
        long[] ends = (asOperands ? Integers(node, node.Input(2)) : node.Ints("ends")) ?? throw node.Fail("its ends are missing");
        long[]? axes = asOperands ? node.Optional(3) is Operand a ? Integers(node, a) : null : node.Ints("axes");
        long[]? steps = asOperands && node.Optional(4) is Operand s ? Integers(node, s) : null;
        if (ends.Length != starts.Length || (axes?.Length ?? starts.Length) != starts.Length || (steps?.Length ?? starts.Length) != starts.Length
            || starts.Length > x.Rank)
        {
            throw node.Fail($"has {starts.Length} starts, {ends.Length} ends, {axes?.Length} axes and {steps?.Length} steps for {x.Shape}");
        }

        int[] begin = new int[x.Rank], size = Filled(x.Rank, -1), step = Filled(x.Rank, 1);
        List<(int Axis, int[] Indices)> backward = [];
        for (int i = 0; i < starts.Length; i++)
        {
            int axis = axes is null ? i : node.Axis(axes[i], x.Rank), length = x.Shape[axis];
            long by = steps?[i] ?? 1;
            if (by < 0)
            {
                backward.Add((axis, Backward(starts[i], ends[i], by, length)));
                continue;
            }

            if (by is 0 or > int.MaxValue) throw node.Fail($"has step {by}");
            step[axis] = (int)by;
            begin[axis] = ClampIndex(starts[i], length);
            int end = ClampIndex(ends[i], length);
            size[axis] = begin[axis] == 0 && end == length && by == 1 ? -1 : Math.Max(0, (int)((end - begin[axis] + by - 1) / by));
        }

        Operand result = SliceOf(node, x, begin, size, step, backward.Count == 0 ? node.Name : $"{node.Name}/forward");
        for (int i = 0; i < backward.Count; i++)
            result = Picked(node, result, backward[i].Axis, backward[i].Indices, i == backward.Count - 1 ? node.Name : $"{node.Name}/backward{i}");
        return result;
    }

    /// <summary>The indices that a negative step visits.</summary>
    private static int[] Backward(long start, long end, long by, int length)
    {
        List<int> indices = [];
        long first = Math.Clamp(start < 0 ? start + length : start, -1, length - 1), last = Math.Clamp(end < 0 ? end + length : end, -1, length - 1);
        for (long i = first; i > last; i += by) indices.Add((int)i);
        return [.. indices];
    }

    private Operand SliceOf(OnnxNode node, Operand x, int[] begin, int[] size, int[] step, string name)
    {
        if (!x.IsInteger) return Move(node, OpCatalog.Slice, x, new SliceAttributes(new IntList(begin), new IntList(size), new IntList(step)), name);
        int[] own = x.Shape.Strides(), from = new int[x.Rank], dims = new int[x.Rank];
        int start = 0;
        for (int i = 0; i < dims.Length; i++)
        {
            dims[i] = size[i] < 0 ? x.Shape[i] - begin[i] : size[i];
            from[i] = own[i] * step[i];
            start += own[i] * begin[i];
        }

        return Rearranged(x, new Shape(dims), start, from, name);
    }

    /// <summary>Cuts into pieces along an axis: one slice each; the first is returned, the others are defined here.</summary>
    private Operand Split(OnnxNode node)
    {
        Operand x = node.Input(0);
        int axis = node.Axis(node.Int("axis", 0), x.Rank), length = x.Shape[axis], count = node.OutputCount;
        if (count == 0) throw node.Fail("has no result");
        long[]? sizes = node.Opset < 13 && node.Ints("split") is long[] attribute ? attribute
            : node.Optional(1) is Operand given ? Integers(node, given)
            : null;
        if (sizes is not null && sizes.Length != count) throw node.Fail($"has {sizes.Length} sizes for {count} results");
        Operand? first = null;
        int offset = 0, share = (length + count - 1) / count;
        for (int i = 0; i < count; i++)
        {
            long size = sizes?[i] ?? Math.Min(share, length - offset);
            if (size < 0 || size > length - offset) throw node.Fail($"result {i} of size {size} leaves axis {axis} of {x.Shape}");
            int[] begin = new int[x.Rank], sizeOf = Filled(x.Rank, -1);
            begin[axis] = offset;
            sizeOf[axis] = (int)size;
            Operand piece = SliceOf(node, x, begin, sizeOf, Filled(x.Rank, 1), node.OutputName(i).Length == 0 ? node.OpType : node.OutputName(i));
            offset += (int)size;
            if (i == 0) first = piece;
            else Define(node.OutputName(i), piece, node);
        }

        return offset == length ? first! : throw node.Fail($"its sizes sum to {offset}, axis {axis} of {x.Shape} has {length}");
    }

    private Operand Reduction(OnnxNode node, ReduceKind kind, int axesAsOperandSince) => Reduced(node, node.Input(0), kind, axesAsOperandSince, null);

    private Operand Reduced(OnnxNode node, Operand x, ReduceKind kind, int axesAsOperandSince, string? name)
    {
        long[]? given = AxesOf(node, axesAsOperandSince);
        if (given is null or { Length: 0 })
        {
            if (node.Int("noop_with_empty_axes", 0) != 0) return x;
            given = new long[x.Rank];
            for (int i = 0; i < given.Length; i++) given[i] = i;
        }

        int[] axes = node.Axes(given, x.Rank);
        if (x.IsInteger) return IntegerReduction(node, x, axes);
        return Apply(node, OpCatalog.Reduce, [x], new ReduceAttributes(kind, new IntList(axes), node.Int("keepdims", 1) != 0), name);
    }
}
