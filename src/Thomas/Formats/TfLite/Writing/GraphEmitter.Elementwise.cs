using System;
using System.Diagnostics;
using Thomas.Formats.TfLite.Schema;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;

namespace Thomas.Formats.TfLite.Writing;

/// <content>Element-wise operators, activations, normalizations and rounding.</content>
internal sealed partial class GraphEmitter
{
    private int EmitBinary(Node node, BuiltinOperator code) => Binary(code, Tensor(node.Inputs[0]), Tensor(node.Inputs[1]), _target is null ? default : _fused);

    internal int Binary(BuiltinOperator code, int a, int b, Activation activation = default)
    {
        bool fits = Shape.TryBroadcast(new Shape(Dims(a)), new Shape(Dims(b)), out Shape shape);
        if (!fits) throw new InvalidOperationException($"{_name}: operands of {code} do not broadcast.");
        bool isWide = shape.Rank > 4 && !Dims(a).AsSpan().SequenceEqual(Dims(b));
        (BuiltinOptions type, int version) = code switch
        {
            BuiltinOperator.ADD => (BuiltinOptions.Add, 1),
            BuiltinOperator.SUB => (BuiltinOptions.Sub, isWide ? 3 : 1),
            BuiltinOperator.MUL => (BuiltinOptions.Mul, 1),
            BuiltinOperator.DIV => (BuiltinOptions.Div, isWide ? 2 : 1),
            BuiltinOperator.POW => (BuiltinOptions.Pow, 1),
            BuiltinOperator.PRELU => (BuiltinOptions.None, 1),
            BuiltinOperator.MAXIMUM or BuiltinOperator.MINIMUM => (BuiltinOptions.MaximumMinimum, isWide ? 3 : 1),
            _ => throw new UnreachableException($"{code} has no two operands."),
        };
        OptionsTable options = new(type);
        FusedActivation fused = TfLiteActivations.ToFused(activation);
        if (fused != FusedActivation.NONE) options.Byte(0, (byte)fused);
        return Unfused(Call(code, [a, b], shape.Dims.ToArray(), options, version), activation);
    }

    /// <summary>An operator of one operand; most have no table of options.</summary>
    internal int Unary(BuiltinOperator code, int x, BuiltinOptions options = BuiltinOptions.None) => Call(code, [x], Dims(x), new OptionsTable(options));

    /// <summary>PRELU keeps its first operand's shape; where ours stretches it: max(a, 0) + b * min(a, 0).</summary>
    private int EmitPRelu(Node node)
    {
        int a = Tensor(node.Inputs[0]), b = Tensor(node.Inputs[1]);
        if (node.Inputs[0].Shape == node.Output.Shape) return Binary(BuiltinOperator.PRELU, a, b);
        int negative = Binary(BuiltinOperator.MINIMUM, a, Scalar("zero", 0));
        return Binary(BuiltinOperator.ADD, Unary(BuiltinOperator.RELU, a), Binary(BuiltinOperator.MUL, b, negative));
    }

    /// <summary>Applies an activation that is no option of the operator before it.</summary>
    private int Unfused(int x, Activation activation) =>
        activation.Kind == ActivationKind.None || TfLiteActivations.ToFused(activation) != FusedActivation.NONE ? x : Activated(x, activation);

    private int Activated(int x, Activation activation) => TfLiteActivations.Write(this, x, activation);

    /// <summary>The format has no error function: x * P(x^2) / Q(x^2) up to 4, as the kernel computes it.</summary>
    private int EmitErf(int x)
    {
        x = Clamped(x, Scalar("min", -4), Scalar("max", 4));
        int square = Binary(BuiltinOperator.MUL, x, x);
        int p = Polynomial(
            square, "p",
            [-2.72614225801306e-10f, 2.77068142495902e-08f, -2.10102402082508e-06f, -5.69250639462346e-05f, -7.34990630326855e-04f, -2.95459980854025e-03f,
                -1.60960333262415e-02f]);
        int q = Polynomial(
            square, "q", [-1.45660718464996e-05f, -2.13374055278905e-04f, -1.68282697438203e-03f, -7.37332916720468e-03f, -1.42647390514189e-02f]);
        return Binary(BuiltinOperator.DIV, Binary(BuiltinOperator.MUL, x, p), q);
    }

