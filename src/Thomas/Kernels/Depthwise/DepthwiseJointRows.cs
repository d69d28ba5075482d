using System;
using System.Runtime.CompilerServices;
using Thomas.Kernels.Elementwise;
using Thomas.Kernels.Simd;

namespace Thomas.Kernels.Depthwise;

/// <summary>
/// Inner loops of both gradients of a depthwise convolution with a 3x3 window: one vector of channels, the sums of the filter's gradient and the filter in
/// registers while the pixels of x pass. Each pixel meets the same pixels of dy for both: dx += dy * w, dw += dy * x. It is read once and before its dx is
/// written.
/// </summary>
/// <remarks>
/// <para>Every dx is summed in the order of the pixels of dy, every tap of dw in the order of the rows and pixels.</para>
/// <para>
/// Names in the loops: w12 is the tap of the filter in row 1, column 2, and s12 the sum of its gradient; v is the pixel of x at hand and g its gradient. Of
/// row 1 of dy, n is the pixel that was read last (the newest), m1 the one before it (the middle) and e1 the one before that (the earliest).
/// </para>
/// </remarks>
internal static unsafe class DepthwiseJointRows
{
    /// <summary>Channels [c, end) by whole vectors of a run with 1 to 3 tap rows; returns where it stopped.</summary>
    /// <typeparam name="TSimd">Operations.</typeparam>
    /// <typeparam name="TVec">Vector type.</typeparam>
    /// <typeparam name="TStride">Stride, 1 or 2.</typeparam>
    /// <typeparam name="TClips">1 if x was clipped, which dx undoes, and dx is summed over the pixels; else 0.</typeparam>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Run<TSimd, TVec, TStride, TClips>(DepthwiseJointRun* t, int c)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        where TStride : struct, IConstant
        where TClips : struct, IConstant
    {
        for (; c <= t->Channels - TSimd.Length; c += TSimd.Length)
        {
            if (TStride.Value == 2 && t->TapRows == 2) Stride2<TSimd, TVec, C2, TClips>(t, c);
            else if (TStride.Value == 2) Stride2<TSimd, TVec, C1, TClips>(t, c);
            else if (t->TapRows == 3) Stride1<TSimd, TVec, C3, TClips>(t, c);
            else if (t->TapRows == 2) Stride1<TSimd, TVec, C2, TClips>(t, c);
            else Stride1<TSimd, TVec, C1, TClips>(t, c);
        }

        return c;
    }

