using System;
using Thomas.Kernels.Elementwise;
using Thomas.Runtime;

namespace Thomas.Kernels.Gemm;

/// <summary>
/// C = op(A) * op(B) + bias, float32 row-major, where op is the matrix or its transpose and both operands change from call to call, as
/// in training: logits = X * W^T + b, gradWeight = dY^T * X. B is packed anew in each call, then a <see cref="MatrixProduct"/> runs.
/// Bits do not depend on the thread count. One call at a time; a call allocates nothing.
/// </summary>
internal sealed unsafe class MatrixMultiply : IParallelWork
{
    private const int PackPhase = 0;
    private const int MultiplyPhase = 1;

    private readonly MatrixProduct _product;
    private readonly int _n;
    private readonly int _k;
    private readonly bool _transposedB;
    private MatrixProductArgs _args;
    private float* _b;
    private nint _strideB;
    private float* _bias;
    private byte* _scratch;

    /// <summary>Plans the product.</summary>
    /// <param name="m">Rows of C.</param>
    /// <param name="n">Columns of C.</param>
    /// <param name="k">Length of the sums.</param>
    /// <param name="transposedA">True when A is stored as [k, m], not [m, k].</param>
    /// <param name="transposedB">True when B is stored as [n, k], not [k, n].</param>
    /// <param name="threads">Threads of the teams that will run it, at most.</param>
    public MatrixMultiply(int m, int n, int k, bool transposedA, bool transposedB, int threads)
    {
        _product = MatrixProduct.ForMatrix(m, n, k, Activation.None, threads, transposedA);
        (_n, _k, _transposedB) = (n, k, transposedB);
        PackedBytes = (PackedMatrix.Bytes(k, n) + 63) & ~(nuint)63;
        WorkspaceBytes = PackedBytes + ((nuint)threads * _product.WorkspaceBytes);
        Threads = threads;
    }

    /// <summary>Bytes of scratch memory that a call needs, 64-byte aligned.</summary>
    public nuint WorkspaceBytes { get; }

    private nuint PackedBytes { get; }

    private int Threads { get; }

    /// <summary>Computes the product.</summary>
    /// <param name="team">Threads to share the work.</param>
    /// <param name="a">A as stored.</param>
    /// <param name="strideA">Floats from one stored row of A to the next.</param>
    /// <param name="b">B as stored.</param>
    /// <param name="strideB">Floats from one stored row of B to the next.</param>
    /// <param name="bias">n values added to every row, or null.</param>
    /// <param name="c">The result; not A's or B's memory.</param>
    /// <param name="strideC">Floats from one row of C to the next.</param>
    /// <param name="workspace"><see cref="WorkspaceBytes"/> bytes.</param>
    /// <exception cref="ArgumentException">The team has more threads than were planned for.</exception>
    public void Run(ThreadTeam team, float* a, nint strideA, float* b, nint strideB, float* bias, float* c, nint strideC, byte* workspace)
    {
        if (team.Threads > Threads)
            throw new ArgumentException($"The product was planned for {Threads} threads, the team has {team.Threads}.", nameof(team));
        _args = new MatrixProductArgs { A = a, StrideA = strideA, PackedB = (float*)workspace, C = c, StrideC = strideC };
        _b = b;
        _strideB = strideB;
        _bias = bias;
        _scratch = workspace + PackedBytes;
        team.Run(this, PackPhase, PackedMatrix.Panels(_n));
        team.Run(this, MultiplyPhase, _product.Items);
    }

    void IParallelWork.Run(int phase, int begin, int end, int thread)
    {
        if (phase == MultiplyPhase)
            _product.RunItems(_args, begin, end, _scratch + ((nuint)thread * _product.WorkspaceBytes));
        else if (_transposedB)
            PackedMatrix.PackTransposedPanels(_b, _strideB, _k, _n, _bias, _args.PackedB, begin, end);
        else
            PackedMatrix.PackPanels(_b, _strideB, _k, _n, _bias, _args.PackedB, begin, end);
    }
}
