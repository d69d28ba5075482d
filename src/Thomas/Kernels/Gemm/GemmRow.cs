using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;
using V128 = System.Runtime.Intrinsics.Vector128<float>;
using V256 = System.Runtime.Intrinsics.Vector256<float>;
using V512 = System.Runtime.Intrinsics.Vector512<float>;

namespace Thomas.Kernels.Gemm;

/// <summary>
/// A product of one row: c[j] = clip(bias[j] + sum_k a[k] * B[k,j]), k upward, for four panels of B at a time. There is no reuse of B, so all depends on how
/// fast it is read: four panels are four streams, each front to back, and their eight sums hide the latency of the multiply-add, which the two of a single
/// panel do not.
/// </summary>
internal static unsafe class GemmRow
{
    /// <summary>Panels that are read at a time.</summary>
    public const int Panels = 4;

    /// <summary>Computes the columns of whole groups of panels.</summary>
    /// <param name="a">k numbers.</param>
    /// <param name="panels">The first panel, from <see cref="PackedMatrix"/>.</param>
    /// <param name="c">The first panel's columns of the result.</param>
    /// <param name="k">Length of the sums.</param>
    /// <param name="groups">Groups of <see cref="Panels"/> panels.</param>
    /// <param name="lower">Results below become this.</param>
    /// <param name="upper">Results above become this.</param>
    public static void Run(float* a, float* panels, float* c, int k, int groups, float lower, float upper)
    {
        switch (CpuFeatures.VectorLength)
        {
            case 16: Run<Simd512, V512>(a, panels, c, k, groups, lower, upper); break;
            case 8: Run<Simd256, V256>(a, panels, c, k, groups, lower, upper); break;
            case 4: Run<Simd128, V128>(a, panels, c, k, groups, lower, upper); break;
            default: Run<Simd1, float>(a, panels, c, k, groups, lower, upper); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TSimd, TVec>(float* a, float* panels, float* c, int k, int groups, float lower, float upper)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        int length = TSimd.Length, width = 2 * length;
        nint panel = ((nint)k + 1) * width;
        TVec low = TSimd.Create(lower), high = TSimd.Create(upper);
        for (int group = 0; group < groups; group++, panels += Panels * panel, c += Panels * width)
        {
            float* b0 = panels, b1 = b0 + panel, b2 = b1 + panel, b3 = b2 + panel;
            TVec s0 = TSimd.Load(b0), t0 = TSimd.Load(b0 + length), s1 = TSimd.Load(b1), t1 = TSimd.Load(b1 + length);
            TVec s2 = TSimd.Load(b2), t2 = TSimd.Load(b2 + length), s3 = TSimd.Load(b3), t3 = TSimd.Load(b3 + length);
            for (int i = 0; i < k; i++)
            {
                TVec x = TSimd.Create(a[i]);
                b0 += width;
                b1 += width;
                b2 += width;
                b3 += width;
                s0 = TSimd.MultiplyAdd(x, TSimd.Load(b0), s0);
                t0 = TSimd.MultiplyAdd(x, TSimd.Load(b0 + length), t0);
                s1 = TSimd.MultiplyAdd(x, TSimd.Load(b1), s1);
                t1 = TSimd.MultiplyAdd(x, TSimd.Load(b1 + length), t1);
                s2 = TSimd.MultiplyAdd(x, TSimd.Load(b2), s2);
                t2 = TSimd.MultiplyAdd(x, TSimd.Load(b2 + length), t2);
                s3 = TSimd.MultiplyAdd(x, TSimd.Load(b3), s3);
                t3 = TSimd.MultiplyAdd(x, TSimd.Load(b3 + length), t3);
            }

            Store<TSimd, TVec>(s0, t0, low, high, c);
            Store<TSimd, TVec>(s1, t1, low, high, c + width);
            Store<TSimd, TVec>(s2, t2, low, high, c + (2 * width));
            Store<TSimd, TVec>(s3, t3, low, high, c + (3 * width));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TSimd, TVec>(TVec s, TVec t, TVec low, TVec high, float* c)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TSimd.Store(TSimd.AtMost(high, TSimd.AtLeast(low, s)), c);
        TSimd.Store(TSimd.AtMost(high, TSimd.AtLeast(low, t)), c + TSimd.Length);
    }
}
