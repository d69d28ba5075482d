using System;
using System.Collections.Generic;

namespace Thomas.Graphs;

/// <summary>
/// A set of element types: those that an operand may have. The members follow <see cref="DType"/>; 64-bit integers and truth values are never computed with.
/// </summary>
[Flags]
internal enum ElementTypes
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>IEEE 754 binary32.</summary>
    F32 = 1 << DType.F32,

    /// <summary>IEEE 754 binary16.</summary>
    F16 = 1 << DType.F16,

    /// <summary>The upper half of binary32.</summary>
    BF16 = 1 << DType.BF16,

    /// <summary>Signed 8-bit integers.</summary>
    I8 = 1 << DType.I8,

    /// <summary>Unsigned 8-bit integers.</summary>
    U8 = 1 << DType.U8,

    /// <summary>Signed 32-bit integers.</summary>
    I32 = 1 << DType.I32,

    /// <summary>Real numbers of 16 or 32 bits: weights.</summary>
    Floats = F32 | F16 | BF16,

    /// <summary>All that tensors are computed, stored and copied in.</summary>
    All = Floats | I8 | U8 | I32,
}

/// <summary>Questions to a set of element types.</summary>
internal static class ElementTypesExtensions
{
    public static bool Contains(this ElementTypes types, DType type) => ((int)types & (1 << (int)type)) != 0;

    /// <summary>For messages: <c>F32, F16 or BF16</c>.</summary>
    public static string Describe(this ElementTypes types)
    {
        List<string> names = [];
        foreach (DType type in Enum.GetValues<DType>())
        {
            if (types.Contains(type)) names.Add(type.ToString());
        }

        return names.Count < 2 ? string.Concat(names) : $"{string.Join(", ", names[..^1])} or {names[^1]}";
    }
}
