using System;
using System.Runtime.CompilerServices;
using System.Threading;
using Thomas.Kernels.Copy;

namespace Thomas.Kernels.Gemm;

/// <summary>
/// Filter gradient of a convolution (of one of its groups): dw[o, k] = sum over output pixels p of dy[p, o] * patch(p)[k], a product of two tall matrices. No
/// patch is gathered: the taps of a window row are neighbors in memory and the windows of an output row lie at equal distances, so tiles read the input where
/// it lies, or a padded copy of a few of its rows (<see cref="InputStrip"/>).
/// </summary>
/// <remarks>
/// The sums are long and the results few. Work items are parts of dw (window rows or channels, times output channels) times ranges of pixels; ranges have
/// copies of dw, and <see cref="Sum"/> adds them in order. A range goes in blocks of pixels that fit the second-level cache; each block is first touched from
/// front to back, because memory is read several times as fast in order as by tiles. Either operand can be the one that tiles read in vectors: the one is
/// chosen that leaves fewer lanes idle, the wider of two equals, and dw is transposed at the end if that is dy. All this follows from the shapes alone, so the
/// bits do not depend on the threads.
/// </remarks>
internal sealed unsafe class FilterGradientProduct
{
    private const int BlockBytes = 192 * 1024;
    private const int MinBlockPixels = 128;
    private const int MaxStripFloats = 48 * 1024;
    private const int WantedItems = 16;
    private const int MinRangePixels = 256;
    private const int MinChannelsPerItem = 56;
    private const int MaxPartialFloats = 96 * 1024;
    private const int SumRows = 32;

    private readonly ConvGeometry _g;
    private readonly int _outChannels;
    private readonly int _outStride;
    private readonly int _patch;
    private readonly bool _flat;
    private readonly bool _inPlace;
    private readonly bool _transposed;
    private readonly int _runs;
    private readonly int _runLength;
    private readonly int _blockUnits;
    private readonly int _blocksPerImage;
    private readonly int _blocks;
    private readonly int _ranges;
    private readonly int _kernelRowsPerItem;
    private readonly int _runPerItem;
    private readonly int _outPerItem;

    /// <summary>Plans the product.</summary>
    /// <param name="forward">The convolution over one group: Channels are the group's input channels, ChannelStride all of them.</param>
    /// <param name="outChannels">Output channels of the group.</param>
    /// <param name="outChannelStride">Output channels of all groups.</param>
    public FilterGradientProduct(in ConvGeometry forward, int outChannels, int outChannelStride)
    {
        (_g, _outChannels, _outStride, _patch) = (forward, outChannels, outChannelStride, forward.PatchLength);
        (_runs, _runLength) = forward.DilationW == 1 ? (1, forward.KernelW * forward.Channels) : (forward.KernelW, forward.Channels);
        int straight = TileCost.Of(outChannels, _runLength), transposed = TileCost.Of(_runLength, outChannels);
        _transposed = MatrixProduct.CanReadInPlace(outChannels) && (transposed < straight || (transposed == straight && outChannels > _runLength));
        bool readable = _transposed || MatrixProduct.CanReadInPlace(_runLength);
        _flat = forward.IsPointwise && readable;
        bool joined = _runs == forward.KernelW || forward.Channels == forward.ChannelStride;
        _inPlace = _flat || (readable && joined && InputStrip.IsNeedless(forward));

        int pixels = forward.OutPixels;
        int floatsPerPixel = (int)Math.Min(
            outChannels + ((long)forward.Channels * Math.Min(forward.StrideH, forward.InH) * Math.Min(forward.StrideW, forward.InW)), int.MaxValue);
        int blockPixels = Math.Max(MinBlockPixels, BlockBytes / sizeof(float) / floatsPerPixel);
        _blockUnits = _flat ? Math.Min(blockPixels, pixels) : Math.Clamp(blockPixels / forward.OutW, 1, forward.OutH);
        _blocksPerImage = _flat ? 1 : (forward.OutH + _blockUnits - 1) / _blockUnits;
        _blocks = _flat ? (pixels + _blockUnits - 1) / _blockUnits : forward.Batch * _blocksPerImage;

        _ranges = Math.Clamp(Math.Min(pixels / MinRangePixels, 1 + (MaxPartialFloats / (outChannels * _patch))), 1, Math.Min(WantedItems, _blocks));
        int wanted = (WantedItems + _ranges - 1) / _ranges;
        bool splitRows = wanted > 1 || (!_inPlace && StripRows(forward.KernelH) * InputStrip.RowLength(forward) > MaxStripFloats);
        _kernelRowsPerItem = splitRows ? 1 : forward.KernelH;
        _runPerItem = _flat ? PartLength(_runLength, wanted, _transposed ? GemmTiles.Rows : PackedMatrix.PanelWidth) : _runLength;
        wanted = (wanted + KernelItems - 1) / KernelItems;
        _outPerItem = PartLength(outChannels, wanted, _transposed ? PackedMatrix.PanelWidth : GemmTiles.Rows);
    }

