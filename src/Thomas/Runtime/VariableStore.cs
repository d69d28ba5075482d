using System;
using System.Collections.Generic;
using Thomas.Graphs;

namespace Thomas.Runtime;

/// <summary>
/// The memory of variables, shared by the executables that are compiled over it: one block, laid out in the order of the variables, each on a 64-byte boundary.
/// It must outlive those executables.
/// </summary>
public sealed unsafe class VariableStore : IDisposable
{
    private const long Alignment = 64;

    private readonly Dictionary<Variable, long> _offsets = [];
    private readonly Variable[] _variables;
    private readonly Arena _arena;

    /// <summary>Allocates memory for the variables and fills it with their initial contents.</summary>
    /// <exception cref="GraphException">Two variables have the same name.</exception>
    public VariableStore(IReadOnlyList<Variable> variables)
    {
        ArgumentNullException.ThrowIfNull(variables);
        _variables = [.. variables];
        HashSet<string> names = new(StringComparer.Ordinal);
        long size = 0;
        foreach (Variable variable in _variables)
        {
            if (!names.Add(variable.Name)) throw new GraphException($"Two variables are named '{variable.Name}'.");
            _offsets.Add(variable, size);
            size += SizeOf(variable);
        }

        UsedBytes = size;
        _arena = new Arena(size);
        Reset();
    }

    /// <summary>The variables in the order of their memory.</summary>
    public IReadOnlyList<Variable> Variables => _variables;

    /// <summary>Bytes of all variables with the gaps between them.</summary>
    public long UsedBytes { get; }

    /// <summary>All bytes, for saving and restoring them as one.</summary>
    internal Span<byte> Bytes => new(Pointer, checked((int)UsedBytes));

    private byte* Pointer
    {
        get
        {
            ObjectDisposedException.ThrowIf(_arena.Pointer == null, this);
            return _arena.Pointer;
        }
    }

    /// <summary>The elements of a variable, row-major; valid while the store is, which must stay referenced as long: a span does not keep it alive.</summary>
    /// <exception cref="KeyNotFoundException">The variable is not one of this store's.</exception>
    public Span<float> this[Variable variable]
    {
        get
        {
            ArgumentNullException.ThrowIfNull(variable);
            return new(Address(variable), variable.Shape.ElementCount);
        }
    }

    /// <summary>Gives every variable its initial contents again.</summary>
    public void Reset()
    {
        foreach (Variable variable in _variables)
        {
            if (variable.Initial is null) this[variable].Clear();
            else variable.Initial.Floats.CopyTo(this[variable]);
        }
    }

    /// <summary>Whether the variable is one of this store's.</summary>
    public bool Contains(Variable variable)
    {
        ArgumentNullException.ThrowIfNull(variable);
        return _offsets.ContainsKey(variable);
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose() => _arena.Dispose();

    /// <summary>Bytes of a variable with the gap behind it.</summary>
    internal static long SizeOf(Variable variable) => (variable.Type.SizeBytes + Alignment - 1) & -Alignment;

    internal float* Address(Variable variable) => (float*)(Pointer + _offsets[variable]);
}
