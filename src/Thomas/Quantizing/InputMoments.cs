using System;
using System.Numerics;
using System.Threading;
using Thomas.Data;
using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Quantizing;

/// <summary>
/// What a layer reads, as sums over calibration images: means and products of the numbers in the windows of some output pixels. A window is a row of numbers in
/// the order of the layer's weights; each group of channels has rows of its own.
/// </summary>
internal sealed class InputMoments
{
    /// <summary>Pixels of an image that are looked at: neighbors say nearly the same.</summary>
    private const int PixelsPerImage = 64;

    /// <summary>Rows of a matrix that a thread takes at a time.</summary>
    private const int Block = 32;

    private readonly Window2d _window;
    private readonly Shape _x;
    private readonly int _outH;
    private readonly int _outW;
    private readonly int _channels;
    private readonly int _pixels;
    private readonly double[] _sums;
    private readonly double[] _squares;
    private readonly float[] _rows;

    /// <summary>Prepares for a layer.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="mostInputs">Rows longer than this get means only, without products.</param>
    public InputMoments(LinearNode layer, int mostInputs)
    {
        Node node = layer.Node;
        _x = node.Inputs[0].Shape;
        Shape y = node.Output.Shape;
        int width = _x[-1];
        Groups = node.Op is DepthwiseConv2d ? width : node.Attributes is Conv2dAttributes conv ? conv.Groups : 1;
        _window = node.Attributes switch
        {
            Conv2dAttributes a => a.Window,
            DepthwiseConv2dAttributes a => a.Window,
            _ => new Window2d(1, 1),
        };
        _channels = width / Groups;
        Length = _window.KernelH * _window.KernelW * _channels;
        HasProducts = Length <= mostInputs;
        (_outH, _outW) = y.Rank == 4 ? (y[1], y[2]) : (1, 1);
        _pixels = Math.Min(PixelsPerImage, _outH * _outW);
        _sums = new double[Groups * Length];
        _squares = new double[HasProducts ? Groups * Length * Length : 0];
        _rows = new float[_pixels * Groups * Length];
    }

    /// <summary>Groups of channels that do not mix.</summary>
    public int Groups { get; }

    /// <summary>Numbers that one output reads.</summary>
    public int Length { get; }

    /// <summary>Whether products are summed.</summary>
    public bool HasProducts { get; }

    /// <summary>Rows that were seen.</summary>
    public long Count { get; private set; }

    /// <summary>Bytes that the sums for a layer take.</summary>
    public static long BytesFor(LinearNode layer, int mostInputs)
    {
        InputMoments shape = new(layer, 0);
        return shape.Length <= mostInputs ? (long)shape.Groups * shape.Length * shape.Length * sizeof(double) : 0;
    }

    /// <summary>Mean of input i of a group.</summary>
    public double Mean(int group, int i) => _sums[(group * Length) + i] / Count;

    /// <summary>The covariance of the inputs of a group: E[x xT] - E[x] E[x]T.</summary>
    public double[] Covariance(int group)
    {
        double[] matrix = _squares.AsSpan(group * Length * Length, Length * Length).ToArray();
        for (int k = 0; k < Length; k++)
        {
            for (int i = 0; i < Length; i++) matrix[(k * Length) + i] = (matrix[(k * Length) + i] / Count) - (Mean(group, k) * Mean(group, i));
        }

        return matrix;
    }

    /// <summary>Takes an image.</summary>
    /// <param name="image">Which it is; it chooses the pixels.</param>
    /// <param name="x">The layer's input.</param>
    /// <param name="threads">Threads for the products; 0 means one for each processor.</param>
    public void Add(int image, ReadOnlySpan<float> x, int threads)
    {
        Rng rng = new Rng(0).Fork((ulong)image);
        int all = _outH * _outW;
        for (int p = 0; p < _pixels; p++)
        {
            // One pixel of each stretch of so many, so that the whole image is covered.
            int from = (int)((long)p * all / _pixels), to = (int)((long)(p + 1) * all / _pixels), pixel = from + rng.Next(to - from);
            Gather(x, pixel, _rows.AsSpan(p * Groups * Length));
        }

        Count += _pixels;
        for (int p = 0; p < _pixels; p++)
        {
            for (int i = 0, at = p * Groups * Length; i < _sums.Length; i++, at++) _sums[i] += _rows[at];
        }

        if (!HasProducts) return;
        int blocks = (Length + Block - 1) / Block;
        if (blocks == 1)
        {
            for (int g = 0; g < Groups; g++) AddProducts(g, 0, Length);
            return;
        }

        Workers.Run(Groups * blocks, threads, item =>
        {
            int begin = item % blocks * Block;
            AddProducts(item / blocks, begin, Math.Min(begin + Block, Length));
        }, CancellationToken.None);
    }

    /// <summary>The numbers of a window, group by group, zeros where it leaves the image.</summary>
    private void Gather(ReadOnlySpan<float> x, int pixel, Span<float> row)
    {
        if (_x.Rank != 4)
        {
            x[..Length].CopyTo(row);
            return;
        }

        int top = (pixel / _outW * _window.StrideH) - _window.Padding.Top, left = (pixel % _outW * _window.StrideW) - _window.Padding.Left;
        int tap = 0;
        for (int i = 0; i < _window.KernelH; i++)
        {
            for (int j = 0; j < _window.KernelW; j++, tap++)
            {
                int y = top + (i * _window.DilationH), column = left + (j * _window.DilationW);
                bool isInside = (uint)y < (uint)_x[1] && (uint)column < (uint)_x[2];
                ReadOnlySpan<float> taken = isInside ? x.Slice(((y * _x[2]) + column) * _x[3], _x[3]) : default;
                for (int g = 0; g < Groups; g++)
                {
                    Span<float> target = row.Slice((g * Length) + (tap * _channels), _channels);
                    if (isInside) taken.Slice(g * _channels, _channels).CopyTo(target);
                    else target.Clear();
                }
            }
        }
    }

    /// <summary>Adds the products of rows [begin, end) of the matrix of a group.</summary>
    private void AddProducts(int group, int begin, int end)
    {
        int stride = Groups * Length;
        float[] squares = new float[Length];
        for (int k = begin; k < end; k++)
        {
            Array.Clear(squares);
            for (int p = 0; p < _pixels; p++)
            {
                int at = (p * stride) + (group * Length);
                ReadOnlySpan<float> row = _rows.AsSpan(at, Length);
                AddScaled(row, _rows[at + k], squares);
            }

            int to = ((group * Length) + k) * Length;
            for (int i = 0; i < Length; i++) _squares[to + i] += squares[i];
        }
    }

    private static void AddScaled(ReadOnlySpan<float> row, float factor, Span<float> sum)
    {
        if (factor == 0) return;
        int i = 0;
        Vector<float> factors = new(factor);
        for (; i <= row.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            (new Vector<float>(sum[i..]) + (factors * new Vector<float>(row[i..]))).CopyTo(sum[i..]);
        }

        for (; i < row.Length; i++) sum[i] += factor * row[i];
    }
}
