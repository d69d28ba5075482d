using System;
using System.Runtime.CompilerServices;
using Thomas.Kernels.Activations;
using Thomas.Kernels.Copy;
using Thomas.Kernels.Normalization;
using Thomas.Kernels.Reduce;
using Thomas.Kernels.Simd;
using V128 = System.Runtime.Intrinsics.Vector128<float>;
using V256 = System.Runtime.Intrinsics.Vector256<float>;
using V512 = System.Runtime.Intrinsics.Vector512<float>;

namespace Thomas.Kernels.Depthwise;

/// <summary>
/// Depthwise convolution over NHWC float32: y[n,oy,ox,c*M+j] = f(b[c*M+j] + sum over ky, kx of x[n,iy,ix,c] * w[ky,kx,c*M+j]), with the
/// window of <see cref="ConvGeometry"/> and M outputs per input channel. The filter is [kH, kW, outputs], TFLite's order without its
/// leading 1. Work items are the output rows, or pairs of them where one pass makes two, or bands of rows. Vectors run over channels; M above 1 takes a plain
/// loop.
/// </summary>
internal sealed unsafe class DepthwiseConvolution
{
    /// <summary>The operator before has just written the input, so rows are touched and fetched only if no cache is large enough.</summary>
    public const long NearFloats = 2 * 1024 * 1024;

    private readonly ConvGeometry _g;
    private readonly int _multiplier;
    private readonly ActivationFunction _activation;
    private readonly int _ringRows;
    private readonly bool _fits;
    private readonly bool _pairs;
    private readonly int _itemRows;
    private readonly int _unitRows;
    private readonly int _unitItems;
    private readonly int _blockRows;

    /// <summary>Plans the convolution.</summary>
    /// <param name="geometry">The window.</param>
    /// <param name="multiplier">Outputs for each input channel.</param>
    /// <param name="activation">Applied to the result.</param>
    /// <param name="ringRows">Where the input is a ring of rows of one image, in which row y lies at y modulo this; else 0. Without dilation in height.</param>
    /// <param name="banded">Whether moments will take in the result, so that an item is a band of <see cref="Bands"/>.</param>
    public DepthwiseConvolution(in ConvGeometry geometry, int multiplier, Activation activation, int ringRows = 0, bool banded = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(multiplier);
        (_g, _multiplier, _activation, _ringRows) = (geometry, multiplier, activation.Function, ringRows);
        _fits = multiplier == 1 && DepthwiseRows.Fits(_g);
        _pairs = _fits && _g.KernelH == 3 && _g.KernelW == 3 && _g.StrideH == 1 && _g.StrideW == 1 && _g.DilationH == 1;
        int rows = _g.Batch * _g.OutH, step = _pairs ? 2 : 1;
        _itemRows = banded ? RowBands.OfBlocks(_g.OutPixels, (int)Outputs, step * _g.OutW).BandRows / _g.OutW : step;

        // Pairs do not reach from one image to the next; bands do.
        _unitRows = banded ? rows : _g.OutH;
        _unitItems = (_unitRows + _itemRows - 1) / _itemRows;
        Items = rows / _unitRows * _unitItems;
        long floats = ((long)_g.Batch * _g.InH * _g.InW * _g.ChannelStride) + ((long)_g.OutPixels * Outputs);
        _blockRows = step * CacheLines.BlockItems(floats, (rows + step - 1) / step, NearFloats);
    }

    /// <summary>Work items, independent of each other.</summary>
    public int Items { get; }

    /// <summary>The bands of pixels in which moments are given the result of a banded convolution.</summary>
    public RowBands Bands => new(_g.OutPixels, (int)Outputs, _itemRows * _g.OutW);

    /// <summary>For example <c>f32_dwconv_k3x3s1__avx512</c>.</summary>
    public string KernelName =>
        $"f32_dwconv_k{_g.KernelH}x{_g.KernelW}s{_g.StrideW}{(_multiplier > 1 ? "_multiplier" : "")}__{(_multiplier > 1 ? "scalar" : CpuFeatures.TierName)}";

    private nint Outputs => (nint)_g.Channels * _multiplier;

    /// <summary>Computes items [begin, end).</summary>
    /// <param name="x">Input.</param>
    /// <param name="w">Filter.</param>
    /// <param name="bias">One value per output channel, or null.</param>
    /// <param name="y">Output, [n, outH, outW, channels * multiplier] without gaps; not the input's memory.</param>
    /// <param name="begin">First item.</param>
    /// <param name="end">One past the last item.</param>
    /// <param name="moments">Takes in the result of a banded convolution; null where there is none.</param>
    /// <param name="kept">A copy of the result to make.</param>
    public void RunItems(float* x, float* w, float* bias, float* y, int begin, int end, ResultMoments? moments = null, KeptCopy kept = default)
    {
        nint rowLength = _g.OutW * Outputs;
        int first = FirstRow(begin), last = FirstRow(end), near = _blockRows > 0 ? first : last, touched = 0;
        DepthwiseAhead ahead = default;
        DepthwiseAhead* fetched = null;
        for (int row = first, rows; row < last; row += rows)
        {
            float* target = y + (row * rowLength);
            rows = _pairs && row % _g.OutH < _g.OutH - 1 && !IsFirst(row + 1) ? 2 : 1;
            if (row >= near)
            {
                // The first block is touched. While a block is computed the next one is fetched.
                near = Math.Min(last, row + _blockRows);
                if (row == first || !DepthwiseAhead.IsSupported) touched = Touch(x, y, row, near, touched);
                fetched = null;
                if (near < last && DepthwiseAhead.IsSupported)
                {
                    ahead = Ahead(x, y, near);
                    fetched = &ahead;
                }
            }

            RunRows(x, w, bias, target, Outputs, row, row + rows, fetched);
            if (_activation.NeedsPass) _activation.Apply(target, target, rows * rowLength);
            moments?.Take(target, row * _g.OutW, rows * _g.OutW, 0, (int)Outputs);
            if (kept.Exists) kept.Take(target, rows * rowLength);
        }
    }

