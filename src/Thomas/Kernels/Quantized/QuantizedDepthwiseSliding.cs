using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using V256 = System.Runtime.Intrinsics.Vector256<int>;
using V512 = System.Runtime.Intrinsics.Vector512<int>;

namespace Thomas.Kernels.Quantized;

/// <summary>Arguments of <see cref="QuantizedDepthwiseSliding"/>.</summary>
internal unsafe struct QuantizedSlidingRow
{
    /// <summary>The first row of x that the windows see, from column 0 on.</summary>
    public byte* X;

    /// <summary>Bytes from there to the second, third and fourth row; those beyond the input are rows of zeros.</summary>
    public nint Second, Third, Fourth;

    /// <summary>Bytes from a column of x to the next.</summary>
    public nint StepX;

    /// <summary>Columns of x.</summary>
    public int InW;

    /// <summary>Columns before column 0 in which the first window begins.</summary>
    public int PadLeft;

    /// <summary>What stands for zero beyond the input, as the instruction takes it.</summary>
    public int Fill;

    /// <summary>Combined with x (exclusive or).</summary>
    public int Flip;

    /// <summary>Of each eight channels the sums' starts, the ratios, and the weights as <see cref="QuantizedDepthwiseRow.Header"/> has them.</summary>
    public byte* Header;

    /// <summary>Bytes from one eight channels' to the next.</summary>
    public nint HeaderBytes;

    /// <summary>Results of the row.</summary>
    public byte* Y;

    /// <summary>Bytes from there to the results of the row below, or to memory for as many.</summary>
    public nint Below;

    /// <summary>Bytes from one result to the next.</summary>
    public nint StrideY;

    /// <summary>Results of a row.</summary>
    public int Pixels;

    /// <summary>Channels: a multiple of 8, at least 16.</summary>
    public int Channels;

    /// <summary>Where results are put.</summary>
    public ByteGrid Grid;
}

/// <summary>
/// Depthwise convolutions of 3x3 taps where AVX-512 stands beside AVX-VNNI. The windows slide along the row: of 16 channels the columns of numbers that lie one
/// below the other are made in registers, each once, and are used by all windows that they lie in. Nothing but the results is stored.
/// </summary>
internal static unsafe class QuantizedDepthwiseSliding
{
    private const int Vector = 32;

    /// <summary>Whether this machine can.</summary>
    public static bool IsSupported => Avx512Vbmi.IsSupported && CpuFeatures.Tier == InstructionTier.Avx512;

    /// <summary>Two rows at a stride of 1: two neighboring results of each at a time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void TwoRows(QuantizedSlidingRow* t)
    {
        Ints512.LoadGrid(&t->Grid, out V512 zero, out V512 lower, out V512 upper, out V512 bias);
        V512 flip = Vector512.Create(t->Flip), fill = Vector512.Create(t->Fill);
        nint second = t->Second, third = t->Third, fourth = t->Fourth, stepX = t->StepX, strideY = t->StrideY, below = t->Below;
        uint inW = (uint)t->InW;
        bool clips = t->Grid.Clips;
        nint lastChannels = t->Channels - 16;
        for (nint next = 0; next < t->Channels; next += 16)
        {
            // The last ones may do again what those before have done.
            nint c = next < lastChannels ? next : lastChannels;
            byte* header = t->Header + ((c >> 3) * t->HeaderBytes);
            byte* other = header + t->HeaderBytes;
            Vector512<float> ratios = WideEnding.Beside(Vector256.Load((int*)(header + Vector)), Vector256.Load((int*)(other + Vector))).AsSingle();
            uint column = (uint)-t->PadLeft;
            byte* x = t->X + c - (t->PadLeft * stepX);
            byte* y = t->Y + c;
            V512 a = column < inW ? Column(x, second, third, fourth, flip) : fill;
            V512 b = column + 1 < inW ? Column(x + stepX, second, third, fourth, flip) : fill;
            x += 2 * stepX;
            column += 2;
            for (int pixels = t->Pixels; pixels > 0; pixels -= 2)
            {
                V512 d = column < inW ? Column(x, second, third, fourth, flip) : fill;
                V512 e = column + 1 < inW ? Column(x + stepX, second, third, fourth, flip) : fill;
                x += 2 * stepX;
                column += 2;
                Two(header, other, 2 * Vector, a, b, d, e, ratios, out V512 s0, out V512 s1);
                Two(header, other, 3 * Vector, a, b, d, e, ratios, out V512 r0, out V512 r1);
                (a, b) = (d, e);
                Vector512<byte> bytes = Ints512.Bytes(s0, s1, r0, r1, zero, lower, upper, bias, clips);
                bytes.GetLower().GetLower().Store(y);
                Avx512F.ExtractVector128(bytes, 2).Store(y + below);
                y += strideY;
                if (pixels == 1) break;
                Avx512F.ExtractVector128(bytes, 1).Store(y);
                Avx512F.ExtractVector128(bytes, 3).Store(y + below);
                y += strideY;
            }
        }
    }

