using System;
using System.Collections.Generic;
using Thomas.Formats.TfLite.Schema;
using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Formats.TfLite;

/// <summary>
/// Builds the graph of a file's only subgraph, operator by operator. Results on an 8-bit grid are rounded to it by <see cref="FakeQuantize"/> nodes;
/// lists of sizes and axes are worked out while reading.
/// </summary>
internal sealed partial class TfLiteImporter
{
    /// <summary>Signatures that a message lists.</summary>
    private const int MaxNamedSignatures = 8;

    private readonly FlatFile _file;
    private readonly int? _imageSize;
    private readonly GraphBuilder _builder = new();
    private readonly UnsupportedList _unsupported = new();
    private readonly ImportedTensor[] _tensors;
    private readonly Value?[] _values;
    private readonly IntegerTensor?[] _integers;
    private readonly bool[] _isProduced;
    private readonly bool[] _isMissing;
    private readonly bool[] _isOnlyWeight;
    private readonly Dictionary<Value, Value> _widened = [];
    private int _nodes;

    private TfLiteImporter(FlatFile file, ImportedTensor[] tensors, int? imageSize)
    {
        _imageSize = imageSize;
        _file = file;
        _tensors = tensors;
        _values = new Value?[tensors.Length];
        _integers = new IntegerTensor?[tensors.Length];
        _isProduced = new bool[tensors.Length];
        _isMissing = new bool[tensors.Length];
        _isOnlyWeight = new bool[tensors.Length];
    }

    /// <summary>Whether images stand channels first in the file.</summary>
    public ImageLayout InputLayout { get; private set; }

    /// <summary>The signature whose graph is read; null where the file names none for serving, and the first graph is.</summary>
    public string? Signature { get; private init; }

    /// <summary>Whether the file leaves the batch open.</summary>
    public bool BatchIsSymbolic { get; private set; }

    /// <summary>The batch size that the file fixes, or 1.</summary>
    public int FileBatch { get; private set; } = 1;

    /// <summary>The file's tensor for the first graph input.</summary>
    public ImportedTensor FirstInput { get; private set; } = null!;

    /// <summary>Whether activations lie on grids of 8 or 16 bits.</summary>
    public bool HasGrids { get; private set; }

    /// <summary>Whether weights were stored as integers with a scale.</summary>
    public bool HasIntegerWeights { get; private set; }

    /// <summary>Whether 16-bit floating-point weights were widened.</summary>
    public bool HasHalfWeights { get; private set; }

    /// <summary>Reads the operators of the file and builds its graph.</summary>
    public static Graph Import(FlatFile file, ModelTable model, int? imageSize, out TfLiteImporter importer)
    {
        FlatTables subgraphs = model.Subgraphs;
        FlatPlace root = new("model");
        file.Require(subgraphs.Count >= 1, root, "it holds no graph");
        (BuiltinOperator Code, string Name)[] codes = ReadCodes(file, model);
        (int graph, string? signature) = ServingGraph(file, model);
        if (subgraphs.Count > 1 && !StandsAlone(file, subgraphs[graph], codes)) throw SeveralGraphs(file, model, codes);
        SubgraphTable subgraph = new(subgraphs[graph]);
        importer = new TfLiteImporter(file, ReadTensors(file, subgraph.Tensors, model.Buffers), imageSize) { Signature = signature };
        importer.AddInputs(subgraph.Inputs);
        importer.AddOperators(subgraph.Operators, subgraph.Outputs, codes);
        importer._unsupported.ThrowIfAny(file.Name);
        return importer.Finish(subgraph.Outputs);
    }

    private static (BuiltinOperator Code, string Name)[] ReadCodes(FlatFile file, ModelTable model)
    {
        FlatTables tables = model.OperatorCodes;
        file.Require(tables.Count <= ModelLimits.Tensors, new FlatPlace("model"), "it lists too many kinds of operators");
        (BuiltinOperator, string)[] codes = new (BuiltinOperator, string)[tables.Count];
        for (int i = 0; i < codes.Length; i++)
        {
            OperatorCodeTable table = new(tables[i]);
            codes[i] = (table.Code, table.Code == BuiltinOperator.CUSTOM ? $"{table.CustomCode ?? "?"} (custom)" : table.Code.ToString());
        }

        return codes;
    }

