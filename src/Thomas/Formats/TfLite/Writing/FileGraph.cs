using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using Thomas.Formats.TfLite.Schema;
using Thomas.Graphs;

namespace Thomas.Formats.TfLite.Writing;

/// <summary>A tensor of the file to be written.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Element type.</param>
/// <param name="Dims">Sizes.</param>
/// <param name="Data">The elements of a constant; empty for an activation.</param>
/// <param name="Grid">How 8-bit numbers map to real ones.</param>
/// <param name="BatchIsOpen">Whether the first size is open.</param>
internal sealed record FileTensor(string Name, TfLiteType Type, int[] Dims, ReadOnlyMemory<byte> Data, Quantization? Grid = null, bool BatchIsOpen = false);

/// <summary>An operator of the file to be written.</summary>
internal sealed record FileOperator(BuiltinOperator Code, int Version, int[] Inputs, int[] Outputs, OptionsTable Options);

/// <summary>Tensors and operators of the file to be written, in execution order.</summary>
internal sealed class FileGraph
{
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _suffixes = new(StringComparer.Ordinal);

    public List<FileTensor> Tensors { get; } = [];

    public List<FileOperator> Operators { get; } = [];

    public List<int> Inputs { get; } = [];

    public List<int> Outputs { get; } = [];

    /// <summary>Keeps a name for a tensor that gets it by <see cref="Rename"/>.</summary>
    public void Reserve(string name) => _names.Add(name);

    /// <summary>Gives a reserved name back to the next tensor that wants it.</summary>
    public void Release(string name) => _names.Remove(name);

    /// <summary>Adds a tensor under its name, or that with a suffix where it is taken.</summary>
    public int AddTensor(FileTensor tensor)
    {
        Tensors.Add(tensor with { Name = Unique(tensor.Name) });
        return Tensors.Count - 1;
    }

    public int AddFloats(string name, int[] dims, float[] values) =>
        AddTensor(new FileTensor(name, TfLiteType.FLOAT32, dims, MemoryMarshal.AsBytes(values.AsSpan()).ToArray()));

    /// <summary>A constant of sizes or indices; a list where no sizes are given.</summary>
    public int AddInts(string name, ReadOnlySpan<int> values, int[]? dims = null) =>
        AddTensor(new FileTensor(name, TfLiteType.INT32, dims ?? [values.Length], MemoryMarshal.AsBytes(values).ToArray()));

    /// <summary>Gives a tensor a reserved name.</summary>
    public int Rename(int tensor, string name)
    {
        Tensors[tensor] = Tensors[tensor] with { Name = name };
        return tensor;
    }

    private string Unique(string name)
    {
        string candidate = name;
        while (!_names.Add(candidate))
        {
            int suffix = _suffixes.GetValueOrDefault(name, 1);
            _suffixes[name] = suffix + 1;
            candidate = $"{name}_{suffix}";
        }

        return candidate;
    }
}