    /// <summary>Tile and tier, for example <c>f32_gradfilter_14x32__avx512</c>.</summary>
    public static string KernelName => $"f32_gradfilter_{GemmTiles.Rows}x{PackedMatrix.PanelWidth}__{CpuFeatures.TierName}";

    /// <summary>Work items, independent of each other.</summary>
    public int Items => _ranges * KernelItems * OutItems;

    /// <summary>Scratch memory that each running thread needs, in bytes; 64-byte aligned.</summary>
    public nuint WorkspaceBytes =>
        _inPlace ? 0 : (((nuint)StripRows(_kernelRowsPerItem) * (nuint)InputStrip.RowLength(_g)) + InputStrip.Slack + 15) / 16 * 16 * sizeof(float);

    /// <summary>Whether it can read an x that is kept in 16 bits: of windows of one pixel, where a block is read as it lies.</summary>
    public bool ReadsKept => _flat && _g.Channels == _g.ChannelStride;

    /// <summary>Scratch memory that each running thread needs besides for an x that is kept in 16 bits, in bytes.</summary>
    public nuint WidenedBytes => (((nuint)_blockUnits * (nuint)_g.Channels) + 15) / 16 * 16 * sizeof(float);

    /// <summary>Floats for the partial sums, shared by all threads.</summary>
    public nint PartialFloats => (_transposed ? _ranges : _ranges - 1) * Size;

    /// <summary>Items of <see cref="Sum"/>; 0 when there is nothing to add.</summary>
    public int SumItems => PartialFloats == 0 ? 0 : ((_transposed ? _patch : _outChannels) + SumRows - 1) / SumRows;

    private nint Size => (nint)_outChannels * _patch;

    private int KernelItems => (_g.KernelH + _kernelRowsPerItem - 1) / _kernelRowsPerItem * ((_runLength + _runPerItem - 1) / _runPerItem);

    private int OutItems => (_outChannels + _outPerItem - 1) / _outPerItem;

    /// <summary>Does items [begin, end).</summary>
    /// <param name="x">First channel of the group of the first pixel.</param>
    /// <param name="dy">First channel of the group of the first pixel.</param>
    /// <param name="dw">The group's filter gradient (OHWI).</param>
    /// <param name="partial"><see cref="PartialFloats"/> floats.</param>
    /// <param name="begin">First item.</param>
    /// <param name="end">One past the last item.</param>
    /// <param name="workspace">The thread's scratch memory.</param>
    /// <param name="kept">x where it is kept in 16 bits.</param>
    public void RunItems(float* x, float* dy, float* dw, float* partial, int begin, int end, byte* workspace, KeptFloats kept = default)
    {
        for (int item = begin; item < end; item++)
        {
            int outItem = item % OutItems, kernelItem = item / OutItems % KernelItems, range = item / OutItems / KernelItems;
            Part part;
            part.Target = _transposed ? partial + (range * Size) : range == 0 ? dw : partial + ((range - 1) * Size);
            part.Out0 = outItem * _outPerItem;
            part.Out1 = Math.Min(part.Out0 + _outPerItem, _outChannels);
            part.Row0 = _flat ? 0 : kernelItem * _kernelRowsPerItem;
            part.Row1 = _flat ? 1 : Math.Min(part.Row0 + _kernelRowsPerItem, _g.KernelH);
            part.Run0 = _flat ? kernelItem * _runPerItem : 0;
            part.Run1 = Math.Min(part.Run0 + _runPerItem, _runLength);
            int first = (int)((long)range * _blocks / _ranges), last = (int)((range + 1L) * _blocks / _ranges);
            for (int block = first; block < last; block++)
                RunBlock(x, dy, part, block, block == first, (float*)workspace, kept);
        }
    }

