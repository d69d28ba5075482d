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
    public static V Steps(V sums, float* ratios) => Avx.ConvertToVector256Int32(Avx.ConvertToVector256Single(sums) * Vector256.Load(ratios));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Steps(V sums, float* ratios, ByteGrid* grid)
    {
        Vector256<float> steps = Avx.ConvertToVector256Single(sums) * Vector256.Load(ratios);
        return Avx.ConvertToVector256Int32(Avx.Min(Avx.Max(steps, Vector256.Create((float)grid->Least)), Vector256.Create((float)grid->Most)));
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
        Vector128<short> halves = Sse2.AddSaturate(Sse2.PackSignedSaturate(steps.GetLower(), steps.GetUpper()), Vector128.Create(grid->BiasedZero));
        Vector128<byte> bytes = Sse2.PackUnsignedSaturate(halves, halves);
        bytes = Sse2.Min(Sse2.Max(bytes, Vector128.Create(grid->BiasedLower)), Vector128.Create(grid->BiasedUpper));
        (bytes ^ Vector128.Create(grid->Bias)).GetLower().Store(target);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreFour(V s0, V s1, V s2, V s3, ByteGrid* grid, byte* y0, byte* y1, byte* y2, byte* y3)
    {
        Vector256<long> bytes = Bytes(s0, s1, s2, s3, grid).AsInt64();
        Vector128<long> first = bytes.GetLower(), last = bytes.GetUpper();
        Unsafe.WriteUnaligned(y0, first.GetElement(0));
        Unsafe.WriteUnaligned(y1, first.GetElement(1));
        Unsafe.WriteUnaligned(y2, last.GetElement(0));
        Unsafe.WriteUnaligned(y3, last.GetElement(1));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreTwoPairs(V s0, V s1, V s2, V s3, ByteGrid* grid, byte* y0, byte* y1)
    {
        Vector256<byte> bytes = Bytes(s0, s1, s2, s3, grid);
        bytes.GetLower().Store(y0);
        bytes.GetUpper().Store(y1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> Bytes(V s0, V s1, V s2, V s3, ByteGrid* grid)
    {
        Vector256<short> zero = Vector256.Create(grid->BiasedZero);
        Vector256<short> low = Avx2.AddSaturate(Avx2.PackSignedSaturate(s0, s1), zero), high = Avx2.AddSaturate(Avx2.PackSignedSaturate(s2, s3), zero);
        Vector256<byte> bytes = Avx2.PackUnsignedSaturate(low, high);
        bytes = Avx2.Min(Avx2.Max(bytes, Vector256.Create(grid->BiasedLower)), Vector256.Create(grid->BiasedUpper)) ^ Vector256.Create(grid->Bias);

        // Packing works in halves: four numbers of each vector, then the other four of each.
        return Avx2.PermuteVar8x32(bytes.AsInt32(), Vector256.Create(0, 4, 1, 5, 2, 6, 3, 7)).AsByte();
    }
}
