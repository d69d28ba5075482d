using System;

namespace Thomas.Kernels.Gemm;

/// <summary>
/// Input gradient of a convolution (of one of its groups) by scattering: the patch of every output pixel is a product, patch(p)[ky, kx, c] = sum over o of
/// dy[p, o] * filter[o, ky, kx, c], and is added to the pixels that the window covers. No product is with padding, which the convolution of dy
/// (<see cref="InputGradientProduct"/>) needs much of where the window is large beside the image.
/// </summary>
/// <remarks>
/// A work item is a band of rows of one image of dx, so no two items write the same place. It makes the patches of the output rows that reach its band, a
/// block that fits the second-level cache at a time; rows that reach two bands are made for both. Every element of dx is the sum of its patches' elements in
/// the order of the output pixels, wherever the bands are cut, so the bits do not depend on the threads.
/// </remarks>
internal sealed unsafe class InputGradientScatter
{
    private const int BlockFloats = 28 * 1024;
    private const int MaxBlockK = 256;

    /// <summary>Making and adding an element of a patch costs about as much as so many multiply-adds.</summary>
    private const int ElementCost = 16;

    private readonly ConvGeometry _forward;
    private readonly int _outChannels;
    private readonly int _outChannelStride;
    private readonly int _bands;
    private readonly int _bandRows;
    private readonly int _patchStride;
    private readonly int _blockPixels;

    /// <summary>Plans the products; parameters as those of <see cref="InputGradientProduct"/>.</summary>
    public InputGradientScatter(in ConvGeometry forward, int outChannels, int outChannelStride, int threads)
    {
        (_forward, _outChannels, _outChannelStride) = (forward, outChannels, outChannelStride);
        int extent = ((forward.KernelH - 1) * forward.DilationH) + 1;
        int bands = threads == 1 ? 1 : Math.Clamp(((4 * threads) + forward.Batch - 1) / forward.Batch, 1, Math.Max(1, forward.InH / (2 * extent)));
        _bandRows = (forward.InH + bands - 1) / bands;
        _bands = (forward.InH + _bandRows - 1) / _bandRows;
        // An odd number of cache lines, so that the rows of a tile spread over all cache sets.
        _patchStride = (forward.PatchLength + 15) / 16 * 16 | 16;
        _blockPixels = Math.Min(forward.OutH * forward.OutW, Math.Max(1, BlockFloats / _patchStride / GemmTiles.Rows) * GemmTiles.Rows);
    }

    /// <summary>Items of packing, independent of each other.</summary>
    public int PackItems => PackedMatrix.Panels(_forward.PatchLength);

    /// <summary>Bytes of the packed filter, to be 64-byte aligned.</summary>
    public nuint PackedBytes => PackedMatrix.Bytes(_outChannels, _forward.PatchLength);

    /// <summary>Work items, independent of each other.</summary>
    public int Items => _forward.Batch * _bands;

    /// <summary>Scratch memory that each running thread needs, in bytes; 64-byte aligned.</summary>
    public nuint WorkspaceBytes => (nuint)_blockPixels * (nuint)_patchStride * sizeof(float);

    /// <summary>Whether scattering is faster than the convolutions of dy that the phases are.</summary>
    public static bool Pays(in ConvGeometry forward, GradientPhase[] phases, int outChannels)
    {
        int rows = GemmTiles.Rows;
        double perPixel = ((double)outChannels * TileCost.Of(rows, forward.PatchLength)) + (ElementCost * rows * forward.PatchLength);
        double scattered = forward.OutPixels * perPixel, convolved = 0;
        foreach (GradientPhase phase in phases)
            convolved += (double)phase.Geometry.OutPixels * phase.Geometry.PatchLength * TileCost.Of(rows, forward.Channels);
        return scattered < convolved;
    }