    /// <summary>Adds the partial sums, in order, and transposes them if need be: items [begin, end) of <see cref="SumItems"/>.</summary>
    public void Sum(float* dw, float* partial, int begin, int end)
    {
        nint columns = _transposed ? _outChannels : _patch;
        int first = begin * SumRows, last = (int)Math.Min((nint)end * SumRows, Size / columns);
        if (!_transposed)
        {
            PartialSums.Add(dw, partial, Size, _ranges - 1, first * columns, last * columns);
            return;
        }

        PartialSums.Add(partial, partial + Size, Size, _ranges - 1, first * columns, last * columns);
        Transposition.Run(partial + (first * columns), columns, last - first, _outChannels, dw + first, _patch);
    }

    /// <summary>Elements of an item where so many items are wanted.</summary>
    private static int PartLength(int length, int wanted, int unit)
    {
        int parts = Math.Clamp(wanted, 1, Math.Max(1, length / MinChannelsPerItem));
        return Math.Min(length, ((length + parts - 1) / parts + unit - 1) / unit * unit);
    }

    /// <summary>
    /// Reads pixels in order, a float of every cache line; unless an item needs only some of their channels, or they are so narrow that tiles read them in
    /// order anyway.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Touch(float* first, int pixels, int stride, int channels)
    {
        if (stride <= PackedMatrix.PanelWidth || KernelItems * OutItems > 1) return;
        nint count = ((pixels - 1) * (nint)stride) + channels;
        for (nint i = 0; i < count; i += 16)
            Volatile.Read(ref first[i]);
    }

    /// <summary>The channels of some pixels that an item reads, as float32 numbers.</summary>
    private float* Widened(KeptFloats kept, nint p0, int pixels, in Part part, float* workspace)
    {
        nint channels = _g.Channels, run = part.Run1 - part.Run0;
        if (run == channels) kept.Widen(p0 * channels, workspace, pixels * channels);
        else
        {
            for (nint p = 0; p < pixels; p++) kept.Widen(((p0 + p) * channels) + part.Run0, workspace + (p * channels) + part.Run0, run);
        }

        return workspace;
    }

    /// <summary>Input rows that a block reads for so many kernel rows.</summary>
    private int StripRows(int kernelRows) => ((_blockUnits - 1) * _g.StrideH) + ((kernelRows - 1) * _g.DilationH) + 1;

    /// <summary>Adds what a block contributes to a part of dw; or sets it, if it is the first.</summary>
    private void RunBlock(float* x, float* dy, in Part part, int block, bool first, float* workspace, KeptFloats kept)
    {
        GemmTileArgs tile = default;
        tile.Lower = float.NegativeInfinity;
        tile.Upper = float.PositiveInfinity;
        tile.Streams = false;
        Operand patches;
        nint p0;
        if (_flat)
        {
            p0 = (nint)block * _blockUnits;
            (tile.K, tile.Segments) = ((int)Math.Min(_blockUnits, _g.OutPixels - p0), 1);
            patches = new Operand { First = x + (p0 * _g.ChannelStride), Step = _g.ChannelStride };
            if (kept.Exist) patches.First = Widened(kept, p0, tile.K, part, workspace);
            else Touch(patches.First, tile.K, _g.ChannelStride, _g.Channels);
        }
        else
        {
            int n = block / _blocksPerImage, oy = block % _blocksPerImage * _blockUnits;
            p0 = (((nint)n * _g.OutH) + oy) * _g.OutW;
            (tile.K, tile.Segments) = (_g.OutW, Math.Min(_blockUnits, _g.OutH - oy));
            patches = Windows(x + ((nint)n * _g.InH * _g.InW * _g.ChannelStride), oy, tile.Segments, part, workspace);
        }

        float* gradient = dy + (p0 * _outStride);
        Touch(gradient, tile.K * tile.Segments, _outStride, _outChannels);
        float* zeros = stackalloc float[PackedMatrix.PanelWidth];
        Memory.Fill(zeros, PackedMatrix.PanelWidth, 0f);
        tile.Bias = first ? zeros : null;
        if (_transposed) RunTransposed(tile, gradient, patches, part);
        else RunStraight(tile, gradient, patches, part);
    }

