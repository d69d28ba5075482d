using System;
using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;
using V128 = System.Runtime.Intrinsics.Vector128<int>;
using V256 = System.Runtime.Intrinsics.Vector256<int>;
using V512 = System.Runtime.Intrinsics.Vector512<int>;

namespace Thomas.Kernels.Quantized;

/// <summary>Arguments of <see cref="QuantizedDepthwiseTile"/>: one or two output rows.</summary>
internal unsafe struct QuantizedDepthwiseRow
{
    /// <summary>The first window's columns, from <see cref="QuantizedColumns"/>.</summary>
    public byte* X;

    /// <summary>Bytes from the window of an output to that of the next.</summary>
    public nint OutStep;

    /// <summary>Bytes from a window's column to the next.</summary>
    public nint TapStep;

    /// <summary>Bytes from a window's column to what lies below it.</summary>
    public nint UnitStep;

    /// <summary>Columns of the window.</summary>
    public int Taps;

    /// <summary>How many 32 bits a column of the window is high.</summary>
    public int Units;

    /// <summary>How many weights are added up to one.</summary>
    public int Parts;

    /// <summary>
    /// Of each vector of channels what the sums start with, how they become results, and the weights: in the order of units, columns, rows of outputs.
    /// </summary>
    public byte* Header;

    /// <summary>Bytes from one vector's to the next.</summary>
    public nint HeaderBytes;

    /// <summary>See <see cref="QuantizedHeader"/>.</summary>
    public int HeaderRows;

    /// <summary>Results.</summary>
    public byte* Y;

    /// <summary>Bytes from one result to the next.</summary>
    public nint StrideY;

    /// <summary>Bytes from a row of results to the one below; 0 if there is none.</summary>
    public nint RowStrideY;

    /// <summary>Results of a row.</summary>
    public int Pixels;

    /// <summary>Channels.</summary>
    public int Channels;

    /// <summary>The rule.</summary>
    public RequantizationRule Rule;

    /// <summary>Whether results are made from memory; see <see cref="SumsEnding"/>.</summary>
    public bool KeepsSums;

    /// <summary>Where results are put.</summary>
    public ByteGrid Grid;

    /// <summary>Memory for sums, or for results that do not fit: <see cref="QuantizedDepthwiseTile.ScratchBytes"/>.</summary>
    public byte* Scratch;
}

/// <summary>
/// The sums of a depthwise convolution from columns of numbers that lie one below the other: four neighboring outputs at a time, of one row or of two that see
/// mostly the same.
/// </summary>
internal static unsafe class QuantizedDepthwiseTile
{
    private const int Width = 4, MostLanes = 16;

    /// <summary>Memory that two rows of so many results need.</summary>
    public static int ScratchBytes(int pixels) => 2 * WholeTiles(pixels) * MostLanes * sizeof(int);

    /// <summary>Results of the tiles that so many take.</summary>
    public static int WholeTiles(int pixels) => (pixels + Width - 1) / Width * Width;

    /// <summary>Does a row, or two.</summary>
    public static void Run(QuantizedOperandForm form, QuantizedDepthwiseRow* t, int rows)
    {
        if (rows == 2) Run<C2>(form, t);
        else Run<C1>(form, t);
    }

    private static void Run<TRows>(QuantizedOperandForm form, QuantizedDepthwiseRow* t)
        where TRows : struct, IConstant
    {
        if (t->Taps == 3) Run<TRows, C3>(form, t);
        else if (t->Taps == 5) Run<TRows, C5>(form, t);
        else Run<TRows, C0>(form, t);
    }