    /// <summary>Packs the group's filter (OHWI): items [begin, end) of <see cref="PackItems"/>.</summary>
    public void Pack(float* filter, float* packed, int begin, int end) =>
        PackedMatrix.PackPanels(filter, _forward.PatchLength, _outChannels, _forward.PatchLength, null, packed, begin, end);

    /// <summary>Does items [begin, end).</summary>
    /// <param name="dy">First channel of the group of the first pixel.</param>
    /// <param name="packed">The packed filter.</param>
    /// <param name="dx">First channel of the group of the first pixel.</param>
    /// <param name="begin">First item.</param>
    /// <param name="end">One past the last item.</param>
    /// <param name="workspace">The thread's scratch memory.</param>
    public void RunItems(float* dy, float* packed, float* dx, int begin, int end, byte* workspace)
    {
        nint dyImage = (nint)_forward.OutH * _forward.OutW * _outChannelStride, dxImage = (nint)_forward.InH * _forward.InW * _forward.ChannelStride;
        for (int item = begin; item < end; item++)
        {
            int h0 = item % _bands * _bandRows, h1 = Math.Min(h0 + _bandRows, _forward.InH);
            RunBand(dy + (item / _bands * dyImage), packed, dx + (item / _bands * dxImage), h0, h1, (float*)workspace);
        }
    }

    private void RunBand(float* dy, float* packed, float* dx, int h0, int h1, float* patches)
    {
        Clear(dx, h0, h1);
        int reach = (_forward.KernelH - 1) * _forward.DilationH, stride = _forward.StrideH;
        int firstRow = Math.Max(0, h0 + _forward.PadTop - reach + stride - 1) / stride;
        int lastRow = Math.Min(Math.Max(0, h1 + _forward.PadTop + stride - 1) / stride, _forward.OutH);
        for (int p0 = firstRow * _forward.OutW; p0 < lastRow * _forward.OutW; p0 += _blockPixels)
        {
            int p1 = Math.Min(p0 + _blockPixels, lastRow * _forward.OutW);
            Multiply(dy + ((nint)p0 * _outChannelStride), packed, p1 - p0, patches);
            PatchScatter.Add(_forward, patches, _patchStride, p0, p1, dx, h0, h1);
        }
    }

    /// <summary>The patches of some pixels.</summary>
    private void Multiply(float* dy, float* packed, int pixels, float* patches)
    {
        int width = PackedMatrix.PanelWidth, columns = _forward.PatchLength;
        nint panel = (nint)width * (_outChannels + 1);
        GemmTileArgs tile;
        tile.StrideA = _outChannelStride;
        tile.StepA = 1;
        tile.StrideB = width;
        tile.Segments = 1;
        tile.JumpA = tile.JumpB = 0;
        tile.StrideC = _patchStride;
        tile.Residual = null;
        tile.StrideResidual = 0;
        tile.Lower = float.NegativeInfinity;
        tile.Upper = float.PositiveInfinity;
        tile.Streams = false;
        for (int k = 0; k < _outChannels; k += MaxBlockK)
        {
            tile.A = dy + k;
            tile.K = Math.Min(MaxBlockK, _outChannels - k);
            for (int j = 0; j < columns; j += width)
            {
                float* start = packed + (j / width * panel);
                tile.Bias = k == 0 ? start : null;
                tile.B = start + ((nint)(k + 1) * width);
                tile.C = patches + j;
                GemmTiles.Run(tile, pixels, Math.Min(width, columns - j));
            }
        }
    }

    private void Clear(float* dx, int h0, int h1)
    {
        nint row = (nint)_forward.InW * _forward.ChannelStride;
        if (_forward.Channels == _forward.ChannelStride)
        {
            new Span<float>(dx + (h0 * row), checked((int)((h1 - h0) * row))).Clear();
            return;
        }

        float* end = dx + (h1 * row);
        for (float* pixel = dx + (h0 * row); pixel < end; pixel += _forward.ChannelStride)
            Memory.Fill(pixel, _forward.Channels, 0f);
    }
}
