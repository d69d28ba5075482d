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

    /// <summary>The difference of the exponents' biases, 112, in its place in float32.</summary>
    private const uint ExponentShift = 112u << 23;

    /// <summary>Bits of 2^-14, the least normal binary16, and of 2^16, from which on everything is infinite.</summary>
    private const int LeastNormal = 0x3880_0000, LeastBeyond = 0x4780_0000;

    /// <summary>2^112: the difference of the exponents' biases.</summary>
    private const float Rebias = 5.192296858534828e33f;

    /// <summary>target[i] = the number whose binary16 bits are source[i]. The bits are those of a conversion one by one; a NaN becomes a quiet one.</summary>
    public static void WidenBinary16(ushort* source, float* target, nint count)
    {
        nint i = 0;
        if (Vector512.IsHardwareAccelerated)
        {
            for (; i <= count - 32; i += 32)
            {
                (Vector512<uint> low, Vector512<uint> high) = Vector512.Widen(Vector512.Load(source + i));
                Widen(low).Store(target + i);
                Widen(high).Store(target + i + 16);
            }
        }

        for (; i <= count - Vector<ushort>.Count; i += Vector<ushort>.Count)
        {
            Vector.Widen(Vector.Load(source + i), out Vector<uint> low, out Vector<uint> high);
            Vector.Store(Widen(low), target + i);
            Vector.Store(Widen(high), target + i + Vector<uint>.Count);
        }

        for (; i < count; i++) target[i] = (float)BitConverter.UInt16BitsToHalf(source[i]);
    }

    /// <summary>target[i] = the number whose bfloat16 bits are source[i].</summary>
    public static void WidenBFloat16(ushort* source, float* target, nint count)
    {
        nint i = 0;
        if (Vector512.IsHardwareAccelerated)
        {
            for (; i <= count - 32; i += 32)
            {
                (Vector512<uint> low, Vector512<uint> high) = Vector512.Widen(Vector512.Load(source + i));
                (low << 16).Store((uint*)target + i);
                (high << 16).Store((uint*)target + i + 16);
            }
        }

        for (; i <= count - Vector<ushort>.Count; i += Vector<ushort>.Count)
        {
            Vector.Widen(Vector.Load(source + i), out Vector<uint> low, out Vector<uint> high);
            Vector.Store(Vector.ShiftLeft(low, 16), (uint*)target + i);
            Vector.Store(Vector.ShiftLeft(high, 16), (uint*)target + i + Vector<uint>.Count);
        }

        for (; i < count; i++) target[i] = BitConverter.UInt32BitsToSingle((uint)source[i] << 16);
    }

    /// <summary>
    /// target[i] = the bits of the nearest binary16 to source[i], ties to even; beyond the largest an infinity, and a NaN stays one: those of a conversion one
    /// by one.
    /// </summary>
    /// <param name="source">The numbers.</param>
    /// <param name="target">Receives their bits.</param>
    /// <param name="count">How many there are.</param>
    /// <param name="streams">Whether to write past the caches; then the target is aligned to 64 bytes.</param>
    public static void NarrowBinary16(float* source, ushort* target, nint count, bool streams = false)
    {
        nint i = 0;
        if (Vector512.IsHardwareAccelerated)
        {
            for (; i <= count - 32; i += 32)
            {
                Vector512<ushort> bits = Vector512.Narrow(NarrowBinary16(Vector512.Load(source + i)), NarrowBinary16(Vector512.Load(source + i + 16)));
                if (streams) bits.StoreAlignedNonTemporal(target + i);
                else bits.Store(target + i);
            }
        }

        for (; i <= count - Vector<ushort>.Count; i += Vector<ushort>.Count)
        {
            Vector<uint> low = NarrowBinary16(Vector.Load((uint*)source + i)), high = NarrowBinary16(Vector.Load((uint*)source + i + Vector<uint>.Count));
            Store(Vector.Narrow(low, high), target + i, streams);
        }

        for (; i < count; i++) target[i] = BitConverter.HalfToUInt16Bits((Half)source[i]);
    }

    /// <summary>target[i] = the bits of <see cref="ToBFloat16"/> of source[i].</summary>
    /// <param name="source">The numbers.</param>
    /// <param name="target">Receives their bits.</param>
    /// <param name="count">How many there are.</param>
    /// <param name="streams">Whether to write past the caches; then the target is aligned to 64 bytes.</param>
    public static void NarrowBFloat16(float* source, ushort* target, nint count, bool streams = false)
    {
        nint i = 0;
        if (Vector512.IsHardwareAccelerated)
        {
            for (; i <= count - 32; i += 32)
            {
                Vector512<ushort> bits = Vector512.Narrow(NarrowBFloat16(Vector512.Load(source + i)), NarrowBFloat16(Vector512.Load(source + i + 16)));
                if (streams) bits.StoreAlignedNonTemporal(target + i);
                else bits.Store(target + i);
            }
        }

        for (; i <= count - Vector<ushort>.Count; i += Vector<ushort>.Count)
        {
            Vector<uint> low = NarrowBFloat16(Vector.Load((uint*)source + i)), high = NarrowBFloat16(Vector.Load((uint*)source + i + Vector<uint>.Count));
            Store(Vector.Narrow(low, high), target + i, streams);
        }

        for (; i < count; i++) target[i] = ToBFloat16(source[i]);
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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector<ushort> bits, ushort* target, bool streams)
    {
        if (streams) Vector.StoreAlignedNonTemporal(bits, target);
        else Vector.Store(bits, target);
    }

    /// <summary>
    /// Exponent and fraction move to their places of a float32 and are scaled by 2^112, which makes subnormal numbers normal ones and is exact. What had the
    /// largest exponent gets that of float32.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Widen(Vector<uint> half)
    {
        Vector<uint> magnitude = half & new Vector<uint>(Magnitude);
        Vector<uint> scaled = Vector.AsVectorUInt32(Vector.AsVectorSingle(Vector.ShiftLeft(magnitude, 13)) * new Vector<float>(Rebias));
        Vector<int> size = Vector.AsVectorInt32(magnitude);
        scaled |= Vector.AsVectorUInt32(Vector.GreaterThan(size, new Vector<int>((int)Infinity - 1))) & new Vector<uint>(FloatInfinity);
        scaled |= Vector.AsVectorUInt32(Vector.GreaterThan(size, new Vector<int>((int)Infinity))) & new Vector<uint>(FloatNaN);
        return Vector.AsVectorSingle(scaled | Vector.ShiftLeft(half & new Vector<uint>(0x8000u), 16));
    }

    /// <summary>As the narrower vectors do it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Widen(Vector512<uint> half)
    {
        Vector512<uint> magnitude = half & Vector512.Create(Magnitude);
        Vector512<uint> scaled = ((magnitude << 13).AsSingle() * Vector512.Create(Rebias)).AsUInt32();
        scaled |= Vector512.GreaterThanOrEqual(magnitude, Vector512.Create(Infinity)) & Vector512.Create(FloatInfinity);
        scaled |= Vector512.GreaterThan(magnitude, Vector512.Create(Infinity)) & Vector512.Create(FloatNaN);
        return (scaled | ((half & Vector512.Create(0x8000u)) << 16)).AsSingle();
    }

    /// <summary>As <see cref="ToBFloat16"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<uint> NarrowBFloat16(Vector<uint> bits)
    {
        Vector<uint> upper = Vector.ShiftRightLogical(bits, 16);
        Vector<uint> rounded = Vector.ShiftRightLogical(bits + new Vector<uint>(0x7FFF) + (upper & Vector<uint>.One), 16);
        return Vector.ConditionalSelect(IsNaN(bits), upper | new Vector<uint>(0x40), rounded);
    }

    /// <summary>As <see cref="ToBFloat16"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> NarrowBFloat16(Vector512<float> numbers)
    {
        Vector512<uint> bits = numbers.AsUInt32(), upper = bits >>> 16;
        Vector512<uint> rounded = (bits + Vector512.Create(0x7FFFu) + (upper & Vector512<uint>.One)) >>> 16;
        return Vector512.ConditionalSelect(Vector512.Equals(numbers, numbers).AsUInt32(), rounded, upper | Vector512.Create(0x40u));
    }

    /// <summary>
    /// Numbers that binary16 holds as normal ones lose 13 bits of their fraction, rounded, and their exponent gets its bias. Adding 1/2 to smaller ones leaves
    /// the bits of the subnormal number, rounded by the addition, at the end of the sum.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<uint> NarrowBinary16(Vector<uint> bits)
    {
        Vector<uint> magnitude = bits & new Vector<uint>(0x7FFF_FFFF), sign = Vector.ShiftRightLogical(bits, 16) & new Vector<uint>(0x8000u);
        Vector<uint> odd = Vector.ShiftRightLogical(magnitude, 13) & Vector<uint>.One;
        Vector<uint> normal = Vector.ShiftRightLogical(magnitude - new Vector<uint>(ExponentShift - 0xFFF) + odd, 13);
        Vector<uint> small = Vector.AsVectorUInt32(Vector.AsVectorSingle(magnitude) + new Vector<float>(0.5f)) - new Vector<uint>(0x3F00_0000);
        Vector<uint> payload = Vector.ShiftRightLogical(magnitude, 13) & new Vector<uint>(0x3FF);
        Vector<uint> special = new Vector<uint>(Infinity) | (IsNaN(bits) & (payload | new Vector<uint>(0x200)));
        Vector<int> size = Vector.AsVectorInt32(magnitude);
        Vector<uint> isSmall = Vector.AsVectorUInt32(Vector.LessThan(size, new Vector<int>(LeastNormal)));
        Vector<uint> isBeyond = Vector.AsVectorUInt32(Vector.GreaterThan(size, new Vector<int>(LeastBeyond - 1)));
        return sign | Vector.ConditionalSelect(isBeyond, special, Vector.ConditionalSelect(isSmall, small, normal));
    }

    /// <summary>As the narrower vectors do it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> NarrowBinary16(Vector512<float> numbers)
    {
        Vector512<uint> bits = numbers.AsUInt32(), magnitude = bits & Vector512.Create(0x7FFF_FFFFu), shifted = magnitude >>> 13;
        Vector512<uint> normal = (magnitude - Vector512.Create(ExponentShift - 0xFFF) + (shifted & Vector512<uint>.One)) >>> 13;
        Vector512<uint> small = (magnitude.AsSingle() + Vector512.Create(0.5f)).AsUInt32() - Vector512.Create(0x3F00_0000u);
        Vector512<uint> notANumber = (shifted & Vector512.Create(0x3FFu)) | Vector512.Create(Infinity | 0x200);
        Vector512<uint> special = Vector512.ConditionalSelect(Vector512.Equals(numbers, numbers).AsUInt32(), Vector512.Create(Infinity), notANumber);
        Vector512<uint> finite = Vector512.ConditionalSelect(Vector512.LessThan(magnitude, Vector512.Create((uint)LeastNormal)), small, normal);
        return ((bits >>> 16) & Vector512.Create(0x8000u))
            | Vector512.ConditionalSelect(Vector512.LessThan(magnitude, Vector512.Create((uint)LeastBeyond)), finite, special);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<uint> IsNaN(Vector<uint> bits) => Vector.AsVectorUInt32(
        Vector.GreaterThan(Vector.AsVectorInt32(bits & new Vector<uint>(0x7FFF_FFFF)), new Vector<int>((int)FloatInfinity)));
}
