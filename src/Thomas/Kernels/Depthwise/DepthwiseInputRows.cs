using System;
using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;

namespace Thomas.Kernels.Depthwise;

/// <summary>
/// Loops of the input gradient of a depthwise convolution with stride 2 over a row of dx, for channels [c, end) by whole vectors. Four neighboring pixels of dy
/// make eight of dx, even and odd ones in registers at once, so dy is loaded once and dx written from front to back. Each sum is in the order of the pixels
/// of dy. The row is a <see cref="DepthwiseRow"/> whose input is dy: its taps lie one below the other in dy, and backwards in the filter.
/// </summary>
internal static unsafe class DepthwiseInputRows
{
    /// <summary>Pixels of dy of a tile.</summary>
    private const int Width = 4;

    /// <summary>Whether <see cref="Stride2"/> takes the rows of dx.</summary>
    public static bool Fits(in ConvGeometry forward) =>
        forward.StrideW == 2 && forward.KernelW is 3 or 5 && forward.DilationH == 1 && forward.DilationW == 1 && forward.OutW >= Width;

    /// <summary>One row of dx.</summary>
    /// <typeparam name="TSimd">Operations.</typeparam>
    /// <typeparam name="TVec">Vector type.</typeparam>
    /// <typeparam name="TTaps">Width of the window, 3 or 5.</typeparam>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Stride2<TSimd, TVec, TTaps>(DepthwiseRow* t, int c)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        where TTaps : struct, IConstant
    {
        const int Outputs = 2 * Width;
        int margin = TTaps.Value / 2;
        nint step = t->Channels, end = step - TSimd.Length + 1;
        int pixels = t->Pixels + t->Pad, columns = Math.Clamp((pixels + 1) / 2, Width, t->Columns + 1);
        for (int column = 0, last = columns - Width; ; column = Math.Min(column + Width, last))
        {
            int first = (2 * column) - t->Pad, missing = margin - column;
            bool hasLast = column + Width <= t->Columns, inside = first >= 0 && first + Outputs <= t->Pixels;
            float* tile = t->X + ((column - margin) * step);
            float* y = t->Y + (first * step);
            for (nint i = c; i < end; i += TSimd.Length)
            {
                TVec e0 = TSimd.Create(0f);
                TVec e1 = e0, e2 = e0, e3 = e0, o0 = e0, o1 = e0, o2 = e0, o3 = e0;
                float* x = tile + i;
                float* w = t->W + i;
                for (int row = 0; row < t->Rows; row++, x += t->RowStep, w += t->FilterRowStep)
                {
                    if (TTaps.Value == 3) Row3<TSimd, TVec>(x, step, w, missing, hasLast, ref e0, ref e1, ref e2, ref e3, ref o0, ref o1, ref o2, ref o3);
                    else Row5<TSimd, TVec>(x, step, w, missing, hasLast, ref e0, ref e1, ref e2, ref e3, ref o0, ref o1, ref o2, ref o3);
                }

                float* to = y + i;
                int from = inside ? 0 : Math.Max(0, -first), until = inside ? Outputs : t->Pixels - first;
                Store<TSimd, TVec>(e0, to, 0, from, until);
                Store<TSimd, TVec>(o0, to += step, 1, from, until);
                Store<TSimd, TVec>(e1, to += step, 2, from, until);
                Store<TSimd, TVec>(o1, to += step, 3, from, until);
                Store<TSimd, TVec>(e2, to += step, 4, from, until);
                Store<TSimd, TVec>(o2, to += step, 5, from, until);
                Store<TSimd, TVec>(e3, to += step, 6, from, until);
                Store<TSimd, TVec>(o3, to += step, 7, from, until);
            }

            if (column == last) break;
        }

        for (int pixel = 0; pixel < -t->Pad; pixel++)
            Pixel<TSimd, TVec>(t, c, pixel, TTaps.Value);
        for (int pixel = Math.Max(0, (2 * columns) - t->Pad); pixel < t->Pixels; pixel++)
            Pixel<TSimd, TVec>(t, c, pixel, TTaps.Value);
        return c + (int)((step - c) / TSimd.Length * TSimd.Length);
    }