    /// <summary>A polynomial of at least two terms by Horner's rule, the highest first.</summary>
    private int Polynomial(int x, string what, ReadOnlySpan<float> terms)
    {
        int sum = Binary(BuiltinOperator.MUL, x, Scalar($"{what}0", terms[0]));
        for (int i = 1; i < terms.Length; i++)
        {
            sum = Binary(BuiltinOperator.ADD, sum, Scalar($"{what}{i}", terms[i]));
            if (i < terms.Length - 1) sum = Binary(BuiltinOperator.MUL, sum, x);
        }

        return sum;
    }

    /// <summary>Bounds that are finite; an infinite one is none, and readers take it for damage.</summary>
    internal int Clipped(int x, float low, float high)
    {
        if (!float.IsFinite(low) && !float.IsFinite(high)) return Reshaped(x, Dims(x));
        if (float.IsFinite(low)) x = Binary(BuiltinOperator.MAXIMUM, x, Scalar("min", low));
        return float.IsFinite(high) ? Binary(BuiltinOperator.MINIMUM, x, Scalar("max", high)) : x;
    }

    internal int Clamped(int x, int minimum, int maximum) => Binary(BuiltinOperator.MINIMUM, Binary(BuiltinOperator.MAXIMUM, x, minimum), maximum);

    /// <summary>x * k + s with k = scale / sqrt(variance + epsilon) and s = shift - mean * k, computed in double where all are constants.</summary>
    private int EmitBatchNorm(Node node)
    {
        float epsilon = ((BatchNormAttributes)node.Attributes).Epsilon;
        int x = Tensor(node.Inputs[0]);
        if (node.Inputs[1].Constant is { } scale && node.Inputs[2].Constant is { } shift && node.Inputs[3].Constant is { } mean
            && node.Inputs[4].Constant is { } variance)
        {
            float[] factors = new float[scale.Floats.Length], offsets = new float[factors.Length];
            for (int c = 0; c < factors.Length; c++)
            {
                double factor = scale.Floats[c] / Math.Sqrt((double)variance.Floats[c] + epsilon);
                factors[c] = (float)factor;
                offsets[c] = (float)(shift.Floats[c] - (mean.Floats[c] * factor));
            }

            int product = Binary(BuiltinOperator.MUL, x, _file.AddFloats($"{_name}/factor", [factors.Length], factors));
            return Binary(BuiltinOperator.ADD, product, _file.AddFloats($"{_name}/offset", [offsets.Length], offsets));
        }

        int deviation = Unary(BuiltinOperator.RSQRT, Binary(BuiltinOperator.ADD, Tensor(node.Inputs[4]), Scalar("epsilon", epsilon)));
        int centered = Binary(BuiltinOperator.SUB, x, Tensor(node.Inputs[3]));
        int normalized = Binary(BuiltinOperator.MUL, centered, Binary(BuiltinOperator.MUL, Tensor(node.Inputs[1]), deviation));
        return Binary(BuiltinOperator.ADD, normalized, Tensor(node.Inputs[2]));
    }

    /// <summary>
    /// QUANTIZE to an 8- or 16-bit type and back. A grid narrower than the type is clamped before; one that lies elsewhere is moved, which leaves the
    /// real values as they are.
    /// </summary>
    private int EmitFakeQuantize(Node node)
    {
        FakeQuantizeAttributes a = (FakeQuantizeAttributes)node.Attributes;
        (TfLiteType type, int low, int high) = TypeOf(a);
        int moved = a.Minimum >= low && a.Maximum <= high ? 0 : low - a.Minimum;
        ReadOnlySpan<float> scales = a.Quantization.Scales;
        int[] zeroPoints = a.Quantization.ZeroPoints.ToArray();
        float[] minimum = new float[scales.Length], maximum = new float[scales.Length];
        for (int c = 0; c < zeroPoints.Length; c++)
        {
            minimum[c] = scales[c] * (a.Minimum - zeroPoints[c]);
            maximum[c] = scales[c] * (a.Maximum - zeroPoints[c]);
            zeroPoints[c] += moved;
        }

        int x = Tensor(node.Inputs[0]);
        if (a.Minimum + moved > low || a.Maximum + moved < high)
        {
            x = Clamped(x, _file.AddFloats($"{_name}/min", [minimum.Length], minimum), _file.AddFloats($"{_name}/max", [maximum.Length], maximum));
        }

        bool isPerTensor = a.Quantization.IsPerTensor;
        Quantization grid = new(scales, zeroPoints, node.Output.Shape.Rank - 1);
        int quantized = Call(
            BuiltinOperator.QUANTIZE, [x], Dims(x), new OptionsTable(BuiltinOptions.Quantize), isPerTensor ? type == TfLiteType.INT16 ? 2 : 1 : 3, type, grid);
        int version = !isPerTensor
            ? 5
            : type switch
            {
                TfLiteType.UINT8 =>
                1,
                TfLiteType.INT8 =>
                2,
                TfLiteType.INT16 =>
                3,
                _ =>
                throw new UnreachableException($"A grid of {type} is not written.")
            };
        return Call(BuiltinOperator.DEQUANTIZE, [quantized], Dims(x), new OptionsTable(BuiltinOptions.Dequantize), version);
    }

