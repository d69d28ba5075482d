using System;
using System.Runtime.CompilerServices;

namespace Thomas.Kernels.Quantized;

/// <summary>
/// Depthwise convolution of 8-bit numbers; see <see cref="QuantizedLayer"/>. The filter is [kH, kW, outputs]; output o reads input channel o / multiplier.
/// All sums are exact, so the results are the same bytes on every machine.
/// </summary>
/// <remarks>
/// An instruction that adds up several products wants their factors beside each other, but the taps of a channel lie apart. So the input rows that an output
/// row sees, or two of them where the stride is 1, are first brought into columns (<see cref="QuantizedColumns"/>), with the padding, for so many channels that
/// the first-level cache holds them. Each column then serves all windows that it lies in. That is the same for all sizes, strides and dilations of the window.
/// </remarks>
internal sealed unsafe class QuantizedDepthwise
{
    private const int ColumnBytes = 24 * 1024;

    private readonly QuantizedLayer _layer;
    private readonly ConvGeometry _g;
    private readonly QuantizedForm _form;
    private readonly int _multiplier;
    private readonly int _rows;
    private readonly int _slots;
    private readonly int _units;
    private readonly int _columns;
    private readonly int _block;
    private readonly int _headerRows;
    private readonly nint _vectorInts;
    private readonly bool _canSlide;
    private bool _keepsSums;

