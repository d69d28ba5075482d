using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;

namespace Thomas.Kernels.Depthwise;

/// <summary>Pointers and steps for a run of output pixels whose windows lie inside the input; all steps in floats.</summary>
internal unsafe struct DepthwiseTile
{
    /// <summary>First window's first tap that is used.</summary>
    public float* X;

    /// <summary>From one tap row to the next.</summary>
    public nint RowStep;

    /// <summary>From one tap to the next in a row.</summary>
    public nint TapStep;

    /// <summary>From one output pixel's window to the next one's.</summary>
    public nint OutStep;

    /// <summary>Filter at the first tap that is used.</summary>
    public float* W;

    /// <summary>Filter: from one tap row to the next.</summary>
    public nint FilterRowStep;

    /// <summary>Bias, or null.</summary>
    public float* Bias;

    /// <summary>First output pixel.</summary>
    public float* Y;

    /// <summary>From one output pixel to the next.</summary>
    public nint YStep;

    /// <summary>Channels; also the step between taps of the filter.</summary>
    public int Channels;

    /// <summary>Tap rows that are used.</summary>
    public int Rows;

    /// <summary>Taps of a row that are used.</summary>
    public int Taps;

    /// <summary>Lower bound of the results.</summary>
    public float Lower;

    /// <summary>Upper bound of the results.</summary>
    public float Upper;
}

/// <summary>
/// Inner loops of the depthwise convolution, over a strip of channels of one or four neighboring output pixels. Four at a time use each
/// filter value four times; for windows 3 or 5 wide with stride 1 or 2 each input value is loaded once for all outputs that it reaches.
/// Every output is summed in the order of the taps whichever loop does it.
/// </summary>
internal static unsafe class DepthwiseTiles
{
    /// <summary>One output pixel, channels [c, end) by whole vectors; returns where it stopped.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int One<TSimd, TVec>(DepthwiseTile* t, int c)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec lower = TSimd.Create(t->Lower), upper = TSimd.Create(t->Upper);
        for (; c <= t->Channels - TSimd.Length; c += TSimd.Length)
        {
            TVec sum = t->Bias != null ? TSimd.Load(t->Bias + c) : TSimd.Create(0f);
            float* x = t->X + c;
            float* w = t->W + c;
            for (int ky = 0; ky < t->Rows; ky++, x += t->RowStep, w += t->FilterRowStep)
            {
                float* xt = x;
                float* wt = w;
                for (int kx = 0; kx < t->Taps; kx++, xt += t->TapStep, wt += t->Channels)
                    sum = TSimd.MultiplyAdd(TSimd.Load(xt), TSimd.Load(wt), sum);
            }

            TSimd.Store(TSimd.AtMost(upper, TSimd.AtLeast(lower, sum)), t->Y + c);
        }

