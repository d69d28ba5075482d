using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Pool;

namespace Thomas.Ops;

/// <summary>dL/dx of average pooling: each window's gradient in equal parts. Operand: dy [n,oh,ow,c]; result [n,h,w,c].</summary>
internal sealed partial class AveragePool2dGradient : Op
{
    /// <inheritdoc/>
    public override string Name => "AveragePool2dGradient";

    /// <inheritdoc/>
    public override string Formula =>
        "dx[n,h,w,c] = sum of dy[n,p,q,c] / k(p,q) over the windows (p,q) that hold (h,w), k = taps inside x, or with padding counted kH*kW";

    internal override bool IsTrainingOnly => true;

    internal override string NoGradientReason => "it is a gradient itself, and training needs first derivatives only";

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 1);
        AveragePool2dGradientAttributes a = (AveragePool2dGradientAttributes)attributes;
        PoolingRules.Check(a.Window);
        Shape dy = inputs[0].Shape;
        Require(dy.Rank == 4, $"expects dy NHWC, got {dy}");
        Shape x = new(dy[0], a.InputH, a.InputW, dy[3]);
        Require(a.Window.OutputShape(x, dy[3]) == dy, $"dy {dy} is not the shape of pooling {x} with {a.Window}");
        return [new TensorType(DType.F32, x)];
    }

    internal override long Elementwise(Node node)
    {
        Window2d window = ((AveragePool2dGradientAttributes)node.Attributes).Window;
        return node.Inputs[0].Shape.ElementCount * (long)window.KernelH * window.KernelW;
    }

    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) => new Kernel(node);

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        AveragePool2dGradientAttributes a = args.Attributes<AveragePool2dGradientAttributes>();
        Span<T> dx = args.Output.Span;
        double[] sums = new double[dx.Length];
        PoolingRules.ForEachWindow(args.Output.Shape, args.Inputs[0].Shape, a.Window, (index, taps, counted) =>
        {
            double share = double.CreateTruncating(args.Inputs[0].Span[index]) / (a.CountPadding ? counted : taps.Length);
            foreach (int tap in taps) sums[tap] += share;
        });
        for (int i = 0; i < dx.Length; i++) dx[i] = T.CreateTruncating(sums[i]);
    }

    private sealed unsafe class Kernel : CpuKernel
    {
        private readonly AveragePoolingGradient _gradient;
        private float* _dy;
        private float* _dx;

        public Kernel(Node node)
        {
            AveragePool2dGradientAttributes a = (AveragePool2dGradientAttributes)node.Attributes;
            Padding2d padding = a.Window.Padding;
            Shape dx = node.Output.Shape;
            _gradient = new AveragePoolingGradient(a.Window.ToGeometry(dx, node.Inputs[0].Shape, dx[3]), a.CountPadding, padding.Bottom, padding.Right);
        }

        public override string Name => _gradient.KernelName;

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            _dy = (float*)inputs[0];
            _dx = (float*)outputs[0];
        }

        public override int Items(int phase) => _gradient.Items;

        public override void Run(int phase, int begin, int end, int thread) => _gradient.RunItems(_dy, _dx, begin, end);
    }
}
