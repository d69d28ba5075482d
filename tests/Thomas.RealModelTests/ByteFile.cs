using System;
using System.IO;
using System.Runtime.InteropServices;
using Thomas.Formats.TfLite.Schema;
using Thomas.Formats.TfLite.Writing;
using Thomas.Graphs;

namespace Thomas.RealModelTests;

/// <summary>
/// A small 8-bit <c>.tflite</c> file, operator by operator, as converters write it: int8, or uint8 as in files of 2019 and before. The numbers of constants
/// follow from a seed.
/// </summary>
internal sealed class ByteFile(bool isSigned, bool hasFloatEnds, uint seed)
{
    private readonly FileGraph _file = new();
    private uint _state = seed;

    /// <summary>The type of all tensors but biases.</summary>
    public TfLiteType Type => isSigned ? TfLiteType.INT8 : TfLiteType.UINT8;

    public bool IsSigned => isSigned;

    /// <summary>The grid of the network's input.</summary>
    public Quantization InputGrid { get; private set; } = null!;

    public int[] Dims(int tensor) => _file.Tensors[tensor].Dims;

    /// <summary>A grid. The zero point counts from the smallest number of the type, so that it fits both types.</summary>
    public Quantization Grid(float scale, int zeroAboveSmallest) => new([scale], [zeroAboveSmallest + (isSigned ? sbyte.MinValue : 0)]);

    /// <summary>The input, as numbers of a grid.</summary>
    public int Input(int[] dims, float scale = 0.05f, int zero = 117)
    {
        InputGrid = Grid(scale, zero);
        int tensor = _file.AddTensor(new FileTensor("input", hasFloatEnds ? TfLiteType.FLOAT32 : Type, dims, default, hasFloatEnds ? null : InputGrid));
        _file.Inputs.Add(tensor);
        return hasFloatEnds ? Call(BuiltinOperator.QUANTIZE, [tensor], dims, InputGrid, new OptionsTable(BuiltinOptions.Quantize)) : tensor;
    }

    /// <summary>An operator whose result lies on a grid.</summary>
    public int Call(BuiltinOperator code, int[] inputs, int[] dims, Quantization grid, OptionsTable? options = null, int? version = null)
    {
        int result = _file.AddTensor(new FileTensor($"{code}", Type, dims, default, grid));
        Add(code, inputs, result, options, version ?? (isSigned ? 2 : 1));
        return result;
    }

    /// <summary>An operator that leaves its first operand's grid as it is.</summary>
    public int Move(BuiltinOperator code, int[] inputs, int[] dims, OptionsTable? options = null, int? version = null) =>
        Call(code, inputs, dims, _file.Tensors[inputs[0]].Grid!, options, version);

    /// <summary>Channels [first, first + count), to be brought to another grid where one is given.</summary>
    public int Part(int x, int first, int count, Quantization? grid = null)
    {
        int[] dims = [.. Dims(x)], begin = new int[dims.Length], size = [.. dims];
        (begin[^1], size[^1], dims[^1]) = (first, count, count);
        int part = Move(BuiltinOperator.SLICE, [x, Ints(begin), Ints(size)], dims, new OptionsTable(BuiltinOptions.Slice));
        return grid is null ? part : Call(BuiltinOperator.QUANTIZE, [part], dims, grid, new OptionsTable(BuiltinOptions.Quantize));
    }

    /// <summary>Weights in all of their range, with scales of about 1 / 127 of <paramref name="size"/>, for each channel of an axis or for all.</summary>
    public int Weights(int[] dims, float size, int? channelAxis)
    {
        int count = 1;
        foreach (int dim in dims) count *= dim;
        byte[] bytes = new byte[count];
        for (int i = 0; i < count; i++) bytes[i] = isSigned ? (byte)(sbyte)((int)(Next() % 255) - 127) : (byte)(Next() % 256);
        int channels = isSigned && channelAxis is int axis ? dims[axis] : 1;
        float[] scales = new float[channels];
        for (int c = 0; c < channels; c++) scales[c] = size / 127 * (0.4f + ((Next() % 1000) / 1000f));
        int[] zeros = new int[channels];
        if (!isSigned) zeros[0] = 113;
        return _file.AddTensor(new FileTensor("weights", Type, dims, bytes, new Quantization(scales, zeros, channelAxis ?? 0)));
    }

    /// <summary>A bias in steps of the sums, up to so many steps.</summary>
    public int Bias(int x, int weights, int outputs, int most = 3000)
    {
        Quantization w = _file.Tensors[weights].Grid!;
        int[] steps = new int[outputs];
        for (int i = 0; i < outputs; i++) steps[i] = (int)(Next() % (uint)(2 * most)) - most;
        float[] scales = Array.ConvertAll(w.Scales.ToArray(), scale => scale * _file.Tensors[x].Grid!.Scales[0]);
        return _file.AddTensor(new FileTensor(
            "bias", TfLiteType.INT32, [outputs], MemoryMarshal.AsBytes(steps.AsSpan()).ToArray(), new Quantization(scales, new int[scales.Length])));
    }

    /// <summary>A constant operand on a grid.</summary>
    public int Constant(int[] dims, Quantization grid)
    {
        int count = 1;
        foreach (int dim in dims) count *= dim;
        byte[] bytes = new byte[count];
        for (int i = 0; i < count; i++) bytes[i] = (byte)Next();
        return _file.AddTensor(new FileTensor("constant", Type, dims, bytes, grid));
    }

    public int Ints(params int[] values) => _file.AddInts("sizes", values);

    public int Pads(params int[] values) => _file.AddInts("pads", values, [values.Length / 2, 2]);

    /// <summary>
    /// The file. With <paramref name="computesShape"/> the result is reshaped to sizes that an operator computes, so that the interpreter of TensorFlow Lite
    /// knows no size beforehand and leaves the whole graph to its built-in kernels.
    /// </summary>
    public byte[] Finish(int result, bool computesShape = false)
    {
        if (computesShape)
        {
            int[] dims = Dims(result);
            int sizes = _file.AddTensor(new FileTensor("computed", TfLiteType.INT32, [dims.Length], default));
            Add(BuiltinOperator.ADD, [Ints(dims), Ints(new int[dims.Length])], sizes, new OptionsTable(BuiltinOptions.Add), 1);
            result = Move(BuiltinOperator.RESHAPE, [result, sizes], dims, null, 1);
        }

        if (hasFloatEnds)
        {
            int real = _file.AddTensor(new FileTensor("output", TfLiteType.FLOAT32, Dims(result), default));
            Add(BuiltinOperator.DEQUANTIZE, [result], real, new OptionsTable(BuiltinOptions.Dequantize), isSigned ? 2 : 1);
            result = real;
        }

        _file.Outputs.Add(result);
        using MemoryStream stream = new();
        FileSerializer.Write(_file, [], stream);
        return stream.ToArray();
    }

    private void Add(BuiltinOperator code, int[] inputs, int result, OptionsTable? options, int version) =>
        _file.Operators.Add(new FileOperator(code, version, inputs, [result], options ?? OptionsTable.None));

    private uint Next()
    {
        _state = (_state * 1664525) + 1013904223;
        return _state >> 8;
    }
}
