using System;
using System.Collections.Generic;
using System.Globalization;
using Thomas.Formats.Onnx.Proto;
using Thomas.Graphs;
using Thomas.Ops;
using DataType = Thomas.Formats.Onnx.Proto.TensorProto.Types.DataType;

namespace Thomas.Formats.Onnx;

/// <summary>
/// Builds the graph of a file: inputs, then node by node in the file's order. One method per operator; they all work on <see cref="Operand"/>s and add
/// nodes by <see cref="Apply"/>, which computes at once what depends on constants only.
/// </summary>
internal sealed partial class OnnxImporter
{
    /// <summary>Constants made while reading (widened, transposed, computed) may take this much, and <see cref="BudgetPerFileByte"/> times the file.</summary>
    private const long BaseBudgetBytes = 32L << 20;

    private const long BudgetPerFileByte = 4;

    /// <summary>Arithmetic on constants that is done while reading; what goes beyond stays in the graph.</summary>
    private const long MaximumFoldedOperations = 50_000_000;

    private readonly GraphProto _proto;
    private readonly int _opset;
    private readonly string _file;
    private readonly ImageLayout? _layout;
    private readonly (int Height, int Width)? _imageSize;
    private readonly ExternalData _external;
    private readonly GraphBuilder _builder = new();
    private readonly Dictionary<string, TensorProto> _initializers = new(StringComparer.Ordinal);

    /// <summary>What is known under each name; null for results of nodes that could not be imported.</summary>
    private readonly Dictionary<string, Operand?> _operands = new(StringComparer.Ordinal);

    private readonly Dictionary<string, string> _valueNames = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _notComputed = new(StringComparer.Ordinal);
    private readonly Dictionary<(Operand, IntList), Operand> _permuted = [];
    private readonly HashSet<string> _outputNames = new(StringComparer.Ordinal);
    private readonly List<UnsupportedKind> _unsupported = [];
    private readonly Dictionary<string, UnsupportedKind> _unsupportedByReason = new(StringComparer.Ordinal);
    private readonly HashSet<DataType> _widened = [];
    private QuantizedInput? _quantizedInput;
    private long _budget;
    private long _operationsLeft = MaximumFoldedOperations;
    private int _operatorCount;
    private int _operandCount;
    private int _nodeCount;
    private int _fileBatch = 1;
    private bool _leftInTraining;
    private bool _isDynamic;

    /// <param name="proto">The file's graph.</param>
    /// <param name="opset">Version of the standard operator set.</param>
    /// <param name="file">The file's name in messages.</param>
    /// <param name="fileBytes">Its length.</param>
    /// <param name="layout">Order of the image's axes, where the file says it.</param>
    /// <param name="imageSize">Height and width for files that leave them open; null where nobody said.</param>
    /// <param name="external">Where weights outside the file are.</param>
    public OnnxImporter(
        GraphProto proto, int opset, string file, long fileBytes, ImageLayout? layout, (int Height, int Width)? imageSize, ExternalData external)
    {
        _proto = proto;
        _opset = opset;
        _file = file;
        _layout = layout;
        _imageSize = imageSize;
        _external = external;
        _budget = BaseBudgetBytes + (BudgetPerFileByte * fileBytes);
    }

    public ImageLayout InputLayout { get; private set; }

    public bool BatchIsSymbolic { get; private set; }

    public bool IsQuantized { get; private set; }

    public List<string> Notes { get; } = [];

    /// <summary>Type and grid of the first input; of an 8-bit one the first operator tells the grid.</summary>
    public InputClaims InputClaims => _quantizedInput is { IsFirst: true } input
        ? new InputClaims(input.DType == DType.I8 ? InputNumbers.Int8 : InputNumbers.UInt8, input.Quantization is { IsPerTensor: true } grid ? grid : null)
        : default;

