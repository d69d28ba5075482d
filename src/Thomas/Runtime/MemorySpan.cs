namespace Thomas.Runtime;

/// <summary>Some bytes of a device's memory.</summary>
/// <param name="Memory">The memory; null for no bytes.</param>
/// <param name="Offset">Where they begin.</param>
/// <param name="Bytes">How many there are.</param>
internal readonly record struct MemorySpan(DeviceMemory? Memory, long Offset, long Bytes)
{
    /// <summary>
    /// The address where the memory is the host's; else, and for no bytes, null. Not public: a record prints its public properties, and a pointer cannot be
    /// printed.
    /// </summary>
    internal unsafe byte* HostPointer => Memory is HostMemory host ? host.Pointer + Offset : null;
}
