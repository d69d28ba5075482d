using System.Diagnostics;

namespace Thomas.Graphs;

/// <summary>Element type of a tensor.</summary>
public enum DType
{
    /// <summary>IEEE 754 binary32.</summary>
    F32,

    /// <summary>IEEE 754 binary16.</summary>
    F16,

    /// <summary>bfloat16: the upper half of binary32.</summary>
    BF16,

    /// <summary>Signed 8-bit integer.</summary>
    I8,

    /// <summary>Unsigned 8-bit integer.</summary>
    U8,

    /// <summary>Signed 32-bit integer.</summary>
    I32,

    /// <summary>Signed 64-bit integer; only in shape arithmetic of model files, never at run time.</summary>
    I64,

    /// <summary>One byte, zero or one; only in model files.</summary>
    Bool,
}

/// <summary>Facts about element types.</summary>
internal static class DTypeExtensions
{
    /// <summary>Whether the elements are real numbers of 16 bits, each of which is a float32 number.</summary>
    public static bool IsHalf(this DType dtype) => dtype is DType.F16 or DType.BF16;

    /// <summary>Whether the elements are real numbers that are float32 here or can be widened to it: weights.</summary>
    public static bool IsFloat(this DType dtype) => dtype == DType.F32 || dtype.IsHalf();

    /// <summary>Bytes of one element.</summary>
    public static int SizeBytes(this DType dtype) => dtype switch
    {
        DType.F32 or DType.I32 => 4,
        DType.F16 or DType.BF16 => 2,
        DType.I64 => 8,
        DType.I8 or DType.U8 or DType.Bool => 1,
        _ => throw new UnreachableException($"The size of {dtype} is not known."),
    };
}
