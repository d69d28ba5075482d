using System;
using System.Collections.Generic;
using Thomas.Graphs;

namespace Thomas.Runtime;

/// <summary>
/// Variables that lie one after the other in a store, and the same ones in the memory of the host: they go there and back in one transfer, which costs far less
/// than one for each.
/// </summary>
internal sealed class VariableBlock
{
    private readonly MemorySpan[] _there, _here;
    private readonly byte[] _buffer;

    /// <param name="there">The store, on whatever device.</param>
    /// <param name="variables">The variables there, in the order of their memory, with no others between them.</param>
    /// <param name="here">A store in the memory of the host.</param>
    /// <param name="counterparts">What corresponds to the variables there, in the same order.</param>
    /// <exception cref="ArgumentException">They do not lie in this order, or differ in size.</exception>
    public VariableBlock(VariableStore there, IReadOnlyList<Variable> variables, VariableStore here, IReadOnlyList<Variable> counterparts)
    {
        if (variables.Count != counterparts.Count) throw new ArgumentException("Their numbers differ.", nameof(counterparts));
        _there = new MemorySpan[variables.Count];
        _here = new MemorySpan[variables.Count];
        long end = 0;
        for (int i = 0; i < _there.Length; i++)
        {
            (_there[i], _here[i]) = (there.SpanOf(variables[i]), here.SpanOf(counterparts[i]));
            if (_there[i].Bytes != _here[i].Bytes) throw new ArgumentException($"{variables[i]} and {counterparts[i]} differ in size.", nameof(counterparts));
            if (i > 0 && _there[i].Offset != end) throw new ArgumentException($"{variables[i]} does not follow the one before it.", nameof(variables));
            end = _there[i].Offset + VariableStore.SizeOf(variables[i], there.Device?.Alignment ?? Planning.CpuPlace.Alignment);
        }

        _buffer = new byte[_there.Length == 0 ? 0 : checked((int)(_there[^1].Offset + _there[^1].Bytes - _there[0].Offset))];
    }

    /// <summary>Bytes of the buffer between them.</summary>
    public long BufferBytes => _buffer.Length;

    /// <summary>Waits for the device and copies its variables to the host's.</summary>
    public void Fetch()
    {
        if (_buffer.Length == 0) return;
        _there[0].Memory!.Read(_there[0].Offset, _buffer);
        for (int i = 0; i < _here.Length; i++) _here[i].Memory!.Write(_here[i].Offset, BufferOf(i));
    }

    /// <summary>Copies the host's variables to the device.</summary>
    public void Send()
    {
        if (_buffer.Length == 0) return;
        for (int i = 0; i < _here.Length; i++) _here[i].Memory!.Read(_here[i].Offset, BufferOf(i));
        _there[0].Memory!.Write(_there[0].Offset, _buffer);
    }

    private Span<byte> BufferOf(int index) => _buffer.AsSpan((int)(_there[index].Offset - _there[0].Offset), (int)_there[index].Bytes);
}
