using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using V = System.Runtime.Intrinsics.Vector512<int>;

namespace Thomas.Kernels.Quantized;

/// <summary>512-bit vectors of AVX-512.</summary>
internal readonly unsafe struct Ints512 : IIntSimd<V>
{
    public static int Length => 16;

    public static V Create(int value) => Vector512.Create(value);

    public static V Load(void* source) => Vector512.Load((int*)source);

    public static void Store(V value, void* target) => value.Store((int*)target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LoadBytes(byte* source, bool isSigned) => isSigned
        ? Avx512F.ConvertToVector512Int32(Vector128.Load((sbyte*)source))
        : Avx512F.ConvertToVector512Int32(Vector128.Load(source));

    public static V Add(V a, V b) => a + b;

    public static V Subtract(V a, V b) => a - b;

    public static V Multiply(V a, V b) => a * b;

    public static V And(V a, V b) => a & b;

    public static V Or(V a, V b) => a | b;

    public static V Xor(V a, V b) => a ^ b;

    public static V Max(V a, V b) => Vector512.Max(a, b);

    public static V Min(V a, V b) => Vector512.Min(a, b);

    public static V ShiftLeft(V a, int bits) => a << bits;

    public static V ShiftRight(V a, int bits) => a >> bits;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Steps(V sums, float* ratios, float least, float most)
    {
        Vector512<float> steps = Avx512F.ConvertToVector512Single(sums) * Vector512.Load(ratios);
        return Avx512F.ConvertToVector512Int32(Avx512F.Min(Avx512F.Max(steps, Vector512.Create(least)), Vector512.Create(most)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V FixedPoint(V sums, int* multipliers, int* lefts, int* rights)
    {
        V x = Avx512F.ShiftLeftLogicalVariable(sums, Vector512.Load(lefts).AsUInt32()), factor = Vector512.Load(multipliers);

        // Of the sum of product and half, bits 31 to 62.
        Vector512<long> half = Vector512.Create(1L << 30);
        V even = ((Avx512F.Multiply(x, factor) + half) >>> 31).AsInt32();
        V odd = ((Avx512F.Multiply((x.AsInt64() >>> 32).AsInt32(), (factor.AsInt64() >>> 32).AsInt32()) + half) << 1).AsInt32();
        V product = Vector512.ConditionalSelect(Vector512.Create(0x00000000FFFFFFFFL).AsInt32(), even, odd);
        Vector512<uint> right = Vector512.Load(rights).AsUInt32();
        V mask = Avx512F.ShiftLeftLogicalVariable(V.One, right) - V.One, rest = product & mask;
        V threshold = (mask >>> 1) + (product >>> 31);
        return Avx512F.ShiftRightArithmeticVariable(product, right) - Vector512.GreaterThan(rest, threshold);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(V steps, ByteGrid* grid, byte* target) =>
        Avx512F.ConvertToVector128Byte((steps + Vector512.Create(grid->Zero)).AsUInt32()).Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreFour(V s0, V s1, V s2, V s3, ByteGrid* grid, byte* y0, byte* y1, byte* y2, byte* y3)
    {
        StoreBytes(s0, grid, y0);
        StoreBytes(s1, grid, y1);
        StoreBytes(s2, grid, y2);
        StoreBytes(s3, grid, y3);
    }
}
