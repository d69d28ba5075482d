using System;
using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;
using V128 = System.Runtime.Intrinsics.Vector128<float>;
using V256 = System.Runtime.Intrinsics.Vector256<float>;
using V512 = System.Runtime.Intrinsics.Vector512<float>;

namespace Thomas.Kernels.Reduce;

/// <summary>
/// The gradient of a maximum over r of x[o, r, i], float32: dy[o, i] goes to the first x[o, r, i] that is not below y[o, i], the others get 0. Work items are
/// the outer indices; vectors run over i.
/// </summary>
internal static unsafe class ReductionMaxGradient
{
    /// <summary>The name in logs.</summary>
    public static string KernelName => $"f32_reducemaxgrad__{CpuFeatures.TierName}";

    /// <summary>Computes outer indices [begin, end); dx overlaps no operand.</summary>
    public static void RunItems(float* x, float* y, float* dy, float* dx, int reduced, int inner, int begin, int end)
    {
        for (int o = begin; o < end; o++)
        {
            nint group = (nint)o * reduced * inner, row = (nint)o * inner;
            if (inner == 1) Row(x + group, y[o], dy[o], dx + group, reduced);
            else Columns(x + group, y + row, dy + row, dx + group, reduced, inner);
        }
    }

    private static void Row(float* x, float y, float dy, float* dx, int reduced)
    {
        new Span<float>(dx, reduced).Clear();
        for (int r = 0; r < reduced; r++)
        {
            if (x[r] < y) continue;
            dx[r] = dy;
            return;
        }
    }

    private static void Columns(float* x, float* y, float* dy, float* dx, int reduced, int inner)
    {
        int c = 0;
        if (CpuFeatures.VectorLength >= 16) c = Columns<Simd512, V512>(x, y, dy, dx, reduced, inner, c);
        if (CpuFeatures.VectorLength >= 8 && c < inner) c = Columns<Simd256, V256>(x, y, dy, dx, reduced, inner, c);
        if (CpuFeatures.VectorLength >= 4 && c < inner) c = Columns<Simd128, V128>(x, y, dy, dx, reduced, inner, c);
        if (c < inner) Columns<Simd1, float>(x, y, dy, dx, reduced, inner, c);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int Columns<TSimd, TVec>(float* x, float* y, float* dy, float* dx, int reduced, int inner, int c)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec zero = TSimd.Create(0f);
        for (; c <= inner - TSimd.Length; c += TSimd.Length)
        {
            // What no element has taken yet; a lane is emptied by the first that is not below the maximum.
            TVec max = TSimd.Load(y + c), rest = TSimd.Load(dy + c);
            nint offset = c;
            for (int r = 0; r < reduced; r++, offset += inner)
            {
                TVec value = TSimd.Load(x + offset);
                TSimd.Store(TSimd.SelectIfLess(value, max, zero, rest), dx + offset);
                rest = TSimd.SelectIfLess(value, max, rest, zero);
            }
        }

        return c;
    }
}
