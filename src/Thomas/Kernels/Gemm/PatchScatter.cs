using System;
using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;
using V128 = System.Runtime.Intrinsics.Vector128<float>;
using V256 = System.Runtime.Intrinsics.Vector256<float>;
using V512 = System.Runtime.Intrinsics.Vector512<float>;

namespace Thomas.Kernels.Gemm;

/// <summary>
/// Adds patches to the pixels that they were taken from (col2im), the reverse of <see cref="PatchGather"/>: row m of the block belongs to the window of output
/// pixel m, in the order ky, kx, channel. What lies outside the input, or outside the wanted rows of it, is dropped.
/// </summary>
internal static unsafe class PatchScatter
{
    /// <summary>Adds the patches of output pixels [m0, m1) of one image, in order, to rows [h0, h1) of its input.</summary>
    /// <param name="g">The window.</param>
    /// <param name="patches">One row for each output pixel.</param>
    /// <param name="stride">Floats from one patch to the next.</param>
    /// <param name="m0">First output pixel, counted in the image.</param>
    /// <param name="m1">One past the last output pixel.</param>
    /// <param name="image">First channel of the image's first pixel.</param>
    /// <param name="h0">First row.</param>
    /// <param name="h1">One past the last row.</param>
    public static void Add(in ConvGeometry g, float* patches, nint stride, int m0, int m1, float* image, int h0, int h1)
    {
        switch (CpuFeatures.Tier)
        {
            case InstructionTier.Avx512: Add<Simd512, V512>(g, patches, stride, m0, m1, image, h0, h1); break;
            case InstructionTier.Avx2: Add<Simd256, V256>(g, patches, stride, m0, m1, image, h0, h1); break;
            case InstructionTier.Scalar: Add<Simd1, float>(g, patches, stride, m0, m1, image, h0, h1); break;
            default: Add<Simd128, V128>(g, patches, stride, m0, m1, image, h0, h1); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Add<TSimd, TVec>(in ConvGeometry g, float* patches, nint stride, int m0, int m1, float* image, int h0, int h1)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        // Neighboring taps are neighbors in memory unless the window is dilated or only one group's channels are written.
        bool joined = g.DilationW == 1 && g.Channels == g.ChannelStride;
        int runs = joined ? 1 : g.KernelW, runTaps = joined ? g.KernelW : 1, runLength = runTaps * g.Channels;
        nint rowStride = (nint)g.InW * g.ChannelStride;
        for (int m = m0; m < m1; m++, patches += stride)
        {
            int iy = (m / g.OutW * g.StrideH) - g.PadTop, ix0 = (m % g.OutW * g.StrideW) - g.PadLeft;
            float* patch = patches;
            for (int ky = 0; ky < g.KernelH; ky++, iy += g.DilationH)
            {
                if (iy < h0 || iy >= h1)
                {
                    patch += runs * runLength;
                    continue;
                }

                float* row = image + (iy * rowStride);
                int ix = ix0;
                for (int run = 0; run < runs; run++, ix += g.DilationW, patch += runLength)
                {
                    int first = Math.Clamp(-ix, 0, runTaps), last = Math.Clamp(g.InW - ix, first, runTaps);
                    AddRun<TSimd, TVec>(patch + (first * g.Channels), row + ((nint)(ix + first) * g.ChannelStride), (last - first) * g.Channels);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddRun<TSimd, TVec>(float* source, float* target, int count)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        int i = 0;
        for (; i <= count - TSimd.Length; i += TSimd.Length)
            TSimd.Store(TSimd.Add(TSimd.Load(target + i), TSimd.Load(source + i)), target + i);
        for (; TSimd.Length > 4 && i <= count - 4; i += 4)
            Simd128.Store(Simd128.Add(Simd128.Load(target + i), Simd128.Load(source + i)), target + i);
        for (; i < count; i++)
            target[i] += source[i];
    }
}
