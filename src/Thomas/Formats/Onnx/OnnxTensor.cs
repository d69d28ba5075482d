using System;
using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Google.Protobuf.Collections;
using Thomas.Formats.Onnx.Proto;
using Thomas.Graphs;
using DataType = Thomas.Formats.Onnx.Proto.TensorProto.Types.DataType;

namespace Thomas.Formats.Onnx;

/// <summary>
/// Contents of the file's tensors. Raw float32, 16-bit floats and integers are borrowed; float64 becomes float32, other integers 64 bits wide.
/// </summary>
internal static class OnnxTensor
{
    /// <summary>Reads a tensor; what it has to allocate is charged first, and never more than the data that is really there can fill.</summary>
    /// <exception cref="ModelFormatException">Sizes and data do not agree.</exception>
    /// <exception cref="UnsupportedNodeException">The element type or storage is not supported.</exception>
    public static TensorData Read(TensorProto tensor, string file, ExternalData external, Action<long> charge)
    {
        string place = $"tensor '{tensor.Name}'";
        if (tensor.Segment is not null) throw new UnsupportedNodeException("a tensor in segments", $"'{tensor.Name}'");
        Shape shape = ReadShape(tensor, file, place);
        DataType type = (DataType)tensor.DataType;
        int elementBytes = StoredBytes(type, tensor.Name);
        bool isExternal = tensor.DataLocation == TensorProto.Types.DataLocation.External;
        ReadOnlyMemory<byte> raw = isExternal ? external.Read(tensor, place, (long)shape.ElementCount * elementBytes)
            : tensor.HasRawData ? tensor.RawData.Memory
            : default;
        int stored = isExternal || raw.Length > 0 ? raw.Length : TypedCount(tensor, type) * elementBytes;
        if (stored != (long)shape.ElementCount * elementBytes)
        {
            throw new ModelFormatException(file, place, $"{type}{shape} takes {(long)shape.ElementCount * elementBytes} bytes, the file holds {stored}");
        }

        DType target = TargetType(type);
        bool borrowed = raw.Length > 0 && type is DataType.Float or DataType.Float16 or DataType.Bfloat16 or DataType.Int64 or DataType.Int32 or DataType.Int8
            or DataType.Uint8 or DataType.Bool;
        if (target.IsHalf()) charge((long)shape.ElementCount * sizeof(float));
        if (raw.Length > 0 && borrowed && IsAligned(raw, elementBytes)) return new TensorData(new TensorType(target, shape), raw);
        charge((long)shape.ElementCount * target.SizeBytes());
        if (raw.Length > 0 && borrowed) return new TensorData(new TensorType(target, shape), raw.ToArray());
        return raw.Length > 0 ? Widen(raw.Span, type, shape) : FromTyped(tensor, type, shape);
    }

    /// <summary>
    /// Whether the numbers can be read where they lie: a slice of a second file may begin anywhere. What the collector moves keeps its place within 8 bytes.
    /// </summary>
    private static unsafe bool IsAligned(ReadOnlyMemory<byte> bytes, int elementBytes)
    {
        fixed (byte* start = bytes.Span) return (nuint)start % (nuint)elementBytes == 0;
    }

    /// <summary>An I64 tensor of new numbers.</summary>
    public static TensorData FromLongs(Shape shape, ReadOnlySpan<long> values) =>
        new(new TensorType(DType.I64, shape), MemoryMarshal.AsBytes(values).ToArray());

    private static Shape ReadShape(TensorProto tensor, string file, string place)
    {
        if (tensor.Dims.Count > Shape.MaxRank) throw new ModelFormatException(file, place, $"has {tensor.Dims.Count} axes, more than {Shape.MaxRank}");
        int[] dims = new int[tensor.Dims.Count];
        for (int i = 0; i < dims.Length; i++)
        {
            if (tensor.Dims[i] is < 0 or > int.MaxValue) throw new ModelFormatException(file, place, $"axis {i} has size {tensor.Dims[i]}");
            dims[i] = (int)tensor.Dims[i];
        }

        return new Shape(dims);
    }

    private static int StoredBytes(DataType type, string name) => type switch
    {
        DataType.Float or DataType.Int32 or DataType.Uint32 => 4,
        DataType.Float16 or DataType.Bfloat16 or DataType.Int16 or DataType.Uint16 => 2,
        DataType.Double or DataType.Int64 => 8,
        DataType.Int8 or DataType.Uint8 or DataType.Bool => 1,
        _ => throw new UnsupportedNodeException($"tensor elements of type {type}", $"tensor '{name}'"),
    };

