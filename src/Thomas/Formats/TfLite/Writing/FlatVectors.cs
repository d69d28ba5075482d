using System;
using System.Collections.Generic;
using Google.FlatBuffers;

namespace Thomas.Formats.TfLite.Writing;

/// <summary>Vectors for a FlatBuffer under construction; each returns its offset.</summary>
internal static class FlatVectors
{
    public static int Ints(FlatBufferBuilder builder, ReadOnlySpan<int> values)
    {
        builder.StartVector(sizeof(int), values.Length, sizeof(int));
        for (int i = values.Length - 1; i >= 0; i--) builder.AddInt(values[i]);
        return builder.EndVector().Value;
    }

    public static int Floats(FlatBufferBuilder builder, ReadOnlySpan<float> values)
    {
        builder.StartVector(sizeof(float), values.Length, sizeof(float));
        for (int i = values.Length - 1; i >= 0; i--) builder.AddFloat(values[i]);
        return builder.EndVector().Value;
    }

    public static int Longs(FlatBufferBuilder builder, ReadOnlySpan<int> values)
    {
        builder.StartVector(sizeof(long), values.Length, sizeof(long));
        for (int i = values.Length - 1; i >= 0; i--) builder.AddLong(values[i]);
        return builder.EndVector().Value;
    }

    public static int Tables(FlatBufferBuilder builder, IReadOnlyList<int> offsets)
    {
        builder.StartVector(sizeof(int), offsets.Count, sizeof(int));
        for (int i = offsets.Count - 1; i >= 0; i--) builder.AddOffset(offsets[i]);
        return builder.EndVector().Value;
    }

    /// <summary>Bytes whose first one stands at a multiple of the alignment in the file.</summary>
    public static unsafe int Bytes(FlatBufferBuilder builder, ReadOnlySpan<byte> bytes, int alignment)
    {
        builder.StartVector(sizeof(byte), bytes.Length, alignment);
        fixed (byte* data = bytes)
        {
            if (bytes.Length > 0) builder.Add<byte>((nint)data, bytes.Length);
        }

        return builder.EndVector().Value;
    }
}
