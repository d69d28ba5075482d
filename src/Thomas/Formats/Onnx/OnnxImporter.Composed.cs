using System;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;

namespace Thomas.Formats.Onnx;

/// <summary>Functions and normalizations that are spelled out in operators of the graph, which gives them gradients and both file formats.</summary>
internal sealed partial class OnnxImporter
{
    private Operand Step(OnnxNode node, string suffix, Op op, ReadOnlySpan<Operand> operands, OpAttributes? attributes = null) =>
        Apply(node, op, operands, attributes, $"{node.Name}/{suffix}");

    private static Operand Number(OnnxNode node, string suffix, float value) => Constant($"{node.Name}/{suffix}", new Shape(), value);

    private Operand Times(OnnxNode node, string suffix, Operand x, float factor) =>
        factor == 1 ? x : Step(node, suffix, OpCatalog.Multiply, [x, Number(node, $"{suffix}_by", factor)]);

    private Operand Activated(OnnxNode node, string suffix, Operand x, Activation activation) =>
        Step(node, suffix, OpCatalog.Activate, [x], new ActivateAttributes(activation));

    /// <summary>scale * (max(x, 0) + alpha * (e^(min(x, 0) / width) - 1)): Elu, Selu and Celu.</summary>
    private Operand ExponentialUnit(OnnxNode node, float alpha, float width = 1, float scale = 1)
    {
        if (width == 0) throw node.Fail("its alpha is zero");
        Operand x = node.Input(0);
        Operand negative = Times(node, "width", Step(node, "negative", OpCatalog.Minimum, [x, Number(node, "zero", 0)]), 1 / width);
        Operand curve = Step(node, "curve", OpCatalog.Subtract, [Step(node, "exp", OpCatalog.Exp, [negative]), Number(node, "one", 1)]);
        Operand positive = Times(node, "scaled", Activated(node, "positive", x, Activation.Relu), scale);
        return Apply(node, OpCatalog.Add, [positive, Times(node, "bent", curve, scale * alpha)]);
    }

    /// <summary>ln(1 + e^x) as max(x, 0) + ln(1 + e^-|x|), where nothing overflows.</summary>
    private Operand Softplus(OnnxNode node, Operand x)
    {
        Operand decay = Step(node, "exp", OpCatalog.Exp, [Step(node, "negated", OpCatalog.Negate, [Step(node, "abs", OpCatalog.Abs, [x])])]);
        Operand tail = Step(node, "log", OpCatalog.Log, [Step(node, "raised", OpCatalog.Add, [decay, Number(node, "one", 1)])]);
        return Apply(node, OpCatalog.Add, [Activated(node, "positive", x, Activation.Relu), tail]);
    }

    private Operand Softsign(OnnxNode node)
    {
        Operand x = node.Input(0), size = Step(node, "abs", OpCatalog.Abs, [x]);
        return Apply(node, OpCatalog.Divide, [x, Step(node, "raised", OpCatalog.Add, [size, Number(node, "one", 1)])]);
    }

    /// <summary>x * sigmoid(alpha * x).</summary>
    private Operand Swish(OnnxNode node, float alpha)
    {
        Operand x = node.Input(0);
        if (alpha == 1) return ApplyActivation(node, new Activation(ActivationKind.Silu));
        return Apply(node, OpCatalog.Multiply, [x, Activated(node, "gate", Times(node, "scaled", x, alpha), new Activation(ActivationKind.Sigmoid))]);
    }

    private Operand Gelu(OnnxNode node, Operand x, string approximation)
    {
        Operand gate;
        switch (approximation)
        {
            case "none":
                gate = Step(node, "erf", OpCatalog.Erf, [Times(node, "scaled", x, 0.707106781f)]);
                break;
            case "tanh":
                Operand cube = Step(node, "cube", OpCatalog.Multiply, [Step(node, "square", OpCatalog.Multiply, [x, x]), x]);
                Operand sum = Step(node, "sum", OpCatalog.Add, [x, Times(node, "third", cube, 0.044715f)]);
                gate = Activated(node, "tanh", Times(node, "scaled", sum, 0.797884561f), new Activation(ActivationKind.Tanh));
                break;
            default:
                throw node.Fail($"approximate is '{approximation}'");
        }

        Operand half = Times(node, "half", x, 0.5f);
        return Apply(node, OpCatalog.Multiply, [half, Step(node, "raised", OpCatalog.Add, [gate, Number(node, "one", 1)])]);
    }

