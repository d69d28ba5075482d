using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;
using V128 = System.Runtime.Intrinsics.Vector128<float>;
using V512 = System.Runtime.Intrinsics.Vector512<float>;

namespace Thomas.Kernels;

/// <summary>
/// Adds sums over parts of a long loop, in the order of the parts. The parts follow from the shapes, so the result does not depend on the threads that made
/// them.
/// </summary>
internal static unsafe class PartialSums
{
    /// <summary>target[i] = ((target[i] + parts[0][i]) + parts[1][i]) + ... for i in [begin, end).</summary>
    /// <param name="target">Holds the first part.</param>
    /// <param name="parts">The other parts, one after the other.</param>
    /// <param name="size">Floats of a part.</param>
    /// <param name="count">Other parts.</param>
    /// <param name="begin">First element.</param>
    /// <param name="end">One past the last element.</param>
    public static void Add(float* target, float* parts, nint size, int count, nint begin, nint end)
    {
        if (CpuFeatures.VectorLength >= 16) begin = Add<Simd512, V512>(target, parts, size, count, begin, end);
        if (CpuFeatures.VectorLength >= 4) begin = Add<Simd128, V128>(target, parts, size, count, begin, end);
        Add<Simd1, float>(target, parts, size, count, begin, end);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static nint Add<TSimd, TVec>(float* target, float* parts, nint size, int count, nint i, nint end)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        for (; i <= end - TSimd.Length; i += TSimd.Length)
        {
            TVec sum = TSimd.Load(target + i);
            float* part = parts + i;
            for (int k = 0; k < count; k++, part += size)
                sum = TSimd.Add(sum, TSimd.Load(part));
            TSimd.Store(sum, target + i);
        }

        return i;
    }
}
