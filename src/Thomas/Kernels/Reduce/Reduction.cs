using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;
using V128 = System.Runtime.Intrinsics.Vector128<float>;
using V256 = System.Runtime.Intrinsics.Vector256<float>;
using V512 = System.Runtime.Intrinsics.Vector512<float>;

namespace Thomas.Kernels.Reduce;

/// <summary>What a reduction computes.</summary>
internal enum ReductionKind
{
    /// <summary>Sum.</summary>
    Sum,

    /// <summary>Sum divided by the count.</summary>
    Mean,

    /// <summary>The largest; NaN wins.</summary>
    Max,

    /// <summary>The smallest; NaN wins.</summary>
    Min,
}

/// <summary>
/// y[o, i] = reduction over r of x[o, r, i], float32, where the reduced axes have been brought into the form [outer, reduce, inner].
/// Global average pooling is the mean of [n, h*w, c]. Work items are the outer indices. The order of a sum depends on the shape and
/// the tier alone.
/// </summary>
internal static unsafe class Reduction
{
    /// <summary>The name in logs, for example <c>f32_reduce_mean__avx2</c>.</summary>
    public static string KernelName(ReductionKind kind) => $"f32_reduce_{kind switch
    {
        ReductionKind.Sum => "sum",
        ReductionKind.Mean => "mean",
        ReductionKind.Max => "max",
        _ => "min",
    }}__{CpuFeatures.TierName}";

    /// <summary>Reduces outer indices [begin, end).</summary>
    public static void RunItems(ReductionKind kind, float* x, float* y, int reduce, int inner, int begin, int end)
    {
        for (int o = begin; o < end; o++)
        {
            float* from = x + ((nint)o * reduce * inner);
            float* to = y + ((nint)o * inner);
            if (inner == 1)
                *to = Row(kind, from, reduce);
            else
                Columns(kind, from, to, reduce, inner);
        }
    }

    /// <summary>The reduction of one contiguous row.</summary>
    public static float Row(ReductionKind kind, float* x, int count) => CpuFeatures.VectorLength switch
    {
        16 => Row<Simd512, V512>(kind, x, count),
        8 => Row<Simd256, V256>(kind, x, count),
        4 => Row<Simd128, V128>(kind, x, count),
        _ => Row<Simd1, float>(kind, x, count),
    };

    private static float Start(ReductionKind kind) => kind switch
    {
        ReductionKind.Max => float.NegativeInfinity,
        ReductionKind.Min => float.PositiveInfinity,
        _ => 0f,
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVec Combine<TSimd, TVec>(ReductionKind kind, TVec x, TVec y)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => kind switch
        {
            ReductionKind.Max => TSimd.Max(x, y),
            ReductionKind.Min => TSimd.Min(x, y),
            _ => TSimd.Add(x, y),
        };

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Row<TSimd, TVec>(ReductionKind kind, float* x, int count)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec even = TSimd.Create(Start(kind)), odd = even;
        int i = 0;
        for (; i <= count - (2 * TSimd.Length); i += 2 * TSimd.Length)
        {
            even = Combine<TSimd, TVec>(kind, even, TSimd.Load(x + i));
            odd = Combine<TSimd, TVec>(kind, odd, TSimd.Load(x + i + TSimd.Length));
        }

        float* lanes = stackalloc float[16];
        TSimd.Store(Combine<TSimd, TVec>(kind, even, odd), lanes);
        float result = lanes[0];
        for (int lane = 1; lane < TSimd.Length; lane++)
            result = Combine<Simd1, float>(kind, result, lanes[lane]);
        for (; i < count; i++)
            result = Combine<Simd1, float>(kind, result, x[i]);
        return kind == ReductionKind.Mean ? result / count : result;
    }

    private static void Columns(ReductionKind kind, float* x, float* y, int reduce, int inner)
    {
        int c = 0;
        if (CpuFeatures.VectorLength >= 16)
            c = Columns<Simd512, V512>(kind, x, y, reduce, inner, c);
        if (CpuFeatures.VectorLength >= 8 && c < inner)
            c = Columns<Simd256, V256>(kind, x, y, reduce, inner, c);
        if (CpuFeatures.VectorLength >= 4 && c < inner)
            c = Columns<Simd128, V128>(kind, x, y, reduce, inner, c);
        if (c < inner)
            Columns<Simd1, float>(kind, x, y, reduce, inner, c);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int Columns<TSimd, TVec>(ReductionKind kind, float* x, float* y, int reduce, int inner, int c)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        for (; c <= inner - TSimd.Length; c += TSimd.Length)
        {
            TVec value = TSimd.Create(Start(kind));
            float* from = x + c;
            for (int r = 0; r < reduce; r++, from += inner)
                value = Combine<TSimd, TVec>(kind, value, TSimd.Load(from));
            TSimd.Store(kind == ReductionKind.Mean ? TSimd.Divide(value, TSimd.Create(reduce)) : value, y + c);
        }

        return c;
    }
}