    /// <summary>Two neighboring results of a row, which see columns a, b, d and b, d, e.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Two(byte* header, byte* other, int w, V512 a, V512 b, V512 d, V512 e, Vector512<float> ratios, out V512 first, out V512 next)
    {
        V256 s = Vector256.Load((int*)header), t = s, u = Vector256.Load((int*)other), v = u;
        V256 w0 = Vector256.Load((int*)(header + w)), w1 = Vector256.Load((int*)(header + w + (2 * Vector)));
        V256 w2 = Vector256.Load((int*)(header + w + (4 * Vector)));
        s = VnniDot.Add(s, a.GetLower(), w0);
        t = VnniDot.Add(t, b.GetLower(), w0);
        s = VnniDot.Add(s, b.GetLower(), w1);
        t = VnniDot.Add(t, d.GetLower(), w1);
        s = VnniDot.Add(s, d.GetLower(), w2);
        t = VnniDot.Add(t, e.GetLower(), w2);
        w0 = Vector256.Load((int*)(other + w));
        w1 = Vector256.Load((int*)(other + w + (2 * Vector)));
        w2 = Vector256.Load((int*)(other + w + (4 * Vector)));
        u = VnniDot.Add(u, a.GetUpper(), w0);
        v = VnniDot.Add(v, b.GetUpper(), w0);
        u = VnniDot.Add(u, b.GetUpper(), w1);
        v = VnniDot.Add(v, d.GetUpper(), w1);
        u = VnniDot.Add(u, d.GetUpper(), w2);
        v = VnniDot.Add(v, e.GetUpper(), w2);
        first = WideEnding.Steps(s, u, ratios);
        next = WideEnding.Steps(t, v, ratios);
    }

    /// <summary>A row at a stride of 2: four neighboring results at a time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void OneRow(QuantizedSlidingRow* t)
    {
        Ints512.LoadGrid(&t->Grid, out V512 zero, out V512 lower, out V512 upper, out V512 bias);
        V512 flip = Vector512.Create(t->Flip), fill = Vector512.Create(t->Fill);
        nint second = t->Second, third = t->Third, fourth = t->Fourth, stepX = t->StepX, strideY = t->StrideY;
        uint inW = (uint)t->InW;
        bool clips = t->Grid.Clips;
        nint lastChannels = t->Channels - 16;
        for (nint next = 0; next < t->Channels; next += 16)
        {
            // The last ones may do again what those before have done.
            nint c = next < lastChannels ? next : lastChannels;
            byte* header = t->Header + ((c >> 3) * t->HeaderBytes);
            byte* other = header + t->HeaderBytes;
            Vector512<float> ratios = WideEnding.Beside(Vector256.Load((int*)(header + Vector)), Vector256.Load((int*)(other + Vector))).AsSingle();
            uint column = (uint)-t->PadLeft;
            byte* x = t->X + c - (t->PadLeft * stepX);
            byte* y = t->Y + c;
            V512 a = column < inW ? Column(x, second, third, fourth, flip) : fill;
            V512 s0 = fill, s1 = fill, s2 = fill, s3 = fill;
            for (int pixel = 1; pixel <= t->Pixels; pixel++)
            {
                V512 b = column + 1 < inW ? Column(x + stepX, second, third, fourth, flip) : fill;
                x += 2 * stepX;
                column += 2;
                V512 d = column < inW ? Column(x, second, third, fourth, flip) : fill;
                V256 low = Vector256.Load((int*)header), high = Vector256.Load((int*)other);
                low = VnniDot.Add(low, a.GetLower(), Vector256.Load((int*)(header + (2 * Vector))));
                high = VnniDot.Add(high, a.GetUpper(), Vector256.Load((int*)(other + (2 * Vector))));
                low = VnniDot.Add(low, b.GetLower(), Vector256.Load((int*)(header + (3 * Vector))));
                high = VnniDot.Add(high, b.GetUpper(), Vector256.Load((int*)(other + (3 * Vector))));
                low = VnniDot.Add(low, d.GetLower(), Vector256.Load((int*)(header + (4 * Vector))));
                high = VnniDot.Add(high, d.GetUpper(), Vector256.Load((int*)(other + (4 * Vector))));
                a = d;
                (s0, s1, s2, s3) = (s1, s2, s3, WideEnding.Steps(low, high, ratios));
                if (pixel % 4 != 0) continue;
                Ints512.StoreFour(Ints512.Bytes(s0, s1, s2, s3, zero, lower, upper, bias, clips), y, strideY);
                y += 4 * strideY;
            }

            int left = t->Pixels % 4;
            if (left == 0) continue;
            Vector512<byte> bytes = Ints512.Bytes(s0, s1, s2, s3, zero, lower, upper, bias, clips);
            if (left > 2) Avx512F.ExtractVector128(bytes, 1).Store(y);
            if (left > 1) Avx512F.ExtractVector128(bytes, 2).Store(y + ((left - 2) * strideY));
            Avx512F.ExtractVector128(bytes, 3).Store(y + ((left - 1) * strideY));
        }
    }

    /// <summary>Of 16 channels the four numbers of a column.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V512 Column(byte* x, nint second, nint third, nint fourth, V512 flip)
    {
        Vector256<byte> r01 = Vector128.Load(x).ToVector256Unsafe().WithUpper(Vector128.Load(x + second));
        Vector256<byte> r23 = Vector128.Load(x + third).ToVector256Unsafe().WithUpper(Vector128.Load(x + fourth));
        Vector512<byte> all = Avx512F.InsertVector256(r01.ToVector512Unsafe(), r23, 1) ^ flip.AsByte();
        return Avx512Vbmi.PermuteVar64x8(all, QuantizedColumns.Places).AsInt32();
    }
}