    private static ImportedTensor[] ReadTensors(FlatFile file, FlatTables tables, FlatTables buffers)
    {
        if (tables.Count > ModelLimits.Tensors) throw ModelLimits.TooMany(file.Name, tables.Count, "tensors", ModelLimits.Tensors);
        ImportedTensor[] tensors = new ImportedTensor[tables.Count];
        for (int i = 0; i < tensors.Length; i++)
        {
            FlatTable table = tables[i];
            uint index = new TensorTable(table).Buffer;
            file.Require(index == 0 || index < (uint)buffers.Count, table.Place, $"refers to buffer {index} of {buffers.Count}");
            BufferTable buffer = new(index == 0 ? default : buffers[(int)index]);
            file.Require(!buffer.IsExternal, table.Place, "keeps its data outside the FlatBuffer, as files above 2 GB do; this is not supported");
            tensors[i] = new ImportedTensor(file, table, buffer.Data);
        }

        return tensors;
    }

    /// <summary>The graph that programs call when they ask for none: that of the signature "serving_default", else the first.</summary>
    private static (int Graph, string? Signature) ServingGraph(FlatFile file, ModelTable model)
    {
        const string serving = "serving_default";
        FlatTables signatures = model.Signatures;
        file.Require(signatures.Count <= ModelLimits.Tensors, new FlatPlace("model"), "it lists too many signatures");
        for (int i = 0; i < signatures.Count; i++)
        {
            SignatureTable signature = new(signatures[i]);
            if (signature.Key != serving) continue;
            file.Require(
                signature.Subgraph < (uint)model.Subgraphs.Count, signatures[i].Place, $"it refers to graph {signature.Subgraph} of {model.Subgraphs.Count}");
            return ((int)signature.Subgraph, serving);
        }

        return (0, null);
    }

    /// <summary>Whether a graph of several needs none of the others: then it is the network, and the others are further signatures.</summary>
    private static bool StandsAlone(FlatFile file, FlatTable subgraph, (BuiltinOperator Code, string Name)[] codes)
    {
        FlatTables operators = new SubgraphTable(subgraph).Operators;
        file.Require(operators.Count <= ModelLimits.Operators, new FlatPlace("subgraph", 0), "the graph has too many operators");
        for (int k = 0; k < operators.Count; k++)
        {
            uint code = new OperatorTable(operators[k]).CodeIndex;
            file.Require(code < (uint)codes.Length, operators[k].Place, $"refers to operator code {code} of {codes.Length}");
            if (!Imports.ContainsKey(codes[code].Code)) return false;
        }

        return operators.Count > 0;
    }

    /// <summary>Several graphs mean control flow or training signatures: lists what none of them could run anyway, and the count.</summary>
    private static UnsupportedModelException SeveralGraphs(FlatFile file, ModelTable model, (BuiltinOperator Code, string Name)[] codes)
    {
        FlatTables subgraphs = model.Subgraphs, signatures = model.Signatures;
        List<string> names = [];
        for (int i = 0; i < Math.Min(signatures.Count, MaxNamedSignatures); i++) names.Add($"'{new SignatureTable(signatures[i]).Key}'");
        UnsupportedList unsupported = new();
        int operands = 0;
        for (int i = 0; i < subgraphs.Count; i++)
        {
            FlatTables operators = new SubgraphTable(subgraphs[i]).Operators;
            operands += operators.Count;
            file.Require(operands is >= 0 and <= ModelLimits.Operands, new FlatPlace("subgraph", i), "it has too many operators");
            for (int k = 0; k < operators.Count; k++)
            {
                uint code = new OperatorTable(operators[k]).CodeIndex;
                file.Require(code < (uint)codes.Length, operators[k].Place, $"refers to operator code {code} of {codes.Length}");
                if (!Imports.ContainsKey(codes[code].Code)) unsupported.Add(codes[code].Name, null, $"operator {k} of graph {i}");
            }
        }

        string kind = names.Count > 0 ? $"signatures {string.Join(", ", names)}" : "control flow or training signatures";
        unsupported.Add($"{subgraphs.Count} graphs in one file ({kind})", null, null);
        return new UnsupportedModelException(file.Name, unsupported.ToLines());
    }

