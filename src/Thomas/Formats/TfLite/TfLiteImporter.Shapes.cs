using System;
using Thomas.Formats.TfLite.Schema;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;

namespace Thomas.Formats.TfLite;

/// <content>Operators that move numbers without changing them.</content>
internal sealed partial class TfLiteImporter
{
    private void ImportPad(OperatorCall call)
    {
        Value x = Operand(call, 0);
        int rank = x.Shape.Rank;
        IntegerTensor pads = RequiredIntegers(call, 1, "pads");
        _file.Require(pads.Values.Length == 2 * rank, call.Place, $"{call.Name} has {pads.Values.Length} pads for {x.Shape}");
        int[] before = new int[rank], after = new int[rank];
        for (int i = 0; i < rank; i++)
        {
            before[i] = SmallInt(call, pads.Values[2 * i]);
            after[i] = SmallInt(call, pads.Values[(2 * i) + 1]);
        }

        Emit(call, OpCatalog.Pad, [x], new PadAttributes(new IntList(before), new IntList(after), PadValue(call)), keepsGrid: true);
    }

    private float PadValue(OperatorCall call)
    {
        if (call.Code == BuiltinOperator.PAD) return 0;
        Value value = Operand(call, 2);
        if (!value.IsConstant) throw Unsupported(call, "a pad value that is not constant");
        _file.Require(value.Shape.ElementCount == 1, call.Place, $"its pad value has shape {value.Shape}");
        return value.Constant!.Widened[0];
    }

    private void ImportConcat(OperatorCall call)
    {
        _file.Require(call.Inputs.Length > 0, call.Place, "CONCATENATION has no operand");
        Activation activation = ReadActivation(call, 1);
        Value[] operands = new Value[call.Inputs.Length];
        for (int i = 0; i < operands.Length; i++) operands[i] = Operand(call, i);
        int axis = Axis(call, call.Options.Int(0), operands[0].Shape.Rank);
        Emit(call, OpCatalog.Concat, operands, new ConcatAttributes(axis), activation, keepsGrid: true);
    }

    private void ImportReshape(OperatorCall call)
    {
        Value x = Operand(call, 0);
        int[] dims;
        if (Integers(call, 1) is { } listed) dims = SmallInts(call, listed.Values);
        else if (call.Options.Has(0)) dims = Options(call, 0);
        else if (_tensors[call.Outputs[0]].OpenAxes == 0 && _tensors[call.Outputs[0]].Dims.Length > 0) dims = _tensors[call.Outputs[0]].Dims.ToArray();
        else throw Unsupported(call, "a shape that is not constant");
        EmitReshape(call, x, ReshapeTo(x.Shape, dims));
    }

    private void ImportSqueeze(OperatorCall call)
    {
        Value x = Operand(call, 0);
        int removed = 0;
        foreach (int axis in Options(call, 0)) removed |= 1 << Axis(call, axis, x.Shape.Rank);
        bool removesAll = removed == 0;
        int[] dims = new int[x.Shape.Rank];
        int rank = 0;
        for (int i = 0; i < dims.Length; i++)
        {
            bool isRemoved = removesAll ? x.Shape[i] == 1 : (removed & (1 << i)) != 0;
            _file.Require(!isRemoved || x.Shape[i] == 1, call.Place, $"SQUEEZE removes axis {i} of {x.Shape}");
            if (!isRemoved) dims[rank++] = x.Shape[i];
        }

        EmitReshape(call, x, ReshapeTo(x.Shape, dims.AsSpan(0, rank)));
    }

    private void ImportExpandDims(OperatorCall call)
    {
        Value x = Operand(call, 0);
        IntegerTensor listed = RequiredIntegers(call, 1, "an axis");
        _file.Require(listed.Values.Length == 1, call.Place, $"EXPAND_DIMS names {listed.Values.Length} axes");
        int axis = Axis(call, listed.Values[0], x.Shape.Rank + 1);
        int[] dims = [.. x.Shape.Dims[..axis], 1, .. x.Shape.Dims[axis..]];
        EmitReshape(call, x, ReshapeTo(x.Shape, dims));
    }

    private void EmitReshape(OperatorCall call, Value x, ReshapeAttributes attributes)
    {
        if (x.Constant is not { } data)
        {
            Emit(call, OpCatalog.Reshape, [x], attributes, keepsGrid: true);
            return;
        }

        // Weights reshaped in the graph stay constants, as the operators that read them expect.
        Shape shape = OpCatalog.Reshape.InferTypes([x.Type], attributes)[0].Shape;
        _values[call.Outputs[0]] = _builder.Constant(_tensors[call.Outputs[0]].Name, data.Reshaped(shape));
    }

    private void ImportTranspose(OperatorCall call)
    {
        Value x = Operand(call, 0);
        int[] perm = SmallInts(call, RequiredIntegers(call, 1, "a permutation").Values);
        for (int i = 0; i < perm.Length; i++) perm[i] = Axis(call, perm[i], x.Shape.Rank);
        Emit(call, OpCatalog.Transpose, [x], new TransposeAttributes(new IntList(perm)), keepsGrid: true);
    }

    private void ImportSlice(OperatorCall call)
    {
        Value x = Operand(call, 0);
        int rank = x.Shape.Rank;
        int[] begin = SmallInts(call, RequiredIntegers(call, 1, "a begin").Values), size = SmallInts(call, RequiredIntegers(call, 2, "a size").Values);
        _file.Require(begin.Length == rank && size.Length == rank, call.Place, $"SLICE has {begin.Length} begins and {size.Length} sizes for {x.Shape}");
        int[] step = new int[rank];
        Array.Fill(step, 1);
        for (int i = 0; i < rank; i++)
        {
            if (begin[i] == 0 && size[i] == x.Shape[i]) size[i] = -1;
        }

        Emit(call, OpCatalog.Slice, [x], new SliceAttributes(new IntList(begin), new IntList(size), new IntList(step)), keepsGrid: true);
    }

