using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;
using V128 = System.Runtime.Intrinsics.Vector128<float>;
using V256 = System.Runtime.Intrinsics.Vector256<float>;
using V512 = System.Runtime.Intrinsics.Vector512<float>;

namespace Thomas.Kernels.Reduce;

/// <summary>The sum of x[i]^2 over a short float32 array.</summary>
internal static unsafe class SumOfSquares
{
    /// <summary>Elements whose squares are added in float32: each lane of the narrowest vectors then adds a thousand.</summary>
    public const int Piece = 16384;

    /// <summary>The sum over [0, count), count at most <see cref="Piece"/>.</summary>
    public static double Of(float* x, int count)
    {
        double sum = 0;
        int i = 0;
        if (CpuFeatures.VectorLength >= 16) i = Add<Simd512, V512>(x, count, i, ref sum);
        if (CpuFeatures.VectorLength >= 8) i = Add<Simd256, V256>(x, count, i, ref sum);
        if (CpuFeatures.VectorLength >= 4) i = Add<Simd128, V128>(x, count, i, ref sum);
        for (; i < count; i++)
            sum += (double)x[i] * x[i];
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int Add<TSimd, TVec>(float* x, int count, int i, ref double sum)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec s0 = TSimd.Create(0), s1 = s0, s2 = s0, s3 = s0;
        for (; i <= count - (4 * TSimd.Length); i += 4 * TSimd.Length)
        {
            TVec x0 = TSimd.Load(x + i), x1 = TSimd.Load(x + i + TSimd.Length), x2 = TSimd.Load(x + i + (2 * TSimd.Length)),
                x3 = TSimd.Load(x + i + (3 * TSimd.Length));
            s0 = TSimd.MultiplyAdd(x0, x0, s0);
            s1 = TSimd.MultiplyAdd(x1, x1, s1);
            s2 = TSimd.MultiplyAdd(x2, x2, s2);
            s3 = TSimd.MultiplyAdd(x3, x3, s3);
        }

        float* lanes = stackalloc float[16];
        TSimd.Store(TSimd.Add(TSimd.Add(s0, s1), TSimd.Add(s2, s3)), lanes);
        for (int lane = 0; lane < TSimd.Length; lane++)
            sum += lanes[lane];
        return i;
    }
}
