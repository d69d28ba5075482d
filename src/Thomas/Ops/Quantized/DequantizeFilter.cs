using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Quantized;

namespace Thomas.Ops;

/// <summary>Settings of <see cref="DequantizeFilter"/>.</summary>
/// <param name="Grid">Scales and zero points: one, or one for each index of an axis.</param>
internal sealed record DequantizeFilterAttributes(Quantization Grid) : OpAttributes
{
    /// <inheritdoc/>
    public override string ToString() => $"{{ scales = {Grid.Scales.Length} }}";
}

/// <summary>The real numbers of a layer's weights in steps, for gradients that pass through a layer that is not trained.</summary>
internal sealed partial class DequantizeFilter : Op
{
    /// <inheritdoc/>
    public override string Name => "DequantizeFilter";

    /// <inheritdoc/>
    public override string Formula => "y[c,i] = scale[c] * (x[c,i] - zero[c])";

    internal override bool IsTrainingOnly => true;

    internal override string NoGradientReason => "it is part of a gradient, and training needs first derivatives only";

    internal override ElementTypes OperandTypes(int operand, OpAttributes attributes) => QuantizedRules.Steps;

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 1);
        Quantization grid = ((DequantizeFilterAttributes)attributes).Grid;
        Shape shape = inputs[0].Shape;
        Require(
            grid.IsPerTensor || (grid.Axis < shape.Rank && shape[grid.Axis] == grid.Scales.Length), $"{grid.Scales.Length} scales do not fit {shape}");
        return [inputs[0] with { DType = DType.F32 }];
    }

    internal override long Elementwise(Node node) => 2L * node.Output.Shape.ElementCount;

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        Quantization grid = args.Attributes<DequantizeFilterAttributes>().Grid;
        Shape shape = args.Output.Shape;
        int inner = grid.IsPerTensor ? shape.ElementCount : shape.Product(grid.Axis + 1, shape.Rank);
        ReadOnlySpan<T> x = args.Inputs[0].Span;
        Span<T> y = args.Output.Span;
        for (int i = 0; i < y.Length; i++)
        {
            int c = i / inner % grid.Scales.Length;
            y[i] = T.CreateTruncating((int.CreateTruncating(x[i]) - grid.ZeroPoints[c]) * grid.Scales[c]);
        }
    }

    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) => new Kernel(node);

    private sealed unsafe class Kernel : CpuKernel
    {
        private readonly DequantizeKernel[] _channels;
        private readonly bool _isSigned;
        private readonly int _outer;
        private readonly int _inner;
        private byte* _x;
        private float* _y;

        public Kernel(Node node)
        {
            Quantization grid = ((DequantizeFilterAttributes)node.Attributes).Grid;
            Shape shape = node.Output.Shape;
            _isSigned = node.Inputs[0].Type.DType == DType.I8;
            (_outer, _inner) = grid.IsPerTensor ? (1, shape.ElementCount) : (shape.Product(0, grid.Axis), shape.Product(grid.Axis + 1, shape.Rank));
            _channels = new DequantizeKernel[grid.Scales.Length];
            for (int c = 0; c < _channels.Length; c++)
                _channels[c] = new DequantizeKernel(new QuantizedOperand(grid.Scales[c], grid.ZeroPoints[c], _isSigned));
        }

        public override string Name => "i8_to_f32_filter";

        public override bool ReadsFloats(int input) => false;

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            _x = (byte*)inputs[0];
            _y = (float*)outputs[0];
        }

        public override int Items(int phase) => _channels.Length;

        public override void Run(int phase, int begin, int end, int thread)
        {
            for (int o = 0; o < _outer; o++)
            {
                for (int c = begin; c < end; c++)
                {
                    nint at = (((nint)o * _channels.Length) + c) * _inner;
                    if (_inner > 1) _channels[c].Run(_x + at, _y + at, _inner);
                    else _y[at] = _channels[c].Apply(_isSigned ? (sbyte)_x[at] : _x[at]);
                }
            }
        }
    }
}
