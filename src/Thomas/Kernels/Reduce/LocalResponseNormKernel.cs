using System;
using System.Runtime.CompilerServices;
using Thomas.Kernels.Elementwise;
using Thomas.Kernels.Simd;

namespace Thomas.Kernels.Reduce;

/// <summary>
/// Local response normalization across the channels of NHWC float32 (Krizhevsky et al. 2012, 3.3):
/// y[p, c] = x[p, c] * (bias + scale * sum over j of x[p, j]^2)^-beta, with j from c - (size-1)/2 to c + size/2, whole divisions, inside
/// the channels. ONNX's alpha is scale * size, TFLite's is scale. Work items are the pixels; y is not x.
/// </summary>
internal static unsafe class LocalResponseNormKernel
{
    /// <summary>The name in logs.</summary>
    public static string KernelName => $"f32_lrn__{CpuFeatures.TierName}";

    /// <summary>Computes pixels [begin, end).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RunItems(float* x, float* y, int channels, int size, float bias, float scale, float beta, int begin, int end)
    {
        int before = (size - 1) / 2, after = size / 2;
        for (int p = begin; p < end; p++)
        {
            float* from = x + ((nint)p * channels);
            float* to = y + ((nint)p * channels);
            for (int c = 0; c < channels; c++)
            {
                float sum = 0f;
                int last = Math.Min(c + after, channels - 1);
                for (int j = Math.Max(c - before, 0); j <= last; j++)
                    sum += from[j] * from[j];
                to[c] = bias + (scale * sum);
            }

            TimesPower(from, to, beta, channels);
        }
    }

    /// <summary>y = x * y^-beta, by square roots for the usual exponents.</summary>
    internal static void TimesPower(float* x, float* y, float beta, int count)
    {
        switch (beta)
        {
            case 0.75f: ElementwiseLoop.Binary(default(TimesPowerOfMinusThreeQuartersMap), x, y, y, count); break;
            case 0.5f: ElementwiseLoop.Binary(default(TimesPowerOfMinusHalfMap), x, y, y, count); break;
            case 1f: ElementwiseLoop.Binary(default(DivideMap), x, y, y, count); break;
            default:
                for (int i = 0; i < count; i++)
                    y[i] = x[i] * MathF.Pow(y[i], -beta);
                break;
        }
    }

    private readonly struct TimesPowerOfMinusThreeQuartersMap : IBinaryMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVec Invoke<TSimd, TVec>(TVec x, TVec y)
            where TSimd : struct, ISimd<TVec>
            where TVec : unmanaged
        {
            TVec root = TSimd.Sqrt(y);
            return TSimd.Divide(x, TSimd.Multiply(root, TSimd.Sqrt(root)));
        }
    }

    private readonly struct TimesPowerOfMinusHalfMap : IBinaryMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVec Invoke<TSimd, TVec>(TVec x, TVec y)
            where TSimd : struct, ISimd<TVec>
            where TVec : unmanaged
            => TSimd.Divide(x, TSimd.Sqrt(y));
    }
}