    /// <summary>Computes output rows [row, end) of one image, two at a time where possible, up to an activation that needs a pass.</summary>
    /// <param name="x">Input.</param>
    /// <param name="w">Filter.</param>
    /// <param name="bias">One value per output channel, or null.</param>
    /// <param name="y">The first row's first pixel; rows follow each other.</param>
    /// <param name="pixelStride">Floats from one pixel to the next.</param>
    /// <param name="row">The first row, counted over the whole batch.</param>
    /// <param name="end">One past the last row.</param>
    /// <param name="ahead">What to fetch meanwhile, or null.</param>
    public void RunRows(float* x, float* w, float* bias, float* y, nint pixelStride, int row, int end, DepthwiseAhead* ahead = null)
    {
        nint rowLength = _g.OutW * pixelStride;
        for (int rows; row < end; row += rows, y += rows * rowLength)
        {
            rows = _pairs && row + 1 < end ? 2 : 1;
            if (rows == 2) RunTwoRows(x, w, bias, y, pixelStride, row, ahead);
            else RunRow(x, w, bias, y, pixelStride, row, ahead);
        }
    }

    /// <summary>Computes an output row, counted over the whole batch, up to an activation that needs a pass.</summary>
    /// <param name="x">Input.</param>
    /// <param name="w">Filter.</param>
    /// <param name="bias">One value per output channel, or null.</param>
    /// <param name="y">The row's first pixel.</param>
    /// <param name="pixelStride">Floats from one of the row's pixels to the next.</param>
    /// <param name="row">The row.</param>
    /// <param name="ahead">What to fetch meanwhile, or null.</param>
    public void RunRow(float* x, float* w, float* bias, float* y, nint pixelStride, int row, DepthwiseAhead* ahead = null)
    {
        int iy = (row % _g.OutH * _g.StrideH) - _g.PadTop;
        (int ky, int kyEnd) = Window.Taps(iy, _g.KernelH, _g.DilationH, _g.InH);
        DepthwiseRow tile = Row(x, row, iy + (ky * _g.DilationH));
        tile.W = w + (ky * tile.FilterRowStep);
        tile.Bias = bias;
        tile.Ahead = ahead;
        tile.Y = y;
        tile.YStep = pixelStride;
        tile.Rows = kyEnd - ky;
        if (_multiplier > 1)
        {
            RunRowWithMultiplier(&tile);
            return;
        }

        int c = 0;
        if (CpuFeatures.VectorLength >= 16) c = RunRow<Simd512, V512>(&tile, c);
        if (CpuFeatures.VectorLength >= 8 && c < tile.Channels) c = RunRow<Simd256, V256>(&tile, c);
        if (CpuFeatures.VectorLength >= 4 && c < tile.Channels) c = RunRow<Simd128, V128>(&tile, c);
        if (c < tile.Channels) RunRow<Simd1, float>(&tile, c);
    }

    private void RunTwoRows(float* x, float* w, float* bias, float* y, nint pixelStride, int row, DepthwiseAhead* ahead)
    {
        int iy = (row % _g.OutH) - _g.PadTop;
        if (iy < -1 || iy + 3 > _g.InH)
        {
            RunRow(x, w, bias, y, pixelStride, row, ahead);
            RunRow(x, w, bias, y + (_g.OutW * pixelStride), pixelStride, row + 1, ahead);
            return;
        }

        DepthwiseRow tile = Row(x, row, iy);
        tile.W = w;
        tile.Bias = bias;
        tile.Ahead = ahead;
        tile.Y = y;
        tile.YStep = pixelStride;
        tile.YRowStep = _g.OutW * pixelStride;
        tile.HasTop = iy >= 0;
        tile.HasBottom = iy + 3 < _g.InH;
        int c = 0;
        if (CpuFeatures.VectorLength >= 16) c = DepthwiseRows.Two<Simd512, V512>(&tile, c);
        if (CpuFeatures.VectorLength >= 8 && c < tile.Channels) c = DepthwiseRows.Two<Simd256, V256>(&tile, c);
        if (CpuFeatures.VectorLength >= 4 && c < tile.Channels) c = DepthwiseRows.Two<Simd128, V128>(&tile, c);
        if (c < tile.Channels) DepthwiseRows.Two<Simd1, float>(&tile, c);
    }

