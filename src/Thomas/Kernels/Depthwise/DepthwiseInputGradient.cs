using System;
using System.Runtime.CompilerServices;
using Thomas.Kernels.Activations;
using Thomas.Kernels.Simd;
using V128 = System.Runtime.Intrinsics.Vector128<float>;
using V256 = System.Runtime.Intrinsics.Vector256<float>;
using V512 = System.Runtime.Intrinsics.Vector512<float>;

namespace Thomas.Kernels.Depthwise;

/// <summary>
/// Input gradient of a depthwise convolution: dx[n,h,w,c] = sum over taps i, j and the M outputs o of channel c of dy[n,p,q,o] * w[i,j,o], where (p, q) is the
/// output that tap (i, j) of (h, w) belongs to. With M = 1 each <see cref="GradientPhase"/> is a depthwise convolution of dy. Work items are one or two rows of
/// dx.
/// </summary>
internal sealed unsafe class DepthwiseInputGradient
{
    private readonly ConvGeometry _g;
    private readonly int _multiplier;
    private readonly GradientPhase[] _phases;
    private readonly DepthwiseConvolution[] _convolutions;
    private readonly bool _complete;
    private readonly bool _whole;
    private readonly bool _direct;
    private readonly int _blockRows;

    /// <summary>Plans the convolutions.</summary>
    /// <param name="forward">The forward convolution.</param>
    /// <param name="multiplier">Outputs per channel, M.</param>
    public DepthwiseInputGradient(in ConvGeometry forward, int multiplier)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(multiplier);
        (_g, _multiplier) = (forward, multiplier);
        _phases = GradientPhase.Of(forward, forward.Channels, forward.Channels, out _complete);
        _convolutions = Array.ConvertAll(_phases, static phase => new DepthwiseConvolution(phase.Geometry, 1, Activation.None));
        _whole = multiplier == 1 && forward.StrideH == 1 && forward.StrideW == 1;
        _direct = multiplier == 1 && DepthwiseInputRows.Fits(forward);
        _blockRows = CacheLines.BlockItems(
            ((long)_g.Batch * _g.InH * _g.InW * _g.Channels) + ((long)_g.OutPixels * _g.Channels), _g.Batch * _g.InH, DepthwiseConvolution.NearFloats);
    }

    /// <summary>For example <c>f32_gradinput_dwconv_k3x3s1__avx512</c>.</summary>
    public string KernelName =>
        $"f32_gradinput_dwconv_k{_g.KernelH}x{_g.KernelW}s{_g.StrideW}{(_multiplier > 1 ? "_multiplier__scalar" : "__" + CpuFeatures.TierName)}";

    /// <summary>Floats of the filter in the order of the phases; 0 if it is read as it is.</summary>
    public nint PackedFloats => _multiplier > 1 || _direct ? 0 : (nint)_g.KernelH * _g.KernelW * _g.Channels;

    /// <summary>Work items, independent of each other.</summary>
    public int Items => _whole ? _convolutions[0].Items : _g.Batch * _g.InH;

    /// <summary>Puts the filter in the order of the phases, taps reversed.</summary>
    public void Pack(float* filter, float* packed)
    {
        foreach (ref readonly GradientPhase phase in _phases.AsSpan())
        {
            for (int i = 0; i < phase.Geometry.KernelH; i++)
            {
                for (int j = 0; j < phase.Geometry.KernelW; j++, packed += _g.Channels)
                {
                    int tap = ((phase.LastTapH - (i * phase.TapStepH)) * _g.KernelW) + phase.LastTapW - (j * phase.TapStepW);
                    Memory.Copy(filter + ((nint)tap * _g.Channels), packed, _g.Channels);
                }
            }
        }
    }

    /// <summary>Computes items [begin, end) of <see cref="Items"/>.</summary>
    /// <param name="dy">Gradient of the result, [n, outH, outW, channels * multiplier] without gaps.</param>
    /// <param name="filter">The packed filter, or the filter if none is wanted.</param>
    /// <param name="dx">Gradient of the input, [n, inH, inW, channels] without gaps; not dy's memory.</param>
    /// <param name="begin">First row.</param>
    /// <param name="end">One past the last row.</param>
    public void RunItems(float* dy, float* filter, float* dx, int begin, int end)
    {
        if (_whole)
        {
            _convolutions[0].RunItems(dy, filter, null, dx, begin, end);
            return;
        }

        nint rowLength = (nint)_g.InW * _g.Channels;
        int touched = 0;
        for (int row = begin; row < end; row++)
        {
            float* target = dx + (row * rowLength);
            if (_direct)
            {
                if (_blockRows > 0 && (row - begin) % _blockRows == 0) touched = Touch(dy, dx, row, Math.Min(end, row + _blockRows), touched);
                RunStride2(dy, filter, target, row);
                continue;
            }

            if (!_complete || _multiplier > 1) Memory.Fill(target, (int)rowLength, 0f);
            if (_multiplier > 1) RunRowWithMultiplier(dy, filter, target, row);
            else RunRow(dy, filter, target, row);
        }
    }

    /// <summary>
    /// Touches rows [row, end) of dx and the rows of dy that they see, from row <paramref name="touched"/> of the batch on; returns where it stopped.
    /// </summary>
    private int Touch(float* dy, float* dx, int row, int end, int touched)
    {
        int top = (row % _g.InH) + _g.PadTop - (_g.KernelH - 1), bottom = ((end - 1) % _g.InH) + _g.PadTop;
        int from = Math.Max(touched, (row / _g.InH * _g.OutH) + Math.Max(0, top / _g.StrideH));
        int to = ((end - 1) / _g.InH * _g.OutH) + Math.Clamp((bottom / _g.StrideH) + 1, 0, _g.OutH);
        nint inRow = (nint)_g.InW * _g.Channels, outRow = (nint)_g.OutW * _g.Channels;
        if (from < to) CacheLines.Touch(dy + (from * outRow), (to - from) * outRow);
        CacheLines.Touch(dx + (row * inRow), (end - row) * inRow);
        return Math.Max(from, to);
    }

    /// <summary>A row of dx of a convolution with stride 2.</summary>
    private void RunStride2(float* dy, float* filter, float* target, int row)
    {
        int image = row / _g.InH, place = (row % _g.InH) + _g.PadTop;

        // Tap row k belongs to row (place - k) / stride of dy where that is whole and inside: from the last such tap row, the first row of dy, on.
        int k = place - ((_g.OutH - 1) * _g.StrideH), phase = ((place % _g.StrideH) + _g.StrideH) % _g.StrideH;
        int lowest = Math.Max(phase, k), highest = Math.Min(_g.KernelH - 1, place);
        highest -= ((highest - phase) % _g.StrideH + _g.StrideH) % _g.StrideH;
        DepthwiseRow tile = default;
        tile.Rows = highest < lowest ? 0 : ((highest - lowest) / _g.StrideH) + 1;
        int first = (image * _g.OutH) + (tile.Rows == 0 ? 0 : (place - highest) / _g.StrideH);
        tile.RowStep = (nint)_g.OutW * _g.Channels;
        tile.X = dy + (first * tile.RowStep);
        tile.FilterRowStep = -(nint)_g.StrideH * _g.KernelW * _g.Channels;
        tile.W = filter + (tile.Rows == 0 ? 0 : (nint)highest * _g.KernelW * _g.Channels);
        tile.Y = target;
        tile.Channels = _g.Channels;
        tile.Pad = _g.PadLeft;
        tile.Columns = _g.OutW;
        tile.Pixels = _g.InW;
        int c = 0;
        if (CpuFeatures.VectorLength >= 16) c = RunStride2<Simd512, V512>(&tile, c);
        if (CpuFeatures.VectorLength >= 8 && c < tile.Channels) c = RunStride2<Simd256, V256>(&tile, c);
        if (CpuFeatures.VectorLength >= 4 && c < tile.Channels) c = RunStride2<Simd128, V128>(&tile, c);
        if (c < tile.Channels) RunStride2<Simd1, float>(&tile, c);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int RunStride2<TSimd, TVec>(DepthwiseRow* row, int c)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        => _g.KernelW == 3 ? DepthwiseInputRows.Stride2<TSimd, TVec, C3>(row, c) : DepthwiseInputRows.Stride2<TSimd, TVec, C5>(row, c);

    private void RunRow(float* dy, float* packed, float* target, int row)
    {
        int n = row / _g.InH, h = row % _g.InH;
        for (int i = 0; i < _phases.Length; i++)
        {
            ref readonly GradientPhase phase = ref _phases[i];
            if (h % _g.StrideH == phase.FirstH)
            {
                int phaseRow = (n * phase.Geometry.OutH) + (h / _g.StrideH);
                _convolutions[i].RunRow(dy, packed, null, target + ((nint)phase.FirstW * _g.Channels), (nint)_g.StrideW * _g.Channels, phaseRow);
            }

            packed += (nint)phase.Geometry.KernelH * phase.Geometry.KernelW * _g.Channels;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void RunRowWithMultiplier(float* dy, float* filter, float* target, int row)
    {
        int n = row / _g.InH, h = row % _g.InH, outputs = _g.Channels * _multiplier;
        for (int i = 0; i < _g.KernelH; i++)
        {
            int start = h + _g.PadTop - (i * _g.DilationH), p = start / _g.StrideH;
            if (start < 0 || start % _g.StrideH != 0 || p >= _g.OutH) continue;
            for (int j = 0; j < _g.KernelW; j++)
            {
                float* tap = filter + ((nint)((i * _g.KernelW) + j) * outputs);
                for (int q = 0; q < _g.OutW; q++)
                {
                    int w = (q * _g.StrideW) - _g.PadLeft + (j * _g.DilationW);
                    if ((uint)w >= (uint)_g.InW) continue;
                    float* from = dy + (((((nint)n * _g.OutH) + p) * _g.OutW + q) * outputs);
                    float* to = target + ((nint)w * _g.Channels);
                    for (int o = 0; o < outputs; o++)
                        to[o / _multiplier] += from[o] * tap[o];
                }
            }
        }
    }
}
