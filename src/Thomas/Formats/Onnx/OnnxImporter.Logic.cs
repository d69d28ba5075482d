using System;
using System.Diagnostics;
using Thomas.Graphs;
using Thomas.Ops;
using DataType = Thomas.Formats.Onnx.Proto.TensorProto.Types.DataType;

namespace Thomas.Formats.Onnx;

/// <summary>Comparisons and choices among constants, which decide about shapes and branches.</summary>
internal sealed partial class OnnxImporter
{
    /// <summary>The numbers of a constant, whatever its type.</summary>
    private static double[] Numbers(OnnxNode node, Operand operand)
    {
        if (operand.IsInteger) return Array.ConvertAll(Integers(node, operand), static v => (double)v);
        TensorData data = RequireConstant(node, operand, "an operand");
        double[] values = new double[operand.Shape.ElementCount];
        for (int i = 0; i < values.Length; i++) values[i] = data.Floats[i];
        return values;
    }

    private Operand Compare(OnnxNode node, Func<double, double, bool> holds)
    {
        Operand a = node.Input(0), b = LegacyBroadcast(node, a, node.Input(1));
        if (!Shape.TryBroadcast(a.Shape, b.Shape, out Shape shape)) throw node.Fail($"shapes {a.Shape} and {b.Shape} do not broadcast");
        double[] left = Numbers(node, a), right = Numbers(node, b);
        Charge(shape.ElementCount);
        byte[] result = new byte[shape.ElementCount];
        int[] fromA = BinaryOp.BroadcastStrides(a.Shape, shape), fromB = BinaryOp.BroadcastStrides(b.Shape, shape), strides = shape.Strides();
        for (int i = 0; i < result.Length; i++)
            result[i] = holds(left[Source(i, shape, strides, fromA)], right[Source(i, shape, strides, fromB)]) ? (byte)1 : (byte)0;
        return Truths(node.Name, shape, result);
    }

    private static Operand Not(OnnxNode node)
    {
        byte[] result = Array.ConvertAll(Integers(node, node.Input(0)), static v => v == 0 ? (byte)1 : (byte)0);
        return Truths(node.Name, node.Input(0).Shape, result);
    }

    private static Operand Truths(string name, Shape shape, byte[] values) => new(name, new TensorData(new TensorType(DType.Bool, shape), values));

    private static int Source(int index, Shape shape, ReadOnlySpan<int> strides, ReadOnlySpan<int> from)
    {
        int source = 0;
        for (int axis = 0; axis < shape.Rank; axis++) source += index / strides[axis] % shape[axis] * from[axis];
        return source;
    }

    /// <summary>Chooses between two operands by a constant; where both are constants, element by element, else as a weighted sum.</summary>
    private Operand Where(OnnxNode node)
    {
        Operand condition = node.Input(0), x = node.Input(1), y = node.Input(2);
        long[] choice = Integers(node, condition);
        if (!Shape.TryBroadcast(x.Shape, y.Shape, out Shape shape) || !Shape.TryBroadcast(shape, condition.Shape, out shape))
        {
            throw node.Fail($"shapes {condition.Shape}, {x.Shape} and {y.Shape} do not broadcast");
        }

        bool all = Array.TrueForAll(choice, static v => v != 0), none = Array.TrueForAll(choice, static v => v == 0);
        if (all && x.Shape == shape) return x;
        if (none && y.Shape == shape) return y;
        int[] fromC = BinaryOp.BroadcastStrides(condition.Shape, shape), strides = shape.Strides();
        if (x.IsConstant && y.IsConstant)
        {
            if (x.IsInteger != y.IsInteger) throw node.Fail("chooses between integers and floats");
            double[] left = Numbers(node, x), right = Numbers(node, y), chosen = new double[shape.ElementCount];
            Charge(8L * chosen.Length);
            int[] fromX = BinaryOp.BroadcastStrides(x.Shape, shape), fromY = BinaryOp.BroadcastStrides(y.Shape, shape);
            for (int i = 0; i < chosen.Length; i++)
                chosen[i] = choice[Source(i, shape, strides, fromC)] != 0 ? left[Source(i, shape, strides, fromX)] : right[Source(i, shape, strides, fromY)];
            return x.IsInteger
                ? new Operand(node.Name, OnnxTensor.FromLongs(shape, Array.ConvertAll(chosen, static v => (long)v)))
                : new Operand(node.Name, TensorData.FromFloats(shape, Array.ConvertAll(chosen, static v => (float)v)));
        }

        Charge(8L * choice.Length);
        float[] takesX = Array.ConvertAll(choice, static v => v != 0 ? 1f : 0), takesY = Array.ConvertAll(choice, static v => v != 0 ? 0f : 1);
        Operand first = Chosen(node, "first", x, condition.Shape, takesX);
        return Apply(node, OpCatalog.Add, [first, Chosen(node, "second", y, condition.Shape, takesY)]);
    }