    public Graph Import()
    {
        if (_proto.Node.Count > ModelLimits.Operators) throw ModelLimits.TooMany(_file, _proto.Node.Count, "operators", ModelLimits.Operators);
        if (_proto.Initializer.Count > ModelLimits.Tensors) throw ModelLimits.TooMany(_file, _proto.Initializer.Count, "constants", ModelLimits.Tensors);
        foreach (TensorProto initializer in _proto.Initializer)
        {
            if (!_initializers.TryAdd(initializer.Name, initializer))
            {
                throw new ModelFormatException(_file, $"initializer '{initializer.Name}'", "is given twice");
            }

            _widened.Add((DataType)initializer.DataType);
        }

        foreach (ValueInfoProto output in _proto.Output) _outputNames.Add(output.Name);
        foreach (ValueInfoProto input in _proto.Input)
        {
            // Before IR version 4 initializers had to be listed as inputs too.
            if (!_initializers.ContainsKey(input.Name)) AddInput(input);
        }

        PassOutputNamesBack();
        foreach (NodeProto node in _proto.Node) AddNode(node);
        if (_unsupported.Count > 0) throw new UnsupportedModelException(_file, Describe());
        Graph graph = _builder.Build(Outputs());
        AddNotes();
        return graph;
    }

    private void AddInput(ValueInfoProto input)
    {
        string place = $"input '{input.Name}'";
        TypeProto.Types.Tensor? type = input.Type?.TensorType;
        if (type is null) throw new UnsupportedModelException(_file, [$"{place}, which is not a tensor"]);
        DataType dtype = (DataType)type.ElemType;
        bool quantized = dtype is DataType.Uint8 or DataType.Int8;
        if (!quantized && dtype is not (DataType.Float or DataType.Float16 or DataType.Bfloat16 or DataType.Double))
        {
            throw new UnsupportedModelException(_file, [$"input '{input.Name}' of type {dtype}"]);
        }

        Shape shape = InputShape(type.Shape, place);
        bool nchw = shape.Rank == 4 && (_layout is ImageLayout known ? known == ImageLayout.Nchw : shape[1] is 1 or 3 && shape[3] is not (1 or 3));
        Shape nhwc = nchw ? new Shape(shape[0], shape[2], shape[3], shape[1]) : shape;
        CheckSize(new TensorType(DType.F32, nhwc), place);
        Value value = _builder.Input(input.Name, new TensorType(DType.F32, nhwc));
        if (nchw)
        {
            InputLayout = ImageLayout.Nchw;
            value = _builder.Add(OpCatalog.Transpose, [value], new TransposeAttributes(Transpose.NhwcToNchw), $"{input.Name}/nchw");
        }

        QuantizedInput? grid = quantized ? new QuantizedInput(dtype == DataType.Int8 ? DType.I8 : DType.U8, isFirst: _operands.Count == 0) : null;
        if (quantized)
        {
            IsQuantized = true;
            _quantizedInput ??= grid;
        }

        _widened.Add(dtype);
        if (!_operands.TryAdd(input.Name, new Operand(input.Name, value) { QuantizedInput = grid }))
        {
            throw new ModelFormatException(_file, place, "is given twice");
        }
    }

