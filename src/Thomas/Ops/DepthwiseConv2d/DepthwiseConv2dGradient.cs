using System;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Kernels.Depthwise;

namespace Thomas.Ops;

/// <summary>Settings of both gradients of a depthwise convolution.</summary>
/// <param name="Window">The forward window.</param>
/// <param name="InputH">Rows of the forward input.</param>
/// <param name="InputW">Columns of the forward input.</param>
/// <param name="InputActivation">What made the forward input: nothing or a clipping (relu, relu6, clip).</param>
/// <param name="X">The grid of the forward input where that is in steps; null for real numbers.</param>
internal sealed record DepthwiseConv2dGradientAttributes(
    Window2d Window, int InputH, int InputW, Activation InputActivation = default, StepGrid? X = null) : OpAttributes
{
    /// <summary>Whether the operator takes the gradient of the activation over.</summary>
    internal static bool Fuses(Activation activation) => ActivationCatalog.IsKnown(activation.Kind) && activation.Function.IsClip;

    /// <inheritdoc/>
    public override string ToString() =>
        $"{nameof(DepthwiseConv2dGradientAttributes)} {{ Window = {Window}, InputH = {InputH}, InputW = {InputW}, InputActivation = {InputActivation}"
        + $"{KeptOperand.Text("X", X)} }}";
}

/// <summary>
/// <see cref="DepthwiseConv2dInputGradient"/> and <see cref="DepthwiseConv2dFilterGradient"/> in one pass over memory, for windows of 3x3 with stride 1 or 2.
/// Operands: x, dy and filter as there; results: dx and dw. If x is the result of a clipping, dx is the gradient before it, and a third result sums that over
/// all axes but the last: the bias gradient of the layer before. The pass <c>fuse-depthwise-gradients</c> makes it of the others.
/// </summary>
internal sealed partial class DepthwiseConv2dGradient : Op
{
    /// <inheritdoc/>
    public override string Name => "DepthwiseConv2dGradient";

    /// <inheritdoc/>
    public override string Formula =>
        "dx[n,h,w,c] = f'(x[n,h,w,c]) * sum over i,j,p,q with p*s - top + i = h, q*s - left + j = w of dy[n,p,q,c] * filter[0,i,j,c]; "
        + "dw[0,i,j,c] = sum_{n,p,q} dy[n,p,q,c] * x[n, p*s - top + i, q*s - left + j, c]; db[c] = sum_{n,h,w} dx[n,h,w,c]";

    internal override bool IsTrainingOnly => true;

    internal override string NoGradientReason => "it is a gradient itself, and training needs first derivatives only";

    /// <summary>Whether there is a kernel for these shapes.</summary>
    internal static bool Fits(Window2d window, Shape x, Shape dy) => x[3] == dy[3] && DepthwiseJointGradient.Fits(window.ToGeometry(x, dy, x[3]));

    internal override ElementTypes OperandTypes(int operand, OpAttributes attributes) => operand switch
    {
        0 => KeptOperand.Types((attributes as DepthwiseConv2dGradientAttributes)?.X),
        2 => ElementTypes.Floats,
        _ => ElementTypes.F32,
    };

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        DepthwiseConv2dGradientAttributes a = (DepthwiseConv2dGradientAttributes)attributes;
        RequireInputs(inputs, 3);
        KeptOperand.Require(inputs[0], a.X);
        Shape x = inputs[0].Shape, dy = inputs[1].Shape, filter = inputs[2].Shape;
        Require(x.Rank == 4 && x[1] == a.InputH && x[2] == a.InputW && x[3] > 0, $"x {x} does not fit {a}");
        Require(a.Window.OutputShape(x, x[3]) == dy, $"dy {dy} is not the shape of a depthwise convolution of {x} with {a}");
        Require(filter == new Shape(1, a.Window.KernelH, a.Window.KernelW, x[3]), $"filter {filter} does not fit {x} and {a}");
        Require(Fits(a.Window, x, dy), $"there is no kernel for x {x} and {a}");
        Require(DepthwiseConv2dGradientAttributes.Fuses(a.InputActivation), $"the activation {a.InputActivation.Kind} must be a separate node");
        return a.InputActivation.Kind == ActivationKind.None
            ? [inputs[1] with { Shape = x }, new TensorType(DType.F32, filter)]
            : [inputs[1] with { Shape = x }, new TensorType(DType.F32, filter), new TensorType(DType.F32, new Shape(x[3]))];
    }

    internal override bool CpuCanOverwrite(Node node, int input) => input == 0;

    internal override bool CpuReadsKept(Node node, int input) => input == 0;

    internal override long MultiplyAdds(Node node) => 2 * node.Inputs[1].Shape.ElementCount * (long)node.Inputs[2].Shape.Product(1, 3);

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        DepthwiseConv2dGradientAttributes a = args.Attributes<DepthwiseConv2dGradientAttributes>();
        Shape x = args.Inputs[0].Shape, dyShape = args.Inputs[1].Shape;
        ReadOnlySpan<T> input = args.Inputs[0].Span, dy = args.Inputs[1].Span, filter = args.Inputs[2].Span;
        Span<T> dx = args.Outputs[0].Span, dw = args.Outputs[1].Span;
        ActivationFunction activation = a.InputActivation.Function;
        int channels = x[3], index = 0;
        double[] sums = new double[dw.Length], bias = new double[channels];
        for (int n = 0; n < x[0]; n++)
            for (int h = 0; h < x[1]; h++)
                for (int w = 0; w < x[2]; w++)
                    for (int c = 0; c < channels; c++, index++)
                    {
                        // x first: its gradient may lie in its memory.
                        T value = KeptOperand.Real(input[index], a.X);
                        double sum = 0;
                        for (int i = 0; i < a.Window.KernelH; i++)
                        {
                            int p = Window2d.OutputOf(h + a.Window.Padding.Top - i, a.Window.StrideH, dyShape[1]);
                            if (p < 0) continue;
                            for (int j = 0; j < a.Window.KernelW; j++)
                            {
                                int q = Window2d.OutputOf(w + a.Window.Padding.Left - j, a.Window.StrideW, dyShape[2]);
                                if (q < 0) continue;
                                double d = double.CreateTruncating(dy[(((((n * dyShape[1]) + p) * dyShape[2]) + q) * channels) + c]);
                                int tap = (((i * a.Window.KernelW) + j) * channels) + c;
                                sum += d * double.CreateTruncating(filter[tap]);
                                sums[tap] += d * double.CreateTruncating(value);
                            }
                        }

                        dx[index] = T.CreateTruncating(sum);
                        if (a.InputActivation.Kind != ActivationKind.None) dx[index] *= activation.Derivative(value);
                        bias[c] += double.CreateTruncating(dx[index]);
                    }

        for (int i = 0; i < sums.Length; i++) dw[i] = T.CreateTruncating(sums[i]);
        for (int c = 0; args.Outputs.Length > 2 && c < channels; c++) args.Outputs[2].Span[c] = T.CreateTruncating(bias[c]);
    }
}
