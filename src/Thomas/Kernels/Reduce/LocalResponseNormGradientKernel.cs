using System;
using System.Runtime.CompilerServices;
using Thomas.Kernels.Elementwise;
using Thomas.Kernels.Simd;
using V128 = System.Runtime.Intrinsics.Vector128<float>;
using V256 = System.Runtime.Intrinsics.Vector256<float>;
using V512 = System.Runtime.Intrinsics.Vector512<float>;

namespace Thomas.Kernels.Reduce;

/// <summary>
/// The gradient of <see cref="LocalResponseNormKernel"/>: with d[p, c] = bias + scale * sum over c's window of x[p, j]^2 and t = dy * x * d^(-beta-1),
/// dx[p, c] = dy[p, c] * d[p, c]^-beta - 2 * scale * beta * x[p, c] * sum of t[p, j] over the j whose windows hold c. Work items are the pixels; dx is no
/// operand.
/// </summary>
internal sealed unsafe class LocalResponseNormGradientKernel
{
    private readonly int _channels;
    private readonly int _before;
    private readonly int _after;
    private readonly float _bias;
    private readonly float _scale;
    private readonly float _beta;

    /// <summary>A kernel for the settings of the forward operation.</summary>
    public LocalResponseNormGradientKernel(int channels, int size, float bias, float scale, float beta)
    {
        (_channels, _bias, _scale, _beta) = (channels, bias, scale, beta);

        // A window that reaches beyond all channels holds what the widest possible one holds.
        _before = Math.Min((size - 1) / 2, channels - 1);
        _after = Math.Min(size / 2, channels - 1);
    }

    /// <summary>The name in logs.</summary>
    public static string KernelName => $"f32_lrngrad__{CpuFeatures.TierName}";

    /// <summary>Floats of scratch memory for each thread: two rows of channels, one with zeros around it for windows that reach out.</summary>
    public int WorkspaceLength => (2 * _channels) + (2 * Margin);

    private int Margin => Math.Max(_before, _after);

    /// <summary>Computes pixels [begin, end).</summary>
    public void RunItems(float* x, float* dy, float* dx, float* workspace, int begin, int end)
    {
        float* d = workspace, padded = workspace + _channels + Margin;
        new Span<float>(workspace, WorkspaceLength).Clear();
        for (int p = begin; p < end; p++)
        {
            nint offset = (nint)p * _channels;
            ElementwiseLoop.Map(default(SquareMap), x + offset, padded, _channels);
            WindowSums(padded - _before, d);
            ElementwiseLoop.Map(new AffineMap(_scale, _bias), d, d, _channels);
            Memory.Copy(d, dx + offset, _channels);
            LocalResponseNormKernel.TimesPower(dy + offset, dx + offset, _beta, _channels);
            ElementwiseLoop.Binary(default(MultiplyMap), dx + offset, x + offset, padded, _channels);
            ElementwiseLoop.Binary(default(DivideMap), padded, d, padded, _channels);
            WindowSums(padded - _after, d);
            ElementwiseLoop.Binary(default(MultiplyMap), d, x + offset, d, _channels);
            ElementwiseLoop.BinaryScalar(default(MultiplyMap), d, 2f * _scale * _beta, d, _channels);
            ElementwiseLoop.Binary(default(SubtractMap), dx + offset, d, dx + offset, _channels);
        }
    }

    /// <summary>sums[c] = x[c] + ... + x[c + before + after].</summary>
    private void WindowSums(float* x, float* sums)
    {
        int c = 0;
        if (CpuFeatures.VectorLength >= 16) c = WindowSums<Simd512, V512>(x, sums, c);
        if (CpuFeatures.VectorLength >= 8 && c < _channels) c = WindowSums<Simd256, V256>(x, sums, c);
        if (CpuFeatures.VectorLength >= 4 && c < _channels) c = WindowSums<Simd128, V128>(x, sums, c);
        if (c < _channels) WindowSums<Simd1, float>(x, sums, c);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int WindowSums<TSimd, TVec>(float* x, float* sums, int c)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        for (; c <= _channels - TSimd.Length; c += TSimd.Length)
        {
            TVec sum = TSimd.Load(x + c);
            for (int j = 1; j <= _before + _after; j++)
                sum = TSimd.Add(sum, TSimd.Load(x + c + j));
            TSimd.Store(sum, sums + c);
        }

        return c;
    }
}
