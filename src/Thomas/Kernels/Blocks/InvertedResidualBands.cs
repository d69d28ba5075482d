using System;
using System.Runtime.CompilerServices;
using Thomas.Kernels.Activations;
using Thomas.Kernels.Depthwise;
using Thomas.Kernels.Gemm;

namespace Thomas.Kernels.Blocks;

/// <summary>
/// A 1x1 convolution that expands the channels, a depthwise convolution and a 1x1 convolution that projects them again, in bands of a few output rows, so that
/// the expanded image never exists as a whole and what there is of it stays in the second-level cache. The expansion or the projection may be absent.
/// </summary>
/// <remarks>
/// Expanded channels go in groups, each a tensor of its own whose pixels lie close together: a group's rows are expanded into a ring of the rows that a band
/// sees, and convolved while they are in the first-level cache, and all three steps read memory from front to back. A work item does all three steps for one
/// image, so each row is expanded once. Where there are too few images for the threads, an item expands and convolves one group instead, of an image or a part
/// of it (whose outermost rows the neighbor expands too), and the second phase projects the whole: more memory, but threads share an image without doing much
/// twice. Without expansion nothing is done twice, and an item is a band. Every element is the same sum in the same order as <see cref="MatrixProduct"/> and
/// <see cref="DepthwiseConvolution"/> make it.
/// </remarks>
internal sealed unsafe class InvertedResidualBands
{
    /// <summary>Panels of expanded channels in a group: fewer cost calls, more cost cache.</summary>
    private const int GroupPanels = 3;

    /// <summary>Channels of a group, at least; where a group is an item, that is all.</summary>
    private const int LeastGroupChannels = 32;

    /// <summary>Output pixels of a band, in blocks of rows of a matrix product.</summary>
    private const int BandBlocks = 2;

    /// <summary>Output rows of a part of an image, at least.</summary>
    private const int LeastPartRows = 7;

    private readonly ConvGeometry _g;
    private readonly int _inputs;
    private readonly int _hidden;
    private readonly int _outputs;
    private readonly ActivationFunction _expandActivation;
    private readonly ActivationFunction _activation;
    private readonly ActivationFunction _projectActivation;
    private readonly DepthwiseConvolution _group;
    private readonly DepthwiseConvolution _lastGroup;
    private readonly int _groups;
    private readonly int _groupWidth;
    private readonly int _pixelStride;
    private readonly int _bandRows;
    private readonly int _ringRows;
    private readonly int _partRows;
    private readonly int _parts;
    private readonly int _blockPixels;
    private readonly int _panelsPerItem;
    private readonly int _blockK;
    private readonly bool _splits;
    private readonly bool _touches;

    /// <param name="depthwise">The depthwise convolution, without dilation in height.</param>
    /// <param name="inputs">Channels before the expansion; 0 where there is none.</param>
    /// <param name="outputs">Channels after the projection; 0 where there is none.</param>
    /// <param name="expand">Applied to the expansion.</param>
    /// <param name="activation">Applied to the depthwise convolution.</param>
    /// <param name="project">Applied to the projection.</param>
    /// <param name="threads">Threads that will share the items; changes what an item is, not the result.</param>
    /// <param name="blocks">Sizes that suit the caches.</param>
    public InvertedResidualBands(
        in ConvGeometry depthwise, int inputs, int outputs, Activation expand, Activation activation, Activation project, int threads, BlockSizes blocks)
    {
        _g = depthwise;
        (_inputs, _hidden, _outputs, _expandActivation, _activation, _projectActivation) =
            (inputs, depthwise.Channels, outputs, expand.Function, activation.Function, project.Function);
        _splits = Expands && threads > 1 && !(_g.Batch >= 4 * threads || (_g.Batch >= 2 * threads && _g.Batch % threads == 0));
        _groupWidth = Expands ? Math.Min(_hidden, Math.Max(LeastGroupChannels, (_splits ? 1 : GroupPanels) * PackedMatrix.PanelWidth)) : _hidden;
        _groups = (_hidden + _groupWidth - 1) / _groupWidth;

        // No multiple of 1 KiB, which would crowd a few cache sets.
        _pixelStride = _groupWidth % 256 == 0 ? _groupWidth + 16 : _groupWidth;
        int bandPixels = BandBlocks * blocks.Rows;
        _bandRows = EvenRows(_g.OutH, bandPixels / _g.OutW);
        _ringRows = Expands ? Math.Min(_g.InH, ((_bandRows - 1) * _g.StrideH) + _g.KernelH) : 0;
        int whole = _groups * _g.Batch, parts = _splits ? Math.Clamp(((2 * threads) + whole - 1) / whole, 1, Math.Max(1, _g.OutH / LeastPartRows)) : 1;
        _partRows = Expands ? EvenRows(_g.OutH, (_g.OutH + parts - 1) / parts) : _bandRows;
        _parts = (_g.OutH + _partRows - 1) / _partRows;
        _touches = !Expands && (long)_g.Batch * _g.InH * _g.InW * _hidden > DepthwiseConvolution.NearFloats;
        _blockK = MatrixProduct.BlockOfK(_hidden);
        _blockPixels = Math.Min(_g.OutPixels, bandPixels);
        _panelsPerItem = Math.Clamp(Panels * Blocks / (4 * threads), 1, Math.Max(1, Panels));
        _group = Convolution(_groupWidth, activation);
        _lastGroup = Convolution(_hidden - ((_groups - 1) * _groupWidth), activation);
    }

