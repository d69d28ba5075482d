using System;
using System.Diagnostics;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;
using DataType = Thomas.Formats.Onnx.Proto.TensorProto.Types.DataType;

namespace Thomas.Formats.Onnx;

/// <summary>8-bit operators: weights become float32, results are rounded to the grid that the file gives them.</summary>
internal sealed partial class OnnxImporter
{
    /// <summary>What the unrounded result of an 8-bit operator is called behind its name.</summary>
    private const string Real = "real";

    /// <summary>What the sum of integer products is called behind the result's name.</summary>
    private const string Sum = "sum";

    private Operand QuantizeLinear(OnnxNode node)
    {
        Operand x = node.Input(0), scale = node.Input(1);
        if (node.Int("block_size", 0) != 0) throw node.Unsupported("in blocks");
        int axis = scale.Shape.ElementCount == 1 ? 0 : node.Axis(node.Int("axis", 1), x.Rank);
        Grid grid = ReadGrid(node, scale, node.Optional(2), axis);
        return Rounded(node, x, grid, node.Name);
    }

    private Operand DequantizeLinear(OnnxNode node)
    {
        Operand x = node.Input(0), scale = node.Input(1);
        if (node.Int("block_size", 0) != 0) throw node.Unsupported("in blocks");
        int axis = scale.Shape.ElementCount == 1 ? 0 : node.Axis(node.Int("axis", 1), x.Rank);
        Quantization quantization = ReadQuantization(node, scale, node.Optional(2), axis);
        Operand real = RealOf(node, x, quantization);
        return x.IsConstant ? new Operand(node.Name, real.Data!) : real;
    }

    /// <summary>The real numbers of an integer operand, whose grid the reader states again.</summary>
    private Operand RealOf(OnnxNode node, Operand x, Quantization quantization)
    {
        IsQuantized = true;
        if (x.IsDynamic) return new Operand(x.Name, x.Value!);
        if (x.IsInteger) return Dequantized(node, x, quantization);
        if (x.QuantizedInput is QuantizedInput input)
        {
            input.Quantization ??= quantization;
            if (!new Grid(input.Quantization, 0, 1).Matches(quantization)) throw node.Unsupported("two readers that scale the input differently");
            return new Operand(x.Name, x.Value!);
        }

        if (x.Grid is null) throw node.Fail($"operand '{x.Name}' holds floats, expected quantized integers");
        if (!x.Grid.Matches(quantization)) throw node.Unsupported("the scale or zero point of an operand differs from where it was computed", $"'{x.Name}'");
        return x.IsConstant ? new Operand(x.Name, x.Data!) : new Operand(x.Name, x.Value!);
    }

    private Operand Dequantized(OnnxNode node, Operand x, Quantization quantization)
    {
        if (x.DType == DType.Bool) throw node.Fail($"operand '{x.Name}' holds truth values");
        int inner = 1, scales = quantization.Scales.Length;
        if (!quantization.IsPerTensor)
        {
            if (quantization.Axis >= x.Rank || x.Shape[quantization.Axis] != scales)
            {
                throw node.Fail($"{scales} scales do not fit axis {quantization.Axis} of {x.Shape}");
            }

            inner = x.Shape.Product(quantization.Axis + 1, x.Rank);
        }

        Charge(4L * x.Shape.ElementCount);
        if (x.DType is DType.I8 or DType.U8)
        {
            return new Operand(x.Name, TensorData.FromSteps(new TensorData(x.Data!.Type, x.Data.Bytes, quantization)));
        }

        float[] values = new float[x.Shape.ElementCount];
        for (int i = 0; i < values.Length; i++)
        {
            int channel = scales == 1 ? 0 : i / inner % scales;
            long integer = x.DType switch
            {
                DType.I32 => x.Data!.Ints[i],
                DType.I64 => x.Data!.Longs[i],
                _ => throw new UnreachableException($"{x.DType} is not dequantized."),
            };
            values[i] = (integer - quantization.ZeroPoints[channel]) * quantization.Scales[channel];
        }

        return new Operand(x.Name, TensorData.FromFloats(x.Shape, values, quantization, x.DType == DType.I32 ? x.Data!.Bytes : default));
    }