    private Operand BiasGelu(OnnxNode node, string approximation) =>
        Gelu(node, node.Optional(1) is Operand bias ? Step(node, "biased", OpCatalog.Add, [node.Input(0), bias]) : node.Input(0), approximation);

    /// <summary>Reductions that are a function before or after a sum, or a maximum.</summary>
    private Operand ComposedReduction(OnnxNode node, int axesAsOperandSince)
    {
        Operand x = node.Input(0);
        if (x.IsInteger) return Reduction(node, ReduceKind.Sum, axesAsOperandSince);
        switch (node.OpType)
        {
            case "ReduceProd":
                throw node.Unsupported("of floats");
            case "ReduceL1":
                return Reduced(node, Step(node, "abs", OpCatalog.Abs, [x]), ReduceKind.Sum, axesAsOperandSince, null);
            case "ReduceSumSquare":
                return Reduced(node, Step(node, "square", OpCatalog.Multiply, [x, x]), ReduceKind.Sum, axesAsOperandSince, null);
            case "ReduceL2":
                Operand squares = Reduced(node, Step(node, "square", OpCatalog.Multiply, [x, x]), ReduceKind.Sum, axesAsOperandSince, $"{node.Name}/sum");
                return Apply(node, OpCatalog.Sqrt, [squares]);
            case "ReduceLogSum":
                return Apply(node, OpCatalog.Log, [Reduced(node, x, ReduceKind.Sum, axesAsOperandSince, $"{node.Name}/sum")]);
            case "ReduceLogSumExp":
                return Apply(
                    node, OpCatalog.Log, [Reduced(node, Step(node, "exp", OpCatalog.Exp, [x]), ReduceKind.Sum, axesAsOperandSince, $"{node.Name}/sum")]);
            default:
                Operand largest = Reduced(node, Step(node, "negated", OpCatalog.Negate, [x]), ReduceKind.Max, axesAsOperandSince, $"{node.Name}/max");
                return Apply(node, OpCatalog.Negate, [largest]);
        }
    }

    private Operand LpNormalization(OnnxNode node)
    {
        Operand x = node.Input(0);
        long power = node.Int("p", 2);
        if (power is not (1 or 2)) throw node.Fail($"its p is {power}");
        ReduceAttributes over = new(ReduceKind.Sum, new IntList(node.Axis(node.Int("axis", -1), x.Rank)), KeepDims: true);
        Operand powers = power == 1 ? Step(node, "abs", OpCatalog.Abs, [x]) : Step(node, "square", OpCatalog.Multiply, [x, x]);
        // A vector of zeros stays one.
        Operand sum = Step(node, "bounded", OpCatalog.Maximum, [Step(node, "sum", OpCatalog.Reduce, [powers], over), Number(node, "least", 1e-30f)]);
        return power == 1 ? Apply(node, OpCatalog.Divide, [x, sum]) : Apply(node, OpCatalog.Multiply, [x, Step(node, "rsqrt", OpCatalog.Rsqrt, [sum])]);
    }

    private Operand GlobalLpPool(OnnxNode node)
    {
        if (node.Int("p", 2) != 2) throw node.Unsupported("with p other than 2");
        Operand x = node.Input(0);
        return Apply(node, OpCatalog.Sqrt, [GlobalPool(node.Inner(Sum), Step(node, "square", OpCatalog.Multiply, [x, x]), ReduceKind.Sum)]);
    }

