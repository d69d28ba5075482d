using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;
using V128 = System.Runtime.Intrinsics.Vector128<float>;
using V256 = System.Runtime.Intrinsics.Vector256<float>;
using V512 = System.Runtime.Intrinsics.Vector512<float>;

namespace Thomas.Kernels.Normalization;

/// <summary>
/// Linear functions of deviations from a mean, with coefficients for each column, on a band of rows <c>stride</c> floats apart. The result may be an operand.
/// The mean is subtracted first: folded into the offset it would cancel where deviations are small.
/// </summary>
internal static unsafe class ChannelAffine
{
    /// <summary>y[r, c] = clip(factor[c] * (x[r, c] - mean[c]) + offset[c]); <paramref name="bytes"/> are those of the whole result.</summary>
    public static void Apply(
        float* x, float* y, nint stride, int rows, int columns, float* mean, float* factor, float* offset, float lower, float upper, long bytes)
    {
        if (StreamingStores.Pay(x, y, stride, columns, bytes)) Apply<C1>(x, y, stride, rows, columns, mean, factor, offset, lower, upper);
        else Apply<C0>(x, y, stride, rows, columns, mean, factor, offset, lower, upper);
    }

    private static void Apply<TStream>(
        float* x, float* y, nint stride, int rows, int columns, float* mean, float* factor, float* offset, float lower, float upper)
        where TStream : struct, IConstant
    {
        int c = 0;
        if (CpuFeatures.VectorLength >= 16) c = Apply<Simd512, V512, TStream>(x, y, stride, rows, columns, mean, factor, offset, lower, upper, c);
        if (CpuFeatures.VectorLength >= 8 && c < columns) c = Apply<Simd256, V256, TStream>(x, y, stride, rows, columns, mean, factor, offset, lower, upper, c);
        if (CpuFeatures.VectorLength >= 4 && c < columns) c = Apply<Simd128, V128, TStream>(x, y, stride, rows, columns, mean, factor, offset, lower, upper, c);
        if (c < columns) Apply<Simd1, float, TStream>(x, y, stride, rows, columns, mean, factor, offset, lower, upper, c);
    }

    /// <summary>
    /// z[r, c] = factorX[c] * (x[r, c] - mean[c]) + factorG[c] * g[r, c] + offset[c], g being dy, or where <paramref name="clip"/> is set what the clipping
    /// lets through of it.
    /// </summary>
    public static void Apply(
        float* x, float* dy, float* z, nint stride, int rows, int columns, float* mean, float* factorX, float* factorG, float* offset, in ClipMask clip)
    {
        if (clip.IsSet) Apply<C1>(x, dy, z, stride, rows, columns, mean, factorX, factorG, offset, clip);
        else Apply<C0>(x, dy, z, stride, rows, columns, mean, factorX, factorG, offset, clip);
    }

