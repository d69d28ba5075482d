using System;
using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;
using V128 = System.Runtime.Intrinsics.Vector128<float>;
using V256 = System.Runtime.Intrinsics.Vector256<float>;
using V512 = System.Runtime.Intrinsics.Vector512<float>;

namespace Thomas.Kernels.Depthwise;

/// <summary>
/// Filter gradient of a depthwise convolution: dw[i,j,o] = sum over output pixels (n,p,q) of x[n, p*sH - top + i*dH, q*sW - left + j*dW, o/M] * dy[n,p,q,o].
/// Vectors run over channels; M above 1 takes a plain loop.
/// </summary>
/// <remarks>
/// Work items are ranges of output rows. Each range but the first has its own copy of dw, and <see cref="Sum"/> adds them in order. The ranges follow from the
/// shapes alone, so the bits do not depend on the threads.
/// </remarks>
internal sealed unsafe class DepthwiseFilterGradient
{
    /// <summary>The input was written long ago, in the forward pass, so it is far unless it is small.</summary>
    private const long NearFloats = 64 * 1024;

    private const int MaxRanges = 16;
    private const int MinRangePixels = 64;
    private const int MaxPartialFloats = 64 * 1024;

    private readonly ConvGeometry _g;
    private readonly int _multiplier;
    private readonly int _ranges;
    private readonly bool _slides;
    private readonly int _blockRows;
    private readonly int _interiorFirst;
    private readonly int _interiorEnd;

