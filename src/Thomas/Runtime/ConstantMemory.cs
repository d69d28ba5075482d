using System;
using System.Buffers;
using System.Collections.Generic;
using Thomas.Graphs;

namespace Thomas.Runtime;

/// <summary>
/// The constants of a compiled graph: those that kernels have packed, and the addresses of those that they read where the model holds them. Nothing in it changes once an
/// executable has been made over it; further executables of the same compiled graph then share it. It must outlive them.
/// </summary>
internal sealed unsafe class ConstantMemory : IDisposable
{
    private readonly Arena _packed;
    private readonly Dictionary<Value, nint> _addresses = [];
    private readonly List<MemoryHandle> _pins = [];
    private bool _disposed;

    public ConstantMemory(CompiledGraph compiled) => _packed = new Arena(compiled.ConstantBytes);

    ~ConstantMemory() => Unpin();

    /// <summary>Bytes of the packed constants.</summary>
    public long SizeBytes => _packed.SizeBytes;

    /// <summary>Where the packed constants begin.</summary>
    public byte* Packed => _packed.Pointer;

    /// <summary>Whether the first executable has packed and pinned them all.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>Says that all constants are packed and pinned.</summary>
    public void Complete() => IsComplete = true;

    /// <summary>Where a constant lies, in the model file as read; it stays there until disposal.</summary>
    public nint AddressOf(Value value)
    {
        if (_addresses.TryGetValue(value, out nint address)) return address;
        MemoryHandle pin = value.Constant!.Bytes.Pin();
        _pins.Add(pin);
        address = (nint)pin.Pointer;
        _addresses.Add(value, address);
        return address;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _packed.Dispose();
        Unpin();
        GC.SuppressFinalize(this);
    }

    private void Unpin()
    {
        if (_disposed || _pins is null) return;
        _disposed = true;
        foreach (MemoryHandle pin in _pins) pin.Dispose();
    }
}
