using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using Google.Protobuf;
using Thomas.Formats.Onnx.Proto;
using Thomas.Graphs;
using Thomas.Ops;
using DataType = Thomas.Formats.Onnx.Proto.TensorProto.Types.DataType;

namespace Thomas.Formats.Onnx;

/// <summary>
/// Turns a graph into the file's nodes. A value of rank 4 may be known in two forms: as the graph has it (plain, images NHWC) and with its axes in the
/// order 0,3,1,2 (NCHW). Each operator asks for the form it wants; the other one is made by a Transpose the first time that somebody asks.
/// </summary>
internal sealed partial class OnnxEmitter
{
    private static readonly IntList ToNchw = Transpose.NhwcToNchw;

    /// <summary>Where the axes of a plain value stand in its NCHW form.</summary>
    private static readonly int[] NchwAxis = [0, 2, 3, 1];

    private readonly Model _model;
    private readonly ImageLayout _layout;
    private readonly GraphProto _proto = new();
    private readonly Dictionary<Value, string> _plain = [];
    private readonly Dictionary<Value, string> _nchw = [];
    private readonly Dictionary<(Value, string), string> _initializers = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _suffixes = new(StringComparer.Ordinal);
    private readonly Dictionary<float, string> _bounds = [];
    private readonly HashSet<Value> _outputs = [];

    public OnnxEmitter(Model model, ImageLayout layout)
    {
        _model = model;
        _layout = layout;
    }

    public GraphProto Emit()
    {
        Graph graph = _model.Graph;
        _proto.Name = _model.Info.Name.Length > 0 ? _model.Info.Name : "model";

        // Inputs and outputs are the interface: their names are taken before any other.
        foreach (Value input in graph.Inputs) AddInput(input);
        foreach (Value output in graph.Outputs) _outputs.Add(output);
        foreach (Value output in graph.Outputs)
        {
            if (!_plain.ContainsKey(output) && !_nchw.ContainsKey(output)) _names.Add(output.Name);
        }

        StudyWeights(graph);
        foreach (Node node in graph.Nodes) EmitNode(node);
        foreach (Value output in graph.Outputs) AddOutput(output);
        return _proto;
    }

    private void AddInput(Value input)
    {
        string name = Unique(input.Name);
        bool nchw = input.Shape.Rank == 4 && _layout == ImageLayout.Nchw;
        (nchw ? _nchw : _plain).Add(input, name);
        _proto.Input.Add(Describe(name, nchw ? Permutation.Apply(ToNchw, input.Shape) : input.Shape));
    }

    private void AddOutput(Value output)
    {
        string name = Plain(output);
        if (name != output.Name || output.IsInput || output.IsConstant)
        {
            // The tensor has another name (an input, a constant, the other form of a value): give the output its own.
            string own = output.IsInput ? Unique($"{output.Name}/output") : output.Name;
            Add("Identity", [name], own);
            name = own;
        }

        // A graph may hand the same value out twice, a file may not.
        foreach (ValueInfoProto earlier in _proto.Output)
        {
            if (earlier.Name != name) continue;
            name = Add("Identity", [name], Unique($"{output.Name}/again"));
            break;
        }

        _proto.Output.Add(Describe(name, output.Shape));
    }

