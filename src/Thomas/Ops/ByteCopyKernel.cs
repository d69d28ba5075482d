using System;
using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Kernels;

namespace Thomas.Ops;

/// <summary>Moves boxes of 8-bit elements, as <see cref="CopyKernel"/> does larger ones.</summary>
internal sealed unsafe class ByteCopyKernel : CpuKernel
{
    private readonly List<Box> _boxes = [];
    private readonly int _fillCount;
    private readonly byte _fill;
    private int _rows;
    private byte* _y;

    /// <param name="fillCount">Elements of the result to set first; 0 where the boxes cover it.</param>
    /// <param name="fill">What to set them to.</param>
    public ByteCopyKernel(int fillCount = 0, byte fill = 0) => (_fillCount, _fill) = (fillCount, fill);

    public override string Name => _fillCount > 0 ? "x8_pad" : "x8_copy";

    public override int Phases => 2;

    public override bool WritesFloats => false;

    /// <summary>Whether a node's elements have 8 bits.</summary>
    public static bool Serves(Node node) => node.Inputs[0].Type.DType is DType.I8 or DType.U8;

    public override bool ReadsFloats(int input) => false;

    /// <summary>Adds a box, of the operand after the last one's.</summary>
    /// <param name="dims">Its sizes.</param>
    /// <param name="source">Strides in the operand.</param>
    /// <param name="target">Strides in the result.</param>
    /// <param name="sourceOffset">Its first element in the operand.</param>
    /// <param name="targetOffset">Its first element in the result.</param>
    public ByteCopyKernel Add(ReadOnlySpan<int> dims, nint[] source, nint[] target, nint sourceOffset = 0, nint targetOffset = 0)
    {
        Box box = new(dims.ToArray(), source, target, sourceOffset, targetOffset, _rows);
        _boxes.Add(box);
        _rows += box.Rows;
        return this;
    }

    public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
    {
        _y = (byte*)outputs[0];
        for (int i = 0; i < _boxes.Count; i++) _boxes[i].X = (byte*)inputs[i];
    }

    public override int Items(int phase) => phase == 0 ? (_fillCount > 0 ? 1 : 0) : _rows;

    public override void Run(int phase, int begin, int end, int thread)
    {
        if (phase == 0)
        {
            new Span<byte>(_y, _fillCount).Fill(_fill);
            return;
        }

        foreach (Box box in _boxes)
        {
            int last = Math.Min(end, box.FirstRow + box.Rows);
            for (int row = Math.Max(begin, box.FirstRow); row < last; row++) box.CopyRow(row - box.FirstRow, _y);
        }
    }

    /// <summary>One box, in rows along its last axis.</summary>
    private sealed class Box
    {
        private readonly int[] _dims;
        private readonly nint[] _source;
        private readonly nint[] _target;
        private readonly nint _sourceOffset;
        private readonly nint _targetOffset;

        public Box(int[] dims, nint[] source, nint[] target, nint sourceOffset, nint targetOffset, int firstRow)
        {
            (_dims, _source, _target) = dims.Length == 0 ? ([1], [1], [1]) : (dims, source, target);
            (_sourceOffset, _targetOffset, FirstRow) = (sourceOffset, targetOffset, firstRow);
            Rows = 1;
            foreach (int size in _dims.AsSpan(0, _dims.Length - 1)) Rows *= size;
        }

        public int FirstRow { get; }

        public int Rows { get; }

        public byte* X { get; set; }

        public void CopyRow(int row, byte* y)
        {
            int last = _dims.Length - 1;
            nint from = _sourceOffset, to = _targetOffset;
            for (int axis = last - 1; axis >= 0; axis--)
            {
                from += row % _dims[axis] * _source[axis];
                to += row % _dims[axis] * _target[axis];
                row /= _dims[axis];
            }

            if (_source[last] == 1 && _target[last] == 1)
            {
                Buffer.MemoryCopy(X + from, y + to, _dims[last], _dims[last]);
                return;
            }

            for (int i = 0; i < _dims[last]; i++) y[to + (i * _target[last])] = X[from + (i * _source[last])];
        }
    }
}
