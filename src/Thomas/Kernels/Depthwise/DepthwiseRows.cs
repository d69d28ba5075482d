using System;
using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;

namespace Thomas.Kernels.Depthwise;

/// <summary>
/// Loops of the depthwise convolution over a row of output pixels, or two rows of a 3x3 window with stride 1, for channels [c, end) by whole vectors. Tiles
/// of four pixels (eight in two rows) stay in registers: each input and filter value is loaded once for all sums that it reaches. The last tile overlaps
/// the one before where four do not divide the row. Every output is summed in the order of the taps whichever loop does it.
/// </summary>
internal static unsafe class DepthwiseRows
{
    /// <summary>Output pixels of a tile.</summary>
    private const int Width = 4;

    /// <summary>Whether <see cref="One"/> takes such rows: the columns outside the input are few enough for its tiles.</summary>
    public static bool Fits(in ConvGeometry g)
    {
        int margin = g.KernelW / 2, reach = ((Width - 1) * g.StrideW) + g.KernelW;
        return g.KernelW is 3 or 5 && g.StrideW is 1 or 2 && g.DilationW == 1 && g.OutW >= Width
            && g.PadLeft <= margin && ((g.OutW - Width) * g.StrideW) - g.PadLeft + reach - g.InW <= margin;
    }

    /// <summary>One row.</summary>
    /// <typeparam name="TSimd">Operations.</typeparam>
    /// <typeparam name="TVec">Vector type.</typeparam>
    /// <typeparam name="TTaps">Width of the window, 3 or 5.</typeparam>
    /// <typeparam name="TStride">Stride, 1 or 2.</typeparam>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int One<TSimd, TVec, TTaps, TStride>(DepthwiseRow* t, int c)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        where TTaps : struct, IConstant
        where TStride : struct, IConstant
    {
        nint step = t->PixelStep, channels = t->Channels, yStep = t->YStep, end = channels - TSimd.Length + 1;
        TVec lower = TSimd.Create(t->Lower), upper = TSimd.Create(t->Upper);
        for (int pixel = 0, last = t->Pixels - Width; ; pixel = Math.Min(pixel + Width, last))
        {
            int column = (pixel * TStride.Value) - t->Pad;
            Edges edges = new(column, column + ((Width - 1) * TStride.Value) + TTaps.Value - t->Columns);
            float* tile = t->X + (column * step);
            float* y = t->Y + (pixel * yStep);
            for (nint i = c; i < end; i += TSimd.Length)
            {
                TVec s0 = t->Bias != null ? TSimd.Load(t->Bias + i) : TSimd.Create(0f);
                TVec s1 = s0, s2 = s0, s3 = s0;
                float* x = tile + i;
                float* w = t->W + i;
                for (int ky = 0; ky < t->Rows; x += t->StepTo(++ky), w += t->FilterRowStep)
                {
                    if (TTaps.Value == 3 && TStride.Value == 1)
                    {
                        DepthwiseTaps.Row3Stride1<TSimd, TVec>(x, step, w, channels, edges, ref s0, ref s1, ref s2, ref s3);
                    }
                    else if (TTaps.Value == 3) DepthwiseTaps.Row3Stride2<TSimd, TVec>(x, step, w, channels, edges, ref s0, ref s1, ref s2, ref s3);
                    else if (TStride.Value == 1) DepthwiseTaps.Row5Stride1<TSimd, TVec>(x, step, w, channels, edges, ref s0, ref s1, ref s2, ref s3);
                    else DepthwiseTaps.Row5Stride2<TSimd, TVec>(x, step, w, channels, edges, ref s0, ref s1, ref s2, ref s3);
                }

                TSimd.Store(TSimd.AtMost(upper, TSimd.AtLeast(lower, s0)), y + i);
                TSimd.Store(TSimd.AtMost(upper, TSimd.AtLeast(lower, s1)), y + i + yStep);
                TSimd.Store(TSimd.AtMost(upper, TSimd.AtLeast(lower, s2)), y + i + (2 * yStep));
                TSimd.Store(TSimd.AtMost(upper, TSimd.AtLeast(lower, s3)), y + i + (3 * yStep));
                if (t->Ahead != null)
                {
                    DepthwiseAhead.FetchFour(ref t->Ahead->Y, TSimd.Length);
                    DepthwiseAhead.FetchFour(ref t->Ahead->X, TSimd.Length);
                    for (int rest = TStride.Value * TStride.Value; rest > 1; rest--)
                        DepthwiseAhead.FetchFour(ref t->Ahead->X, TSimd.Length);
                }
            }

            if (pixel == last) return Stop(c, t->Channels, TSimd.Length);
        }
    }