    /// <summary>Rounds a real operand to a grid and remembers it.</summary>
    private Operand Rounded(OnnxNode node, Operand real, Grid grid, string name)
    {
        IsQuantized = true;
        if (real.Grid is not null || real.QuantizedInput is not null || real.IsInteger) throw node.Unsupported("on integers");
        Quantization quantization = grid.Quantization;
        int axis = quantization.Axis;
        if (quantization.IsPerTensor || axis == real.Rank - 1)
        {
            return WithGrid(
                ApplyToReals(node, OpCatalog.FakeQuantize, [real], Rounding(quantization, grid), name, grid), grid);
        }

        // The operator wants its scales along the last axis.
        int[] swap = new int[real.Rank];
        for (int i = 0; i < swap.Length; i++) swap[i] = i == axis ? real.Rank - 1 : i == real.Rank - 1 ? axis : i;
        TransposeAttributes transpose = new(new IntList(swap));
        FakeQuantizeAttributes attributes = Rounding(new Quantization(quantization.Scales, quantization.ZeroPoints, real.Rank - 1), grid);
        Operand last = Apply(node, OpCatalog.Transpose, [real], transpose, $"{name}/last");
        Operand rounded = Apply(node, OpCatalog.FakeQuantize, [last], attributes, $"{name}/rounded");
        return WithGrid(ApplyToReals(node, OpCatalog.Transpose, [rounded], transpose, name, grid), grid);
    }

    private static FakeQuantizeAttributes Rounding(Quantization quantization, Grid grid) =>
        new(quantization, grid.Minimum, grid.Maximum, QuantizedArithmetic.Onnx);

    private static Operand WithGrid(Operand operand, Grid grid) =>
        operand.Data is TensorData data ? new Operand(operand.Name, data, grid) : operand;

    private static Quantization ReadQuantization(OnnxNode node, Operand scale, Operand? zeroPoint, int axis)
    {
        TensorData scales = RequireConstant(node, scale, "a scale");
        long[] zeros = zeroPoint is null ? new long[scales.Type.Shape.ElementCount] : Integers(node, zeroPoint);
        if (zeroPoint is { IsInteger: false }) throw node.Fail($"the zero point '{zeroPoint.Name}' is not an integer");
        int[] narrow = new int[zeros.Length];
        for (int i = 0; i < narrow.Length; i++) narrow[i] = node.ToInt(zeros[i]);
        return new Quantization(scales.Floats, narrow, axis);
    }

    private static Grid ReadGrid(OnnxNode node, Operand scale, Operand? zeroPoint, int axis)
    {
        DataType stored = (DataType)node.Int("output_dtype", 0);
        DType dtype = zeroPoint?.DType ?? (stored == DataType.Int8 ? DType.I8 : DType.U8);
        if (zeroPoint is null && stored is not (DataType.Undefined or DataType.Int8 or DataType.Uint8)) throw node.Unsupported($"to {stored}");
        if (dtype is not (DType.I8 or DType.U8)) throw node.Unsupported($"with a zero point of {dtype}; 8 bits are supported");
        Quantization quantization = ReadQuantization(node, scale, zeroPoint, axis);
        return dtype == DType.I8 ? new Grid(quantization, -128, 127) : new Grid(quantization, 0, 255);
    }

    /// <summary>The real numbers of operands i (integers), i + 1 (scale) and i + 2 (zero point).</summary>
    private Operand RealTriple(OnnxNode node, int i) => RealOf(node, node.Input(i), ReadQuantization(node, node.Input(i + 1), node.Optional(i + 2), 0));

