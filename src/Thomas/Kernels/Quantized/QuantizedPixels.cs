using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Thomas.Kernels.Quantized;

/// <summary>
/// Where the tiles of an integer product find x: a pointer for each output pixel, and the distances of what its window holds, four bytes at a time. x is read
/// in place where a pixel's channels are all that is wanted, as bytes, in fours. Else the input rows of a block of output rows are copied once, with the
/// padding in them, as bytes or widened to 16 bits less the zero point.
/// </summary>
internal sealed unsafe class QuantizedPixels
{
    private const int WantedPixels = 96;
    private const int MostCopiedBytes = 64 * 1024;
    private const int MostReadBytes = 24 * 1024;
    private const int MostPixels = 512;

    /// <summary>Bytes after copied rows that a segment may read: they meet zero weights.</summary>
    private const int Slack = 64;

    private readonly ConvGeometry _g;
    private readonly QuantizedOperandForm _form;
    private readonly bool _isSigned;
    private readonly int _zero;
    private readonly bool _sums;
    private readonly int _flip;
    private readonly bool _inPlace;
    private readonly int _bytes;
    private readonly int _rowElements;
    private readonly int _span;
    private readonly int[] _offsets;

    /// <summary>Plans the reading of a group.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="form">Its form.</param>
    public QuantizedPixels(QuantizedLayer layer, in QuantizedForm form)
    {
        ConvGeometry g = _g = layer.Geometry;
        (_form, _isSigned, _zero) = (form.Kind, layer.XIsSigned, layer.XZero);
        (_sums, _flip) = (form.NeedsSums, form.Flip);
        _bytes = form.Kind == QuantizedOperandForm.Pairs ? sizeof(short) : 1;
        _span = ((g.KernelH - 1) * g.DilationH) + 1;
        _rowElements = (((g.OutW - 1) * g.StrideW) + ((g.KernelW - 1) * g.DilationW) + 1) * g.Channels;
        bool joined = g.DilationW == 1;
        SegmentElements = joined ? g.KernelW * g.Channels : g.Channels;
        SegmentUnits = (SegmentElements + form.Unit - 1) / form.Unit;
        Segments = joined ? g.KernelH : g.KernelH * g.KernelW;
        _offsets = new int[Segments * SegmentUnits];
        for (int i = 0; i < _offsets.Length; i++)
        {
            int s = i / SegmentUnits, ky = joined ? s : s / g.KernelW, kx = joined ? 0 : s % g.KernelW;
            _offsets[i] = (((ky * g.DilationH * _rowElements) + (kx * g.DilationW * g.Channels)) * _bytes) + (i % SegmentUnits * sizeof(int));
        }

        _inPlace = _bytes == 1 && g.KernelH * g.KernelW == 1 && g.Channels % form.Unit == 0 && g.PadTop <= 0 && g.PadLeft <= 0
            && ((g.OutH - 1) * g.StrideH) - g.PadTop < g.InH && ((g.OutW - 1) * g.StrideW) - g.PadLeft < g.InW;
        if (_inPlace)
        {
            int most = Math.Clamp(MostReadBytes / g.Channels, WantedPixels / 4, MostPixels) / 12 * 12, blocks = (g.OutPixels + most - 1) / most;
            BlockPixels = Math.Min(g.OutPixels, ((g.OutPixels + blocks - 1) / blocks + 11) / 12 * 12);
        }
        else
        {
            int rows = Math.Min(g.OutRows, Math.Max(1, (WantedPixels + g.OutW - 1) / g.OutW));
            while (rows > 1 && CopiedBytes(rows) > MostCopiedBytes) rows--;
            int blocks = (g.OutRows + rows - 1) / rows;
            BlockPixels = (g.OutRows + blocks - 1) / blocks * g.OutW;
        }
    }

    /// <summary>Output pixels of a block; where rows are copied, whole rows of them.</summary>
    public int BlockPixels { get; }

    /// <summary>Runs of neighboring numbers in a window: its rows, or its taps where these lie apart.</summary>
    public int Segments { get; }