    private void AddNode(NodeProto proto)
    {
        CountOperator(proto);
        Operand?[] inputs = new Operand?[proto.Input.Count];
        bool known = true;
        try
        {
            for (int i = 0; i < inputs.Length; i++)
            {
                if (proto.Input[i].Length == 0) continue;
                inputs[i] = Find(proto.Input[i], proto);
                known &= inputs[i] is not null;
            }

            if (FollowsDecision(proto, inputs) || TryUnfold(proto)) return;
            OnnxNode node = new(proto, inputs, _file, _opset, ValueName(proto));
            if (!Operators.TryGetValue(OnnxNode.QualifiedName(proto), out Func<OnnxImporter, OnnxNode, Operand>? import))
            {
                throw new UnsupportedNodeException(OnnxNode.QualifiedName(proto));
            }

            if (known)
            {
                Define(node.OutputName(0), import(this, node), node);
                for (int i = 1; i < proto.Output.Count; i++)
                {
                    // Masks, indices and training statistics.
                    if (proto.Output[i].Length == 0 || _operands.ContainsKey(proto.Output[i])) continue;
                    if (_operands.TryGetValue(node.OutputName(0), out Operand? first) && first?.Scores is Operand scores)
                    {
                        _operands.Add(proto.Output[i], new Operand(proto.Output[i], Array.Empty<Operand>()) { Scores = scores });
                    }
                    else _notComputed.TryAdd(proto.Output[i], $"{OnnxNode.QualifiedName(proto)} (whose result {i} is used)");
                }

                return;
            }
        }
        catch (UnsupportedNodeException e)
        {
            Count(e, OnnxNode.Label(proto));
        }
        catch (GraphException e)
        {
            throw new ModelFormatException(_file, $"{proto.OpType} node '{OnnxNode.Label(proto)}'", e.Message, e);
        }

        // What follows from a node that is not supported cannot be checked, only its operators' names.
        foreach (string output in proto.Output)
        {
            if (output.Length > 0) _operands.TryAdd(output, null);
        }
    }

    /// <summary>Here and not in the file's list alone, because an operator may stand for many.</summary>
    private void CountOperator(NodeProto proto)
    {
        if (++_operatorCount > ModelLimits.Operators) throw ModelLimits.TooMany(_file, _operatorCount, "operators or more", ModelLimits.Operators);
        CountOperands(proto.Input.Count + proto.Output.Count);
    }

    private void CountOperands(int count)
    {
        _operandCount += count;
        if (_operandCount is < 0 or > ModelLimits.Operands) throw ModelLimits.TooMany(_file, (uint)_operandCount, "operands or more", ModelLimits.Operands);
    }

    /// <summary>Where an output only passes on another node's result, that result takes the output's name.</summary>
    private void PassOutputNamesBack()
    {
        for (int i = _proto.Node.Count - 1; i >= 0; i--)
        {
            NodeProto node = _proto.Node[i];
            if (node.OpType is not ("Identity" or "Dropout" or "Cast" or "DequantizeLinear") || node.Input.Count == 0 || node.Output.Count == 0) continue;
            string name = ValueName(node);
            if (_outputNames.Contains(name) && !_outputNames.Contains(node.Input[0])) _valueNames.TryAdd(node.Input[0], name);
        }
    }

    private string ValueName(NodeProto node)
    {
        string name = node.Output.Count > 0 ? node.Output[0] : "";
        return _valueNames.GetValueOrDefault(name, name);
    }

    private Operand? Find(string name, NodeProto reader)
    {
        if (_operands.TryGetValue(name, out Operand? operand)) return operand;
        if (_notComputed.TryGetValue(name, out string? reason)) throw new UnsupportedNodeException(reason);
        if (!_initializers.TryGetValue(name, out TensorProto? initializer))
        {
            throw new ModelFormatException(_file, $"{reader.OpType} node '{OnnxNode.Label(reader)}'", $"reads '{name}', which nothing before it computes");
        }

        operand = new Operand(name, Read(initializer));
        _operands.Add(name, operand);
        return operand;
    }

    private void Define(string name, Operand operand, OnnxNode node)
    {
        if (name.Length > 0 && (_initializers.ContainsKey(name) || !_operands.TryAdd(name, operand)))
        {
            throw node.Fail($"computes '{name}', which exists already");
        }
    }

