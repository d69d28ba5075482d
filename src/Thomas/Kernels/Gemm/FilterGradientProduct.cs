using System;

namespace Thomas.Kernels.Gemm;

/// <summary>
/// Filter gradient of a convolution (of one of its groups): dw[o, k] = sum over output pixels p of dy[p, o] * patch(p)[k], a product of two tall matrices, dy
/// transposed. Both are read where they lie; patches that must be gathered are copied <see cref="BlockPixels"/> pixels and at most <see cref="MaxColumns"/>
/// columns at a time, into the second-level cache, so no more than that is ever unfolded.
/// </summary>
/// <remarks>
/// The sums are long and the results few. Work items are column ranges of dw times ranges of pixels; where pixels are split, each range but the first has its own copy
/// of dw, and <see cref="Sum"/> adds them in order. Gathered patches are cut into few column ranges, since whole window rows are copied faster; where B is
/// read in place, rows of dw are split too, since that costs no copy. The ranges follow from the shapes alone, so the bits do not depend on the threads.
/// </remarks>
internal sealed unsafe class FilterGradientProduct
{
    private const int BlockPixels = 128;
    private const int MaxColumns = 512;
    private const int WantedItems = 16;
    private const int MinRangePixels = 256;
    private const int MinGatheredColumns = 128;
    private const int MaxPartialFloats = 96 * 1024;
    private const int RowsPerItem = 56;
    private const int SumBlock = 4096;

    private readonly ConvGeometry _g;
    private readonly int _rows;
    private readonly int _rowStride;
    private readonly int _columns;
    private readonly bool _inPlace;
    private readonly int _blocks;
    private readonly int _ranges;
    private readonly int _columnsPerItem;
    private readonly int _columnItems;
    private readonly int _rowsPerItem;
    private readonly int _rowItems;

    /// <summary>Plans the product.</summary>
    /// <param name="forward">The convolution over one group: Channels are the group's input channels, ChannelStride all of them.</param>
    /// <param name="outChannels">Output channels of the group.</param>
    /// <param name="outChannelStride">Output channels of all groups.</param>
    public FilterGradientProduct(in ConvGeometry forward, int outChannels, int outChannelStride)
    {
        (_g, _rows, _rowStride, _columns) = (forward, outChannels, outChannelStride, forward.PatchLength);
        _inPlace = forward.IsPointwise && MatrixProduct.CanReadInPlace(_columns);
        int pixels = forward.OutPixels, width = PackedMatrix.PanelWidth, panels = PackedMatrix.Panels(_columns);
        _blocks = (pixels + BlockPixels - 1) / BlockPixels;
        _ranges = Math.Clamp(Math.Min(pixels / MinRangePixels, 1 + (MaxPartialFloats / (_rows * _columns))), 1, WantedItems);
        int mostColumnItems = _inPlace ? panels : Math.Max(1, _columns / MinGatheredColumns);
        int columnItems = Math.Max(Math.Min(mostColumnItems, (WantedItems + _ranges - 1) / _ranges), (_columns + MaxColumns - 1) / MaxColumns);
        _columnsPerItem = (panels + columnItems - 1) / columnItems * width;
        _columnItems = (_columns + _columnsPerItem - 1) / _columnsPerItem;
        int rowItems = _inPlace ? Math.Clamp(WantedItems / (_ranges * _columnItems), 1, (_rows + RowsPerItem - 1) / RowsPerItem) : 1;
        _rowsPerItem = ((_rows + rowItems - 1) / rowItems + GemmTiles.Rows - 1) / GemmTiles.Rows * GemmTiles.Rows;
        _rowItems = (_rows + _rowsPerItem - 1) / _rowsPerItem;
    }

    /// <summary>Tile and tier, for example <c>f32_gradfilter_14x32__avx512</c>.</summary>
    public static string KernelName => $"f32_gradfilter_{GemmTiles.Rows}x{PackedMatrix.PanelWidth}__{CpuFeatures.TierName}";

    /// <summary>Work items, independent of each other.</summary>
    public int Items => _ranges * _columnItems * _rowItems;

    /// <summary>Scratch memory that each running thread needs, in bytes; 64-byte aligned.</summary>
    public nuint WorkspaceBytes => _inPlace ? 0 : (nuint)BlockPixels * (nuint)PatchStride * sizeof(float);

    /// <summary>Floats for the partial sums, shared by all threads.</summary>
    public nint PartialFloats => (_ranges - 1) * Size;