    /// <summary>
    /// An operand where it is taken, and zero elsewhere. Of constants they are picked: masks of attention hold minus infinity, which no factor makes zero.
    /// </summary>
    private Operand Chosen(OnnxNode node, string name, Operand x, Shape choice, float[] takes)
    {
        if (!x.IsConstant) return Step(node, name, OpCatalog.Multiply, [x, Constant($"{node.Name}/takes_{name}", choice, takes)]);
        if (!Shape.TryBroadcast(x.Shape, choice, out Shape shape)) throw node.Fail($"shapes {choice} and {x.Shape} do not broadcast");
        double[] values = Numbers(node, x);
        if (Array.Exists(values, double.IsNaN)) throw node.Unsupported("with a constant that is NaN");
        int[] fromX = BinaryOp.BroadcastStrides(x.Shape, shape), fromC = BinaryOp.BroadcastStrides(choice, shape), strides = shape.Strides();
        Charge(4L * shape.ElementCount);
        float[] chosen = new float[shape.ElementCount];
        for (int i = 0; i < chosen.Length; i++) chosen[i] = takes[Source(i, shape, strides, fromC)] != 0 ? (float)values[Source(i, shape, strides, fromX)] : 0;
        return Constant($"{node.Name}/{name}", shape, chosen);
    }

    /// <summary>The lower or upper triangle of a constant's last two axes; zero elsewhere.</summary>
    private Operand Triangle(OnnxNode node)
    {
        Operand x = node.Input(0);
        if (!x.IsConstant) throw node.Unsupported("of a value computed from the image");
        if (x.Rank < 2) throw node.Fail($"takes a triangle of {x.Shape}");
        long diagonal = node.Optional(1) is null ? 0 : Scalar(node, 1);
        bool upper = node.Int("upper", 1) != 0;
        int rows = x.Shape[-2], columns = x.Shape[-1], bytes = x.DType.SizeBytes();
        Charge(x.Type.SizeBytes);
        byte[] result = x.Data!.Bytes.ToArray();
        for (int i = 0; i < x.Shape.ElementCount; i++)
        {
            long above = (i % columns) - (long)(i / columns % rows);
            if (upper ? above < diagonal : above > diagonal) result.AsSpan(i * bytes, bytes).Clear();
        }

        return new Operand(node.Name, new TensorData(x.Type, result));
    }

    /// <summary>Casts constants to any type that is known; what is computed stays float32.</summary>
    private Operand CastConstant(OnnxNode node, Operand x, DataType target)
    {
        switch (target)
        {
            case DataType.Int64 or DataType.Int32 or DataType.Int16 or DataType.Uint16 or DataType.Uint32 or DataType.Uint64:
                return IntegerConstant(node.Name, x.Shape, Integers(node, x));
            case DataType.Bool:
                return Truths(node.Name, x.Shape, Array.ConvertAll(Numbers(node, x), static v => v != 0 ? (byte)1 : (byte)0));
            case DataType.Int8 or DataType.Uint8:
                byte[] bytes = Array.ConvertAll(Integers(node, x), static v => unchecked((byte)v));
                return new Operand(node.Name, new TensorData(new TensorType(target == DataType.Int8 ? DType.I8 : DType.U8, x.Shape), bytes));
            default:
                throw node.Unsupported($"to {target}");
        }
    }

    /// <summary>The type that a Cast names: a number, in operator sets before 6 a word.</summary>
    private static DataType CastTarget(OnnxNode node)
    {
        if (node.Opset >= 6) return (DataType)node.Int("to", 0);
        return node.Text("to", "").ToUpperInvariant() switch
        {
            "FLOAT" => DataType.Float,
            "FLOAT16" => DataType.Float16,
            "DOUBLE" => DataType.Double,
            "INT64" => DataType.Int64,
            "INT32" => DataType.Int32,
            "BOOL" => DataType.Bool,
            "UINT8" => DataType.Uint8,
            "INT8" => DataType.Int8,
            string other => throw node.Unsupported($"to '{other}'"),
        };
    }

    private Operand CastLike(OnnxNode node)
    {
        Operand x = node.Input(0), like = node.Input(1);
        return like.IsInteger == x.IsInteger ? x

            : like.IsInteger
            ? CastConstant(
                node, x,
                like.DType switch
                {
                    DType.Bool =>
                    DataType.Bool,
                    DType.I8 =>
                    DataType.Int8,
                    DType.U8 =>
                    DataType.Uint8,
                    DType.I32 or DType.I64 =>
                    DataType.Int64,
                    _ =>
                    throw new UnreachableException($"{like.DType} is not an integer type.")
                })
            : ToFloats(x);
    }