    private ValueInfoProto Describe(string name, Shape shape)
    {
        TensorShapeProto dims = new();
        for (int i = 0; i < shape.Rank; i++)
        {
            bool symbolic = i == 0 && shape[0] == 1 && shape.Rank >= 2 && _model.Info.BatchIsSymbolic;
            dims.Dim.Add(symbolic ? new TensorShapeProto.Types.Dimension { DimParam = "batch" } : new TensorShapeProto.Types.Dimension { DimValue = shape[i] });
        }

        return new ValueInfoProto
        {
            Name = name,
            Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)DataType.Float, Shape = dims } },
        };
    }

    /// <summary>The name of the value as the graph has it.</summary>
    private string Plain(Value value)
    {
        if (_plain.TryGetValue(value, out string? name)) return name;
        if (value.IsConstant) return _plain[value] = Initializer(value, "", value.Constant!);
        return _plain[value] = Add(
            "Transpose", [_nchw[value]], _outputs.Contains(value) && !value.IsInput ? value.Name : Unique($"{value.Name}/nhwc"), Ints("perm", 0, 2, 3, 1));
    }

    /// <summary>The name of the value with its axes in the order 0,3,1,2; for a filter that is OHWI to OIHW.</summary>
    private string Nchw(Value value)
    {
        if (_nchw.TryGetValue(value, out string? name)) return name;
        if (value.IsConstant) return _nchw[value] = PermutedInitializer(value, ToNchw);
        return _nchw[value] = Add("Transpose", [Plain(value)], Unique($"{value.Name}/nchw"), Ints("perm", 0, 3, 1, 2));
    }

    /// <summary>Whether the value is at hand in NCHW form, so that operators which take either keep it.</summary>
    private bool PrefersNchw(Value value) => !value.IsConstant && _nchw.ContainsKey(value);

    /// <summary>The name for a node's result in plain form, now defined.</summary>
    private string DefinePlain(Value value)
    {
        string name = _outputs.Contains(value) ? value.Name : Unique(value.Name);
        _plain.Add(value, name);
        return name;
    }

    /// <summary>The name for a node's result in NCHW form, now defined. A graph output keeps its own name for the plain form.</summary>
    private string DefineNchw(Value value)
    {
        string name = Unique(_outputs.Contains(value) ? $"{value.Name}/nchw" : value.Name);
        _nchw.Add(value, name);
        return name;
    }

    private string Define(Value value, bool nchw) => nchw ? DefineNchw(value) : DefinePlain(value);

    private string Form(Value value, bool nchw) => nchw ? Nchw(value) : Plain(value);

    /// <summary>Axes of a plain value as they stand in the form that is used.</summary>
    private static long[] Axes(ReadOnlySpan<int> axes, bool nchw)
    {
        long[] mapped = new long[axes.Length];
        for (int i = 0; i < mapped.Length; i++) mapped[i] = nchw ? NchwAxis[axes[i]] : axes[i];
        return mapped;
    }

    /// <summary>One number per axis of a plain value, in the order of the form that is used.</summary>
    private static long[] PerAxis(IntList values, bool nchw)
    {
        long[] mapped = new long[values.Count];
        for (int i = 0; i < mapped.Length; i++) mapped[nchw ? NchwAxis[i] : i] = values[i];
        return mapped;
    }

    private string PermutedInitializer(Value value, IntList permutation) =>
        Initializer(value, permutation.ToString(), Transpose.Permuted(value.Constant!, permutation));

    /// <summary>Writes a constant once for each form that is asked for; the first form has the constant's own name.</summary>
    private string Initializer(Value value, string form, TensorData data)
    {
        if (_initializers.TryGetValue((value, form), out string? known)) return known;
        string wanted = _outputs.Contains(value) ? $"{value.Name}/constant" : value.Name;
        string name = AddIntegers(value, wanted, data) ?? AddHalves(wanted, data) ?? AddInitializer(wanted, data);
        _initializers.Add((value, form), name);
        return name;
    }

    /// <summary>Adds a constant of 16-bit floats as it is, and a Cast that widens it for what computes in float32; null for other constants.</summary>
    private string? AddHalves(string wanted, TensorData data)
    {
        if (!data.Type.DType.IsHalf()) return null;
        string halves = AddInitializer(wanted, data);
        return Add("Cast", [halves], Unique($"{wanted}/float32"), Int("to", (long)DataType.Float));
    }

    private string AddInitializer(string wanted, TensorData data)
    {
        string name = Unique(wanted);
        TensorProto tensor = new()
        {
            Name = name,
            DataType = (int)(data.Type.DType switch
            {
                DType.F32 => DataType.Float,
                DType.F16 => DataType.Float16,
                DType.BF16 => DataType.Bfloat16,
                DType.I64 => DataType.Int64,
                DType.I32 => DataType.Int32,
                DType.I8 => DataType.Int8,
                DType.U8 => DataType.Uint8,
                DType other => throw new ThomasException($"Cannot write '{wanted}': constants of type {other} do not occur in ONNX models of float32."),
            }),
            RawData = UnsafeByteOperations.UnsafeWrap(data.Bytes),
        };
        foreach (int dim in data.Type.Shape.Dims) tensor.Dims.Add(dim);
        _proto.Initializer.Add(tensor);
        return name;
    }

    private string Floats(string name, Shape shape, params ReadOnlySpan<float> values) => AddInitializer(name, TensorData.FromFloats(shape, values.ToArray()));

    private string Longs(string name, params ReadOnlySpan<long> values) =>
        AddInitializer(name, new TensorData(new TensorType(DType.I64, new Shape(values.Length)), MemoryMarshal.AsBytes(values).ToArray()));

    /// <summary>Adds a node of one result and returns the result's name. Operands without a name are left out.</summary>
    internal string Add(string op, ReadOnlySpan<string> inputs, string output, params ReadOnlySpan<AttributeProto> attributes)
    {
        NodeProto node = new() { OpType = op, Name = output };
        foreach (string input in inputs) node.Input.Add(input);
        node.Output.Add(output);
        foreach (AttributeProto attribute in attributes) node.Attribute.Add(attribute);
        _proto.Node.Add(node);
        return output;
    }

    internal string Unique(string wanted)
    {
        string name = wanted;
        while (!_names.Add(name))
        {
            int suffix = _suffixes.GetValueOrDefault(wanted, 1);
            _suffixes[wanted] = suffix + 1;
            name = $"{wanted}_{suffix}";
        }

        return name;
    }

    private static AttributeProto Ints(string name, params ReadOnlySpan<long> values)
    {
        AttributeProto attribute = new() { Name = name, Type = AttributeProto.Types.AttributeType.Ints };
        foreach (long value in values) attribute.Ints.Add(value);
        return attribute;
    }

    private static AttributeProto Int(string name, long value) => new() { Name = name, Type = AttributeProto.Types.AttributeType.Int, I = value };

    internal static AttributeProto Float(string name, float value) => new() { Name = name, Type = AttributeProto.Types.AttributeType.Float, F = value };
}
