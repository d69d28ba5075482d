using System;
using System.Diagnostics;
using Thomas.Formats.TfLite.Schema;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;
using Thomas.Passes;

namespace Thomas.Formats.TfLite;

/// <content>Inputs, operands and results.</content>
internal sealed partial class TfLiteImporter
{
    private void AddInputs(ReadOnlySpan<int> inputs)
    {
        FlatPlace place = new("subgraph", 0);
        _file.Require(inputs.Length is > 0 and <= ModelLimits.Tensors, place, "it has no input");
        for (int i = 0; i < inputs.Length; i++)
        {
            int index = inputs[i];
            _file.Require((uint)index < (uint)_tensors.Length, place, $"its input is tensor {index} of {_tensors.Length}");
            ImportedTensor tensor = _tensors[index];
            _file.Require(!tensor.IsConstant && !_isProduced[index], place, $"its input '{tensor.Name}' already has a value");
            _isProduced[index] = true;
            if (i == 0) FirstInput = tensor;
            if (tensor.Type is TfLiteType.FLOAT32 or TfLiteType.FLOAT16 or TfLiteType.UINT8 or TfLiteType.INT8 or TfLiteType.INT16)
            {
                AddInput(tensor, index, i == 0);
            }
            else RefuseInput(index, $"an input of type {tensor.Type}");
        }
    }

    private void AddInput(ImportedTensor tensor, int index, bool isFirst)
    {
        int[] dims = tensor.Dims.ToArray();
        if ((tensor.OpenAxes & ~1) != 0 && !FillImage(tensor, dims))
        {
            RefuseInput(index, "an input of open size (only the batch and the image size may be open)");
            return;
        }

        if (dims.Length > 0)
        {
            if (isFirst)
            {
                BatchIsSymbolic = tensor.OpenAxes != 0;
                FileBatch = dims.Length < 2 || tensor.OpenAxes != 0 ? 1 : Math.Max(dims[0], 1);
            }

            // The graph is read with the batch that the file fixes, and brought to 1 when all of it is known.
            dims[0] = tensor.OpenAxes != 0 ? 1 : Math.Max(dims[0], 1);
        }

        bool isNchw = dims.Length == 4 && dims[1] is 1 or 3 && dims[3] is not (1 or 3);
        TensorType type = new(DType.F32, new Shape(isNchw ? [dims[0], dims[2], dims[3], dims[1]] : dims));
        RequireSize(type, tensor.Place);
        Value value = _builder.Input(tensor.Name, type);
        if (tensor.IsQuantized) value = Add(OpCatalog.FakeQuantize, [value], Grid(tensor), $"{tensor.Name}/quantized");
        if (isNchw) value = Add(OpCatalog.Transpose, [value], new TransposeAttributes(Transpose.NhwcToNchw), $"{tensor.Name}/nchw");
        if (isFirst && isNchw) InputLayout = ImageLayout.Nchw;
        _values[index] = value;
    }

    /// <summary>Puts the given height and width where the file leaves those of its images open.</summary>
    private bool FillImage(ImportedTensor tensor, int[] dims)
    {
        const int heightAndWidth = 0b0110;
        if (dims.Length != 4 || (tensor.OpenAxes & ~1 & ~heightAndWidth) != 0) return false;
        int size = _imageSize ?? throw new ModelFormatException(
            _file.Name,
            $"input '{tensor.Name}'",
            "the file leaves the height and width of the images open. Give the size that the network was trained with (usually 224) with --size N, "
            + "or in a program with ModelLoadOptions.ImageSize");
        for (int axis = 1; axis <= 2; axis++)
        {
            if ((tensor.OpenAxes & (1 << axis)) != 0) dims[axis] = size;
        }

        return true;
    }

    private void RefuseInput(int index, string what)
    {
        _unsupported.Add(what, null, $"'{_tensors[index].Name}'");
        _isMissing[index] = true;
    }

