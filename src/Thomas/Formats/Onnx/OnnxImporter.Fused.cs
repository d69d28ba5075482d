using System;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;

namespace Thomas.Formats.Onnx;

/// <summary>Operators of ONNX Runtime's own optimizer and quantizer, and of files from before operator set 7.</summary>
internal sealed partial class OnnxImporter
{
    /// <summary>
    /// Dynamic quantization rounds each activation to a grid that follows from its own range. Here activations stay real, as for all files with 8-bit
    /// weights alone: the quantized operand is the operand itself, its scale 1 and its zero point 0.
    /// </summary>
    private Operand DynamicQuantizeLinear(OnnxNode node)
    {
        Operand x = node.Input(0);
        if (x.IsConstant || x.Grid is not null || x.QuantizedInput is not null) throw node.Unsupported("on integers");
        IsQuantized = true;
        _isDynamic = true;
        if (node.OutputName(1).Length > 0) Define(node.OutputName(1), Constant(node.OutputName(1), new Shape(), 1), node);
        if (node.OutputName(2).Length > 0)
        {
            Define(node.OutputName(2), new Operand(node.OutputName(2), new TensorData(new TensorType(DType.U8, new Shape()), new byte[1])), node);
        }

        return new Operand(node.Name, x.Value!) { IsDynamic = true };
    }

    /// <summary>An operand of an integer product minus its zero point: 8-bit weights, an activation in steps, or one that was quantized dynamically.</summary>
    private Operand StepsOf(OnnxNode node, Operand x, Operand? zeroPoint, int axis)
    {
        if (x.IsDynamic) return x;
        if (x.IsInteger)
        {
            long[] zeros = zeroPoint is null ? [0] : Integers(node, zeroPoint);
            float[] ones = new float[zeros.Length];
            Array.Fill(ones, 1);
            return Dequantized(node, x, new Quantization(ones, Array.ConvertAll(zeros, node.ToInt), axis));
        }

        if (x.Grid is not { Quantization.IsPerTensor: true } grid) throw node.Unsupported("of an activation that is not quantized");
        if (zeroPoint is not null && Integers(node, zeroPoint) is var zero && (zero.Length != 1 || zero[0] != grid.Quantization.ZeroPoints[0]))
        {
            throw node.Unsupported("with a zero point other than its operand's");
        }

        return x.Steps ?? Step(node, "steps", OpCatalog.Multiply, [new Operand(x.Name, x.Value!), Number(node, "per_step", 1 / grid.Quantization.Scales[0])]);
    }

    private Operand ConvInteger(OnnxNode node) =>
        Convolution(node, StepsOf(node, node.Input(0), node.Optional(2), 0), StepsOf(node, node.Input(1), node.Optional(3), 0), null);

    private Operand MatMulInteger(OnnxNode node) =>
        MatMul(node, StepsOf(node, node.Input(0), node.Optional(2), 0), StepsOf(node, node.Input(1), node.Optional(3), node.Input(1).Rank - 1));

    /// <summary>A times dequantized B, plus a bias: A is real, or was quantized dynamically with a scale of its own.</summary>
    private Operand MatMulOfQuantizedWeights(OnnxNode node, int scaleA, int scaleB, int zeroB, int bias)
    {
        Operand a = node.Input(0), b = node.Input(1);
        if (!b.IsInteger) throw node.Unsupported("without weights of integers");
        if (scaleA >= 0 && !a.IsDynamic) throw node.Unsupported("of an activation that is not quantized dynamically");
        IsQuantized = true;
        Operand weights = Dequantized(node, b, ReadQuantization(node, node.Input(scaleB), node.Optional(zeroB), b.Rank - 1));
        if (node.Optional(bias) is not Operand offset) return MatMul(node, a, weights);
        return Apply(node, OpCatalog.Add, [MatMul(node.Inner(Sum), a, weights), offset]);
    }

    private Operand FusedMatMul(OnnxNode node)
    {
        if (node.Int("transBatchA", 0) != 0 || node.Int("transBatchB", 0) != 0) throw node.Unsupported("with the axes of the products moved");
        Operand a = node.Input(0), b = node.Input(1);
        float alpha = node.Float("alpha", 1);
        bool transA = node.Int("transA", 0) != 0, transB = node.Int("transB", 0) != 0;
        if (transA || (transB && !(b is { IsConstant: true, Rank: 2 })))
        {
            return ProductOfActivations(node, a, b, null, new MatMulAttributes(transA, transB), alpha);
        }

        if (transB) b = Permuted(node, b, "a weight matrix", Swap);
        return alpha == 1 ? MatMul(node, a, b) : Times(node, "scaled", MatMul(node.Inner("product"), a, b), alpha);
    }

    /// <summary>A convolution with an operand added and an activation behind it.</summary>
    private Operand FusedConv(OnnxNode node)
    {
        bool adds = node.Optional(3) is not null, activates = node.Text("activation", "").Length > 0;
        Operand result = Convolution(adds || activates ? node.Inner("conv") : node, node.Input(0), node.Input(1), node.Optional(2));
        if (node.Optional(3) is Operand sum) result = Apply(node, OpCatalog.Add, [result, sum], null, activates ? $"{node.Name}/sum" : node.Name);
        return activates ? FusedActivation(node, result) : result;
    }