    /// <summary>Two rows of a 3x3 window with stride 1, of which the upper one's second and third tap rows lie in the input.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Two<TSimd, TVec>(DepthwiseRow* t, int c)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        nint step = t->PixelStep, channels = t->Channels, yStep = t->YStep, end = channels - TSimd.Length + 1;
        nint row1 = t->StepTo(1), row2 = t->StepTo(2), row3 = t->StepTo(3), w1 = t->FilterRowStep, w2 = 2 * w1;
        bool hasTop = t->HasTop, hasBottom = t->HasBottom;
        for (int pixel = 0, last = t->Pixels - Width; ; pixel = Math.Min(pixel + Width, last))
        {
            int column = pixel - t->Pad;
            Edges edges = new(column, column + Width + 2 - t->Columns);
            float* tile = t->X + (column * step);
            float* y = t->Y + (pixel * yStep);
            for (nint i = c; i < end; i += TSimd.Length)
            {
                TVec s0 = t->Bias != null ? TSimd.Load(t->Bias + i) : TSimd.Create(0f);
                TVec s1 = s0, s2 = s0, s3 = s0, r0 = s0, r1 = s0, r2 = s0, r3 = s0;
                float* x = tile + i;
                float* w = t->W + i;
                if (hasTop) DepthwiseTaps.Row3Stride1<TSimd, TVec>(x, step, w, channels, edges, ref s0, ref s1, ref s2, ref s3);
                x += row1;
                DepthwiseTaps.TwoRows3<TSimd, TVec>(x, step, w + w1, w, channels, edges, ref s0, ref s1, ref s2, ref s3, ref r0, ref r1, ref r2, ref r3);
                x += row2;
                DepthwiseTaps.TwoRows3<TSimd, TVec>(x, step, w + w2, w + w1, channels, edges, ref s0, ref s1, ref s2, ref s3, ref r0, ref r1, ref r2, ref r3);
                x += row3;
                if (hasBottom) DepthwiseTaps.Row3Stride1<TSimd, TVec>(x, step, w + w2, channels, edges, ref r0, ref r1, ref r2, ref r3);
                TVec lower = TSimd.Create(t->Lower), upper = TSimd.Create(t->Upper);
                float* to = y + i;
                TSimd.Store(TSimd.AtMost(upper, TSimd.AtLeast(lower, s0)), to);
                TSimd.Store(TSimd.AtMost(upper, TSimd.AtLeast(lower, s1)), to + yStep);
                TSimd.Store(TSimd.AtMost(upper, TSimd.AtLeast(lower, s2)), to + (2 * yStep));
                TSimd.Store(TSimd.AtMost(upper, TSimd.AtLeast(lower, s3)), to + (3 * yStep));
                to += t->YRowStep;
                TSimd.Store(TSimd.AtMost(upper, TSimd.AtLeast(lower, r0)), to);
                TSimd.Store(TSimd.AtMost(upper, TSimd.AtLeast(lower, r1)), to + yStep);
                TSimd.Store(TSimd.AtMost(upper, TSimd.AtLeast(lower, r2)), to + (2 * yStep));
                TSimd.Store(TSimd.AtMost(upper, TSimd.AtLeast(lower, r3)), to + (3 * yStep));
                if (t->Ahead != null)
                {
                    DepthwiseAhead.FetchFour(ref t->Ahead->X, TSimd.Length);
                    DepthwiseAhead.FetchFour(ref t->Ahead->X, TSimd.Length);
                    DepthwiseAhead.FetchFour(ref t->Ahead->Y, TSimd.Length);
                    DepthwiseAhead.FetchFour(ref t->Ahead->Y, TSimd.Length);
                }
            }

            if (pixel == last) return Stop(c, t->Channels, TSimd.Length);
        }
    }

    /// <summary>One row of any window: four pixels at a time inside the input, one at a time at its edges.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Any<TSimd, TVec>(DepthwiseRow* t, int c, in ConvGeometry g)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        (int interiorFirst, int interiorEnd) = Window.Interior(t->Pixels, g.StrideW, t->Pad, g.KernelW, g.DilationW, t->Columns);
        nint tapStep = t->PixelStep * g.DilationW, outStep = t->PixelStep * g.StrideW, end = t->Channels - TSimd.Length + 1;
        int pixel = 0;
        while (pixel < t->Pixels)
        {
            int column = (pixel * g.StrideW) - t->Pad;
            (int first, int taps) = Window.Taps(column, g.KernelW, g.DilationW, t->Columns);
            taps -= first;
            float* x = t->X + (column * t->PixelStep) + (first * tapStep);
            float* w = t->W + ((nint)first * t->Channels);
            float* y = t->Y + (pixel * t->YStep);
            if (pixel >= interiorFirst && pixel + Width <= interiorEnd)
            {
                for (nint i = c; i < end; i += TSimd.Length)
                    FourPixels<TSimd, TVec>(t, i, x + i, w + i, y + i, taps, tapStep, outStep);
                pixel += Width;
            }
            else
            {
                for (nint i = c; i < end; i += TSimd.Length)
                    Pixel<TSimd, TVec>(t, i, x + i, w + i, y + i, taps, tapStep);
                pixel++;
            }
        }

        return Stop(c, t->Channels, TSimd.Length);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Pixel<TSimd, TVec>(DepthwiseRow* t, nint c, float* x, float* w, float* y, int taps, nint tapStep)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec sum = t->Bias != null ? TSimd.Load(t->Bias + c) : TSimd.Create(0f);
        for (int ky = 0; ky < t->Rows; x += t->StepTo(++ky), w += t->FilterRowStep)
        {
            float* xt = x;
            float* wt = w;
            for (int kx = 0; kx < taps; kx++, xt += tapStep, wt += t->Channels)
                sum = TSimd.MultiplyAdd(TSimd.Load(xt), TSimd.Load(wt), sum);
        }

        TSimd.Store(TSimd.AtMost(TSimd.Create(t->Upper), TSimd.AtLeast(TSimd.Create(t->Lower), sum)), y);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FourPixels<TSimd, TVec>(DepthwiseRow* t, nint c, float* x, float* w, float* y, int taps, nint tapStep, nint outStep)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec s0 = t->Bias != null ? TSimd.Load(t->Bias + c) : TSimd.Create(0f);
        TVec s1 = s0, s2 = s0, s3 = s0;
        for (int ky = 0; ky < t->Rows; x += t->StepTo(++ky), w += t->FilterRowStep)
        {
            float* xt = x;
            float* wt = w;
            for (int kx = 0; kx < taps; kx++, xt += tapStep, wt += t->Channels)
            {
                TVec f = TSimd.Load(wt);
                s0 = TSimd.MultiplyAdd(TSimd.Load(xt), f, s0);
                s1 = TSimd.MultiplyAdd(TSimd.Load(xt + outStep), f, s1);
                s2 = TSimd.MultiplyAdd(TSimd.Load(xt + (2 * outStep)), f, s2);
                s3 = TSimd.MultiplyAdd(TSimd.Load(xt + (3 * outStep)), f, s3);
            }
        }

        TVec lower = TSimd.Create(t->Lower), upper = TSimd.Create(t->Upper);
        TSimd.Store(TSimd.AtMost(upper, TSimd.AtLeast(lower, s0)), y);
        TSimd.Store(TSimd.AtMost(upper, TSimd.AtLeast(lower, s1)), y + t->YStep);
        TSimd.Store(TSimd.AtMost(upper, TSimd.AtLeast(lower, s2)), y + (2 * t->YStep));
        TSimd.Store(TSimd.AtMost(upper, TSimd.AtLeast(lower, s3)), y + (3 * t->YStep));
    }

    private static int Stop(int c, int channels, int length) => c + ((channels - c) / length * length);
}
