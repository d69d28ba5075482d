using System;
using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Planning;

namespace Thomas.Runtime;

/// <summary>
/// The memory of variables, shared by the executables that are compiled over it: one block of a device's memory, laid out in the order of the variables, each
/// aligned as the device wants it. It must outlive those executables.
/// </summary>
internal sealed class VariableStore : IDisposable
{
    private readonly Dictionary<Variable, long> _offsets = [];
    private readonly Variable[] _variables;
    private readonly DeviceMemory _memory;

    /// <summary>Allocates memory of the host for the variables and fills it with their initial contents.</summary>
    /// <exception cref="GraphException">Two variables have the same name.</exception>
    public VariableStore(IReadOnlyList<Variable> variables)
        : this(variables, null)
    {
    }

    /// <summary>Allocates memory for the variables and fills it with their initial contents.</summary>
    /// <param name="variables">The variables.</param>
    /// <param name="device">The device that computes with them; null for the host.</param>
    /// <exception cref="GraphException">Two variables have the same name.</exception>
    internal VariableStore(IReadOnlyList<Variable> variables, Device? device)
    {
        ArgumentNullException.ThrowIfNull(variables);
        _variables = [.. variables];
        HashSet<string> names = new(StringComparer.Ordinal);
        long size = 0;
        foreach (Variable variable in _variables)
        {
            if (!names.Add(variable.Name)) throw new GraphException($"Two variables are named '{variable.Name}'.");
            _offsets.Add(variable, size);
            size += SizeOf(variable, device?.Alignment ?? CpuPlace.Alignment);
        }

        UsedBytes = size;
        Device = device;
        _memory = device?.Allocate(size) ?? new Arena(size);
        try
        {
            Reset();
        }
        catch
        {
            _memory.Dispose();
            throw;
        }
    }

    /// <summary>Sets all elements of a variable.</summary>
    internal delegate void Filler(Span<float> values);

    /// <summary>The variables in the order of their memory.</summary>
    public IReadOnlyList<Variable> Variables => _variables;

    /// <summary>Bytes of all variables with the gaps between them.</summary>
    public long UsedBytes { get; }

    /// <summary>The device that computes with them; null for the host.</summary>
    internal Device? Device { get; }

    /// <summary>The elements of a variable, row-major; valid while the store is, which must stay referenced as long: a span does not keep it alive.</summary>
    /// <exception cref="KeyNotFoundException">The variable is not one of this store's.</exception>
    /// <exception cref="InvalidOperationException">The variable is not F32, or the store lies in the memory of a device that is not the host's: use
    /// <see cref="Read"/> and <see cref="Write"/>.</exception>
    public Span<float> this[Variable variable]
    {
        get
        {
            MemorySpan span = SpanOf(variable);
            RequireFloats(variable);
            if (span.Memory is not HostMemory memory)
            {
                throw new InvalidOperationException(
                    $"The variable '{variable.Name}' is in the memory of the device '{Device!.Name}', which has no spans: use {nameof(Read)} and "
                    + $"{nameof(Write)}.");
            }

            return memory.Floats(span.Offset, variable.Shape.ElementCount);
        }
    }

    /// <summary>Sets a variable, on whatever device.</summary>
    /// <param name="variable">The variable.</param>
    /// <param name="values">All its elements, row-major.</param>
    /// <exception cref="ArgumentException">It has another number of elements.</exception>
    /// <exception cref="KeyNotFoundException">The variable is not one of this store's.</exception>
    public void Write(Variable variable, ReadOnlySpan<float> values)
    {
        MemorySpan span = SpanOf(variable);
        RequireLength(variable, values.Length, nameof(values));
        _memory.WriteFloats(span.Offset, values);
    }

    /// <summary>Gets a variable, from whatever device, as the runs up to now leave it.</summary>
    /// <param name="variable">The variable.</param>
    /// <param name="values">Receives all its elements, row-major.</param>
    /// <exception cref="ArgumentException">It has another number of elements.</exception>
    /// <exception cref="KeyNotFoundException">The variable is not one of this store's.</exception>
    public void Read(Variable variable, Span<float> values)
    {
        MemorySpan span = SpanOf(variable);
        RequireLength(variable, values.Length, nameof(values));
        _memory.ReadFloats(span.Offset, values);
    }

    /// <summary>Sets a variable of any type, on whatever device.</summary>
    /// <param name="variable">The variable.</param>
    /// <param name="elements">The bytes of all its elements, row-major.</param>
    /// <exception cref="ArgumentException">It has another number of bytes.</exception>
    /// <exception cref="KeyNotFoundException">The variable is not one of this store's.</exception>
    public void WriteBytes(Variable variable, ReadOnlySpan<byte> elements)
    {
        MemorySpan span = SpanOf(variable);
        if (elements.Length != span.Bytes) throw new ArgumentException($"'{variable.Name}' has {span.Bytes} bytes, not {elements.Length}.", nameof(elements));
        _memory.Write(span.Offset, elements);
    }

