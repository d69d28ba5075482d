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
    public static V Quotient(V a, float by) => Vector512.ConvertToInt32Native(Vector512.ConvertToSingle(a) / Vector512.Create(by));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Steps(V sums, float* ratios) => Avx512F.ConvertToVector512Int32(Avx512F.ConvertToVector512Single(sums) * Vector512.Load(ratios));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Steps(V sums, float* ratios, ByteGrid* grid)
    {
        Vector512<float> steps = Avx512F.ConvertToVector512Single(sums) * Vector512.Load(ratios);
        return Avx512F.ConvertToVector512Int32(Avx512F.Min(Avx512F.Max(steps, Vector512.Create((float)grid->Least)), Vector512.Create((float)grid->Most)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V WeightedSum(V a, V b, float ratioA, float ratioB, float offset)
    {
        Vector512<float> second = Vector512.FusedMultiplyAdd(Avx512F.ConvertToVector512Single(b), Vector512.Create(ratioB), Vector512.Create(offset));
        return Avx512F.ConvertToVector512Int32(Vector512.FusedMultiplyAdd(Avx512F.ConvertToVector512Single(a), Vector512.Create(ratioA), second));
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
    public static V Quantize(float* x, QuantizationRule rule, float scale, float least, float most)
    {
        Vector512<float> steps = Vector512.Load(x), by = Vector512.Create(scale);
        steps = rule == QuantizationRule.Reciprocal ? steps * by : steps / by;
        steps = Vector512.MinNative(Vector512.MaxNative(steps & Vector512.Equals(steps, steps), Vector512.Create(least)), Vector512.Create(most));
        if (rule != QuantizationRule.AwayFromZero) return Avx512F.ConvertToVector512Int32(steps);

        // With the largest number below a half, halves reach the next integer and nothing else does.
        Vector512<float> half = (steps & Vector512.Create(-0f)) | Vector512.Create(QuantizeKernel.AlmostHalf);
        return Vector512.ConvertToInt32(steps + half);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreScaled(V a, float scale, float* target) => (Vector512.ConvertToSingle(a) * Vector512.Create(scale)).Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadGrid(ByteGrid* grid, out V zero, out V lower, out V upper, out V bias)
    {
        zero = Vector512.Create(grid->BiasedZero).AsInt32();
        lower = Vector512.Create(grid->BiasedLower).AsInt32();
        upper = Vector512.Create(grid->BiasedUpper).AsInt32();
        bias = Vector512.Create(grid->Bias).AsInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(V steps, V zero, V lower, V upper, V bias, byte* target) =>
        Bytes(steps, steps, steps, steps, zero, lower, upper, bias, clips: true).GetLower().GetLower().Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreFour(V s0, V s1, V s2, V s3, V zero, V lower, V upper, V bias, byte* y, nint step)
    {
        StoreFour(Bytes(s0, s1, s2, s3, zero, lower, upper, bias, clips: true), y, step);
    }

    /// <summary>The sixteen bytes of each vector to a place of its own.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreFour(Vector512<byte> bytes, byte* y, nint step)
    {
        bytes.GetLower().GetLower().Store(y);
        Avx512F.ExtractVector128(bytes, 1).Store(y + step);
        Avx512F.ExtractVector128(bytes, 2).Store(y + (2 * step));
        Avx512F.ExtractVector128(bytes, 3).Store(y + (3 * step));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreTwoPairs(V s0, V s1, V s2, V s3, V zero, V lower, V upper, V bias, byte* y, nint step)
    {
        Vector512<byte> bytes = Bytes(s0, s1, s2, s3, zero, lower, upper, bias, clips: true);
        bytes.GetLower().Store(y);
        bytes.GetUpper().Store(y + step);
    }

    /// <summary>Sixteen results of each vector; where the bounds are those of bytes, packing clips already, and two instructions less are told.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Bytes(V s0, V s1, V s2, V s3, V zero, V lower, V upper, V bias, bool clips)
    {
        Vector512<short> low = Avx512BW.AddSaturate(Avx512BW.PackSignedSaturate(s0, s1), zero.AsInt16());
        Vector512<short> high = Avx512BW.AddSaturate(Avx512BW.PackSignedSaturate(s2, s3), zero.AsInt16());
        Vector512<byte> bytes = Avx512BW.PackUnsignedSaturate(low, high);
        if (clips) bytes = Avx512BW.Min(Avx512BW.Max(bytes, lower.AsByte()), upper.AsByte());

        // Packing works in quarters: four numbers of each vector, then the next four of each.
        return Avx512F.PermuteVar16x32(bytes.AsInt32() ^ bias, Vector512.Create(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15)).AsByte();
    }
}