    private void ImportStridedSlice(OperatorCall call)
    {
        Value x = Operand(call, 0);
        StridedRange range = ReadRange(call, x.Shape);
        for (int i = 0; i < x.Shape.Rank; i++)
        {
            if (range.Step[i] < 0)
            {
                x = Picked(call, x, i, Backward(range, i));
                (range.Begin[i], range.Count[i], range.Step[i]) = (0, x.Shape[i], 1);
            }

            if (range.Begin[i] == 0 && range.Count[i] == x.Shape[i] && range.Step[i] == 1) range.Count[i] = -1;
        }

        SliceAttributes attributes = new(new IntList(range.Begin), new IntList(range.Count), new IntList(range.Step));
        if (range.ShrinkMask == 0)
        {
            Emit(call, OpCatalog.Slice, [x], attributes, keepsGrid: true);
            return;
        }

        Value block = Step(call, OpCatalog.Slice, [x], attributes);
        int[] dims = new int[block.Shape.Rank];
        int rank = 0;
        for (int i = 0; i < dims.Length; i++)
        {
            if ((range.ShrinkMask & (1 << i)) == 0) dims[rank++] = block.Shape[i];
        }

        Emit(call, OpCatalog.Reshape, [block], ReshapeTo(block.Shape, dims.AsSpan(0, rank)), keepsGrid: true);
    }

    private static int[] Backward(StridedRange range, int axis)
    {
        int[] indices = new int[range.Count[axis]];
        for (int i = 0; i < indices.Length; i++) indices[i] = range.Begin[axis] + (i * range.Step[axis]);
        return indices;
    }

    private void ImportSplit(OperatorCall call)
    {
        Value x = Operand(call, 1);
        IntegerTensor listed = RequiredIntegers(call, 0, "an axis");
        _file.Require(listed.Values.Length == 1, call.Place, $"SPLIT names {listed.Values.Length} axes");
        int axis = Axis(call, listed.Values[0], x.Shape.Rank), parts = call.Outputs.Length;
        _file.Require(x.Shape[axis] % parts == 0, call.Place, $"SPLIT cuts {x.Shape} into {parts} parts along axis {axis}");
        int[] sizes = new int[parts];
        Array.Fill(sizes, x.Shape[axis] / parts);
        EmitParts(call, x, axis, sizes);
    }

    private void ImportSplitV(OperatorCall call)
    {
        Value x = Operand(call, 0);
        int[] sizes = SmallInts(call, RequiredIntegers(call, 1, "sizes").Values);
        IntegerTensor listed = RequiredIntegers(call, 2, "an axis");
        _file.Require(listed.Values.Length == 1 && sizes.Length == call.Outputs.Length, call.Place, "SPLIT_V has sizes that do not fit its results");
        int axis = Axis(call, listed.Values[0], x.Shape.Rank), open = Array.IndexOf(sizes, -1);
        long known = 0;
        foreach (int size in sizes) known += Math.Max(size, 0);
        if (open >= 0) sizes[open] = (int)Math.Max(0, x.Shape[axis] - known);
        EmitParts(call, x, axis, sizes);
    }

    private void EmitParts(OperatorCall call, Value x, int axis, int[] sizes)
    {
        int rank = x.Shape.Rank, start = 0;
        for (int part = 0; part < sizes.Length; part++)
        {
            int[] begin = new int[rank], size = new int[rank], step = new int[rank];
            Array.Fill(size, -1);
            Array.Fill(step, 1);
            begin[axis] = start;
            size[axis] = sizes[part];
            _file.Require(sizes[part] >= 0 && sizes[part] <= x.Shape[axis] - start, call.Place, $"{call.Name} cuts beyond {x.Shape} along axis {axis}");
            start += sizes[part];
            Emit(call, OpCatalog.Slice, [x], new SliceAttributes(new IntList(begin), new IntList(size), new IntList(step)), keepsGrid: true, result: part);
        }
    }

    /// <summary>Sizes for <see cref="Reshape"/>: the batch is written as 0 (copied), so that the graph holds for other batches too.</summary>
    private static ReshapeAttributes ReshapeTo(Shape x, ReadOnlySpan<int> dims)
    {
        int[] sizes = dims.ToArray();
        bool keepsBatch = sizes.Length > 0 && x.Rank > 0 && (sizes[0] == x[0] || (sizes[0] == -1 && Known(sizes) * x[0] == x.ElementCount));
        if (keepsBatch) sizes[0] = 0;
        return new ReshapeAttributes(new IntList(sizes));
    }

    private static long Known(ReadOnlySpan<int> sizes)
    {
        long product = 1;
        foreach (int size in sizes)
        {
            if (size != -1) product = Math.Min(product * Math.Max(size, 0), int.MaxValue + 1L);
        }

        return product;
    }

    private int[] Options(OperatorCall call, int field)
    {
        ReadOnlySpan<int> values = call.Options.Ints(field);
        _file.Require(values.Length <= Shape.MaxRank, call.Place, $"{call.Name} lists {values.Length} axes");
        return values.ToArray();
    }

    private int[] SmallInts(OperatorCall call, long[] values)
    {
        int[] result = new int[values.Length];
        for (int i = 0; i < result.Length; i++) result[i] = SmallInt(call, values[i]);
        return result;
    }

    private int SmallInt(OperatorCall call, long value)
    {
        _file.Require(value is >= int.MinValue and <= int.MaxValue, call.Place, $"{call.Name} holds the number {value}");
        return (int)value;
    }
}
