using System;
using Thomas.Graphs;
using Thomas.Kernels;

namespace Thomas.Ops;

/// <summary>Runs a function of two 8-bit tensors with broadcasting, as <see cref="BroadcastKernel"/> does.</summary>
internal sealed unsafe class QuantizedBinaryKernel : CpuKernel
{
    private const int Piece = 1 << 13;

    private readonly Loop _loop;
    private readonly int _rowLength;
    private readonly int _pieces;
    private readonly int _rows;
    private readonly int[] _sizes;
    private readonly int[] _stridesA;
    private readonly int[] _stridesB;
    private byte* _a;
    private byte* _b;
    private byte* _y;

    public QuantizedBinaryKernel(string name, Node node, Loop loop)
    {
        Name = name;
        _loop = loop;
        (int[] sizes, _stridesA, _stridesB) = BroadcastAxes.Of(node.Inputs[0].Shape, node.Inputs[1].Shape, node.Output.Shape);
        _sizes = sizes;
        _rowLength = sizes[0];
        _pieces = (_rowLength + Piece - 1) / Piece;
        _rows = node.Output.Shape.ElementCount / _rowLength;
    }

    /// <summary>Computes runs of elements; y may be a or b.</summary>
    public delegate void Loop(byte* a, byte* b, byte* y, nint count);

    public override string Name { get; }

    public override bool WritesFloats => false;

    public override bool ReadsFloats(int input) => false;

    public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
    {
        _a = (byte*)inputs[0];
        _b = (byte*)inputs[1];
        _y = (byte*)outputs[0];
    }

    public override int Items(int phase) => _rows * _pieces;

    public override void Run(int phase, int begin, int end, int thread)
    {
        byte* repeatedA = stackalloc byte[Piece], repeatedB = stackalloc byte[Piece];
        for (int item = begin; item < end; item++)
        {
            int rest = item / _pieces, from = item % _pieces * Piece, count = Math.Min(Piece, _rowLength - from);
            byte* a = _a, b = _b, y = _y + ((nint)rest * _rowLength) + from;
            for (int axis = 1; axis < _sizes.Length; axis++)
            {
                int index = rest % _sizes[axis];
                rest /= _sizes[axis];
                a += (nint)index * _stridesA[axis];
                b += (nint)index * _stridesB[axis];
            }

            _loop(Row(a, _stridesA[0], from, count, repeatedA), Row(b, _stridesB[0], from, count, repeatedB), y, count);
        }
    }

    /// <summary>The operand's part of a row; one number that stretches is repeated in a buffer.</summary>
    private static byte* Row(byte* operand, int stride, int from, int count, byte* buffer)
    {
        if (stride != 0) return operand + from;
        new Span<byte>(buffer, count).Fill(*operand);
        return buffer;
    }
}