    /// <summary>The operand as a value of the graph; a constant becomes one where it is first read.</summary>
    private Value Operand(OperatorCall call, int operand)
    {
        _file.Require(call.Has(operand), call.Place, $"{call.Name} lacks its operand {operand}");
        return ValueOf(call.Inputs[operand], call.Place);
    }

    private ImportedTensor OperandTensor(OperatorCall call, int operand)
    {
        _file.Require(call.Has(operand), call.Place, $"{call.Name} lacks its operand {operand}");
        return _tensors[call.Inputs[operand]];
    }

    private Value ValueOf(int index, FlatPlace reader)
    {
        if (_values[index] is { } value) return value;
        ImportedTensor tensor = _tensors[index];
        _file.Require(tensor.IsConstant, reader, $"reads tensor {index} '{tensor.Name}', which has no value");
        HasIntegerWeights |= tensor.Type is not TfLiteType.FLOAT32 && tensor.Quantization is not null;
        HasHalfWeights |= tensor.Type is TfLiteType.FLOAT16 or TfLiteType.BFLOAT16;
        TensorData data = tensor.Decode();
        return _values[index] = _builder.Constant(tensor.Name, _isOnlyWeight[index] ? data : data.ToF32());
    }

    /// <summary>The operand as integers known while reading, or null.</summary>
    private IntegerTensor? Integers(OperatorCall call, int operand)
    {
        if (!call.Has(operand)) return null;
        int index = call.Inputs[operand];
        if (_integers[index] is { } known) return known;
        ImportedTensor tensor = _tensors[index];
        bool isEmpty = !tensor.IsConstant && !_isProduced[index] && tensor.OpenAxes == 0 && tensor.ConstantShape().ElementCount == 0;
        if (!tensor.IsConstant && !isEmpty) return null;
        return _integers[index] = tensor.DecodeIntegers();
    }

    /// <summary>The operand as integers; a use where they are computed from the network's input is not supported.</summary>
    private IntegerTensor RequiredIntegers(OperatorCall call, int operand, string what) =>
        Integers(call, operand) ?? throw Unsupported(call, $"{what} that is not constant");

    /// <summary>Adds a node and refuses results beyond what an image classifier can need.</summary>
    private Value Add(Op op, ReadOnlySpan<Value> operands, OpAttributes? attributes, string name)
    {
        if (++_nodes > ModelLimits.Nodes) throw ModelLimits.TooMany(_file.Name, _nodes, "nodes or more", ModelLimits.Nodes);
        Value[] taken = operands.ToArray();
        for (int i = 0; i < taken.Length; i++)
        {
            if (!StoredWeights.Keeps(op, i, attributes, taken[i].Type.DType)) taken[i] = Widened(taken[i]);
        }

        Value value = _builder.Add(op, taken, attributes, name);
        RequireSize(value.Type, new FlatPlace($"result '{name}'"));
        return value;
    }

    /// <summary>Finds the tensors that only layers with weights read, perhaps behind a DEQUANTIZE: floats of 16 bits stay so there.</summary>
    private void FindWeights(ReadOnlySpan<OperatorCall> calls, ReadOnlySpan<int> outputs)
    {
        Array.Fill(_isOnlyWeight, true);
        foreach (int output in outputs)
        {
            if ((uint)output < (uint)_isOnlyWeight.Length) _isOnlyWeight[output] = false;
        }

        for (int i = calls.Length - 1; i >= 0; i--)
        {
            OperatorCall call = calls[i];
            bool isLayer = call.Code is BuiltinOperator.CONV_2D or BuiltinOperator.DEPTHWISE_CONV_2D or BuiltinOperator.FULLY_CONNECTED
                or BuiltinOperator.TRANSPOSE_CONV or BuiltinOperator.BATCH_MATMUL;
            bool passesOn = call.Code is BuiltinOperator.DEQUANTIZE or BuiltinOperator.DENSIFY && call.Outputs.Length > 0;
            foreach (int input in call.Inputs)
            {
                if (input >= 0) _isOnlyWeight[input] &= isLayer || (passesOn && _isOnlyWeight[call.Outputs[0]]);
            }
        }
    }

