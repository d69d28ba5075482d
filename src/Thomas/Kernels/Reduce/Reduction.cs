using System.Diagnostics;
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

/// <summary>Reductions of one row or of the columns of a block, float32. The order of a sum depends on the sizes and the tier alone.</summary>
internal static unsafe class Reduction
{
    /// <summary>The name in logs, for example <c>f32_reduce_mean__avx2</c>.</summary>
    public static string KernelName(ReductionKind kind) => $"f32_reduce_{kind switch
    {
        ReductionKind.Sum => "sum",
        ReductionKind.Mean => "mean",
        ReductionKind.Max => "max",
        ReductionKind.Min => "min",
        _ => throw new UnreachableException(),
    }}__{CpuFeatures.TierName}";

    /// <summary>The reduction of one contiguous row; for a mean its sum.</summary>
    public static float Row(ReductionKind kind, float* x, int count) => CpuFeatures.VectorLength switch
    {
        16 => Row<Simd512, V512>(kind, x, count),
        8 => Row<Simd256, V256>(kind, x, count),
        4 => Row<Simd128, V128>(kind, x, count),
        _ => Row<Simd1, float>(kind, x, count),
    };

    /// <summary>y[c] = (reduction over r of x[r * stride + c]) / divisor, for c in [0, columns).</summary>
    public static void Columns(ReductionKind kind, float* x, nint stride, float* y, int rows, int columns, float divisor)
    {
        int c = 0;
        if (CpuFeatures.VectorLength >= 16) c = Columns<Simd512, V512>(kind, x, stride, y, rows, columns, divisor, c);
        if (CpuFeatures.VectorLength >= 8 && c < columns) c = Columns<Simd256, V256>(kind, x, stride, y, rows, columns, divisor, c);
        if (CpuFeatures.VectorLength >= 4 && c < columns) c = Columns<Simd128, V128>(kind, x, stride, y, rows, columns, divisor, c);
        if (c < columns) Columns<Simd1, float>(kind, x, stride, y, rows, columns, divisor, c);
    }

    private static float Start(ReductionKind kind) => kind switch
    {
        ReductionKind.Max => float.NegativeInfinity,
        ReductionKind.Min => float.PositiveInfinity,
        ReductionKind.Sum or ReductionKind.Mean => 0f,
        _ => throw new UnreachableException($"Unknown {kind}."),
    };

    /// <summary>One step; <see cref="Start"/> has refused what is no kind, so that this need not.</summary>
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
        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int Columns<TSimd, TVec>(ReductionKind kind, float* x, nint stride, float* y, int rows, int columns, float divisor, int c)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec start = TSimd.Create(Start(kind)), by = TSimd.Create(divisor);

        // Four vectors at a time: whole cache lines of a row, and four independent chains of additions.
        for (; c <= columns - (4 * TSimd.Length); c += 4 * TSimd.Length)
        {
            TVec y0 = start, y1 = start, y2 = start, y3 = start;
            float* from = x + c;
            for (int r = 0; r < rows; r++, from += stride)
            {
                y0 = Combine<TSimd, TVec>(kind, y0, TSimd.Load(from));
                y1 = Combine<TSimd, TVec>(kind, y1, TSimd.Load(from + TSimd.Length));
                y2 = Combine<TSimd, TVec>(kind, y2, TSimd.Load(from + (2 * TSimd.Length)));
                y3 = Combine<TSimd, TVec>(kind, y3, TSimd.Load(from + (3 * TSimd.Length)));
            }

            TSimd.Store(TSimd.Divide(y0, by), y + c);
            TSimd.Store(TSimd.Divide(y1, by), y + c + TSimd.Length);
            TSimd.Store(TSimd.Divide(y2, by), y + c + (2 * TSimd.Length));
            TSimd.Store(TSimd.Divide(y3, by), y + c + (3 * TSimd.Length));
        }

        for (; c <= columns - TSimd.Length; c += TSimd.Length)
        {
            TVec value = start;
            float* from = x + c;
            for (int r = 0; r < rows; r++, from += stride)
                value = Combine<TSimd, TVec>(kind, value, TSimd.Load(from));
            TSimd.Store(TSimd.Divide(value, by), y + c);
        }

        return c;
    }
}