    /// <summary>A pixel of dx that lies in no tile: zero or the sum of a few taps.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Pixel<TSimd, TVec>(DepthwiseRow* t, int c, int pixel, int taps)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        nint step = t->Channels;
        int place = pixel + t->Pad, parity = place & 1;
        for (nint i = c; i <= step - TSimd.Length; i += TSimd.Length)
        {
            TVec sum = TSimd.Create(0f);
            for (int row = 0; row < t->Rows; row++)
            {
                float* x = t->X + (row * t->RowStep) + i;
                float* w = t->W + (row * t->FilterRowStep) + i;
                for (int tap = taps - 1 - ((taps - 1 - parity) & 1); tap >= 0; tap -= 2)
                {
                    int column = (place - tap) >> 1;
                    if ((uint)column < (uint)t->Columns) sum = TSimd.MultiplyAdd(TSimd.Load(x + (column * step)), TSimd.Load(w + (tap * step)), sum);
                }
            }

            TSimd.Store(sum, t->Y + (pixel * step) + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TSimd, TVec>(TVec value, float* to, int index, int from, int until)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        if (index >= from && index < until) TSimd.Store(value, to);
    }

    /// <summary>A tap row 3 wide.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Row3<TSimd, TVec>(
        float* dy, nint step, float* w, int missing, bool hasLast,
        ref TVec e0, ref TVec e1, ref TVec e2, ref TVec e3, ref TVec o0, ref TVec o1, ref TVec o2, ref TVec o3)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec f0 = TSimd.Load(w);
        TVec f1 = TSimd.Load(w + step);
        TVec f2 = TSimd.Load(w + (2 * step));
        TVec d;
        if (missing <= 0)
        {
            d = TSimd.Load(dy);
            e0 = TSimd.MultiplyAdd(d, f2, e0);
        }

        dy += step;
        d = TSimd.Load(dy);
        e0 = TSimd.MultiplyAdd(d, f0, e0);
        o0 = TSimd.MultiplyAdd(d, f1, o0);
        e1 = TSimd.MultiplyAdd(d, f2, e1);
        dy += step;
        d = TSimd.Load(dy);
        e1 = TSimd.MultiplyAdd(d, f0, e1);
        o1 = TSimd.MultiplyAdd(d, f1, o1);
        e2 = TSimd.MultiplyAdd(d, f2, e2);
        dy += step;
        d = TSimd.Load(dy);
        e2 = TSimd.MultiplyAdd(d, f0, e2);
        o2 = TSimd.MultiplyAdd(d, f1, o2);
        e3 = TSimd.MultiplyAdd(d, f2, e3);
        dy += step;
        if (!hasLast) return;
        d = TSimd.Load(dy);
        e3 = TSimd.MultiplyAdd(d, f0, e3);
        o3 = TSimd.MultiplyAdd(d, f1, o3);
    }

    /// <summary>A tap row 5 wide.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Row5<TSimd, TVec>(
        float* dy, nint step, float* w, int missing, bool hasLast,
        ref TVec e0, ref TVec e1, ref TVec e2, ref TVec e3, ref TVec o0, ref TVec o1, ref TVec o2, ref TVec o3)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec f0 = TSimd.Load(w);
        TVec f1 = TSimd.Load(w + step);
        TVec f2 = TSimd.Load(w + (2 * step));
        TVec f3 = TSimd.Load(w + (3 * step));
        TVec f4 = TSimd.Load(w + (4 * step));
        TVec d;
        if (missing <= 0)
        {
            d = TSimd.Load(dy);
            e0 = TSimd.MultiplyAdd(d, f4, e0);
        }

        dy += step;
        if (missing <= 1)
        {
            d = TSimd.Load(dy);
            e0 = TSimd.MultiplyAdd(d, f2, e0);
            o0 = TSimd.MultiplyAdd(d, f3, o0);
            e1 = TSimd.MultiplyAdd(d, f4, e1);
        }

        dy += step;
        d = TSimd.Load(dy);
        e0 = TSimd.MultiplyAdd(d, f0, e0);
        o0 = TSimd.MultiplyAdd(d, f1, o0);
        e1 = TSimd.MultiplyAdd(d, f2, e1);
        o1 = TSimd.MultiplyAdd(d, f3, o1);
        e2 = TSimd.MultiplyAdd(d, f4, e2);
        dy += step;
        d = TSimd.Load(dy);
        e1 = TSimd.MultiplyAdd(d, f0, e1);
        o1 = TSimd.MultiplyAdd(d, f1, o1);
        e2 = TSimd.MultiplyAdd(d, f2, e2);
        o2 = TSimd.MultiplyAdd(d, f3, o2);
        e3 = TSimd.MultiplyAdd(d, f4, e3);
        dy += step;
        d = TSimd.Load(dy);
        e2 = TSimd.MultiplyAdd(d, f0, e2);
        o2 = TSimd.MultiplyAdd(d, f1, o2);
        e3 = TSimd.MultiplyAdd(d, f2, e3);
        o3 = TSimd.MultiplyAdd(d, f3, o3);
        dy += step;
        if (!hasLast) return;
        d = TSimd.Load(dy);
        e3 = TSimd.MultiplyAdd(d, f0, e3);
        o3 = TSimd.MultiplyAdd(d, f1, o3);
    }
}
