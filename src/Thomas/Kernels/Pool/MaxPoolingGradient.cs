using System;
using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;
using V128 = System.Runtime.Intrinsics.Vector128<float>;
using V256 = System.Runtime.Intrinsics.Vector256<float>;
using V512 = System.Runtime.Intrinsics.Vector512<float>;

namespace Thomas.Kernels.Pool;

/// <summary>
/// The gradient of max pooling over NHWC float32: dy[n,oy,ox,c] is added at the first tap of its window, row by row, whose x is not below y[n,oy,ox,c]. Work
/// items are blocks of input rows: each visits every window that reaches into it and adds only there, so items are independent and the order of every sum is
/// fixed. Vectors run over channels.
/// </summary>
internal sealed unsafe class MaxPoolingGradient
{
    /// <summary>Enough rows that few windows are visited by two items.</summary>
    private const int MinimumBlockRows = 8;

    private readonly ConvGeometry _g;
    private readonly int _extentH;
    private readonly int _blockRows;
    private readonly int _blocks;
    private readonly int _interiorFirst;
    private readonly int _interiorEnd;

    // Whether every element of x is in exactly one window, so that nothing need be added up.
    private readonly bool _tiles;

    /// <summary>A kernel for the forward window; pixels have no gaps.</summary>
    public MaxPoolingGradient(in ConvGeometry geometry)
    {
        _g = geometry;
        _extentH = ((_g.KernelH - 1) * _g.DilationH) + 1;
        _blockRows = Math.Max(MinimumBlockRows, _extentH);
        _blocks = (_g.InH + _blockRows - 1) / _blockRows;
        _tiles = _g.KernelH == _g.StrideH && _g.KernelW == _g.StrideW && _g.DilationH == 1 && _g.DilationW == 1
            && _g.PadTop == 0 && _g.PadLeft == 0 && _g.InH == _g.OutH * _g.StrideH && _g.InW == _g.OutW * _g.StrideW;
        (_interiorFirst, _interiorEnd) = Window.Interior(_g.OutW, _g.StrideW, _g.PadLeft, _g.KernelW, _g.DilationW, _g.InW);
    }

    /// <summary>Work items, independent of each other.</summary>
    public int Items => _g.Batch * _blocks;

    /// <summary>For example <c>f32_maxpoolgrad_k3x3s2__avx2</c>.</summary>
    public string KernelName => $"f32_maxpoolgrad_k{_g.KernelH}x{_g.KernelW}s{_g.StrideW}__{CpuFeatures.TierName}";

    /// <summary>Computes the blocks [begin, end) of dx, which overlaps no operand.</summary>
    public void RunItems(float* x, float* y, float* dy, float* dx, int begin, int end)
    {
        for (int item = begin; item < end; item++)
        {
            int image = item / _blocks, top = item % _blocks * _blockRows, bottom = Math.Min(top + _blockRows, _g.InH);
            nint inputs = (nint)image * _g.InH * _g.InW * _g.Channels, outputs = (nint)image * _g.OutH * _g.OutW * _g.Channels;
            nint rowLength = (nint)_g.InW * _g.Channels;
            CacheLines.Touch(x + inputs + (top * rowLength), (bottom - top) * rowLength);
            if (!_tiles) new Span<float>(dx + inputs + (top * rowLength), (int)((bottom - top) * rowLength)).Clear();
            int first = Math.Max(0, top + _g.PadTop - _extentH + _g.StrideH) / _g.StrideH, last = Math.Min(_g.OutH - 1, (bottom - 1 + _g.PadTop) / _g.StrideH);
            for (int oy = first; oy <= last; oy++)
            {
                nint outputRow = outputs + ((nint)oy * _g.OutW * _g.Channels);
                RunRow(x + inputs, y + outputRow, dy + outputRow, dx + inputs, (oy * _g.StrideH) - _g.PadTop, top, bottom);
            }
        }
    }