    /// <summary>Gets a variable of any type, from whatever device, as the runs up to now leave it.</summary>
    /// <param name="variable">The variable.</param>
    /// <param name="elements">Receives the bytes of all its elements, row-major.</param>
    /// <exception cref="ArgumentException">It has another number of bytes.</exception>
    /// <exception cref="KeyNotFoundException">The variable is not one of this store's.</exception>
    public void ReadBytes(Variable variable, Span<byte> elements)
    {
        MemorySpan span = SpanOf(variable);
        if (elements.Length != span.Bytes) throw new ArgumentException($"'{variable.Name}' has {span.Bytes} bytes, not {elements.Length}.", nameof(elements));
        _memory.Read(span.Offset, elements);
    }

    /// <summary>Copies a variable to another one of the same type, on the device.</summary>
    /// <exception cref="ArgumentException">They differ in type.</exception>
    /// <exception cref="KeyNotFoundException">One of them is not one of this store's.</exception>
    public void Copy(Variable source, Variable target)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(target);
        (MemorySpan from, MemorySpan to) = SameSize(source, target);
        _memory.CopyTo(from.Offset, _memory, to.Offset, from.Bytes);
    }

    /// <summary>Exchanges the contents of two variables of the same type, on the device.</summary>
    /// <exception cref="ArgumentException">They differ in type.</exception>
    /// <exception cref="KeyNotFoundException">One of them is not one of this store's.</exception>
    public void Swap(Variable first, Variable second)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        (MemorySpan a, MemorySpan b) = SameSize(first, second);
        _memory.Swap(a.Offset, _memory, b.Offset, a.Bytes);
    }

    /// <summary>Gives every variable its initial contents again.</summary>
    public void Reset()
    {
        foreach (Variable variable in _variables)
        {
            if (variable.Initial is TensorData initial) Initialize(variable, initial);
            else _memory.Clear(SpanOf(variable).Offset, variable.Type.SizeBytes);
        }
    }

    /// <summary>Whether the variable is one of this store's.</summary>
    public bool Contains(Variable variable)
    {
        ArgumentNullException.ThrowIfNull(variable);
        return _offsets.ContainsKey(variable);
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose() => _memory.Dispose();

    /// <summary>Bytes of a variable with the gap behind it.</summary>
    internal static long SizeOf(Variable variable, long alignment) => (variable.Type.SizeBytes + alignment - 1) & -alignment;

    /// <summary>Where a variable lies.</summary>
    internal MemorySpan SpanOf(Variable variable)
    {
        ArgumentNullException.ThrowIfNull(variable);
        return new MemorySpan(_memory, _offsets[variable], variable.Type.SizeBytes);
    }

    /// <summary>Sets a variable: the host's where it lies, another device's from a buffer.</summary>
    internal void Fill(Variable variable, Filler fill)
    {
        RequireFloats(variable);
        MemorySpan span = SpanOf(variable);
        if (span.Memory is HostMemory host)
        {
            fill(host.Floats(span.Offset, variable.Shape.ElementCount));
            return;
        }

        float[] values = new float[variable.Shape.ElementCount];
        fill(values);
        Write(variable, values);
    }

    /// <summary>The first number of a variable that is not finite; null if all are.</summary>
    internal float? FindNonFinite(Variable variable) => _memory.FindNonFinite(SpanOf(variable).Offset, variable.Type);

    /// <summary>Sets a variable to a constant; floats of 16 bits are widened for a variable of F32.</summary>
    private unsafe void Initialize(Variable variable, TensorData data)
    {
        if (data.Type.DType == variable.Type.DType)
        {
            WriteBytes(variable, data.Bytes.Span);
            return;
        }

        using PinnedFloats floats = new(data);
        Write(variable, new ReadOnlySpan<float>(floats.Pointer, data.Type.Shape.ElementCount));
    }

    private (MemorySpan First, MemorySpan Second) SameSize(Variable first, Variable second)
    {
        (MemorySpan a, MemorySpan b) = (SpanOf(first), SpanOf(second));
        if (first.Type.DType != second.Type.DType || a.Bytes != b.Bytes) throw new ArgumentException($"{first} and {second} differ in type.", nameof(second));
        return (a, b);
    }

    private static void RequireFloats(Variable variable)
    {
        if (variable.Type.DType != DType.F32)
        {
            throw new InvalidOperationException($"The variable '{variable.Name}' holds {variable.Type.DType}, not {DType.F32}.");
        }
    }

    private static void RequireLength(Variable variable, int length, string name)
    {
        RequireFloats(variable);
        if (length != variable.Shape.ElementCount)
        {
            throw new ArgumentException($"'{variable.Name}' has {variable.Shape.ElementCount} elements, not {length}.", name);
        }
    }
}
