using System;
using System.Runtime.CompilerServices;
using V128 = System.Runtime.Intrinsics.Vector128<int>;
using V256 = System.Runtime.Intrinsics.Vector256<int>;
using V512 = System.Runtime.Intrinsics.Vector512<int>;

namespace Thomas.Kernels.Quantized;

/// <summary>What a window of 8-bit numbers becomes.</summary>
internal enum QuantizedPoolKind
{
    /// <summary>The mean of those that lie in the input, halves away from zero, on the grid of x.</summary>
    Average,

    /// <summary>The largest that lies in the input, on the grid of x.</summary>
    Max,

    /// <summary>A requantized sum of x - zero over those that lie in the input: a mean onto another grid.</summary>
    Sum,
}

/// <summary>
/// Pooling of 8-bit NHWC tensors. <see cref="QuantizedPoolKind.Average"/> and <see cref="QuantizedPoolKind.Max"/> are those of TensorFlow Lite; a mean over
/// whole images is a window as large as they are.
/// </summary>
internal sealed unsafe class QuantizedPooling
{
    private const int MostLanes = 16;

    private readonly ConvGeometry _g;
    private readonly QuantizedPoolKind _kind;
    private readonly bool _isSigned;
    private readonly int _zero;
    private readonly Requantization _finish;

    /// <summary>Plans the pooling.</summary>
    /// <param name="geometry">The window.</param>
    /// <param name="kind">What becomes of it.</param>
    /// <param name="x">The operand.</param>
    /// <param name="finish">The bounds of the result; and of a sum, how it becomes y.</param>
    public QuantizedPooling(in ConvGeometry geometry, QuantizedPoolKind kind, QuantizedOperand x, Requantization finish)
    {
        (_g, _kind, _isSigned, _zero, _finish) = (geometry, kind, x.IsSigned, x.Zero, finish);
    }

    /// <summary>Work items, independent of each other.</summary>
    public int Items => _g.OutRows;

    /// <summary>The mean of numbers: sum / count, halves away from zero.</summary>
    public static int Mean(int sum, int count) => (sum + (sum > 0 ? count / 2 : -(count / 2))) / count;

    /// <summary>The definition: what a window becomes whose numbers have this sum and largest one; the zero point of an empty window.</summary>
    public int Apply(int sum, int largest, int count) => _kind switch
    {
        _ when count == 0 => Math.Clamp(_zero, _finish.Lower, _finish.Upper),
        QuantizedPoolKind.Average => Math.Clamp(Mean(sum, count), _finish.Lower, _finish.Upper),
        QuantizedPoolKind.Max => Math.Clamp(largest, _finish.Lower, _finish.Upper),
        _ => _finish.Apply(sum - (count * _zero), 0),
    };

    /// <summary>Computes items [begin, end).</summary>
    /// <param name="x">Input, NHWC.</param>
    /// <param name="y">Output, NHWC without gaps.</param>
    /// <param name="begin">First item.</param>
    /// <param name="end">One past the last item.</param>
    public void RunItems(byte* x, byte* y, int begin, int end)
    {
        int c = 0;
        if (CpuFeatures.VectorLength >= 16) c = RunChannels<Ints512, V512>(x, y, begin, end, c);
        if (CpuFeatures.VectorLength >= 8 && c < _g.Channels) c = RunChannels<Ints256, V256>(x, y, begin, end, c);
        if (CpuFeatures.VectorLength >= 4 && c < _g.Channels) c = RunChannels<Ints128, V128>(x, y, begin, end, c);
        if (c < _g.Channels) RunChannels<Ints1, int>(x, y, begin, end, c);
    }

    /// <summary>The channels from first on, by whole vectors; returns the first that is left.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int RunChannels<TSimd, TVec>(byte* x, byte* y, int begin, int end, int first)
        where TSimd : struct, IIntSimd<TVec>
        where TVec : unmanaged
    {
        int* numbers = stackalloc int[MostLanes];
        ByteGrid grid = new(0, _finish.Lower, _finish.Upper);
        TSimd.LoadGrid(&grid, out TVec zero, out TVec lower, out TVec upper, out TVec bias);
        nint tapStep = (nint)_g.DilationW * _g.ChannelStride, rowStep = (nint)_g.DilationH * _g.InW * _g.ChannelStride;
        bool isSigned = _isSigned, isMax = _kind == QuantizedPoolKind.Max;
        int last = first + ((_g.Channels - first) / TSimd.Length * TSimd.Length), inRow = _g.InW * _g.ChannelStride;
        for (int row = begin; row < end; row++)
        {
            int iy = (row % _g.OutH * _g.StrideH) - _g.PadTop;
            (int ky0, int ky1) = Window.Taps(iy, _g.KernelH, _g.DilationH, _g.InH);
            byte* image = x + (((nint)(row / _g.OutH) * _g.InH) + iy + (ky0 * _g.DilationH)) * inRow;
            byte* target = y + ((nint)row * _g.OutW * _g.Channels);
            for (int ox = 0, ix = -_g.PadLeft; ox < _g.OutW; ox++, ix += _g.StrideW, target += _g.Channels)
            {
                (int kx0, int kx1) = Window.Taps(ix, _g.KernelW, _g.DilationW, _g.InW);
                byte* window = image + ((ix + (kx0 * _g.DilationW)) * (nint)_g.ChannelStride);
                int taps = kx1 - kx0, count = (ky1 - ky0) * taps;
                for (int c = first; c < last; c += TSimd.Length)
                {
                    TVec all = TSimd.Create(isMax ? int.MinValue : 0);
                    byte* tapRow = window + c;
                    for (int ky = ky0; ky < ky1; ky++, tapRow += rowStep)
                    {
                        byte* tap = tapRow;
                        for (int kx = taps; kx > 0; kx--, tap += tapStep)
                        {
                            TVec value = TSimd.LoadBytes(tap, isSigned);
                            all = isMax ? TSimd.Max(all, value) : TSimd.Add(all, value);
                        }
                    }

                    if (isMax && count > 0)
                    {
                        TSimd.StoreBytes(all, zero, lower, upper, bias, target + c);
                        continue;
                    }

                    TSimd.Store(all, numbers);
                    for (int i = 0; i < TSimd.Length; i++) target[c + i] = (byte)Apply(numbers[i], numbers[i], count);
                }
            }
        }

        return last;
    }
}
