using System;
using Thomas.Graphs;
using Thomas.Kernels.Quantized;

namespace Thomas.Ops;

/// <summary>Settings of a convolution of 8-bit tensors.</summary>
/// <param name="Window">Kernel size, stride, dilation and padding, which counts as zero.</param>
/// <param name="Groups">Channel groups; not used by a depthwise convolution.</param>
/// <param name="HasBias">Whether a bias [cOut] of 32 bits, in steps of (scale of x) * (scale of the filter), is the third operand.</param>
/// <param name="X">The grid of x.</param>
/// <param name="Filter">Scales and zero points of the filter, one or one per output channel.</param>
/// <param name="Y">The grid of the result.</param>
/// <param name="Lower">The smallest result, in steps.</param>
/// <param name="Upper">The largest result, in steps.</param>
/// <param name="Rule">How sums are rounded.</param>
/// <param name="HasScales">Whether the filter's scales are the last operand, [1] or [cOut], instead of those of the settings: of weights that are
/// trained.</param>
internal sealed record QuantizedConv2dAttributes(
    Window2d Window, int Groups, bool HasBias, StepGrid X, Quantization Filter, StepGrid Y, int Lower, int Upper, RequantizationRule Rule,
    bool HasScales = false) : OpAttributes
{
    /// <summary>Operands.</summary>
    public int Operands => 2 + (HasBias ? 1 : 0) + (HasScales ? 1 : 0);

    /// <inheritdoc/>
    public override string ToString() =>
        $"{{ Window = {Window}, Groups = {Groups}, HasBias = {HasBias}, X = {X}, Filter = {Filter.Scales.Length} scale(s), Y = {Y}, [{Lower}, {Upper}], "
        + $"{Rule}{(HasScales ? ", HasScales" : "")} }}";
}

/// <summary>What the two convolutions of 8-bit tensors share.</summary>
internal abstract class QuantizedLayerOp : Op
{
    /// <inheritdoc/>
    internal override bool IsTrainingOnly => true;

    internal override ElementTypes OperandTypes(int operand, OpAttributes attributes) =>
        operand < 2 ? QuantizedRules.Steps
        : attributes is QuantizedConv2dAttributes { HasScales: true } a && operand == a.Operands - 1 ? ElementTypes.F32 : ElementTypes.I32;

    /// <summary>
    /// By real numbers, for the latent weights as for the rounded ones; so a step of gradient descent is that of the float32 network up to rounding
    /// (quantization-aware scaling: Lin et al. 2022, arXiv 2206.15472).
    /// </summary>
    internal override void Gradient(GradientContext g)
    {
        QuantizedConv2dAttributes a = g.Attributes<QuantizedConv2dAttributes>();
        Value dy = StepGradients.BeforeRounding(g, a.Y, a.Lower, a.Upper);
        if (a.HasBias && g.Needs(2)) g.Add(2, EpilogueGradient.Bias(g, dy));
        Shape x = g.Input(0).Shape;
        bool isDepthwise = this is QuantizedDepthwiseConv2d;
        Conv2dGradientAttributes attributes = new(a.Window, x[1], x[2], isDepthwise ? x[3] : a.Groups);

        // Real weights must be there before both gradients of a depthwise convolution, which become one node. Large ones should not be there beside their
        // gradient: of an image that is smaller than the weights the input's gradient comes first, else the filter's.
        Value? filter = isDepthwise && g.Needs(0) ? StepGradients.RealFilter(g, a.Filter) : null;
        bool inputFirst = !isDepthwise && x.ElementCount < g.Input(1).Shape.ElementCount;
        if (inputFirst && g.Needs(0)) AddInputGradient();
        if (g.Needs(1))
        {
            Op op = isDepthwise ? OpCatalog.DepthwiseConv2dFilterGradient : OpCatalog.Conv2dFilterGradient;
            g.Add(1, g.Emit(op, "gradWeight", [StepGradients.Real(g, 0, a.X), dy], attributes));
        }

        if (!inputFirst && g.Needs(0)) AddInputGradient();

        void AddInputGradient()
        {
            if (!isDepthwise && RoundedInputGradient.Pays(a.Window, a.Groups, dy.Shape))
            {
                g.Add(0, StepGradients.RoundedInput(g, a, dy));
                return;
            }

            Op op = isDepthwise ? OpCatalog.DepthwiseConv2dInputGradient : OpCatalog.Conv2dInputGradient;
            g.Add(0, g.Emit(op, "gradInput", [dy, filter ?? StepGradients.RealFilter(g, a.Filter)], attributes));
        }
    }

    /// <summary>The sums of a node as its results: the ratio of each channel as the rule's runtimes compute it.</summary>
    internal static Requantization RequantizationOf(QuantizedConv2dAttributes a)
    {
        ReadOnlySpan<float> scales = a.Filter.Scales;
        double[] ratios = new double[scales.Length];
        for (int i = 0; i < ratios.Length; i++) ratios[i] = Ratio(a, scales[i]);
        return new Requantization(a.Rule, ratios, a.Y.ZeroPoint, a.Lower, a.Upper);
    }

