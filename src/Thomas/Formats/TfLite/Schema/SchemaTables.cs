using System;

namespace Thomas.Formats.TfLite.Schema;

// Field numbers are those of tensorflow's schema.fbs, version 3c.

/// <summary>The root table.</summary>
internal readonly struct ModelTable(FlatTable table)
{
    public int Version => table.Int(0);

    public FlatTables OperatorCodes => table.Tables(1, "operator code");

    public FlatTables Subgraphs => table.Tables(2, "subgraph");

    public FlatTables Buffers => table.Tables(4, "buffer");

    public FlatTables Metadata => table.Tables(6, "metadata");

    public FlatTables Signatures => table.Tables(7, "signature");
}

/// <summary>One kind of operator that the file uses.</summary>
internal readonly struct OperatorCodeTable(FlatTable table)
{
    // Codes above 127 do not fit the older byte field, which then holds 127.
    public BuiltinOperator Code => (BuiltinOperator)Math.Max((int)(sbyte)table.Byte(0), table.Int(3));

    public string? CustomCode => table.String(1);
}

/// <summary>A name for a graph by which programs call it.</summary>
internal readonly struct SignatureTable(FlatTable table)
{
    public string? Key => table.String(2);

    public uint Subgraph => (uint)table.Int(4);
}

/// <summary>A graph.</summary>
internal readonly struct SubgraphTable(FlatTable table)
{
    public FlatTables Tensors => table.Tables(0, "tensor");

    public ReadOnlySpan<int> Inputs => table.Ints(1);

    public ReadOnlySpan<int> Outputs => table.Ints(2);

    public FlatTables Operators => table.Tables(3, "operator");
}

/// <summary>An edge of a graph or a constant.</summary>
internal readonly struct TensorTable(FlatTable table)
{
    public ReadOnlySpan<int> Shape => table.Ints(0);

    public TfLiteType Type => (TfLiteType)table.Byte(1);

    public uint Buffer => (uint)table.Int(2);

    public string? Name => table.String(3);

    public QuantizationTable Quantization => new(table.Table(4, new FlatPlace("quantization of tensor", table.Place.Index)));

    public bool IsVariable => table.Bool(5);

    public bool IsSparse => table.Has(6);

    public SparsityTable Sparsity => new(table.Table(6, new FlatPlace("sparsity of tensor", table.Place.Index)));

    public ReadOnlySpan<int> ShapeSignature => table.Ints(7);
}

/// <summary>Where the stored elements of a sparse constant belong.</summary>
internal readonly struct SparsityTable(FlatTable table)
{
    /// <summary>The axis of each level: the tensor's, then those of blocks, numbered from its rank on.</summary>
    public ReadOnlySpan<int> TraversalOrder => table.Ints(0);

    /// <summary>The tensor's axis that each axis of blocks divides.</summary>
    public ReadOnlySpan<int> BlockMap => table.Ints(1);

    public FlatTables Levels => table.Tables(2, "level");
}

/// <summary>One level of a sparse constant: all positions, or those that a list names.</summary>
internal readonly struct SparseLevelTable(FlatTable table)
{
    public bool IsListed => table.Byte(0) == 1;

    public int Size => table.Int(1);

    public int[] Segments() => Indices(2, 3);

    public int[] Positions() => Indices(4, 5);

    /// <summary>A union of vectors of 32, 16 and 8 bits.</summary>
    private int[] Indices(int kind, int field)
    {
        FlatTable vector = table.Table(field, table.Place);
        switch (table.Byte(kind))
        {
            case 1: return vector.Ints(0).ToArray();
            case 2: return Array.ConvertAll(vector.Ushorts(0).ToArray(), static v => (int)v);
            default: return Array.ConvertAll(vector.Bytes(0).ToArray(), static v => (int)v);
        }
    }
}

/// <summary>How 8-bit numbers map to real ones.</summary>
internal readonly struct QuantizationTable(FlatTable table)
{
    public ReadOnlySpan<float> Scales => table.Floats(2);

    public ReadOnlySpan<long> ZeroPoints => table.Longs(3);

    public bool HasCustomDetails => table.Byte(4) != 0;

    public int Axis => table.Int(6);
}

/// <summary>One application of an operator.</summary>
internal readonly struct OperatorTable(FlatTable table)
{
    public uint CodeIndex => (uint)table.Int(0);

    public ReadOnlySpan<int> Inputs => table.Ints(1);

    public ReadOnlySpan<int> Outputs => table.Ints(2);

    public FlatTable Options => table.Table(4, new FlatPlace("options of operator", table.Place.Index));
}

/// <summary>Raw bytes of constants and metadata.</summary>
internal readonly struct BufferTable(FlatTable table)
{
    public ReadOnlyMemory<byte> Data => table.Bytes(0);

    /// <summary>Whether the bytes stand outside the FlatBuffer, as in files above 2 GB.</summary>
    public bool IsExternal => table.Ulong(1) > 1;
}

/// <summary>A named buffer.</summary>
internal readonly struct MetadataTable(FlatTable table)
{
    public string? Name => table.String(0);

    public uint Buffer => (uint)table.Int(1);
}
