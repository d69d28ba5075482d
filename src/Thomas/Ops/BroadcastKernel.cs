using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Elementwise;

namespace Thomas.Ops;

/// <summary>What the operands of a row of a broadcast are.</summary>
internal enum BroadcastRow
{
    /// <summary>Two arrays.</summary>
    Arrays,

    /// <summary>One number and an array.</summary>
    ScalarA,

    /// <summary>An array and one number.</summary>
    ScalarB,
}

/// <summary>
/// Runs a binary operator with broadcasting. Neighboring axes along which both operands behave alike are joined; what is left innermost
/// is a row of arrays or of an array and a number.
/// </summary>
internal sealed unsafe class BroadcastKernel : CpuKernel
{
    private const int Piece = 4096;
    private const int RepeatedFloats = 1024;

    private readonly BinaryOp _op;
    private readonly BroadcastRow _form;
    private readonly int _rowLength;
    private readonly int _rows;
    private readonly int[] _sizes;
    private readonly int[] _stridesA;
    private readonly int[] _stridesB;
    private readonly bool _repeatsA;
    private readonly bool _repeatsB;
    private float* _a;
    private float* _b;
    private float* _y;

    public BroadcastKernel(BinaryOp op, Node node)
    {
        _op = op;
        Shape shape = node.Output.Shape;
        (int[] sizes, int[] stridesA, int[] stridesB) = BroadcastAxes.Of(node.Inputs[0].Shape, node.Inputs[1].Shape, shape);

        // Innermost first. An operand that stretches along the innermost joined axis is one number there.
        _rowLength = sizes[0];
        _form = stridesA[0] == 0 ? BroadcastRow.ScalarA : stridesB[0] == 0 ? BroadcastRow.ScalarB : BroadcastRow.Arrays;
        _sizes = [.. sizes[1..]];
        _stridesA = [.. stridesA[1..]];
        _stridesB = [.. stridesB[1..]];
        _rows = _rowLength == 0 ? 0 : shape.ElementCount / _rowLength;

        // Short rows of one operand that come again and again, such as one number for each channel: they are repeated in a buffer, so that calls are for many
        // rows.
        bool shortRows = _form == BroadcastRow.Arrays && _sizes.Length > 0 && 2 * _rowLength <= RepeatedFloats;
        _repeatsA = shortRows && _stridesA[0] == 0 && _stridesB[0] == _rowLength;
        _repeatsB = shortRows && _stridesB[0] == 0 && _stridesA[0] == _rowLength;
    }

    public override string Name => ElementwiseLoop.KernelName(_op.Name.ToLowerInvariant());

    public override int PieceElements => _rows == 1 ? Piece : 0;

    public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
    {
        _a = (float*)inputs[0];
        _b = (float*)inputs[1];
        _y = (float*)outputs[0];
    }

    public override int Items(int phase) => _rows == 1 ? (_rowLength + Piece - 1) / Piece : _rows;

    public override void Run(int phase, int begin, int end, int thread)
    {
        if (_rows == 1)
        {
            int from = begin * Piece, count = Math.Min(end * Piece, _rowLength) - from;
            _op.Row(_form, _form == BroadcastRow.ScalarA ? _a : _a + from, _form == BroadcastRow.ScalarB ? _b : _b + from, _y + from, count);
            return;
        }

        float* buffer = stackalloc float[RepeatedFloats];
        float* repeated = null;
        int most = _repeatsA || _repeatsB ? RepeatedFloats / _rowLength : 1;
        for (int row = begin, count; row < end; row += count)
        {
            nint offsetA = 0, offsetB = 0;
            int rest = row;
            for (int axis = 0; axis < _sizes.Length; axis++)
            {
                int index = rest % _sizes[axis];
                rest /= _sizes[axis];
                offsetA += (nint)index * _stridesA[axis];
                offsetB += (nint)index * _stridesB[axis];
            }

            float* a = _a + offsetA, b = _b + offsetB, y = _y + ((nint)row * _rowLength);
            count = Math.Min(Math.Min(most, end - row), _sizes[0] - (row % _sizes[0]));
            if (count > 1)
            {
                float* source = _repeatsA ? a : b;
                if (repeated != source)
                {
                    for (int i = 0; i < most; i++) Memory.Copy(source, buffer + (i * _rowLength), _rowLength);
                    repeated = source;
                }

                if (_repeatsA) a = buffer;
                else b = buffer;
            }

            _op.Row(_form, a, b, y, count * _rowLength);
        }
    }
}
