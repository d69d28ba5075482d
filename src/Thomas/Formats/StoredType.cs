using System.Diagnostics;
using Thomas.Graphs;

namespace Thomas.Formats;

/// <summary>Element types of weight files.</summary>
internal enum StoredType
{
    F64,
    F32,
    F16,
    BF16,
    I64,
    I32,
    I16,
    I8,
    U64,
    U32,
    U16,
    U8,
    Bool,
}

/// <summary>Facts about stored element types.</summary>
internal static class StoredTypeExtensions
{
    /// <summary>Bytes of one element.</summary>
    public static int SizeBytes(this StoredType type) => type switch
    {
        StoredType.F64 or StoredType.I64 or StoredType.U64 => 8,
        StoredType.F32 or StoredType.I32 or StoredType.U32 => 4,
        StoredType.F16 or StoredType.BF16 or StoredType.I16 or StoredType.U16 => 2,
        StoredType.I8 or StoredType.U8 or StoredType.Bool => 1,
        _ => throw new UnreachableException($"The size of {type} is not known."),
    };

    public static bool IsFloat(this StoredType type) => type is StoredType.F64 or StoredType.F32 or StoredType.F16 or StoredType.BF16;

    /// <summary>The type that such elements have here without conversion; null where there is none.</summary>
    public static DType? Same(this StoredType type) => type switch
    {
        StoredType.F32 => DType.F32,
        StoredType.F16 => DType.F16,
        StoredType.BF16 => DType.BF16,
        StoredType.I64 => DType.I64,
        StoredType.I32 => DType.I32,
        StoredType.I8 => DType.I8,
        StoredType.U8 => DType.U8,
        StoredType.Bool => DType.Bool,
        StoredType.F64 or StoredType.I16 or StoredType.U64 or StoredType.U32 or StoredType.U16 => null,
        _ => throw new UnreachableException($"Unknown {type}."),
    };
}
