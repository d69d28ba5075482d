using System.Collections.Generic;
using Thomas.Graphs;

namespace Thomas.Formats.Onnx;

/// <summary>The grid of an 8-bit (or 16-bit) tensor of the file: where its real numbers may lie.</summary>
internal sealed record Grid(Quantization Quantization, int Minimum, int Maximum)
{
    /// <summary>Whether two grids hold the same real numbers for the same integers.</summary>
    public bool Matches(Quantization other) =>
        System.MemoryExtensions.SequenceEqual(Quantization.Scales, other.Scales)
        && System.MemoryExtensions.SequenceEqual(Quantization.ZeroPoints, other.ZeroPoints);
}

/// <summary>
/// A named tensor of the file while it is read: a constant that may not be part of the graph yet, or a value of the graph. Integer tensors are always
/// constants; quantized activations are float32 values that remember their grid.
/// </summary>
internal sealed class Operand
{
    private readonly IReadOnlyList<Operand>? _elements;
    private TensorData? _data;

    public Operand(string name, TensorData data, Grid? grid = null)
    {
        Name = name;
        Stored = data;
        Grid = grid;
    }

    public Operand(string name, Value value, Grid? grid = null)
    {
        Name = name;
        Value = value;
        Grid = grid;
    }

    /// <summary>A list of tensors.</summary>
    public Operand(string name, IReadOnlyList<Operand> elements)
    {
        Name = name;
        _elements = elements;
    }

    public string Name { get; }

    /// <summary>The tensors of a list.</summary>
    public IReadOnlyList<Operand> Elements => _elements ?? throw new UnsupportedNodeException("a tensor where a list of tensors is expected", $"'{Name}'");

    /// <summary>Where this is a decision (the largest score's place, say): the scores that it was made by.</summary>
    public Operand? Scores { get; init; }

    /// <summary>Set for an activation that the file quantizes by its own range; it is real here.</summary>
    public bool IsDynamic { get; init; }

    /// <summary>The contents of a constant as they are stored; floats may have 16 bits.</summary>
    public TensorData? Stored { get; }

    /// <summary>The contents of a constant; floats of 16 bits are widened to float32 when somebody asks.</summary>
    public TensorData? Data => _data ??= IsHalf ? Stored!.ToF32() : Stored;

    /// <summary>Whether it is a constant of 16-bit floats. For everyone who does not ask, it is float32.</summary>
    public bool IsHalf => Stored?.Type.DType.IsHalf() == true;

    /// <summary>The value in the graph of a constant that stays 16-bit there; one gets it when a node first reads it so.</summary>
    public Value? HalfValue { get; set; }

    /// <summary>The value in the graph; a constant gets one when a node of the graph first reads it.</summary>
    public Value? Value { get; set; }

    /// <summary>Where the file has integers here, what they stand for; the value itself is real.</summary>
    public Grid? Grid { get; }

    /// <summary>The integers minus their zero point, as floats, where an operator of the 8-bit kind has computed or asked for them.</summary>
    public Operand? Steps { get; set; }

    /// <summary>Set for a graph input of 8-bit type until the first operator tells what its integers stand for.</summary>
    public QuantizedInput? QuantizedInput { get; init; }

    /// <summary>Whether this is one tensor, no list of them.</summary>
    public bool IsTensor => Stored is not null || Value is not null;

    public bool IsConstant => Stored is not null;

    public TensorType Type =>
        IsHalf
        ? Stored!.Type with { DType = DType.F32 }
        : Stored?.Type ?? Value?.Type ?? throw new UnsupportedNodeException("a list of tensors where a tensor is expected", $"'{Name}'");

    public DType DType => Type.DType;

    public Shape Shape => Type.Shape;

    public int Rank => Shape.Rank;

    /// <summary>A constant that holds integers: shape arithmetic or quantized weights.</summary>
    public bool IsInteger => Stored is not null && DType is not DType.F32;
}

/// <summary>An 8-bit input of the graph.</summary>
internal sealed class QuantizedInput(DType dtype, bool isFirst)
{
    public DType DType { get; } = dtype;

    /// <summary>Whether it is the graph's first input.</summary>
    public bool IsFirst { get; } = isFirst;

    /// <summary>Scale and zero point, told by the operator that reads the input.</summary>
    public Quantization? Quantization { get; set; }
}
