using System;
using System.Runtime.CompilerServices;

namespace Thomas.Imaging.Jpeg;

/// <summary>
/// From the coefficients of a block to its samples: all 8x8 of them, or a reduced block of 4x4, 2x2 or 1, which the lowest coefficients alone give. Integers of
/// 13 fractional bits, by the factorization of Loeffler, Ligtenberg and Moschytz; for 8x8 the values are those of libjpeg's accurate transform.
/// </summary>
internal static class InverseDct
{
    private const int Side = 8, Length = Side * Side, FractionBits = 13, ExtraBits = 2, Middle = 128;

    // sqrt(2) times the cosines of multiples of pi/16, and their sums, as 13-bit fractions.
    private const int C0298 = 2446, C0390 = 3196, C0541 = 4433, C0765 = 6270, C0899 = 7373, C1175 = 9633, C1501 = 12299, C1847 = 15137, C1961 = 16069,
        C2053 = 16819, C2562 = 20995, C3072 = 25172;

    private static readonly int[]?[] Bases = [null, Basis(1), Basis(2), null, Basis(4)];

    /// <summary>Computes the samples of a block.</summary>
    /// <param name="block">The coefficients.</param>
    /// <param name="quantization">What they are multiples of.</param>
    /// <param name="side">Side of the result: 8, 4, 2 or 1.</param>
    /// <param name="target">The samples, the first of them first.</param>
    /// <param name="stride">Samples from one row to the next.</param>
    public static void Run(ReadOnlySpan<short> block, ReadOnlySpan<ushort> quantization, int side, Span<byte> target, int stride)
    {
        if (block[1..].IndexOfAnyExcept((short)0) < 0) Fill(Clamp(Rounded(block[0] * quantization[0], 3)), side, target, stride);
        else if (side == Side) RunFull(block, quantization, target, stride);
        else RunReduced(block, quantization, side, target, stride);
    }

    private static void Fill(byte value, int side, Span<byte> target, int stride)
    {
        for (int y = 0; y < side; y++) target.Slice(y * stride, side).Fill(value);
    }

    private static void RunFull(ReadOnlySpan<short> block, ReadOnlySpan<ushort> quantization, Span<byte> target, int stride)
    {
        Span<int> values = stackalloc int[Length];
        block = block[..Length];
        quantization = quantization[..Length];
        for (int i = 0; i < Length; i++) values[i] = block[i] * quantization[i];
        for (int x = 0; x < Side; x++) Transform(values[x..], Side, FractionBits - ExtraBits);
        for (int y = 0; y < Side; y++)
        {
            Span<int> row = values.Slice(y * Side, Side);
            Transform(row, 1, FractionBits + ExtraBits + 3);
            Span<byte> samples = target.Slice(y * stride, Side);
            for (int x = 0; x < Side; x++) samples[x] = Clamp(row[x]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transform(Span<int> v, int step, int shift)
    {
        int in0 = v[0], in1 = v[step], in2 = v[2 * step], in3 = v[3 * step], in4 = v[4 * step], in5 = v[5 * step], in6 = v[6 * step], in7 = v[7 * step];
        int shared = (in2 + in6) * C0541;
        int even2 = shared - (in6 * C1847), even3 = shared + (in2 * C0765);
        int even0 = (in0 + in4) << FractionBits, even1 = (in0 - in4) << FractionBits;
        (int e0, int e3, int e1, int e2) = (even0 + even3, even0 - even3, even1 + even2, even1 - even2);

        int all = (in7 + in3 + in5 + in1) * C1175;
        int a = -(in7 + in1) * C0899, b = -(in5 + in3) * C2562, c = all - ((in7 + in3) * C1961), d = all - ((in5 + in1) * C0390);
        int o0 = (in7 * C0298) + a + c, o1 = (in5 * C2053) + b + d, o2 = (in3 * C3072) + b + c, o3 = (in1 * C1501) + a + d;

        (v[0], v[7 * step]) = (Rounded(e0 + o3, shift), Rounded(e0 - o3, shift));
        (v[step], v[6 * step]) = (Rounded(e1 + o2, shift), Rounded(e1 - o2, shift));
        (v[2 * step], v[5 * step]) = (Rounded(e2 + o1, shift), Rounded(e2 - o1, shift));
        (v[3 * step], v[4 * step]) = (Rounded(e3 + o0, shift), Rounded(e3 - o0, shift));
    }

    private static void RunReduced(ReadOnlySpan<short> block, ReadOnlySpan<ushort> quantization, int side, Span<byte> target, int stride)
    {
        int[] basis = Bases[side]!;
        Span<int> columns = stackalloc int[side * side];
        for (int y = 0; y < side; y++)
        {
            for (int u = 0; u < side; u++)
            {
                int sum = 0;
                for (int v = 0; v < side; v++) sum += block[(v * Side) + u] * quantization[(v * Side) + u] * basis[(y * side) + v];
                columns[(y * side) + u] = Rounded(sum, FractionBits - ExtraBits);
            }
        }

        for (int y = 0; y < side; y++)
        {
            for (int x = 0; x < side; x++)
            {
                int sum = 0;
                for (int u = 0; u < side; u++) sum += columns[(y * side) + u] * basis[(x * side) + u];
                target[(y * stride) + x] = Clamp(Rounded(sum, FractionBits + ExtraBits));
            }
        }
    }

    // Half the cosine of (2x + 1) u pi / 2 side; for u = 0, half the root of a half.
    private static int[] Basis(int side)
    {
        int[] basis = new int[side * side];
        for (int x = 0; x < side; x++)
        {
            for (int u = 0; u < side; u++)
            {
                double cosine = u == 0 ? Math.Sqrt(0.5) : Math.Cos(((2 * x) + 1) * u * Math.PI / (2 * side));
                basis[(x * side) + u] = (int)Math.Round(cosine / 2 * (1 << FractionBits));
            }
        }

        return basis;
    }

    private static int Rounded(int value, int shift) => (value + (1 << (shift - 1))) >> shift;

    private static byte Clamp(int value) => (byte)Math.Clamp(value + Middle, 0, 255);
}