    /// <summary>For example <c>f32_inverted_residual_k3x3s1__avx512</c>.</summary>
    public string KernelName => $"f32_inverted_residual_k{_g.KernelH}x{_g.KernelW}s{_g.StrideW}__{CpuFeatures.TierName}";

    private bool Expands => _inputs > 0;

    private bool Projects => _outputs > 0;

    /// <summary>Floats from one convolved pixel to the next: they are the result, or make a tensor of each group.</summary>
    private nint BandStride => Projects ? _pixelStride : _hidden;

    /// <summary>Floats of an expanded row of a group.</summary>
    private nint RowFloats => (nint)_g.InW * _pixelStride;

    /// <summary>Floats from one group's ring to the next; they share one where each is read before the next is written.</summary>
    private nint RingFloats => _splits || _bandRows >= _partRows ? 0 : _ringRows * RowFloats;

    private nint AllRingFloats => (_ringRows * RowFloats) + ((_groups - 1) * RingFloats);

    /// <summary>Floats from one group's convolved pixels to the next group's.</summary>
    private nint GroupFloats => Projects ? (_splits ? _g.OutPixels : (nint)_bandRows * _g.OutW) * _pixelStride : _groupWidth;

    private nint AllGroupFloats => Projects ? _groups * GroupFloats : 0;

    private nint ThreadFloats => Aligned(AllRingFloats + (_splits ? 0 : AllGroupFloats));

    private int Panels => PackedMatrix.Panels(_outputs);

    /// <summary>Blocks of pixels in the second phase.</summary>
    private int Blocks => (_g.OutPixels + _blockPixels - 1) / _blockPixels;

    /// <summary>Work items of such a block.</summary>
    private int BlockItems => (Panels + _panelsPerItem - 1) / _panelsPerItem;

    /// <summary>Scratch memory for so many threads, in bytes; 64-byte aligned.</summary>
    public long WorkspaceBytes(int threads) => ((threads * ThreadFloats) + (_splits ? Aligned(AllGroupFloats) : 0)) * sizeof(float);

    /// <summary>Work items of the first phase, independent of each other.</summary>
    public int Items => _g.Batch * _parts * (_splits ? _groups : 1);

    /// <summary>Work items of the second phase, independent of each other; none where the first did all.</summary>
    public int ProjectItems => _splits && Projects ? Blocks * BlockItems : 0;

    /// <summary>Puts a depthwise filter [kH, kW, channels] in the order of the groups; as many floats as it has.</summary>
    public void PackFilter(float* filter, float* packed)
    {
        int taps = _g.KernelH * _g.KernelW;
        for (int c = 0; c < _hidden; c += _groupWidth)
        {
            int channels = Math.Min(_groupWidth, _hidden - c);
            for (int tap = 0; tap < taps; tap++, packed += channels)
                Memory.Copy(filter + ((nint)tap * _hidden) + c, packed, channels);
        }
    }

