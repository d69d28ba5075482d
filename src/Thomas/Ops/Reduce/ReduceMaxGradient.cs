using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Reduce;

namespace Thomas.Ops;

/// <summary>
/// dL/dx of a maximum: the first of the elements that are not below the maximum gets the gradient, as in PyTorch's maximum along one axis. Operands: x [o,r,i],
/// y [o,i], dy [o,i], where r counts the reduced elements; result [o,r,i].
/// </summary>
internal sealed partial class ReduceMaxGradient : Op
{
    /// <inheritdoc/>
    public override string Name => "ReduceMaxGradient";

    /// <inheritdoc/>
    public override string Formula => "dx[o,r,i] = r is the first with x[o,r,i] >= y[o,i] ? dy[o,i] : 0";

    internal override bool IsTrainingOnly => true;

    internal override string NoGradientReason => "it is a gradient itself, and training needs first derivatives only";

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 3);
        Shape x = inputs[0].Shape, y = inputs[1].Shape, dy = inputs[2].Shape;
        Require(x.Rank == 3 && y == new Shape(x[0], x[2]) && dy == y, $"x {x}, y {y} and dy {dy} must be [o,r,i], [o,i] and [o,i]");
        return [inputs[0]];
    }

    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) => new Kernel(node.Output.Shape);

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        Shape shape = args.Output.Shape;
        int reduced = shape[1], inner = shape[2];
        ReadOnlySpan<T> x = args.Inputs[0].Span, y = args.Inputs[1].Span, dy = args.Inputs[2].Span;
        Span<T> dx = args.Output.Span;
        dx.Clear();
        for (int i = 0; i < y.Length; i++)
        {
            int start = (i / inner * reduced * inner) + (i % inner);
            for (int r = 0; r < reduced; r++)
            {
                if (x[start + (r * inner)] < y[i]) continue;
                dx[start + (r * inner)] = dy[i];
                break;
            }
        }
    }

    private sealed unsafe class Kernel(Shape shape) : CpuKernel
    {
        private float* _x;
        private float* _y;
        private float* _dy;
        private float* _dx;

        public override string Name => ReductionMaxGradient.KernelName;

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            _x = (float*)inputs[0];
            _y = (float*)inputs[1];
            _dy = (float*)inputs[2];
            _dx = (float*)outputs[0];
        }

        public override int Items(int phase) => shape[0];

        public override void Run(int phase, int begin, int end, int thread) => ReductionMaxGradient.RunItems(_x, _y, _dy, _dx, shape[1], shape[2], begin, end);
    }
}
