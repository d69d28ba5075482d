using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using Thomas.Graphs;

namespace Thomas.Formats;

/// <summary>Gathers the tensors of a weight file whatever its format: conversion of float64 to float32, limits, notes.</summary>
/// <param name="file">Name of the file, for messages.</param>
/// <param name="fileBytes">Its size, which bounds what may be made from it.</param>
/// <param name="integers">Whether tensors of integers are wanted.</param>
internal sealed class WeightCollector(string file, long fileBytes, bool integers)
{
    /// <summary>How many steps a batch normalization has been trained: it ends the names of such entries.</summary>
    public const string StepCounter = "num_batches_tracked";

    /// <summary>Names that wrappers put into those of a network: training on several devices at once, and compilation.</summary>
    private static readonly string[] WrapperSegments = ["module.", "_orig_mod."];

    private const int NamesInNote = 5;

    private readonly List<NamedTensor> _tensors = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private readonly Dictionary<StoredType, int> _converted = [];
    private readonly List<string> _skipped = [];
    private long _bytesLeft = ModelLimits.WeightBytes(fileBytes);

    /// <summary>Name of the file, for messages.</summary>
    public string File => file;

    /// <summary>What a person should know about how the file is read.</summary>
    public List<string> Notes { get; } = [];

    /// <summary>Whether tensors of the type are handed out; a skipped one need not be read.</summary>
    public bool Wants(StoredType type) => type.IsFloat() || (integers && type.Same() is not null);

    /// <summary>Leaves a tensor or other entry out, with a note; the step counters of batch normalization are in every file and not worth one.</summary>
    public void Skip(string name)
    {
        if (!name.EndsWith(StepCounter, StringComparison.Ordinal)) _skipped.Add(name);
    }

    /// <summary>Counts bytes that are about to be allocated.</summary>
    /// <exception cref="ModelFormatException">The file asks for far more than it can hold.</exception>
    public void Charge(long bytes, string place)
    {
        _bytesLeft -= bytes;
        if (_bytesLeft < 0)
        {
            throw new ModelFormatException(
                file, place, $"unpacking the weights takes more than {ModelLimits.WeightBytes(fileBytes)} bytes, too much for a file of {fileBytes} bytes");
        }
    }

    /// <summary>
    /// The bytes as they are, or a copy where elements do not begin at multiples of their size, as some processors want; arrays begin at one.
    /// </summary>
    public ReadOnlyMemory<byte> Aligned(ReadOnlyMemory<byte> bytes, StoredType type, string place)
    {
        if (MemoryMarshal.TryGetArray(bytes, out ArraySegment<byte> segment) && segment.Offset % type.SizeBytes() == 0) return bytes;
        Charge(bytes.Length, place);
        return bytes.ToArray();
    }

    /// <summary>Checks sizes and makes them a shape.</summary>
    public Shape ShapeOf(ReadOnlySpan<long> sizes, string place)
    {
        if (sizes.Length > Shape.MaxRank) throw new ModelFormatException(file, place, $"has {sizes.Length} axes, more than {Shape.MaxRank}");
        int[] dims = new int[sizes.Length];
        for (int i = 0; i < dims.Length; i++)
        {
            if (sizes[i] is < 0 or > int.MaxValue) throw new ModelFormatException(file, place, $"axis {i} has size {sizes[i]}");
            dims[i] = (int)sizes[i];
        }

        try
        {
            Shape shape = new(dims);
            return shape.ElementCount <= ModelLimits.WeightElements
                ? shape
                : throw new ModelFormatException(file, place, $"has {shape.ElementCount} elements; at most {ModelLimits.WeightElements} are accepted");
        }
        catch (GraphException e)
        {
            throw new ModelFormatException(file, place, e.Message, e);
        }
    }

    /// <summary>Adds a tensor of row-major, little-endian elements; floats of 16 and 32 bits are borrowed where they are aligned.</summary>
    public void Add(string name, StoredType type, Shape shape, ReadOnlyMemory<byte> bytes)
    {
        string place = PlaceOf(name);
        if (!_names.Add(name)) throw new ModelFormatException(file, place, "the name occurs twice");
        if (_tensors.Count == ModelLimits.WeightTensors)
        {
            throw new ModelFormatException(file, place, $"there are more than {ModelLimits.WeightTensors} tensors");
        }

        _tensors.Add(new NamedTensor(name, type.ToString(), Convert(type, shape, bytes, place)));
    }

    public WeightFile ToFile(WeightFormat format)
    {
        List<string> notes = Notes;
        foreach (StoredType type in Enum.GetValues<StoredType>())
        {
            if (_converted.TryGetValue(type, out int count)) notes.Add($"{count} {type} tensors were converted to float32");
        }

        if (_skipped.Count > 0)
        {
            string more = _skipped.Count > NamesInNote ? $" and {_skipped.Count - NamesInNote} more" : "";
            notes.Add($"skipped, because they are not floating-point tensors: {string.Join(", ", _skipped[..Math.Min(NamesInNote, _skipped.Count)])}{more}");
        }

        return new WeightFile(file, format, StripPrefix(notes), notes);
    }

    /// <summary>How messages name a tensor.</summary>
    public static string PlaceOf(string tensor) => $"tensor '{tensor}'";

    /// <summary>
    /// A network that was wrapped, or a part of it, carries the wrapper's name in its own: all begin with <c>module.</c>, or some have it in their middle, as
    /// <c>features.module.0.weight</c>. It is removed unless two names became one.
    /// </summary>
    private List<NamedTensor> StripPrefix(List<string> notes)
    {
        foreach (string segment in WrapperSegments)
        {
            bool isPrefix = _tensors.TrueForAll(tensor => tensor.Name.StartsWith(segment, StringComparison.Ordinal));
            HashSet<string> names = new(StringComparer.Ordinal);
            List<NamedTensor> stripped = new(_tensors.Count);
            int changed = 0;
            foreach (NamedTensor tensor in _tensors)
            {
                string name = Without(tensor.Name, segment, isPrefix);
                if (name.Length != tensor.Name.Length) changed++;
                if (name.Length > 0 && names.Add(name)) stripped.Add(tensor with { Name = name });
            }

            if (changed == 0 || stripped.Count != _tensors.Count) continue;
            for (int i = 0; i < stripped.Count; i++) _tensors[i] = stripped[i];
            notes.Add($"'{segment}' was removed from {(changed == _tensors.Count ? "all" : $"{changed}")} names");
        }

        return _tensors;
    }

    private static string Without(string name, string segment, bool isPrefix)
    {
        while (isPrefix && name.StartsWith(segment, StringComparison.Ordinal)) name = name[segment.Length..];
        return name.Replace("." + segment, ".", StringComparison.Ordinal);
    }

    private TensorData Convert(StoredType type, Shape shape, ReadOnlyMemory<byte> bytes, string place)
    {
        if (type.Same() is DType same) return new TensorData(new TensorType(same, shape), Aligned(bytes, type, place));
        Charge((long)shape.ElementCount * sizeof(float), place);
        float[] values = new float[shape.ElementCount];
        if (type != StoredType.F64) throw new ModelFormatException(file, place, $"elements of type {type} are not supported");
        ReadOnlySpan<double> doubles = MemoryMarshal.Cast<byte, double>(bytes.Span);
        for (int i = 0; i < values.Length; i++) values[i] = (float)doubles[i];

        _converted[type] = _converted.GetValueOrDefault(type) + 1;
        return TensorData.FromFloats(shape, values);
    }
}
