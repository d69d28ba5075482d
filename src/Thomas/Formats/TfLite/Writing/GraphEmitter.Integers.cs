using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using Thomas.Formats.TfLite.Schema;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;

namespace Thomas.Formats.TfLite.Writing;

/// <content>
/// 8-bit networks as operators of integers. A value may have two tensors, one of integers and one of real numbers; QUANTIZE and DEQUANTIZE stand between them
/// where somebody asks for the other one.
/// </content>
internal sealed partial class GraphEmitter
{
    private const int UInt8Shift = byte.MaxValue - sbyte.MaxValue;

    /// <summary>Versions of operators from which on they compute with int8; those that are not listed do so from the first on.</summary>
    private static readonly Dictionary<BuiltinOperator, int> Int8Versions = new()
    {
        [BuiltinOperator.CONV_2D] = 3,
        [BuiltinOperator.DEPTHWISE_CONV_2D] = 3,
        [BuiltinOperator.FULLY_CONNECTED] = 4,
        [BuiltinOperator.BATCH_MATMUL] = 2,
        [BuiltinOperator.ADD] = 2,
        [BuiltinOperator.SUB] = 2,
        [BuiltinOperator.MUL] = 2,
        [BuiltinOperator.AVERAGE_POOL_2D] = 2,
        [BuiltinOperator.MAX_POOL_2D] = 2,
        [BuiltinOperator.MEAN] = 2,
        [BuiltinOperator.SUM] = 2,
        [BuiltinOperator.SOFTMAX] = 2,
        [BuiltinOperator.LOG_SOFTMAX] = 2,
        [BuiltinOperator.LOGISTIC] = 2,
        [BuiltinOperator.TANH] = 2,
        [BuiltinOperator.LEAKY_RELU] = 2,
        [BuiltinOperator.RELU] = 2,
        [BuiltinOperator.RELU6] = 2,
        [BuiltinOperator.PAD] = 2,
        [BuiltinOperator.PADV2] = 2,
        [BuiltinOperator.CONCATENATION] = 2,
        [BuiltinOperator.TRANSPOSE] = 2,
        [BuiltinOperator.SLICE] = 2,
        [BuiltinOperator.STRIDED_SLICE] = 2,
    };

    private const int PerChannelDenseVersion = 12;

    private readonly Dictionary<Value, int> _integers = [];
    private readonly Dictionary<(Value, int), int> _integerConstants = [];
    private IntegerPlan? _plan;

    /// <summary>The grid of the result that is being written in integers; null while real numbers are.</summary>
    private FakeQuantizeAttributes? _target;

    /// <summary>The activation that the operator at hand applies to its result, in integers.</summary>
    private Activation _fused;

    private static TfLiteType TypeOfByte(FakeQuantizeAttributes grid) => grid.Minimum < 0 ? TfLiteType.INT8 : TfLiteType.UINT8;

    /// <summary>Writes a node as integers; false where it is one of real numbers.</summary>
    private bool TryAddInteger(Node node)
    {
        if (_plan is null) return false;
        if (_plan.IsDeferred(node)) return true;
        if (_plan.GridOf(node.Output) is not FakeQuantizeAttributes grid) return false;
        int result = node.Op is FakeQuantize ? Rounded(node, grid) : InIntegers(grid, default, () => EmitNode(node));
        if (!SameDims(result, node.Output.Shape)) throw new InvalidOperationException($"{node} was written with sizes other than {node.Output.Shape}.");

        // Who reads the file by its names finds the value under its own; an output's belongs to the tensor that is handed out.
        bool isNew = result == _file.Tensors.Count - 1 && !_file.Inputs.Contains(result);
        if (isNew && !_isOutput.Contains(node.Output)) _file.Rename(result, node.Output.Name);
        _integers[node.Output] = result;
        return true;
    }

    private int InIntegers(FakeQuantizeAttributes grid, Activation fused, Func<int> emit)
    {
        (_target, _fused) = (grid, fused);
        int result = emit();
        (_target, _fused) = (null, default);
        return result;
    }