    /// <summary>Lets sums become results by other scales of the filter.</summary>
    internal static void SetScales(Requantization requantization, QuantizedConv2dAttributes a, ReadOnlySpan<float> scales)
    {
        for (int i = 0; i < scales.Length; i++) requantization.Set(i, Ratio(a, scales[i]));
    }

    // TensorFlow Lite takes the product of two single scales in float32, of one scale per channel in double.
    private static double Ratio(QuantizedConv2dAttributes a, float scale) =>
        a.Rule == RequantizationRule.Float ? a.X.Scale * scale / a.Y.Scale
        : a.Filter.IsPerTensor ? (double)(a.X.Scale * scale) / a.Y.Scale
        : (double)a.X.Scale * scale / a.Y.Scale;

    /// <summary>Checks what both have alike; the shapes of the filter are the caller's.</summary>
    private protected static TensorType Check(ReadOnlySpan<TensorType> inputs, QuantizedConv2dAttributes a, int outputs)
    {
        RequireInputs(inputs, a.Operands);
        QuantizedRules.RequireGrid(inputs[0], a.X);
        Shape filter = inputs[1].Shape;
        Require(
            filter[1] == a.Window.KernelH && filter[2] == a.Window.KernelW, $"filter {filter} does not fit the window {a.Window.KernelH}x{a.Window.KernelW}");
        Require(a.Filter.IsPerTensor || a.Filter.Scales.Length == outputs, $"{a.Filter.Scales.Length} scales do not fit {outputs} output channels");
        if (a.HasBias) Require(inputs[2].Shape.Rank == 1 && inputs[2].Shape[0] == outputs, $"bias {inputs[2].Shape} does not fit {outputs} output channels");
        if (a.HasScales) Require(inputs[^1].Shape == new Shape(a.Filter.Scales.Length), $"{inputs[^1].Shape} scales are not {a.Filter.Scales.Length}");
        Require(a.Lower <= a.Upper && a.Lower >= a.Y.Minimum && a.Upper <= a.Y.Maximum, $"the bounds {a.Lower} and {a.Upper} do not fit the grid {a.Y}");
        return new TensorType(a.Y.Type, a.Window.OutputShape(inputs[0].Shape, outputs));
    }

    /// <summary>The zero point of an output channel's weights.</summary>
    private protected static int FilterZero(QuantizedConv2dAttributes a, int output) => a.Filter.ZeroPoints[a.Filter.IsPerTensor ? 0 : output];

    /// <summary>Computes every result from its sum.</summary>
    /// <param name="args">The operands.</param>
    /// <param name="sum">The sum of a window from its first row and column, for image n and output o.</param>
    private protected static void ForEachSum<T>(ReferenceArgs<T> args, Func<int, int, int, int, int> sum)
        where T : unmanaged, System.Numerics.IBinaryFloatingPointIeee754<T>
    {
        QuantizedConv2dAttributes a = args.Attributes<QuantizedConv2dAttributes>();
        Requantization requantization = RequantizationOf(a);
        if (a.HasScales)
        {
            float[] scales = new float[a.Filter.Scales.Length];
            for (int i = 0; i < scales.Length; i++) scales[i] = float.CreateTruncating(args.Inputs[^1].Span[i]);
            SetScales(requantization, a, scales);
        }

        Shape y = args.Output.Shape;
        int index = 0;
        for (int n = 0; n < y[0]; n++)
            for (int p = 0; p < y[1]; p++)
                for (int q = 0; q < y[2]; q++)
                    for (int o = 0; o < y[3]; o++)
                    {
                        int bias = a.HasBias ? int.CreateTruncating(args.Inputs[2].Span[o]) : 0;
                        int total = bias + sum(n, (p * a.Window.StrideH) - a.Window.Padding.Top, (q * a.Window.StrideW) - a.Window.Padding.Left, o);
                        args.Output.Span[index++] = T.CreateTruncating(requantization.Apply(total, o));
                    }
    }
}

/// <summary>
/// Convolution of 8-bit tensors with sums in 32 bits (Jacob et al. 2018, arXiv 1712.05877). Operands: x [n,h,w,cIn] in steps, filter [cOut,kH,kW,cIn/groups] in
/// steps, bias [cOut] in 32 bits if any.
/// </summary>
internal sealed partial class QuantizedConv2d : QuantizedLayerOp
{
    /// <inheritdoc/>
    public override string Name => "QuantizedConv2d";

