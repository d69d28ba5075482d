using System;
using System.Collections.Generic;
using Thomas.Formats.TfLite.Schema;
using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Formats.TfLite.Writing;

/// <summary>
/// Expresses a graph in TFLite's operators. What has no direct counterpart (explicit pads, residual operands, batch normalization, counted padding, ...)
/// becomes several of them. Methods return the tensor that holds their result.
/// </summary>
internal sealed partial class GraphEmitter
{
    private const int HalfDequantizeVersion = 3;

    private readonly FileGraph _file = new();
    private readonly Dictionary<Value, int> _tensors = [];
    private readonly HashSet<Value> _isOutput = [];
    private readonly HashSet<Value> _named = [];
    private readonly bool _batchIsOpen;
    private readonly IntegerEnds _ends;
    private string _name = "";

    private GraphEmitter(bool batchIsOpen, IntegerEnds ends) => (_batchIsOpen, _ends) = (batchIsOpen, ends);

    /// <summary>The tensors and operators of a model's file.</summary>
    /// <param name="model">The model.</param>
    /// <param name="integers">Whether what lies on 8-bit grids is written as integers; else as real numbers that are rounded.</param>
    /// <param name="ends">With integers, what the file takes and gives.</param>
    public static FileGraph Emit(Model model, bool integers = false, IntegerEnds ends = IntegerEnds.Float)
    {
        GraphEmitter emitter = new(model.Info.BatchIsSymbolic, ends);
        if (integers) emitter._plan = IntegerPlan.Of(model.Graph);
        emitter._isOutput.UnionWith(model.Graph.Outputs);
        bool isNchw = model.Info is { SourceFormat: ModelFormat.TfLite, InputLayout: ImageLayout.Nchw };
        foreach (Value value in model.Graph.Values) emitter._file.Reserve(value.Name);
        foreach (Value input in model.Graph.Inputs) emitter.AddInput(input, isNchw && ReferenceEquals(input, model.Graph.Inputs[0]));
        foreach (Node node in model.Graph.Nodes) emitter.AddNode(node);
        foreach (Value output in model.Graph.Outputs) emitter.AddOutput(output);
        return emitter._file;
    }

    private void AddInput(Value value, bool isNchw)
    {
        _name = value.Name;
        int[] dims = Dims(value);

        // Readers tell the layout from the sizes, so it is kept only where they can.
        isNchw &= dims.Length == 4 && dims[3] is 1 or 3 && dims[2] is not (1 or 3);
        if (isNchw) dims = [dims[0], dims[3], dims[1], dims[2]];
        if (TryAddIntegerInput(value, dims, isNchw, out int tensor)) return;
        tensor = _file.AddTensor(new FileTensor(value.Name, TfLiteType.FLOAT32, dims, default, BatchIsOpen: _batchIsOpen && dims.Length > 0));
        _file.Inputs.Add(_file.Rename(tensor, value.Name));
        _tensors[value] = isNchw ? Transposed(tensor, Transpose.NchwToNhwc) : tensor;
    }

    private void AddNode(Node node)
    {
        _name = node.Output.Name;
        if (TryAddInteger(node)) return;
        int result = EmitNode(node);
        if (!SameDims(result, node.Output.Shape)) throw new InvalidOperationException($"{node} was written with sizes other than {node.Output.Shape}.");
        _tensors[node.Output] = _file.Rename(result, node.Output.Name);
    }

    private void AddOutput(Value value)
    {
        _name = value.Name;
        int tensor = OutputTensor(value);
        if (value.Producer is null && !_integers.ContainsKey(value)) tensor = Reshaped(tensor, Dims(value));
        if (_batchIsOpen && value.Shape.Rank > 0 && value.Shape[0] == 1) _file.Tensors[tensor] = _file.Tensors[tensor] with { BatchIsOpen = true };
        _file.Outputs.Add(tensor);
    }