    /// <summary>
    /// The integers of operands i (integers), i + 1 (scale) and i + 2 (zero point), minus the zero point, as floats. Sums of their products are exact in
    /// float32 up to 2^24, so that what follows rounds as it does in integer arithmetic.
    /// </summary>
    private Operand StepsTriple(OnnxNode node, int i, int axis = 0)
    {
        Operand x = node.Input(i);
        Quantization quantization = ReadQuantization(node, node.Input(i + 1), node.Optional(i + 2), axis);
        if (x.IsInteger) return Dequantized(node, x, WithScaleOne(quantization));
        Operand real = RealOf(node, x, quantization);
        if (!quantization.IsPerTensor) throw node.Unsupported("an activation with several scales");
        return x.Steps ??= RoundedSteps(node, real, quantization, x, i);
    }

    private Operand RoundedSteps(OnnxNode node, Operand real, Quantization quantization, Operand x, int i)
    {
        Grid grid = x.Grid ?? ReadGrid(node, node.Input(i + 1), node.Optional(i + 2), 0);
        Operand divided = Apply(node, OpCatalog.Divide, [real, Constant($"{x.Name}/scale", new Shape(), quantization.Scales[0])], null, $"{x.Name}/divided");
        return Apply(
            node, OpCatalog.FakeQuantize, [divided], Rounding(WithScaleOne(quantization), grid), $"{x.Name}/steps");
    }

    private static Quantization WithScaleOne(Quantization quantization)
    {
        float[] ones = new float[quantization.Scales.Length];
        Array.Fill(ones, 1);
        return new Quantization(ones, quantization.ZeroPoints, quantization.Axis);
    }

    /// <summary>Rounds a real result to the grid of operands i (scale) and i + 1 (zero point).</summary>
    private Operand RoundedTo(OnnxNode node, Operand real, int i) => Rounded(node, real, ReadGrid(node, node.Input(i), node.Optional(i + 1), 0), node.Name);

    /// <summary>Rounds a result that counts in steps of the grid of operands i (scale) and i + 1 (zero point).</summary>
    private Operand StepsTo(OnnxNode node, Operand result, int i)
    {
        Grid grid = ReadGrid(node, node.Input(i), node.Optional(i + 1), 0);
        if (!grid.Quantization.IsPerTensor) throw node.Unsupported("a result with several scales");
        Operand steps = Apply(
            node, OpCatalog.FakeQuantize, [result], Rounding(WithScaleOne(grid.Quantization), grid), $"{node.Name}/steps");
        return OfSteps(node, steps, grid);
    }

    /// <summary>A result whose steps are known: the real numbers are computed for those who read them.</summary>
    private Operand OfSteps(OnnxNode node, Operand steps, Grid grid)
    {
        IsQuantized = true;
        Operand real = Apply(node, OpCatalog.Multiply, [steps, Constant($"{node.Name}/scale", new Shape(), grid.Quantization.Scales[0])]);
        return real.Data is TensorData data
            ? new Operand(real.Name, data, grid) { Steps = steps }
            : new Operand(real.Name, real.Value!, grid) { Steps = steps };
    }

    /// <summary>Scales sums of products of integers to steps of the result; the factors as the runtimes compute them, in float32.</summary>
    private Operand Requantized(OnnxNode node, Operand sum, int inputScale, int weightScale, int resultScale, int channelsBehind)
    {
        ReadOnlySpan<float> input = RequireConstant(node, node.Input(inputScale), "a scale").Floats,
            weights = RequireConstant(node, node.Input(weightScale), "a scale").Floats;
        ReadOnlySpan<float> result = RequireConstant(node, node.Input(resultScale), "a scale").Floats;
        if (input.Length != 1 || result.Length != 1) throw node.Unsupported("an activation with several scales");
        float[] factors = new float[weights.Length];
        for (int i = 0; i < factors.Length; i++) factors[i] = input[0] * weights[i] / result[0];
        int[] dims = new int[factors.Length == 1 ? 0 : 1 + channelsBehind];
        if (dims.Length > 0)
        {
            Array.Fill(dims, 1);
            dims[0] = factors.Length;
        }

        return Apply(node, OpCatalog.Multiply, [sum, Constant($"{node.Name}/factor", new Shape(dims), factors)], null, $"{node.Name}/scaled");
    }