    /// <summary>Numbers of a segment.</summary>
    public int SegmentElements { get; }

    /// <summary>Groups of four bytes of a segment; the last one may be filled up.</summary>
    public int SegmentUnits { get; }

    /// <summary>Where the groups of four bytes of a window lie, from the window's first byte on.</summary>
    public ReadOnlySpan<int> Offsets => _offsets;

    /// <summary>Memory for a block.</summary>
    public nuint WorkspaceBytes => PointerBytes + SumBytes + (_inPlace ? 0 : CopiedBytes(BlockPixels / _g.OutW));

    private nuint SumBytes => _sums ? (((nuint)BlockPixels * sizeof(int)) + 63) & ~(nuint)63 : 0;

    private nuint PointerBytes => (((nuint)BlockPixels * (nuint)sizeof(byte*)) + 63) & ~(nuint)63;

    private nint RowBytes => (nint)_rowElements * _bytes;

    /// <summary>Makes output pixels [begin, end) of a block ready.</summary>
    /// <param name="x">The input from the group's first channel on.</param>
    /// <param name="begin">First pixel of the block.</param>
    /// <param name="end">One past the last.</param>
    /// <param name="workspace">The thread's scratch memory.</param>
    /// <param name="sums">The sum of each pixel's window, where the form needs it; else null.</param>
    /// <returns>A pointer for each pixel.</returns>
    public byte** Prepare(byte* x, int begin, int end, byte* workspace, out int* sums)
    {
        byte** pointers = (byte**)workspace;
        PreparePointers(x, begin, end, pointers, workspace + PointerBytes + SumBytes);
        sums = _sums ? (int*)(workspace + PointerBytes) : null;
        for (int i = 0; _sums && i < end - begin; i++) sums[i] = Sum(pointers[i]);
        return pointers;
    }

