using System;
using System.Collections.Generic;
using System.Diagnostics;
using Thomas.Formats.TfLite.Schema;
using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Formats.TfLite.Writing;

/// <content>Reductions and operators that move numbers.</content>
internal sealed partial class GraphEmitter
{
    private int EmitReduce(Node node)
    {
        ReduceAttributes a = (ReduceAttributes)node.Attributes;
        int x = Tensor(node.Inputs[0]);
        if (a.Axes.Count == 0) return Reshaped(x, Dims(x));
        BuiltinOperator code = a.Kind switch
        {
            ReduceKind.Mean => BuiltinOperator.MEAN,
            ReduceKind.Sum => BuiltinOperator.SUM,
            ReduceKind.Max => BuiltinOperator.REDUCE_MAX,
            _ => throw new UnreachableException($"The reduction {a.Kind} has no form in .tflite."),
        };
        return Call(code, [x, Ints("axes", a.Axes.Items)], Dims(node.Output), new OptionsTable(BuiltinOptions.Reducer).Bool(0, a.KeepDims));
    }

    private int EmitConcat(Node node)
    {
        int[] inputs = new int[node.Inputs.Count];
        for (int i = 0; i < inputs.Length; i++) inputs[i] = Tensor(node.Inputs[i]);
        return Call(
            BuiltinOperator.CONCATENATION, inputs, Dims(node.Output),
            new OptionsTable(BuiltinOptions.Concatenation).Int(0, ((ConcatAttributes)node.Attributes).Axis));
    }

    private int EmitPad(Node node)
    {
        PadAttributes a = (PadAttributes)node.Attributes;
        return PaddedBy(Tensor(node.Inputs[0]), a.Before.Items, a.After.Items, a.Value);
    }

    private int PaddedBy(int x, ReadOnlySpan<int> before, ReadOnlySpan<int> after, float value)
    {
        int[] dims = [.. Dims(x)], table = new int[2 * dims.Length];
        for (int i = 0; i < dims.Length; i++)
        {
            dims[i] += before[i] + after[i];
            table[2 * i] = before[i];
            table[(2 * i) + 1] = after[i];
        }

        int pads = _file.AddInts($"{_name}/pads", table, [dims.Length, 2]), version = dims.Length > 4 ? 4 : 1;
        if (value == 0) return Call(BuiltinOperator.PAD, [x, pads], dims, new OptionsTable(BuiltinOptions.Pad), version);
        int filled = _target is null ? Scalar("value", value) : IntegerPadding(x);
        return Call(BuiltinOperator.PADV2, [x, pads, filled], dims, new OptionsTable(BuiltinOptions.PadV2), version);
    }

    private int EmitSlice(Node node)
    {
        SliceAttributes a = (SliceAttributes)node.Attributes;
        int x = Tensor(node.Inputs[0]);
        foreach (int step in a.Step.Items)
        {
            if (step != 1) return StridedSlice(x, a.Begin.Items, a.Size.Items, a.Step.Items, Dims(node.Output));
        }

        return Sliced(x, a.Begin.Items, a.Size.Items, Dims(node.Output));
    }

    /// <summary>A block of the tensor; a size of -1 goes up to the end.</summary>
    private int Sliced(int x, ReadOnlySpan<int> begin, ReadOnlySpan<int> size, int[] dims) =>
        Call(BuiltinOperator.SLICE, [x, Ints("begin", begin), Ints("size", size)], dims, new OptionsTable(BuiltinOptions.Slice), dims.Length > 4 ? 5 : 1);

    /// <summary>Every step-th element; a size of -1 goes up to the end.</summary>
    private int StridedSlice(int x, ReadOnlySpan<int> begin, ReadOnlySpan<int> size, ReadOnlySpan<int> step, int[] dims)
    {
        int endMask = 0;
        int[] end = new int[dims.Length];
        for (int i = 0; i < end.Length; i++)
        {
            if (size[i] == -1) endMask |= 1 << i;
            else end[i] = size[i] == 0 ? begin[i] : begin[i] + ((size[i] - 1) * step[i]) + 1;
        }

        OptionsTable options = new OptionsTable(BuiltinOptions.StridedSlice).Int(1, endMask);
        return Call(BuiltinOperator.STRIDED_SLICE, [x, Ints("begin", begin), Ints("end", end), Ints("step", step)], dims, options, dims.Length > 4 ? 4 : 1);
    }

    private int EmitReshape(Node node)
    {
        IntList wanted = ((ReshapeAttributes)node.Attributes).Dims;
        bool copiesBatch = wanted.Count > 0 && wanted[0] == 0;
        return Reshaped(Tensor(node.Inputs[0]), Dims(node.Output), copiesBatch);
    }

    /// <summary>The same elements under other sizes; an open batch is left for the runtime to work out.</summary>
    internal int Reshaped(int x, int[] dims, bool keepsBatch = true)
    {
        int[] sizes = [.. dims];
        if (_batchIsOpen && keepsBatch && sizes.Length > 0) sizes[0] = -1;
        return Call(BuiltinOperator.RESHAPE, [x, Ints("shape", sizes)], dims, new OptionsTable(BuiltinOptions.Reshape).Ints(0, sizes));
    }

    private int Transposed(int x, IntList perm)
    {
        const int maxRank = 5;
        if (perm.Count > maxRank) return TransposedByGroups(x, perm);
        int[] dims = new int[perm.Count];
        for (int i = 0; i < dims.Length; i++) dims[i] = Dims(x)[perm[i]];
        return Call(BuiltinOperator.TRANSPOSE, [x, Ints("perm", perm.Items)], dims, new OptionsTable(BuiltinOptions.Transpose), dims.Length == maxRank ? 4 : 1);
    }

    /// <summary>
    /// A transposition of more axes than runtimes take, of fewer: axes of size 1 are left out (but for a batch that is open), and neighbors that stay neighbors
    /// go as one.
    /// </summary>
    private int TransposedByGroups(int x, IntList perm)
    {
        int[] from = Dims(x), result = new int[perm.Count];
        for (int i = 0; i < result.Length; i++) result[i] = from[perm[i]];
        List<int> firsts = [], sizes = [];
        int previous = -2;
        foreach (int axis in perm.Items)
        {
            if (from[axis] == 1 && !(axis == 0 && _batchIsOpen)) continue;
            bool follows = previous >= 0 && previous < axis;
            for (int between = previous + 1; follows && between < axis; between++) follows = from[between] == 1;
            if (follows) sizes[^1] *= from[axis];
            else
            {
                firsts.Add(axis);
                sizes.Add(from[axis]);
            }

            previous = axis;
        }

        // Where the groups stand in the operand: by their first axes.
        int[] order = [.. firsts];
        Array.Sort(order);
        int[] groups = new int[order.Length], to = new int[order.Length];
        for (int i = 0; i < order.Length; i++)
        {
            to[i] = Array.IndexOf(order, firsts[i]);
            groups[to[i]] = sizes[i];
        }

        if (order.Length < 2) return Reshaped(x, result);
        int grouped = Reshaped(x, groups),
            turned = Call(
                BuiltinOperator.TRANSPOSE, [grouped, Ints("perm", to)], sizes.ToArray(), new OptionsTable(BuiltinOptions.Transpose),
                sizes.Count switch { > 5 => 6, 5 => 4, _ => 1 });
        return Reshaped(turned, result);
    }
}
