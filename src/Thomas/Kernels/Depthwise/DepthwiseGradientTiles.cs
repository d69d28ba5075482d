using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;

namespace Thomas.Kernels.Depthwise;

/// <summary>Pointers and steps for a run of output pixels that use the same taps; all steps in floats.</summary>
internal unsafe struct DepthwiseGradientTile
{
    /// <summary>First window's first tap that is used.</summary>
    public float* X;

    /// <summary>From one tap row to the next.</summary>
    public nint RowStep;

    /// <summary>From one tap to the next in a row.</summary>
    public nint TapStep;

    /// <summary>From one output pixel's window to the next one's.</summary>
    public nint OutStep;

    /// <summary>Gradient of the first output pixel.</summary>
    public float* Dy;

    /// <summary>Gradient of the first tap that is used; it is added to.</summary>
    public float* W;

    /// <summary>Filter: from one tap row to the next.</summary>
    public nint FilterRowStep;

    /// <summary>Channels; also the step between taps of the filter and between pixels of dy.</summary>
    public int Channels;

    /// <summary>Tap rows that are used.</summary>
    public int Rows;

    /// <summary>Taps of a row that are used.</summary>
    public int Taps;

    /// <summary>Output pixels.</summary>
    public int Pixels;
}

/// <summary>
/// Inner loops of the depthwise filter gradient: one vector of channels, the sums of several taps in registers while the pixels pass. A whole 3x3 window takes
/// nine sums; of other windows each row is cut into runs of five, three and one taps. Every tap is summed in the order of the pixels whichever loop does it.
/// </summary>
internal static unsafe class DepthwiseGradientTiles
{
    /// <summary>Channels [c, end) by whole vectors; returns where it stopped.</summary>
    public static int Add<TSimd, TVec>(DepthwiseGradientTile* t, int c)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        for (; c <= t->Channels - TSimd.Length; c += TSimd.Length)
        {
            if (t->Rows == 3 && t->Taps == 3)
            {
                Add3x3<TSimd, TVec>(t, c);
                continue;
            }

            for (int ky = 0; ky < t->Rows; ky++)
            {
                float* x = t->X + (ky * t->RowStep) + c;
                float* w = t->W + (ky * t->FilterRowStep) + c;
                int taps = t->Taps;
                for (; taps >= 5; taps -= 5, x += 5 * t->TapStep, w += 5 * (nint)t->Channels)
                    AddTaps<TSimd, TVec, C5>(t, x, t->Dy + c, w);
                for (; taps >= 3; taps -= 3, x += 3 * t->TapStep, w += 3 * (nint)t->Channels)
                    AddTaps<TSimd, TVec, C3>(t, x, t->Dy + c, w);
                for (; taps > 0; taps--, x += t->TapStep, w += t->Channels)
                    AddTaps<TSimd, TVec, C1>(t, x, t->Dy + c, w);
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
        for (int q = t->Pixels; q > 0; q--)
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
    private static void AddTaps<TSimd, TVec, TTaps>(DepthwiseGradientTile* t, float* x, float* dy, float* w)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        where TTaps : struct, IConstant
    {
        nint channels = t->Channels, tap = t->TapStep, outStep = t->OutStep;
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

        for (int q = t->Pixels; q > 0; q--)
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