    /// <summary>Stride 1: tap j of column v of x belongs to column v + pad - j of dy.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Stride1<TSimd, TVec, TRows, TClips>(DepthwiseJointRun* t, nint c)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        where TRows : struct, IConstant
        where TClips : struct, IConstant
    {
        nint step = t->Channels, fetched = t->Fetches ? TSimd.Length : 0, dxShift = t->Dx, row1 = t->DyRowStep, row2 = 2 * row1;
        float* w = t->W + c;
        float* sums = t->Sums + c;
        Load<TSimd, TVec>(w, step, out TVec w00, out TVec w01, out TVec w02);
        Load<TSimd, TVec>(sums, step, out TVec s00, out TVec s01, out TVec s02);
        TVec w10 = w00, w11 = w00, w12 = w00, w20 = w00, w21 = w00, w22 = w00, s10 = w00, s11 = w00, s12 = w00, s20 = w00, s21 = w00, s22 = w00;
        if (TRows.Value > 1)
        {
            Load<TSimd, TVec>(w + t->TapRowStep, step, out w10, out w11, out w12);
            Load<TSimd, TVec>(sums + t->TapRowStep, step, out s10, out s11, out s12);
        }

        if (TRows.Value > 2)
        {
            Load<TSimd, TVec>(w + (2 * t->TapRowStep), step, out w20, out w21, out w22);
            Load<TSimd, TVec>(sums + (2 * t->TapRowStep), step, out s20, out s21, out s22);
        }

        TVec bias = TSimd.Create(0f), lower = bias, lastValue = bias;
        if (TClips.Value != 0)
        {
            bias = TSimd.Load(t->BiasSums + c);
            lower = TSimd.Create(t->Lower);
            lastValue = TSimd.Create(t->Last);
        }

        float* aheadX = t->AheadX;
        float* aheadDy = t->AheadDy;
        int columns = t->Columns, pixels = t->Pixels, first = Math.Max(0, 2 - t->Pad), last = Math.Min(columns, pixels - t->Pad);
        for (int row = 0; row < t->Rows; row++)
        {
            float* x = t->X + (row * t->XRowStep) + c;
            float* dy = t->Dy + (row * row1) + (t->Pad * step) + c;
            for (int column = 0; column < columns;)
            {
                if (column >= first && column < last)
                {
                    TVec e0 = TSimd.Load(dy - (2 * step)), m0 = TSimd.Load(dy - step), e1 = e0, m1 = e0, e2 = e0, m2 = e0;
                    if (TRows.Value > 1)
                    {
                        e1 = TSimd.Load(dy + row1 - (2 * step));
                        m1 = TSimd.Load(dy + row1 - step);
                    }

                    if (TRows.Value > 2)
                    {
                        e2 = TSimd.Load(dy + row2 - (2 * step));
                        m2 = TSimd.Load(dy + row2 - step);
                    }

                    for (; column < last; column++, x += step, dy += step)
                    {
                        TVec v = TSimd.Load(x), n = TSimd.Load(dy);
                        s02 = TSimd.MultiplyAdd(v, e0, s02);
                        s01 = TSimd.MultiplyAdd(v, m0, s01);
                        s00 = TSimd.MultiplyAdd(v, n, s00);
                        TVec g = TSimd.MultiplyAdd(n, w00, TSimd.MultiplyAdd(m0, w01, TSimd.Multiply(e0, w02)));
                        e0 = m0;
                        m0 = n;
                        if (TRows.Value > 1)
                        {
                            n = TSimd.Load(dy + row1);
                            s12 = TSimd.MultiplyAdd(v, e1, s12);
                            s11 = TSimd.MultiplyAdd(v, m1, s11);
                            s10 = TSimd.MultiplyAdd(v, n, s10);
                            g = TSimd.MultiplyAdd(n, w10, TSimd.MultiplyAdd(m1, w11, TSimd.MultiplyAdd(e1, w12, g)));
                            e1 = m1;
                            m1 = n;
                        }

                        if (TRows.Value > 2)
                        {
                            n = TSimd.Load(dy + row2);
                            s22 = TSimd.MultiplyAdd(v, e2, s22);
                            s21 = TSimd.MultiplyAdd(v, m2, s21);
                            s20 = TSimd.MultiplyAdd(v, n, s20);
                            g = TSimd.MultiplyAdd(n, w20, TSimd.MultiplyAdd(m2, w21, TSimd.MultiplyAdd(e2, w22, g)));
                            e2 = m2;
                            m2 = n;
                        }

                        if (TClips.Value != 0) Unclip<TSimd, TVec>(v, lower, lastValue, ref g, ref bias);
                        TSimd.Store(g, x + dxShift);
                        FetchX(ref aheadX, dxShift, fetched);
                        DepthwiseAhead.Fetch(ref aheadDy, fetched);
                    }

                    continue;
                }

                // A column at the edge: the taps whose pixels of dy are there.
                int pixel = column + t->Pad;
                bool has0 = (uint)pixel < (uint)pixels, has1 = (uint)(pixel - 1) < (uint)pixels, has2 = (uint)(pixel - 2) < (uint)pixels;
                TVec value = TSimd.Load(x), dx = TSimd.Create(0f);
                if (has2) Tap<TSimd, TVec>(dy - (2 * step), value, w02, ref dx, ref s02);
                if (has1) Tap<TSimd, TVec>(dy - step, value, w01, ref dx, ref s01);
                if (has0) Tap<TSimd, TVec>(dy, value, w00, ref dx, ref s00);
                if (TRows.Value > 1)
                {
                    if (has2) Tap<TSimd, TVec>(dy + row1 - (2 * step), value, w12, ref dx, ref s12);
                    if (has1) Tap<TSimd, TVec>(dy + row1 - step, value, w11, ref dx, ref s11);
                    if (has0) Tap<TSimd, TVec>(dy + row1, value, w10, ref dx, ref s10);
                }

                if (TRows.Value > 2)
                {
                    if (has2) Tap<TSimd, TVec>(dy + row2 - (2 * step), value, w22, ref dx, ref s22);
                    if (has1) Tap<TSimd, TVec>(dy + row2 - step, value, w21, ref dx, ref s21);
                    if (has0) Tap<TSimd, TVec>(dy + row2, value, w20, ref dx, ref s20);
                }

                if (TClips.Value != 0) Unclip<TSimd, TVec>(value, lower, lastValue, ref dx, ref bias);
                TSimd.Store(dx, x + dxShift);
                FetchX(ref aheadX, dxShift, fetched);
                DepthwiseAhead.Fetch(ref aheadDy, fetched);
                column++;
                x += step;
                dy += step;
            }
        }

        if (TClips.Value != 0) TSimd.Store(bias, t->BiasSums + c);
        t->AheadX = aheadX;
        t->AheadDy = aheadDy;
        Store<TSimd, TVec>(sums, step, s00, s01, s02);
        if (TRows.Value > 1) Store<TSimd, TVec>(sums + t->TapRowStep, step, s10, s11, s12);
        if (TRows.Value > 2) Store<TSimd, TVec>(sums + (2 * t->TapRowStep), step, s20, s21, s22);
    }

