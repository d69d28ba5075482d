using System;
using Thomas.Graphs;

namespace Thomas.Ops;

/// <summary>
/// dL/dx of a depthwise convolution. Operands: dy [n,oh,ow,c*m], filter [1,kH,kW,c*m]; result [n,h,w,c], c being <see cref="Conv2dGradientAttributes.Groups"/>.
/// </summary>
internal sealed partial class DepthwiseConv2dInputGradient : Op
{
    /// <inheritdoc/>
    public override string Name => "DepthwiseConv2dInputGradient";

    /// <inheritdoc/>
    public override string Formula =>
        "dx[n,h,w,c] = sum over o in [c*m, c*m + m) and i,j,p,q with p*sH - top + i*dH = h, q*sW - left + j*dW = w of dy[n,p,q,o] * filter[0,i,j,o]";

    internal override bool IsTrainingOnly => true;

    internal override string NoGradientReason => "it is a gradient itself, and training needs first derivatives only";

    internal override ElementTypes OperandTypes(int operand, OpAttributes attributes) => operand == 1 ? ElementTypes.Floats : ElementTypes.F32;

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        Conv2dGradientAttributes a = (Conv2dGradientAttributes)attributes;
        RequireInputs(inputs, 2);
        Shape dy = inputs[0].Shape, filter = inputs[1].Shape;
        Require(dy.Rank == 4 && filter.Rank == 4 && filter[0] == 1, $"expects dy NHWC and filter [1,kH,kW,cOut], got {dy} and {filter}");
        Require(
            filter[1] == a.Window.KernelH && filter[2] == a.Window.KernelW, $"filter {filter} does not fit the window {a.Window.KernelH}x{a.Window.KernelW}");
        Require(a.Groups >= 1 && filter[3] % a.Groups == 0, $"filter {filter} has {filter[3]} channels, not a multiple of the input's {a.Groups}");
        Shape x = new(dy[0], a.InputH, a.InputW, a.Groups);
        Require(a.Window.OutputShape(x, filter[3]) == dy, $"dy {dy} is not the shape of the depthwise convolution of {x} with {filter}");
        return [new TensorType(DType.F32, x)];
    }

    internal override long MultiplyAdds(Node node) => node.Inputs[0].Shape.ElementCount * (long)node.Inputs[1].Shape.Product(1, 3);

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        Conv2dGradientAttributes a = args.Attributes<Conv2dGradientAttributes>();
        Shape dyShape = args.Inputs[0].Shape, x = args.Output.Shape;
        ReadOnlySpan<T> dy = args.Inputs[0].Span, filter = args.Inputs[1].Span;
        Span<T> dx = args.Output.Span;
        Window2d window = a.Window;
        int cOut = dyShape[3], multiplier = cOut / x[3], index = 0;
        for (int n = 0; n < x[0]; n++)
            for (int h = 0; h < x[1]; h++)
                for (int w = 0; w < x[2]; w++)
                    for (int c = 0; c < x[3]; c++, index++)
                    {
                        double sum = 0;
                        for (int i = 0; i < window.KernelH; i++)
                        {
                            int p = Window2d.OutputOf(h + window.Padding.Top - (i * window.DilationH), window.StrideH, dyShape[1]);
                            if (p < 0) continue;
                            for (int j = 0; j < window.KernelW; j++)
                            {
                                int q = Window2d.OutputOf(w + window.Padding.Left - (j * window.DilationW), window.StrideW, dyShape[2]);
                                if (q < 0) continue;
                                int pixel = ((((n * dyShape[1]) + p) * dyShape[2]) + q) * cOut, tap = ((i * window.KernelW) + j) * cOut;
                                for (int o = c * multiplier; o < (c + 1) * multiplier; o++)
                                    sum += double.CreateTruncating(dy[pixel + o]) * double.CreateTruncating(filter[tap + o]);
                            }
                        }

                        dx[index] = T.CreateTruncating(sum);
                    }
    }
}
