using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;
using V128 = System.Runtime.Intrinsics.Vector128<float>;
using V256 = System.Runtime.Intrinsics.Vector256<float>;
using V512 = System.Runtime.Intrinsics.Vector512<float>;

namespace Thomas.Kernels.Pool;

/// <summary>What a pooling window computes.</summary>
internal enum PoolingKind
{
    /// <summary>The largest value; minus infinity if the window lies wholly outside. NaN wins.</summary>
    Max,

    /// <summary>The mean over the taps inside the input; 0 if there are none.</summary>
    Average,

    /// <summary>The sum over the taps inside the input, divided by the taps inside the padded input.</summary>
    AverageWithPadding,
}

/// <summary>
/// Max and average pooling over NHWC float32: y[n,oy,ox,c] from the window of <see cref="ConvGeometry"/>. Work items are the output
/// rows; vectors run over channels.
/// </summary>
internal sealed unsafe class Pooling
{
    private readonly ConvGeometry _g;
    private readonly PoolingKind _kind;
    private readonly int _paddedH;
    private readonly int _paddedW;

    /// <summary>A pooling kernel.</summary>
    /// <param name="geometry">The window.</param>
    /// <param name="kind">What to compute.</param>
    /// <param name="padBottom">Padding below, which counts for <see cref="PoolingKind.AverageWithPadding"/> only.</param>
    /// <param name="padRight">Padding on the right, likewise. Windows may reach beyond it (ceil mode); those taps never count.</param>
    public Pooling(in ConvGeometry geometry, PoolingKind kind, int padBottom = 0, int padRight = 0)
    {
        (_g, _kind) = (geometry, kind);
        _paddedH = _g.PadTop + _g.InH + padBottom;
        _paddedW = _g.PadLeft + _g.InW + padRight;
    }

    /// <summary>Work items, independent of each other.</summary>
    public int Items => _g.OutRows;

    /// <summary>For example <c>f32_maxpool_k3x3s2__avx2</c>.</summary>
    public string KernelName =>
        $"f32_{(_kind == PoolingKind.Max ? "maxpool" : "avgpool")}_k{_g.KernelH}x{_g.KernelW}s{_g.StrideW}__{CpuFeatures.TierName}";

    /// <summary>Computes output rows [begin, end), counted over the whole batch; y has no gaps and is not x.</summary>
    public void RunItems(float* x, float* y, int begin, int end)
    {
        for (int row = begin; row < end; row++)
        {
            int iy = (row % _g.OutH * _g.StrideH) - _g.PadTop;
            (int ky0, int ky1) = Window.Taps(iy, _g.KernelH, _g.DilationH, _g.InH);
            float* picture = x + ((nint)(row / _g.OutH) * _g.InH * _g.InW * _g.ChannelStride);
            for (int ox = 0; ox < _g.OutW; ox++)
            {
                int ix = (ox * _g.StrideW) - _g.PadLeft;
                (int kx0, int kx1) = Window.Taps(ix, _g.KernelW, _g.DilationW, _g.InW);
                float* target = y + (((nint)row * _g.OutW) + ox) * _g.Channels;
                if (ky0 >= ky1 || kx0 >= kx1)
                {
                    Memory.Fill(target, _g.Channels, _kind == PoolingKind.Max ? float.NegativeInfinity : 0f);
                    continue;
                }

                float* first = picture + ((((nint)iy + (ky0 * _g.DilationH)) * _g.InW + ix + (kx0 * _g.DilationW)) * _g.ChannelStride);
                int count = (ky1 - ky0) * (kx1 - kx0);
                if (_kind == PoolingKind.AverageWithPadding)
                    count = PaddedTaps(iy + _g.PadTop, _g.KernelH, _g.DilationH, _paddedH) * PaddedTaps(ix + _g.PadLeft, _g.KernelW, _g.DilationW, _paddedW);
                RunPixel(first, ky1 - ky0, kx1 - kx0, count, target);
            }
        }
    }

    private static int PaddedTaps(int origin, int kernel, int dilation, int length)
    {
        (int first, int end) = Window.Taps(origin, kernel, dilation, length);
        return end - first;
    }

    private void RunPixel(float* x, int rows, int taps, int count, float* y)
    {
        int c = 0;
        if (CpuFeatures.VectorLength >= 16)
            c = RunPixel<Simd512, V512>(x, rows, taps, count, y, c);
        if (CpuFeatures.VectorLength >= 8 && c < _g.Channels)
            c = RunPixel<Simd256, V256>(x, rows, taps, count, y, c);
        if (CpuFeatures.VectorLength >= 4 && c < _g.Channels)
            c = RunPixel<Simd128, V128>(x, rows, taps, count, y, c);
        if (c < _g.Channels)
            RunPixel<Simd1, float>(x, rows, taps, count, y, c);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int RunPixel<TSimd, TVec>(float* x, int rows, int taps, int count, float* y, int c)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        nint rowStep = (nint)_g.DilationH * _g.InW * _g.ChannelStride, tapStep = (nint)_g.DilationW * _g.ChannelStride;
        bool max = _kind == PoolingKind.Max;
        TVec divisor = TSimd.Create(count);
        for (; c <= _g.Channels - TSimd.Length; c += TSimd.Length)
        {
            TVec value = TSimd.Create(max ? float.NegativeInfinity : 0f);
            for (int ky = 0; ky < rows; ky++)
            {
                float* tap = x + c + (ky * rowStep);
                for (int kx = 0; kx < taps; kx++, tap += tapStep)
                    value = max ? TSimd.Max(value, TSimd.Load(tap)) : TSimd.Add(value, TSimd.Load(tap));
            }

            TSimd.Store(max ? value : TSimd.Divide(value, divisor), y + c);
        }

        return c;
    }
}