    private static DType TargetType(DataType type) => type switch
    {
        DataType.Float or DataType.Double => DType.F32,
        DataType.Float16 => DType.F16,
        DataType.Bfloat16 => DType.BF16,
        DataType.Int32 => DType.I32,
        DataType.Int8 => DType.I8,
        DataType.Uint8 => DType.U8,
        DataType.Bool => DType.Bool,
        DataType.Int64 or DataType.Int16 or DataType.Uint16 or DataType.Uint32 => DType.I64,
        _ => throw new UnreachableException($"Tensors of {type} are not read."),
    };

    private static int TypedCount(TensorProto tensor, DataType type) => type switch
    {
        DataType.Float => tensor.FloatData.Count,
        DataType.Double => tensor.DoubleData.Count,
        DataType.Int64 => tensor.Int64Data.Count,
        DataType.Uint32 => tensor.Uint64Data.Count,
        DataType.Int32 or DataType.Int16 or DataType.Uint16 or DataType.Int8 or DataType.Uint8 or DataType.Bool or DataType.Float16 or DataType.Bfloat16 =>
            tensor.Int32Data.Count,
        _ => throw new UnreachableException($"Tensors of {type} are not read."),
    };

    private static TensorData Widen(ReadOnlySpan<byte> raw, DataType type, Shape shape)
    {
        if (TargetType(type) == DType.I64)
        {
            long[] integers = new long[shape.ElementCount];
            for (int i = 0; i < integers.Length; i++)
            {
                integers[i] = type switch
                {
                    DataType.Int16 => BinaryPrimitives.ReadInt16LittleEndian(raw[(2 * i)..]),
                    DataType.Uint16 => BinaryPrimitives.ReadUInt16LittleEndian(raw[(2 * i)..]),
                    DataType.Uint32 => BinaryPrimitives.ReadUInt32LittleEndian(raw[(4 * i)..]),
                    _ => throw new UnreachableException($"{type} is not widened."),
                };
            }

            return FromLongs(shape, integers);
        }

        float[] values = new float[shape.ElementCount];
        if (type != DataType.Double) throw new UnreachableException($"{type} is not converted.");
        for (int i = 0; i < values.Length; i++) values[i] = (float)BinaryPrimitives.ReadDoubleLittleEndian(raw[(8 * i)..]);

        return TensorData.FromFloats(shape, values);
    }

    private static TensorData FromTyped(TensorProto tensor, DataType type, Shape shape)
    {
        int count = shape.ElementCount;
        switch (TargetType(type))
        {
            case DType.F32:
                float[] floats = new float[count];
                if (type == DataType.Float) tensor.FloatData.CopyTo(floats, 0);
                else Convert(tensor.DoubleData, floats, static v => (float)v);
                return TensorData.FromFloats(shape, floats);
            case DType half when half.IsHalf():
                ushort[] halves = new ushort[count];
                Convert(tensor.Int32Data, halves, static v => (ushort)v);
                return new TensorData(new TensorType(half, shape), MemoryMarshal.AsBytes(halves.AsSpan()).ToArray());
            case DType.I64:
                long[] longs = new long[count];
                if (type == DataType.Int64) tensor.Int64Data.CopyTo(longs, 0);
                else if (type == DataType.Uint32) Convert(tensor.Uint64Data, longs, static v => (uint)v);
                else if (type == DataType.Int16) Convert(tensor.Int32Data, longs, static v => (short)v);
                else Convert(tensor.Int32Data, longs, static v => (ushort)v);
                return FromLongs(shape, longs);
            case DType.I32:
                int[] ints = new int[count];
                tensor.Int32Data.CopyTo(ints, 0);
                return new TensorData(new TensorType(DType.I32, shape), MemoryMarshal.AsBytes(ints.AsSpan()).ToArray());
            case DType other:
                byte[] bytes = new byte[count];
                Convert(tensor.Int32Data, bytes, static v => (byte)v);
                return new TensorData(new TensorType(other, shape), bytes);
        }
    }

    private static void Convert<TFrom, TTo>(RepeatedField<TFrom> from, TTo[] to, Func<TFrom, TTo> convert)
    {
        for (int i = 0; i < to.Length; i++) to[i] = convert(from[i]);
    }
}
