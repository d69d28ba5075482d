using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;

namespace Thomas.Kernels.Depthwise;

/// <summary>Pointers and steps for a row of output pixels; all steps in floats.</summary>
internal unsafe struct DepthwiseGradientTile
{
    /// <summary>First window's first tap, in the first row that is used; outside the input if there is padding on the left.</summary>
    public float* X;

    /// <summary>From one tap row to the next.</summary>
    public nint RowStep;

    /// <summary>From one tap to the next in a row.</summary>
    public nint TapStep;

    /// <summary>From one output pixel's window to the next one's.</summary>
    public nint OutStep;

    /// <summary>Input column of <see cref="X"/>; negative if there is padding on the left.</summary>
    public int Column;

    /// <summary>Input columns from one tap to the next.</summary>
    public int TapColumns;

    /// <summary>Input columns from one output pixel's window to the next one's.</summary>
    public int OutColumns;

    /// <summary>Input columns.</summary>
    public int Columns;

    /// <summary>Gradient of the first output pixel.</summary>
    public float* Dy;

    /// <summary>Gradient of the first tap of the first row that is used; it is added to.</summary>
    public float* W;

    /// <summary>Filter: from one tap row to the next.</summary>
    public nint FilterRowStep;

    /// <summary>Channels; also the step between taps of the filter and between pixels of dy.</summary>
    public int Channels;

    /// <summary>Tap rows that are used.</summary>
    public int Rows;

    /// <summary>Taps of a row.</summary>
    public int Taps;

    /// <summary>Output pixels.</summary>
    public int Pixels;

    /// <summary>Whether <see cref="DepthwiseGradientRows"/> adds the row.</summary>
    public bool Slides;

    /// <summary>First output pixel whose window lies between the left and right edge of the input.</summary>
    public int InteriorFirst;

    /// <summary>One past the last such pixel.</summary>
    public int InteriorEnd;
}

/// <summary>
/// Inner loops of the depthwise filter gradient: one vector of channels, the sums of several taps in registers while the pixels pass. A whole 3x3 window takes
/// nine sums; of other windows each row is cut into runs of five, three and one taps. Every tap is summed in the order of the pixels whichever loop does it.
/// </summary>
internal static unsafe class DepthwiseGradientTiles
{
    /// <summary>Channels [c, end) by whole vectors; returns where it stopped.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Add<TSimd, TVec>(DepthwiseGradientTile* t, int c)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        for (; c <= t->Channels - TSimd.Length; c += TSimd.Length)
        {
            if (t->Slides)
            {
                DepthwiseGradientRows.Add<TSimd, TVec>(t, c);
                continue;
            }

            if (t->Rows == 3 && t->Taps == 3)
            {
                Add3x3<TSimd, TVec>(t, c);
                continue;
            }

            for (int ky = 0; ky < t->Rows; ky++)
            {
                int tap = 0;
                for (; tap <= t->Taps - 5; tap += 5)
                    AddTaps<TSimd, TVec, C5>(t, c, ky, tap);
                for (; tap <= t->Taps - 3; tap += 3)
                    AddTaps<TSimd, TVec, C3>(t, c, ky, tap);
                for (; tap < t->Taps; tap++)
                    AddTaps<TSimd, TVec, C1>(t, c, ky, tap);
            }
        }

