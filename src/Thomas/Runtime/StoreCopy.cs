using System;
using System.Collections.Generic;
using Thomas.Graphs;

namespace Thomas.Runtime;

/// <summary>Memory for a second version of some variables of a store: a state to go back to, or the best weights so far.</summary>
internal sealed unsafe class StoreCopy : IDisposable
{
    private readonly VariableStore _store;
    private readonly Variable[] _variables;
    private readonly long[] _offsets;
    private readonly Arena _arena;

    /// <param name="store">The store.</param>
    /// <param name="variables">Which of its variables are copied.</param>
    public StoreCopy(VariableStore store, IReadOnlyList<Variable> variables)
    {
        _store = store;
        _variables = [.. variables];
        _offsets = new long[_variables.Length];
        SizeBytes = 0;
        for (int i = 0; i < _variables.Length; i++)
        {
            _offsets[i] = SizeBytes;
            SizeBytes += _variables[i].Type.SizeBytes;
        }

        _arena = new Arena(SizeBytes);
    }

    /// <summary>The variables, in the order of their memory.</summary>
    public IReadOnlyList<Variable> Variables => _variables;

    /// <summary>Bytes of all of them, without gaps.</summary>
    public long SizeBytes { get; }

    /// <summary>The copy of a variable, by its number among <see cref="Variables"/>.</summary>
    public Span<float> this[int index]
    {
        get
        {
            ObjectDisposedException.ThrowIf(_arena.Pointer == null, this);
            return new Span<float>(_arena.Pointer + _offsets[index], _variables[index].Shape.ElementCount);
        }
    }

    /// <summary>Copies the store's present contents.</summary>
    public void Take()
    {
        for (int i = 0; i < _variables.Length; i++) _store[_variables[i]].CopyTo(this[i]);
    }

    /// <summary>Puts the copied contents into the store.</summary>
    public void Restore()
    {
        for (int i = 0; i < _variables.Length; i++) this[i].CopyTo(_store[_variables[i]]);
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose() => _arena.Dispose();
}
