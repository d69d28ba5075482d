using System;
using System.Runtime.CompilerServices;

namespace Thomas.Kernels.Gemm;

/// <summary>
/// The input rows that a block of output rows reads, so laid out that no patch need be gathered: the pixels of an output row have their windows at a constant
/// distance, and a window row is one run of memory. Where no window reaches beyond the input, these are the rows of the input; else copies
/// with the padding in them, each input pixel once instead of once for each tap.
/// </summary>
internal sealed unsafe class WindowRows
{
    private const int WantedPixels = 112;
    private const int MostCopiedBytes = 128 * 1024;

    private readonly ConvGeometry _g;
    private readonly bool _inPlace;
    private readonly int _span;

    private WindowRows(in ConvGeometry g)
    {
        _g = g;
        _span = ((g.KernelH - 1) * g.DilationH) + 1;
        _inPlace = (g.Channels == g.ChannelStride || g.KernelW == 1) && InputStrip.IsNeedless(g);
        PixelStride = g.StrideW * (_inPlace ? g.ChannelStride : g.Channels);
        RowStride = _inPlace ? (nint)g.InW * g.ChannelStride : InputStrip.RowLength(g);
        int rows = Math.Min(g.OutRows, Math.Max(2, (WantedPixels + g.OutW - 1) / g.OutW));
        while (rows > 1 && CopiedBytes(rows) > MostCopiedBytes)
            rows--;
        int blocks = (g.OutRows + rows - 1) / rows;
        Rows = (g.OutRows + blocks - 1) / blocks;
    }

    /// <summary>Output rows of a block.</summary>
    public int Rows { get; }

    /// <summary>Floats from the window of one output pixel to that of the next in its row.</summary>
    public int PixelStride { get; }

    /// <summary>Floats from one input row to the next.</summary>
    public nint RowStride { get; }

    /// <summary>Memory for the copies of a block.</summary>
    public nuint WorkspaceBytes => _inPlace ? 0 : CopiedBytes(Rows);

    /// <summary>
    /// The rows for this window; or null where gathering is better: taps apart in width, rows too short for tiles, pixels whose distance would crowd cache
    /// sets.
    /// </summary>
    public static WindowRows? For(in ConvGeometry g)
    {
        if (g.IsPointwise || g.DilationW != 1 || g.OutW < Math.Min(7, GemmTiles.Rows / 2) || g.StrideW * g.ChannelStride % 512 == 0) return null;
        return new WindowRows(g);
    }

    /// <summary>Makes the input rows of output rows [begin, end), counted over the batch, ready.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Prepare(float* input, int begin, int end, float* workspace)
    {
        if (_inPlace) return;
        float* target = workspace;
        for (int row = begin; row < end;)
        {
            int image = row / _g.OutH, y = row % _g.OutH, rows = Math.Min(_g.OutH - y, end - row), first = (y * _g.StrideH) - _g.PadTop;
            float* source = input + ((nint)image * _g.InH * _g.InW * _g.ChannelStride);
            for (int i = 0; i < CopiedRows(rows); i++, target += RowStride)
                InputStrip.CopyRow(_g, source, first + i, target);
            row += rows;
        }
    }

    /// <summary>The first window of an output row of a block that begins with another; see <see cref="Prepare"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public float* Window(float* input, float* workspace, int begin, int row)
    {
        int image = row / _g.OutH, y = row % _g.OutH;
        if (_inPlace) return input + (((image * (nint)_g.InH) + (y * _g.StrideH) - _g.PadTop) * RowStride) - ((nint)_g.PadLeft * _g.ChannelStride);
        int firstImage = begin / _g.OutH, firstY = begin % _g.OutH;
        int rows = image == firstImage
            ? (y - firstY) * _g.StrideH
            : CopiedRows(_g.OutH - firstY) + ((image - firstImage - 1) * CopiedRows(_g.OutH)) + (y * _g.StrideH);
        return workspace + (rows * RowStride);
    }

    /// <summary>Input rows for so many output rows of one image.</summary>
    private int CopiedRows(int rows) => ((rows - 1) * _g.StrideH) + _span;

    /// <summary>Bytes for so many output rows, over as many images as these can lie in.</summary>
    private nuint CopiedBytes(int rows)
    {
        int images = Math.Min(Math.Min(rows, _g.Batch), ((rows + _g.OutH - 2) / _g.OutH) + 1);
        return (nuint)((rows * _g.StrideH) + (images * Math.Max(0, _span - _g.StrideH))) * (nuint)RowStride * sizeof(float);
    }
}
