using System;
using Thomas.Kernels.Activations;
using Thomas.Kernels.Copy;
using Thomas.Kernels.Simd;
using V128 = System.Runtime.Intrinsics.Vector128<float>;
using V256 = System.Runtime.Intrinsics.Vector256<float>;
using V512 = System.Runtime.Intrinsics.Vector512<float>;

namespace Thomas.Kernels.Depthwise;

/// <summary>
/// Both gradients of a depthwise convolution with a 3x3 window in one pass over x and dy: what <see cref="DepthwiseInputGradient"/> and
/// <see cref="DepthwiseFilterGradient"/> make. dx may be written over x.
/// </summary>
/// <remarks>
/// Work items are ranges of rows of x. Each range but the first has its own copy of dw, and <see cref="Sum"/> adds them in order. The ranges follow from the
/// shapes alone, so the bits do not depend on the threads. A range is done in blocks of rows. While one is computed the next is fetched into the second-level
/// cache, in the order of its addresses; where there is no instruction for that, each is touched before.
/// </remarks>
internal sealed unsafe class DepthwiseJointGradient
{
    /// <summary>Floats of x and dy in a block: two blocks are in the second-level cache.</summary>
    private const int BlockFloats = 32 * 1024;

    /// <summary>The input was written long ago, in the forward pass, so it is far unless it is small.</summary>
    private const long NearFloats = 64 * 1024;

    private const int Taps = 9;
    private const int MaxRanges = 16;
    private const int MinRangePixels = 64;
    private const int MaxPartialFloats = 64 * 1024;

    private readonly ConvGeometry _g;
    private readonly ActivationFunction _activation;
    private readonly int _ranges;
    private readonly int _blockRows;
    private readonly bool _isFar;

    /// <summary>Plans the ranges.</summary>
    /// <param name="forward">The forward convolution, which <see cref="Fits"/>.</param>
    /// <param name="activation">What was applied to x before: nothing or a clipping, whose gradient is part of dx then.</param>
    public DepthwiseJointGradient(in ConvGeometry forward, Activation activation)
    {
        (_g, _activation) = (forward, activation.Function);
        int most = Math.Min(InRows, 1 + (int)(MaxPartialFloats / Size));
        _ranges = Math.Clamp(Math.Min(InRows * _g.InW / MinRangePixels, most), 1, MaxRanges);
        long floats = ((long)InRows * _g.InW * _g.Channels) + ((long)_g.OutPixels * _g.Channels);
        _blockRows = (int)Math.Clamp(BlockFloats * InRows / floats, 1, _g.InH);
        _isFar = floats > NearFloats;
    }

    /// <summary>For example <c>f32_grad_dwconv_k3x3s1__avx512</c>.</summary>
    public string KernelName => $"f32_grad_{(Clips ? "clip_" : "")}dwconv_k{_g.KernelH}x{_g.KernelW}s{_g.StrideW}__{CpuFeatures.TierName}";

    /// <summary>Work items, independent of each other.</summary>
    public int Items => _ranges;

    /// <summary>Floats for the partial sums, shared by all threads.</summary>
    public nint PartialFloats => (_ranges - 1) * Size;

    /// <summary>Floats of a thread's memory for the x of a block, where that is kept in 16 bits.</summary>
    public nint WidenedFloats => (((nint)_blockRows * _g.InW * _g.Channels) + 15) & ~15;

    /// <summary>Items of <see cref="Sum"/>, one a tap and one for the bias; 0 when there is nothing to add.</summary>
    public int SumItems => _ranges == 1 ? 0 : Taps + (Clips ? 1 : 0);

    private bool Clips => _activation.Kind != ActivationKind.None;

    private int InRows => _g.Batch * _g.InH;

    /// <summary>Floats of the sums of a range: taps, then the bias.</summary>
    private nint Size => (Taps + (Clips ? 1 : 0)) * (nint)_g.Channels;

    /// <summary>Whether there are loops for such a convolution, which has one output for each channel: every row of x meets one of dy.</summary>
    public static bool Fits(in ConvGeometry g) =>
        g is { KernelH: 3, KernelW: 3, DilationH: 1, DilationW: 1, StrideH: 1 or 2, PadTop: >= 0 } && g.StrideW == g.StrideH && g.ChannelStride == g.Channels
        && g.InH - 1 + g.PadTop <= ((g.OutH - 1) * g.StrideH) + 2;

    /// <summary>Does items [begin, end).</summary>
    /// <param name="x">Input, [n, inH, inW, channels] without gaps; not used where it is kept in 16 bits.</param>
    /// <param name="kept">The input in 16 bits, if it is kept so.</param>
    /// <param name="widened"><see cref="WidenedFloats"/> floats of the thread, if it is.</param>
    /// <param name="dy">Gradient of the result, [n, outH, outW, channels] without gaps.</param>
    /// <param name="filter">Filter, [3, 3, channels].</param>
    /// <param name="dx">Gradient of the input; may be x.</param>
    /// <param name="dw">Gradient of the filter.</param>
    /// <param name="db">Sums of dx over the pixels: gradient of the bias of the layer before, where there is an activation.</param>
    /// <param name="partial"><see cref="PartialFloats"/> floats.</param>
    /// <param name="begin">First item.</param>
    /// <param name="end">One past the last item.</param>
    public void RunItems(
        float* x, KeptFloats kept, float* widened, float* dy, float* filter, float* dx, float* dw, float* db, float* partial, int begin, int end)
    {
        nint inRow = (nint)_g.InW * _g.Channels;
        for (int range = begin; range < end; range++)
        {
            float* sums = range == 0 ? dw : partial + ((range - 1) * Size), bias = range == 0 ? db : sums + (Taps * (nint)_g.Channels);
            Memory.Fill(sums, Taps * _g.Channels, 0f);
            if (Clips) Memory.Fill(bias, _g.Channels, 0f);
            int first = (int)((long)range * InRows / _ranges), last = (int)((range + 1L) * InRows / _ranges);
            for (int row = first; row < last; row += _blockRows)
            {
                int next = Math.Min(last, row + _blockRows);
                if (kept.Exist)
                {
                    kept.Widen(row * inRow, widened, (next - row) * inRow);
                    x = widened - (row * inRow);
                }

                if (_isFar && (!DepthwiseAhead.IsSupported || (range == begin && row == first))) Touch(x, dy, row, next);
                RunBlock(x, dy, filter, dx, sums, bias, row, next);
            }
        }
    }

