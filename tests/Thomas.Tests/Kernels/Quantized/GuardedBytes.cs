using System;
using Thomas.Tests.Harness;

namespace Thomas.Tests.Kernels.Quantized;

/// <summary>Bytes that end where memory may not be touched; see <see cref="GuardedBuffer"/>.</summary>
internal sealed unsafe class GuardedBytes : IDisposable
{
    private readonly GuardedBuffer _buffer;

    /// <summary>Makes a buffer.</summary>
    public GuardedBytes(long length)
    {
        long floats = (length + sizeof(float) - 1) / sizeof(float);
        _buffer = new GuardedBuffer(floats);
        Length = checked((int)length);
        Pointer = (byte*)_buffer.Pointer + (floats * sizeof(float)) - length;
    }

    public int Length { get; }

    public byte* Pointer { get; }

    public Span<byte> Span => new(Pointer, Length);

    /// <summary>A buffer of repeatable bytes; a few runs of them are the smallest and the largest.</summary>
    public static GuardedBytes Random(long length, int seed)
    {
        GuardedBytes bytes = new(length);
        Random random = new(seed);
        random.NextBytes(bytes.Span);
        for (int i = 0; i < length; i += 61)
        {
            byte extreme = (byte)(random.Next(4) switch { 0 => 0, 1 => 127, 2 => 128, _ => 255 });
            bytes.Span.Slice(i, Math.Min(bytes.Length - i, random.Next(9))).Fill(extreme);
        }

        return bytes;
    }

    /// <summary>A buffer of these bytes.</summary>
    public static GuardedBytes Of(ReadOnlySpan<byte> values)
    {
        GuardedBytes bytes = new(values.Length);
        values.CopyTo(bytes.Span);
        return bytes;
    }

    public void Dispose() => _buffer.Dispose();
}
