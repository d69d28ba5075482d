using System;
using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;

namespace Thomas.Kernels.Depthwise;

/// <summary>
/// Inner loops of the depthwise filter gradient for windows 3 or 5 wide with stride 1: one vector of channels, the sums of several tap rows in registers while
/// the columns of x pass; each is loaded once, and so is each pixel of dy. Every tap is summed in the order of the pixels.
/// </summary>
internal static unsafe class DepthwiseGradientRows
{
    /// <summary>Whether <see cref="Add"/> takes such windows.</summary>
    public static bool Fits(in ConvGeometry g) => g.StrideW == 1 && g.DilationW == 1 && g.KernelW is 3 or 5;

    /// <summary>Adds channels [c, c + vector length) of a row of dy.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Add<TSimd, TVec>(DepthwiseGradientTile* t, int c)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        int row = 0;
        if (t->Taps == 3)
        {
            for (; row <= t->Rows - 3; row += 3)
                Add3<TSimd, TVec, C3>(t, c, row);
            if (row == t->Rows - 2) Add3<TSimd, TVec, C2>(t, c, row);
            else if (row == t->Rows - 1) Add3<TSimd, TVec, C1>(t, c, row);
            return;
        }

        for (; row <= t->Rows - 2; row += 2)
            Add5<TSimd, TVec, C2>(t, c, row);
        if (row < t->Rows) Add5<TSimd, TVec, C1>(t, c, row);
    }

    /// <summary>One to three tap rows 3 wide, from tap row <paramref name="tapRow"/> on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Add3<TSimd, TVec, TRows>(DepthwiseGradientTile* t, int c, int tapRow)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        where TRows : struct, IConstant
    {
        nint step = t->Channels, tap = t->TapStep;
        float* w0 = t->W + (tapRow * t->FilterRowStep) + c;
        float* x0 = t->X + (tapRow * t->RowStep) + c;
        float* w1 = TRows.Value > 1 ? w0 + t->FilterRowStep : w0;
        float* x1 = TRows.Value > 1 ? x0 + t->RowStep : x0;
        float* w2 = TRows.Value > 2 ? w1 + t->FilterRowStep : w1;
        float* x2 = TRows.Value > 2 ? x1 + t->RowStep : x1;
        TVec s00 = TSimd.Load(w0), s01 = TSimd.Load(w0 + step), s02 = TSimd.Load(w0 + (2 * step));
        TVec s10 = s00, s11 = s01, s12 = s02;
        TVec s20 = s00, s21 = s01, s22 = s02;
        if (TRows.Value > 1)
        {
            s10 = TSimd.Load(w1);
            s11 = TSimd.Load(w1 + step);
            s12 = TSimd.Load(w1 + (2 * step));
        }

        if (TRows.Value > 2)
        {
            s20 = TSimd.Load(w2);
            s21 = TSimd.Load(w2 + step);
            s22 = TSimd.Load(w2 + (2 * step));
        }

        // Place p is the column of x that output pixel p reads with its first tap; with tap k it belongs to pixel p - k.
        int place = Math.Max(0, -t->Column), end = Math.Min(t->Pixels + 2, t->Columns - t->Column);
        int first = Math.Max(place, 2), last = Math.Min(t->Pixels, end);
        x0 += place * tap;
        x1 += place * tap;
        x2 += place * tap;
        float* dy = t->Dy + (place * step) + c;
        while (place < end)
        {
            if (place >= first && place < last)
            {
                TVec d1 = TSimd.Load(dy - step), d2 = TSimd.Load(dy - (2 * step));
                for (; place < last; place++, dy += step, x0 += tap, x1 += tap, x2 += tap)
                {
                    TVec d0 = TSimd.Load(dy);
                    TVec v = TSimd.Load(x0);
                    s00 = TSimd.MultiplyAdd(v, d0, s00);
                    s01 = TSimd.MultiplyAdd(v, d1, s01);
                    s02 = TSimd.MultiplyAdd(v, d2, s02);
                    if (TRows.Value > 1)
                    {
                        v = TSimd.Load(x1);
                        s10 = TSimd.MultiplyAdd(v, d0, s10);
                        s11 = TSimd.MultiplyAdd(v, d1, s11);
                        s12 = TSimd.MultiplyAdd(v, d2, s12);
                    }

                    if (TRows.Value > 2)
                    {
                        v = TSimd.Load(x2);
                        s20 = TSimd.MultiplyAdd(v, d0, s20);
                        s21 = TSimd.MultiplyAdd(v, d1, s21);
                        s22 = TSimd.MultiplyAdd(v, d2, s22);
                    }

                    d2 = d1;
                    d1 = d0;
                }

                continue;
            }

            // A column at the edge: the taps whose pixels are there.
            uint pixels = (uint)t->Pixels;
            if ((uint)place < pixels)
            {
                TVec d = TSimd.Load(dy);
                s00 = TSimd.MultiplyAdd(TSimd.Load(x0), d, s00);
                if (TRows.Value > 1) s10 = TSimd.MultiplyAdd(TSimd.Load(x1), d, s10);
                if (TRows.Value > 2) s20 = TSimd.MultiplyAdd(TSimd.Load(x2), d, s20);
            }

            if ((uint)(place - 1) < pixels)
            {
                TVec d = TSimd.Load(dy - step);
                s01 = TSimd.MultiplyAdd(TSimd.Load(x0), d, s01);
                if (TRows.Value > 1) s11 = TSimd.MultiplyAdd(TSimd.Load(x1), d, s11);
                if (TRows.Value > 2) s21 = TSimd.MultiplyAdd(TSimd.Load(x2), d, s21);
            }

            if ((uint)(place - 2) < pixels)
            {
                TVec d = TSimd.Load(dy - (2 * step));
                s02 = TSimd.MultiplyAdd(TSimd.Load(x0), d, s02);
                if (TRows.Value > 1) s12 = TSimd.MultiplyAdd(TSimd.Load(x1), d, s12);
                if (TRows.Value > 2) s22 = TSimd.MultiplyAdd(TSimd.Load(x2), d, s22);
            }

            place++;
            dy += step;
            x0 += tap;
            x1 += tap;
            x2 += tap;
        }

        TSimd.Store(s00, w0);
        TSimd.Store(s01, w0 + step);
        TSimd.Store(s02, w0 + (2 * step));
        if (TRows.Value > 1)
        {
            TSimd.Store(s10, w1);
            TSimd.Store(s11, w1 + step);
            TSimd.Store(s12, w1 + (2 * step));
        }

        if (TRows.Value > 2)
        {
            TSimd.Store(s20, w2);
            TSimd.Store(s21, w2 + step);
            TSimd.Store(s22, w2 + (2 * step));
        }
    }

    /// <summary>One or two tap rows 5 wide, from tap row <paramref name="tapRow"/> on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Add5<TSimd, TVec, TRows>(DepthwiseGradientTile* t, int c, int tapRow)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        where TRows : struct, IConstant
    {
        nint step = t->Channels, tap = t->TapStep;
        float* w0 = t->W + (tapRow * t->FilterRowStep) + c;
        float* x0 = t->X + (tapRow * t->RowStep) + c;
        float* w1 = TRows.Value > 1 ? w0 + t->FilterRowStep : w0;
        float* x1 = TRows.Value > 1 ? x0 + t->RowStep : x0;
        TVec s00 = TSimd.Load(w0), s01 = TSimd.Load(w0 + step), s02 = TSimd.Load(w0 + (2 * step)), s03 = TSimd.Load(w0 + (3 * step)),
            s04 = TSimd.Load(w0 + (4 * step));
        TVec s10 = s00, s11 = s01, s12 = s02, s13 = s03, s14 = s04;
        if (TRows.Value > 1)
        {
            s10 = TSimd.Load(w1);
            s11 = TSimd.Load(w1 + step);
            s12 = TSimd.Load(w1 + (2 * step));
            s13 = TSimd.Load(w1 + (3 * step));
            s14 = TSimd.Load(w1 + (4 * step));
        }

        // Place p is the column of x that output pixel p reads with its first tap; with tap k it belongs to pixel p - k.
        int place = Math.Max(0, -t->Column), end = Math.Min(t->Pixels + 4, t->Columns - t->Column);
        int first = Math.Max(place, 4), last = Math.Min(t->Pixels, end);
        x0 += place * tap;
        x1 += place * tap;
        float* dy = t->Dy + (place * step) + c;
        while (place < end)
        {
            if (place >= first && place < last)
            {
                TVec d1 = TSimd.Load(dy - step), d2 = TSimd.Load(dy - (2 * step)), d3 = TSimd.Load(dy - (3 * step)), d4 = TSimd.Load(dy - (4 * step));
                for (; place < last; place++, dy += step, x0 += tap, x1 += tap)
                {
                    TVec d0 = TSimd.Load(dy);
                    TVec v = TSimd.Load(x0);
                    s00 = TSimd.MultiplyAdd(v, d0, s00);
                    s01 = TSimd.MultiplyAdd(v, d1, s01);
                    s02 = TSimd.MultiplyAdd(v, d2, s02);
                    s03 = TSimd.MultiplyAdd(v, d3, s03);
                    s04 = TSimd.MultiplyAdd(v, d4, s04);
                    if (TRows.Value > 1)
                    {
                        v = TSimd.Load(x1);
                        s10 = TSimd.MultiplyAdd(v, d0, s10);
                        s11 = TSimd.MultiplyAdd(v, d1, s11);
                        s12 = TSimd.MultiplyAdd(v, d2, s12);
                        s13 = TSimd.MultiplyAdd(v, d3, s13);
                        s14 = TSimd.MultiplyAdd(v, d4, s14);
                    }

                    d4 = d3;
                    d3 = d2;
                    d2 = d1;
                    d1 = d0;
                }

                continue;
            }

            // A column at the edge: the taps whose pixels are there.
            uint pixels = (uint)t->Pixels;
            if ((uint)place < pixels)
            {
                TVec d = TSimd.Load(dy);
                s00 = TSimd.MultiplyAdd(TSimd.Load(x0), d, s00);
                if (TRows.Value > 1) s10 = TSimd.MultiplyAdd(TSimd.Load(x1), d, s10);
            }

            if ((uint)(place - 1) < pixels)
            {
                TVec d = TSimd.Load(dy - step);
                s01 = TSimd.MultiplyAdd(TSimd.Load(x0), d, s01);
                if (TRows.Value > 1) s11 = TSimd.MultiplyAdd(TSimd.Load(x1), d, s11);
            }

            if ((uint)(place - 2) < pixels)
            {
                TVec d = TSimd.Load(dy - (2 * step));
                s02 = TSimd.MultiplyAdd(TSimd.Load(x0), d, s02);
                if (TRows.Value > 1) s12 = TSimd.MultiplyAdd(TSimd.Load(x1), d, s12);
            }

            if ((uint)(place - 3) < pixels)
            {
                TVec d = TSimd.Load(dy - (3 * step));
                s03 = TSimd.MultiplyAdd(TSimd.Load(x0), d, s03);
                if (TRows.Value > 1) s13 = TSimd.MultiplyAdd(TSimd.Load(x1), d, s13);
            }

            if ((uint)(place - 4) < pixels)
            {
                TVec d = TSimd.Load(dy - (4 * step));
                s04 = TSimd.MultiplyAdd(TSimd.Load(x0), d, s04);
                if (TRows.Value > 1) s14 = TSimd.MultiplyAdd(TSimd.Load(x1), d, s14);
            }

            place++;
            dy += step;
            x0 += tap;
            x1 += tap;
        }

        TSimd.Store(s00, w0);
        TSimd.Store(s01, w0 + step);
        TSimd.Store(s02, w0 + (2 * step));
        TSimd.Store(s03, w0 + (3 * step));
        TSimd.Store(s04, w0 + (4 * step));
        if (TRows.Value > 1)
        {
            TSimd.Store(s10, w1);
            TSimd.Store(s11, w1 + step);
            TSimd.Store(s12, w1 + (2 * step));
            TSimd.Store(s13, w1 + (3 * step));
            TSimd.Store(s14, w1 + (4 * step));
        }
    }
}
