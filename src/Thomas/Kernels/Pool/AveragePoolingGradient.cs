using System;
using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;
using V128 = System.Runtime.Intrinsics.Vector128<float>;
using V256 = System.Runtime.Intrinsics.Vector256<float>;
using V512 = System.Runtime.Intrinsics.Vector512<float>;

namespace Thomas.Kernels.Pool;

/// <summary>
/// The gradient of average pooling over NHWC float32: dx[n,iy,ix,c] sums dy[n,oy,ox,c] / count over the windows that hold the pixel. Work items are the input
/// rows; vectors run over channels.
/// </summary>
internal sealed unsafe class AveragePoolingGradient
{
    private readonly ConvGeometry _g;
    private readonly bool _countPadding;
    private readonly int _paddedH;
    private readonly int _paddedW;

    /// <summary>A kernel for the forward window; pixels have no gaps.</summary>
    /// <param name="geometry">The forward window.</param>
    /// <param name="countPadding">Whether taps in the padding count.</param>
    /// <param name="padBottom">Padding below, which matters where padding counts.</param>
    /// <param name="padRight">Padding on the right, likewise.</param>
    public AveragePoolingGradient(in ConvGeometry geometry, bool countPadding, int padBottom = 0, int padRight = 0)
    {
        (_g, _countPadding) = (geometry, countPadding);
        _paddedH = _g.PadTop + _g.InH + padBottom;
        _paddedW = _g.PadLeft + _g.InW + padRight;
    }

    /// <summary>Work items, independent of each other.</summary>
    public int Items => _g.Batch * _g.InH;

    /// <summary>For example <c>f32_avgpoolgrad_k3x3s2__avx2</c>.</summary>
    public string KernelName => $"f32_avgpoolgrad_k{_g.KernelH}x{_g.KernelW}s{_g.StrideW}__{CpuFeatures.TierName}";

    /// <summary>Computes the rows [begin, end) of dx, counted over the whole batch.</summary>
    public void RunItems(float* dy, float* dx, int begin, int end)
    {
        nint rowLength = (nint)_g.InW * _g.Channels;
        for (int item = begin; item < end; item++)
        {
            float* row = dx + (item * rowLength);
            new Span<float>(row, (int)rowLength).Clear();
            for (int ky = 0; ky < _g.KernelH; ky++)
            {
                int start = (item % _g.InH) + _g.PadTop - (ky * _g.DilationH), oy = start / _g.StrideH;
                if (start < 0 || start % _g.StrideH != 0 || oy >= _g.OutH) continue;
                int rows = Count(start, _g.PadTop, _g.KernelH, _g.DilationH, _g.InH, _paddedH);
                AddRow(dy + (((nint)(item / _g.InH) * _g.OutH) + oy) * _g.OutW * _g.Channels, row, rows);
            }
        }
    }

    /// <summary>Adds the parts of one row of windows, each of so many rows, to a row of pixels.</summary>
    private void AddRow(float* dy, float* dx, int rows)
    {
        for (int ox = 0; ox < _g.OutW; ox++, dy += _g.Channels)
        {
            int start = ox * _g.StrideW, ix = start - _g.PadLeft;
            (int kx0, int kx1) = Window.Taps(ix, _g.KernelW, _g.DilationW, _g.InW);
            float part = 1f / (rows * Count(start, _g.PadLeft, _g.KernelW, _g.DilationW, _g.InW, _paddedW));
            float* first = dx + ((nint)ix + (kx0 * _g.DilationW)) * _g.Channels;
            int taps = kx1 - kx0, c = 0;
            if (CpuFeatures.VectorLength >= 16) c = AddPixel<Simd512, V512>(dy, part, first, taps, c);
            if (CpuFeatures.VectorLength >= 8 && c < _g.Channels) c = AddPixel<Simd256, V256>(dy, part, first, taps, c);
            if (CpuFeatures.VectorLength >= 4 && c < _g.Channels) c = AddPixel<Simd128, V128>(dy, part, first, taps, c);
            if (c < _g.Channels) AddPixel<Simd1, float>(dy, part, first, taps, c);
        }
    }

    /// <summary>How many taps of a window that starts at a padded position count along one axis.</summary>
    private int Count(int start, int pad, int kernel, int dilation, int length, int padded)
    {
        (int first, int end) = _countPadding ? Window.Taps(start, kernel, dilation, padded) : Window.Taps(start - pad, kernel, dilation, length);
        return end - first;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int AddPixel<TSimd, TVec>(float* dy, float part, float* dx, int taps, int c)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        nint tapStep = (nint)_g.DilationW * _g.Channels;
        TVec factor = TSimd.Create(part);
        for (; c <= _g.Channels - TSimd.Length; c += TSimd.Length)
        {
            TVec share = TSimd.Multiply(TSimd.Load(dy + c), factor);
            float* to = dx + c;
            for (int tap = 0; tap < taps; tap++, to += tapStep)
                TSimd.Store(TSimd.Add(TSimd.Load(to), share), to);
        }

        return c;
    }
}
