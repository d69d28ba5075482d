using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Quantized;

namespace Thomas.Ops;

/// <summary>Settings of <see cref="RoundedInputGradient"/>.</summary>
/// <param name="Grid">The zero points of the filter; its scales are an operand.</param>
/// <param name="Minimum">The smallest step.</param>
/// <param name="Maximum">The largest step.</param>
internal sealed record RoundedInputGradientAttributes(Quantization Grid, int Minimum, int Maximum) : OpAttributes
{
    /// <inheritdoc/>
    public override string ToString() => $"{{ scales = {Grid.Scales.Length}, range = [{Minimum},{Maximum}] }}";
}

/// <summary>
/// dL/dx of a 1x1 convolution with stride 1, of which the filter lies on a grid or is brought to one, for images of few pixels. Weights are made real row by
/// row, so that no float32 copy of them is needed. Operands: dy [n,h,w,cOut], filter [cOut,1,1,cIn] in steps, or in real numbers that are rounded, and its
/// scales, one or cOut of them; result [n,h,w,cIn].
/// </summary>
internal sealed partial class RoundedInputGradient : Op
{
    /// <summary>With more pixels a matrix product is faster, although it needs the real weights and a packed copy.</summary>
    private const int MostPixels = 64;

    /// <inheritdoc/>
    public override string Name => "RoundedInputGradient";

    /// <inheritdoc/>
    public override string Formula =>
        "dx[n,h,w,c] = sum_o dy[n,h,w,o] * s[o] * (q[o,c] - zero[o]), q = the filter, or clamp(round(filter / s[o]) + zero[o], min, max)";

    internal override bool IsTrainingOnly => true;

    internal override string NoGradientReason => "it is a gradient itself, and training needs first derivatives only";

    /// <summary>Whether it takes the place of a matrix product.</summary>
    public static bool Pays(Window2d window, int groups, Shape dy) => window == new Window2d(1, 1) && groups == 1 && dy.Product(0, 3) <= MostPixels;

    internal override ElementTypes OperandTypes(int operand, OpAttributes attributes) =>
        operand == 1 ? ElementTypes.F32 | QuantizedRules.Steps : ElementTypes.F32;

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RoundedInputGradientAttributes a = (RoundedInputGradientAttributes)attributes;
        RequireInputs(inputs, 3);
        Shape dy = inputs[0].Shape, filter = inputs[1].Shape;
        Require(dy.Rank == 4 && filter.Rank == 4 && filter[0] == dy[3] && filter[1] == 1 && filter[2] == 1, $"filter {filter} does not fit dy {dy}");
        Require(a.Grid.IsPerTensor || a.Grid.Scales.Length == dy[3], $"{a.Grid.Scales.Length} scales do not fit {dy[3]} output channels");
        Require(inputs[2].Shape == new Shape(a.Grid.Scales.Length), $"{inputs[2].Shape} scales are not {a.Grid.Scales.Length}");
        return [inputs[0] with { Shape = dy.With(3, filter[3]) }];
    }

    internal override long MultiplyAdds(Node node) => node.Output.Shape.ElementCount * (long)node.Inputs[1].Shape[0];

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        RoundedInputGradientAttributes a = args.Attributes<RoundedInputGradientAttributes>();
        bool isReal = args.Node.Inputs[1].Type.DType == DType.F32;
        ReadOnlySpan<T> dy = args.Inputs[0].Span, filter = args.Inputs[1].Span, scales = args.Inputs[2].Span;
        Span<T> dx = args.Output.Span;
        int outputs = args.Inputs[1].Shape[0], channels = args.Inputs[1].Shape[3];
        for (int i = 0; i < dx.Length; i++)
        {
            double sum = 0;
            int pixel = i / channels;
            for (int o = 0; o < outputs; o++)
            {
                int row = a.Grid.IsPerTensor ? 0 : o, zero = a.Grid.ZeroPoints[row];
                float scale = float.CreateTruncating(scales[row]), weight = float.CreateTruncating(filter[(o * channels) + (i % channels)]);
                int step = isReal ? new WeightGrid(a.Minimum, a.Maximum).Step(weight, scale, zero) : (int)weight;
                sum += double.CreateTruncating(dy[(pixel * outputs) + o]) * (isReal && float.IsNaN(weight) ? float.NaN : (step - zero) * scale);
            }

            dx[i] = T.CreateTruncating(sum);
        }
    }

    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) => new Kernel(node);

    private sealed unsafe class Kernel : CpuKernel
    {
        private readonly RoundedInputGradientAttributes _attributes;
        private readonly DType _type;
        private readonly RoundedRows _rows;
        private float* _dy;
        private byte* _filter;
        private float* _scales;
        private float* _dx;

        public Kernel(Node node)
        {
            _attributes = (RoundedInputGradientAttributes)node.Attributes;
            Shape filter = node.Inputs[1].Shape;
            _type = node.Inputs[1].Type.DType;
            _rows = new RoundedRows(node.Output.Shape.Product(0, 3), filter[0], filter[3]);
        }

        public override string Name => RoundedRows.KernelName;

        public override bool ReadsFloats(int input) => input != 1 || _type == DType.F32;

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            _dy = (float*)inputs[0];
            _filter = (byte*)inputs[1];
            _scales = (float*)inputs[2];
            _dx = (float*)outputs[0];
        }

        public override int Items(int phase) => _rows.Items;

        public override void Run(int phase, int begin, int end, int thread) => _rows.RunItems(
            _dy, _filter, _type == DType.F32, _type == DType.I8, _scales, _attributes.Grid.ZeroPoints, new WeightGrid(_attributes.Minimum, _attributes.Maximum),
            _dx, begin, end);
    }
}
