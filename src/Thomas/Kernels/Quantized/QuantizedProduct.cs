using System;
using System.Runtime.CompilerServices;

namespace Thomas.Kernels.Quantized;

/// <summary>
/// Convolution by groups, and dense layers, of 8-bit numbers; see <see cref="QuantizedLayer"/>. The filter is OHWI. All sums are exact, so the results are the
/// same bytes on every machine.
/// </summary>
/// <remarks>
/// A product of matrices in panels of columns, without blocks of k: the sums never leave the registers before they are results. A panel holds what its sums
/// start with (bias and what the zero point of x adds), how they become results, and its weights in the order in which the tiles read them; so packed it stays
/// in the first-level cache while a block of pixels passes. Work items are blocks of pixels times all panels, or some of them.
/// </remarks>
internal sealed unsafe class QuantizedProduct
{
    private readonly QuantizedLayer _layer;
    private readonly QuantizedForm _form;
    private readonly QuantizedPixels _pixels;
    private readonly int[] _offsets;
    private readonly int _columns;
    private readonly int _width;
    private readonly int _panels;
    private readonly int _headerRows;
    private readonly nint _panelBytes;
    private readonly int _blocks;
    private readonly int _panelsPerItem;
    private bool _keepsSums;

    /// <summary>Plans the layer.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="threads">Threads that will share the items; changes how many there are, not the result.</param>
    public QuantizedProduct(QuantizedLayer layer, int threads)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(threads);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(layer.Groups);
        ArgumentOutOfRangeException.ThrowIfNotEqual(layer.Outputs % layer.Groups, 0);
        _layer = layer;
        _form = new QuantizedForm(layer, takesSums: true);
        _pixels = new QuantizedPixels(layer, _form);
        _offsets = _form.Parts == 1 ? [.. _pixels.Offsets] : [.. _pixels.Offsets, .. _pixels.Offsets];
        _columns = layer.Outputs / layer.Groups;
        _width = PanelWidth(_columns, _form);
        _panels = (_columns + _width - 1) / _width;
        _headerRows = QuantizedHeader.Rows(layer.Requantization.Rule) + (_form.NeedsSums ? 1 : 0);
        _panelBytes = (((nint)_headerRows + _offsets.Length) * _width * sizeof(int) + 63) & ~63;
        _keepsSums = SumsEnding.IsNeeded(layer.Requantization);
        int pixels = layer.Geometry.OutPixels, all = layer.Groups * _panels;
        _blocks = (pixels + _pixels.BlockPixels - 1) / _pixels.BlockPixels;
        int wanted = threads == 1 ? 1 : Math.Max(1, ((4 * threads) + _blocks - 1) / _blocks);
        _panelsPerItem = Math.Max(1, all / wanted);
        Items = _blocks * ((all + _panelsPerItem - 1) / _panelsPerItem);
    }

    /// <summary>Bytes of the packed weights.</summary>
    public long PackedBytes => (long)_layer.Groups * _panels * _panelBytes;

    /// <summary>Tile and tier, for example <c>i8_gemm_4x24__avxvnni</c>.</summary>
    public string KernelName => $"i8_gemm_{QuantizedTiles.Rows(_form.Kind, _width / _form.Lanes)}x{_width}__{_form.TierName}";

    /// <summary>Work items, independent of each other.</summary>
    public int Items { get; }

    /// <summary>Scratch memory that each running thread needs, in bytes; 64-byte aligned.</summary>
    public nuint WorkspaceBytes => _pixels.WorkspaceBytes + SumBytes;

    private nuint SumBytes => _layer.RatiosChange || _keepsSums ? (((nuint)_pixels.BlockPixels * (nuint)_width * sizeof(int)) + 63) & ~(nuint)63 : 0;

    /// <summary>Packs weights, bias and scales.</summary>
    /// <param name="weights">The filter, [outputs, kH, kW, channels of a group], in the layer's type.</param>
    /// <param name="bias">One number per output, or null.</param>
    /// <param name="packed">Receives <see cref="PackedBytes"/> bytes, 64-byte aligned.</param>
    public void Pack(byte* weights, int* bias, byte* packed)
    {
        BeginPacking();
        Pack(weights, bias, packed, 0, PackItems);
    }

    /// <summary>Panels, which are packed independently of each other.</summary>
    public int PackItems => _layer.Groups * _panels;

    /// <summary>Reads the ratios anew, before panels are packed.</summary>
    public void BeginPacking() => _keepsSums = SumsEnding.IsNeeded(_layer.Requantization);

    /// <summary>Packs panels [begin, end).</summary>
    public void Pack(byte* weights, int* bias, byte* packed, int begin, int end)
    {
        for (int panel = begin; panel < end; panel++)
        {
            int group = panel / _panels, p = panel % _panels;
            int first = (group * _columns) + (p * _width), count = Math.Min(_width, _columns - (p * _width));
            PackPanel(weights, bias, packed + (panel * _panelBytes), first, count);
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
        int all = _layer.Groups * _panels, parts = Items / _blocks, pixels = _layer.Geometry.OutPixels;
        fixed (int* offsets = _offsets)
        {
            for (int item = begin; item < end; item++)
            {
                int m0 = item / parts * _pixels.BlockPixels, m1 = Math.Min(m0 + _pixels.BlockPixels, pixels);
                int p0 = item % parts * _panelsPerItem, p1 = Math.Min(p0 + _panelsPerItem, all);
                while (p0 < p1)
                {
                    int group = p0 / _panels, last = Math.Min(p1, (group + 1) * _panels);
                    byte** rows = _pixels.Prepare(x + (group * _layer.Geometry.Channels), m0, m1, workspace + SumBytes, out int* rowSums);
                    for (; p0 < last; p0++) RunPanel(rows, rowSums, offsets, packed, y, p0, m0, m1, (int*)workspace);
                }
            }
        }
    }

    /// <summary>The width that costs least: a panel of one vector hides less of its latency.</summary>
    private static int PanelWidth(int columns, in QuantizedForm form)
    {
        int best = 0, least = int.MaxValue;
        for (int vectors = QuantizedTiles.MostVectors(form.Kind); vectors >= 1; vectors--)
        {
            int width = vectors * form.Lanes, rest = ((columns % width) + form.Lanes - 1) / form.Lanes;
            int cost = (columns / width * Cost(vectors)) + Cost(rest);
            if (cost < least) (best, least) = (width, cost);
        }

        return best;

        static int Cost(int vectors) => vectors == 1 ? 5 : 4 * vectors;
    }

    private void PackPanel(byte* weights, int* bias, byte* panel, int first, int count)
    {
        int* starts = (int*)panel;
        new Span<int>(starts, _headerRows * _width).Clear();
        QuantizedHeader.Write(starts, _width, first, count, _layer.Requantization);
        byte* packed = panel + ((nint)_headerRows * _width * sizeof(int));
        int segments = _pixels.Segments, elements = _pixels.SegmentElements, units = _pixels.SegmentUnits, unit = _form.Unit;
        new Span<byte>(packed, _offsets.Length * _width * sizeof(int)).Clear();
        for (int j = 0; j < count; j++)
        {
            int o = first + j, sum = 0;
            byte* filter = weights + ((nint)o * segments * elements);
            for (int i = 0; i < segments * elements; i++)
            {
                int weight = _form.Weight(filter[i], o), k = i % elements;
                sum += weight;
                for (int part = 0; part < _form.Parts; part++)
                {
                    nint row = (((part * segments) + (i / elements)) * units) + (k / unit);
                    byte* place = packed + (row * _width * sizeof(int));
                    if (QuantizedTiles.SplitsPairs(_form.Kind)) ((short*)place)[(k % unit * _width) + j] = (short)weight;
                    else _form.Put(_form.Part(weight, part), place + (j * sizeof(int)), k % unit);
                }
            }

            starts[j] = (bias == null ? 0 : bias[o]) - (_form.XZero * sum);
            if (!_form.NeedsSums) continue;
            int factor = _form.Origin - _layer.WZero(o);
            starts[j] -= factor * _form.XZero * segments * elements;
            starts[((_headerRows - 1) * _width) + j] = factor;
        }
    }

    /// <summary>A panel's columns of pixels [m0, m1).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void RunPanel(byte** rows, int* rowSums, int* offsets, byte* packed, byte* y, int panel, int m0, int m1, int* sums)
    {
        int* header = (int*)(packed + (panel * _panelBytes));
        int place = panel % _panels * _width, column = (panel / _panels * _columns) + place, columns = Math.Min(_width, _columns - place);
        QuantizedTileArgs tile = default;
        tile.Rows = rows;
        tile.Offsets = offsets;
        tile.Units = _offsets.Length;
        tile.RunUnits = _pixels.SegmentUnits;
        tile.Flip = _form.Flip;
        tile.Starts = header;
        tile.Ratios = (float*)(header + _width);
        tile.RowSums = rowSums;
        tile.ColumnFactors = header + ((_headerRows - 1) * _width);
        tile.W = (byte*)(header + (_headerRows * _width));
        tile.StrideW = _width * sizeof(int);
        tile.Grid = new ByteGrid(_layer.Requantization);
        tile.StrideY = _layer.Outputs;
        tile.Y = y + (m0 * tile.StrideY) + column;
        tile.Sums = _keepsSums ? sums : null;
        tile.StrideSums = _width;
        byte* target = tile.Y;
        QuantizedTiles.Run(_form.Kind, &tile, m1 - m0, columns, _form.Lanes);
        if (_keepsSums) SumsEnding.Run(_layer.Requantization.Rule, sums, _width, header, _width, &tile.Grid, target, _layer.Outputs, m1 - m0, columns);
    }
}
