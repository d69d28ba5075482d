using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using V = System.Runtime.Intrinsics.Vector128<int>;

namespace Thomas.Kernels.Quantized;

/// <summary>128-bit vectors of any processor.</summary>
internal readonly unsafe struct Ints128 : IIntSimd<V>
{
    public static int Length => 4;

    public static V Create(int value) => Vector128.Create(value);

    public static V Load(void* source) => Vector128.Load((int*)source);

    public static void Store(V value, void* target) => value.Store((int*)target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LoadBytes(byte* source, bool isSigned)
    {
        Vector128<uint> bits = Vector128.CreateScalar(Unsafe.ReadUnaligned<uint>(source));
        return isSigned
            ? Vector128.WidenLower(Vector128.WidenLower(bits.AsSByte()))
            : Vector128.WidenLower(Vector128.WidenLower(bits.AsByte())).AsInt32();
    }

    public static V Add(V a, V b) => a + b;

    public static V Subtract(V a, V b) => a - b;

    public static V Multiply(V a, V b) => a * b;

    public static V And(V a, V b) => a & b;

    public static V Or(V a, V b) => a | b;

    public static V Xor(V a, V b) => a ^ b;

    public static V Max(V a, V b) => Vector128.Max(a, b);

    public static V Min(V a, V b) => Vector128.Min(a, b);

    public static V ShiftLeft(V a, int bits) => a << bits;

    public static V ShiftRight(V a, int bits) => a >> bits;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Quotient(V a, float by) => Vector128.ConvertToInt32Native(Vector128.ConvertToSingle(a) / Vector128.Create(by));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Steps(V sums, float* ratios) => Round(Vector128.ConvertToSingle(sums) * Vector128.Load(ratios));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Steps(V sums, float* ratios, ByteGrid* grid)
    {
        Vector128<float> steps = Vector128.ConvertToSingle(sums) * Vector128.Load(ratios);
        return Round(Vector128.MinNative(Vector128.MaxNative(steps, Vector128.Create((float)grid->Least)), Vector128.Create((float)grid->Most)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V WeightedSum(V a, V b, float ratioA, float ratioB, float offset)
    {
        Vector128<float> second = Vector128.FusedMultiplyAdd(Vector128.ConvertToSingle(b), Vector128.Create(ratioB), Vector128.Create(offset));
        return Round(Vector128.FusedMultiplyAdd(Vector128.ConvertToSingle(a), Vector128.Create(ratioA), second));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V FixedPoint(V sums, int* multipliers, int* lefts, int* rights)
    {
        if (!AdvSimd.IsSupported)
        {
            // Without shifts by element there is little to win.
            int* numbers = stackalloc int[Length];
            sums.Store(numbers);
            for (int i = 0; i < Length; i++) numbers[i] = Ints1.FixedPoint(numbers[i], multipliers + i, lefts + i, rights + i);
            return Vector128.Load(numbers);
        }

        V right = Vector128.Load(rights);
        V product = AdvSimd.MultiplyRoundedDoublingSaturateHigh(AdvSimd.ShiftLogical(sums, Vector128.Load(lefts)), Vector128.Load(multipliers));
        V mask = AdvSimd.ShiftLogical(V.One, right) - V.One, rest = product & mask;
        V threshold = Vector128.ShiftRightLogical(mask, 1) + Vector128.ShiftRightLogical(product, 31);
        return AdvSimd.ShiftArithmetic(product, -right) - Vector128.GreaterThan(rest, threshold);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Quantize(float* x, QuantizationRule rule, float scale, float least, float most)
    {
        Vector128<float> steps = Vector128.Load(x), by = Vector128.Create(scale);
        steps = rule == QuantizationRule.Reciprocal ? steps * by : steps / by;
        steps = Vector128.MinNative(Vector128.MaxNative(steps & Vector128.Equals(steps, steps), Vector128.Create(least)), Vector128.Create(most));
        if (rule != QuantizationRule.AwayFromZero) return Round(steps);

        // With the largest number below a half, halves reach the next integer and nothing else does.
        Vector128<float> half = (steps & Vector128.Create(-0f)) | Vector128.Create(QuantizeKernel.AlmostHalf);
        return Vector128.ConvertToInt32(steps + half);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreScaled(V a, float scale, float* target) => (Vector128.ConvertToSingle(a) * Vector128.Create(scale)).Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadGrid(ByteGrid* grid, out V zero, out V lower, out V upper, out V bias)
    {
        bias = Vector128.Create(grid->Bias).AsInt32();
        if (Sse2.IsSupported)
        {
            zero = Vector128.Create(grid->BiasedZero).AsInt32();
            lower = Vector128.Create(grid->BiasedLower).AsInt32();
            upper = Vector128.Create(grid->BiasedUpper).AsInt32();
            return;
        }

        zero = Vector128.Create((short)grid->Zero).AsInt32();
        lower = Vector128.Create(grid->Least);
        upper = Vector128.Create(grid->Most);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(V steps, V zero, V lower, V upper, V bias, byte* target) =>
        Unsafe.WriteUnaligned(target, Bytes(steps, steps, steps, steps, zero, lower, upper, bias).ToScalar());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreFour(V s0, V s1, V s2, V s3, V zero, V lower, V upper, V bias, byte* y, nint step)
    {
        Vector128<uint> bytes = Bytes(s0, s1, s2, s3, zero, lower, upper, bias);
        Unsafe.WriteUnaligned(y, bytes.GetElement(0));
        Unsafe.WriteUnaligned(y + step, bytes.GetElement(1));
        Unsafe.WriteUnaligned(y + (2 * step), bytes.GetElement(2));
        Unsafe.WriteUnaligned(y + (3 * step), bytes.GetElement(3));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreTwoPairs(V s0, V s1, V s2, V s3, V zero, V lower, V upper, V bias, byte* y, nint step)
    {
        Vector128<ulong> bytes = Bytes(s0, s1, s2, s3, zero, lower, upper, bias).AsUInt64();
        Unsafe.WriteUnaligned(y, bytes.GetElement(0));
        Unsafe.WriteUnaligned(y + step, bytes.GetElement(1));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Round(Vector128<float> x)
    {
        if (Sse2.IsSupported) return Sse2.ConvertToVector128Int32(x);
        if (AdvSimd.IsSupported) return AdvSimd.ConvertToInt32RoundToEven(x);
        return Vector128.ConvertToInt32(Vector128.Round(x));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> Bytes(V s0, V s1, V s2, V s3, V zero, V lower, V upper, V bias)
    {
        Vector128<short> step = zero.AsInt16();
        if (Sse2.IsSupported)
        {
            Vector128<short> low = Sse2.AddSaturate(Sse2.PackSignedSaturate(s0, s1), step), high = Sse2.AddSaturate(Sse2.PackSignedSaturate(s2, s3), step);
            Vector128<byte> bytes = Sse2.PackUnsignedSaturate(low, high);
            return (Sse2.Min(Sse2.Max(bytes, lower.AsByte()), upper.AsByte()) ^ bias.AsByte()).AsUInt32();
        }

        s0 = Vector128.Min(Vector128.Max(s0, lower), upper);
        s1 = Vector128.Min(Vector128.Max(s1, lower), upper);
        s2 = Vector128.Min(Vector128.Max(s2, lower), upper);
        s3 = Vector128.Min(Vector128.Max(s3, lower), upper);
        return Vector128.Narrow(Vector128.Narrow(s0, s1) + step, Vector128.Narrow(s2, s3) + step).AsUInt32();
    }
}
