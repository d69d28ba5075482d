using System;

namespace Thomas.Formats.Onnx;

/// <summary>Reads Onnx models.</summary>
internal static class OnnxReader
{
    public static bool Recognizes(ReadOnlySpan<byte> file) => file.Length >= 8 && file.Slice(4, 4).SequenceEqual("TFL3"u8);

    public static Model Read(ReadOnlyMemory<byte> file, string name) => throw new ThomasException($"Cannot read {name}.");
}
