using System;
using System.Collections.Generic;
using Thomas.Formats.Onnx.Proto;

namespace Thomas.Formats.Onnx;

/// <summary>A node cannot be imported, though the file is well formed; collected so that all are reported at once, one line a kind.</summary>
/// <param name="kind">What is not supported, without names and sizes: by this nodes are counted.</param>
/// <param name="detail">Names and sizes; shown for the first node of the kind.</param>
internal sealed class UnsupportedNodeException(string kind, string? detail = null) : Exception(kind)
{
    public string? Detail { get; } = detail;
}

/// <summary>A node of the file with its operands found and its attributes checked on access.</summary>
internal sealed class OnnxNode
{
    /// <summary>Far above any real kernel, stride, dilation or pad, low enough that sums and products of two stay small.</summary>
    private const int MaximumGeometry = 1 << 15;

    private readonly NodeProto _proto;
    private readonly Operand?[] _inputs;
    private readonly string _file;
    private readonly Dictionary<string, AttributeProto> _attributes;

    public OnnxNode(NodeProto proto, Operand?[] inputs, string file, int opset, string name)
    {
        Name = name;
        _proto = proto;
        _inputs = inputs;
        _file = file;
        Opset = opset;
        _attributes = new Dictionary<string, AttributeProto>(StringComparer.Ordinal);
        foreach (AttributeProto attribute in proto.Attribute)
        {
            if (!_attributes.TryAdd(attribute.Name, attribute)) throw Fail($"attribute '{attribute.Name}' is given twice");
        }
    }

    private OnnxNode(OnnxNode other, string name, Dictionary<string, AttributeProto>? attributes = null)
    {
        _proto = other._proto;
        _inputs = other._inputs;
        _file = other._file;
        _attributes = attributes ?? other._attributes;
        Opset = other.Opset;
        Name = name;
    }

    /// <summary>Version of the default operator set.</summary>
    public int Opset { get; }

    public string OpType => _proto.OpType;

    /// <summary>What the value of the first result is called in the graph.</summary>
    public string Name { get; }

    public int InputCount => _inputs.Length;

    public int OutputCount => _proto.Output.Count;

    public string OutputName(int index) => index < _proto.Output.Count ? _proto.Output[index] : "";

    /// <summary>The same node, for an inner step whose value is not the node's result.</summary>
    public OnnxNode Inner(string suffix) => new(this, $"{Name}/{suffix}");

    /// <summary>The same node with its window over one axis as one over rows and columns, of one row.</summary>
    public OnnxNode Flat(string suffix)
    {
        OnnxNode flat = new(this, $"{Name}/{suffix}", new Dictionary<string, AttributeProto>(_attributes, StringComparer.Ordinal));
        foreach ((string name, int neutral) in ((string, int)[])[("kernel_shape", 1), ("strides", 1), ("dilations", 1), ("pads", 0)])
        {
            if (Ints(name) is not long[] given) continue;
            AttributeProto wide = new() { Name = name, Type = AttributeProto.Types.AttributeType.Ints };
            foreach (long number in given) wide.Ints.Add([neutral, number]);
            flat._attributes[name] = wide;
        }

        return flat;
    }

    /// <summary>
    /// The same node with its window over three axes, of which it does nothing along the second and third, as one over rows and columns; null where it does.
    /// </summary>
    public OnnxNode? FirstAxis(string suffix)
    {
        if (Text("auto_pad", "NOTSET") is not ("NOTSET" or "" or "VALID")) return null;
        OnnxNode flat = new(this, $"{Name}/{suffix}", new Dictionary<string, AttributeProto>(_attributes, StringComparer.Ordinal));
        foreach ((string name, int neutral) in ((string, int)[])[("kernel_shape", 1), ("strides", 1), ("dilations", 1), ("pads", 0)])
        {
            if (Ints(name) is not long[] given) continue;
            AttributeProto narrow = new() { Name = name, Type = AttributeProto.Types.AttributeType.Ints };
            for (int i = 0; i < given.Length; i += 3)
            {
                if (given.Length % 3 != 0 || given[i + 1] != neutral || given[i + 2] != neutral) return null;
                narrow.Ints.Add([given[i], neutral]);
            }

            flat._attributes[name] = narrow;
        }

        return flat;
    }

    /// <summary>An operand that must be there.</summary>
    public Operand Input(int index) => Optional(index) ?? throw Fail($"operand {index} is missing");