    /// <summary>
    /// Stride 2: places of x, counted from the padding's first, take turns; even ones have taps 0 and 2, of columns place / 2 and the one before, odd ones tap
    /// 1.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Stride2<TSimd, TVec, TRows, TClips>(DepthwiseJointRun* t, nint c)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        where TRows : struct, IConstant
        where TClips : struct, IConstant
    {
        nint step = t->Channels, fetched = t->Fetches ? TSimd.Length : 0, dxShift = t->Dx, row1 = t->DyRowStep;
        float* w = t->W + c;
        float* sums = t->Sums + c;
        Load<TSimd, TVec>(w, step, out TVec w00, out TVec w01, out TVec w02);
        Load<TSimd, TVec>(sums, step, out TVec s00, out TVec s01, out TVec s02);
        TVec w10 = w00, w11 = w00, w12 = w00, s10 = w00, s11 = w00, s12 = w00;
        if (TRows.Value > 1)
        {
            Load<TSimd, TVec>(w + t->TapRowStep, step, out w10, out w11, out w12);
            Load<TSimd, TVec>(sums + t->TapRowStep, step, out s10, out s11, out s12);
        }

        TVec bias = TSimd.Create(0f), lower = bias, lastValue = bias;
        if (TClips.Value != 0)
        {
            bias = TSimd.Load(t->BiasSums + c);
            lower = TSimd.Create(t->Lower);
            lastValue = TSimd.Create(t->Last);
        }

        float* aheadX = t->AheadX;
        float* aheadDy = t->AheadDy;
        int columns = t->Columns, pixels = t->Pixels, pad = t->Pad;

        // Pairs of an even and the odd place after it, whose three pixels of dy and two of x are there.
        int first = Math.Max(1, (pad + 1) >> 1), last = Math.Min(pixels, (columns + pad) >> 1);
        for (int row = 0; row < t->Rows; row++)
        {
            float* x = t->X + (row * t->XRowStep) + c;
            float* dy = t->Dy + (row * row1) + c;
            for (int column = 0; column < columns;)
            {
                int pixel = (column + pad) >> 1;
                float* d = dy + (pixel * step);
                bool odd = ((column + pad) & 1) != 0;
                if (!odd && pixel >= first && pixel < last)
                {
                    TVec e0 = TSimd.Load(d - step), e1 = e0;
                    if (TRows.Value > 1) e1 = TSimd.Load(d - step + row1);
                    column += 2 * (last - pixel);
                    for (; pixel < last; pixel++, x += 2 * step, d += step)
                    {
                        TVec v = TSimd.Load(x), u = TSimd.Load(x + step), n = TSimd.Load(d);
                        s02 = TSimd.MultiplyAdd(v, e0, s02);
                        s00 = TSimd.MultiplyAdd(v, n, s00);
                        s01 = TSimd.MultiplyAdd(u, n, s01);
                        TVec g = TSimd.MultiplyAdd(n, w00, TSimd.Multiply(e0, w02)), h = TSimd.Multiply(n, w01);
                        e0 = n;
                        if (TRows.Value > 1)
                        {
                            n = TSimd.Load(d + row1);
                            s12 = TSimd.MultiplyAdd(v, e1, s12);
                            s10 = TSimd.MultiplyAdd(v, n, s10);
                            s11 = TSimd.MultiplyAdd(u, n, s11);
                            g = TSimd.MultiplyAdd(n, w10, TSimd.MultiplyAdd(e1, w12, g));
                            h = TSimd.MultiplyAdd(n, w11, h);
                            e1 = n;
                            DepthwiseAhead.Fetch(ref aheadDy, fetched);
                        }

                        if (TClips.Value != 0) Unclip<TSimd, TVec>(v, lower, lastValue, ref g, ref bias);
                        TSimd.Store(g, x + dxShift);
                        if (TClips.Value != 0) Unclip<TSimd, TVec>(u, lower, lastValue, ref h, ref bias);
                        TSimd.Store(h, x + step + dxShift);
                        FetchX(ref aheadX, dxShift, fetched);
                        FetchX(ref aheadX, dxShift, fetched);
                    }

                    continue;
                }

                // A column at the edge: the taps whose pixels of dy are there.
                bool has = (uint)pixel < (uint)pixels, hasBefore = (uint)(pixel - 1) < (uint)pixels;
                TVec value = TSimd.Load(x), dx = TSimd.Create(0f);
                if (odd)
                {
                    if (has) Tap<TSimd, TVec>(d, value, w01, ref dx, ref s01);
                    if (has && TRows.Value > 1) Tap<TSimd, TVec>(d + row1, value, w11, ref dx, ref s11);
                }
                else
                {
                    if (hasBefore) Tap<TSimd, TVec>(d - step, value, w02, ref dx, ref s02);
                    if (has) Tap<TSimd, TVec>(d, value, w00, ref dx, ref s00);
                    if (hasBefore && TRows.Value > 1) Tap<TSimd, TVec>(d - step + row1, value, w12, ref dx, ref s12);
                    if (has && TRows.Value > 1) Tap<TSimd, TVec>(d + row1, value, w10, ref dx, ref s10);
                }

                if (TClips.Value != 0) Unclip<TSimd, TVec>(value, lower, lastValue, ref dx, ref bias);
                TSimd.Store(dx, x + dxShift);
                FetchX(ref aheadX, dxShift, fetched);
                column++;
                x += step;
            }
        }

        if (TClips.Value != 0) TSimd.Store(bias, t->BiasSums + c);
        t->AheadX = aheadX;
        t->AheadDy = aheadDy;
        Store<TSimd, TVec>(sums, step, s00, s01, s02);
        if (TRows.Value > 1) Store<TSimd, TVec>(sums + t->TapRowStep, step, s10, s11, s12);
    }