    private int EmitNode(Node node) => node.Op switch
    {
        Conv2d => EmitConv2d(node),
        DepthwiseConv2d => EmitDepthwise(node),
        ConvTranspose2d => EmitConvTranspose(node),
        Dense => EmitDense(node),
        MatMul => EmitMatMul(node),
        BatchNorm => EmitBatchNorm(node),
        MaxPool2d => EmitMaxPool(node),
        AveragePool2d => EmitAveragePool(node),
        Add => EmitBinary(node, BuiltinOperator.ADD),
        Subtract => EmitBinary(node, BuiltinOperator.SUB),
        Multiply => EmitBinary(node, BuiltinOperator.MUL),
        Divide => EmitBinary(node, BuiltinOperator.DIV),
        Maximum => EmitBinary(node, BuiltinOperator.MAXIMUM),
        Minimum => EmitBinary(node, BuiltinOperator.MINIMUM),
        Power => EmitBinary(node, BuiltinOperator.POW),
        PRelu => EmitPRelu(node),
        Activate => Activated(Tensor(node.Inputs[0]), ((ActivateAttributes)node.Attributes).Activation),
        Exp => Unary(BuiltinOperator.EXP, Tensor(node.Inputs[0]), BuiltinOptions.Exp),
        Log => Unary(BuiltinOperator.LOG, Tensor(node.Inputs[0])),
        Sqrt => Unary(BuiltinOperator.SQRT, Tensor(node.Inputs[0])),
        Rsqrt => Unary(BuiltinOperator.RSQRT, Tensor(node.Inputs[0])),
        Negate => Unary(BuiltinOperator.NEG, Tensor(node.Inputs[0]), BuiltinOptions.Neg),
        Abs => Unary(BuiltinOperator.ABS, Tensor(node.Inputs[0]), BuiltinOptions.Abs),
        Sign => Unary(BuiltinOperator.SIGN, Tensor(node.Inputs[0])),
        Round => Unary(BuiltinOperator.ROUND, Tensor(node.Inputs[0])),
        Erf => EmitErf(Tensor(node.Inputs[0])),
        FakeQuantize => EmitFakeQuantize(node),
        Reduce => EmitReduce(node),
        Softmax => EmitSoftmax(node),
        LocalResponseNorm => EmitLocalResponseNorm(node),
        Concat => EmitConcat(node),
        Pad => EmitPad(node),
        Slice => EmitSlice(node),
        Reshape => EmitReshape(node),
        Transpose => Transposed(Tensor(node.Inputs[0]), ((TransposeAttributes)node.Attributes).Perm),
        _ => throw new ThomasException($"{node} cannot be written as .tflite: it belongs to training steps, not to models."),
    };

    /// <summary>The tensor of a value; a constant becomes one where it is first read.</summary>
    private int Tensor(Value value)
    {
        if (_target is not null) return IntegerTensor(value);
        if (_tensors.TryGetValue(value, out int tensor)) return tensor;
        if (_integers.TryGetValue(value, out tensor)) return _tensors[value] = Dequantized(tensor);
        if (value.Constant is not { } data) throw new InvalidOperationException($"{value} is read before it is written.");
        if (!data.Type.DType.IsFloat()) throw new ThomasException($"{value} cannot be written as .tflite: only float constants can.");

        // The format has bfloat16, but no operator that widens it.
        bool isHalf = data.Type.DType == DType.F16;
        _named.Add(value);
        tensor = _file.AddTensor(
            new FileTensor(value.Name, isHalf ? TfLiteType.FLOAT16 : TfLiteType.FLOAT32, Dims(value), isHalf ? data.Bytes : data.ToF32().Bytes));
        _file.Rename(tensor, value.Name);
        return _tensors[value] = isHalf ? Widened(tensor) : tensor;
    }

    /// <summary>Float16 numbers as the float32 that operators compute in; runtimes do this once, when they open the file.</summary>
    private int Widened(int halves)
    {
        int result = _file.AddTensor(new FileTensor($"{_file.Tensors[halves].Name}/float32", TfLiteType.FLOAT32, Dims(halves), default));
        _file.Operators.Add(
            new FileOperator(BuiltinOperator.DEQUANTIZE, HalfDequantizeVersion, [halves], [result], new OptionsTable(BuiltinOptions.Dequantize)));
        return result;
    }

    private static int[] Dims(Value value) => value.Shape.Dims.ToArray();

    internal int[] Dims(int tensor) => _file.Tensors[tensor].Dims;

    private bool SameDims(int tensor, Shape shape) => shape.Dims.SequenceEqual(Dims(tensor));

    /// <summary>Adds an operator and the tensor that it computes.</summary>
    internal int Call(
        BuiltinOperator code, ReadOnlySpan<int> inputs, int[] dims, OptionsTable options, int version = 1, TfLiteType type = TfLiteType.FLOAT32,
        Quantization? grid = null)
    {
        if (_target is not null && type == TfLiteType.FLOAT32) (type, grid, version) = InTypeOfResult(code, inputs, version);
        int result = _file.AddTensor(new FileTensor($"{_name}/{code}", type, dims, default, grid));
        _file.Operators.Add(new FileOperator(code, version, inputs.ToArray(), [result], options));
        return result;
    }

    /// <summary>A list of sizes, axes or indices as an operand.</summary>
    private int Ints(string what, params ReadOnlySpan<int> values) => _file.AddInts($"{_name}/{what}", values);

    internal int Scalar(string what, float value) => _file.AddFloats($"{_name}/{what}", [1], [value]);
}