    /// <summary>Widens 8-bit numbers to 16 bits and subtracts a zero point.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Widen(byte* source, short* target, int count, bool isSigned, int zero)
    {
        int i = 0;
        if (Avx2.IsSupported)
        {
            Vector256<short> zeros = Vector256.Create((short)zero);
            for (; i <= count - 16; i += 16)
            {
                Vector256<short> wide = isSigned ? Avx2.ConvertToVector256Int16((sbyte*)source + i) : Avx2.ConvertToVector256Int16(source + i);
                (wide - zeros).Store(target + i);
            }
        }
        else if (Vector128.IsHardwareAccelerated)
        {
            Vector128<short> zeros = Vector128.Create((short)zero);
            for (; i <= count - 16; i += 16)
            {
                Vector128<byte> bytes = Vector128.Load(source + i);
                (Vector128<short> low, Vector128<short> high) = isSigned
                    ? Vector128.Widen(bytes.AsSByte())
                    : (Vector128.WidenLower(bytes).AsInt16(), Vector128.WidenUpper(bytes).AsInt16());
                (low - zeros).Store(target + i);
                (high - zeros).Store(target + i + 8);
            }
        }

        for (; i < count; i++) target[i] = (short)((isSigned ? (sbyte)source[i] : source[i]) - zero);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void PreparePointers(byte* x, int begin, int end, byte** next, byte* copy)
    {
        if (_inPlace && _g.IsPointwise)
        {
            nint stride = _g.ChannelStride;
            byte* pixel = x + (begin * stride);
            for (int m = begin; m < end; m++, pixel += stride) *next++ = pixel;
            return;
        }

        if (_inPlace)
        {
            for (int m = begin; m < end; m++)
            {
                int row = m / _g.OutW, iy = (row % _g.OutH * _g.StrideH) - _g.PadTop, ix = (m % _g.OutW * _g.StrideW) - _g.PadLeft;
                *next++ = x + ((((((nint)(row / _g.OutH) * _g.InH) + iy) * _g.InW) + ix) * _g.ChannelStride);
            }

            return;
        }

        nint pixelBytes = (nint)_g.StrideW * _g.Channels * _bytes;
        for (int row = begin / _g.OutW, last = end / _g.OutW, rows; row < last; row += rows)
        {
            int image = row / _g.OutH, y = row % _g.OutH, first = (y * _g.StrideH) - _g.PadTop;
            rows = Math.Min(_g.OutH - y, last - row);
            for (int r = 0; r < rows; r++)
            {
                byte* pixel = copy + (r * _g.StrideH * RowBytes);
                for (int ox = 0; ox < _g.OutW; ox++, pixel += pixelBytes) *next++ = pixel;
            }

            byte* source = x + ((nint)image * _g.InH * _g.InW * _g.ChannelStride);
            for (int i = 0, count = CopiedRows(rows); i < count; i++, copy += RowBytes)
            {
                // Rows between those that a window lower than its step reads are not wanted.
                if (i % _g.StrideH < _span) CopyRow(source, first + i, copy);
            }
        }
    }

    /// <summary>The sum of a window, as the instructions take x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Sum(byte* window)
    {
        int sum = 0;
        Vector128<int> flips = Vector128.Create(_flip), sums = Vector128<int>.Zero;
        Vector128<sbyte> ones = Vector128<sbyte>.One;
        for (int s = 0; s < Segments; s++)
        {
            byte* segment = window + _offsets[s * SegmentUnits];
            int i = 0;
            for (; i <= SegmentElements - 16; i += 16)
            {
                Vector128<int> x = Vector128.Load((int*)(segment + i)) ^ flips;
                if (AvxVnni.IsSupported) sums = AvxVnni.MultiplyWideningAndAdd(sums, x.AsByte(), ones);
                else sums = Dp.DotProduct(sums, x.AsSByte(), ones);
            }

            for (; i < SegmentElements; i++)
            {
                byte bits = (byte)(segment[i] ^ _flip);
                sum += _form == QuantizedOperandForm.UnsignedBytes ? bits : (sbyte)bits;
            }
        }

        return sum + Vector128.Sum(sums);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void CopyRow(byte* image, int y, byte* target)
    {
        int pixels = _rowElements / _g.Channels;
        if ((uint)y >= (uint)_g.InH)
        {
            Fill(target, _rowElements);
            return;
        }

        int left = Math.Clamp(_g.PadLeft, 0, pixels), right = Math.Clamp(_g.InW + _g.PadLeft, left, pixels);
        byte* source = image + ((((nint)y * _g.InW) + left - _g.PadLeft) * _g.ChannelStride);
        nint pixelBytes = (nint)_g.Channels * _bytes;
        Fill(target, left * _g.Channels);
        if (_g.Channels == _g.ChannelStride)
        {
            Copy(source, target + (left * pixelBytes), (right - left) * _g.Channels);
        }
        else
        {
            for (int x = left; x < right; x++, source += _g.ChannelStride)
                Copy(source, target + (x * pixelBytes), _g.Channels);
        }

        Fill(target + (right * pixelBytes), (pixels - right) * _g.Channels);
    }

    private void Copy(byte* source, byte* target, int count)
    {
        if (_form == QuantizedOperandForm.Pairs) Widen(source, (short*)target, count, _isSigned, _zero);
        else NativeMemory.Copy(source, target, (nuint)count);
    }

    /// <summary>What stands for zero: the zero point, or its distance from itself.</summary>
    private void Fill(byte* target, int count) =>
        NativeMemory.Fill(target, (nuint)(count * _bytes), _form == QuantizedOperandForm.Pairs ? (byte)0 : (byte)_zero);

    /// <summary>Input rows for so many output rows of one image.</summary>
    private int CopiedRows(int rows) => ((rows - 1) * _g.StrideH) + _span;

    /// <summary>Bytes for so many output rows, over as many images as these can lie in.</summary>
    private nuint CopiedBytes(int rows)
    {
        int images = Math.Min(Math.Min(rows, _g.Batch), ((rows + _g.OutH - 2) / _g.OutH) + 1);
        nuint bytes = ((nuint)((rows * _g.StrideH) + (images * _span)) * (nuint)RowBytes) + Slack;
        return (bytes + 63) & ~(nuint)63;
    }
}