    /// <summary>Items of <see cref="Sum"/>; 0 when there is nothing to add.</summary>
    public int SumItems => _ranges == 1 ? 0 : (int)((Size + SumBlock - 1) / SumBlock);

    private nint Size => (nint)_rows * _columns;

    /// <summary>An odd number of cache lines, so that the rows of a panel spread over all cache sets.</summary>
    private int PatchStride => (Math.Min(_columns, _columnsPerItem) + 15) / 16 * 16 | 16;

    /// <summary>Does items [begin, end).</summary>
    /// <param name="x">First channel of the group of the first pixel.</param>
    /// <param name="dy">First channel of the group of the first pixel.</param>
    /// <param name="dw">The group's filter gradient (OHWI).</param>
    /// <param name="partial"><see cref="PartialFloats"/> floats.</param>
    /// <param name="begin">First item.</param>
    /// <param name="end">One past the last item.</param>
    /// <param name="workspace">The thread's scratch memory.</param>
    public void RunItems(float* x, float* dy, float* dw, float* partial, int begin, int end, byte* workspace)
    {
        for (int item = begin; item < end; item++)
        {
            int rowItem = item % _rowItems, columnItem = item / _rowItems % _columnItems, range = item / _rowItems / _columnItems;
            int i0 = rowItem * _rowsPerItem, j0 = columnItem * _columnsPerItem;
            float* target = range == 0 ? dw : partial + ((range - 1) * Size);
            int first = (int)((long)range * _blocks / _ranges), last = (int)((range + 1L) * _blocks / _ranges);
            for (int block = first; block < last; block++)
            {
                int p0 = block * BlockPixels, p1 = Math.Min(p0 + BlockPixels, _g.OutPixels);
                RunBlock(x, dy, target, p0, p1, i0, Math.Min(i0 + _rowsPerItem, _rows), j0, Math.Min(j0 + _columnsPerItem, _columns), block == first, (float*)workspace);
            }
        }
    }

    /// <summary>Adds the partial sums, in order: items [begin, end) of <see cref="SumItems"/>.</summary>
    public void Sum(float* dw, float* partial, int begin, int end) =>
        PartialSums.Add(dw, partial, Size, _ranges - 1, (nint)begin * SumBlock, Math.Min((nint)end * SumBlock, Size));

    /// <summary>Adds what pixels [p0, p1) contribute to rows [i0, i1), columns [j0, j1) of dw; or sets it, if they are the first.</summary>
    private void RunBlock(float* x, float* dy, float* dw, int p0, int p1, int i0, int i1, int j0, int j1, bool first, float* workspace)
    {
        int width = PackedMatrix.PanelWidth;
        float* zeros = stackalloc float[width];
        Memory.Fill(zeros, width, 0f);
        GemmTileArgs tile;
        tile.A = dy + ((nint)p0 * _rowStride) + i0;
        tile.StrideA = 1;
        tile.StepA = _rowStride;
        tile.K = p1 - p0;
        tile.Segments = 1;
        tile.JumpA = tile.JumpB = 0;
        tile.Bias = first ? zeros : null;
        tile.StrideC = _columns;
        tile.Residual = null;
        tile.StrideResidual = 0;
        tile.Lower = float.NegativeInfinity;
        tile.Upper = float.PositiveInfinity;
        tile.StrideB = _inPlace ? _g.ChannelStride : PatchStride;
        if (!_inPlace)
            Gather(x, p0, p1, j0, j1, workspace);
        float* patches = _inPlace ? x + ((nint)p0 * _g.ChannelStride) + j0 : workspace;
        for (int j = j0; j < j1; j += width)
        {
            tile.B = patches + (j - j0);
            tile.C = dw + ((nint)i0 * _columns) + j;
            GemmTiles.Run(tile, i1 - i0, Math.Min(width, j1 - j));
        }
    }

    /// <summary>Copies the patches; their last columns are filled up to the four that the narrowest tile reads.</summary>
    private void Gather(float* x, int p0, int p1, int j0, int j1, float* workspace)
    {
        PatchGather.Gather(_g, x, p0, p1, j0, j1, workspace, PatchStride);
        int missing = -(j1 - j0) & 3;
        for (int p = p0; missing > 0 && p < p1; p++)
            Memory.Fill(workspace + ((nint)(p - p0) * PatchStride) + (j1 - j0), missing, 0f);
    }
}
