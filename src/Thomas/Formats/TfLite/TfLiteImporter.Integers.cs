using System;
using System.Diagnostics;
using Thomas.Formats.TfLite.Schema;
using Thomas.Graphs;

namespace Thomas.Formats.TfLite;

/// <content>Arithmetic on sizes, done while reading: exporters compute the shapes of reshapes from the shape of an activation.</content>
internal sealed partial class TfLiteImporter
{
    /// <summary>First index, count and step along each axis; axes of the shrink mask vanish from the result.</summary>
    private readonly record struct StridedRange(int[] Begin, int[] Count, int[] Step, int ShrinkMask);

    private void EvaluateIntegers(OperatorCall call)
    {
        IntegerTensor result = call.Code switch
        {
            BuiltinOperator.SHAPE => ShapeOf(call),
            BuiltinOperator.PACK => Pack(call),
            BuiltinOperator.GATHER => Gather(call),
            BuiltinOperator.STRIDED_SLICE => StridedSlice(call),
            BuiltinOperator.SLICE => PlainSlice(call),
            BuiltinOperator.CONCATENATION => Concatenate(call),
            BuiltinOperator.REDUCE_PROD => Product(call),
            BuiltinOperator.ADD or BuiltinOperator.SUB or BuiltinOperator.MUL => Combine(call),
            BuiltinOperator.CAST => List(call, 0),
            BuiltinOperator.RESHAPE or BuiltinOperator.SQUEEZE or BuiltinOperator.EXPAND_DIMS => Reshaped(call),
            _ => throw Unsupported(call, $"a result of type {_tensors[call.Outputs[0]].Type}"),
        };
        _file.Require(result.Values.Length <= ImportedTensor.MaxIntegers, call.Place, $"{call.Name} makes too long a list of sizes");
        _integers[call.Outputs[0]] = result;
    }

    private IntegerTensor List(OperatorCall call, int operand) => RequiredIntegers(call, operand, "integers that depend on the input");

    private IntegerTensor ShapeOf(OperatorCall call)
    {
        Shape shape = call.Has(0) && _integers[call.Inputs[0]] is { } integers ? integers.Shape : Operand(call, 0).Shape;
        long[] values = new long[shape.Rank];
        for (int i = 0; i < values.Length; i++) values[i] = shape[i];
        return new IntegerTensor(new Shape(values.Length), values);
    }

    private IntegerTensor Pack(OperatorCall call)
    {
        _file.Require(call.Inputs.Length is > 0 and <= ImportedTensor.MaxIntegers, call.Place, "PACK has no operand");
        long[] values = new long[call.Inputs.Length];
        for (int i = 0; i < values.Length; i++)
        {
            IntegerTensor element = List(call, i);
            if (element.Shape.Rank != 0) throw Unsupported(call, "lists of sizes");
            values[i] = element.Values[0];
        }

        return new IntegerTensor(new Shape(values.Length), values);
    }

    private IntegerTensor Gather(OperatorCall call)
    {
        IntegerTensor x = List(call, 0), indices = List(call, 1);
        if (x.Shape.Rank != 1 || indices.Shape.Rank > 1) throw Unsupported(call, "tables of sizes");
        long[] values = new long[indices.Values.Length];
        for (int i = 0; i < values.Length; i++) values[i] = x.Values[Axis(call, indices.Values[i], x.Values.Length)];
        return new IntegerTensor(indices.Shape, values);
    }

    private IntegerTensor StridedSlice(OperatorCall call)
    {
        IntegerTensor x = List(call, 0);
        if (x.Shape.Rank != 1) throw Unsupported(call, "tables of sizes");
        StridedRange range = ReadRange(call, x.Shape);
        long[] values = new long[range.Count[0]];
        for (int i = 0; i < values.Length; i++) values[i] = x.Values[range.Begin[0] + (i * range.Step[0])];
        return new IntegerTensor((range.ShrinkMask & 1) != 0 ? new Shape() : new Shape(values.Length), values);
    }

    private IntegerTensor PlainSlice(OperatorCall call)
    {
        IntegerTensor x = List(call, 0), begin = List(call, 1), size = List(call, 2);
        if (x.Shape.Rank != 1) throw Unsupported(call, "tables of sizes");
        _file.Require(begin.Values.Length == 1 && size.Values.Length == 1, call.Place, "SLICE of a list needs one begin and one size");
        long first = begin.Values[0], count = size.Values[0] == -1 ? x.Values.Length - first : size.Values[0];
        _file.Require(first >= 0 && count >= 0 && first <= x.Values.Length && count <= x.Values.Length - first, call.Place, "SLICE leaves its list");
        long[] values = x.Values[(int)first..(int)(first + count)];
        return new IntegerTensor(new Shape(values.Length), values);
    }