        return c;
    }

    /// <summary>Four output pixels, channels [c, end) by whole vectors; returns where it stopped.</summary>
    /// <typeparam name="TSimd">Operations.</typeparam>
    /// <typeparam name="TVec">Vector type.</typeparam>
    /// <typeparam name="TTaps">3 or 5 for a window of that width without dilation; 1 for any window.</typeparam>
    /// <typeparam name="TStride">1 or 2; with TTaps 1 it has no meaning.</typeparam>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Four<TSimd, TVec, TTaps, TStride>(DepthwiseTile* t, int c)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        where TTaps : struct, IConstant
        where TStride : struct, IConstant
    {
        TVec lower = TSimd.Create(t->Lower), upper = TSimd.Create(t->Upper);
        nint tapStep = t->TapStep, outStep = t->OutStep, channels = t->Channels, yStep = t->YStep;
        for (; c <= t->Channels - TSimd.Length; c += TSimd.Length)
        {
            TVec s0 = t->Bias != null ? TSimd.Load(t->Bias + c) : TSimd.Create(0f);
            TVec s1 = s0, s2 = s0, s3 = s0;
            float* x = t->X + c;
            float* w = t->W + c;
            for (int ky = 0; ky < t->Rows; ky++, x += t->RowStep, w += t->FilterRowStep)
            {
                if (TTaps.Value == 3 && TStride.Value == 1)
                    Row3Stride1<TSimd, TVec>(x, tapStep, w, channels, ref s0, ref s1, ref s2, ref s3);
                else if (TTaps.Value == 3 && TStride.Value == 2)
                    Row3Stride2<TSimd, TVec>(x, tapStep, w, channels, ref s0, ref s1, ref s2, ref s3);
                else if (TTaps.Value == 5 && TStride.Value == 1)
                    Row5Stride1<TSimd, TVec>(x, tapStep, w, channels, ref s0, ref s1, ref s2, ref s3);
                else if (TTaps.Value == 5 && TStride.Value == 2)
                    Row5Stride2<TSimd, TVec>(x, tapStep, w, channels, ref s0, ref s1, ref s2, ref s3);
                else
                    RowAny<TSimd, TVec>(x, tapStep, outStep, w, channels, t->Taps, ref s0, ref s1, ref s2, ref s3);
            }

            float* y = t->Y + c;
            TSimd.Store(TSimd.AtMost(upper, TSimd.AtLeast(lower, s0)), y);
            TSimd.Store(TSimd.AtMost(upper, TSimd.AtLeast(lower, s1)), y + yStep);
            TSimd.Store(TSimd.AtMost(upper, TSimd.AtLeast(lower, s2)), y + (2 * yStep));
            TSimd.Store(TSimd.AtMost(upper, TSimd.AtLeast(lower, s3)), y + (3 * yStep));
        }

        return c;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void RowAny<TSimd, TVec>(
        float* x, nint tapStep, nint outStep, float* w, nint channels, int taps, ref TVec s0, ref TVec s1, ref TVec s2, ref TVec s3)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        for (int kx = 0; kx < taps; kx++, x += tapStep, w += channels)
        {
            TVec f = TSimd.Load(w);
            s0 = TSimd.MultiplyAdd(TSimd.Load(x), f, s0);
            s1 = TSimd.MultiplyAdd(TSimd.Load(x + outStep), f, s1);
            s2 = TSimd.MultiplyAdd(TSimd.Load(x + (2 * outStep)), f, s2);
            s3 = TSimd.MultiplyAdd(TSimd.Load(x + (3 * outStep)), f, s3);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Row3Stride1<TSimd, TVec>(
        float* x, nint step, float* w, nint channels, ref TVec s0, ref TVec s1, ref TVec s2, ref TVec s3)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec f0 = TSimd.Load(w);
        TVec f1 = TSimd.Load(w + channels);
        TVec f2 = TSimd.Load(w + (2 * channels));
        TVec v = TSimd.Load(x);
        x += step;
        s0 = TSimd.MultiplyAdd(v, f0, s0);
        v = TSimd.Load(x);
        x += step;
        s0 = TSimd.MultiplyAdd(v, f1, s0);
        s1 = TSimd.MultiplyAdd(v, f0, s1);
        v = TSimd.Load(x);
        x += step;
        s0 = TSimd.MultiplyAdd(v, f2, s0);
        s1 = TSimd.MultiplyAdd(v, f1, s1);
        s2 = TSimd.MultiplyAdd(v, f0, s2);
        v = TSimd.Load(x);
        x += step;
        s1 = TSimd.MultiplyAdd(v, f2, s1);
        s2 = TSimd.MultiplyAdd(v, f1, s2);
        s3 = TSimd.MultiplyAdd(v, f0, s3);
        v = TSimd.Load(x);
        x += step;
        s2 = TSimd.MultiplyAdd(v, f2, s2);
        s3 = TSimd.MultiplyAdd(v, f1, s3);
        v = TSimd.Load(x);
        s3 = TSimd.MultiplyAdd(v, f2, s3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Row3Stride2<TSimd, TVec>(
        float* x, nint step, float* w, nint channels, ref TVec s0, ref TVec s1, ref TVec s2, ref TVec s3)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec f0 = TSimd.Load(w);
        TVec f1 = TSimd.Load(w + channels);
        TVec f2 = TSimd.Load(w + (2 * channels));
        TVec v = TSimd.Load(x);
        x += step;
        s0 = TSimd.MultiplyAdd(v, f0, s0);
        v = TSimd.Load(x);
        x += step;
        s0 = TSimd.MultiplyAdd(v, f1, s0);
        v = TSimd.Load(x);
        x += step;
        s0 = TSimd.MultiplyAdd(v, f2, s0);
        s1 = TSimd.MultiplyAdd(v, f0, s1);
        v = TSimd.Load(x);
        x += step;
        s1 = TSimd.MultiplyAdd(v, f1, s1);
        v = TSimd.Load(x);
        x += step;
        s1 = TSimd.MultiplyAdd(v, f2, s1);
        s2 = TSimd.MultiplyAdd(v, f0, s2);
        v = TSimd.Load(x);
        x += step;
        s2 = TSimd.MultiplyAdd(v, f1, s2);
        v = TSimd.Load(x);
        x += step;
        s2 = TSimd.MultiplyAdd(v, f2, s2);
        s3 = TSimd.MultiplyAdd(v, f0, s3);
        v = TSimd.Load(x);
        x += step;
        s3 = TSimd.MultiplyAdd(v, f1, s3);
        v = TSimd.Load(x);
        s3 = TSimd.MultiplyAdd(v, f2, s3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Row5Stride1<TSimd, TVec>(
        float* x, nint step, float* w, nint channels, ref TVec s0, ref TVec s1, ref TVec s2, ref TVec s3)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec f0 = TSimd.Load(w);
        TVec f1 = TSimd.Load(w + channels);
        TVec f2 = TSimd.Load(w + (2 * channels));
        TVec f3 = TSimd.Load(w + (3 * channels));
        TVec f4 = TSimd.Load(w + (4 * channels));
        TVec v = TSimd.Load(x);
        x += step;
        s0 = TSimd.MultiplyAdd(v, f0, s0);
        v = TSimd.Load(x);
        x += step;
        s0 = TSimd.MultiplyAdd(v, f1, s0);
        s1 = TSimd.MultiplyAdd(v, f0, s1);
        v = TSimd.Load(x);
        x += step;
        s0 = TSimd.MultiplyAdd(v, f2, s0);
        s1 = TSimd.MultiplyAdd(v, f1, s1);
        s2 = TSimd.MultiplyAdd(v, f0, s2);
        v = TSimd.Load(x);
        x += step;
        s0 = TSimd.MultiplyAdd(v, f3, s0);
        s1 = TSimd.MultiplyAdd(v, f2, s1);
        s2 = TSimd.MultiplyAdd(v, f1, s2);
        s3 = TSimd.MultiplyAdd(v, f0, s3);
        v = TSimd.Load(x);
        x += step;
        s0 = TSimd.MultiplyAdd(v, f4, s0);
        s1 = TSimd.MultiplyAdd(v, f3, s1);
        s2 = TSimd.MultiplyAdd(v, f2, s2);
        s3 = TSimd.MultiplyAdd(v, f1, s3);
        v = TSimd.Load(x);
        x += step;
        s1 = TSimd.MultiplyAdd(v, f4, s1);
        s2 = TSimd.MultiplyAdd(v, f3, s2);
        s3 = TSimd.MultiplyAdd(v, f2, s3);
        v = TSimd.Load(x);
        x += step;
        s2 = TSimd.MultiplyAdd(v, f4, s2);
        s3 = TSimd.MultiplyAdd(v, f3, s3);
        v = TSimd.Load(x);
        s3 = TSimd.MultiplyAdd(v, f4, s3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Row5Stride2<TSimd, TVec>(
        float* x, nint step, float* w, nint channels, ref TVec s0, ref TVec s1, ref TVec s2, ref TVec s3)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec f0 = TSimd.Load(w);
        TVec f1 = TSimd.Load(w + channels);
        TVec f2 = TSimd.Load(w + (2 * channels));
        TVec f3 = TSimd.Load(w + (3 * channels));
        TVec f4 = TSimd.Load(w + (4 * channels));
        TVec v = TSimd.Load(x);
        x += step;
        s0 = TSimd.MultiplyAdd(v, f0, s0);
        v = TSimd.Load(x);
        x += step;
        s0 = TSimd.MultiplyAdd(v, f1, s0);
        v = TSimd.Load(x);
        x += step;
        s0 = TSimd.MultiplyAdd(v, f2, s0);
        s1 = TSimd.MultiplyAdd(v, f0, s1);
        v = TSimd.Load(x);
        x += step;
        s0 = TSimd.MultiplyAdd(v, f3, s0);
        s1 = TSimd.MultiplyAdd(v, f1, s1);
        v = TSimd.Load(x);
        x += step;
        s0 = TSimd.MultiplyAdd(v, f4, s0);
        s1 = TSimd.MultiplyAdd(v, f2, s1);
        s2 = TSimd.MultiplyAdd(v, f0, s2);
        v = TSimd.Load(x);
        x += step;
        s1 = TSimd.MultiplyAdd(v, f3, s1);
        s2 = TSimd.MultiplyAdd(v, f1, s2);
        v = TSimd.Load(x);
        x += step;
        s1 = TSimd.MultiplyAdd(v, f4, s1);
        s2 = TSimd.MultiplyAdd(v, f2, s2);
        s3 = TSimd.MultiplyAdd(v, f0, s3);
        v = TSimd.Load(x);
        x += step;
        s2 = TSimd.MultiplyAdd(v, f3, s2);
        s3 = TSimd.MultiplyAdd(v, f1, s3);
        v = TSimd.Load(x);
        x += step;
        s2 = TSimd.MultiplyAdd(v, f4, s2);
        s3 = TSimd.MultiplyAdd(v, f2, s3);
        v = TSimd.Load(x);
        x += step;
        s3 = TSimd.MultiplyAdd(v, f3, s3);
        v = TSimd.Load(x);
        s3 = TSimd.MultiplyAdd(v, f4, s3);
    }
}
