using System;
using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Thomas.Formats.TfLite.Schema;
using Thomas.Graphs;

namespace Thomas.Formats.TfLite;

/// <summary>Turns the bytes of constants into numbers.</summary>
internal static class ConstantDecoder
{
    /// <summary>Bytes of one element, or 0 for types that cannot stand for real numbers here.</summary>
    public static int ElementBytes(TfLiteType type) => type switch
    {
        TfLiteType.FLOAT32 or TfLiteType.INT32 => 4,
        TfLiteType.FLOAT16 or TfLiteType.BFLOAT16 or TfLiteType.INT16 => 2,
        TfLiteType.INT8 or TfLiteType.UINT8 => 1,
        TfLiteType.INT64 or TfLiteType.FLOAT64 => 8,
        _ => 0,
    };

    /// <summary>Narrows or dequantizes: real = scale * (q - zeroPoint), scales running along one axis or one for all.</summary>
    public static float[] ToFloats(ReadOnlySpan<byte> bytes, TfLiteType type, Shape shape, Quantization? quantization)
    {
        float[] values = new float[shape.ElementCount];
        switch (type)
        {
            case TfLiteType.FLOAT64:
                ReadOnlySpan<double> doubles = MemoryMarshal.Cast<byte, double>(bytes);
                for (int i = 0; i < values.Length; i++) values[i] = (float)doubles[i];
                break;
            default:
                Dequantize(bytes, type, shape, quantization, values);
                break;
        }

        return values;
    }

    public static long[] ToLongs(ReadOnlySpan<byte> bytes, int elementBytes)
    {
        long[] values = new long[bytes.Length / elementBytes];
        for (int i = 0; i < values.Length; i++)
        {
            ReadOnlySpan<byte> element = bytes.Slice(i * elementBytes, elementBytes);
            values[i] = elementBytes == sizeof(long) ? BinaryPrimitives.ReadInt64LittleEndian(element) : BinaryPrimitives.ReadInt32LittleEndian(element);
        }

        return values;
    }

    private static void Dequantize(ReadOnlySpan<byte> bytes, TfLiteType type, Shape shape, Quantization? quantization, float[] values)
    {
        ReadOnlySpan<float> scales = quantization is null ? [1f] : quantization.Scales;
        ReadOnlySpan<int> zeroPoints = quantization is null ? [0] : quantization.ZeroPoints;
        int channels = scales.Length, inner = channels == 1 ? values.Length : shape.Product(quantization!.Axis + 1, shape.Rank);
        for (int start = 0, channel = 0; start < values.Length; start += inner, channel = channel + 1 == channels ? 0 : channel + 1)
        {
            double scale = scales[channel];
            int zeroPoint = zeroPoints[channel];
            for (int i = start; i < start + inner; i++) values[i] = (float)(scale * (Integer(bytes, type, i) - zeroPoint));
        }
    }

    private static long Integer(ReadOnlySpan<byte> bytes, TfLiteType type, int index) => type switch
    {
        TfLiteType.UINT8 => bytes[index],
        TfLiteType.INT8 => (sbyte)bytes[index],
        TfLiteType.INT16 => BinaryPrimitives.ReadInt16LittleEndian(bytes[(2 * index)..]),
        TfLiteType.INT32 => BinaryPrimitives.ReadInt32LittleEndian(bytes[(4 * index)..]),
        TfLiteType.INT64 => BinaryPrimitives.ReadInt64LittleEndian(bytes[(8 * index)..]),
        _ => throw new UnreachableException($"{type} holds no integers."),
    };
}