    /// <summary>Plans the layer.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="threads">Threads that will share the items; changes nothing here, since the items are rows.</param>
    public QuantizedDepthwise(QuantizedLayer layer, int threads)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(threads);
        ArgumentOutOfRangeException.ThrowIfNotEqual(layer.Outputs % layer.Geometry.Channels, 0);
        (_layer, _g, _form) = (layer, layer.Geometry, new QuantizedForm(layer, takesSums: false));
        _multiplier = layer.Outputs / _g.Channels;
        _rows = _g.StrideH == 1 && _g.DilationH == 1 && _g.OutH > 1 ? 2 : 1;
        _slots = _g.KernelH + _rows - 1;
        _units = (_slots + _form.Unit - 1) / _form.Unit;
        _columns = ((QuantizedDepthwiseTile.WholeTiles(_g.OutW) - 1) * _g.StrideW) + ((_g.KernelW - 1) * _g.DilationW) + 1;
        int lanes = _form.Lanes, all = (layer.Outputs + lanes - 1) / lanes * lanes, step = Math.Max(32, lanes);
        _block = Math.Min(all, Math.Max(1, ColumnBytes / (_units * _columns * sizeof(int)) / step) * step);
        _headerRows = QuantizedHeader.Rows(layer.Requantization.Rule);
        _vectorInts = (_headerRows + (_form.Parts * _units * _g.KernelW * _rows)) * lanes;
        _keepsSums = SumsEnding.IsNeeded(layer.Requantization);
        bool isNear = _g.KernelH == 3 && _g.KernelW == 3 && _g.DilationH == 1 && _g.DilationW == 1;
        _canSlide = isNear && _multiplier == 1 && _form.Kind == QuantizedOperandForm.UnsignedBytes && _form.Parts == 1 && layer.Outputs >= 16
            && (_rows, _g.StrideW) is (2, 1) or (1, 2) && QuantizedDepthwiseSliding.IsSupported;
        Items = _g.Batch * ItemsOfImage;
    }

    /// <summary>Bytes of the packed weights.</summary>
    public long PackedBytes => (_layer.Outputs + _form.Lanes - 1) / _form.Lanes * _vectorInts * sizeof(int);

    /// <summary>For example <c>i8_dwconv_k3x3s1__avxvnni</c>.</summary>
    public string KernelName => $"i8_dwconv_k{_g.KernelH}x{_g.KernelW}s{_g.StrideW}{(_multiplier > 1 ? "_multiplier" : "")}__{_form.TierName}";

    /// <summary>Work items, independent of each other.</summary>
    public int Items { get; }

    /// <summary>Scratch memory that each running thread needs, in bytes; 64-byte aligned.</summary>
    public nuint WorkspaceBytes => (ColumnsBytes + ScratchBytes + ZeroBytes + RepeatedBytes + 63) & ~(nuint)63;

    private int ItemsOfImage => (_g.OutH + _rows - 1) / _rows;

    private nuint ScratchBytes => (nuint)QuantizedDepthwiseTile.ScratchBytes(_g.OutW);

    private nuint RepeatedBytes => _multiplier > 1 ? (nuint)(_slots * _g.InW * (nint)_block) : 0;

    /// <summary>A row of zeros; where windows slide, as long as one of the input, and memory for a row of results.</summary>
    private nuint ZeroBytes => _canSlide ? (nuint)SlidingRowBytes + (nuint)((nint)_g.OutW * _layer.Outputs) : (nuint)_block;

    private nint SlidingRowBytes => Math.Max(_block, (nint)_g.InW * _g.ChannelStride);

    private nuint ColumnsBytes => (nuint)(_units * (nint)_columns * _block * sizeof(int));

    /// <summary>Packs weights, bias and scales.</summary>
    /// <param name="weights">The filter, [kH, kW, outputs], in the layer's type.</param>
    /// <param name="bias">One number per output, or null.</param>
    /// <param name="packed">Receives <see cref="PackedBytes"/> bytes, 64-byte aligned.</param>
    public void Pack(byte* weights, int* bias, byte* packed)
    {
        BeginPacking();
        Pack(weights, bias, packed, 0, PackItems);
    }

    /// <summary>Vectors of channels, which are packed independently of each other.</summary>
    public int PackItems => (_layer.Outputs + _form.Lanes - 1) / _form.Lanes;

    /// <summary>Reads the ratios anew, before channels are packed.</summary>
    public void BeginPacking() => _keepsSums = SumsEnding.IsNeeded(_layer.Requantization);

    /// <summary>Packs vectors [begin, end).</summary>
    public void Pack(byte* weights, int* bias, byte* packed, int begin, int end)
    {
        int lanes = _form.Lanes;
        for (int item = begin; item < end; item++)
        {
            int first = item * lanes;
            int* header = (int*)packed + (item * _vectorInts);
            new Span<int>(header, (int)_vectorInts).Clear();
            int* vectors = header + (_headerRows * lanes);
            int count = Math.Min(lanes, _layer.Outputs - first);
            QuantizedHeader.Write(header, lanes, first, count, _layer.Requantization);
            for (int j = 0; j < count; j++)
            {
                int o = first + j, sum = 0;
                for (int tap = 0; tap < _g.KernelH * _g.KernelW; tap++)
                {
                    int weight = _form.Weight(weights[((nint)tap * _layer.Outputs) + o], o);
                    sum += weight;
                    for (int row = 0; row < _rows; row++)
                    {
                        int slot = (tap / _g.KernelW) + row, column = tap % _g.KernelW;
                        for (int part = 0; part < _form.Parts; part++)
                        {
                            int unit = (part * _units) + (slot / _form.Unit), place = (((((unit * _g.KernelW) + column) * _rows) + row) * lanes) + j;
                            _form.Put(_form.Part(weight, part), (byte*)(vectors + place), slot % _form.Unit);
                        }
                    }
                }

                header[j] = (bias == null ? 0 : bias[o]) - (_form.XZero * sum);
            }
        }
    }

    /// <summary>Does items [begin, end).</summary>
    /// <param name="x">Input, NHWC.</param>
    /// <param name="packed">From <see cref="Pack(byte*, int*, byte*)"/>.</param>
    /// <param name="y">Output, NHWC without gaps; not the input's memory.</param>
    /// <param name="begin">First item.</param>
    /// <param name="end">One past the last item.</param>
    /// <param name="workspace">The thread's scratch memory.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void RunItems(byte* x, byte* packed, byte* y, int begin, int end, byte* workspace)
    {
        int lanes = _form.Lanes;
        byte* zeros = workspace + ColumnsBytes + ScratchBytes;
        new Span<byte>(zeros, _canSlide ? (int)SlidingRowBytes : _block).Fill((byte)_layer.XZero);
        QuantizedDepthwiseRow tile = default;
        tile.TapStep = (nint)_g.DilationW * _block * sizeof(int);
        tile.OutStep = (nint)_g.StrideW * _block * sizeof(int);
        tile.UnitStep = (nint)_columns * _block * sizeof(int);
        tile.Taps = _g.KernelW;
        tile.Units = _units;
        tile.Parts = _form.Parts;
        tile.HeaderRows = _headerRows;
        tile.HeaderBytes = _vectorInts * sizeof(int);
        tile.StrideY = _layer.Outputs;
        tile.Pixels = _g.OutW;
        tile.Rule = _layer.Requantization.Rule;
        tile.KeepsSums = _keepsSums;
        tile.Scratch = workspace + ColumnsBytes;
        tile.Grid = new ByteGrid(_layer.Requantization);
        for (int item = begin; item < end; item++)
        {
            int image = item / ItemsOfImage, row = item % ItemsOfImage * _rows;
            tile.RowStrideY = _rows == 2 && row + 1 < _g.OutH ? (nint)_g.OutW * _layer.Outputs : 0;
            byte* source = x + ((nint)image * _g.InH * _g.InW * _g.ChannelStride);
            byte* target = y + (((nint)image * _g.OutH) + row) * _g.OutW * _layer.Outputs;
            int slid = _canSlide && !_keepsSums ? Slide(source, (row * _g.StrideH) - _g.PadTop, packed, target, tile.RowStrideY, zeros) : 0;
            for (int first = slid; first < _layer.Outputs; first += _block)
            {
                int channels = Math.Min(_block, _layer.Outputs - first);
                MakeColumns(source, (row * _g.StrideH) - _g.PadTop, first, channels, (int*)workspace, zeros);
                tile.X = workspace;
                tile.Header = packed + (first / lanes * tile.HeaderBytes);
                tile.Y = target + first;
                tile.Channels = channels;
                QuantizedDepthwiseTile.Run(_form.Kind, &tile, _rows);
            }
        }
    }

    /// <summary>A row of windows, or two, without columns in memory. Returns how many channels are done.</summary>
    private int Slide(byte* image, int iy, byte* packed, byte* target, nint rowStrideY, byte* zeros)
    {
        QuantizedSlidingRow row = default;
        byte* first = SlidingRow(image, iy, 0, zeros);
        row.X = first;
        row.Second = (nint)(SlidingRow(image, iy + 1, 1, zeros) - first);
        row.Third = (nint)(SlidingRow(image, iy + 2, 2, zeros) - first);
        row.Fourth = (nint)(SlidingRow(image, iy + 3, 3, zeros) - first);
        row.StepX = _g.ChannelStride;
        row.InW = _g.InW;
        row.PadLeft = _g.PadLeft;
        row.Flip = _form.Flip;
        row.Fill = Fill;
        row.Header = packed;
        row.HeaderBytes = _vectorInts * sizeof(int);
        row.Y = target;
        row.StrideY = _layer.Outputs;
        row.Below = rowStrideY == 0 ? (nint)(zeros + SlidingRowBytes - target) : rowStrideY;
        row.Pixels = _g.OutW;
        row.Channels = _layer.Outputs / 8 * 8;
        row.Grid = new ByteGrid(_layer.Requantization);
        if (_rows == 2) QuantizedDepthwiseSliding.TwoRows(&row);
        else QuantizedDepthwiseSliding.OneRow(&row);
        return row.Channels;
    }

    private byte* SlidingRow(byte* image, int y, int slot, byte* zeros) =>
        slot < _slots && (uint)y < (uint)_g.InH ? image + ((nint)y * _g.InW * _g.ChannelStride) : zeros;

    /// <summary>What stands for zero beyond the input, as the instructions take it.</summary>
    private int Fill => _form.Kind == QuantizedOperandForm.Pairs ? 0 : ((byte)_layer.XZero * 0x01010101) ^ _form.Flip;

    /// <summary>The columns of the windows whose upper row is iy, of some channels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void MakeColumns(byte* image, int iy, int first, int channels, int* target, byte* zeros)
    {
        int left = Math.Clamp(_g.PadLeft, 0, _columns), right = Math.Clamp(_g.InW + _g.PadLeft, left, _columns), unit = _form.Unit;
        int fill = Fill;
        byte** rows = stackalloc byte*[4];
        nint* steps = stackalloc nint[4];
        for (int u = 0; u < _units; u++, target += (nint)_columns * _block)
        {
            for (int i = 0; i < 4; i++)
            {
                int slot = (u * unit) + i, y = iy + (slot * _g.DilationH);
                bool isInside = i < unit && slot < _slots && (uint)y < (uint)_g.InH;
                rows[i] = isInside ? SourceRow(image, y, slot, first, channels, zeros, out steps[i]) : zeros;
                if (!isInside) steps[i] = 0;
                rows[i] += (left - _g.PadLeft) * steps[i];
            }

            QuantizedColumnRows source = default;
            source.R0 = rows[0];
            source.R1 = rows[1];
            source.R2 = rows[2];
            source.R3 = rows[3];
            (source.S0, source.S1, source.S2, source.S3) = (steps[0], steps[1], steps[2], steps[3]);
            int* inside = target + ((nint)left * _block);
            QuantizedColumns.Fill(fill, left, channels, target, _block);
            if (_form.Kind == QuantizedOperandForm.Pairs)
            {
                QuantizedColumns.Pairs(source, right - left, channels, _layer.XIsSigned, _layer.XZero, inside, _block);
            }
            else
            {
                QuantizedColumns.Quads(source, right - left, channels, _form.Flip, inside, _block);
            }

            QuantizedColumns.Fill(fill, _columns - right, channels, target + ((nint)right * _block), _block);
        }
    }

    /// <summary>A row's pixels from an output's channel on; with more than one output of each input channel a copy that repeats them.</summary>
    private byte* SourceRow(byte* image, int y, int slot, int first, int channels, byte* zeros, out nint step)
    {
        byte* row = image + ((nint)y * _g.InW * _g.ChannelStride);
        if (_multiplier == 1)
        {
            step = _g.ChannelStride;
            return row + first;
        }

        step = _block;
        byte* copy = zeros + ZeroBytes + ((nint)slot * _g.InW * _block);
        for (int ix = 0; ix < _g.InW; ix++)
        {
            for (int c = 0; c < channels; c++) copy[((nint)ix * _block) + c] = row[((nint)ix * _g.ChannelStride) + ((first + c) / _multiplier)];
        }

        return copy;
    }
}
