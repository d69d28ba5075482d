using System;
using System.Diagnostics;
using System.Numerics;
using System.Runtime.InteropServices;
using Thomas.Kernels.Copy;

namespace Thomas.Graphs;

/// <summary>Conversions of elements between the types that tensors are computed and stored in.</summary>
internal static unsafe class Elements
{
    /// <summary>
    /// The number that an element of a type holds after a conversion: to floats the nearest, ties to even (to BF16 by way of float32), beyond the largest an
    /// infinity; to integers without the fraction, at most the type's largest and at least its smallest, and 0 for NaN.
    /// </summary>
    public static double Round(DType type, double value) => type switch
    {
        DType.F32 => (float)value,
        DType.F16 => (double)(Half)value,
        DType.BF16 => BitConverter.UInt32BitsToSingle((uint)HalfFloats.ToBFloat16((float)value) << 16),
        DType.I8 => sbyte.CreateSaturating(value),
        DType.U8 => byte.CreateSaturating(value),
        DType.I32 => int.CreateSaturating(value),
        _ => throw NotComputed(type),
    };

    /// <summary>Whether every number of a type is one of the storage T.</summary>
    public static bool Fit<T>(DType type)
        where T : unmanaged => typeof(T) == typeof(double) || type != DType.I32;

    /// <summary>Whether a tensor of the type is an array of T.</summary>
    public static bool Is<T>(DType type)
        where T : unmanaged => type == DType.F32 && typeof(T) == typeof(float);

    /// <summary>target[i] = source[i], exact where T holds the numbers of the type, else rounded.</summary>
    public static void Load<T>(DType type, void* source, T* target, nint count)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (Is<T>(type))
        {
            new ReadOnlySpan<T>(source, checked((int)count)).CopyTo(new Span<T>(target, (int)count));
            return;
        }

        if (typeof(T) == typeof(float) && type.IsHalf())
        {
            if (type == DType.F16) HalfFloats.WidenBinary16((ushort*)source, (float*)target, count);
            else HalfFloats.WidenBFloat16((ushort*)source, (float*)target, count);
            return;
        }

        for (nint i = 0; i < count; i++) target[i] = T.CreateTruncating(Load(type, source, i));
    }

    /// <summary>target[i] = source[i], rounded as <see cref="Round"/> does.</summary>
    public static void Store<T>(DType type, T* source, void* target, nint count)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        for (nint i = 0; i < count; i++) Store(type, double.CreateTruncating(source[i]), target, i);
    }

    /// <summary>target[i] = source[i], rounded as <see cref="Round"/> does.</summary>
    public static void Convert(DType from, void* source, DType to, void* target, nint count)
    {
        if (to == DType.F32)
        {
            Load(from, source, (float*)target, count);
            return;
        }

        if (from == DType.F32 && to.IsHalf())
        {
            Narrow((float*)source, to, (ushort*)target, count);
            return;
        }

        for (nint i = 0; i < count; i++) Store(to, Load(from, source, i), target, i);
    }

    /// <summary>target[i] = the bits of the nearest number of 16 bits to source[i], rounded as <see cref="Round"/> does.</summary>
    /// <param name="source">The numbers.</param>
    /// <param name="to">F16 or BF16.</param>
    /// <param name="target">Receives their bits.</param>
    /// <param name="count">How many there are.</param>
    /// <param name="streams">Whether to write past the caches; then the target is aligned to 64 bytes.</param>
    public static void Narrow(float* source, DType to, ushort* target, nint count, bool streams = false)
    {
        if (to == DType.F16) HalfFloats.NarrowBinary16(source, target, count, streams);
        else HalfFloats.NarrowBFloat16(source, target, count, streams);
    }

    /// <summary>Whether floats of 16 bits are all finite.</summary>
    public static bool HalvesAreFinite(DType type, ReadOnlySpan<byte> elements) =>
        HalfFloats.AllFinite(MemoryMarshal.Cast<byte, ushort>(elements), type == DType.F16 ? HalfFloats.Binary16Exponent : HalfFloats.BFloat16Exponent);

    private static double Load(DType type, void* source, nint i) => type switch
    {
        DType.F32 => ((float*)source)[i],
        DType.F16 => (double)((Half*)source)[i],
        DType.BF16 => BitConverter.UInt32BitsToSingle((uint)((ushort*)source)[i] << 16),
        DType.I8 => ((sbyte*)source)[i],
        DType.U8 => ((byte*)source)[i],
        DType.I32 => ((int*)source)[i],
        _ => throw NotComputed(type),
    };

    private static void Store(DType type, double value, void* target, nint i)
    {
        switch (type)
        {
            case DType.F32:
                ((float*)target)[i] = (float)value;
                break;
            case DType.F16:
                ((Half*)target)[i] = (Half)value;
                break;
            case DType.BF16:
                ((ushort*)target)[i] = HalfFloats.ToBFloat16((float)value);
                break;
            case DType.I8:
                ((sbyte*)target)[i] = sbyte.CreateSaturating(value);
                break;
            case DType.U8:
                ((byte*)target)[i] = byte.CreateSaturating(value);
                break;
            case DType.I32:
                ((int*)target)[i] = int.CreateSaturating(value);
                break;
            default:
                throw NotComputed(type);
        }
    }

    private static UnreachableException NotComputed(DType type) => new($"Nothing is computed in {type}.");
}
