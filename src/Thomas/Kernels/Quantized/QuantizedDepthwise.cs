using System;

namespace Thomas.Kernels.Quantized;

/// <summary>
/// Depthwise convolution of 8-bit numbers; see <see cref="QuantizedLayer"/>. The filter is [kH, kW, outputs]; output o reads input channel o / multiplier.
/// All sums are exact, so the results are the same bytes on every machine.
/// </summary>
internal sealed unsafe class QuantizedDepthwise
{
    private readonly QuantizedLayer _layer;

    /// <summary>Plans the layer.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="threads">Threads that will share the items; changes how many there are, not the result.</param>
    public QuantizedDepthwise(QuantizedLayer layer, int threads)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(threads);
        _layer = layer;
    }

    /// <summary>Bytes of the packed weights.</summary>
    public long PackedBytes => ((long)_layer.Outputs * sizeof(int)) + ((long)_layer.Outputs * _layer.Geometry.KernelH * _layer.Geometry.KernelW);

    /// <summary>Window and tier.</summary>
    public string KernelName => $"i8_dwconv_k{_layer.Geometry.KernelH}x{_layer.Geometry.KernelW}s{_layer.Geometry.StrideW}__scalar";

    /// <summary>Work items, independent of each other.</summary>
    public int Items => _layer.Geometry.OutRows;

    /// <summary>Scratch memory that each running thread needs, in bytes; 64-byte aligned.</summary>
    public nuint WorkspaceBytes => 0;

    /// <summary>Packs weights, bias and scales.</summary>
    /// <param name="weights">The filter, [kH, kW, outputs], in the layer's type.</param>
    /// <param name="bias">One number per output, or null.</param>
    /// <param name="packed">Receives <see cref="PackedBytes"/> bytes, 64-byte aligned.</param>
    public void Pack(byte* weights, int* bias, byte* packed)
    {
        int* start = (int*)packed;
        for (int o = 0; o < _layer.Outputs; o++) start[o] = bias == null ? 0 : bias[o];
        long count = (long)_layer.Outputs * _layer.Geometry.KernelH * _layer.Geometry.KernelW;
        Buffer.MemoryCopy(weights, start + _layer.Outputs, count, count);
    }

    /// <summary>Does items [begin, end).</summary>
    /// <param name="x">Input, NHWC.</param>
    /// <param name="packed">From <see cref="Pack"/>.</param>
    /// <param name="y">Output, NHWC without gaps; not the input's memory.</param>
    /// <param name="begin">First item.</param>
    /// <param name="end">One past the last item.</param>
    /// <param name="workspace">The thread's scratch memory.</param>
    public void RunItems(byte* x, byte* packed, byte* y, int begin, int end, byte* workspace)
    {
        ConvGeometry g = _layer.Geometry;
        int* bias = (int*)packed;
        byte* weights = (byte*)(bias + _layer.Outputs);
        int multiplier = _layer.Outputs / g.Channels;
        for (int pixel = begin * g.OutW; pixel < end * g.OutW; pixel++)
        {
            for (int o = 0; o < _layer.Outputs; o++)
            {
                int sum = bias[o] + Sum(x + (o / multiplier), weights + o, pixel, _layer.WZero(o));
                y[((long)pixel * _layer.Outputs) + o] = (byte)_layer.Requantization.Apply(sum, o);
            }
        }
    }

    private int Sum(byte* x, byte* w, int pixel, int wZero)
    {
        ConvGeometry g = _layer.Geometry;
        int n = pixel / g.OutW / g.OutH, iy = (pixel / g.OutW % g.OutH * g.StrideH) - g.PadTop, ix = (pixel % g.OutW * g.StrideW) - g.PadLeft, sum = 0;
        (int ky0, int ky1) = Window.Taps(iy, g.KernelH, g.DilationH, g.InH);
        (int kx0, int kx1) = Window.Taps(ix, g.KernelW, g.DilationW, g.InW);
        for (int ky = ky0; ky < ky1; ky++)
        {
            for (int kx = kx0; kx < kx1; kx++)
            {
                byte from = x[(((((long)n * g.InH) + iy + (ky * g.DilationH)) * g.InW) + ix + (kx * g.DilationW)) * g.ChannelStride];
                byte tap = w[(long)((ky * g.KernelW) + kx) * _layer.Outputs];
                sum += ((_layer.XIsSigned ? (sbyte)from : from) - _layer.XZero) * ((_layer.WIsSigned ? (sbyte)tap : tap) - wZero);
            }
        }

        return sum;
    }
}