    private Value[] Outputs()
    {
        if (_proto.Output.Count == 0) throw new ModelFormatException(_file, "graph", "names no output");
        List<Value> outputs = [];
        List<string> decisions = [];
        Operand? scores = null;
        foreach (ValueInfoProto output in _proto.Output)
        {
            string name = output.Name;
            Operand? operand = _operands.GetValueOrDefault(name);
            if (operand is null && _initializers.TryGetValue(name, out TensorProto? initializer))
            {
                operand = new Operand(name, ReadOutputInitializer(initializer));
            }

            if (operand is null) throw new ModelFormatException(_file, $"output '{name}'", "nothing computes it");
            if (operand.Scores is not null)
            {
                scores ??= operand.Scores;
                decisions.Add($"'{name}'");
                continue;
            }

            if (!operand.IsTensor || operand.IsInteger)
            {
                throw new UnsupportedModelException(_file, [$"output '{name}' of {(operand.IsTensor ? "integers" : "several tensors")}"]);
            }

            outputs.Add(Named(ValueOf(operand), name));
        }

        if (decisions.Count == 0) return [.. outputs];
        if (outputs.Count == 0) outputs.Add(ValueOf(scores!));
        Notes.Add(
            $"The file's output {string.Join(", ", decisions)} is a decision (the best class or classes); the scores behind it are read instead, "
            + $"'{outputs[0].Name}'.");
        return [.. outputs];
    }

    /// <summary>Where nothing in the graph carries an output's name, because a node passes on what another output or an input holds, a view does.</summary>
    private Value Named(Value value, string name) =>
        value.Name == name ? value : _builder.Add(OpCatalog.Reshape, [value], ReshapeAttributes.Same(value.Shape.Rank), name);

    private TensorData ReadOutputInitializer(TensorProto initializer)
    {
        try
        {
            return Read(initializer);
        }
        catch (UnsupportedNodeException e)
        {
            throw new UnsupportedModelException(_file, [e.Message]);
        }
    }

    private void AddNotes()
    {
        if (_widened.Contains(DataType.Float16) || _widened.Contains(DataType.Bfloat16))
        {
            Notes.Add("16-bit floats: weights stay 16-bit in memory and in files; all computation is in float32.");
        }

        if (_widened.Contains(DataType.Double)) Notes.Add("64-bit floats are narrowed to float32.");
        if (_leftInTraining)
        {
            Notes.Add("The file was exported in training mode; it is read for inference: batch normalization with the statistics in the file, no dropout.");
        }

        if (_fileBatch > 1) Notes.Add(string.Create(CultureInfo.InvariantCulture, $"The file fixes a batch of {_fileBatch}; it is read with a batch of 1."));
        if (_isDynamic) Notes.Add("8-bit weights: run dequantized to float32; activations, which the file rounds to their own range, are not rounded.");
        else if (IsQuantized)
        {
            Notes.Add(
                "8-bit model: layers compute in integers, as in ONNX Runtime; sums of layers, and what is trained, are float32 rounded to the file's grids.");
        }
    }

    private void Count(UnsupportedNodeException e, string node)
    {
        if (!_unsupportedByReason.TryGetValue(e.Message, out UnsupportedKind? kind))
        {
            _unsupportedByReason.Add(e.Message, kind = new UnsupportedKind(e.Message, e.Detail));
            _unsupported.Add(kind);
        }

        kind.Add(node);
    }

    private string[] Describe() => [.. _unsupported.ConvertAll(static kind => kind.ToString())];

    private void CheckSize(TensorType type, string place)
    {
        if (type.SizeBytes / _fileBatch > ModelLimits.ActivationBytes)
        {
            throw new ModelFormatException(
                _file, place, $"{type} takes {ByteSize.Format(type.SizeBytes)}, more than any classifier needs; the sizes are wrong");
        }
    }

    private TensorData Read(TensorProto tensor)
    {
        long before = _external.BytesRead;
        TensorData data = OnnxTensor.Read(tensor, _file, _external, Charge);
        _budget += BudgetPerFileByte * (_external.BytesRead - before);
        return data;
    }

    private void Charge(long bytes)
    {
        _budget -= bytes;
        if (_budget < 0) throw new ModelFormatException(_file, "graph", "the constants computed by its nodes take far more memory than the file");
    }
}