    private int Rounded(Node node, FakeQuantizeAttributes grid)
    {
        if (_plan!.ComputedBy(node) is (Node source, Activation activation))
        {
            _name = node.Output.Name;
            return InIntegers(grid, activation, () => EmitNode(source));
        }

        bool isInteger = _integers.TryGetValue(node.Inputs[0], out int x);
        FileTensor from = _file.Tensors[isInteger ? x : x = Tensor(node.Inputs[0])];
        bool isSame = isInteger && from.Type == TypeOfByte(grid) && from.Grid!.Scales.SequenceEqual(grid.Quantization.Scales)
            && from.Grid.ZeroPoints.SequenceEqual(grid.Quantization.ZeroPoints);
        return isSame ? x : Quantized(x, TypeOfByte(grid), grid.Quantization);
    }

    private int Quantized(int x, TfLiteType type, Quantization grid) =>
        Call(BuiltinOperator.QUANTIZE, [x], Dims(x), new OptionsTable(BuiltinOptions.Quantize), 1, type, grid);

    private int Dequantized(int x) => Call(
        BuiltinOperator.DEQUANTIZE, [x], Dims(x), new OptionsTable(BuiltinOptions.Dequantize), _file.Tensors[x].Type == TfLiteType.INT8 ? 2 : 1);

    /// <summary>The operand of an operator of integers.</summary>
    private int IntegerTensor(Value value)
    {
        if (_integers.TryGetValue(value, out int tensor)) return tensor;
        TensorData data = value.Constant ?? throw new InvalidOperationException($"{value} is read before it is written.");
        if (_integerConstants.TryGetValue((value, _target!.Minimum), out tensor)) return tensor;
        byte[] bytes = IntegerPlan.Bytes(data, _target.Minimum) ?? throw new InvalidOperationException($"{value} is not on a grid.");
        tensor = _file.AddTensor(new FileTensor(FreeName(value), TypeOfByte(_target), Dims(value), bytes, data.Quantization));
        return _integerConstants[(value, _target.Minimum)] = tensor;
    }

    /// <summary>The bias of a layer of integers, in steps of its sums; zeros where it has none.</summary>
    private int IntegerBias(Node node, bool hasBias)
    {
        FakeQuantizeAttributes input = _plan!.GridOf(node.Inputs[0])!;
        Quantization weights = node.Inputs[1].Constant!.Quantization!, steps = IntegerPlan.SumSteps(input, weights);
        int outputs = node.Output.Shape[-1];
        int[] integers = new int[outputs];
        if (hasBias)
        {
            integers = IntegerPlan.BiasSteps(node.Inputs[2], input, weights)!;
            steps = node.Inputs[2].Constant!.Quantization!;
        }

        byte[] bytes = MemoryMarshal.AsBytes(integers.AsSpan()).ToArray();
        string name = hasBias ? FreeName(node.Inputs[2]) : $"{_name}/bias";
        return _file.AddTensor(new FileTensor(name, TfLiteType.INT32, [outputs], bytes, steps));
    }

    /// <summary>The value's own name the first time, since it was kept for it; then one with a suffix.</summary>
    private string FreeName(Value value)
    {
        if (_named.Add(value)) _file.Release(value.Name);
        return value.Name;
    }

    /// <summary>What padding is filled with, as a number of the operand's grid: zero, or the smallest for a maximum.</summary>
    private int IntegerPadding(int x)
    {
        FileTensor tensor = _file.Tensors[x];
        byte smallest = tensor.Type == TfLiteType.INT8 ? unchecked((byte)sbyte.MinValue) : byte.MinValue;
        return _file.AddTensor(new FileTensor($"{_name}/value", tensor.Type, [1], new[] { smallest }, tensor.Grid));
    }

