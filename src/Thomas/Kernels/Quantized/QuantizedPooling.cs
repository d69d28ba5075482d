using System;

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
/// Pooling of 8-bit NHWC tensors. <see cref="QuantizedPoolKind.Average"/> and <see cref="QuantizedPoolKind.Max"/> are those of TensorFlow Lite; a mean over whole
/// images is a window as large as they are.
/// </summary>
internal sealed unsafe class QuantizedPooling
{
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

    /// <summary>The definition: what a window becomes whose numbers have this sum and largest one; 0 of an empty window.</summary>
    public int Apply(int sum, int largest, int count) => _kind switch
    {
        _ when count == 0 => Math.Clamp(_zero, _finish.Lower, _finish.Upper),
        QuantizedPoolKind.Average => Math.Clamp(Mean(sum, count), _finish.Lower, _finish.Upper),
        QuantizedPoolKind.Max => Math.Clamp(largest, _finish.Lower, _finish.Upper),
        _ => _finish.Apply(sum - (count * _zero), 0),
    };

    /// <summary>Computes items [begin, end).</summary>
    public void RunItems(byte* x, byte* y, int begin, int end)
    {
        for (int pixel = begin * _g.OutW; pixel < end * _g.OutW; pixel++)
        {
            int n = pixel / _g.OutW / _g.OutH, iy = (pixel / _g.OutW % _g.OutH * _g.StrideH) - _g.PadTop, ix = (pixel % _g.OutW * _g.StrideW) - _g.PadLeft;
            (int ky0, int ky1) = Window.Taps(iy, _g.KernelH, _g.DilationH, _g.InH);
            (int kx0, int kx1) = Window.Taps(ix, _g.KernelW, _g.DilationW, _g.InW);
            for (int c = 0; c < _g.Channels; c++)
            {
                int sum = 0, largest = int.MinValue;
                for (int ky = ky0; ky < ky1; ky++)
                {
                    for (int kx = kx0; kx < kx1; kx++)
                    {
                        byte bits = x[(((((long)n * _g.InH) + iy + (ky * _g.DilationH)) * _g.InW) + ix + (kx * _g.DilationW)) * _g.ChannelStride + c];
                        int value = _isSigned ? (sbyte)bits : bits;
                        sum += value;
                        largest = Math.Max(largest, value);
                    }
                }

                y[((long)pixel * _g.Channels) + c] = (byte)Apply(sum, largest, (ky1 - ky0) * (kx1 - kx0));
            }
        }
    }
}
