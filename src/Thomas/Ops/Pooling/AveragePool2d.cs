using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Activations;
using Thomas.Kernels.Pool;

namespace Thomas.Ops;

/// <summary>Settings of average pooling.</summary>
/// <param name="Window">Window size, stride and padding.</param>
/// <param name="CountPadding">Whether padding counts as zeros in the mean (ONNX count_include_pad) or is left out (TFLite).</param>
/// <param name="Activation">Applied to the mean.</param>
internal sealed record AveragePool2dAttributes(Window2d Window, bool CountPadding = false, Activation Activation = default) : OpAttributes;

/// <summary>Mean of each window of an NHWC tensor. Every window must cover at least one real element.</summary>
internal sealed partial class AveragePool2d : Op
{
    /// <inheritdoc/>
    public override string Name => "AveragePool2d";

    /// <inheritdoc/>
    public override string Formula =>
        "y[n,p,q,c] = f((1/k) sum_{i,j} x[n, p*sH - top + i*dH, q*sW - left + j*dW, c]), k = taps inside x, or with padding counted kH*kW";

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 1);
        Window2d window = ((AveragePool2dAttributes)attributes).Window;
        PoolingRules.Check(window);
        ActivationRules.Check(((AveragePool2dAttributes)attributes).Activation);
        return [new TensorType(DType.F32, window.OutputShape(inputs[0].Shape, inputs[0].Shape.Rank == 4 ? inputs[0].Shape[3] : 0))];
    }

    internal override long Elementwise(Node node) =>
        node.Output.Shape.ElementCount * (long)((AveragePool2dAttributes)node.Attributes).Window.KernelH
        * ((AveragePool2dAttributes)node.Attributes).Window.KernelW;

    internal override void Gradient(GradientContext g)
    {
        AveragePool2dAttributes a = g.Attributes<AveragePool2dAttributes>();
        Shape x = g.Input(0).Shape;
        Value dy = EpilogueGradient.Undo(g, a.Activation);
        g.Add(0, g.Emit(OpCatalog.AveragePool2dGradient, "gradInput", [dy], new AveragePool2dGradientAttributes(a.Window, x[1], x[2], a.CountPadding)));
    }

    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context)
    {
        AveragePool2dAttributes a = (AveragePool2dAttributes)node.Attributes;
        return new PoolingKernel(node, a.Window, a.CountPadding ? PoolingKind.AverageWithPadding : PoolingKind.Average, a.Activation);
    }

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        AveragePool2dAttributes a = args.Attributes<AveragePool2dAttributes>();
        ActivationFunction activation = a.Activation.Function;
        PoolingRules.ForEachWindow(args, a.Window, (input, taps, counted) =>
        {
            double sum = 0;
            foreach (int tap in taps) sum += double.CreateTruncating(input[tap]);
            return activation.Value(T.CreateTruncating(sum / (a.CountPadding ? counted : taps.Length)));
        });
    }
}
