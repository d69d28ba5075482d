using System;
using Thomas.Graphs;

namespace Thomas.Ops;

/// <summary>dL/d(filter) of a convolution. Operands: x [n,h,w,cIn], dy [n,oh,ow,cOut]; result [cOut,kH,kW,cIn/groups] (OHWI).</summary>
internal sealed partial class Conv2dFilterGradient : Op
{
    /// <inheritdoc/>
    public override string Name => "Conv2dFilterGradient";

    /// <inheritdoc/>
    public override string Formula => "dw[o,i,j,c] = sum_{n,p,q} dy[n,p,q,o] * x[n, p*sH - top + i*dH, q*sW - left + j*dW, g*cIn/G + c], g = o / (cOut/G)";

    internal override bool IsTrainingOnly => true;

    internal override string NoGradientReason => "it is a gradient itself, and training needs first derivatives only";

    internal override ElementTypes OperandTypes(int operand, OpAttributes attributes) =>
        operand == 0 ? KeptOperand.Types((attributes as Conv2dGradientAttributes)?.X) : ElementTypes.F32;

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        Conv2dGradientAttributes a = (Conv2dGradientAttributes)attributes;
        RequireInputs(inputs, 2);
        KeptOperand.Require(inputs[0], a.X);
        Shape x = inputs[0].Shape, dy = inputs[1].Shape;
        Require(x.Rank == 4 && dy.Rank == 4, $"expects x and dy NHWC, got {x} and {dy}");
        Require(x[1] == a.InputH && x[2] == a.InputW && x[3] % a.Groups == 0 && dy[3] % a.Groups == 0, $"x {x} and dy {dy} do not fit {a}");
        Require(a.Window.OutputShape(x, dy[3]) == dy, $"dy {dy} is not the shape of a convolution of {x} with {a}");
        return [new TensorType(DType.F32, new Shape(dy[3], a.Window.KernelH, a.Window.KernelW, x[3] / a.Groups))];
    }

    internal override long MultiplyAdds(Node node) => node.Inputs[1].Shape.ElementCount * (long)node.Output.Shape.Product(1, 4);

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        Conv2dGradientAttributes a = args.Attributes<Conv2dGradientAttributes>();
        Shape x = args.Inputs[0].Shape, dyShape = args.Inputs[1].Shape;
        ReadOnlySpan<T> input = args.Inputs[0].Span, dy = args.Inputs[1].Span;
        Span<T> dw = args.Output.Span;
        Window2d window = a.Window;
        int cOut = dyShape[3], cGroup = x[3] / a.Groups, index = 0;
        for (int o = 0; o < cOut; o++)
            for (int i = 0; i < window.KernelH; i++)
                for (int j = 0; j < window.KernelW; j++)
                    for (int c = 0; c < cGroup; c++, index++)
                    {
                        double sum = 0;
                        int channel = (o / (cOut / a.Groups) * cGroup) + c;
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
                                        * double.CreateTruncating(KeptOperand.Real(input[(((((n * x[1]) + row) * x[2]) + column) * x[3]) + channel], a.X));
                                }
                            }

                        dw[index] = T.CreateTruncating(sum);
                    }
    }
}
