using System;
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
    private readonly int _interiorFirst;
    private readonly int _interiorEnd;

    /// <summary>A pooling kernel.</summary>
    /// <param name="geometry">The window.</param>
    /// <param name="kind">What to compute.</param>
    /// <param name="padBottom">Padding below, which counts for <see cref="PoolingKind.AverageWithPadding"/> only.</param>
    /// <param name="padRight">Padding on the right, likewise. Windows may reach beyond it (ceil mode); those taps never count.</param>
    public Pooling(in ConvGeometry geometry, PoolingKind kind, int padBottom = 0, int padRight = 0)
    {
        if (kind is not (PoolingKind.Max or PoolingKind.Average or PoolingKind.AverageWithPadding))
        {
            throw new ArgumentOutOfRangeException(nameof(kind), kind, "Unknown pooling.");
        }

        (_g, _kind) = (geometry, kind);
        _paddedH = _g.PadTop + _g.InH + padBottom;
        _paddedW = _g.PadLeft + _g.InW + padRight;
        (_interiorFirst, _interiorEnd) = Window.Interior(_g.OutW, _g.StrideW, _g.PadLeft, _g.KernelW, _g.DilationW, _g.InW);
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
            float* rows = x + ((((nint)(row / _g.OutH) * _g.InH) + iy + (ky0 * _g.DilationH)) * _g.InW * _g.ChannelStride);
            float* target = y + ((nint)row * _g.OutW * _g.Channels);
            int paddedRows = PaddedTaps(iy + _g.PadTop, _g.KernelH, _g.DilationH, _paddedH);
            RunEdge(rows, ky1 - ky0, paddedRows, 0, _interiorFirst, target);
            if (_interiorFirst < _interiorEnd)
            {
                int count = _kind == PoolingKind.AverageWithPadding ? paddedRows * _g.KernelW : (ky1 - ky0) * _g.KernelW;
                float* first = rows + ((((nint)_interiorFirst * _g.StrideW) - _g.PadLeft) * _g.ChannelStride);
                RunPixels(first, ky1 - ky0, _g.KernelW, _interiorEnd - _interiorFirst, count, target + ((nint)_interiorFirst * _g.Channels));
            }

            RunEdge(rows, ky1 - ky0, paddedRows, _interiorEnd, _g.OutW, target);
        }
    }

    /// <summary>Pixels [begin, end) of a row, whose windows may reach beyond the input.</summary>
    private void RunEdge(float* rows, int tapRows, int paddedRows, int begin, int end, float* target)
    {
        for (int ox = begin; ox < end; ox++)
        {
            int ix = (ox * _g.StrideW) - _g.PadLeft;
            (int kx0, int kx1) = Window.Taps(ix, _g.KernelW, _g.DilationW, _g.InW);
            int count = tapRows * (kx1 - kx0);
            if (_kind == PoolingKind.AverageWithPadding) count = paddedRows * PaddedTaps(ix + _g.PadLeft, _g.KernelW, _g.DilationW, _paddedW);
            RunPixels(rows + (((nint)ix + (kx0 * _g.DilationW)) * _g.ChannelStride), tapRows, kx1 - kx0, 1, count, target + ((nint)ox * _g.Channels));
        }
    }

    private static int PaddedTaps(int origin, int kernel, int dilation, int length)
    {
        (int first, int end) = Window.Taps(origin, kernel, dilation, length);
        return end - first;
    }

    private void RunPixels(float* x, int rows, int taps, int pixels, int count, float* y)
    {
        if (rows <= 0 || taps <= 0)
        {
            Memory.Fill(y, pixels * _g.Channels, _kind == PoolingKind.Max ? float.NegativeInfinity : 0f);
            return;
        }

        int c = 0;
        if (CpuFeatures.VectorLength >= 16) c = RunPixels<Simd512, V512>(x, rows, taps, pixels, count, y, c);
        if (CpuFeatures.VectorLength >= 8 && c < _g.Channels) c = RunPixels<Simd256, V256>(x, rows, taps, pixels, count, y, c);
        if (CpuFeatures.VectorLength >= 4 && c < _g.Channels) c = RunPixels<Simd128, V128>(x, rows, taps, pixels, count, y, c);
        if (c < _g.Channels) RunPixels<Simd1, float>(x, rows, taps, pixels, count, y, c);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int RunPixels<TSimd, TVec>(float* x, int rows, int taps, int pixels, int count, float* y, int c)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        if (_g.Channels - c < TSimd.Length) return c;
        return _kind == PoolingKind.Max
            ? RunPixels<TSimd, TVec, C1>(x, rows, taps, pixels, count, y, c)
            : RunPixels<TSimd, TVec, C0>(x, rows, taps, pixels, count, y, c);
    }

    /// <summary>Pixels whose windows have the same taps; TMax is 1 for the largest value, 0 for the mean.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int RunPixels<TSimd, TVec, TMax>(float* x, int rows, int taps, int pixels, int count, float* y, int first)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        where TMax : struct, IConstant
    {
        nint rowStep = (nint)_g.DilationH * _g.InW * _g.ChannelStride, tapStep = (nint)_g.DilationW * _g.ChannelStride,
            pixelStep = (nint)_g.StrideW * _g.ChannelStride;
        int channels = _g.Channels, end = channels - ((channels - first) % TSimd.Length);
        TVec divisor = TSimd.Create(count), start = TSimd.Create(TMax.Value > 0 ? float.NegativeInfinity : 0f);
        for (int pixel = 0; pixel < pixels; pixel++, x += pixelStep, y += channels)
        {
            for (int c = first; c < end; c += TSimd.Length)
            {
                TVec value = start;
                float* row = x + c;
                for (int ky = 0; ky < rows; ky++, row += rowStep)
                {
                    float* tap = row;
                    for (int kx = 0; kx < taps; kx++, tap += tapStep)
                        value = TMax.Value > 0 ? TSimd.Max(value, TSimd.Load(tap)) : TSimd.Add(value, TSimd.Load(tap));
                }

                TSimd.Store(TMax.Value > 0 ? value : TSimd.Divide(value, divisor), y + c);
            }
        }

        return end;
    }
}
