using System;

namespace Thomas.Data;

/// <summary>
/// Weights of an antialiased bilinear resize along one axis. Output o looks at the triangle of half-width max(scale, 1) around its center, with
/// scale = input pixels per output pixel; weights are fixed point with <see cref="FractionBits"/> bits and are cut off, then renormalized, at the image's edge.
/// This is the geometry of Pillow's and PIL-based frameworks' <c>BILINEAR</c> with reducing.
/// </summary>
internal sealed class TriangleFilter
{
    /// <summary>255 times the sum of the weights stays below 2^31.</summary>
    public const int FractionBits = 22;

    private int[] _first = [];
    private int[] _count = [];
    private int[] _weights = [];
    private double[] _row = [];
    private int _stride;

    /// <summary>A filter without outputs, to be given some by <see cref="Set"/>.</summary>
    public TriangleFilter()
    {
    }

    /// <summary>Computes the weights of a run of outputs; see <see cref="Set"/>.</summary>
    public TriangleFilter(int length, double boxStart, double scale, long firstOutput, int outputs) => Set(length, boxStart, scale, firstOutput, outputs);

    /// <summary>Computes the weights of a run of outputs, in the memory of the former ones where they fit.</summary>
    /// <param name="length">Number of input pixels.</param>
    /// <param name="boxStart">Left end of the part that is resized, in input pixels.</param>
    /// <param name="scale">Input pixels per output pixel.</param>
    /// <param name="firstOutput">First output wanted, counted from <paramref name="boxStart"/>.</param>
    /// <param name="outputs">Number of outputs wanted.</param>
    public void Set(int length, double boxStart, double scale, long firstOutput, int outputs)
    {
        double halfWidth = Math.Max(scale, 1);
        _stride = (int)Math.Min((2 * (long)Math.Ceiling(halfWidth)) + 1, length);
        Outputs = outputs;
        if (_first.Length < outputs) (_first, _count) = (new int[outputs], new int[outputs]);
        if (_weights.Length < outputs * _stride) _weights = new int[outputs * _stride];
        if (_row.Length < _stride) _row = new double[_stride];
        double[] row = _row;
        for (int o = 0; o < outputs; o++)
        {
            double center = boxStart + ((firstOutput + o + 0.5) * scale);
            int first = (int)Math.Clamp(center - halfWidth + 0.5, 0, length - 1);
            int end = (int)Math.Clamp(center + halfWidth + 0.5, first + 1, length);
            double sum = 0;
            for (int i = 0; i < end - first; i++)
            {
                row[i] = Math.Max(0, 1 - Math.Abs((first + i + 0.5 - center) / halfWidth));
                sum += row[i];
            }

            _first[o] = first;
            _count[o] = end - first;
            for (int i = 0; i < end - first; i++)
            {
                _weights[(o * _stride) + i] = (int)((row[i] / sum * (1 << FractionBits)) + 0.5);
            }
        }
    }

    /// <summary>First input that any output looks at.</summary>
    public int InputStart => _first[0];

    /// <summary>One past the last input that any output looks at.</summary>
    public int InputEnd => _first[Outputs - 1] + _count[Outputs - 1];

    /// <summary>Number of outputs.</summary>
    public int Outputs { get; private set; }

    /// <summary>First input of an output.</summary>
    public int First(int output) => _first[output];

    /// <summary>Weights of an output, for consecutive inputs.</summary>
    public ReadOnlySpan<int> Weights(int output) => _weights.AsSpan(output * _stride, _count[output]);
}