    /// <summary>Plans the ranges.</summary>
    /// <param name="forward">The forward convolution.</param>
    /// <param name="multiplier">Outputs per channel, M.</param>
    public DepthwiseFilterGradient(in ConvGeometry forward, int multiplier)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(multiplier);
        (_g, _multiplier) = (forward, multiplier);
        int most = Math.Min(_g.OutRows, 1 + (int)(MaxPartialFloats / Size));
        _ranges = Math.Clamp(Math.Min(_g.OutPixels / MinRangePixels, most), 1, MaxRanges);
        _slides = multiplier == 1 && DepthwiseGradientRows.Fits(_g);
        _blockRows = CacheLines.BlockItems(((long)_g.Batch * _g.InH * _g.InW * _g.ChannelStride) + ((long)_g.OutPixels * Outputs), _g.OutRows, NearFloats);
        (_interiorFirst, _interiorEnd) = Window.Interior(_g.OutW, _g.StrideW, _g.PadLeft, _g.KernelW, _g.DilationW, _g.InW);
    }

    /// <summary>For example <c>f32_gradfilter_dwconv_k3x3s1__avx512</c>.</summary>
    public string KernelName =>
        $"f32_gradfilter_dwconv_k{_g.KernelH}x{_g.KernelW}s{_g.StrideW}{(_multiplier > 1 ? "_multiplier__scalar" : "__" + CpuFeatures.TierName)}";

    /// <summary>Work items, independent of each other.</summary>
    public int Items => _ranges;

    /// <summary>Floats for the partial sums, shared by all threads.</summary>
    public nint PartialFloats => (_ranges - 1) * Size;

    /// <summary>Items of <see cref="Sum"/>, one a tap; 0 when there is nothing to add.</summary>
    public int SumItems => _ranges == 1 ? 0 : _g.KernelH * _g.KernelW;

    private nint Outputs => (nint)_g.Channels * _multiplier;

    private nint Size => _g.KernelH * _g.KernelW * Outputs;

    /// <summary>Does items [begin, end).</summary>
    /// <param name="x">Input, [n, inH, inW, channels] without gaps.</param>
    /// <param name="dy">Gradient of the result, [n, outH, outW, channels * multiplier] without gaps.</param>
    /// <param name="dw">Gradient of the filter, [kH, kW, channels * multiplier].</param>
    /// <param name="partial"><see cref="PartialFloats"/> floats.</param>
    /// <param name="begin">First item.</param>
    /// <param name="end">One past the last item.</param>
    public void RunItems(float* x, float* dy, float* dw, float* partial, int begin, int end)
    {
        for (int range = begin; range < end; range++)
        {
            float* target = range == 0 ? dw : partial + ((range - 1) * Size);
            Memory.Fill(target, (int)Size, 0f);
            int first = (int)((long)range * _g.OutRows / _ranges), last = (int)((range + 1L) * _g.OutRows / _ranges);
            int touched = 0;
            for (int row = first; row < last; row++)
            {
                if (_blockRows > 0 && (row - first) % _blockRows == 0) touched = Touch(x, dy, row, Math.Min(last, row + _blockRows), touched);
                AddRow(x, dy, target, row);
            }
        }
    }

    /// <summary>Adds the partial sums, in order: items [begin, end) of <see cref="SumItems"/>.</summary>
    public void Sum(float* dw, float* partial, int begin, int end) => PartialSums.Add(dw, partial, Size, _ranges - 1, begin * Outputs, end * Outputs);

    /// <summary>
    /// Touches rows [row, end) of dy and the rows of x that they meet, from row <paramref name="touched"/> of the batch on; returns where it stopped.
    /// </summary>
    private int Touch(float* x, float* dy, int row, int end, int touched)
    {
        int top = (row % _g.OutH * _g.StrideH) - _g.PadTop, bottom = ((end - 1) % _g.OutH * _g.StrideH) - _g.PadTop + ((_g.KernelH - 1) * _g.DilationH);
        int from = Math.Max(touched, (row / _g.OutH * _g.InH) + Math.Max(0, top)), to = ((end - 1) / _g.OutH * _g.InH) + Math.Min(_g.InH, bottom + 1);
        nint inRow = (nint)_g.InW * _g.ChannelStride, outRow = _g.OutW * Outputs;
        if (from < to) CacheLines.Touch(x + (from * inRow), (to - from) * inRow);
        CacheLines.Touch(dy + (row * outRow), (end - row) * outRow);
        return Math.Max(from, to);
    }

    /// <summary>Adds what one row of dy contributes.</summary>
    private void AddRow(float* x, float* dy, float* dw, int row)
    {
        int iy = (row % _g.OutH * _g.StrideH) - _g.PadTop;
        (int ky, int kyEnd) = Window.Taps(iy, _g.KernelH, _g.DilationH, _g.InH);
        DepthwiseGradientTile tile;
        tile.RowStep = (nint)_g.DilationH * _g.InW * _g.ChannelStride;
        tile.TapStep = (nint)_g.DilationW * _g.ChannelStride;
        tile.OutStep = (nint)_g.StrideW * _g.ChannelStride;
        tile.X = x + (((nint)(row / _g.OutH) * _g.InH + iy) * _g.InW * _g.ChannelStride) + (ky * tile.RowStep) - (_g.PadLeft * (nint)_g.ChannelStride);
        tile.Column = -_g.PadLeft;
        tile.TapColumns = _g.DilationW;
        tile.OutColumns = _g.StrideW;
        tile.Columns = _g.InW;
        tile.FilterRowStep = _g.KernelW * Outputs;
        tile.W = dw + (ky * tile.FilterRowStep);
        tile.Dy = dy + (row * (_g.OutW * Outputs));
        tile.Channels = _g.Channels;
        tile.Rows = kyEnd - ky;
        tile.Taps = _g.KernelW;
        tile.Pixels = _g.OutW;
        tile.Slides = _slides;
        (tile.InteriorFirst, tile.InteriorEnd) = (_interiorFirst, _interiorEnd);
        if (_multiplier > 1)
        {
            AddWithMultiplier(&tile);
            return;
        }

        int c = 0;
        if (CpuFeatures.VectorLength >= 16) c = DepthwiseGradientTiles.Add<Simd512, V512>(&tile, c);
        if (CpuFeatures.VectorLength >= 8 && c < tile.Channels) c = DepthwiseGradientTiles.Add<Simd256, V256>(&tile, c);
        if (CpuFeatures.VectorLength >= 4 && c < tile.Channels) c = DepthwiseGradientTiles.Add<Simd128, V128>(&tile, c);
        if (c < tile.Channels) DepthwiseGradientTiles.Add<Simd1, float>(&tile, c);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AddWithMultiplier(DepthwiseGradientTile* t)
    {
        int outputs = (int)Outputs;
        for (int pixel = 0; pixel < t->Pixels; pixel++)
        {
            float* window = t->X + (pixel * t->OutStep);
            float* dy = t->Dy + (pixel * Outputs);
            (int kx0, int kx1) = Window.Taps(t->Column + (pixel * t->OutColumns), t->Taps, t->TapColumns, t->Columns);
            for (int ky = 0; ky < t->Rows; ky++)
            {
                for (int kx = kx0; kx < kx1; kx++)
                {
                    float* x = window + (ky * t->RowStep) + (kx * t->TapStep);
                    float* w = t->W + (ky * t->FilterRowStep) + (kx * Outputs);
                    for (int o = 0; o < outputs; o++)
                        w[o] += x[o / _multiplier] * dy[o];
                }
            }
        }
    }
}