    /// <summary>(x - mean) / sqrt(variance + epsilon) over axes; without centering x / sqrt(mean of squares + epsilon).</summary>
    private Operand Standardized(OnnxNode node, Operand x, int[] axes, float epsilon, bool center = true)
    {
        ReduceAttributes over = new(ReduceKind.Mean, new IntList(axes), KeepDims: true);
        Operand centered = center ? Step(node, "centered", OpCatalog.Subtract, [x, Step(node, "mean", OpCatalog.Reduce, [x], over)]) : x;
        Operand variance = Step(node, "variance", OpCatalog.Reduce, [Step(node, "square", OpCatalog.Multiply, [centered, centered])], over);
        Operand deviation = Step(node, "rsqrt", OpCatalog.Rsqrt, [Step(node, "raised", OpCatalog.Add, [variance, Number(node, "epsilon", epsilon)])]);
        return Step(node, "standardized", OpCatalog.Multiply, [centered, deviation]);
    }

    private Operand ScaledAndShifted(OnnxNode node, Operand x, Operand? scale, Operand? shift)
    {
        if (scale is not null) x = shift is null ? Apply(node, OpCatalog.Multiply, [x, scale]) : Step(node, "scaled", OpCatalog.Multiply, [x, scale]);
        return shift is null ? x : Apply(node, OpCatalog.Add, [x, shift]);
    }

    private Operand LayerNormalization(OnnxNode node, bool center = true)
    {
        Operand x = node.Input(0);
        int first = node.Axis(node.Int("axis", -1), x.Rank);
        int[] axes = new int[x.Rank - first];
        for (int i = 0; i < axes.Length; i++) axes[i] = first + i;
        return ScaledAndShifted(node, Standardized(node, x, axes, node.Float("epsilon", 1e-5f), center), node.Input(1), center ? node.Optional(2) : null);
    }

    private Operand InstanceNormalization(OnnxNode node)
    {
        Operand x = node.Input(0);
        if (x.Rank < 3) throw node.Fail($"operand of shape {x.Shape} has no spatial axes");
        int[] axes = new int[x.Rank - 2];
        for (int i = 0; i < axes.Length; i++) axes[i] = i + 2;
        Operand scale = PerChannel(node, node.Input(1), x.Rank), shift = PerChannel(node, node.Input(2), x.Rank);
        return ScaledAndShifted(node, Standardized(node, x, axes, node.Float("epsilon", 1e-5f)), scale, shift);
    }

    private Operand GroupNormalization(OnnxNode node)
    {
        Operand x = node.Input(0), scale = node.Input(1), shift = node.Input(2);
        int groups = node.ToInt(node.Int("num_groups", 0)), channels = x.Rank > 2 ? x.Shape[1] : 0;
        if (channels == 0 || groups < 1 || channels % groups != 0) throw node.Fail($"{groups} groups do not divide the channels of {x.Shape}");
        Operand grouped = ReshapeTo(node, x, [x.Shape[0], groups, x.Shape.ElementCount / x.Shape[0] / groups], $"{node.Name}/groups");
        Operand normalized = Standardized(node, grouped, [2], node.Float("epsilon", 1e-5f));
        // Before operator set 21 scale and shift count for groups, not for channels.
        bool byGroup = scale.Shape.ElementCount == groups && groups != channels;
        if (byGroup) normalized = ScaledAndShifted(node.Inner("affine"), normalized, PerChannel(node, scale, 3), PerChannel(node, shift, 3));
        Operand back = ReshapeTo(node, normalized, x.Shape.Dims, byGroup ? node.Name : $"{node.Name}/channels");
        return byGroup ? back : ScaledAndShifted(node, back, PerChannel(node, scale, x.Rank), PerChannel(node, shift, x.Rank));
    }

    /// <summary>One number a channel, shaped to stretch over an operand that has its channels second.</summary>
    private static Operand PerChannel(OnnxNode node, Operand values, int rank)
    {
        TensorData data = RequireConstant(node, values, "a scale or shift");
        int[] dims = new int[rank - 1];
        Array.Fill(dims, 1);
        dims[0] = data.Type.Shape.ElementCount;
        return new Operand(values.Name, data.Reshaped(new Shape(dims)));
    }
}