    /// <summary>What is the same for one row and two; the input from row <paramref name="iy"/> of the row's image on.</summary>
    private DepthwiseRow Row(float* x, int row, int iy)
    {
        DepthwiseRow tile = default;
        nint rowFloats = (nint)_g.InW * _g.ChannelStride;
        tile.RowStep = _g.DilationH * rowFloats;
        if (_ringRows > 0)
        {
            int place = (iy + _ringRows) % _ringRows;
            tile.X = x + (place * rowFloats);
            tile.Wrap = _ringRows - place;
            tile.WrapStep = (1 - _ringRows) * rowFloats;
        }
        else
        {
            tile.X = x + ((((nint)(row / _g.OutH) * _g.InH) + iy) * rowFloats);
        }

        tile.PixelStep = _g.ChannelStride;
        tile.FilterRowStep = _g.KernelW * Outputs;
        tile.Channels = _g.Channels;
        tile.Pad = _g.PadLeft;
        tile.Columns = _g.InW;
        tile.Pixels = _g.OutW;
        tile.Lower = _activation.Lower;
        tile.Upper = _activation.Upper;
        return tile;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int RunRow<TSimd, TVec>(DepthwiseRow* row, int c)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => (_fits, _g.KernelW, _g.StrideW) switch
        {
            (true, 3, 1) => DepthwiseRows.One<TSimd, TVec, C3, C1>(row, c),
            (true, 3, 2) => DepthwiseRows.One<TSimd, TVec, C3, C2>(row, c),
            (true, 5, 1) => DepthwiseRows.One<TSimd, TVec, C5, C1>(row, c),
            (true, 5, 2) => DepthwiseRows.One<TSimd, TVec, C5, C2>(row, c),
            _ => DepthwiseRows.Any<TSimd, TVec>(row, c, _g),
        };

    /// <summary>The first output row of an item, counted over the whole batch.</summary>
    private int FirstRow(int item) => Math.Min((item / _unitItems * _unitRows) + (item % _unitItems * _itemRows), _g.Batch * _g.OutH);

    /// <summary>Whether an item begins with this output row.</summary>
    private bool IsFirst(int row) => row % _unitRows % _itemRows == 0;

    /// <summary>
    /// Touches what output rows [row, end) are and, from row <paramref name="touched"/> of the batch on, what they read; returns where it stopped.
    /// </summary>
    private int Touch(float* x, float* y, int row, int end, int touched)
    {
        int last = end - 1;
        int top = (row % _g.OutH * _g.StrideH) - _g.PadTop, bottom = (last % _g.OutH * _g.StrideH) - _g.PadTop + ((_g.KernelH - 1) * _g.DilationH);
        int from = Math.Max(touched, (row / _g.OutH * _g.InH) + Math.Max(0, top)), to = (last / _g.OutH * _g.InH) + Math.Min(_g.InH, bottom + 1);
        nint inRow = (nint)_g.InW * _g.ChannelStride, outRow = _g.OutW * Outputs;
        if (from < to) CacheLines.Touch(x + (from * inRow), ((to - from) * inRow) - _g.ChannelStride + _g.Channels);
        CacheLines.Touch(y + (row * outRow), (last + 1 - row) * outRow);
        return Math.Max(from, to);
    }

    /// <summary>The output from a row on, and the input that the rows before it do not see.</summary>
    private DepthwiseAhead Ahead(float* x, float* y, int row)
    {
        int image = row / _g.OutH, place = row % _g.OutH;
        int seen = place == 0 ? 0 : Math.Clamp(((place - 1) * _g.StrideH) - _g.PadTop + ((_g.KernelH - 1) * _g.DilationH) + 1, 0, _g.InH);
        DepthwiseAhead ahead;
        ahead.X = x + ((((nint)image * _g.InH) + seen) * _g.InW * _g.ChannelStride);
        ahead.Y = y + (row * (_g.OutW * Outputs));
        return ahead;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void RunRowWithMultiplier(DepthwiseRow* row)
    {
        int outputs = _g.Channels * _multiplier;
        for (int ox = 0; ox < _g.OutW; ox++)
        {
            float* y = row->Y + (ox * row->YStep);
            int ix = (ox * _g.StrideW) - _g.PadLeft;
            (int kx0, int kx1) = Window.Taps(ix, _g.KernelW, _g.DilationW, _g.InW);
            float* window = row->X + (ix * row->PixelStep);
            for (int o = 0; o < outputs; o++)
            {
                float sum = row->Bias != null ? row->Bias[o] : 0f;
                for (int ky = 0; ky < row->Rows; ky++)
                {
                    for (int kx = kx0; kx < kx1; kx++)
                    {
                        sum += window[(ky * row->RowStep) + (kx * _g.DilationW * row->PixelStep) + (o / _multiplier)]
                            * row->W[(ky * row->FilterRowStep) + ((nint)kx * outputs) + o];
                    }
                }

                *y++ = Simd1.AtMost(row->Upper, Simd1.AtLeast(row->Lower, sum));
            }
        }
    }
}
