using System;
using System.Runtime.CompilerServices;
using Thomas.Formats.TfLite.Schema;
using Thomas.Graphs;

namespace Thomas.Formats.TfLite;

/// <summary>A tensor of the file: an activation, or a constant with its bytes.</summary>
internal sealed class ImportedTensor
{
    /// <summary>Most that the importer reads of one list of sizes, axes or indices.</summary>
    public const int MaxIntegers = 4096;

    private readonly FlatFile _file;
    private readonly FlatTable _table;
    private readonly int[] _dims;
    private Quantization? _quantization;
    private bool _quantizationIsRead;

    public ImportedTensor(FlatFile file, FlatTable table, ReadOnlyMemory<byte> data)
    {
        _file = file;
        _table = table;
        Data = data;
        TensorTable fields = new(table);
        Type = fields.Type;
        Name = fields.Name is { Length: > 0 } name ? name : $"tensor_{table.Place.Index}";
        Require(fields.Shape.Length <= Shape.MaxRank, $"has rank {fields.Shape.Length}; the largest rank is {Shape.MaxRank}");
        _dims = fields.Shape.ToArray();
        ReadOnlySpan<int> signature = fields.ShapeSignature;
        Require(signature.Length == 0 || signature.Length == _dims.Length, "has a shape signature of another rank than its shape");
        for (int i = 0; i < _dims.Length; i++)
        {
            bool isOpen = _dims[i] == -1 || (signature.Length > 0 && signature[i] == -1);
            if (isOpen) OpenAxes |= 1 << i;
            Require(_dims[i] >= -1, $"has the size {_dims[i]}");
        }
    }

    public FlatPlace Place => _table.Place;

    /// <summary>The name that its value gets.</summary>
    public string Name { get; set; }

    public TfLiteType Type { get; }

    public ReadOnlySpan<int> Dims => _dims;

    /// <summary>A bit for each axis whose size the file leaves open.</summary>
    public int OpenAxes { get; }

    /// <summary>The raw elements of a constant; empty for an activation.</summary>
    public ReadOnlyMemory<byte> Data { get; }

    public bool IsConstant => Data.Length > 0;

    public bool IsVariable => new TensorTable(_table).IsVariable;

    public bool IsSparse => new TensorTable(_table).IsSparse;

    /// <summary>Whether it holds indices or sizes, not numbers of the network.</summary>
    public bool IsInteger => Type is TfLiteType.INT32 or TfLiteType.INT64 or TfLiteType.BOOL && Quantization is null;

    /// <summary>Whether its real values lie on a grid of 8 or 16 bits.</summary>
    public bool IsQuantized => Type is TfLiteType.INT8 or TfLiteType.UINT8 or TfLiteType.INT16 && Quantization is not null;

    /// <summary>The type that its numbers have here without conversion; null where they are converted.</summary>
    private DType? Stored => Type switch
    {
        TfLiteType.FLOAT32 => DType.F32,
        TfLiteType.FLOAT16 => DType.F16,
        TfLiteType.BFLOAT16 => DType.BF16,
        _ => null,
    };

    /// <summary>The map from stored to real numbers, where there is one.</summary>
    public Quantization? Quantization
    {
        get
        {
            if (!_quantizationIsRead)
            {
                _quantization = ReadQuantization();
                _quantizationIsRead = true;
            }

            return _quantization;
        }
    }

    public void Require(bool condition, string problem)
    {
        if (!condition) throw Error(problem);
    }

    public void Require(bool condition, [InterpolatedStringHandlerArgument(nameof(condition))] ref ProblemText problem)
    {
        if (!condition) throw Error(problem.ToStringAndClear());
    }

    /// <summary>The shape of a constant.</summary>
    public Shape ConstantShape()
    {
        Require(OpenAxes == 0, "is a constant of open size");
        return new Shape(_dims);
    }

