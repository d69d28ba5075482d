using System;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Thomas.Kernels.Simd;
using V256 = System.Runtime.Intrinsics.Vector256<int>;
using V512 = System.Runtime.Intrinsics.Vector512<int>;

namespace Thomas.Kernels.Quantized;

/// <summary>
/// What <see cref="QuantizedDepthwiseTile"/> does, where AVX-512 stands beside AVX-VNNI: 16 channels of four neighboring outputs, of one row or two. Both halves
/// of a cache line are read one after the other, the 32 registers hold 16 sums, and they become results as <see cref="WideEnding"/> makes them.
/// </summary>
internal static unsafe class QuantizedDepthwiseWide
{
    private const int Width = 4, Lanes = 8, Channels = 2 * Lanes, Vector = Lanes * sizeof(int);

    /// <summary>Does the channels that fill tiles, of a row of at least four results.</summary>
    /// <returns>How many those are.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Run<TRows, TTaps>(QuantizedDepthwiseRow* t)
        where TRows : struct, IConstant
        where TTaps : struct, IConstant
    {
        int last = t->Pixels - Width, done = t->Channels / Channels * Channels, units = t->Units * t->Parts;
        nint step = t->OutStep, tapStep = t->TapStep, unitStep = t->UnitStep, weightStep = t->HeaderBytes;
        Ints512.LoadGrid(&t->Grid, out V512 zero, out V512 lower, out V512 upper, out V512 bias);
        bool hasSecond = t->RowStrideY != 0;
        for (int c = 0; c < done; c += Channels)
        {
            byte* header = t->Header + (c / Lanes * weightStep);
            byte* weights = header + (t->HeaderRows * Vector);
            byte* columns = t->X + (c * sizeof(int));
            byte* y = t->Y + c;
            byte* z = hasSecond ? y + t->RowStrideY : t->Scratch;
            nint strideY = t->StrideY, strideZ = hasSecond ? strideY : Channels, stepZ = hasSecond ? strideY : 0;
            for (int tile = 0; ; tile += Width)
            {
                // The last tile may do again what the one before has done.
                int pixel = Math.Min(tile, last);
                V256 s0 = Vector256.Load((int*)header), s1 = s0, s2 = s0, s3 = s0, r0 = s0, r1 = s0, r2 = s0, r3 = s0;
                V256 t0 = Vector256.Load((int*)(header + weightStep)), t1 = t0, t2 = t0, t3 = t0, u0 = t0, u1 = t0, u2 = t0, u3 = t0;
                byte* w = weights;
                byte* unit = columns + (pixel * step);
                for (int n = units; n > 0; n--, unit += unitStep)
                {
                    if (n == t->Units) unit = columns + (pixel * step);
                    byte* x = unit;
                    int taps = TTaps.Value == 0 ? t->Taps : 0;
                    if (TTaps.Value >= 3)
                    {
                        Tap<TRows>(ref x, tapStep, step, ref w, weightStep, ref s0, ref t0, ref r0, ref u0, ref s1, ref t1, ref r1, ref u1, ref s2, ref t2, ref r2, ref u2, ref s3, ref t3, ref r3, ref u3);
                        Tap<TRows>(ref x, tapStep, step, ref w, weightStep, ref s0, ref t0, ref r0, ref u0, ref s1, ref t1, ref r1, ref u1, ref s2, ref t2, ref r2, ref u2, ref s3, ref t3, ref r3, ref u3);
                        Tap<TRows>(ref x, tapStep, step, ref w, weightStep, ref s0, ref t0, ref r0, ref u0, ref s1, ref t1, ref r1, ref u1, ref s2, ref t2, ref r2, ref u2, ref s3, ref t3, ref r3, ref u3);
                    }

                    if (TTaps.Value == 5)
                    {
                        Tap<TRows>(ref x, tapStep, step, ref w, weightStep, ref s0, ref t0, ref r0, ref u0, ref s1, ref t1, ref r1, ref u1, ref s2, ref t2, ref r2, ref u2, ref s3, ref t3, ref r3, ref u3);
                        Tap<TRows>(ref x, tapStep, step, ref w, weightStep, ref s0, ref t0, ref r0, ref u0, ref s1, ref t1, ref r1, ref u1, ref s2, ref t2, ref r2, ref u2, ref s3, ref t3, ref r3, ref u3);
                    }

                    for (; taps > 0; taps--)
                        Tap<TRows>(ref x, tapStep, step, ref w, weightStep, ref s0, ref t0, ref r0, ref u0, ref s1, ref t1, ref r1, ref u1, ref s2, ref t2, ref r2, ref u2, ref s3, ref t3, ref r3, ref u3);
                }

                float* ratios = (float*)(header + Vector), others = (float*)(header + weightStep + Vector);
                WideEnding.FourRows(s0, t0, s1, t1, s2, t2, s3, t3, ratios, others, zero, lower, upper, bias, y + (pixel * strideY), strideY);
                if (TRows.Value > 1) WideEnding.FourRows(r0, u0, r1, u1, r2, u2, r3, u3, ratios, others, zero, lower, upper, bias, z + (pixel * stepZ), strideZ);
                if (pixel == last) break;
            }
        }

        return done;
    }

    /// <summary>What a column of the window adds.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Tap<TRows>(
        ref byte* x, nint tapStep, nint step, ref byte* w, nint weightStep, ref V256 s0, ref V256 t0, ref V256 r0, ref V256 u0, ref V256 s1, ref V256 t1,
        ref V256 r1, ref V256 u1, ref V256 s2, ref V256 t2, ref V256 r2, ref V256 u2, ref V256 s3, ref V256 t3, ref V256 r3, ref V256 u3)
        where TRows : struct, IConstant
    {
        V256 v = Vector256.Load((int*)w), o = Vector256.Load((int*)(w + weightStep));
        V256 p = TRows.Value > 1 ? Vector256.Load((int*)(w + Vector)) : v, q = TRows.Value > 1 ? Vector256.Load((int*)(w + weightStep + Vector)) : o;
        Add<TRows>(x, v, o, p, q, ref s0, ref t0, ref r0, ref u0);
        Add<TRows>(x + step, v, o, p, q, ref s1, ref t1, ref r1, ref u1);
        Add<TRows>(x + (2 * step), v, o, p, q, ref s2, ref t2, ref r2, ref u2);
        Add<TRows>(x + (3 * step), v, o, p, q, ref s3, ref t3, ref r3, ref u3);
        x += tapStep;
        w += TRows.Value * Vector;
    }

    /// <summary>What it adds to the sums of an output, and of the one below.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add<TRows>(byte* x, V256 v, V256 o, V256 p, V256 q, ref V256 s, ref V256 t, ref V256 r, ref V256 u)
        where TRows : struct, IConstant
    {
        V256 low = Vector256.Load((int*)x), high = Vector256.Load((int*)(x + Vector));
        s = VnniDot.Add(s, low, v);
        t = VnniDot.Add(t, high, o);
        if (TRows.Value == 1) return;
        r = VnniDot.Add(r, low, p);
        u = VnniDot.Add(u, high, q);
    }
}
