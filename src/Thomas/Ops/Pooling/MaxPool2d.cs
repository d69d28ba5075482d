using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Pool;

namespace Thomas.Ops;

/// <summary>Settings of max pooling.</summary>
/// <param name="Window">Window size, stride, dilation and padding; padding never wins.</param>
internal sealed record MaxPool2dAttributes(Window2d Window) : OpAttributes;

/// <summary>Maximum of each window of an NHWC tensor; NaN if the window holds one. Every window must cover at least one real element.</summary>
internal sealed partial class MaxPool2d : Op
{
    /// <inheritdoc/>
    public override string Name => "MaxPool2d";

    /// <inheritdoc/>
    public override string Formula => "y[n,p,q,c] = max_{i,j} x[n, p*sH - top + i*dH, q*sW - left + j*dW, c] over taps inside x";

    internal override ElementTypes OperandTypes(int operand, OpAttributes attributes) => ElementTypes.F32 | QuantizedRules.Steps;

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 1);
        Window2d window = ((MaxPool2dAttributes)attributes).Window;
        PoolingRules.Check(window);
        return [new TensorType(inputs[0].DType, window.OutputShape(inputs[0].Shape, inputs[0].Shape.Rank == 4 ? inputs[0].Shape[3] : 0))];
    }

    internal override long Elementwise(Node node) =>
        node.Output.Shape.ElementCount * (long)((MaxPool2dAttributes)node.Attributes).Window.KernelH * ((MaxPool2dAttributes)node.Attributes).Window.KernelW;

    internal override void Gradient(GradientContext g) => g.Add(
        0, g.Emit(OpCatalog.MaxPool2dGradient, "gradInput", [Ordered(g, g.Input(0)), Ordered(g, g.Output), g.GradOutput], g.Attributes<MaxPool2dAttributes>()));

    /// <summary>The numbers, or for steps of 8 bits numbers in the same order.</summary>
    private static Value Ordered(GradientContext g, Value value) =>
        value.Type.DType == DType.F32 ? value : g.EmitAgain(OpCatalog.Cast, "numbers", [value], new CastAttributes(DType.F32)).Output;

    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context)
    {
        Window2d window = ((MaxPool2dAttributes)node.Attributes).Window;
        return ByteCopyKernel.Serves(node) ? QuantizedPoolingKernel.Max(node, window) : new PoolingKernel(node, window, PoolingKind.Max, default);
    }

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        Window2d window = args.Attributes<MaxPool2dAttributes>().Window;
        PoolingRules.ForEachWindow(args, window, static (input, taps, _) =>
        {
            T max = T.NegativeInfinity;
            foreach (int tap in taps) max = T.Max(max, input[tap]);
            return max;
        });
    }
}
