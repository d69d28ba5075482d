using System;
using System.Diagnostics;
using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Formats.Onnx;

/// <summary>Constants and the integer arithmetic on shapes that exporters leave in the graph; all of it is computed while reading.</summary>
internal sealed partial class OnnxImporter
{
    /// <summary>The numbers of a constant, as integers.</summary>
    private static long[] Integers(OnnxNode? node, Operand operand)
    {
        if (operand.Data is not TensorData data)
        {
            throw node?.Unsupported("a setting depends on the image", $"'{operand.Name}'")
                ?? new UnsupportedNodeException(operand.Name);
        }

        long[] values = new long[operand.Shape.ElementCount];
        ReadOnlySpan<byte> bytes = data.Bytes.Span;
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = operand.DType switch
            {
                DType.I64 => data.Longs[i],
                DType.I32 => data.Ints[i],
                DType.I8 => (sbyte)bytes[i],
                DType.F32 => (long)data.Floats[i],
                DType.U8 or DType.Bool => bytes[i],
                _ => throw new UnreachableException($"{operand.DType} is not read as integers."),
            };
        }

        return values;
    }

    private Operand ConstantNode(OnnxNode node)
    {
        if (node.Tensor("value") is { } tensor) return new Operand(node.Name, Read(tensor));
        if (node.Has("value_float")) return Constant(node.Name, new Shape(), node.Float("value_float", 0));
        if (node.Floats("value_floats") is float[] floats) return Constant(node.Name, new Shape(floats.Length), floats);
        if (node.Has("value_int")) return IntegerConstant(node.Name, new Shape(), [node.Int("value_int", 0)]);
        if (node.Ints("value_ints") is long[] ints) return IntegerConstant(node.Name, new Shape(ints.Length), ints);
        throw node.Unsupported("without a tensor, floats or integers");
    }

    private Operand ConstantOfShape(OnnxNode node)
    {
        Shape shape = ToShape(node, Integers(node, node.Input(0)));
        TensorData? value = node.Tensor("value") is { } tensor ? Read(tensor) : null;
        if (value is not null && value.Type.Shape.ElementCount != 1) throw node.Fail("its value must be one number");
        Charge(8L * shape.ElementCount);
        if (value is not null && !value.Type.DType.IsFloat())
        {
            long[] integers = new long[shape.ElementCount];
            Array.Fill(integers, Integers(node, new Operand(node.Name, value))[0]);
            return new Operand(node.Name, OnnxTensor.FromLongs(shape, integers));
        }

        float[] values = new float[shape.ElementCount];
        Array.Fill(values, value is null ? 0 : value.Widened[0]);
        return new Operand(node.Name, TensorData.FromFloats(shape, values));
    }

    private Operand ShapeOf(OnnxNode node)
    {
        ReadOnlySpan<int> dims = node.Input(0).Shape.Dims;
        int begin = ClampIndex(node.Int("start", 0), dims.Length), end = ClampIndex(node.Int("end", dims.Length), dims.Length);
        long[] sizes = new long[Math.Max(0, end - begin)];
        for (int i = 0; i < sizes.Length; i++) sizes[i] = dims[begin + i];
        return IntegerConstant(node.Name, new Shape(sizes.Length), sizes);
    }

    private Operand Range(OnnxNode node)
    {
        long start = Scalar(node, 0), limit = Scalar(node, 1), delta = Scalar(node, 2);
        if (!node.Input(0).IsInteger) throw node.Unsupported("on floats");
        if (delta == 0) throw node.Fail("its step is zero");
        Int128 count = Int128.Max(0, ((Int128)limit - start + delta - Math.Sign(delta)) / delta);
        if (count > int.MaxValue) throw node.Fail($"has {count} elements");
        Charge(8 * (long)count);
        long[] values = new long[(int)count];
        for (int i = 0; i < values.Length; i++) values[i] = start + (i * delta);
        return IntegerConstant(node.Name, new Shape(values.Length), values);
    }

    private static long Scalar(OnnxNode node, int index)
    {
        long[] values = Integers(node, node.Input(index));
        return values.Length == 1 ? values[0] : throw node.Fail($"operand {index} must be one number");
    }

    private Operand IntegerArithmetic(OnnxNode node, Operand a, Operand b)
    {
        if (!Shape.TryBroadcast(a.Shape, b.Shape, out Shape shape)) throw node.Fail($"shapes {a.Shape} and {b.Shape} do not broadcast");
        Charge(8L * shape.ElementCount);
        long[] left = Integers(node, a), right = Integers(node, b), result = new long[shape.ElementCount];
        int[] stridesA = BinaryOp.BroadcastStrides(a.Shape, shape), stridesB = BinaryOp.BroadcastStrides(b.Shape, shape), strides = shape.Strides();
        for (int i = 0; i < result.Length; i++)
        {
            int indexA = 0, indexB = 0;
            for (int axis = 0; axis < shape.Rank; axis++)
            {
                int at = i / strides[axis] % shape[axis];
                indexA += at * stridesA[axis];
                indexB += at * stridesB[axis];
            }

            result[i] = Compute(node, left[indexA], right[indexB]);
        }

        return new Operand(node.Name, OnnxTensor.FromLongs(shape, result));
    }

    private static long Compute(OnnxNode node, long a, long b)
    {
        switch (node.OpType)
        {
            case "Add": return unchecked(a + b);
            case "Sub": return unchecked(a - b);
            case "Mul": return unchecked(a * b);
            case "Div":
                if (b == 0 || (a == long.MinValue && b == -1)) throw node.Fail($"divides {a} by {b}");
                return a / b;
            case "Mod":
                if (b is 0 or -1) return b == 0 ? throw node.Fail($"divides {a} by 0") : 0;
                return node.Int("fmod", 0) != 0 || a % b == 0 || (a < 0) == (b < 0) ? a % b : (a % b) + b;
            case "Max": return Math.Max(a, b);
            case "Min": return Math.Min(a, b);
            case "Pow": return (long)Math.Clamp(Math.Pow(a, b), long.MinValue, long.MaxValue);
            default: throw node.Unsupported("on integers");
        }
    }

    private Operand Gather(OnnxNode node)
    {
        Operand x = node.Input(0), indices = node.Input(1);
        int axis = node.Axis(node.Int("axis", 0), x.Rank);
        long[] wanted = Integers(node, indices);
        int size = x.Shape[axis];
        for (int i = 0; i < wanted.Length; i++)
        {
            if (wanted[i] < 0) wanted[i] += size;
            if (wanted[i] < 0 || wanted[i] >= size) throw node.Fail($"index {wanted[i]} is outside axis {axis} of {x.Shape}");
        }

        if (x.IsConstant) return GatherConstant(node, x, axis, indices.Shape, wanted);
        if (wanted.Length != 1)
        {
            Operand picked = Picked(node, x, axis, Array.ConvertAll(wanted, static v => (int)v), indices.Rank == 1 ? node.Name : $"{node.Name}/picked");
            return indices.Rank == 1 ? picked : ReshapeTo(node, picked, [.. x.Shape.Dims[..axis], .. indices.Shape.Dims, .. x.Shape.Dims[(axis + 1)..]]);
        }

        int[] begin = new int[x.Rank], count = Filled(x.Rank, -1), step = Filled(x.Rank, 1);
        begin[axis] = (int)wanted[0];
        count[axis] = 1;
        Operand slice = Move(node, OpCatalog.Slice, x, new SliceAttributes(new IntList(begin), new IntList(count), new IntList(step)), $"{node.Name}/slice");
        return ReshapeTo(node, slice, [.. x.Shape.Dims[..axis], .. indices.Shape.Dims, .. x.Shape.Dims[(axis + 1)..]]);
    }

    private Operand GatherConstant(OnnxNode node, Operand x, int axis, Shape indexShape, long[] wanted)
    {
        int outer = x.Shape.Product(0, axis), inner = x.Shape.Product(axis + 1, x.Rank), size = x.Shape[axis], bytes = inner * x.DType.SizeBytes();
        Shape shape = new([.. x.Shape.Dims[..axis], .. indexShape.Dims, .. x.Shape.Dims[(axis + 1)..]]);
        TensorType type = new(x.DType, shape);
        Charge(type.SizeBytes);
        byte[] result = new byte[type.SizeBytes];
        int target = 0;
        for (int i = 0; i < outer; i++)
        {
            foreach (long index in wanted)
            {
                x.Data!.Bytes.Span.Slice((((i * size) + (int)index) * inner) * x.DType.SizeBytes(), bytes).CopyTo(result.AsSpan(target));
                target += bytes;
            }
        }

        return new Operand(node.Name, new TensorData(type, result));
    }

    private Operand Expand(OnnxNode node)
    {
        Operand x = node.Input(0);
        Shape target = ToShape(node, Integers(node, node.Input(1)));
        if (!Shape.TryBroadcast(x.Shape, target, out Shape shape)) throw node.Fail($"{x.Shape} does not stretch to {target}");
        if (shape == x.Shape) return x;
        if (x.IsInteger)
        {
            Charge(8L * shape.ElementCount);
            return Stretch(x, shape, node.Name);
        }

        if (!x.IsConstant)
        {
            int[] zeros = new int[shape.Rank];
            for (int i = 0; i < zeros.Length; i++)
            {
                int own = i - (shape.Rank - x.Rank);
                zeros[i] = own >= 0 && x.Shape[own] == shape[i] ? 1 : shape[i];
            }

            if (shape.Rank == x.Rank && zeros[0] != 1) throw node.Unsupported("of the batch");
            Shape stretched = new(zeros);
            Charge(4L * stretched.ElementCount);
            return Apply(node, OpCatalog.Add, [x, new Operand($"{node.Name}/zeros", TensorData.FromFloats(stretched, new float[stretched.ElementCount]))]);
        }

        Charge(4L * shape.ElementCount);
        return Apply(node, OpCatalog.Add, [x, new Operand($"{node.Name}/zeros", TensorData.FromFloats(shape, new float[shape.ElementCount]))]);
    }

    /// <summary>Stretches integers to a shape.</summary>
    private static Operand Stretch(Operand x, Shape shape, string name)
    {
        long[] source = Integers(null, x), result = new long[shape.ElementCount];
        int[] from = BinaryOp.BroadcastStrides(x.Shape, shape), strides = shape.Strides();
        for (int i = 0; i < result.Length; i++)
        {
            int index = 0;
            for (int axis = 0; axis < shape.Rank; axis++) index += i / strides[axis] % shape[axis] * from[axis];
            result[i] = source[index];
        }

        return new Operand(name, OnnxTensor.FromLongs(shape, result));
    }

    private static Shape ToShape(OnnxNode node, long[] dims)
    {
        if (dims.Length > Shape.MaxRank) throw node.Fail($"asks for {dims.Length} axes, more than {Shape.MaxRank}");
        int[] sizes = new int[dims.Length];
        for (int i = 0; i < sizes.Length; i++) sizes[i] = node.ToInt(dims[i]);
        return new Shape(sizes);
    }

    private static int ClampIndex(long index, int size) => (int)Math.Clamp(index < 0 ? index + size : index, 0, size);

    private static int[] Filled(int count, int value)
    {
        int[] values = new int[count];
        Array.Fill(values, value);
        return values;
    }
}
