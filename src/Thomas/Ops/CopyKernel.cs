using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Copy;

namespace Thomas.Ops;

/// <summary>Moves boxes of elements: transposes, slices, the parts of a concatenation, the inside of a padded tensor.</summary>
internal sealed unsafe class CopyKernel : CpuKernel
{
    private const int FillPiece = 1 << 16;

    private readonly Box[] _boxes;
    private readonly int _items;
    private readonly int _fillCount;
    private readonly float _fillValue;
    private float* _y;

    /// <param name="boxes">What to copy; box i reads operand i.</param>
    /// <param name="fillCount">Elements of the result to set first; 0 where the boxes cover it.</param>
    /// <param name="fillValue">What to set them to.</param>
    public CopyKernel(Box[] boxes, int fillCount = 0, float fillValue = 0)
    {
        _boxes = boxes;
        _fillCount = fillCount;
        _fillValue = fillValue;
        foreach (Box box in boxes) _items += box.Copy.Items;
    }

    public override string Name => _fillCount > 0 ? "x32_pad" : _boxes[0].Copy.KernelName;

    public override int Phases => 2;

    public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
    {
        _y = (float*)outputs[0];
        for (int i = 0; i < _boxes.Length; i++)
        {
            _boxes[i].Source = (float*)inputs[i] + _boxes[i].SourceOffset;
            _boxes[i].Target = _y + _boxes[i].TargetOffset;
        }
    }

    public override int Items(int phase) => phase == 0 ? (_fillCount + FillPiece - 1) / FillPiece : _items;

    public override void Run(int phase, int begin, int end, int thread)
    {
        if (phase == 0)
        {
            int from = begin * FillPiece;
            new Span<float>(_y + from, Math.Min(end * FillPiece, _fillCount) - from).Fill(_fillValue);
            return;
        }

        int start = 0;
        foreach (Box box in _boxes)
        {
            int first = Math.Max(begin - start, 0), last = Math.Min(end - start, box.Copy.Items);
            if (first < last) box.Copy.RunItems(box.Source, box.Target, first, last);
            start += box.Copy.Items;
        }
    }

    /// <summary>The strides of a row-major tensor.</summary>
    public static nint[] Strides(Shape shape) => Array.ConvertAll(shape.Strides(), static stride => (nint)stride);

    /// <summary>One box: a copy with the offsets of its first element.</summary>
    public sealed class Box(StridedCopy copy, nint sourceOffset, nint targetOffset)
    {
        public StridedCopy Copy { get; } = copy;

        public nint SourceOffset { get; } = sourceOffset;

        public nint TargetOffset { get; } = targetOffset;

        public float* Source { get; set; }

        public float* Target { get; set; }
    }
}
