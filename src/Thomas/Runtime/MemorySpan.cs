using System;

namespace Thomas.Runtime;

/// <summary>Some bytes of a device's memory.</summary>
/// <param name="Memory">The memory; null for no bytes.</param>
/// <param name="Offset">Where they begin.</param>
/// <param name="Bytes">How many there are.</param>
internal readonly record struct MemorySpan(DeviceMemory? Memory, long Offset, long Bytes)
{
    /// <summary>A tensor may have more bytes than a span.</summary>
    private const int PieceBytes = 1 << 30;

    /// <summary>
    /// The address where the memory is the host's; else, and for no bytes, null. Not public: a record prints its public properties, and a pointer cannot be
    /// printed.
    /// </summary>
    internal unsafe byte* HostPointer => Memory is HostMemory host ? host.Pointer + Offset : null;

    /// <summary>Copies these bytes to as many of the same device, or between a device and the host.</summary>
    public void CopyTo(MemorySpan target)
    {
        if (Memory is HostMemory == target.Memory is HostMemory)
        {
            Memory!.CopyTo(Offset, target.Memory!, target.Offset, Bytes);
            return;
        }

        for (long at = 0; at < Bytes; at += PieceBytes)
        {
            int piece = (int)Math.Min(PieceBytes, Bytes - at);
            if (Memory is HostMemory from) target.Memory!.Write(target.Offset + at, from.Span(Offset + at, piece));
            else Memory!.Read(Offset + at, ((HostMemory)target.Memory!).Span(target.Offset + at, piece));
        }
    }
}
