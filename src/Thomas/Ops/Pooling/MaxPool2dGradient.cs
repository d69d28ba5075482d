using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Pool;

namespace Thomas.Ops;

/// <summary>
/// dL/dx of max pooling: of each window, the first element in row-major order that is not below the maximum gets the gradient, as in PyTorch. Operands:
/// x [n,h,w,c], y and dy [n,oh,ow,c]; result [n,h,w,c].
/// </summary>
internal sealed partial class MaxPool2dGradient : Op
{
    /// <inheritdoc/>
    public override string Name => "MaxPool2dGradient";

    /// <inheritdoc/>
    public override string Formula => "dx[n,h,w,c] = sum of dy[n,p,q,c] over the windows (p,q) whose first tap with x >= y[n,p,q,c] is (h,w)";

    internal override bool IsTrainingOnly => true;

    internal override string NoGradientReason => "it is a gradient itself, and training needs first derivatives only";

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 3);
        Window2d window = ((MaxPool2dAttributes)attributes).Window;
        PoolingRules.Check(window);
        Shape x = inputs[0].Shape, y = inputs[1].Shape;
        Require(
            x.Rank == 4 && window.OutputShape(x, x[3]) == y && inputs[2].Shape == y,
            $"y {y} and dy {inputs[2].Shape} are not the shape of pooling {x} with {window}");
        return [inputs[0]];
    }

    internal override long Elementwise(Node node) =>
        node.Inputs[1].Shape.ElementCount * (long)((MaxPool2dAttributes)node.Attributes).Window.KernelH * ((MaxPool2dAttributes)node.Attributes).Window.KernelW;

    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) => new Kernel(node);

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        Window2d window = args.Attributes<MaxPool2dAttributes>().Window;
        Span<T> dx = args.Output.Span;
        double[] sums = new double[dx.Length];
        PoolingRules.ForEachWindow(args.Inputs[0].Shape, args.Inputs[1].Shape, window, (index, taps, _) =>
        {
            foreach (int tap in taps)
            {
                if (args.Inputs[0].Span[tap] < args.Inputs[1].Span[index]) continue;
                sums[tap] += double.CreateTruncating(args.Inputs[2].Span[index]);
                return;
            }
        });
        for (int i = 0; i < dx.Length; i++) dx[i] = T.CreateTruncating(sums[i]);
    }

    private sealed unsafe class Kernel : CpuKernel
    {
        private readonly MaxPoolingGradient _gradient;
        private float* _x;
        private float* _y;
        private float* _dy;
        private float* _dx;

        public Kernel(Node node)
        {
            Shape x = node.Inputs[0].Shape;
            _gradient = new MaxPoolingGradient(((MaxPool2dAttributes)node.Attributes).Window.ToGeometry(x, node.Inputs[1].Shape, x[3]));
        }

        public override string Name => _gradient.KernelName;

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            _x = (float*)inputs[0];
            _y = (float*)inputs[1];
            _dy = (float*)inputs[2];
            _dx = (float*)outputs[0];
        }

        public override int Items(int phase) => _gradient.Items;

        public override void Run(int phase, int begin, int end, int thread) => _gradient.RunItems(_x, _y, _dy, _dx, begin, end);
    }
}