    /// <inheritdoc/>
    public override string Formula =>
        "y[n,p,q,o] = clamp(round((bias[o] + sum_{i,j,c} (x[n, p*sH - top + i*dH, q*sW - left + j*dW, g*cIn/G + c] - zeroX) * (filter[o,i,j,c] - zeroF[o])) "
        + "* scaleX * scaleF[o] / scaleY) + zeroY, lower, upper)";

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        QuantizedConv2dAttributes a = (QuantizedConv2dAttributes)attributes;
        Require(inputs.Length >= 2 && inputs[0].Shape.Rank == 4 && inputs[1].Shape.Rank == 4, "expects x NHWC and filter OHWI");
        Shape x = inputs[0].Shape, filter = inputs[1].Shape;
        Require(a.Groups >= 1 && filter[0] % a.Groups == 0, $"{filter[0]} output channels do not divide into {a.Groups} groups");
        Require(
            (long)filter[3] * a.Groups == x[3],
            $"input has {x[3]} channels, filter {filter} (OHWI) with groups {a.Groups} expects {(long)filter[3] * a.Groups}");
        return [Check(inputs, a, filter[0])];
    }

    internal override long MultiplyAdds(Node node) => node.Output.Shape.ElementCount * (long)node.Inputs[1].Shape.Product(1, 4);

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        QuantizedConv2dAttributes a = args.Attributes<QuantizedConv2dAttributes>();
        Shape x = args.Inputs[0].Shape;
        int cGroup = args.Inputs[1].Shape[3], outPerGroup = args.Output.Shape[3] / a.Groups;
        Window2d window = a.Window;
        ForEachSum(args, (n, top, left, o) =>
        {
            int sum = 0, zeroW = FilterZero(a, o), zeroX = a.X.ZeroPoint;
            for (int i = 0; i < window.KernelH; i++)
            {
                int row = top + (i * window.DilationH);
                if ((uint)row >= (uint)x[1]) continue;
                for (int j = 0; j < window.KernelW; j++)
                {
                    int column = left + (j * window.DilationW);
                    if ((uint)column >= (uint)x[2]) continue;
                    int pixel = (((((n * x[1]) + row) * x[2]) + column) * x[3]) + (o / outPerGroup * cGroup);
                    ReadOnlySpan<T> taken = args.Inputs[0].Span.Slice(pixel, cGroup);
                    ReadOnlySpan<T> tap = args.Inputs[1].Span.Slice(((((o * window.KernelH) + i) * window.KernelW) + j) * cGroup, cGroup);
                    for (int c = 0; c < taken.Length; c++) sum += (int.CreateTruncating(taken[c]) - zeroX) * (int.CreateTruncating(tap[c]) - zeroW);
                }
            }

            return sum;
        });
    }
}

/// <summary>
/// Convolution of each channel of an 8-bit tensor by itself. Operands: x [n,h,w,c] in steps, filter [1,kH,kW,c*m] in steps, bias [c*m] in 32 bits if any.
/// </summary>
internal sealed partial class QuantizedDepthwiseConv2d : QuantizedLayerOp
{
    /// <inheritdoc/>
    public override string Name => "QuantizedDepthwiseConv2d";

    /// <inheritdoc/>
    public override string Formula =>
        "y[n,p,q,o] = clamp(round((bias[o] + sum_{i,j} (x[n, p*sH - top + i*dH, q*sW - left + j*dW, o/m] - zeroX) * (filter[0,i,j,o] - zeroF[o])) "
        + "* scaleX * scaleF[o] / scaleY) + zeroY, lower, upper)";

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        Require(
            inputs.Length >= 2 && inputs[0].Shape.Rank == 4 && inputs[1].Shape.Rank == 4 && inputs[1].Shape[0] == 1,
            "expects x NHWC and filter [1,kH,kW,cOut]");
        Shape x = inputs[0].Shape, filter = inputs[1].Shape;
        Require(x[3] > 0 && filter[3] > 0 && filter[3] % x[3] == 0, $"filter {filter} has {filter[3]} channels, not a multiple of the input's {x[3]}");
        return [Check(inputs, (QuantizedConv2dAttributes)attributes, filter[3])];
    }

    internal override long MultiplyAdds(Node node) => node.Output.Shape.ElementCount * (long)node.Inputs[1].Shape.Product(1, 3);

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        QuantizedConv2dAttributes a = args.Attributes<QuantizedConv2dAttributes>();
        Shape x = args.Inputs[0].Shape;
        int outputs = args.Output.Shape[3], multiplier = outputs / x[3];
        Window2d window = a.Window;
        ForEachSum(args, (n, top, left, o) =>
        {
            int sum = 0, zeroW = FilterZero(a, o), zeroX = a.X.ZeroPoint;
            for (int i = 0; i < window.KernelH; i++)
            {
                int row = top + (i * window.DilationH);
                if ((uint)row >= (uint)x[1]) continue;
                for (int j = 0; j < window.KernelW; j++)
                {
                    int column = left + (j * window.DilationW);
                    if ((uint)column >= (uint)x[2]) continue;
                    int pixel = (((((n * x[1]) + row) * x[2]) + column) * x[3]) + (o / multiplier);
                    sum += (int.CreateTruncating(args.Inputs[0].Span[pixel]) - zeroX)
                        * (int.CreateTruncating(args.Inputs[1].Span[(((i * window.KernelW) + j) * outputs) + o]) - zeroW);
                }
            }

            return sum;
        });
    }
}
