using System;

namespace Thomas.Kernels;

/// <summary>A kernel over equally long arrays x and y whose elements are independent; items are pieces that fit the first-level cache.</summary>
internal abstract unsafe class ElementwiseKernel(int count) : CpuKernel
{
    /// <summary>Elements of an item.</summary>
    public const int Piece = 4096;

    protected float* X { get; private set; }

    protected float* Y { get; private set; }

    public override int PieceElements => Piece;

    public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
    {
        X = (float*)inputs[0];
        Y = (float*)outputs[0];
    }

    public override int Items(int phase) => (count + Piece - 1) / Piece;

    public override void Run(int phase, int begin, int end, int thread) => RunElements(begin * Piece, Math.Min(end * Piece, count) - (begin * Piece));

    /// <summary>Does elements [begin, begin + count).</summary>
    protected abstract void RunElements(int begin, int count);
}
