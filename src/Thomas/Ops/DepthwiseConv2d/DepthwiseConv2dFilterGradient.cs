using System;
using Thomas.Graphs;

namespace Thomas.Ops;

/// <summary>
/// dL/d(filter) of a depthwise convolution. Operands: x [n,h,w,c], dy [n,oh,ow,c*m]; result [1,kH,kW,c*m], c being
/// <see cref="Conv2dGradientAttributes.Groups"/>.
/// </summary>
internal sealed partial class DepthwiseConv2dFilterGradient : Op
{
    /// <inheritdoc/>
    public override string Name => "DepthwiseConv2dFilterGradient";

    /// <inheritdoc/>
    public override string Formula => "dw[0,i,j,o] = sum_{n,p,q} dy[n,p,q,o] * x[n, p*sH - top + i*dH, q*sW - left + j*dW, o/m]";

    internal override bool IsTrainingOnly => true;

    internal override string NoGradientReason => "it is a gradient itself, and training needs first derivatives only";

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        Conv2dGradientAttributes a = (Conv2dGradientAttributes)attributes;
        RequireInputs(inputs, 2);
        Shape x = inputs[0].Shape, dy = inputs[1].Shape;
        Require(x.Rank == 4 && dy.Rank == 4, $"expects x and dy NHWC, got {x} and {dy}");
        Require(x[1] == a.InputH && x[2] == a.InputW && x[3] == a.Groups && x[3] > 0 && dy[3] > 0 && dy[3] % x[3] == 0, $"x {x} and dy {dy} do not fit {a}");
        Require(a.Window.OutputShape(x, dy[3]) == dy, $"dy {dy} is not the shape of a depthwise convolution of {x} with {a}");
        return [new TensorType(DType.F32, new Shape(1, a.Window.KernelH, a.Window.KernelW, dy[3]))];
    }

    internal override long MultiplyAdds(Node node) => node.Inputs[1].Shape.ElementCount * (long)node.Output.Shape.Product(1, 3);

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        Conv2dGradientAttributes a = args.Attributes<Conv2dGradientAttributes>();
        Shape x = args.Inputs[0].Shape, dyShape = args.Inputs[1].Shape;
        ReadOnlySpan<T> input = args.Inputs[0].Span, dy = args.Inputs[1].Span;
        Span<T> dw = args.Output.Span;
        Window2d window = a.Window;
        int cOut = dyShape[3], multiplier = cOut / x[3], index = 0;
        for (int i = 0; i < window.KernelH; i++)
            for (int j = 0; j < window.KernelW; j++)
                for (int o = 0; o < cOut; o++, index++)
                {
                    double sum = 0;
                    for (int n = 0; n < x[0]; n++)
                        for (int p = 0; p < dyShape[1]; p++)
                        {
                            int row = (p * window.StrideH) - window.Padding.Top + (i * window.DilationH);
                            if ((uint)row >= (uint)x[1]) continue;
                            for (int q = 0; q < dyShape[2]; q++)
                            {
                                int column = (q * window.StrideW) - window.Padding.Left + (j * window.DilationW);
                                if ((uint)column >= (uint)x[2]) continue;
                                sum += double.CreateTruncating(dy[(((((n * dyShape[1]) + p) * dyShape[2]) + q) * cOut) + o])
                                    * double.CreateTruncating(input[(((((n * x[1]) + row) * x[2]) + column) * x[3]) + (o / multiplier)]);
                            }
                        }

                    dw[index] = T.CreateTruncating(sum);
                }
    }
}
