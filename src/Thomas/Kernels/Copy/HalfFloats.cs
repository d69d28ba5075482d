using System;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Thomas.Kernels.Copy;

/// <summary>
/// Floating-point numbers of 16 bits, by their bits: binary16 (5 bits of exponent, 10 of fraction) and bfloat16 (the upper half of a float32). Every one of
/// them is a float32 number, so widening is exact.
/// </summary>
internal static unsafe class HalfFloats
{
    /// <summary>The bits of the exponent.</summary>
    public const ushort Binary16Exponent = 0x7C00, BFloat16Exponent = 0x7F80;

    private const uint Magnitude = 0x7FFF, Infinity = 0x7C00, FloatInfinity = 0x7F80_0000, FloatNaN = 0x7FC0_0000;

    /// <summary>2^112: the difference of the exponents' biases.</summary>
    private const float Rebias = 5.192296858534828e33f;

    /// <summary>target[i] = the number whose binary16 bits are source[i]. The bits are those of a conversion one by one; a NaN becomes a quiet one.</summary>
    public static void WidenBinary16(ushort* source, float* target, nint count)
    {
        nint i = 0;
        for (; i <= count - 8; i += 8)
        {
            (Vector128<uint> low, Vector128<uint> high) = Vector128.Widen(Vector128.Load(source + i));
            Widen(low).Store(target + i);
            Widen(high).Store(target + i + 4);
        }

        for (; i < count; i++) target[i] = (float)BitConverter.UInt16BitsToHalf(source[i]);
    }

    /// <summary>target[i] = the number whose bfloat16 bits are source[i].</summary>
    public static void WidenBFloat16(ushort* source, float* target, nint count)
    {
        nint i = 0;
        for (; i <= count - 8; i += 8)
        {
            (Vector128<uint> low, Vector128<uint> high) = Vector128.Widen(Vector128.Load(source + i));
            (low << 16).AsSingle().Store(target + i);
            (high << 16).AsSingle().Store(target + i + 4);
        }

        for (; i < count; i++) target[i] = BitConverter.UInt32BitsToSingle((uint)source[i] << 16);
    }

    /// <summary>The bits of the nearest bfloat16, ties to even; beyond the largest an infinity, and a NaN stays one.</summary>
    public static ushort ToBFloat16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value) ? (ushort)((bits >> 16) | 0x40) : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    /// <summary>Whether no number has the largest exponent, which infinities and NaN have.</summary>
    /// <param name="numbers">The bits of the numbers.</param>
    /// <param name="exponent">The bits of the exponent.</param>
    public static bool AllFinite(ReadOnlySpan<ushort> numbers, ushort exponent)
    {
        ReadOnlySpan<Vector<ushort>> vectors = MemoryMarshal.Cast<ushort, Vector<ushort>>(numbers);
        Vector<ushort> mask = new(exponent), found = Vector<ushort>.Zero;
        foreach (Vector<ushort> vector in vectors) found |= Vector.Equals(vector & mask, mask);
        bool finite = found == Vector<ushort>.Zero;
        for (int i = vectors.Length * Vector<ushort>.Count; i < numbers.Length; i++) finite &= (numbers[i] & exponent) != exponent;
        return finite;
    }

    /// <summary>
    /// Exponent and fraction move to their places of a float32 and are scaled by 2^112, which makes subnormal numbers normal ones and is exact. What had the
    /// largest exponent gets that of float32.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Widen(Vector128<uint> half)
    {
        Vector128<uint> magnitude = half & Vector128.Create(Magnitude);
        Vector128<uint> scaled = ((magnitude << 13).AsSingle() * Vector128.Create(Rebias)).AsUInt32();
        scaled |= Vector128.GreaterThanOrEqual(magnitude, Vector128.Create(Infinity)) & Vector128.Create(FloatInfinity);
        scaled |= Vector128.GreaterThan(magnitude, Vector128.Create(Infinity)) & Vector128.Create(FloatNaN);
        return (scaled | ((half & Vector128.Create(0x8000u)) << 16)).AsSingle();
    }
}
