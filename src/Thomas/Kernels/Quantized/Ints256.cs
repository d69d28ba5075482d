using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using V = System.Runtime.Intrinsics.Vector256<int>;

namespace Thomas.Kernels.Quantized;

/// <summary>256-bit vectors of AVX2.</summary>
internal readonly unsafe struct Ints256 : IIntSimd<V>
{
    public static int Length => 8;

    public static V Create(int value) => Vector256.Create(value);

    public static V Load(void* source) => Vector256.Load((int*)source);

    public static void Store(V value, void* target) => value.Store((int*)target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LoadBytes(byte* source, bool isSigned) =>
        isSigned ? Avx2.ConvertToVector256Int32((sbyte*)source) : Avx2.ConvertToVector256Int32(source);

    public static V Add(V a, V b) => a + b;

    public static V Subtract(V a, V b) => a - b;

    public static V Multiply(V a, V b) => a * b;

    public static V And(V a, V b) => a & b;

    public static V Or(V a, V b) => a | b;

    public static V Xor(V a, V b) => a ^ b;

    public static V Max(V a, V b) => Vector256.Max(a, b);

    public static V Min(V a, V b) => Vector256.Min(a, b);

    public static V ShiftLeft(V a, int bits) => a << bits;

    public static V ShiftRight(V a, int bits) => a >> bits;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Steps(V sums, float* ratios, float least, float most)
    {
        Vector256<float> steps = Avx.ConvertToVector256Single(sums) * Vector256.Load(ratios);
        return Avx.ConvertToVector256Int32(Avx.Min(Avx.Max(steps, Vector256.Create(least)), Vector256.Create(most)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V FixedPoint(V sums, int* multipliers, int* lefts, int* rights)
    {
        V x = Avx2.ShiftLeftLogicalVariable(sums, Vector256.Load(lefts).AsUInt32()), factor = Vector256.Load(multipliers);

        // Of the sum of product and half, bits 31 to 62.
        Vector256<long> half = Vector256.Create(1L << 30);
        V even = ((Avx2.Multiply(x, factor) + half) >>> 31).AsInt32();
        V odd = ((Avx2.Multiply((x.AsInt64() >>> 32).AsInt32(), (factor.AsInt64() >>> 32).AsInt32()) + half) << 1).AsInt32();
        V product = Avx2.Blend(even, odd, 0b10101010);
        Vector256<uint> right = Vector256.Load(rights).AsUInt32();
        V mask = Avx2.ShiftLeftLogicalVariable(V.One, right) - V.One, rest = product & mask;
        V threshold = (mask >>> 1) + (product >>> 31);
        return Avx2.ShiftRightArithmeticVariable(product, right) - Avx2.CompareGreaterThan(rest, threshold);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(V steps, ByteGrid* grid, byte* target)
    {
        Vector128<short> halves = Sse2.PackSignedSaturate(steps.GetLower(), steps.GetUpper()) + Vector128.Create((short)(grid->Zero + grid->Bias));
        Vector128<byte> bytes = Sse2.PackUnsignedSaturate(halves, halves) ^ Vector128.Create((byte)grid->Bias);
        bytes.GetLower().Store(target);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreFour(V s0, V s1, V s2, V s3, ByteGrid* grid, byte* y0, byte* y1, byte* y2, byte* y3)
    {
        Vector256<short> zero = Vector256.Create((short)(grid->Zero + grid->Bias));
        Vector256<short> low = Avx2.PackSignedSaturate(s0, s1) + zero, high = Avx2.PackSignedSaturate(s2, s3) + zero;

        // Packing works in halves: four numbers of each vector, then the other four of each.
        V mixed = (Avx2.PackUnsignedSaturate(low, high) ^ Vector256.Create((byte)grid->Bias)).AsInt32();
        Vector256<long> bytes = Avx2.PermuteVar8x32(mixed, Vector256.Create(0, 4, 1, 5, 2, 6, 3, 7)).AsInt64();
        Vector128<long> first = bytes.GetLower(), last = bytes.GetUpper();
        Unsafe.WriteUnaligned(y0, first.GetElement(0));
        Unsafe.WriteUnaligned(y1, first.GetElement(1));
        Unsafe.WriteUnaligned(y2, last.GetElement(0));
        Unsafe.WriteUnaligned(y3, last.GetElement(1));
    }
}
