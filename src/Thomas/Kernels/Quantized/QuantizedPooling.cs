using System;
using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;
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

    /// <summary>Up to so many numbers no mean is so close below an integer that float32 would round it there.</summary>
    private const int MostOfFloats = 1 << 15;

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
        switch ((_isSigned, _kind == QuantizedPoolKind.Max))
        {
            case (true, true): RunItems<C1, C1>(x, y, begin, end); break;
            case (true, false): RunItems<C1, C0>(x, y, begin, end); break;
            case (false, true): RunItems<C0, C1>(x, y, begin, end); break;
            default: RunItems<C0, C0>(x, y, begin, end); break;
        }
    }

    private void RunItems<TSigned, TMax>(byte* x, byte* y, int begin, int end)
        where TSigned : struct, IConstant
        where TMax : struct, IConstant
    {
        int c = 0;
        if (CpuFeatures.VectorLength >= 16) c = RunChannels<Ints512, V512, TSigned, TMax>(x, y, begin, end, c);
        if (CpuFeatures.VectorLength >= 8 && c < _g.Channels) c = RunChannels<Ints256, V256, TSigned, TMax>(x, y, begin, end, c);
        if (CpuFeatures.VectorLength >= 4 && c < _g.Channels) c = RunChannels<Ints128, V128, TSigned, TMax>(x, y, begin, end, c);
        if (c < _g.Channels) RunChannels<Ints1, int, TSigned, TMax>(x, y, begin, end, c);
    }

    /// <summary>The channels from first on, by whole vectors; returns the first that is left.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int RunChannels<TSimd, TVec, TSigned, TMax>(byte* x, byte* y, int begin, int end, int first)
        where TSimd : struct, IIntSimd<TVec>
        where TVec : unmanaged
        where TSigned : struct, IConstant
        where TMax : struct, IConstant
    {
        int* numbers = stackalloc int[MostLanes];
        bool isMean = _kind == QuantizedPoolKind.Average, isRounded = _kind == QuantizedPoolKind.Sum && !SumsEnding.IsNeeded(_finish);
        float* ratios = stackalloc float[MostLanes];
        if (isRounded) new Span<float>(ratios, MostLanes).Fill(_finish.Ratios[0]);
        ByteGrid grid = isRounded ? new ByteGrid(_finish) : new ByteGrid(0, _finish.Lower, _finish.Upper);
        TSimd.LoadGrid(&grid, out TVec zero, out TVec lower, out TVec upper, out TVec bias);
        nint tapStep = (nint)_g.DilationW * _g.ChannelStride, rowStep = (nint)_g.DilationH * _g.InW * _g.ChannelStride;
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
                int taps = kx1 - kx0, rows = ky1 - ky0, count = rows * taps;

                // Rows that follow each other are one.
                if (taps * tapStep == rowStep) (taps, rows) = (count, Math.Min(count, 1));
                for (int c = first; c < last; c += TSimd.Length)
                {
                    TVec all = TSimd.Create(TMax.Value != 0 ? int.MinValue : 0);
                    byte* tapRow = window + c;
                    for (int ky = rows; ky > 0; ky--, tapRow += rowStep)
                    {
                        byte* tap = tapRow;
                        for (int kx = taps; kx > 0; kx--, tap += tapStep)
                        {
                            TVec value = TSimd.LoadBytes(tap, TSigned.Value != 0);
                            all = TMax.Value != 0 ? TSimd.Max(all, value) : TSimd.Add(all, value);
                        }
                    }

                    if (count > 0 && (TMax.Value != 0 || isRounded || (isMean && count <= MostOfFloats)))
                    {
                        if (isRounded) all = TSimd.Steps(TSimd.Subtract(all, TSimd.Create(count * _zero)), ratios);
                        else if (isMean) all = Mean<TSimd, TVec>(all, count);
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

    /// <summary>The means of sums of at most <see cref="MostOfFloats"/> numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVec Mean<TSimd, TVec>(TVec sums, int count)
        where TSimd : struct, IIntSimd<TVec>
        where TVec : unmanaged
    {
        TVec sign = TSimd.ShiftRight(sums, 31), half = TSimd.Subtract(TSimd.Xor(TSimd.Create(count / 2), sign), sign);
        return TSimd.Quotient(TSimd.Add(sums, half), count);
    }
}
