using System;
using System.Runtime.CompilerServices;
using Thomas.Kernels.Elementwise;
using Thomas.Kernels.Simd;
using V128 = System.Runtime.Intrinsics.Vector128<float>;
using V256 = System.Runtime.Intrinsics.Vector256<float>;
using V512 = System.Runtime.Intrinsics.Vector512<float>;

namespace Thomas.Kernels.Depthwise;

/// <summary>
/// Depthwise convolution over NHWC float32: y[n,oy,ox,c*M+j] = f(b[c*M+j] + sum over ky, kx of x[n,iy,ix,c] * w[ky,kx,c*M+j]), with the
/// window of <see cref="ConvGeometry"/> and M outputs per input channel. The filter is [kH, kW, outputs], TFLite's order without its
/// leading 1. Work items are the output rows. Vectors run over channels; M above 1 takes a plain loop.
/// </summary>
internal sealed unsafe class DepthwiseConvolution
{
    private readonly ConvGeometry _g;
    private readonly int _multiplier;
    private readonly Activation _activation;
    private readonly int _interiorFirst;
    private readonly int _interiorEnd;

    public DepthwiseConvolution(in ConvGeometry geometry, int multiplier, Activation activation)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(multiplier);
        (_g, _multiplier, _activation) = (geometry, multiplier, activation);
        (_interiorFirst, _interiorEnd) =
            Window.Interior(_g.OutW, _g.StrideW, _g.PadLeft, _g.KernelW, _g.DilationW, _g.InW);
    }

    /// <summary>Work items, independent of each other.</summary>
    public int Items => _g.OutRows;

    /// <summary>For example <c>f32_dwconv_k3x3s1__avx512</c>.</summary>
    public string KernelName =>
        $"f32_dwconv_k{_g.KernelH}x{_g.KernelW}s{_g.StrideW}{(_multiplier > 1 ? "_multiplier" : "")}__{(_multiplier > 1 ? "scalar" : CpuFeatures.TierName)}";

    /// <summary>Computes output rows [begin, end), counted over the whole batch.</summary>
    /// <param name="x">Input.</param>
    /// <param name="w">Filter.</param>
    /// <param name="bias">One value per output channel, or null.</param>
    /// <param name="y">Output, [n, outH, outW, channels * multiplier] without gaps; not the input's memory.</param>
    /// <param name="begin">First row.</param>
    /// <param name="end">One past the last row.</param>
    public void RunItems(float* x, float* w, float* bias, float* y, int begin, int end)
    {
        nint outputs = (nint)_g.Channels * _multiplier, rowLength = _g.OutW * outputs;
        for (int row = begin; row < end; row++)
        {
            RunRow(x, w, bias, y + (row * rowLength), outputs, row);
            if (_activation.NeedsPass)
                _activation.Apply(y + (row * rowLength), y + (row * rowLength), rowLength);
        }
    }

    /// <summary>Computes an output row, counted over the whole batch, up to an activation that needs a pass.</summary>
    /// <param name="x">Input.</param>
    /// <param name="w">Filter.</param>
    /// <param name="bias">One value per output channel, or null.</param>
    /// <param name="y">The row's first pixel.</param>
    /// <param name="pixelStride">Floats from one of the row's pixels to the next.</param>
    /// <param name="row">The row.</param>
    public void RunRow(float* x, float* w, float* bias, float* y, nint pixelStride, int row)
    {
        nint outputs = (nint)_g.Channels * _multiplier;
        int iy = (row % _g.OutH * _g.StrideH) - _g.PadTop;
        (int ky, int kyEnd) = Window.Taps(iy, _g.KernelH, _g.DilationH, _g.InH);
        DepthwiseTile tile;
        tile.RowStep = (nint)_g.DilationH * _g.InW * _g.ChannelStride;
        tile.TapStep = (nint)_g.DilationW * _g.ChannelStride;
        tile.OutStep = (nint)_g.StrideW * _g.ChannelStride;
        tile.X = x + (((nint)(row / _g.OutH) * _g.InH + iy) * _g.InW * _g.ChannelStride) + (ky * tile.RowStep);
        tile.FilterRowStep = _g.KernelW * outputs;
        tile.W = w + (ky * tile.FilterRowStep);
        tile.Bias = bias;
        tile.Y = y;
        tile.YStep = pixelStride;
        tile.Channels = _g.Channels;
        tile.Rows = kyEnd - ky;
        tile.Taps = _g.KernelW;
        tile.Lower = _activation.Lower;
        tile.Upper = _activation.Upper;
        if (_multiplier > 1)
            RunRowWithMultiplier(&tile);
        else
            RunRow(&tile);
    }

    /// <summary>One row: border pixels one by one, interior pixels by fours.</summary>
    private void RunRow(DepthwiseTile* row)
    {
        for (int ox = 0; ox < _interiorFirst; ox++)
            RunPixel(row, ox);
        int next = _interiorFirst;
        for (; next <= _interiorEnd - 4; next += 4)
        {
            DepthwiseTile tile = *row;
            tile.X += ((next * _g.StrideW) - _g.PadLeft) * (nint)_g.ChannelStride;
            tile.Y += next * tile.YStep;
            RunFour(&tile);
        }

        for (; next < _g.OutW; next++)
            RunPixel(row, next);
    }

    private void RunPixel(DepthwiseTile* row, int ox)
    {
        int ix = (ox * _g.StrideW) - _g.PadLeft;
        (int kx, int kxEnd) = Window.Taps(ix, _g.KernelW, _g.DilationW, _g.InW);
        DepthwiseTile tile = *row;
        tile.X += (ix * (nint)_g.ChannelStride) + (kx * tile.TapStep);
        tile.W += (nint)kx * _g.Channels;
        tile.Taps = kxEnd - kx;
        tile.Y += ox * tile.YStep;
        int c = 0;
        if (CpuFeatures.VectorLength >= 16)
            c = DepthwiseTiles.One<Simd512, V512>(&tile, c);
        if (CpuFeatures.VectorLength >= 8 && c < tile.Channels)
            c = DepthwiseTiles.One<Simd256, V256>(&tile, c);
        if (CpuFeatures.VectorLength >= 4 && c < tile.Channels)
            c = DepthwiseTiles.One<Simd128, V128>(&tile, c);
        if (c < tile.Channels)
            DepthwiseTiles.One<Simd1, float>(&tile, c);
    }

    private void RunFour(DepthwiseTile* tile)
    {
        int c = 0;
        if (CpuFeatures.VectorLength >= 16)
            c = RunFour<Simd512, V512>(tile, c);
        if (CpuFeatures.VectorLength >= 8 && c < tile->Channels)
            c = RunFour<Simd256, V256>(tile, c);
        if (CpuFeatures.VectorLength >= 4 && c < tile->Channels)
            c = RunFour<Simd128, V128>(tile, c);
        if (c < tile->Channels)
            RunFour<Simd1, float>(tile, c);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int RunFour<TSimd, TVec>(DepthwiseTile* tile, int c)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => (_g.DilationW, _g.KernelW, _g.StrideW) switch
        {
            (1, 3, 1) => DepthwiseTiles.Four<TSimd, TVec, C3, C1>(tile, c),
            (1, 3, 2) => DepthwiseTiles.Four<TSimd, TVec, C3, C2>(tile, c),
            (1, 5, 1) => DepthwiseTiles.Four<TSimd, TVec, C5, C1>(tile, c),
            (1, 5, 2) => DepthwiseTiles.Four<TSimd, TVec, C5, C2>(tile, c),
            _ => DepthwiseTiles.Four<TSimd, TVec, C1, C1>(tile, c),
        };

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void RunRowWithMultiplier(DepthwiseTile* row)
    {
        int outputs = _g.Channels * _multiplier;
        for (int ox = 0; ox < _g.OutW; ox++)
        {
            float* y = row->Y + (ox * row->YStep);
            int ix = (ox * _g.StrideW) - _g.PadLeft;
            (int kx0, int kx1) = Window.Taps(ix, _g.KernelW, _g.DilationW, _g.InW);
            float* window = row->X + (ix * (nint)_g.ChannelStride);
            for (int o = 0; o < outputs; o++)
            {
                float sum = row->Bias != null ? row->Bias[o] : 0f;
                for (int ky = 0; ky < row->Rows; ky++)
                {
                    for (int kx = kx0; kx < kx1; kx++)
                    {
                        sum += window[(ky * row->RowStep) + (kx * row->TapStep) + (o / _multiplier)]
                            * row->W[(ky * row->FilterRowStep) + ((nint)kx * outputs) + o];
                    }
                }

                *y++ = Simd1.AtMost(row->Upper, Simd1.AtLeast(row->Lower, sum));
            }
        }
    }
}
