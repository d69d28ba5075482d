using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;

namespace Thomas.Kernels.Depthwise;

/// <summary>
/// What a row of taps adds to four neighboring outputs, for a vector of channels: x is the tile's first column, the taps of the filter row lie
/// <c>channels</c> apart. Each column is loaded once. Columns outside the input are left out; the edges can only be a window's half wide.
/// </summary>
internal static unsafe class DepthwiseTaps
{
    /// <summary>A row of a window 3 wide, stride 1: 6 columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Row3Stride1<TSimd, TVec>(
        float* x, nint step, float* w, nint channels, Edges edges, ref TVec s0, ref TVec s1, ref TVec s2, ref TVec s3)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec f0 = TSimd.Load(w);
        TVec f1 = TSimd.Load(w + channels);
        TVec f2 = TSimd.Load(w + (2 * channels));
        TVec v;
        if (edges.Left <= 0)
        {
            v = TSimd.Load(x);
            s0 = TSimd.MultiplyAdd(v, f0, s0);
        }

        x += step;
        v = TSimd.Load(x);
        s0 = TSimd.MultiplyAdd(v, f1, s0);
        s1 = TSimd.MultiplyAdd(v, f0, s1);
        x += step;
        v = TSimd.Load(x);
        s0 = TSimd.MultiplyAdd(v, f2, s0);
        s1 = TSimd.MultiplyAdd(v, f1, s1);
        s2 = TSimd.MultiplyAdd(v, f0, s2);
        x += step;
        v = TSimd.Load(x);
        s1 = TSimd.MultiplyAdd(v, f2, s1);
        s2 = TSimd.MultiplyAdd(v, f1, s2);
        s3 = TSimd.MultiplyAdd(v, f0, s3);
        x += step;
        v = TSimd.Load(x);
        s2 = TSimd.MultiplyAdd(v, f2, s2);
        s3 = TSimd.MultiplyAdd(v, f1, s3);
        x += step;
        if (edges.Right <= 0)
        {
            v = TSimd.Load(x);
            s3 = TSimd.MultiplyAdd(v, f2, s3);
        }
    }

    /// <summary>A row of a window 3 wide, stride 2: 9 columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Row3Stride2<TSimd, TVec>(
        float* x, nint step, float* w, nint channels, Edges edges, ref TVec s0, ref TVec s1, ref TVec s2, ref TVec s3)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec f0 = TSimd.Load(w);
        TVec f1 = TSimd.Load(w + channels);
        TVec f2 = TSimd.Load(w + (2 * channels));
        TVec v;
        if (edges.Left <= 0)
        {
            v = TSimd.Load(x);
            s0 = TSimd.MultiplyAdd(v, f0, s0);
        }

        x += step;
        v = TSimd.Load(x);
        s0 = TSimd.MultiplyAdd(v, f1, s0);
        x += step;
        v = TSimd.Load(x);
        s0 = TSimd.MultiplyAdd(v, f2, s0);
        s1 = TSimd.MultiplyAdd(v, f0, s1);
        x += step;
        v = TSimd.Load(x);
        s1 = TSimd.MultiplyAdd(v, f1, s1);
        x += step;
        v = TSimd.Load(x);
        s1 = TSimd.MultiplyAdd(v, f2, s1);
        s2 = TSimd.MultiplyAdd(v, f0, s2);
        x += step;
        v = TSimd.Load(x);
        s2 = TSimd.MultiplyAdd(v, f1, s2);
        x += step;
        v = TSimd.Load(x);
        s2 = TSimd.MultiplyAdd(v, f2, s2);
        s3 = TSimd.MultiplyAdd(v, f0, s3);
        x += step;
        v = TSimd.Load(x);
        s3 = TSimd.MultiplyAdd(v, f1, s3);
        x += step;
        if (edges.Right <= 0)
        {
            v = TSimd.Load(x);
            s3 = TSimd.MultiplyAdd(v, f2, s3);
        }
    }

    /// <summary>A row of a window 5 wide, stride 1: 8 columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Row5Stride1<TSimd, TVec>(
        float* x, nint step, float* w, nint channels, Edges edges, ref TVec s0, ref TVec s1, ref TVec s2, ref TVec s3)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec f0 = TSimd.Load(w);
        TVec f1 = TSimd.Load(w + channels);
        TVec f2 = TSimd.Load(w + (2 * channels));
        TVec f3 = TSimd.Load(w + (3 * channels));
        TVec f4 = TSimd.Load(w + (4 * channels));
        TVec v;
        if (edges.Left <= 0)
        {
            v = TSimd.Load(x);
            s0 = TSimd.MultiplyAdd(v, f0, s0);
        }

        x += step;
        if (edges.Left <= 1)
        {
            v = TSimd.Load(x);
            s0 = TSimd.MultiplyAdd(v, f1, s0);
            s1 = TSimd.MultiplyAdd(v, f0, s1);
        }

        x += step;
        v = TSimd.Load(x);
        s0 = TSimd.MultiplyAdd(v, f2, s0);
        s1 = TSimd.MultiplyAdd(v, f1, s1);
        s2 = TSimd.MultiplyAdd(v, f0, s2);
        x += step;
        v = TSimd.Load(x);
        s0 = TSimd.MultiplyAdd(v, f3, s0);
        s1 = TSimd.MultiplyAdd(v, f2, s1);
        s2 = TSimd.MultiplyAdd(v, f1, s2);
        s3 = TSimd.MultiplyAdd(v, f0, s3);
        x += step;
        v = TSimd.Load(x);
        s0 = TSimd.MultiplyAdd(v, f4, s0);
        s1 = TSimd.MultiplyAdd(v, f3, s1);
        s2 = TSimd.MultiplyAdd(v, f2, s2);
        s3 = TSimd.MultiplyAdd(v, f1, s3);
        x += step;
        v = TSimd.Load(x);
        s1 = TSimd.MultiplyAdd(v, f4, s1);
        s2 = TSimd.MultiplyAdd(v, f3, s2);
        s3 = TSimd.MultiplyAdd(v, f2, s3);
        x += step;
        if (edges.Right <= 1)
        {
            v = TSimd.Load(x);
            s2 = TSimd.MultiplyAdd(v, f4, s2);
            s3 = TSimd.MultiplyAdd(v, f3, s3);
        }

        x += step;
        if (edges.Right <= 0)
        {
            v = TSimd.Load(x);
            s3 = TSimd.MultiplyAdd(v, f4, s3);
        }
    }

    /// <summary>A row of a window 5 wide, stride 2: 11 columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Row5Stride2<TSimd, TVec>(
        float* x, nint step, float* w, nint channels, Edges edges, ref TVec s0, ref TVec s1, ref TVec s2, ref TVec s3)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec f0 = TSimd.Load(w);
        TVec f1 = TSimd.Load(w + channels);
        TVec f2 = TSimd.Load(w + (2 * channels));
        TVec f3 = TSimd.Load(w + (3 * channels));
        TVec f4 = TSimd.Load(w + (4 * channels));
        TVec v;
        if (edges.Left <= 0)
        {
            v = TSimd.Load(x);
            s0 = TSimd.MultiplyAdd(v, f0, s0);
        }

        x += step;
        if (edges.Left <= 1)
        {
            v = TSimd.Load(x);
            s0 = TSimd.MultiplyAdd(v, f1, s0);
        }

        x += step;
        v = TSimd.Load(x);
        s0 = TSimd.MultiplyAdd(v, f2, s0);
        s1 = TSimd.MultiplyAdd(v, f0, s1);
        x += step;
        v = TSimd.Load(x);
        s0 = TSimd.MultiplyAdd(v, f3, s0);
        s1 = TSimd.MultiplyAdd(v, f1, s1);
        x += step;
        v = TSimd.Load(x);
        s0 = TSimd.MultiplyAdd(v, f4, s0);
        s1 = TSimd.MultiplyAdd(v, f2, s1);
        s2 = TSimd.MultiplyAdd(v, f0, s2);
        x += step;
        v = TSimd.Load(x);
        s1 = TSimd.MultiplyAdd(v, f3, s1);
        s2 = TSimd.MultiplyAdd(v, f1, s2);
        x += step;
        v = TSimd.Load(x);
        s1 = TSimd.MultiplyAdd(v, f4, s1);
        s2 = TSimd.MultiplyAdd(v, f2, s2);
        s3 = TSimd.MultiplyAdd(v, f0, s3);
        x += step;
        v = TSimd.Load(x);
        s2 = TSimd.MultiplyAdd(v, f3, s2);
        s3 = TSimd.MultiplyAdd(v, f1, s3);
        x += step;
        v = TSimd.Load(x);
        s2 = TSimd.MultiplyAdd(v, f4, s2);
        s3 = TSimd.MultiplyAdd(v, f2, s3);
        x += step;
        if (edges.Right <= 1)
        {
            v = TSimd.Load(x);
            s3 = TSimd.MultiplyAdd(v, f3, s3);
        }

        x += step;
        if (edges.Right <= 0)
        {
            v = TSimd.Load(x);
            s3 = TSimd.MultiplyAdd(v, f4, s3);
        }
    }

    /// <summary>An input row that two output rows see, windows 3 wide, stride 1: the upper one (s) with filter row w, the lower one (r) with v.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void TwoRows3<TSimd, TVec>(
        float* x, nint step, float* w, float* v, nint channels, Edges edges,
        ref TVec s0, ref TVec s1, ref TVec s2, ref TVec s3, ref TVec r0, ref TVec r1, ref TVec r2, ref TVec r3)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec f0 = TSimd.Load(w);
        TVec f1 = TSimd.Load(w + channels);
        TVec f2 = TSimd.Load(w + (2 * channels));
        TVec g0 = TSimd.Load(v);
        TVec g1 = TSimd.Load(v + channels);
        TVec g2 = TSimd.Load(v + (2 * channels));
        TVec e;
        if (edges.Left <= 0)
        {
            e = TSimd.Load(x);
            s0 = TSimd.MultiplyAdd(e, f0, s0);
            r0 = TSimd.MultiplyAdd(e, g0, r0);
        }

        x += step;
        e = TSimd.Load(x);
        s0 = TSimd.MultiplyAdd(e, f1, s0);
        s1 = TSimd.MultiplyAdd(e, f0, s1);
        r0 = TSimd.MultiplyAdd(e, g1, r0);
        r1 = TSimd.MultiplyAdd(e, g0, r1);
        x += step;
        e = TSimd.Load(x);
        s0 = TSimd.MultiplyAdd(e, f2, s0);
        s1 = TSimd.MultiplyAdd(e, f1, s1);
        s2 = TSimd.MultiplyAdd(e, f0, s2);
        r0 = TSimd.MultiplyAdd(e, g2, r0);
        r1 = TSimd.MultiplyAdd(e, g1, r1);
        r2 = TSimd.MultiplyAdd(e, g0, r2);
        x += step;
        e = TSimd.Load(x);
        s1 = TSimd.MultiplyAdd(e, f2, s1);
        s2 = TSimd.MultiplyAdd(e, f1, s2);
        s3 = TSimd.MultiplyAdd(e, f0, s3);
        r1 = TSimd.MultiplyAdd(e, g2, r1);
        r2 = TSimd.MultiplyAdd(e, g1, r2);
        r3 = TSimd.MultiplyAdd(e, g0, r3);
        x += step;
        e = TSimd.Load(x);
        s2 = TSimd.MultiplyAdd(e, f2, s2);
        s3 = TSimd.MultiplyAdd(e, f1, s3);
        r2 = TSimd.MultiplyAdd(e, g2, r2);
        r3 = TSimd.MultiplyAdd(e, g1, r3);
        x += step;
        if (edges.Right <= 0)
        {
            e = TSimd.Load(x);
            s3 = TSimd.MultiplyAdd(e, f2, s3);
            r3 = TSimd.MultiplyAdd(e, g2, r3);
        }
    }
}