    private static void Apply<TMask>(
        float* x, float* dy, float* z, nint stride, int rows, int columns, float* mean, float* factorX, float* factorG, float* offset, in ClipMask clip)
        where TMask : struct, IConstant
    {
        int c = 0;
        if (CpuFeatures.VectorLength >= 16) c = Apply<Simd512, V512, TMask>(x, dy, z, stride, rows, columns, mean, factorX, factorG, offset, clip, c);
        if (CpuFeatures.VectorLength >= 8 && c < columns)
        {
            c = Apply<Simd256, V256, TMask>(x, dy, z, stride, rows, columns, mean, factorX, factorG, offset, clip, c);
        }

        if (CpuFeatures.VectorLength >= 4 && c < columns)
        {
            c = Apply<Simd128, V128, TMask>(x, dy, z, stride, rows, columns, mean, factorX, factorG, offset, clip, c);
        }

        if (c < columns) Apply<Simd1, float, TMask>(x, dy, z, stride, rows, columns, mean, factorX, factorG, offset, clip, c);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int Apply<TSimd, TVec, TStream>(
        float* x, float* y, nint stride, int rows, int columns, float* mean, float* factor, float* offset, float lower, float upper, int first)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        where TStream : struct, IConstant
    {
        int end = columns - ((columns - first) % TSimd.Length), half = rows / 2, row = 2 * half;
        nint step = half * stride;
        TVec low = TSimd.Create(lower), high = TSimd.Create(upper);

        // Two rows at a time that lie far apart; see BatchMoments.
        for (int r = 0; r < half; r++, x += stride, y += stride)
        {
            for (int c = first; c < end; c += TSimd.Length)
            {
                TVec m = TSimd.Load(mean + c), f = TSimd.Load(factor + c), o = TSimd.Load(offset + c);
                TVec y0 = TSimd.MultiplyAdd(f, TSimd.Subtract(TSimd.Load(x + c), m), o),
                    y1 = TSimd.MultiplyAdd(f, TSimd.Subtract(TSimd.Load(x + step + c), m), o);
                (y0, y1) = (TSimd.AtMost(high, TSimd.AtLeast(low, y0)), TSimd.AtMost(high, TSimd.AtLeast(low, y1)));
                if (TStream.Value > 0)
                {
                    TSimd.StoreStreaming(y0, y + c);
                    TSimd.StoreStreaming(y1, y + step + c);
                }
                else
                {
                    TSimd.Store(y0, y + c);
                    TSimd.Store(y1, y + step + c);
                }
            }
        }

        x += step;
        y += step;
        for (; row < rows; row++, x += stride, y += stride)
        {
            for (int c = first; c < end; c += TSimd.Length)
            {
                TVec value = TSimd.MultiplyAdd(TSimd.Load(factor + c), TSimd.Subtract(TSimd.Load(x + c), TSimd.Load(mean + c)), TSimd.Load(offset + c));
                TSimd.Store(TSimd.AtMost(high, TSimd.AtLeast(low, value)), y + c);
            }
        }

        return end;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int Apply<TSimd, TVec, TMask>(
        float* x, float* dy, float* z, nint stride, int rows, int columns, float* mean, float* factorX, float* factorG, float* offset, in ClipMask clip,
        int first)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        where TMask : struct, IConstant
    {
        int end = columns - ((columns - first) % TSimd.Length), half = rows / 2, row = 2 * half;
        nint step = half * stride;
        TVec zero = TSimd.Create(0), lower = TSimd.Create(clip.Lower), upper = TSimd.Create(clip.Upper);
        float* clipFactor = clip.Factor, clipOffset = clip.Offset;
        for (int r = 0; r < half; r++, x += stride, dy += stride, z += stride)
        {
            for (int c = first; c < end; c += TSimd.Length)
            {
                TVec m = TSimd.Load(mean + c), f = TSimd.Load(factorX + c), g = TSimd.Load(factorG + c), o = TSimd.Load(offset + c);
                TVec cf = TMask.Value > 0 ? TSimd.Load(clipFactor + c) : zero, co = TMask.Value > 0 ? TSimd.Load(clipOffset + c) : zero;
                TVec a = TSimd.Subtract(TSimd.Load(x + c), m), b = TSimd.Subtract(TSimd.Load(x + step + c), m);
                TVec d = ClipMask.Apply<TSimd, TVec, TMask>(TSimd.Load(dy + c), a, cf, co, lower, upper);
                TVec e = ClipMask.Apply<TSimd, TVec, TMask>(TSimd.Load(dy + step + c), b, cf, co, lower, upper);
                TSimd.Store(TSimd.MultiplyAdd(f, a, TSimd.MultiplyAdd(g, d, o)), z + c);
                TSimd.Store(TSimd.MultiplyAdd(f, b, TSimd.MultiplyAdd(g, e, o)), z + step + c);
            }
        }

        x += step;
        dy += step;
        z += step;
        for (; row < rows; row++, x += stride, dy += stride, z += stride)
        {
            for (int c = first; c < end; c += TSimd.Length)
            {
                TVec a = TSimd.Subtract(TSimd.Load(x + c), TSimd.Load(mean + c)), d = TSimd.Load(dy + c);
                if (TMask.Value > 0) d = ClipMask.Apply<TSimd, TVec, TMask>(d, a, TSimd.Load(clipFactor + c), TSimd.Load(clipOffset + c), lower, upper);
                TSimd.Store(TSimd.MultiplyAdd(TSimd.Load(factorX + c), a, TSimd.MultiplyAdd(TSimd.Load(factorG + c), d, TSimd.Load(offset + c))), z + c);
            }
        }

        return end;
    }
}