    private static (TfLiteType Type, int Low, int High) TypeOf(FakeQuantizeAttributes a)
    {
        long steps = (long)a.Maximum - a.Minimum;
        if (steps > ushort.MaxValue) throw new ThomasException($"A grid of {steps + 1} steps cannot be written as .tflite; at most 65536 can.");
        if (steps > byte.MaxValue) return (TfLiteType.INT16, short.MinValue, short.MaxValue);
        return a.Minimum >= 0 && a.Maximum <= byte.MaxValue
            ? (TfLiteType.UINT8, byte.MinValue, byte.MaxValue)
            : (TfLiteType.INT8, sbyte.MinValue, sbyte.MaxValue);
    }

    private int EmitSoftmax(Node node)
    {
        SoftmaxAttributes a = (SoftmaxAttributes)node.Attributes;
        int x = Tensor(node.Inputs[0]);
        if (!a.Logarithm) return Call(BuiltinOperator.SOFTMAX, [x], Dims(x), new OptionsTable(BuiltinOptions.Softmax).Float(0, a.Beta));
        if (a.Beta != 1) x = Binary(BuiltinOperator.MUL, x, Scalar("beta", a.Beta));
        return Call(BuiltinOperator.LOG_SOFTMAX, [x], Dims(x), new OptionsTable(BuiltinOptions.LogSoftmax));
    }

    /// <summary>The format's operator has windows of odd size over rank 4; all else is spelled out: x * (bias + alpha * window sum of x^2)^-beta.</summary>
    private int EmitLocalResponseNorm(Node node)
    {
        LocalResponseNormAttributes a = (LocalResponseNormAttributes)node.Attributes;
        int x = Tensor(node.Inputs[0]), rank = node.Output.Shape.Rank;
        if (a.Size % 2 == 1 && rank == 4)
        {
            OptionsTable options = new OptionsTable(BuiltinOptions.LocalResponseNormalization).Int(0, a.Size / 2).Float(1, a.Bias).Float(2, a.Alpha)
                .Float(3, a.Beta);
            return Call(BuiltinOperator.LOCAL_RESPONSE_NORMALIZATION, [x], Dims(x), options);
        }

        int[] before = new int[rank], after = new int[rank], begin = new int[rank], size = new int[rank];
        before[^1] = (a.Size - 1) / 2;
        after[^1] = a.Size / 2;
        Array.Fill(size, -1);
        size[^1] = node.Output.Shape[-1];
        int squares = PaddedBy(Binary(BuiltinOperator.MUL, x, x), before, after, 0), sum = -1;
        for (int i = 0; i < a.Size; i++)
        {
            begin[^1] = i;
            int shifted = Sliced(squares, begin, size, Dims(x));
            sum = sum < 0 ? shifted : Binary(BuiltinOperator.ADD, sum, shifted);
        }

        int scaled = Binary(BuiltinOperator.ADD, Binary(BuiltinOperator.MUL, sum, Scalar("alpha", a.Alpha)), Scalar("bias", a.Bias));
        return Binary(BuiltinOperator.MUL, x, Binary(BuiltinOperator.POW, scaled, Scalar("exponent", -a.Beta)));
    }
}
