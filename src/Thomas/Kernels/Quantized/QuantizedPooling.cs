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
        for (int pixel = begin * _g.OutW; pixel < end * _g.OutW; pixel++)
        {
            int n = pixel / _g.OutW / _g.OutH, iy = (pixel / _g.OutW % _g.OutH * _g.StrideH) - _g.PadTop, ix = (pixel % _g.OutW * _g.StrideW) - _g.PadLeft;
            PoolWindow window = default;
            (window.Ky, window.KyEnd) = Window.Taps(iy, _g.KernelH, _g.DilationH, _g.InH);
            (window.Kx, window.KxEnd) = Window.Taps(ix, _g.KernelW, _g.DilationW, _g.InW);
            window.X = x + ((((((nint)n * _g.InH) + iy) * _g.InW) + ix) * _g.ChannelStride);
            window.Y = y + ((nint)pixel * _g.Channels);
            int c = 0;
            if (CpuFeatures.VectorLength >= 16) c = RunChannels<Ints512, V512>(window, c);
            if (CpuFeatures.VectorLength >= 8) c = RunChannels<Ints256, V256>(window, c);
            if (CpuFeatures.VectorLength >= 4) c = RunChannels<Ints128, V128>(window, c);
            RunChannels<Ints1, int>(window, c);
        }
    }

    /// <summary>The channels from c on, by whole vectors; returns the first that is left.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int RunChannels<TSimd, TVec>(PoolWindow window, int c)
        where TSimd : struct, IIntSimd<TVec>
        where TVec : unmanaged
    {
        int* numbers = stackalloc int[MostLanes];
        ByteGrid grid = new(0, _finish.Lower, _finish.Upper);
        TSimd.LoadGrid(&grid, out TVec zero, out TVec lower, out TVec upper, out TVec bias);
        nint tapStep = (nint)_g.DilationW * _g.ChannelStride, rowStep = (nint)_g.DilationH * _g.InW * _g.ChannelStride;
        bool isSigned = _isSigned, isMax = _kind == QuantizedPoolKind.Max;
        int count = (window.KyEnd - window.Ky) * (window.KxEnd - window.Kx);
        for (; c <= _g.Channels - TSimd.Length; c += TSimd.Length)
        {
            TVec all = TSimd.Create(isMax ? int.MinValue : 0);
            for (int ky = window.Ky; ky < window.KyEnd; ky++)
            {
                byte* tap = window.X + c + (ky * rowStep) + (window.Kx * tapStep);
                for (int kx = window.Kx; kx < window.KxEnd; kx++, tap += tapStep)
                {
                    TVec value = TSimd.LoadBytes(tap, isSigned);
                    all = isMax ? TSimd.Max(all, value) : TSimd.Add(all, value);
                }
            }

            if (isMax && count > 0)
            {
                TSimd.StoreBytes(all, zero, lower, upper, bias, window.Y + c);
                continue;
            }

            TSimd.Store(all, numbers);
            for (int i = 0; i < TSimd.Length; i++) window.Y[c + i] = (byte)Apply(numbers[i], numbers[i], count);
        }

        return c;
    }

    /// <summary>The taps of an output pixel that lie in the input.</summary>
    private struct PoolWindow
    {
        public byte* X;
        public byte* Y;
        public int Ky;
        public int KyEnd;
        public int Kx;
        public int KxEnd;
    }
}