    /// <summary>Type and grid of an operator's result, and the version that has them.</summary>
    private (TfLiteType Type, Quantization? Grid, int Version) InTypeOfResult(BuiltinOperator code, ReadOnlySpan<int> inputs, int version)
    {
        FileTensor first = _file.Tensors[inputs[0]];
        bool keeps = code is BuiltinOperator.PAD or BuiltinOperator.PADV2 or BuiltinOperator.MAX_POOL_2D or BuiltinOperator.AVERAGE_POOL_2D
            or BuiltinOperator.RESHAPE or BuiltinOperator.TRANSPOSE or BuiltinOperator.SLICE or BuiltinOperator.STRIDED_SLICE;
        (TfLiteType type, Quantization? grid) = keeps ? (first.Type, first.Grid) : (TypeOfByte(_target!), _target!.Quantization);
        if (type == TfLiteType.INT8) version = Math.Max(version, Int8Versions.GetValueOrDefault(code, 1));
        bool isPerChannel = code == BuiltinOperator.FULLY_CONNECTED && _file.Tensors[inputs[1]].Grid is { IsPerTensor: false };
        return (type, grid, isPerChannel ? PerChannelDenseVersion : version);
    }

    /// <summary>
    /// An input of the network that takes integers: its first reader must be the rounding to their grid, and the only one. An unsigned one is brought to the
    /// grid of the network, which is the same numbers under other integers.
    /// </summary>
    private bool TryAddIntegerInput(Value value, int[] dims, bool isNchw, out int tensor)
    {
        tensor = -1;
        if (_ends == IntegerEnds.Float || _plan is null) return false;
        if (value.Consumers is not [{ Op: FakeQuantize } rounding] || _plan.GridOf(rounding.Output) is not FakeQuantizeAttributes grid)
        {
            throw new ThomasException(
                $"Input '{value.Name}' cannot take 8-bit integers: the network does not round it to a grid before anything else. Write it with a float input.");
        }

        (TfLiteType type, Quantization own) = AtEnd(grid);
        tensor = _file.AddTensor(new FileTensor(value.Name, type, dims, default, own, BatchIsOpen: _batchIsOpen && dims.Length > 0));
        _file.Inputs.Add(_file.Rename(tensor, value.Name));
        int taken = tensor;
        _integers[value] = isNchw ? InIntegers(grid, default, () => Transposed(taken, Transpose.NchwToNhwc)) : tensor;
        return true;
    }

    /// <summary>Type and grid of an end of the network: its own, or the same numbers under unsigned or signed integers.</summary>
    private (TfLiteType Type, Quantization Grid) AtEnd(FakeQuantizeAttributes grid)
    {
        TfLiteType type = _ends == IntegerEnds.UInt8 ? TfLiteType.UINT8 : TfLiteType.INT8;
        int shift = type == TypeOfByte(grid) ? 0 : type == TfLiteType.UINT8 ? UInt8Shift : -UInt8Shift;
        return (type, shift == 0 ? grid.Quantization : new Quantization(grid.Quantization.Scales, [grid.Quantization.ZeroPoints[0] + shift]));
    }

    /// <summary>The tensor that hands out an output: real numbers, or integers where those are wanted.</summary>
    private int OutputTensor(Value value)
    {
        if (_plan is null || !_integers.TryGetValue(value, out int integers))
        {
            if (_plan is null || _ends == IntegerEnds.Float) return Tensor(value);
            throw new ThomasException($"Output '{value.Name}' cannot be 8-bit integers: it is computed in float32. Write it with a float output.");
        }

        int result;
        if (_ends == IntegerEnds.Float)
        {
            result = Tensor(value);
        }
        else
        {
            (TfLiteType type, Quantization grid) = AtEnd(_plan.GridOf(value)!);
            result = _file.Tensors[integers].Type == type && !_file.Inputs.Contains(integers) ? integers : Quantized(integers, type, grid);
        }

        return value.IsInput ? result : _file.Rename(result, value.Name);
    }
}
