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
    public static V Quotient(V a, float by) => Vector256.ConvertToInt32Native(Vector256.ConvertToSingle(a) / Vector256.Create(by));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Steps(V sums, float* ratios) => Avx.ConvertToVector256Int32(Avx.ConvertToVector256Single(sums) * Vector256.Load(ratios));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Steps(V sums, float* ratios, ByteGrid* grid)
    {
        Vector256<float> steps = Avx.ConvertToVector256Single(sums) * Vector256.Load(ratios);
        return Avx.ConvertToVector256Int32(Avx.Min(Avx.Max(steps, Vector256.Create((float)grid->Least)), Vector256.Create((float)grid->Most)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V WeightedSum(V a, V b, float ratioA, float ratioB, float offset)
    {
        Vector256<float> second = Vector256.FusedMultiplyAdd(Avx.ConvertToVector256Single(b), Vector256.Create(ratioB), Vector256.Create(offset));
        return Avx.ConvertToVector256Int32(Vector256.FusedMultiplyAdd(Avx.ConvertToVector256Single(a), Vector256.Create(ratioA), second));
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
    public static V Quantize(float* x, QuantizationRule rule, float scale, float least, float most)
    {
        Vector256<float> steps = Vector256.Load(x), by = Vector256.Create(scale);
        steps = rule == QuantizationRule.Reciprocal ? steps * by : steps / by;
        steps = Vector256.MinNative(Vector256.MaxNative(steps & Vector256.Equals(steps, steps), Vector256.Create(least)), Vector256.Create(most));
        if (rule != QuantizationRule.AwayFromZero) return Avx.ConvertToVector256Int32(steps);

        // With the largest number below a half, halves reach the next integer and nothing else does.
        Vector256<float> half = (steps & Vector256.Create(-0f)) | Vector256.Create(QuantizeKernel.AlmostHalf);
        return Vector256.ConvertToInt32(steps + half);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreScaled(V a, float scale, float* target) => (Vector256.ConvertToSingle(a) * Vector256.Create(scale)).Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadGrid(ByteGrid* grid, out V zero, out V lower, out V upper, out V bias)
    {
        zero = Vector256.Create(grid->BiasedZero).AsInt32();
        lower = Vector256.Create(grid->BiasedLower).AsInt32();
        upper = Vector256.Create(grid->BiasedUpper).AsInt32();
        bias = Vector256.Create(grid->Bias).AsInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(V steps, V zero, V lower, V upper, V bias, byte* target)
    {
        Vector128<short> halves = Sse2.AddSaturate(Sse2.PackSignedSaturate(steps.GetLower(), steps.GetUpper()), zero.GetLower().AsInt16());
        Vector128<byte> bytes = Sse2.PackUnsignedSaturate(halves, halves);
        bytes = Sse2.Min(Sse2.Max(bytes, lower.GetLower().AsByte()), upper.GetLower().AsByte());
        (bytes ^ bias.GetLower().AsByte()).GetLower().Store(target);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreFour(V s0, V s1, V s2, V s3, V zero, V lower, V upper, V bias, byte* y, nint step)
    {
        Vector256<float> bytes = Bytes(s0, s1, s2, s3, zero, lower, upper, bias).AsSingle();
        Vector128<float> first = bytes.GetLower(), last = bytes.GetUpper();
        Sse.StoreLow((float*)y, first);
        Sse.StoreHigh((float*)(y + step), first);
        Sse.StoreLow((float*)(y + (2 * step)), last);
        Sse.StoreHigh((float*)(y + (3 * step)), last);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreTwoPairs(V s0, V s1, V s2, V s3, V zero, V lower, V upper, V bias, byte* y, nint step)
    {
        Vector256<byte> bytes = Bytes(s0, s1, s2, s3, zero, lower, upper, bias);
        bytes.GetLower().Store(y);
        bytes.GetUpper().Store(y + step);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> Bytes(V s0, V s1, V s2, V s3, V zero, V lower, V upper, V bias)
    {
        Vector256<short> low = Avx2.AddSaturate(Avx2.PackSignedSaturate(s0, s1), zero.AsInt16());
        Vector256<short> high = Avx2.AddSaturate(Avx2.PackSignedSaturate(s2, s3), zero.AsInt16());
        Vector256<byte> bytes = Avx2.Min(Avx2.Max(Avx2.PackUnsignedSaturate(low, high), lower.AsByte()), upper.AsByte()) ^ bias.AsByte();

        // Packing works in halves: four numbers of each vector, then the other four of each.
        return Avx2.PermuteVar8x32(bytes.AsInt32(), Vector256.Create(0, 4, 1, 5, 2, 6, 3, 7)).AsByte();
    }
}
