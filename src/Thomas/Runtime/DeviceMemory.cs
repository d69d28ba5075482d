using System;
using System.Runtime.InteropServices;
using Thomas.Graphs;

namespace Thomas.Runtime;

/// <summary>
/// A block of a device's memory. What is done to it takes its turn in the device's queue: it comes after all work that was put there before, and before all
/// that is put there later. Only <see cref="Read"/>, <see cref="FindNonFinite"/> and <see cref="Dispose"/> wait, and where the host writes into the device's
/// memory itself, <see cref="Write"/>.
/// </summary>
internal abstract class DeviceMemory : IDisposable
{
    private const int PieceBytes = 1 << 16, MostFloats = 1 << 28;

    /// <summary>Its size.</summary>
    public abstract long SizeBytes { get; }

    /// <summary>Copies bytes of the host into it. They may change as soon as this returns.</summary>
    public abstract void Write(long offset, ReadOnlySpan<byte> source);

    /// <summary>Waits for what was put into the device's queue before and copies bytes to the host.</summary>
    public abstract void Read(long offset, Span<byte> target);

    /// <summary>Copies bytes to another place in memory of the same device. The two do not overlap.</summary>
    public abstract void CopyTo(long offset, DeviceMemory target, long targetOffset, long bytes);

    /// <summary>Exchanges bytes with those at another place in memory of the same device. The two do not overlap.</summary>
    public abstract void Swap(long offset, DeviceMemory other, long otherOffset, long bytes);

    /// <summary>Sets bytes to zero.</summary>
    public abstract void Clear(long offset, long bytes);

    /// <summary>As <see cref="Write"/>, of so many numbers as a tensor may have: their bytes may be more than a span can hold.</summary>
    public void WriteFloats(long offset, ReadOnlySpan<float> source)
    {
        for (int at = 0, count; at < source.Length; at += count)
        {
            count = Math.Min(MostFloats, source.Length - at);
            Write(offset + ((long)at * sizeof(float)), MemoryMarshal.AsBytes(source.Slice(at, count)));
        }
    }

    /// <summary>As <see cref="Read"/>, of so many numbers as a tensor may have.</summary>
    public void ReadFloats(long offset, Span<float> target)
    {
        for (int at = 0, count; at < target.Length; at += count)
        {
            count = Math.Min(MostFloats, target.Length - at);
            Read(offset + ((long)at * sizeof(float)), MemoryMarshal.AsBytes(target.Slice(at, count)));
        }
    }

    /// <summary>The first number of a tensor that is not finite; null if all are, as integers are. Waits as <see cref="Read"/> does.</summary>
    /// <param name="offset">Where the tensor begins.</param>
    /// <param name="type">Its type.</param>
    public float? FindNonFinite(long offset, TensorType type)
    {
        if (type.DType == DType.F32) return FindNonFiniteFloat(offset, type.Shape.ElementCount);
        if (!type.DType.IsHalf()) return null;
        byte[] elements = new byte[type.SizeBytes];
        Read(offset, elements);
        return NonFinite.In(new TensorData(type, elements));
    }

    /// <summary>The first of some float32 numbers that is not finite; null if all are. Waits as <see cref="Read"/> does.</summary>
    /// <param name="offset">Where the numbers begin.</param>
    /// <param name="count">How many there are.</param>
    protected virtual float? FindNonFiniteFloat(long offset, int count)
    {
        float[] piece = new float[Math.Min(count, PieceBytes / sizeof(float))];
        for (int at = 0; at < count; at += piece.Length)
        {
            Span<float> numbers = piece.AsSpan(0, Math.Min(piece.Length, count - at));
            Read(offset + ((long)at * sizeof(float)), MemoryMarshal.AsBytes(numbers));
            if (NonFinite.In(numbers) is float found) return found;
        }

        return null;
    }

    /// <summary>Frees it, once no work in the queue uses it.</summary>
    public abstract void Dispose();
}
