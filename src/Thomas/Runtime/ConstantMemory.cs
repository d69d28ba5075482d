using System;
using System.Collections.Generic;
using Thomas.Graphs;

namespace Thomas.Runtime;

/// <summary>
/// The constants of a compiled graph, on each of its devices: those that kernels have packed, and those that they read as they are: the host where the model
/// holds them, other devices in copies. Nothing in it changes once an executable has been made over it; further executables of the same compiled graph then
/// share it. It must outlive them.
/// </summary>
internal sealed class ConstantMemory : IDisposable
{
    private readonly CompiledGraph _compiled;
    private readonly DeviceMemory?[] _memories;
    private readonly Dictionary<Value, PinnedMemory> _pins = [];

    public ConstantMemory(CompiledGraph compiled)
    {
        _compiled = compiled;
        _memories = new DeviceMemory?[compiled.Places.Count];
        try
        {
            for (int place = 0; place < _memories.Length; place++)
            {
                DeviceMemory memory = _memories[place] = compiled.Places.Devices[place].Allocate(compiled.Constants.BytesOf(place));
                foreach (((Value value, bool widened), long offset) in compiled.Constants.CopiesOf(place)) Write(memory, offset, value.Constant!, widened);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Bytes that are held beyond the model itself.</summary>
    public long SizeBytes => _compiled.ConstantBytes;

    /// <summary>Whether the first executable has packed and pinned them all.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>Says that all constants are packed and pinned.</summary>
    public void Complete() => IsComplete = true;

    /// <summary>Memory for the constants of a node's kernel.</summary>
    /// <param name="node">The node's number.</param>
    /// <param name="place">Its device.</param>
    /// <param name="bytes">Bytes that the kernel keeps.</param>
    public MemorySpan OfKernel(int node, int place, long bytes) => new(_memories[place], _compiled.Constants.OffsetOf(node), bytes);

    /// <summary>Where a device reads a constant, as it is or widened to float32.</summary>
    public MemorySpan Of(Value value, int place, bool widened)
    {
        if (_compiled.Constants.CopiesOf(place).TryGetValue((value, widened), out long offset))
        {
            return new MemorySpan(_memories[place], offset, ConstantPlan.BytesOf(value, widened));
        }

        if (!_pins.TryGetValue(value, out PinnedMemory? pin)) _pins.Add(value, pin = new PinnedMemory(value.Constant!.Bytes));
        return new MemorySpan(pin, 0, value.Type.SizeBytes);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (DeviceMemory? memory in _memories) memory?.Dispose();
        foreach (PinnedMemory pin in _pins.Values) pin.Dispose();
    }

    private static unsafe void Write(DeviceMemory memory, long offset, TensorData data, bool widened)
    {
        if (!widened)
        {
            memory.Write(offset, data.Bytes.Span);
            return;
        }

        using PinnedFloats floats = new(data);
        memory.WriteFloats(offset, new ReadOnlySpan<float>(floats.Pointer, data.Type.Shape.ElementCount));
    }
}