    /// <summary>The gradient before a clipping, from its result: dx where that lies between the bounds, else 0, NaN where it or dx is NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Unclip<TSimd, TVec>(TVec x, TVec lower, TVec last, ref TVec dx, ref TVec sum)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec flat = GradientMasks.ZeroOrNaN<TSimd, TVec>(x), slope = TSimd.SelectIfLess(lower, x, TSimd.Create(1f), flat);
        dx = TSimd.Multiply(dx, TSimd.SelectIfLess(last, x, flat, slope));
        sum = TSimd.Add(sum, dx);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Tap<TSimd, TVec>(float* dy, TVec x, TVec w, ref TVec dx, ref TVec dw)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec d = TSimd.Load(dy);
        dx = TSimd.MultiplyAdd(d, w, dx);
        dw = TSimd.MultiplyAdd(x, d, dw);
    }

    /// <summary>Fetches of x and, as a write that waits for its line holds up those behind it, of dx.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FetchX(ref float* ahead, nint dxShift, nint step)
    {
        float* dx = ahead + dxShift;
        DepthwiseAhead.Fetch(ref dx, step);
        DepthwiseAhead.Fetch(ref ahead, step);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Load<TSimd, TVec>(float* taps, nint step, out TVec t0, out TVec t1, out TVec t2)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        t0 = TSimd.Load(taps);
        t1 = TSimd.Load(taps + step);
        t2 = TSimd.Load(taps + (2 * step));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TSimd, TVec>(float* taps, nint step, TVec t0, TVec t1, TVec t2)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TSimd.Store(t0, taps);
        TSimd.Store(t1, taps + step);
        TSimd.Store(t2, taps + (2 * step));
    }
}
