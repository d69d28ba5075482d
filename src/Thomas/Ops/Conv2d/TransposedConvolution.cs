using System;
using Thomas.Graphs;

namespace Thomas.Ops;

/// <summary>
/// What a convolution does, backward: each element of dy is spread over its window. Operands: dy [n,oh,ow,cOut], filter [cOut,kH,kW,cIn/groups] (OHWI) of the
/// convolution that is turned around; result [n,h,w,cIn].
/// </summary>
internal abstract partial class TransposedConvolution : Op
{
    internal override ElementTypes OperandTypes(int operand, OpAttributes attributes) => operand == 1 ? ElementTypes.Floats : ElementTypes.F32;

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        Conv2dGradientAttributes a = (Conv2dGradientAttributes)attributes;
        RequireInputs(inputs, 2);
        Shape dy = inputs[0].Shape, filter = inputs[1].Shape;
        Require(dy.Rank == 4 && filter.Rank == 4, $"expects dy NHWC and filter OHWI, got {dy} and {filter}");
        Shape x = new(dy[0], a.InputH, a.InputW, filter[3] * a.Groups);
        Require(filter[0] % a.Groups == 0 && filter[1] == a.Window.KernelH && filter[2] == a.Window.KernelW, $"filter {filter} does not fit {a}");
        Require(a.Window.OutputShape(x, filter[0]) == dy, $"dy {dy} is not the shape of the convolution of {x} with {filter}");
        return [new TensorType(DType.F32, x)];
    }

    internal override long MultiplyAdds(Node node) => node.Inputs[0].Shape.ElementCount * (long)node.Inputs[1].Shape.Product(1, 4);

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        Conv2dGradientAttributes a = args.Attributes<Conv2dGradientAttributes>();
        Shape dyShape = args.Inputs[0].Shape, filterShape = args.Inputs[1].Shape, x = args.Output.Shape;
        ReadOnlySpan<T> dy = args.Inputs[0].Span, filter = args.Inputs[1].Span;
        Span<T> dx = args.Output.Span;
        Window2d window = a.Window;
        int cOut = filterShape[0], cGroup = filterShape[3], outPerGroup = cOut / a.Groups, index = 0;
        for (int n = 0; n < x[0]; n++)
            for (int h = 0; h < x[1]; h++)
                for (int w = 0; w < x[2]; w++)
                    for (int c = 0; c < x[3]; c++, index++)
                    {
                        double sum = 0;
                        int group = c / cGroup;
                        for (int i = 0; i < window.KernelH; i++)
                        {
                            int p = Window2d.OutputOf(h + window.Padding.Top - (i * window.DilationH), window.StrideH, dyShape[1]);
                            if (p < 0) continue;
                            for (int j = 0; j < window.KernelW; j++)
                            {
                                int q = Window2d.OutputOf(w + window.Padding.Left - (j * window.DilationW), window.StrideW, dyShape[2]);
                                if (q < 0) continue;
                                int pixel = ((((n * dyShape[1]) + p) * dyShape[2]) + q) * cOut;
                                for (int o = group * outPerGroup; o < (group + 1) * outPerGroup; o++)
                                {
                                    sum += double.CreateTruncating(dy[pixel + o])
                                        * double.CreateTruncating(
                                            filter[(((((o * window.KernelH) + i) * window.KernelW) + j) * cGroup) + c - (group * cGroup)]);
                                }
                            }
                        }

                        dx[index] = T.CreateTruncating(sum);
                    }
    }
}