    private Operand FusedGemm(OnnxNode node)
    {
        bool activates = node.Text("activation", "").Length > 0;
        Operand result = Gemm(activates ? node.Inner("product") : node, node.Input(0), node.Input(1), node.Optional(2));
        return activates ? FusedActivation(node, result) : result;
    }

    private Operand FusedActivation(OnnxNode node, Operand x)
    {
        string name = node.Text("activation", "");
        Activation activation = OnnxActivations.OfFused(node, name) ?? throw node.Unsupported($"with activation {name}");
        return Apply(node, OpCatalog.Activate, [x], new ActivateAttributes(activation));
    }

    private Operand QLinearSoftmax(OnnxNode node)
    {
        Operand x = RealTriple(node, 0);
        OnnxNode real = node.Inner(Real);
        return RoundedTo(node, Softmax(real, x, logarithm: false, node.ToInt(node.Int("opset", 13))), 3);
    }

    /// <summary>The second operand of an element-wise operator before operator set 7: it stretches from the axis on that the node names.</summary>
    private Operand LegacyBroadcast(OnnxNode node, Operand a, Operand b)
    {
        if (node.Opset >= 7 && (node.Has("axis") || node.Has("broadcast"))) throw node.Unsupported("broadcasting as before operator set 7");
        if (!node.Has("axis") || b.Rank == 0) return b;
        int axis = node.Axis(node.Int("axis", 0), a.Rank);
        int missing = a.Rank - axis - b.Rank;
        if (missing < 0) throw node.Fail($"{b.Shape} does not fit {a.Shape} from axis {axis} on");
        if (missing == 0) return b;
        int[] dims = new int[b.Rank + missing];
        Array.Fill(dims, 1);
        b.Shape.Dims.CopyTo(dims);
        return b.IsConstant ? new Operand(b.Name, b.Stored!.Reshaped(new Shape(dims))) : ReshapeTo(node, b, dims, $"{node.Name}/stretched");
    }

    /// <summary>Old exporters give a slope for each channel as a plain list, which by today's rule would run along the last axis.</summary>
    private Operand ParametricRelu(OnnxNode node)
    {
        Operand x = node.Input(0), slope = node.Input(1);
        bool perChannel = slope.Rank == 1 && x.Rank > 2 && slope.Shape[0] > 1 && slope.Shape[0] == x.Shape[1]
            && (node.Opset < 7 || slope.Shape[0] != x.Shape[-1]);
        return Apply(node, OpCatalog.PRelu, [x, perChannel ? PerChannel(node, slope, x.Rank) : slope]);
    }

    /// <summary>Statistics for every position (spatial = 0), as old files have them: x * a + b.</summary>
    private Operand NormalizationByPosition(OnnxNode node)
    {
        Operand deviation = Step(
            node, "rsqrt", OpCatalog.Rsqrt, [Step(node, "raised", OpCatalog.Add, [node.Input(4), Number(node, "epsilon", node.Float("epsilon", 1e-5f))])]);
        Operand factor = Step(node, "factor", OpCatalog.Multiply, [node.Input(1), deviation]);
        Operand offset = Step(node, "offset", OpCatalog.Subtract, [node.Input(2), Step(node, "mean", OpCatalog.Multiply, [node.Input(3), factor])]);
        return Apply(node, OpCatalog.Add, [Step(node, "scaled", OpCatalog.Multiply, [node.Input(0), factor]), offset]);
    }

    /// <summary>x * scale + one bias a channel.</summary>
    private Operand ImageScaler(OnnxNode node)
    {
        Operand x = Times(node, "scaled", node.Input(0), node.Float("scale", 1));
        if (node.Floats("bias") is not { Length: > 0 } bias) return x;
        if (x.Rank < 2 || x.Shape[1] != bias.Length) throw node.Fail($"has {bias.Length} biases for {x.Shape}");
        return Apply(node, OpCatalog.Add, [x, PerChannel(node, Constant($"{node.Name}/bias", new Shape(bias.Length), bias), x.Rank)]);
    }

    private Operand Affine(OnnxNode node)
    {
        Operand x = Times(node, "scaled", node.Input(0), node.Float("alpha", 1));
        return Apply(node, OpCatalog.Add, [x, Number(node, "beta", node.Float("beta", 0))]);
    }

    private Operand Crop(OnnxNode node)
    {
        Operand x = node.Input(0);
        if (x.Rank != 4 || node.Ints("border") is not { Length: 4 } border) throw node.Fail("has no border of four numbers");
        int[] begin = new int[4], size = Filled(4, -1);
        long[]? scale = node.Ints("scale");
        for (int i = 0; i < 2; i++)
        {
            int axis = 2 + i, left = node.ToInt(border[i == 0 ? 1 : 0]), right = node.ToInt(border[i == 0 ? 3 : 2]);
            long count = scale is { Length: 2 } ? scale[i] : x.Shape[axis] - left - (long)right;
            if (left < 0 || count < 1 || left + count > x.Shape[axis]) throw node.Fail($"cuts {count} from {left} on out of {x.Shape}");
            begin[axis] = left;
            size[axis] = (int)count;
        }

        return SliceOf(node, x, begin, size, Filled(4, 1), node.Name);
    }
}