    /// <summary>Adds the partial sums, in order: items [begin, end) of <see cref="SumItems"/>.</summary>
    public void Sum(float* dw, float* db, float* partial, int begin, int end)
    {
        nint channels = _g.Channels;
        PartialSums.Add(dw, partial, Size, _ranges - 1, begin * channels, Math.Min(Taps, end) * channels);
        if (end > Taps) PartialSums.Add(db, partial + (Taps * channels), Size, _ranges - 1, 0, channels);
    }

    /// <summary>Touches rows [row, end) of x and most of those of dy that they meet.</summary>
    private void Touch(float* x, float* dy, int row, int end)
    {
        nint inRow = (nint)_g.InW * _g.Channels, outRow = (nint)_g.OutW * _g.Channels;
        int upper = UpperRow(row);
        CacheLines.Touch(x + (row * inRow), (end - row) * inRow);
        CacheLines.Touch(dy + (upper * outRow), (UpperRow(end - 1) + 1 - upper) * outRow);
    }

    /// <summary>Rows [row, end) of x.</summary>
    private void RunBlock(float* x, float* dy, float* filter, float* dx, float* sums, float* bias, int row, int end)
    {
        DepthwiseJointRun run = default;
        nint inRow = (nint)_g.InW * _g.Channels;
        run.Dx = (nint)(dx - x);
        run.DyRowStep = (nint)_g.OutW * _g.Channels;
        run.TapRowStep = -3 * _g.StrideH * (nint)_g.Channels;
        run.XRowStep = inRow;
        run.Channels = _g.Channels;
        run.Pad = _g.PadLeft;
        run.Columns = _g.InW;
        run.Pixels = _g.OutW;
        run.BiasSums = bias;
        run.Lower = _activation.Lower;
        run.Last = float.IsFinite(_activation.Upper) ? MathF.BitDecrement(_activation.Upper) : _activation.Upper;
        run.Fetches = end < InRows;
        run.AheadX = x + ((run.Fetches ? end : row) * inRow);
        run.AheadDy = dy + (Math.Min(_g.OutRows - 1, UpperRow(run.Fetches ? end : row) + (_g.StrideH == 1 ? 2 : 1)) * run.DyRowStep);
        while (row < end)
        {
            (int tapRow, int taps) = TapsOf(row);
            run.X = x + (row * inRow);
            run.TapRows = taps;
            run.Rows = 1;
            for (row++; _g.StrideH == 1 && row < end && row % _g.InH != 0 && TapsOf(row) == (tapRow, taps); row++)
                run.Rows++;
            run.Dy = dy + (UpperRow(row - run.Rows) * run.DyRowStep);
            run.W = filter + (3 * tapRow * (nint)_g.Channels);
            run.Sums = sums + (3 * tapRow * (nint)_g.Channels);
            if (_g.StrideH == 1) Run<C1>(&run);
            else Run<C2>(&run);
        }
    }

    /// <summary>How many rows of dy a row of x meets, and the tap row of the upper one.</summary>
    private (int TapRow, int Count) TapsOf(int row)
    {
        int place = (row % _g.InH) + _g.PadTop, s = _g.StrideH;
        int lowest = Math.Max(s == 1 ? 0 : place & 1, place - ((_g.OutH - 1) * s)), highest = Math.Min(2, place);
        if (s == 2) highest -= (highest - place) & 1;
        return (highest, ((highest - lowest) / s) + 1);
    }

    /// <summary>The upper row of dy that a row of x meets, counted over the batch.</summary>
    private int UpperRow(int row) => (row / _g.InH * _g.OutH) + (((row % _g.InH) + _g.PadTop - TapsOf(row).TapRow) / _g.StrideH);

    private void Run<TStride>(DepthwiseJointRun* run)
        where TStride : struct, IConstant
    {
        if (Clips) Run<TStride, C1>(run);
        else Run<TStride, C0>(run);
    }

    private static void Run<TStride, TClips>(DepthwiseJointRun* run)
        where TStride : struct, IConstant
        where TClips : struct, IConstant
    {
        int c = 0;
        if (CpuFeatures.VectorLength >= 16) c = DepthwiseJointRows.Run<Simd512, V512, TStride, TClips>(run, c);
        if (CpuFeatures.VectorLength >= 8 && c < run->Channels) c = DepthwiseJointRows.Run<Simd256, V256, TStride, TClips>(run, c);
        if (CpuFeatures.VectorLength >= 4 && c < run->Channels) c = DepthwiseJointRows.Run<Simd128, V128, TStride, TClips>(run, c);
        if (c < run->Channels) DepthwiseJointRows.Run<Simd1, float, TStride, TClips>(run, c);
    }
}