    /// <summary>The windows of some output rows of an image: where it lies, or in a copy.</summary>
    private Operand Windows(float* image, int oy, int rows, in Part part, float* workspace)
    {
        Operand windows;
        int iy = (oy * _g.StrideH) - _g.PadTop;
        int pixel = _inPlace ? _g.ChannelStride : _g.Channels;
        nint row = _inPlace ? (nint)_g.InW * pixel : InputStrip.RowLength(_g);
        if (_inPlace)
        {
            windows.First = image + (iy * row) - (_g.PadLeft * pixel);
        }
        else
        {
            int top = part.Row0 * _g.DilationH;
            InputStrip.Copy(_g, image, iy + top, ((rows - 1) * _g.StrideH) + ((part.Row1 - part.Row0 - 1) * _g.DilationH) + 1, workspace);
            windows.First = workspace - (top * row);
        }

        windows.Step = _g.StrideW * pixel;
        windows.Jump = (_g.StrideH * row) - (_g.OutW * windows.Step);
        windows.KernelRow = _g.DilationH * row;
        windows.Tap = _g.DilationW * pixel;
        return windows;
    }

    /// <summary>dw: output channels are rows, taps columns.</summary>
    private void RunStraight(GemmTileArgs tile, float* dy, in Operand patches, in Part part)
    {
        int width = PackedMatrix.PanelWidth;
        tile.A = dy + part.Out0;
        tile.StrideA = 1;
        tile.StepA = _outStride;
        tile.StrideB = patches.Step;
        tile.JumpB = patches.Jump;
        tile.StrideC = _patch;
        for (int ky = part.Row0; ky < part.Row1; ky++)
        {
            for (int run = 0; run < _runs; run++)
            {
                float* window = patches.First + (ky * patches.KernelRow) + (run * patches.Tap);
                float* target = part.Target + ((nint)part.Out0 * _patch) + (((ky * _runs) + run) * _runLength);
                for (int j = part.Run0; j < part.Run1; j += width)
                {
                    tile.B = window + j;
                    tile.C = target + j;
                    GemmTiles.Run(tile, part.Out1 - part.Out0, Math.Min(width, part.Run1 - j));
                }
            }
        }
    }

    /// <summary>dw transposed: taps are rows, output channels columns.</summary>
    private void RunTransposed(GemmTileArgs tile, float* dy, in Operand patches, in Part part)
    {
        int width = PackedMatrix.PanelWidth;
        tile.StrideA = 1;
        tile.StepA = patches.Step;
        tile.JumpA = patches.Jump;
        tile.StrideB = _outStride;
        tile.StrideC = _outChannels;
        for (int j = part.Out0; j < part.Out1; j += width)
        {
            tile.B = dy + j;
            for (int ky = part.Row0; ky < part.Row1; ky++)
            {
                for (int run = 0; run < _runs; run++)
                {
                    tile.A = patches.First + (ky * patches.KernelRow) + (run * patches.Tap) + part.Run0;
                    tile.C = part.Target + ((((nint)((ky * _runs) + run) * _runLength) + part.Run0) * _outChannels) + j;
                    GemmTiles.Run(tile, part.Run1 - part.Run0, Math.Min(width, part.Out1 - j));
                }
            }
        }
    }

    /// <summary>The part of dw that an item computes.</summary>
    private struct Part
    {
        public float* Target;
        public int Out0, Out1, Row0, Row1, Run0, Run1;
    }

    /// <summary>The windows of a block.</summary>
    private struct Operand
    {
        /// <summary>First tap of the first pixel's window.</summary>
        public float* First;

        /// <summary>Floats from the window of a pixel to the next one's.</summary>
        public nint Step;

        /// <summary>Floats from the end of an output row to the start of the next.</summary>
        public nint Jump;

        /// <summary>Floats from one row of a window to the next.</summary>
        public nint KernelRow;

        /// <summary>Floats from one run of taps to the next.</summary>
        public nint Tap;
    }
}