    /// <summary>Does items [begin, end) of the first phase.</summary>
    /// <param name="args">Operands.</param>
    /// <param name="begin">First item.</param>
    /// <param name="end">One past the last item.</param>
    /// <param name="workspace">Scratch memory of all threads.</param>
    /// <param name="thread">The running thread.</param>
    /// <param name="threads">Threads that the scratch memory is for.</param>
    public void RunItems(in InvertedResidualArgs args, int begin, int end, float* workspace, int thread, int threads)
    {
        InvertedResidualArgs local = args;
        float* ring = workspace + (thread * ThreadFloats);
        float* bands = !Projects ? args.Y : _splits ? workspace + (threads * ThreadFloats) : ring + AllRingFloats;
        for (int item = begin; item < end; item++)
        {
            int part = item % _parts, rest = item / _parts, image = rest % _g.Batch, group = rest / _g.Batch;
            RunItem(&local, image, part * _partRows, Math.Min((part + 1) * _partRows, _g.OutH), group, _splits ? group + 1 : _groups, ring, bands);
        }
    }

    /// <summary>Does items [begin, end) of the second phase; see <see cref="RunItems"/>.</summary>
    public void RunProjectItems(in InvertedResidualArgs args, int begin, int end, float* workspace, int threads)
    {
        InvertedResidualArgs local = args;
        for (int item = begin; item < end; item++)
        {
            int pixel = item / BlockItems * _blockPixels, panel = item % BlockItems * _panelsPerItem;
            float* band = workspace + (threads * ThreadFloats) + ((nint)pixel * _pixelStride);
            Project(&local, band, pixel, Math.Min(_blockPixels, _g.OutPixels - pixel), panel, Math.Min(panel + _panelsPerItem, Panels));
        }
    }

    private static nint Aligned(nint floats) => (floats + 15) & ~15;

    /// <summary>As many rows of so many that all parts but the last have, for about the wanted number; even, for the depthwise convolution.</summary>
    private static int EvenRows(int rows, int wanted)
    {
        wanted = Math.Max(1, wanted + (wanted & 1));
        int parts = (rows + wanted - 1) / wanted, each = (rows + parts - 1) / parts;
        return Math.Min(rows, each + (each & 1));
    }

    /// <summary>Output rows [first, end) of an image for groups [group, endGroup).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void RunItem(InvertedResidualArgs* args, int image, int first, int end, int group, int endGroup, float* ring, float* bands)
    {
        int expanded = 0;
        for (int row = first; row < end; row += _bandRows)
        {
            int bandEnd = Math.Min(row + _bandRows, end), pixels = (bandEnd - row) * _g.OutW;
            int top = Math.Max(expanded, (row * _g.StrideH) - _g.PadTop), bottom = Math.Min(_g.InH, ((bandEnd - 1) * _g.StrideH) - _g.PadTop + _g.KernelH);
            nint pixel = (((nint)image * _g.OutH) + row) * _g.OutW;
            if (_touches && top < bottom)
            {
                CacheLines.Touch(args->X + ((((nint)image * _g.InH) + top) * _g.InW * _hidden), (bottom - top) * (nint)_g.InW * _hidden);
            }

            for (int g = group; g < endGroup; g++)
            {
                float* rows = ring + ((g - group) * RingFloats), band = bands + (g * GroupFloats) + (_splits || !Projects ? pixel * BandStride : 0);
                if (Expands) Expand(args, g, image, top, bottom, rows);
                Convolve(args, g, image, row, bandEnd, rows, band);
            }

            expanded = Math.Max(expanded, bottom);
            if (Projects && !_splits) Project(args, bands, pixel, pixels, 0, Panels);
        }
    }