    /// <summary>Visits one row of windows; x and dx are the image, y and dy the row, dx is written in rows [top, bottom).</summary>
    private void RunRow(float* x, float* y, float* dy, float* dx, int iy, int top, int bottom)
    {
        (int ky0, int ky1) = Window.Taps(iy, _g.KernelH, _g.DilationH, bottom);
        for (int ox = 0, pixels; ox < _g.OutW; ox += pixels)
        {
            int ix = (ox * _g.StrideW) - _g.PadLeft;
            pixels = ox == _interiorFirst && _interiorFirst < _interiorEnd ? _interiorEnd - _interiorFirst : 1;
            (int kx0, int kx1) = Window.Taps(ix, _g.KernelW, _g.DilationW, _g.InW);
            if (kx0 >= kx1) continue;
            Taps taps = new(iy + (ky0 * _g.DilationH), ky1 - ky0, (ix + (kx0 * _g.DilationW)) * (nint)_g.Channels, kx1 - kx0, top, pixels);
            nint place = (nint)ox * _g.Channels;
            int c = 0;
            if (CpuFeatures.VectorLength >= 16) c = RunPixels<Simd512, V512>(x, y + place, dy + place, dx, taps, c);
            if (CpuFeatures.VectorLength >= 8 && c < _g.Channels) c = RunPixels<Simd256, V256>(x, y + place, dy + place, dx, taps, c);
            if (CpuFeatures.VectorLength >= 4 && c < _g.Channels) c = RunPixels<Simd128, V128>(x, y + place, dy + place, dx, taps, c);
            if (c < _g.Channels) RunPixels<Simd1, float>(x, y + place, dy + place, dx, taps, c);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int RunPixels<TSimd, TVec>(float* x, float* y, float* dy, float* dx, in Taps taps, int c)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        if (_g.Channels - c < TSimd.Length) return c;
        return _tiles ? RunPixels<TSimd, TVec, C0>(x, y, dy, dx, taps, c) : RunPixels<TSimd, TVec, C1>(x, y, dy, dx, taps, c);
    }

    /// <summary>Windows that have the same taps; TAdd is 1 to add to dx, 0 to write it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int RunPixels<TSimd, TVec, TAdd>(float* x, float* y, float* dy, float* dx, in Taps taps, int first)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        where TAdd : struct, IConstant
    {
        int channels = _g.Channels, end = channels - ((channels - first) % TSimd.Length), rows = taps.Rows, columns = taps.Columns;
        int unwritten = taps.Row >= taps.Top ? 0 : (taps.Top - taps.Row + _g.DilationH - 1) / _g.DilationH;
        nint rowStep = (nint)_g.DilationH * _g.InW * channels, tapStep = (nint)_g.DilationW * channels, pixelStep = (nint)_g.StrideW * channels;
        nint pixel = ((nint)taps.Row * _g.InW * channels) + taps.Column;
        TVec zero = TSimd.Create(0f);
        for (int i = 0; i < taps.Pixels; i++, pixel += pixelStep, y += channels, dy += channels)
        {
            for (int c = first; c < end; c += TSimd.Length)
            {
                // What no tap has taken yet; a lane is emptied by the first tap that is not below the maximum.
                TVec max = TSimd.Load(y + c), rest = TSimd.Load(dy + c);
                nint row = pixel + c;
                for (int ky = 0; ky < rows; ky++, row += rowStep)
                {
                    nint at = row;
                    for (int kx = 0; kx < columns; kx++, at += tapStep)
                    {
                        TVec value = TSimd.Load(x + at);
                        if (ky >= unwritten)
                        {
                            TSimd.Store(TSimd.Add(TAdd.Value > 0 ? TSimd.Load(dx + at) : zero, TSimd.SelectIfLess(value, max, zero, rest)), dx + at);
                        }

                        rest = TSimd.SelectIfLess(value, max, rest, zero);
                    }
                }
            }
        }

        return end;
    }

    /// <summary>
    /// The taps of a window: first row, rows, offset of the first column, columns, the first row that is written, and how many windows to the right have the
    /// same.
    /// </summary>
    private readonly record struct Taps(int Row, int Rows, nint Column, int Columns, int Top, int Pixels);
}