    /// <summary>A value that computes in float32; a constant of 16-bit floats is widened, once.</summary>
    private Value Widened(Value value)
    {
        if (value.Constant is not { } data || !data.Type.DType.IsHalf()) return value;
        if (!_widened.TryGetValue(value, out Value? widened)) _widened.Add(value, widened = _builder.Constant(value.Name, data.ToF32()));
        return widened;
    }

    private void RequireSize(TensorType type, FlatPlace place) =>
        _file.Require(
            type.SizeBytes / FileBatch <= ModelLimits.ActivationBytes, place,
            $"{type} takes {type.SizeBytes} bytes; the limit for one activation is {ModelLimits.ActivationBytes}");

    /// <summary>Adds a node between those that the file names.</summary>
    private Value Step(OperatorCall call, Op op, ReadOnlySpan<Value> operands, OpAttributes? attributes = null) =>
        Add(op, operands, attributes, $"{_tensors[call.Outputs[0]].Name}/{op.Name}");

    /// <summary>
    /// Adds the node that computes a result of the call, then its activation, then the rounding to the result's grid. The last of these carries the
    /// tensor's name. <paramref name="keepsGrid"/> tells that the operator only moves or picks numbers: they stay on their grid.
    /// </summary>
    private void Emit(
        OperatorCall call, Op op, ReadOnlySpan<Value> operands, OpAttributes? attributes = null, Activation activation = default, bool keepsGrid = false,
        int result = 0)
    {
        ImportedTensor target = _tensors[call.Outputs[result]];
        bool activates = activation.Kind != ActivationKind.None;
        bool rounds = target.IsQuantized && !(keepsGrid && !activates && OperandsShareGrid(call, target));
        Value value = Add(op, operands, attributes, activates || rounds ? $"{target.Name}/{op.Name}" : target.Name);
        if (activates) value = Add(OpCatalog.Activate, [value], new ActivateAttributes(activation), rounds ? $"{target.Name}/{activation.Kind}" : target.Name);
        if (rounds) value = Add(OpCatalog.FakeQuantize, [value], Grid(target), target.Name);
        _values[call.Outputs[result]] = value;
    }

    /// <summary>Gives an existing value a second name: the call changes nothing, except that it may round.</summary>
    private void Alias(OperatorCall call, Value value)
    {
        ImportedTensor target = _tensors[call.Outputs[0]];
        bool rounds = target.IsQuantized && !OperandsShareGrid(call, target);
        _values[call.Outputs[0]] = rounds ? Add(OpCatalog.FakeQuantize, [value], Grid(target), target.Name) : value;
    }

    private bool OperandsShareGrid(OperatorCall call, ImportedTensor target)
    {
        bool hasGrid = false;
        foreach (int index in call.Inputs)
        {
            if (index < 0 || _tensors[index].IsInteger) continue;
            ImportedTensor tensor = _tensors[index];
            if (!tensor.IsQuantized || tensor.Type != target.Type) return false;
            Quantization a = tensor.Quantization!, b = target.Quantization!;
            if (!a.IsPerTensor || !a.Scales.SequenceEqual(b.Scales) || !a.ZeroPoints.SequenceEqual(b.ZeroPoints)) return false;
            hasGrid = true;
        }

        return hasGrid;
    }

    private FakeQuantizeAttributes Grid(ImportedTensor tensor)
    {
        HasGrids = true;
        (int minimum, int maximum) = tensor.Type switch
        {
            TfLiteType.INT8 => (sbyte.MinValue, sbyte.MaxValue),
            TfLiteType.UINT8 => (byte.MinValue, byte.MaxValue),
            TfLiteType.INT16 => (short.MinValue, short.MaxValue),
            _ => throw new UnreachableException($"{tensor.Type} has no grid."),
        };
        Quantization quantization = tensor.Quantization!;
        tensor.Require(
            quantization.IsPerTensor || quantization.Axis == tensor.Dims.Length - 1, "is an activation whose scales run along an axis other than the last");
        return new FakeQuantizeAttributes(quantization, minimum, maximum);
    }
}
