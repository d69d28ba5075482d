using System;
using System.Runtime.CompilerServices;

namespace Thomas.Kernels.Quantized;

/// <summary>One number at a time.</summary>
internal readonly unsafe struct Ints1 : IIntSimd<int>
{
    public static int Length => 1;

    public static int Create(int value) => value;

    public static int Load(void* source) => Unsafe.ReadUnaligned<int>(source);

    public static void Store(int value, void* target) => Unsafe.WriteUnaligned(target, value);

    public static int LoadBytes(byte* source, bool isSigned) => isSigned ? (sbyte)*source : *source;

    public static int Add(int a, int b) => a + b;

    public static int Subtract(int a, int b) => a - b;

    public static int Multiply(int a, int b) => a * b;

    public static int And(int a, int b) => a & b;

    public static int Or(int a, int b) => a | b;

    public static int Xor(int a, int b) => a ^ b;

    public static int Max(int a, int b) => Math.Max(a, b);

    public static int Min(int a, int b) => Math.Min(a, b);

    public static int ShiftLeft(int a, int bits) => a << bits;

    public static int ShiftRight(int a, int bits) => a >> bits;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Quotient(int a, float by) => (int)(a / by);

    public static int Steps(int sums, float* ratios) => (int)MathF.Round(sums * *ratios, MidpointRounding.ToEven);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Steps(int sums, float* ratios, ByteGrid* grid) =>
        (int)MathF.Round(Math.Clamp(sums * *ratios, grid->Least, grid->Most), MidpointRounding.ToEven);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int WeightedSum(int a, int b, float ratioA, float ratioB, float offset) =>
        (int)MathF.Round(MathF.FusedMultiplyAdd(a, ratioA, MathF.FusedMultiplyAdd(b, ratioB, offset)), MidpointRounding.ToEven);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int FixedPoint(int sums, int* multipliers, int* lefts, int* rights) =>
        FixedPointFactor.ShiftRight(FixedPointFactor.HighProduct(sums << *lefts, *multipliers), *rights);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Quantize(float* x, QuantizationRule rule, float scale, float least, float most)
    {
        float steps = rule == QuantizationRule.Reciprocal ? *x * scale : *x / scale;
        if (float.IsNaN(steps)) return 0;
        MidpointRounding halves = rule == QuantizationRule.AwayFromZero ? MidpointRounding.AwayFromZero : MidpointRounding.ToEven;
        return (int)MathF.Round(Math.Clamp(steps, least, most), halves);
    }

    public static void StoreScaled(int a, float scale, float* target) => *target = a * scale;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadGrid(ByteGrid* grid, out int zero, out int lower, out int upper, out int bias)
    {
        (zero, lower, upper) = (grid->Zero, grid->Least, grid->Most);
        bias = 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(int steps, int zero, int lower, int upper, int bias, byte* target) =>
        *target = (byte)(Math.Clamp(steps, lower, upper) + zero);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreFour(int s0, int s1, int s2, int s3, int zero, int lower, int upper, int bias, byte* y, nint step)
    {
        StoreBytes(s0, zero, lower, upper, bias, y);
        StoreBytes(s1, zero, lower, upper, bias, y + step);
        StoreBytes(s2, zero, lower, upper, bias, y + (2 * step));
        StoreBytes(s3, zero, lower, upper, bias, y + (3 * step));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreTwoPairs(int s0, int s1, int s2, int s3, int zero, int lower, int upper, int bias, byte* y, nint step)
    {
        StoreBytes(s0, zero, lower, upper, bias, y);
        StoreBytes(s1, zero, lower, upper, bias, y + 1);
        StoreBytes(s2, zero, lower, upper, bias, y + step);
        StoreBytes(s3, zero, lower, upper, bias, y + step + 1);
    }
}
