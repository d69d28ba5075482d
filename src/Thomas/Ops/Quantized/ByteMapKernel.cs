using System;
using Thomas.Graphs;
using Thomas.Kernels;

namespace Thomas.Ops;

/// <summary>A function of single elements where the operand, the result or both have 8 bits.</summary>
internal sealed unsafe class ByteMapKernel : CpuKernel
{
    private const int Piece = 1 << 14;

    private readonly Loop _loop;
    private readonly long _count;
    private readonly int _xBytes;
    private readonly int _yBytes;
    private byte* _x;
    private byte* _y;

    /// <param name="name">The kernel's name.</param>
    /// <param name="node">Its node, with one operand.</param>
    /// <param name="loop">Computes a run of elements.</param>
    public ByteMapKernel(string name, Node node, Loop loop)
    {
        Name = name;
        _loop = loop;
        _count = node.Output.Shape.ElementCount;
        _xBytes = node.Inputs[0].Type.DType.SizeBytes();
        _yBytes = node.Output.Type.DType.SizeBytes();
    }

    /// <summary>Computes a run of elements.</summary>
    public delegate void Loop(byte* x, byte* y, nint count);

    public override string Name { get; }

    public override bool WritesFloats => false;

    public override bool ReadsFloats(int input) => false;

    public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
    {
        _x = (byte*)inputs[0];
        _y = (byte*)outputs[0];
    }

    public override int Items(int phase) => (int)((_count + Piece - 1) / Piece);

    public override void Run(int phase, int begin, int end, int thread)
    {
        nint first = (nint)begin * Piece, last = (nint)Math.Min((long)end * Piece, _count);
        _loop(_x + (first * _xBytes), _y + (first * _yBytes), last - first);
    }
}
