using System;
using System.Buffers;

namespace Thomas.Runtime;

/// <summary>Bytes of a constant where the model holds them, which stay there until disposal.</summary>
internal sealed unsafe class PinnedMemory : HostMemory
{
    private MemoryHandle _pin;
    private byte* _pointer;

    public PinnedMemory(ReadOnlyMemory<byte> bytes)
    {
        SizeBytes = bytes.Length;
        _pin = bytes.Pin();
        _pointer = (byte*)_pin.Pointer;
    }

    ~PinnedMemory() => Unpin();

    /// <inheritdoc/>
    public override long SizeBytes { get; }

    /// <inheritdoc/>
    public override byte* Pointer => _pointer;

    /// <inheritdoc/>
    public override void Dispose()
    {
        Unpin();
        GC.SuppressFinalize(this);
    }

    private void Unpin()
    {
        if (_pointer == null) return;
        _pointer = null;
        _pin.Dispose();
    }
}
