using System;
using System.Runtime.CompilerServices;
using Thomas.Kernels.Elementwise;

namespace Thomas.Kernels.Depthwise;

/// <summary>
/// Input gradient of a depthwise convolution: dx[n,h,w,c] = sum over taps i, j and the M outputs o of channel c of dy[n,p,q,o] * w[i,j,o], where (p, q) is the
/// output that tap (i, j) of (h, w) belongs to. With M = 1 each <see cref="GradientPhase"/> is a depthwise convolution of dy. Work items are the rows of dx.
/// </summary>
internal sealed unsafe class DepthwiseInputGradient
{
    private readonly ConvGeometry _g;
    private readonly int _multiplier;
    private readonly GradientPhase[] _phases;
    private readonly DepthwiseConvolution[] _convolutions;
    private readonly bool _complete;

    /// <summary>Plans the convolutions.</summary>
    /// <param name="forward">The forward convolution.</param>
    /// <param name="multiplier">Outputs per channel, M.</param>
    public DepthwiseInputGradient(in ConvGeometry forward, int multiplier)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(multiplier);
        (_g, _multiplier) = (forward, multiplier);
        _phases = GradientPhase.Of(forward, forward.Channels, forward.Channels, out _complete);
        _convolutions = Array.ConvertAll(_phases, static phase => new DepthwiseConvolution(phase.Geometry, 1, Activation.None));
    }

    /// <summary>For example <c>f32_gradinput_dwconv_k3x3s1__avx512</c>.</summary>
    public string KernelName =>
        $"f32_gradinput_dwconv_k{_g.KernelH}x{_g.KernelW}s{_g.StrideW}{(_multiplier > 1 ? "_multiplier__scalar" : "__" + CpuFeatures.TierName)}";

    /// <summary>Floats of the filter in the order of the phases; 0 if it is read as it is.</summary>
    public nint PackedFloats => _multiplier > 1 ? 0 : (nint)_g.KernelH * _g.KernelW * _g.Channels;

    /// <summary>Work items, independent of each other.</summary>
    public int Items => _g.Batch * _g.InH;

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

    /// <summary>Computes rows [begin, end) of dx, counted over the whole batch.</summary>
    /// <param name="dy">Gradient of the result, [n, outH, outW, channels * multiplier] without gaps.</param>
    /// <param name="filter">The packed filter, or the filter if none is wanted.</param>
    /// <param name="dx">Gradient of the input, [n, inH, inW, channels] without gaps; not dy's memory.</param>
    /// <param name="begin">First row.</param>
    /// <param name="end">One past the last row.</param>
    public void RunItems(float* dy, float* filter, float* dx, int begin, int end)
    {
        nint rowLength = (nint)_g.InW * _g.Channels;
        for (int row = begin; row < end; row++)
        {
            float* target = dx + (row * rowLength);
            if (!_complete || _multiplier > 1)
                Memory.Fill(target, (int)rowLength, 0f);
            if (_multiplier > 1)
                RunRowWithMultiplier(dy, filter, target, row);
            else
                RunRow(dy, filter, target, row);
        }
    }

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
            if (start < 0 || start % _g.StrideH != 0 || p >= _g.OutH)
                continue;
            for (int j = 0; j < _g.KernelW; j++)
            {
                float* tap = filter + ((nint)((i * _g.KernelW) + j) * outputs);
                for (int q = 0; q < _g.OutW; q++)
                {
                    int w = (q * _g.StrideW) - _g.PadLeft + (j * _g.DilationW);
                    if ((uint)w >= (uint)_g.InW)
                        continue;
                    float* from = dy + (((((nint)n * _g.OutH) + p) * _g.OutW + q) * outputs);
                    float* to = target + ((nint)w * _g.Channels);
                    for (int o = 0; o < outputs; o++)
                        to[o / _multiplier] += from[o] * tap[o];
                }
            }
        }
    }
}