    private Operand QLinearConv(OnnxNode node)
    {
        Operand? bias = node.Optional(8) is Operand integers ? IntegerBias(node, integers) : null;
        Operand sum = Convolution(node.Inner(Sum), StepsTriple(node, 0), StepsTriple(node, 3), bias);
        return StepsTo(node, Requantized(node, sum, 1, 4, 6, channelsBehind: 2), 6);
    }

    /// <summary>A 32-bit bias counts in steps of input scale times weight scale, as the sums do.</summary>
    private Operand IntegerBias(OnnxNode node, Operand bias)
    {
        if (!bias.IsInteger) throw node.Fail($"the bias '{bias.Name}' is not an integer constant");
        return ToFloats(bias);
    }

    private Operand QLinearMatMul(OnnxNode node)
    {
        Operand sum = MatMul(node.Inner(Sum), StepsTriple(node, 0), StepsTriple(node, 3, 1));
        return StepsTo(node, Requantized(node, sum, 1, 4, 6, channelsBehind: 0), 6);
    }

    private Operand QGemm(OnnxNode node)
    {
        int axis = node.Int("transB", 0) != 0 ? 0 : 1;
        // Without a grid for the result that is real.
        if (node.Optional(7) is null)
        {
            Operand? real = node.Optional(6) is Operand c ? RealBias(node, c) : null;
            Operand weights = RealOf(node, node.Input(3), ReadQuantization(node, node.Input(4), node.Optional(5), axis));
            return Gemm(node, RealTriple(node, 0), weights, real);
        }

        if (node.Float("alpha", 1) != 1) throw node.Unsupported("with alpha");
        Operand? bias = node.Optional(6) is Operand integers ? IntegerBias(node, integers) : null;
        Operand sum = Gemm(node.Inner(Sum), StepsTriple(node, 0), StepsTriple(node, 3, axis), bias);
        return StepsTo(node, Requantized(node, sum, 1, 4, 7, channelsBehind: 0), 7);
    }

    private Operand RealBias(OnnxNode node, Operand bias)
    {
        ReadOnlySpan<float> input = RequireConstant(node, node.Input(1), "a scale").Floats, weights = RequireConstant(node, node.Input(4), "a scale").Floats;
        if (input.Length != 1) throw node.Unsupported("an activation with several scales");
        float alpha = node.Float("alpha", 1);
        float[] scales = new float[weights.Length];
        for (int i = 0; i < scales.Length; i++) scales[i] = alpha * input[0] * weights[i];
        if (!bias.IsInteger) throw node.Fail($"the bias '{bias.Name}' is not an integer constant");
        return Dequantized(node, bias, new Quantization(scales, new int[scales.Length]));
    }

    /// <summary>
    /// y = round(a * ratioA + (b * ratioB + rest)) in float32, with the zero points in the rest. Sums of two grids often lie next to the middle between two
    /// steps, so that the order of the operations decides: it is ONNX Runtime's on x64, including the fused product in the rest.
    /// </summary>
    private Operand QLinearAdd(OnnxNode node)
    {
        float result = ScalarScale(node, 6), ratioA = ScalarScale(node, 1) / result, ratioB = ScalarScale(node, 4) / result;
        float rest = ScalarZero(node, 7) - MathF.FusedMultiplyAdd(ratioA, ScalarZero(node, 2), ratioB * ScalarZero(node, 5));
        Operand a = WithScalar(node, OpCatalog.Multiply, RawTriple(node, 0), ratioA, "left");
        Operand b = WithScalar(node, OpCatalog.Multiply, RawTriple(node, 3), ratioB, "right");
        return RawTo(node, Apply(node, OpCatalog.Add, [a, WithScalar(node, OpCatalog.Add, b, rest, "rest")], null, $"{node.Name}/sum"), 6);
    }

