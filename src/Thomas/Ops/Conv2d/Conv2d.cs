using System;
using Thomas.Graphs;
using Thomas.Kernels.Activations;

namespace Thomas.Ops;

/// <summary>Settings of a convolution.</summary>
/// <param name="Window">Kernel size, stride, dilation and zero padding.</param>
/// <param name="Groups">Channel groups g: output channels [o/g] see input channels of the same group only.</param>
/// <param name="HasBias">Whether a bias [cOut] follows the filter among the operands.</param>
/// <param name="HasResidual">Whether a tensor of the output's shape, added before the activation, is the last operand.</param>
/// <param name="Activation">Applied to the sum.</param>
internal sealed record Conv2dAttributes(Window2d Window, int Groups = 1, bool HasBias = false, bool HasResidual = false, Activation Activation = default)
    : OpAttributes;

/// <summary>
/// 2-D cross-correlation, as every CNN framework means by convolution. Operands: x [n,h,w,cIn] (NHWC), filter [cOut,kH,kW,cIn/groups] (OHWI),
/// bias [cOut] if any, residual [n,oh,ow,cOut] if any. Padding counts as zero.
/// </summary>
internal sealed partial class Conv2d : Op
{
    /// <inheritdoc/>
    public override string Name => "Conv2d";

    /// <inheritdoc/>
    public override string Formula =>
        "y[n,p,q,o] = f(sum_{i,j,c} x[n, p*sH - top + i*dH, q*sW - left + j*dW, g*cIn/G + c] * filter[o,i,j,c] + bias[o] + residual[n,p,q,o]), g = o / "
        + "(cOut/G)";

    internal override ElementTypes OperandTypes(int operand, OpAttributes attributes) =>
        operand == 1 || (operand == 2 && attributes is Conv2dAttributes { HasBias: true }) ? ElementTypes.Floats : ElementTypes.F32;

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        Conv2dAttributes a = (Conv2dAttributes)attributes;
        RequireInputs(inputs, 2 + (a.HasBias ? 1 : 0) + (a.HasResidual ? 1 : 0));
        ActivationRules.Check(a.Activation);
        Shape x = inputs[0].Shape, filter = inputs[1].Shape;
        Require(x.Rank == 4 && filter.Rank == 4, $"expects x NHWC and filter OHWI, got {x} and {filter}");
        Require(
            filter[1] == a.Window.KernelH && filter[2] == a.Window.KernelW,
            $"filter {filter} (OHWI) does not fit the window {a.Window.KernelH}x{a.Window.KernelW}");
        Require(a.Groups >= 1 && filter[0] % a.Groups == 0, $"{filter[0]} output channels do not divide into {a.Groups} groups");
        Require(
            (long)filter[3] * a.Groups == x[3],
            $"input has {x[3]} channels, filter {filter} (OHWI) with groups {a.Groups} expects {(long)filter[3] * a.Groups}");
        if (a.HasBias)
        {
            Require(inputs[2].Shape.Rank == 1 && inputs[2].Shape[0] == filter[0], $"bias {inputs[2].Shape} does not fit {filter[0]} output channels");
        }

        Shape output = a.Window.OutputShape(x, filter[0]);
        if (a.HasResidual) Require(inputs[^1].Shape == output, $"residual {inputs[^1].Shape} does not fit the result {output}");
        return [new TensorType(DType.F32, output)];
    }

    internal override long MultiplyAdds(Node node) => node.Output.Shape.ElementCount * (long)node.Inputs[1].Shape.Product(1, 4);

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        Conv2dAttributes a = args.Attributes<Conv2dAttributes>();
        Shape x = args.Inputs[0].Shape, y = args.Output.Shape;
        int cOut = y[3], cGroup = args.Inputs[1].Shape[3], outPerGroup = cOut / a.Groups;
        ReadOnlySpan<T> input = args.Inputs[0].Span, filter = args.Inputs[1].Span;
        ReadOnlySpan<T> bias = a.HasBias ? args.Inputs[2].Span : default;
        ReadOnlySpan<T> residual = a.HasResidual ? args.Inputs[^1].Span : default;
        Span<T> output = args.Output.Span;
        Window2d window = a.Window;
        ActivationFunction activation = a.Activation.Function;
        int index = 0;
        for (int n = 0; n < y[0]; n++)
            for (int p = 0; p < y[1]; p++)
                for (int q = 0; q < y[2]; q++)
                    for (int o = 0; o < cOut; o++, index++)
                    {
                        double sum = a.HasBias ? double.CreateTruncating(bias[o]) : 0;
                        int firstChannel = o / outPerGroup * cGroup;
                        for (int i = 0; i < window.KernelH; i++)
                        {
                            int row = (p * window.StrideH) - window.Padding.Top + (i * window.DilationH);
                            if ((uint)row >= (uint)x[1]) continue;
                            for (int j = 0; j < window.KernelW; j++)
                            {
                                int column = (q * window.StrideW) - window.Padding.Left + (j * window.DilationW);
                                if ((uint)column >= (uint)x[2]) continue;
                                ReadOnlySpan<T> pixel = input.Slice((((((n * x[1]) + row) * x[2]) + column) * x[3]) + firstChannel, cGroup);
                                ReadOnlySpan<T> tap = filter.Slice(((((o * window.KernelH) + i) * window.KernelW) + j) * cGroup, cGroup);
                                for (int c = 0; c < pixel.Length; c++) sum += double.CreateTruncating(pixel[c]) * double.CreateTruncating(tap[c]);
                            }
                        }

                        if (a.HasResidual) sum += double.CreateTruncating(residual[index]);
                        output[index] = activation.Value(T.CreateTruncating(sum));
                    }
    }
}