    private IntegerTensor Concatenate(OperatorCall call)
    {
        long[] values = new long[ImportedTensor.MaxIntegers];
        int count = 0;
        for (int i = 0; i < call.Inputs.Length; i++)
        {
            IntegerTensor part = List(call, i);
            if (part.Shape.Rank != 1) throw Unsupported(call, "tables of sizes");
            _file.Require(part.Values.Length <= values.Length - count, call.Place, "CONCATENATION makes too long a list of sizes");
            part.Values.CopyTo(values, count);
            count += part.Values.Length;
        }

        return new IntegerTensor(new Shape(count), values[..count]);
    }

    private IntegerTensor Product(OperatorCall call)
    {
        IntegerTensor x = List(call, 0), axes = List(call, 1);
        if (x.Shape.Rank != 1 || axes.Values.Length != 1) throw Unsupported(call, "tables of sizes");
        _ = Axis(call, axes.Values[0], 1);
        long product = 1;
        foreach (long value in x.Values) product = unchecked(product * value);
        return new IntegerTensor(call.Options.Bool(0) ? new Shape(1) : new Shape(), [product]);
    }

    private IntegerTensor Combine(OperatorCall call)
    {
        IntegerTensor a = List(call, 0), b = List(call, 1);
        if (a.Shape != b.Shape && a.Values.Length != 1 && b.Values.Length != 1) throw Unsupported(call, "lists of sizes of different lengths");
        IntegerTensor longer = a.Values.Length >= b.Values.Length ? a : b;
        long[] values = new long[longer.Values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            long left = a.Values[a.Values.Length == 1 ? 0 : i], right = b.Values[b.Values.Length == 1 ? 0 : i];
            values[i] = call.Code switch
            {
                BuiltinOperator.ADD => unchecked(left + right),
                BuiltinOperator.SUB => unchecked(left - right),
                BuiltinOperator.MUL => unchecked(left * right),
                _ => throw new UnreachableException($"{call.Code} does not combine sizes."),
            };
        }

        return new IntegerTensor(longer.Shape, values);
    }

    /// <summary>Between a number and a list of one: all that size arithmetic needs.</summary>
    private IntegerTensor Reshaped(OperatorCall call)
    {
        IntegerTensor x = List(call, 0);
        ReadOnlySpan<int> dims = _tensors[call.Outputs[0]].Dims;
        if (dims.Length > 1) throw Unsupported(call, "tables of sizes");
        return new IntegerTensor(dims.Length == 0 && x.Values.Length == 1 ? new Shape() : new Shape(x.Values.Length), x.Values);
    }

    private StridedRange ReadRange(OperatorCall call, Shape shape)
    {
        FlatTable options = call.Options;
        int beginMask = options.Int(0), endMask = options.Int(1), shrinkMask = options.Int(4), rank = shape.Rank;
        if (options.Int(2) != 0 || options.Int(3) != 0) throw Unsupported(call, "an ellipsis or a new axis");
        long[] begins = List(call, 1).Values, ends = List(call, 2).Values, steps = List(call, 3).Values;
        _file.Require(
            begins.Length == ends.Length && begins.Length == steps.Length && begins.Length <= rank, call.Place,
            $"STRIDED_SLICE lists {begins.Length} begins, {ends.Length} ends and {steps.Length} steps for {shape}");
        StridedRange range = new(new int[rank], new int[rank], new int[rank], shrinkMask & ((1 << begins.Length) - 1));
        for (int i = 0; i < rank; i++)
        {
            long size = shape[i], step = i < steps.Length ? steps[i] : 1;
            _file.Require(step is not 0 and > int.MinValue and <= int.MaxValue, call.Place, $"STRIDED_SLICE has the step {step}");
            long begin = i < begins.Length && (beginMask & (1 << i)) == 0 ? begins[i] : step > 0 ? 0 : size - 1;
            long end = i < ends.Length && (endMask & (1 << i)) == 0 ? ends[i] + (options.Bool(5) ? begin : 0) : step > 0 ? size : -size - 1;
            begin = Math.Clamp(begin < 0 ? begin + size : begin, step > 0 ? 0 : -1, step > 0 ? size : size - 1);
            end = Math.Clamp(end < 0 ? end + size : end, step > 0 ? 0 : -1, size);
            bool isShrunk = (range.ShrinkMask & (1 << i)) != 0;
            _file.Require(!isShrunk || (begin >= 0 && begin < size), call.Place, $"STRIDED_SLICE picks an index outside axis {i} of {shape}");
            range.Begin[i] = (int)Math.Max(begin, 0);
            range.Step[i] = isShrunk ? 1 : (int)step;
            range.Count[i] = isShrunk ? 1 : (int)Math.Max(0, step > 0 ? (end - begin + step - 1) / step : (begin - end - step - 1) / -step);
        }

        return range;
    }
}
