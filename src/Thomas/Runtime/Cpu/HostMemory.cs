using System;
using System.Runtime.InteropServices;

namespace Thomas.Runtime;

/// <summary>Memory of the host, in which the CPU computes. Work is done at once, so nothing waits.</summary>
internal abstract unsafe class HostMemory : DeviceMemory
{
    private const int SwapBytes = 1 << 12;

    /// <summary>The first byte; null once the memory is freed.</summary>
    public abstract byte* Pointer { get; }

    /// <inheritdoc/>
    public override void Write(long offset, ReadOnlySpan<byte> source) => source.CopyTo(Span(offset, source.Length));

    /// <inheritdoc/>
    public override void Read(long offset, Span<byte> target) => Span(offset, target.Length).CopyTo(target);

    /// <inheritdoc/>
    public override void CopyTo(long offset, DeviceMemory target, long targetOffset, long bytes) =>
        Buffer.MemoryCopy(Address(offset, bytes), ((HostMemory)target).Address(targetOffset, bytes), bytes, bytes);

    /// <inheritdoc/>
    public override void Swap(long offset, DeviceMemory other, long otherOffset, long bytes)
    {
        byte* a = Address(offset, bytes), b = ((HostMemory)other).Address(otherOffset, bytes), piece = stackalloc byte[SwapBytes];
        for (long at = 0; at < bytes; at += SwapBytes)
        {
            long count = Math.Min(SwapBytes, bytes - at);
            Buffer.MemoryCopy(a + at, piece, SwapBytes, count);
            Buffer.MemoryCopy(b + at, a + at, count, count);
            Buffer.MemoryCopy(piece, b + at, count, count);
        }
    }

    /// <inheritdoc/>
    public override void Clear(long offset, long bytes) => NativeMemory.Clear(Address(offset, bytes), (nuint)bytes);

    /// <inheritdoc/>
    protected override float? FindNonFiniteFloat(long offset, int count) => NonFinite.In(Floats(offset, count));

    /// <summary>Some of the bytes; valid while the memory is, which must stay referenced as long.</summary>
    public Span<byte> Span(long offset, int bytes) => new(Address(offset, bytes), bytes);

    /// <summary>Some float32 numbers; valid while the memory is, which must stay referenced as long.</summary>
    public Span<float> Floats(long offset, int count) => new(Address(offset, (long)count * sizeof(float)), count);

    /// <summary>The address of some of the bytes.</summary>
    /// <exception cref="ObjectDisposedException">The memory is freed.</exception>
    public byte* Address(long offset, long bytes)
    {
        ObjectDisposedException.ThrowIf(Pointer == null, this);
        if (offset < 0 || bytes < 0 || offset > SizeBytes - bytes)
        {
            throw new ArgumentOutOfRangeException(nameof(offset), $"Bytes {offset} to {offset + bytes} of {SizeBytes}.");
        }

        return Pointer + offset;
    }
}
