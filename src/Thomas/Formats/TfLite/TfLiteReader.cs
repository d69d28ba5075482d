using System;

namespace Thomas.Formats.TfLite;

/// <summary>Reads TfLite models.</summary>
internal static class TfLiteReader
{
    public static bool Recognizes(ReadOnlySpan<byte> file) => file.Length >= 8 && file.Slice(4, 4).SequenceEqual("TFL3"u8);

    public static Model Read(ReadOnlyMemory<byte> file, string name) => throw new ThomasException($"Cannot read {name}.");
}
