using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using V128 = System.Runtime.Intrinsics.Vector128<int>;
using V256 = System.Runtime.Intrinsics.Vector256<int>;
using V512 = System.Runtime.Intrinsics.Vector512<int>;

namespace Thomas.Kernels.Quantized;

/// <summary>Pixels of a few rows that lie one below the other; see <see cref="QuantizedColumns"/>.</summary>
internal unsafe struct QuantizedColumnRows
{
    /// <summary>First channel of the first pixel of each row.</summary>
    public byte* R0, R1, R2, R3;

    /// <summary>Bytes from a row's pixel to the next.</summary>
    public nint S0, S1, S2, S3;

    /// <summary>Moves on to the next pixel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Advance()
    {
        R0 += S0;
        R1 += S1;
        R2 += S2;
        R3 += S3;
    }
}

/// <summary>
/// Puts the numbers that lie one below the other in two or four rows beside each other, channel by channel, as 32 bits: what a depthwise convolution multiplies
/// by as many taps of a column of its window.
/// </summary>
internal static unsafe class QuantizedColumns
{
    /// <summary>Where the bytes of 16 quads lie in four times 16 bytes.</summary>
    public static Vector512<byte> Places
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ((Vector512<int>.Indices * Vector512.Create(0x01010101)) + Vector512.Create(0x30201000)).AsByte();
    }

    /// <summary>Four bytes of four rows.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="pixels">Pixels.</param>
    /// <param name="channels">Channels.</param>
    /// <param name="flip">Combined with four bytes (exclusive or).</param>
    /// <param name="target">Receives 32 bits for each channel.</param>
    /// <param name="step">Numbers from one pixel to the next.</param>
    public static void Quads(in QuantizedColumnRows rows, int pixels, int channels, int flip, int* target, nint step)
    {
        int done = 0;
        if (Avx512Vbmi.IsSupported && CpuFeatures.Tier == InstructionTier.Avx512)
        {
            int twice = channels / 32 * 32;
            done = channels / 16 * 16;
            if (twice > 0) MoreQuads(rows, pixels, twice, flip, target, step);
            if (twice < done) SixteenQuads(rows, pixels, twice, done, flip, target, step);
        }
        else if (CpuFeatures.VectorLength >= 8)
        {
            done = channels / 32 * 32;
            ThirtyTwoQuads(rows, pixels, done, flip, target, step);
        }

        if (done < channels) AnyQuads(rows, pixels, done, channels, flip, target, step);
    }

    /// <summary>Two numbers of the first two rows, widened to 16 bits and less a zero point.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="pixels">Pixels.</param>
    /// <param name="channels">Channels.</param>
    /// <param name="isSigned">Whether they are int8, else uint8.</param>
    /// <param name="zero">The zero point.</param>
    /// <param name="target">Receives 32 bits for each channel.</param>
    /// <param name="step">Numbers from one pixel to the next.</param>
    public static void Pairs(QuantizedColumnRows rows, int pixels, int channels, bool isSigned, int zero, int* target, nint step)
    {
        int done = 0;
        if (CpuFeatures.VectorLength >= 16) done = Pairs<Ints512, V512>(rows, pixels, done, channels, isSigned, zero, target, step);
        if (CpuFeatures.VectorLength >= 8 && done < channels) done = Pairs<Ints256, V256>(rows, pixels, done, channels, isSigned, zero, target, step);
        if (CpuFeatures.VectorLength >= 4 && done < channels) done = Pairs<Ints128, V128>(rows, pixels, done, channels, isSigned, zero, target, step);
        if (done < channels) Pairs<Ints1, int>(rows, pixels, done, channels, isSigned, zero, target, step);
    }

    /// <summary>Fills pixels.</summary>
    public static void Fill(int value, int pixels, int channels, int* target, nint step)
    {
        for (; pixels > 0; pixels--, target += step) new System.Span<int>(target, channels).Fill(value);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int Pairs<TSimd, TVec>(QuantizedColumnRows rows, int pixels, int first, int channels, bool isSigned, int zero, int* target, nint step)
        where TSimd : struct, IIntSimd<TVec>
        where TVec : unmanaged
    {
        int end = channels - TSimd.Length + 1, done = first + ((channels - first) / TSimd.Length * TSimd.Length);
        TVec zeros = TSimd.Create(zero), mask = TSimd.Create(ushort.MaxValue);
        for (; pixels > 0; pixels--)
        {
            for (int c = first; c < end; c += TSimd.Length)
            {
                TVec low = TSimd.And(TSimd.Subtract(TSimd.LoadBytes(rows.R0 + c, isSigned), zeros), mask);
                TVec high = TSimd.ShiftLeft(TSimd.Subtract(TSimd.LoadBytes(rows.R1 + c, isSigned), zeros), 16);
                TSimd.Store(TSimd.Or(low, high), target + c);
            }

            rows.Advance();
            target += step;
        }

        return done;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MoreQuads(QuantizedColumnRows rows, int pixels, int channels, int flip, int* target, nint step)
    {
        Vector512<byte> flips = Vector512.Create(flip).AsByte();
        Vector512<byte> low = ((Vector512<int>.Indices * Vector512.Create(0x01010101)) + Vector512.Create(0x60402000)).AsByte();
        Vector512<byte> high = low + Vector512.Create((byte)16);
        for (; pixels > 0; pixels--)
        {
            for (nint c = 0; c < channels; c += 32)
            {
                Vector512<byte> r01 = Avx512F.InsertVector256(Vector256.Load(rows.R0 + c).ToVector512Unsafe(), Vector256.Load(rows.R1 + c), 1) ^ flips;
                Vector512<byte> r23 = Avx512F.InsertVector256(Vector256.Load(rows.R2 + c).ToVector512Unsafe(), Vector256.Load(rows.R3 + c), 1) ^ flips;
                Avx512Vbmi.PermuteVar64x8x2(r01, low, r23).Store((byte*)(target + c));
                Avx512Vbmi.PermuteVar64x8x2(r01, high, r23).Store((byte*)(target + c + 16));
            }

            rows.Advance();
            target += step;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SixteenQuads(QuantizedColumnRows rows, int pixels, int first, int channels, int flip, int* target, nint step)
    {
        Vector512<byte> flips = Vector512.Create(flip).AsByte();
        Vector512<byte> places = Places;
        for (; pixels > 0; pixels--)
        {
            for (nint c = first; c < channels; c += 16)
            {
                Vector256<byte> r01 = Vector128.Load(rows.R0 + c).ToVector256Unsafe().WithUpper(Vector128.Load(rows.R1 + c));
                Vector256<byte> r23 = Vector128.Load(rows.R2 + c).ToVector256Unsafe().WithUpper(Vector128.Load(rows.R3 + c));
                Vector512<byte> all = Avx512F.InsertVector256(r01.ToVector512Unsafe(), r23, 1) ^ flips;
                Avx512Vbmi.PermuteVar64x8(all, places).Store((byte*)(target + c));
            }

            rows.Advance();
            target += step;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ThirtyTwoQuads(QuantizedColumnRows rows, int pixels, int channels, int flip, int* target, nint step)
    {
        Vector256<byte> flips = Vector256.Create(flip).AsByte();
        for (; pixels > 0; pixels--)
        {
            for (nint c = 0; c < channels; c += 32)
            {
                Vector256<byte> r0 = Vector256.Load(rows.R0 + c) ^ flips, r1 = Vector256.Load(rows.R1 + c) ^ flips;
                Vector256<byte> r2 = Vector256.Load(rows.R2 + c) ^ flips, r3 = Vector256.Load(rows.R3 + c) ^ flips;
                Vector256<short> low01 = Avx2.UnpackLow(r0, r1).AsInt16(), high01 = Avx2.UnpackHigh(r0, r1).AsInt16();
                Vector256<short> low23 = Avx2.UnpackLow(r2, r3).AsInt16(), high23 = Avx2.UnpackHigh(r2, r3).AsInt16();

                // Unpacking works in halves: 16 channels on.
                V256 q0 = Avx2.UnpackLow(low01, low23).AsInt32(), q1 = Avx2.UnpackHigh(low01, low23).AsInt32();
                V256 q2 = Avx2.UnpackLow(high01, high23).AsInt32(), q3 = Avx2.UnpackHigh(high01, high23).AsInt32();
                q0.GetLower().Store(target + c);
                q1.GetLower().Store(target + c + 4);
                q2.GetLower().Store(target + c + 8);
                q3.GetLower().Store(target + c + 12);
                q0.GetUpper().Store(target + c + 16);
                q1.GetUpper().Store(target + c + 20);
                q2.GetUpper().Store(target + c + 24);
                q3.GetUpper().Store(target + c + 28);
            }

            rows.Advance();
            target += step;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AnyQuads(QuantizedColumnRows rows, int pixels, int first, int channels, int flip, int* target, nint step)
    {
        Vector128<byte> flips = Vector128.Create(flip).AsByte();
        for (; pixels > 0; pixels--)
        {
            int c = first;
            for (; c <= channels - 16; c += 16)
            {
                Interleave(
                    Vector128.Load(rows.R0 + c) ^ flips, Vector128.Load(rows.R1 + c) ^ flips, Vector128.Load(rows.R2 + c) ^ flips,
                    Vector128.Load(rows.R3 + c) ^ flips, out V128 q0, out V128 q1, out V128 q2, out V128 q3);
                q0.Store(target + c);
                q1.Store(target + c + 4);
                q2.Store(target + c + 8);
                q3.Store(target + c + 12);
            }

            if (c <= channels - 8)
            {
                Interleave(
                    Eight(rows.R0 + c) ^ flips, Eight(rows.R1 + c) ^ flips, Eight(rows.R2 + c) ^ flips, Eight(rows.R3 + c) ^ flips,
                    out V128 q0, out V128 q1, out _, out _);
                q0.Store(target + c);
                q1.Store(target + c + 4);
                c += 8;
            }

            for (; c < channels; c++) target[c] = (rows.R0[c] | (rows.R1[c] << 8) | (rows.R2[c] << 16) | (rows.R3[c] << 24)) ^ flip;
            rows.Advance();
            target += step;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Eight(byte* source) => Vector128.CreateScalar(Unsafe.ReadUnaligned<ulong>(source)).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Interleave(
        Vector128<byte> r0, Vector128<byte> r1, Vector128<byte> r2, Vector128<byte> r3, out V128 q0, out V128 q1, out V128 q2, out V128 q3)
    {
        if (Sse2.IsSupported)
        {
            Vector128<short> low01 = Sse2.UnpackLow(r0, r1).AsInt16(), high01 = Sse2.UnpackHigh(r0, r1).AsInt16();
            Vector128<short> low23 = Sse2.UnpackLow(r2, r3).AsInt16(), high23 = Sse2.UnpackHigh(r2, r3).AsInt16();
            (q0, q1) = (Sse2.UnpackLow(low01, low23).AsInt32(), Sse2.UnpackHigh(low01, low23).AsInt32());
            (q2, q3) = (Sse2.UnpackLow(high01, high23).AsInt32(), Sse2.UnpackHigh(high01, high23).AsInt32());
        }
        else
        {
            // Only Arm64's dot product takes quads else.
            Vector128<short> low01 = AdvSimd.Arm64.ZipLow(r0, r1).AsInt16(), high01 = AdvSimd.Arm64.ZipHigh(r0, r1).AsInt16();
            Vector128<short> low23 = AdvSimd.Arm64.ZipLow(r2, r3).AsInt16(), high23 = AdvSimd.Arm64.ZipHigh(r2, r3).AsInt16();
            (q0, q1) = (AdvSimd.Arm64.ZipLow(low01, low23).AsInt32(), AdvSimd.Arm64.ZipHigh(low01, low23).AsInt32());
            (q2, q3) = (AdvSimd.Arm64.ZipLow(high01, high23).AsInt32(), AdvSimd.Arm64.ZipHigh(high01, high23).AsInt32());
        }
    }
}