    /// <summary>The elements of a constant as real numbers: floats of 16 and 32 bits are borrowed from the file, all else converted.</summary>
    public TensorData Decode()
    {
        Shape shape = ConstantShape();
        int elementBytes = ConstantDecoder.ElementBytes(Type);
        Require(elementBytes > 0, $"holds {Type} numbers, which are not supported");
        if (IsSparse)
        {
            // Sixteen times as much as other constants may grow: nine weights of ten are left out, and bytes become floats.
            _file.ChargeCopy(sizeof(float) * (long)shape.ElementCount / 16, Place);
            byte[] data = SparseDecoder.Decode(this, new TensorTable(_table).Sparsity, shape, Data, elementBytes);
            return Stored is DType same
                ? new TensorData(new TensorType(same, shape), data)
                : TensorData.FromFloats(shape, ConstantDecoder.ToFloats(data, Type, shape, Quantization), Quantization);
        }

        Require(
            Data.Length == (long)shape.ElementCount * elementBytes,
            $"of shape {shape} and type {Type} takes {(long)shape.ElementCount * elementBytes} bytes, its buffer holds {Data.Length}");
        if (Type != TfLiteType.FLOAT32) _file.ChargeCopy(sizeof(float) * (long)shape.ElementCount, Place);
        if (Stored is DType stored) return new TensorData(new TensorType(stored, shape), Data);
        if (Type is TfLiteType.INT8 or TfLiteType.UINT8 && Quantization is Quantization grid && grid.Fits(shape))
        {
            DType bytes = Type == TfLiteType.INT8 ? DType.I8 : DType.U8;
            return TensorData.FromSteps(new TensorData(new TensorType(bytes, shape), Data, grid));
        }

        ReadOnlyMemory<byte> integers = Type == TfLiteType.INT32 && Quantization is not null ? Data : default;
        return TensorData.FromFloats(shape, ConstantDecoder.ToFloats(Data.Span, Type, shape, Quantization), Quantization, integers);
    }

    /// <summary>The elements of a constant of indices or sizes.</summary>
    public IntegerTensor DecodeIntegers()
    {
        Shape shape = ConstantShape();
        Require(shape.ElementCount <= MaxIntegers, $"of shape {shape} is too long a list of sizes or indices");
        int elementBytes = Type == TfLiteType.INT64 ? sizeof(long) : Type == TfLiteType.INT32 ? sizeof(int) : 0;
        Require(elementBytes > 0, $"holds {Type} where sizes or indices belong");
        Require(
            Data.Length == shape.ElementCount * elementBytes,
            $"of shape {shape} takes {shape.ElementCount * elementBytes} bytes, its buffer holds {Data.Length}");
        return new IntegerTensor(shape, ConstantDecoder.ToLongs(Data.Span, elementBytes));
    }

    private ModelFormatException Error(string problem) => new(_file.Name, $"{Place} '{Name}'", problem);

    private Quantization? ReadQuantization()
    {
        QuantizationTable fields = new TensorTable(_table).Quantization;
        ReadOnlySpan<float> scales = fields.Scales;
        ReadOnlySpan<long> stored = fields.ZeroPoints;
        if (scales.Length == 0) return null;
        Require(!fields.HasCustomDetails, "is quantized by a custom scheme");
        Require(stored.Length == scales.Length || stored.Length <= 1, $"has {scales.Length} scales and {stored.Length} zero points");
        _file.ChargeCopy(4L * sizeof(float) * scales.Length, Place);

        // Some files give a one-dimensional bias the axis of its filter.
        int axis = _dims.Length == 1 ? 0 : fields.Axis;
        if (scales.Length > 1)
        {
            Require(
                axis >= 0 && axis < _dims.Length && _dims[axis] == scales.Length, $"has {scales.Length} scales along axis {axis}, which do not fit its shape");
        }

        int[] zeroPoints = new int[scales.Length];
        for (int i = 0; i < zeroPoints.Length; i++)
        {
            long zeroPoint = stored.Length == 0 ? 0 : stored[stored.Length == 1 ? 0 : i];
            Require(zeroPoint is >= short.MinValue and <= ushort.MaxValue, $"has the zero point {zeroPoint}");
            zeroPoints[i] = (int)zeroPoint;
            Require(scales[i] > 0 && float.IsFinite(scales[i]), "has a scale that is not positive and finite");
        }

        return new Quantization(scales, zeroPoints, axis);
    }
}

/// <summary>Sizes, axes or indices known while a file is read.</summary>
/// <param name="Shape">Their shape; scalar, list or more.</param>
/// <param name="Values">Row-major.</param>
internal sealed record IntegerTensor(Shape Shape, long[] Values);