    /// <summary>Joins integers along an axis.</summary>
    private Operand JoinIntegers(OnnxNode node, ReadOnlySpan<Operand> parts, int axis)
    {
        Shape first = parts[0].Shape;
        long total = 0;
        foreach (Operand part in parts)
        {
            if (part.Rank != first.Rank) throw node.Fail($"operand '{part.Name}' has shape {part.Shape}, the first {first}");
            for (int i = 0; i < first.Rank; i++)
            {
                if (i != axis && part.Shape[i] != first[i]) throw node.Fail($"operand '{part.Name}' has shape {part.Shape}, the first {first}");
            }

            total += part.Shape[axis];
        }

        int[] dims = first.Dims.ToArray();
        dims[axis] = node.ToInt(total);
        Shape shape = new(dims);
        Charge(8L * shape.ElementCount);
        long[] joined = new long[shape.ElementCount];
        int outer = first.Product(0, axis), inner = first.Product(axis + 1, first.Rank), offset = 0;
        foreach (Operand part in parts)
        {
            long[] values = Integers(node, part);
            int row = part.Shape[axis] * inner;
            for (int i = 0; i < outer; i++) Array.Copy(values, i * row, joined, (i * dims[axis] * inner) + offset, row);
            offset += row;
        }

        return new Operand(node.Name, OnnxTensor.FromLongs(shape, joined));
    }

    /// <summary>Integers in another order: the element of the result at an index is the source's at the sum of index times stride.</summary>
    private Operand Rearranged(Operand x, Shape shape, int start, ReadOnlySpan<int> from, string name)
    {
        int bytes = x.DType.SizeBytes();
        Charge((long)bytes * shape.ElementCount);
        byte[] result = new byte[bytes * shape.ElementCount];
        ReadOnlySpan<byte> source = x.Data!.Bytes.Span;
        int[] strides = shape.Strides();
        for (int i = 0; i < shape.ElementCount; i++) source.Slice((start + Source(i, shape, strides, from)) * bytes, bytes).CopyTo(result.AsSpan(i * bytes));
        return new Operand(name, new TensorData(new TensorType(x.DType, shape), result));
    }

    /// <summary>Puts pieces of one constant at places of another: the masks of shifted windows are made so.</summary>
    private Operand ScatterConstants(OnnxNode node)
    {
        Operand x = node.Input(0), places = node.Input(1), updates = node.Input(2);
        if (!x.IsConstant || !updates.IsConstant) throw node.Unsupported("of a value computed from the image");
        if (node.Text("reduction", "none") != "none") throw node.Unsupported($"with reduction {node.Text("reduction", "")}");
        int depth = places.Rank > 0 ? places.Shape[-1] : 0;
        if (depth < 1 || depth > x.Rank || x.DType != updates.DType) throw node.Fail($"puts {updates.Type} at places {places.Shape} of {x.Type}");
        Shape pieces = new([.. places.Shape.Dims[..^1], .. x.Shape.Dims[depth..]]);
        if (pieces != updates.Shape) throw node.Fail($"its pieces are {updates.Shape}, its places ask for {pieces}");
        long[] indices = Integers(node, places);
        int bytes = x.Shape.Product(depth, x.Rank) * x.DType.SizeBytes();
        Charge(x.Type.SizeBytes);
        byte[] result = x.Data!.Bytes.ToArray();
        for (int piece = 0; piece < indices.Length / depth; piece++)
        {
            int at = 0;
            for (int axis = 0; axis < depth; axis++)
            {
                long index = indices[(piece * depth) + axis];
                if (index < 0) index += x.Shape[axis];
                if (index < 0 || index >= x.Shape[axis]) throw node.Fail($"place {indices[(piece * depth) + axis]} is outside axis {axis} of {x.Shape}");
                at = (at * x.Shape[axis]) + (int)index;
            }

            updates.Data!.Bytes.Span.Slice(piece * bytes, bytes).CopyTo(result.AsSpan(at * bytes));
        }

        return new Operand(node.Name, new TensorData(x.Type, result));
    }

    private Operand IntegerReduction(OnnxNode node, Operand x, int[] axes)
    {
        if (axes.Length != x.Rank) throw node.Unsupported("of some axes of integers");
        long[] values = Integers(node, x);
        if (values.Length == 0 && node.OpType is not ("ReduceSum" or "ReduceProd")) throw node.Fail("reduces nothing");
        long result = node.OpType == "ReduceProd" ? 1 : node.OpType is "ReduceMax" or "ReduceMin" ? values[0] : 0;
        foreach (long value in values)
        {
            result = node.OpType switch
            {
                "ReduceSum" => unchecked(result + value),
                "ReduceProd" => unchecked(result * value),
                "ReduceMax" => Math.Max(result, value),
                "ReduceMin" => Math.Min(result, value),
                _ => throw node.Unsupported("of integers"),
            };
        }

        Shape shape = new();
        if (node.Int("keepdims", 1) != 0)
        {
            int[] dims = new int[x.Rank];
            Array.Fill(dims, 1);
            shape = new Shape(dims);
        }

        return IntegerConstant(node.Name, shape, [result]);
    }
}