    /// <summary>The integers of operands i (integers), i + 1 (scale) and i + 2 (zero point), as floats.</summary>
    private Operand RawTriple(OnnxNode node, int i)
    {
        Operand steps = StepsTriple(node, i);
        float zero = ScalarZero(node, i + 2);
        return zero == 0 ? steps : WithScalar(node, OpCatalog.Add, steps, zero, $"operand{i}");
    }

    /// <summary>Rounds a result that counts in steps of the grid of operands i (scale) and i + 1 (zero point), from its zero point on.</summary>
    private Operand RawTo(OnnxNode node, Operand result, int i)
    {
        Grid grid = ReadGrid(node, node.Input(i), node.Optional(i + 1), 0);
        Quantization integers = new([1], [0]);
        Operand rounded = Apply(
            node, OpCatalog.FakeQuantize, [result], Rounding(integers, grid), $"{node.Name}/rounded");
        int zero = grid.Quantization.ZeroPoints[0];
        return OfSteps(node, zero == 0 ? rounded : WithScalar(node, OpCatalog.Subtract, rounded, zero, "steps"), grid);
    }

    private Operand WithScalar(OnnxNode node, BinaryOp op, Operand x, float scalar, string name) =>
        Apply(node, op, [x, Constant($"{node.Name}/{name}_operand", new Shape(), scalar)], null, $"{node.Name}/{name}");

    private static float ScalarScale(OnnxNode node, int index)
    {
        ReadOnlySpan<float> scale = RequireConstant(node, node.Input(index), "a scale").Floats;
        return scale.Length == 1 ? scale[0] : throw node.Unsupported("an activation with several scales");
    }

    private static float ScalarZero(OnnxNode node, int index)
    {
        if (node.Optional(index) is not Operand zeroPoint) return 0;
        long[] zeros = Integers(node, zeroPoint);
        return zeros.Length == 1 ? zeros[0] : throw node.Unsupported("an activation with several zero points");
    }

    private Operand QLinearBinary(OnnxNode node, BinaryOp op) => RoundedTo(node, Apply(node.Inner(Real), op, [RealTriple(node, 0), RealTriple(node, 3)]), 6);

    private Operand QLinearActivation(OnnxNode node, Activation activation) =>
        RoundedTo(node, Apply(node.Inner(Real), OpCatalog.Activate, [RealTriple(node, 0)], new ActivateAttributes(activation)), 3);

    private Operand QLinearGlobalAveragePool(OnnxNode node)
    {
        if (node.Int("channels_last", 0) != 0) throw node.Unsupported("with channels last");
        Operand x = StepsTriple(node, 0), sum = GlobalPool(node.Inner(Sum), x, ReduceKind.Sum);
        float factor = ScalarScale(node, 1) / (ScalarScale(node, 3) * x.Shape.Product(2, x.Rank));
        return StepsTo(node, WithScalar(node, OpCatalog.Multiply, sum, factor, "factor"), 3);
    }

    private Operand QLinearAveragePool(OnnxNode node)
    {
        if (node.Int("channels_last", 0) != 0) throw node.Unsupported("with channels last");
        return RoundedTo(node, AveragePool(node.Inner(Real), RealTriple(node, 0)), 3);
    }

    private Operand QLinearConcat(OnnxNode node)
    {
        if (node.InputCount < 5 || (node.InputCount - 2) % 3 != 0) throw node.Fail($"has {node.InputCount} operands, expected 2 and 3 for each part");
        Operand[] parts = new Operand[(node.InputCount - 2) / 3];
        for (int i = 0; i < parts.Length; i++) parts[i] = RealTriple(node, 2 + (3 * i));
        int axis = node.Axis(node.Int("axis", 0), parts[0].Rank);
        return RoundedTo(node, Apply(node.Inner(Real), OpCatalog.Concat, parts, new ConcatAttributes(axis)), 0);
    }
}