    private void AddOperators(FlatTables operators, ReadOnlySpan<int> graphOutputs, (BuiltinOperator Code, string Name)[] codes)
    {
        if (operators.Count > ModelLimits.Operators) throw ModelLimits.TooMany(_file.Name, operators.Count, "operators", ModelLimits.Operators);
        OperatorCall[] calls = new OperatorCall[operators.Count];
        int operands = 0;
        for (int i = 0; i < calls.Length; i++)
        {
            FlatTable table = operators[i];
            OperatorTable fields = new(table);
            _file.Require(fields.CodeIndex < (uint)codes.Length, table.Place, $"refers to operator code {fields.CodeIndex} of {codes.Length}");
            ReadOnlySpan<int> inputs = fields.Inputs, outputs = fields.Outputs;
            operands += inputs.Length + outputs.Length;
            if (operands is < 0 or > ModelLimits.Operands) throw ModelLimits.TooMany(_file.Name, (uint)operands, "operands or more", ModelLimits.Operands);
            (BuiltinOperator code, string name) = codes[(int)fields.CodeIndex];
            calls[i] = new OperatorCall(code, name, inputs.ToArray(), outputs.ToArray(), fields.Options, table.Place);
            Check(calls[i]);
        }

        NameDequantized(calls);
        FindWeights(calls, graphOutputs);
        foreach (OperatorCall call in calls) AddOperator(call);
    }

    /// <summary>DEQUANTIZE vanishes, since its operand holds real numbers here: that operand takes the result's name, which outputs are known by.</summary>
    private void NameDequantized(OperatorCall[] calls)
    {
        foreach (OperatorCall call in calls)
        {
            if (call.Code == BuiltinOperator.DEQUANTIZE && call.Has(0) && !_tensors[call.Inputs[0]].IsConstant)
            {
                _tensors[call.Inputs[0]].Name = _tensors[call.Outputs[0]].Name;
            }
        }
    }

    /// <summary>Each operand must exist already; each result must be new.</summary>
    private void Check(OperatorCall call)
    {
        foreach (int index in call.Inputs)
        {
            if (index == -1) continue;
            _file.Require((uint)index < (uint)_tensors.Length, call.Place, $"{call.Name} reads tensor {index} of {_tensors.Length}");
        }

        _file.Require(call.Outputs.Length > 0, call.Place, $"{call.Name} has no result");
        foreach (int index in call.Outputs)
        {
            _file.Require((uint)index < (uint)_tensors.Length, call.Place, $"{call.Name} writes tensor {index} of {_tensors.Length}");
            _file.Require(!_isProduced[index] && !_tensors[index].IsConstant, call.Place, $"{call.Name} writes tensor {index}, which already has a value");
            _isProduced[index] = true;
        }
    }

    private void AddOperator(OperatorCall call)
    {
        try
        {
            if (!Imports.TryGetValue(call.Code, out Action<TfLiteImporter, OperatorCall>? import)) throw Unsupported(call, null);
            if (ReadsMissing(call)) MarkMissing(call);
            else if (IsDecision(call)) return;
            else if (_tensors[call.Outputs[0]].IsInteger) EvaluateIntegers(call);
            else FollowSpread(call, () => import(this, call));
        }
        catch (UnsupportedOperandException e)
        {
            _unsupported.Add(call.Name, e.Reason, $"'{_tensors[call.Outputs[0]].Name}'");
            MarkMissing(call);
        }
    }

    private bool ReadsMissing(OperatorCall call)
    {
        foreach (int index in call.Inputs)
        {
            if (index >= 0 && _isMissing[index]) return true;
        }

        return false;
    }

    private void MarkMissing(OperatorCall call)
    {
        foreach (int index in call.Outputs) _isMissing[index] = true;
    }

    private Graph Finish(ReadOnlySpan<int> outputs)
    {
        FlatPlace place = new("subgraph", 0);
        _file.Require(outputs.Length is > 0 and <= ModelLimits.Tensors, place, "it has no output");
        List<Value> values = [];
        Value? scores = null;
        foreach (int index in outputs)
        {
            _file.Require((uint)index < (uint)_tensors.Length, place, $"its output is tensor {index} of {_tensors.Length}");
            string name = _tensors[index].Name;
            if (_scores.TryGetValue(index, out Value? decidedBy))
            {
                scores ??= decidedBy;
                Decisions.Add($"'{name}'");
                continue;
            }

            _file.Require(!_spread.ContainsKey(index), place, $"its output '{name}' is spread over the batch");
            Value value = ValueOf(index, place);

            // An operator that changes nothing gives an existing value a second name; a view carries it.
            values.Add(value.Name == name ? value : Add(OpCatalog.Reshape, [value], ReshapeAttributes.Same(value.Shape.Rank), name));
        }

        if (values.Count == 0) values.Add(scores!);
        return _builder.Build(values.ToArray());
    }

    private static UnsupportedOperandException Unsupported(OperatorCall call, string? reason) => new(call.Name, reason);
}
