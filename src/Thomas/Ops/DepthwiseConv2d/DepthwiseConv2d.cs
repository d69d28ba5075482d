using System;
using Thomas.Graphs;
using Thomas.Kernels.Activations;

namespace Thomas.Ops;

/// <summary>Settings of a depthwise convolution.</summary>
/// <param name="Window">Kernel size, stride, dilation and zero padding.</param>
/// <param name="HasBias">Whether a bias [cOut] is the last operand.</param>
/// <param name="Activation">Applied to the sum.</param>
internal sealed record DepthwiseConv2dAttributes(Window2d Window, bool HasBias = false, Activation Activation = default) : OpAttributes;

/// <summary>
/// Convolution of each channel by itself. Operands: x [n,h,w,c] (NHWC), filter [1,kH,kW,c*m] (TFLite's order; m is the channel multiplier),
/// bias [c*m] if any. Output channel o reads input channel o / m.
/// </summary>
internal sealed partial class DepthwiseConv2d : Op
{
    /// <inheritdoc/>
    public override string Name => "DepthwiseConv2d";

    /// <inheritdoc/>
    public override string Formula => "y[n,p,q,o] = f(sum_{i,j} x[n, p*sH - top + i*dH, q*sW - left + j*dW, o/m] * filter[0,i,j,o] + bias[o])";

    internal override ElementTypes OperandTypes(int operand, OpAttributes attributes) => operand is 1 or 2 ? ElementTypes.Floats : ElementTypes.F32;

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        DepthwiseConv2dAttributes a = (DepthwiseConv2dAttributes)attributes;
        RequireInputs(inputs, 2 + (a.HasBias ? 1 : 0));
        ActivationRules.Check(a.Activation);
        Shape x = inputs[0].Shape, filter = inputs[1].Shape;
        Require(x.Rank == 4 && filter.Rank == 4 && filter[0] == 1, $"expects x NHWC and filter [1,kH,kW,cOut], got {x} and {filter}");
        Require(
            filter[1] == a.Window.KernelH && filter[2] == a.Window.KernelW, $"filter {filter} does not fit the window {a.Window.KernelH}x{a.Window.KernelW}");
        Require(x[3] > 0 && filter[3] > 0 && filter[3] % x[3] == 0, $"filter {filter} has {filter[3]} channels, not a multiple of the input's {x[3]}");
        if (a.HasBias)
        {
            Require(inputs[2].Shape.Rank == 1 && inputs[2].Shape[0] == filter[3], $"bias {inputs[2].Shape} does not fit {filter[3]} output channels");
        }

        return [new TensorType(DType.F32, a.Window.OutputShape(x, filter[3]))];
    }

    internal override long MultiplyAdds(Node node) => node.Output.Shape.ElementCount * (long)node.Inputs[1].Shape.Product(1, 3);

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        DepthwiseConv2dAttributes a = args.Attributes<DepthwiseConv2dAttributes>();
        Shape x = args.Inputs[0].Shape, y = args.Output.Shape;
        int cOut = y[3], multiplier = cOut / x[3];
        ReadOnlySpan<T> input = args.Inputs[0].Span, filter = args.Inputs[1].Span;
        ReadOnlySpan<T> bias = a.HasBias ? args.Inputs[2].Span : default;
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
                        for (int i = 0; i < window.KernelH; i++)
                        {
                            int row = (p * window.StrideH) - window.Padding.Top + (i * window.DilationH);
                            if ((uint)row >= (uint)x[1]) continue;
                            for (int j = 0; j < window.KernelW; j++)
                            {
                                int column = (q * window.StrideW) - window.Padding.Left + (j * window.DilationW);
                                if ((uint)column >= (uint)x[2]) continue;
                                sum += double.CreateTruncating(input[(((((n * x[1]) + row) * x[2]) + column) * x[3]) + (o / multiplier)])
                                    * double.CreateTruncating(filter[(((i * window.KernelW) + j) * cOut) + o]);
                            }
                        }

                        output[index] = activation.Value(T.CreateTruncating(sum));
                    }
    }
}