    private static void Run<TRows, TTaps>(QuantizedOperandForm form, QuantizedDepthwiseRow* t)
        where TRows : struct, IConstant
        where TTaps : struct, IConstant
    {
        if (form == QuantizedOperandForm.UnsignedBytes)
        {
            Run<Ints256, VnniDot, V256, TRows, TTaps>(t);
            return;
        }

        if (form == QuantizedOperandForm.SignedBytes)
        {
            Run<Ints128, NeonDot, V128, TRows, TTaps>(t);
            return;
        }

        switch (CpuFeatures.VectorLength)
        {
            case 16: Run<Ints512, PairDot512, V512, TRows, TTaps>(t); break;
            case 8: Run<Ints256, PairDot256, V256, TRows, TTaps>(t); break;
            case 4: Run<Ints128, PairDot128, V128, TRows, TTaps>(t); break;
            default: Run<Ints1, PairDot1, int, TRows, TTaps>(t); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TSimd, TDot, TVec, TRows, TTaps>(QuantizedDepthwiseRow* t)
        where TSimd : struct, IIntSimd<TVec>
        where TDot : struct, IDot<TVec>
        where TVec : unmanaged
        where TRows : struct, IConstant
        where TTaps : struct, IConstant
    {
        int vector = sizeof(int) * TSimd.Length, last = t->Pixels - Width;
        nint outStep = t->OutStep, tapStep = t->TapStep;
        TSimd.LoadGrid(&t->Grid, out TVec zero, out TVec lower, out TVec upper, out TVec bias);
        for (int c = 0; c < t->Channels; c += TSimd.Length)
        {
            // What does not fit is put into the scratch memory first, and so is a second row that is not there.
            bool whole = last >= 0 && t->Channels - c >= TSimd.Length && !t->KeepsSums, wholeRow = whole && t->RowStrideY != 0;
            byte* header = t->Header + (c / TSimd.Length * t->HeaderBytes);
            byte* weights = header + (t->HeaderRows * vector);
            byte* columns = t->X + (c * sizeof(int));
            byte* firstY = whole ? t->Y + c : t->Scratch;
            byte* secondY = wholeRow ? t->Y + t->RowStrideY + c : t->Scratch + (Width * MostLanes);
            nint strideY = whole ? t->StrideY : MostLanes, secondStrideY = wholeRow ? strideY : MostLanes;
            nint pixelY = whole ? strideY : 0, secondPixelY = wholeRow ? strideY : 0;
            float* ratios = (float*)(header + vector);
            int units = t->Units;
            nint unitStep = t->UnitStep;
            for (int pixel = 0, next; ; pixel = next)
            {
                // The last tile may do again what the one before has done.
                next = Math.Min(pixel + Width, last);
                TVec s0 = TSimd.Load(header), s1 = s0, s2 = s0, s3 = s0, r0 = s0, r1 = s0, r2 = s0, r3 = s0;
                byte* w = weights;
                byte* unit = columns + (pixel * outStep);
                for (int u = units * t->Parts; u > 0; u--, unit += unitStep)
                {
                    if (u == units) unit = columns + (pixel * outStep);
                    byte* x = unit;
                    if (TTaps.Value == 0)
                    {
                        for (int taps = t->Taps; taps > 0; taps--, x += tapStep, w += TRows.Value * vector)
                            Tap<TSimd, TDot, TVec, TRows>(x, outStep, w, ref s0, ref s1, ref s2, ref s3, ref r0, ref r1, ref r2, ref r3);
                        continue;
                    }

                    Tap<TSimd, TDot, TVec, TRows>(x, outStep, w, ref s0, ref s1, ref s2, ref s3, ref r0, ref r1, ref r2, ref r3);
                    x += tapStep;
                    Tap<TSimd, TDot, TVec, TRows>(x, outStep, w + (TRows.Value * vector), ref s0, ref s1, ref s2, ref s3, ref r0, ref r1, ref r2, ref r3);
                    x += tapStep;
                    Tap<TSimd, TDot, TVec, TRows>(x, outStep, w + (2 * TRows.Value * vector), ref s0, ref s1, ref s2, ref s3, ref r0, ref r1, ref r2, ref r3);
                    w += 3 * TRows.Value * vector;
                    if (TTaps.Value == 5)
                    {
                        x += tapStep;
                        Tap<TSimd, TDot, TVec, TRows>(x, outStep, w, ref s0, ref s1, ref s2, ref s3, ref r0, ref r1, ref r2, ref r3);
                        x += tapStep;
                        Tap<TSimd, TDot, TVec, TRows>(x, outStep, w + (TRows.Value * vector), ref s0, ref s1, ref s2, ref s3, ref r0, ref r1, ref r2, ref r3);
                        w += 2 * TRows.Value * vector;
                    }
                }

                if (t->KeepsSums)
                {
                    int* sums = (int*)t->Scratch + (pixel * TSimd.Length);
                    Store<TSimd, TVec>(s0, s1, s2, s3, sums);
                    if (TRows.Value > 1) Store<TSimd, TVec>(r0, r1, r2, r3, sums + (WholeTiles(t->Pixels) * TSimd.Length));
                }
                else
                {
                    // No call before all results are stored, or the sums would have to live in memory.
                    TSimd.StoreFour(
                        TSimd.Steps(s0, ratios), TSimd.Steps(s1, ratios), TSimd.Steps(s2, ratios), TSimd.Steps(s3, ratios), zero, lower, upper, bias,
                        firstY + (pixel * pixelY), strideY);
                    if (TRows.Value > 1)
                    {
                        TSimd.StoreFour(
                            TSimd.Steps(r0, ratios), TSimd.Steps(r1, ratios), TSimd.Steps(r2, ratios), TSimd.Steps(r3, ratios), zero, lower, upper, bias,
                            secondY + (pixel * secondPixelY), secondStrideY);
                    }

                    if (!whole) CopyOut(t, c, pixel, Math.Min(t->Channels - c, TSimd.Length));
                }

                if (pixel >= last) break;
            }

            if (t->KeepsSums) EndSums(t, TSimd.Length, c);
        }
    }

    /// <summary>What the taps of a column of the window add.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Tap<TSimd, TDot, TVec, TRows>(
        byte* x, nint step, byte* w, ref TVec s0, ref TVec s1, ref TVec s2, ref TVec s3, ref TVec r0, ref TVec r1, ref TVec r2, ref TVec r3)
        where TSimd : struct, IIntSimd<TVec>
        where TDot : struct, IDot<TVec>
        where TVec : unmanaged
        where TRows : struct, IConstant
    {
        TVec w0 = TSimd.Load(w), w1 = TRows.Value > 1 ? TSimd.Load(w + (sizeof(int) * TSimd.Length)) : w0;
        TVec x0 = TSimd.Load(x), x1 = TSimd.Load(x + step), x2 = TSimd.Load(x + (2 * step)), x3 = TSimd.Load(x + (3 * step));
        s0 = TDot.Add(s0, x0, w0);
        s1 = TDot.Add(s1, x1, w0);
        s2 = TDot.Add(s2, x2, w0);
        s3 = TDot.Add(s3, x3, w0);
        if (TRows.Value > 1)
        {
            r0 = TDot.Add(r0, x0, w1);
            r1 = TDot.Add(r1, x1, w1);
            r2 = TDot.Add(r2, x2, w1);
            r3 = TDot.Add(r3, x3, w1);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TSimd, TVec>(TVec s0, TVec s1, TVec s2, TVec s3, int* target)
        where TSimd : struct, IIntSimd<TVec>
        where TVec : unmanaged
    {
        TSimd.Store(s0, target);
        TSimd.Store(s1, target + TSimd.Length);
        TSimd.Store(s2, target + (2 * TSimd.Length));
        TSimd.Store(s3, target + (3 * TSimd.Length));
    }

    /// <summary>Makes results of the sums in the scratch memory.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void EndSums(QuantizedDepthwiseRow* t, int lanes, int c)
    {
        int* sums = (int*)t->Scratch;
        int* header = (int*)(t->Header + (c / lanes * t->HeaderBytes));
        byte* y = t->Y + c;
        int channels = Math.Min(t->Channels - c, lanes);
        SumsEnding.Run(t->Rule, sums, lanes, header, lanes, &t->Grid, y, t->StrideY, t->Pixels, channels);
        if (t->RowStrideY == 0) return;
        sums += WholeTiles(t->Pixels) * lanes;
        SumsEnding.Run(t->Rule, sums, lanes, header, lanes, &t->Grid, y + t->RowStrideY, t->StrideY, t->Pixels, channels);
    }

    /// <summary>Copies the results that are wanted from the scratch memory.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void CopyOut(QuantizedDepthwiseRow* t, int c, int pixel, int channels)
    {
        byte* from = t->Scratch;
        byte* y = t->Y + (pixel * t->StrideY) + c;
        for (int i = 0; i < Math.Min(t->Pixels - pixel, Width); i++, from += MostLanes, y += t->StrideY)
        {
            Buffer.MemoryCopy(from, y, channels, channels);
            if (t->RowStrideY != 0) Buffer.MemoryCopy(from + (Width * MostLanes), y + t->RowStrideY, channels, channels);
        }
    }
}