    /// <summary>An operand that may be left out.</summary>
    public Operand? Optional(int index) => index < _inputs.Length ? _inputs[index] : null;

    public bool Has(string attribute) => _attributes.ContainsKey(attribute);

    public long Int(string attribute, long otherwise) =>
        Find(attribute, AttributeProto.Types.AttributeType.Int) is { } found ? found.I : otherwise;

    public float Float(string attribute, float otherwise) =>
        Find(attribute, AttributeProto.Types.AttributeType.Float) is { } found ? found.F : otherwise;

    public string Text(string attribute, string otherwise) =>
        Find(attribute, AttributeProto.Types.AttributeType.String) is { } found ? found.S.ToStringUtf8() : otherwise;

    public TensorProto? Tensor(string attribute) => Find(attribute, AttributeProto.Types.AttributeType.Tensor)?.T;

    public long[]? Ints(string attribute) =>
        Find(attribute, AttributeProto.Types.AttributeType.Ints) is { } found ? [.. found.Ints] : null;

    public float[]? Floats(string attribute) =>
        Find(attribute, AttributeProto.Types.AttributeType.Floats) is { } found ? [.. found.Floats] : null;

    /// <summary>Kernel sizes, strides, dilations or pads: so many small numbers, none below the minimum.</summary>
    public int[] Geometry(string attribute, int count, int minimum, int otherwise)
    {
        int[] values = new int[count];
        Array.Fill(values, otherwise);
        if (Ints(attribute) is not long[] given) return values;
        if (given.Length != count) throw Fail($"attribute '{attribute}' has {given.Length} numbers, expected {count}");
        for (int i = 0; i < count; i++)
        {
            if (given[i] < minimum || given[i] > MaximumGeometry)
            {
                throw Fail($"attribute '{attribute}' holds {given[i]}, outside {minimum} to {MaximumGeometry}");
            }

            values[i] = (int)given[i];
        }

        return values;
    }

    /// <summary>An axis, negative ones counted from the end.</summary>
    public int Axis(long axis, int rank)
    {
        long resolved = axis < 0 ? axis + rank : axis;
        if (resolved < 0 || resolved >= rank) throw Fail($"axis {axis} is outside rank {rank}");
        return (int)resolved;
    }

    /// <summary>Several distinct axes in ascending order, negative ones counted from the end.</summary>
    public int[] Axes(ReadOnlySpan<long> axes, int rank)
    {
        int[] resolved = new int[axes.Length];
        for (int i = 0; i < axes.Length; i++) resolved[i] = Axis(axes[i], rank);
        Array.Sort(resolved);
        for (int i = 1; i < resolved.Length; i++)
        {
            if (resolved[i] == resolved[i - 1]) throw Fail($"axis {resolved[i]} is given twice");
        }

        return resolved;
    }

    /// <summary>A size or index that must fit 32 bits.</summary>
    public int ToInt(long value) => value is >= int.MinValue and <= int.MaxValue ? (int)value : throw Fail($"the number {value} is too large");

    /// <summary>The file is damaged here.</summary>
    public ModelFormatException Fail(string problem) => new(_file, $"{OpType} node '{Label(_proto)}'", problem);

    /// <summary>The file is fine, but this combination is not supported.</summary>
    public UnsupportedNodeException Unsupported(string reason, string? detail = null) => new($"{QualifiedName(_proto)} ({reason})", detail);

    /// <summary>What messages call a node: its name, or else its first result.</summary>
    public static string Label(NodeProto proto) => proto.Name.Length > 0 ? proto.Name : proto.Output.Count > 0 ? proto.Output[0] : "";

    /// <summary>The operator with its domain, where that is not the standard one.</summary>
    public static string QualifiedName(NodeProto proto) => proto.Domain is "" or "ai.onnx" ? proto.OpType : $"{proto.Domain}.{proto.OpType}";

    private AttributeProto? Find(string name, AttributeProto.Types.AttributeType type)
    {
        if (!_attributes.TryGetValue(name, out AttributeProto? attribute)) return null;
        // Files of IR version 1 left the type out.
        if (attribute.Type != type && attribute.Type != AttributeProto.Types.AttributeType.Undefined)
        {
            throw Fail($"attribute '{name}' is of type {attribute.Type}, expected {type}");
        }

        if (type == AttributeProto.Types.AttributeType.Tensor && attribute.T is null) throw Fail($"attribute '{name}' holds no tensor");
        return attribute;
    }
}