        return c;
    }

    /// <summary>Nine taps of three rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Add3x3<TSimd, TVec>(DepthwiseGradientTile* t, int c)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        nint channels = t->Channels, tap = t->TapStep, tap2 = 2 * tap, outStep = t->OutStep;
        float* w0 = t->W + c;
        float* w1 = w0 + t->FilterRowStep;
        float* w2 = w1 + t->FilterRowStep;
        float* x0 = t->X + c;
        float* x1 = x0 + t->RowStep;
        float* x2 = x1 + t->RowStep;
        float* dy = t->Dy + c;
        TVec s00 = TSimd.Load(w0), s01 = TSimd.Load(w0 + channels), s02 = TSimd.Load(w0 + (2 * channels));
        TVec s10 = TSimd.Load(w1), s11 = TSimd.Load(w1 + channels), s12 = TSimd.Load(w1 + (2 * channels));
        TVec s20 = TSimd.Load(w2), s21 = TSimd.Load(w2 + channels), s22 = TSimd.Load(w2 + (2 * channels));
        int q = 0, first = t->InteriorFirst, end = t->InteriorEnd, last = t->Pixels;
        while (true)
        {
            for (; q < end && q >= first; q++, x0 += outStep, x1 += outStep, x2 += outStep, dy += channels)
            {
                TVec d = TSimd.Load(dy);
                s00 = TSimd.MultiplyAdd(TSimd.Load(x0), d, s00);
                s01 = TSimd.MultiplyAdd(TSimd.Load(x0 + tap), d, s01);
                s02 = TSimd.MultiplyAdd(TSimd.Load(x0 + tap2), d, s02);
                s10 = TSimd.MultiplyAdd(TSimd.Load(x1), d, s10);
                s11 = TSimd.MultiplyAdd(TSimd.Load(x1 + tap), d, s11);
                s12 = TSimd.MultiplyAdd(TSimd.Load(x1 + tap2), d, s12);
                s20 = TSimd.MultiplyAdd(TSimd.Load(x2), d, s20);
                s21 = TSimd.MultiplyAdd(TSimd.Load(x2 + tap), d, s21);
                s22 = TSimd.MultiplyAdd(TSimd.Load(x2 + tap2), d, s22);
            }

            if (q >= last) break;

            // A pixel at the edge: the taps that lie in the input.
            TVec edge = TSimd.Load(dy);
            int column = t->Column + (q * t->OutColumns);
            if ((uint)column < (uint)t->Columns)
            {
                s00 = TSimd.MultiplyAdd(TSimd.Load(x0), edge, s00);
                s10 = TSimd.MultiplyAdd(TSimd.Load(x1), edge, s10);
                s20 = TSimd.MultiplyAdd(TSimd.Load(x2), edge, s20);
            }

            if ((uint)(column + t->TapColumns) < (uint)t->Columns)
            {
                s01 = TSimd.MultiplyAdd(TSimd.Load(x0 + tap), edge, s01);
                s11 = TSimd.MultiplyAdd(TSimd.Load(x1 + tap), edge, s11);
                s21 = TSimd.MultiplyAdd(TSimd.Load(x2 + tap), edge, s21);
            }

            if ((uint)(column + (2 * t->TapColumns)) < (uint)t->Columns)
            {
                s02 = TSimd.MultiplyAdd(TSimd.Load(x0 + tap2), edge, s02);
                s12 = TSimd.MultiplyAdd(TSimd.Load(x1 + tap2), edge, s12);
                s22 = TSimd.MultiplyAdd(TSimd.Load(x2 + tap2), edge, s22);
            }

            q++;
            x0 += outStep;
            x1 += outStep;
            x2 += outStep;
            dy += channels;
        }

        TSimd.Store(s00, w0);
        TSimd.Store(s01, w0 + channels);
        TSimd.Store(s02, w0 + (2 * channels));
        TSimd.Store(s10, w1);
        TSimd.Store(s11, w1 + channels);
        TSimd.Store(s12, w1 + (2 * channels));
        TSimd.Store(s20, w2);
        TSimd.Store(s21, w2 + channels);
        TSimd.Store(s22, w2 + (2 * channels));
    }

    /// <summary>TTaps (1, 3 or 5) neighboring taps of a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddTaps<TSimd, TVec, TTaps>(DepthwiseGradientTile* t, int c, int tapRow, int firstTap)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        where TTaps : struct, IConstant
    {
        nint channels = t->Channels, tap = t->TapStep, outStep = t->OutStep;
        float* x = t->X + (tapRow * t->RowStep) + (firstTap * tap) + c;
        float* w = t->W + (tapRow * t->FilterRowStep) + (firstTap * channels) + c;
        float* dy = t->Dy + c;
        TVec s0 = TSimd.Load(w), s1 = s0, s2 = s0, s3 = s0, s4 = s0;
        if (TTaps.Value >= 3)
        {
            s1 = TSimd.Load(w + channels);
            s2 = TSimd.Load(w + (2 * channels));
        }

        if (TTaps.Value == 5)
        {
            s3 = TSimd.Load(w + (3 * channels));
            s4 = TSimd.Load(w + (4 * channels));
        }

        int q = 0, first = t->InteriorFirst, end = t->InteriorEnd, last = t->Pixels;
        while (true)
        {
            for (; q < end && q >= first; q++, x += outStep, dy += channels)
            {
                TVec d = TSimd.Load(dy);
                s0 = TSimd.MultiplyAdd(TSimd.Load(x), d, s0);
                if (TTaps.Value >= 3)
                {
                    s1 = TSimd.MultiplyAdd(TSimd.Load(x + tap), d, s1);
                    s2 = TSimd.MultiplyAdd(TSimd.Load(x + (2 * tap)), d, s2);
                }

                if (TTaps.Value == 5)
                {
                    s3 = TSimd.MultiplyAdd(TSimd.Load(x + (3 * tap)), d, s3);
                    s4 = TSimd.MultiplyAdd(TSimd.Load(x + (4 * tap)), d, s4);
                }
            }

            if (q >= last) break;

            // A pixel at the edge: the taps that lie in the input.
            TVec edge = TSimd.Load(dy);
            int column = t->Column + (q * t->OutColumns) + (firstTap * t->TapColumns), step = t->TapColumns;
            uint columns = (uint)t->Columns;
            if ((uint)column < columns) s0 = TSimd.MultiplyAdd(TSimd.Load(x), edge, s0);
            if (TTaps.Value >= 3 && (uint)(column + step) < columns) s1 = TSimd.MultiplyAdd(TSimd.Load(x + tap), edge, s1);
            if (TTaps.Value >= 3 && (uint)(column + (2 * step)) < columns) s2 = TSimd.MultiplyAdd(TSimd.Load(x + (2 * tap)), edge, s2);
            if (TTaps.Value == 5 && (uint)(column + (3 * step)) < columns) s3 = TSimd.MultiplyAdd(TSimd.Load(x + (3 * tap)), edge, s3);
            if (TTaps.Value == 5 && (uint)(column + (4 * step)) < columns) s4 = TSimd.MultiplyAdd(TSimd.Load(x + (4 * tap)), edge, s4);
            q++;
            x += outStep;
            dy += channels;
        }

        TSimd.Store(s0, w);
        if (TTaps.Value >= 3)
        {
            TSimd.Store(s1, w + channels);
            TSimd.Store(s2, w + (2 * channels));
        }

        if (TTaps.Value == 5)
        {
            TSimd.Store(s3, w + (3 * channels));
            TSimd.Store(s4, w + (4 * channels));
        }
    }
}