    /// <summary>Expands rows [row, end) of an image for one group.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Expand(InvertedResidualArgs* args, int group, int image, int row, int end, float* ring)
    {
        int width = PackedMatrix.PanelWidth, firstChannel = group * _groupWidth, channels = Math.Min(_groupWidth, _hidden - firstChannel);
        GemmTileArgs tile = new() { K = _inputs, Segments = 1, StepA = 1, StrideA = _inputs, StrideB = width, StrideC = _pixelStride };
        tile.Lower = _expandActivation.Lower;
        tile.Upper = _expandActivation.Upper;
        nint panelFloats = width * ((nint)_inputs + 1);
        for (int rows; row < end; row += rows)
        {
            int place = row % _ringRows;
            rows = Math.Min(end - row, _ringRows - place);
            tile.A = args->X + ((((nint)image * _g.InH) + row) * _g.InW * _inputs);
            float* target = ring + (place * RowFloats);
            for (int c = 0; c < channels; c += width)
            {
                tile.Bias = args->Expand + ((firstChannel + c) / width * panelFloats);
                tile.B = tile.Bias + width;
                tile.C = target + c;
                GemmTiles.Run(tile, rows * _g.InW, Math.Min(width, channels - c));
            }

            if (_expandActivation.NeedsPass) _expandActivation.ApplyRows(target, _pixelStride, rows * _g.InW, channels);
        }
    }

    /// <summary>The depthwise convolution of output rows [row, end) of an image for one group.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Convolve(InvertedResidualArgs* args, int group, int image, int row, int end, float* ring, float* band)
    {
        int firstChannel = group * _groupWidth, offset = Expands ? 0 : image * _g.OutH;
        float* filter = args->Filter + ((nint)firstChannel * _g.KernelH * _g.KernelW), bias = args->Bias == null ? null : args->Bias + firstChannel;
        DepthwiseConvolution convolution = group == _groups - 1 ? _lastGroup : _group;
        convolution.RunRows(Expands ? ring : args->X, filter, bias, band, BandStride, row + offset, end + offset);
        if (_activation.NeedsPass) _activation.ApplyRows(band, BandStride, (end - row) * _g.OutW, Math.Min(_groupWidth, _hidden - firstChannel));
    }

    /// <summary>Projects so many convolved pixels, from the given one of the batch on, for output panels [panel, endPanel).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Project(InvertedResidualArgs* args, float* band, nint pixel, int pixels, int panel, int endPanel)
    {
        int width = PackedMatrix.PanelWidth;
        GemmTileArgs tile = new() { StepA = 1, StrideA = _pixelStride, StrideB = width, StrideC = _outputs, StrideResidual = _outputs };
        for (int k0 = 0, k1; k0 < _hidden; k0 = k1)
        {
            k1 = Math.Min(k0 + _blockK, _hidden);
            for (int p = panel; p < endPanel; p++)
            {
                nint place = (pixel * _outputs) + (p * width);
                int columns = Math.Min(width, _outputs - (p * width));
                float* packed = args->Project + (p * width * ((nint)_hidden + 1));
                tile.C = args->Y + place;
                for (int k = k0, count; k < k1; k += count)
                {
                    count = Segments(&tile, band, k, k1);
                    bool last = k + count == _hidden;
                    tile.B = packed + (((nint)k + 1) * width);
                    tile.Bias = k == 0 ? packed : null;

                    // Where MatrixProduct adds it: after the first block of k.
                    tile.Residual = args->Residual != null && k + count == Math.Min(_blockK, _hidden) ? args->Residual + place : null;
                    tile.Lower = last ? _projectActivation.Lower : float.NegativeInfinity;
                    tile.Upper = last ? _projectActivation.Upper : float.PositiveInfinity;
                    GemmTiles.Run(tile, pixels, columns);
                }

                if (k1 == _hidden && _projectActivation.NeedsPass) _projectActivation.ApplyRows(tile.C, _outputs, pixels, columns);
            }
        }
    }

    /// <summary>Sets the part of the sum from channel k on that one call can do: whole groups, or the rest of one. Returns its length.</summary>
    private int Segments(GemmTileArgs* tile, float* band, int k, int end)
    {
        int group = k / _groupWidth, start = k % _groupWidth, whole = (end - k) / _groupWidth;
        bool groups = start == 0 && whole > 0;
        tile->Segments = groups ? whole : 1;
        tile->K = groups ? _groupWidth : Math.Min(_groupWidth - start, end - k);
        tile->A = band + (group * GroupFloats) + start;
        tile->JumpA = GroupFloats - tile->K;
        return tile->Segments * tile->K;
    }

    private DepthwiseConvolution Convolution(int channels, Activation activation) => new(
        _g with { Batch = Expands ? 1 : _g.Batch, Channels = channels, ChannelStride = Expands ? _pixelStride : _hidden }, 1, activation, _ringRows);
}
