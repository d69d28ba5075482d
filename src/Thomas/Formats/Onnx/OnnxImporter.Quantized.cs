using System;
using Thomas.Graphs;
using Thomas.Ops;
using DataType = Thomas.Formats.Onnx.Proto.TensorProto.Types.DataType;

namespace Thomas.Formats.Onnx;

/// <summary>8-bit operators: weights become float32, results are rounded to the grid that the file gives them.</summary>
internal sealed partial class OnnxImporter
{
    /// <summary>What the unrounded result of an 8-bit operator is called behind its name.</summary>
    private const string Real = "real";

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
        if (x.IsInteger) return Dequantized(node, x, quantization);
        if (x.QuantizedInput is QuantizedInput input)
        {
            input.Quantization ??= quantization;
            if (!new Grid(input.Quantization, 0, 1).Matches(quantization)) throw node.Unsupported("two readers that scale the input differently");
            return new Operand(x.Name, x.Value!);
        }

        if (x.Grid is null) throw node.Fail($"operand '{x.Name}' holds floats, expected quantized integers");
        if (!x.Grid.Matches(quantization)) throw node.Unsupported($"scale or zero point of '{x.Name}' differs from where it was computed");
        return x.IsConstant ? new Operand(x.Name, x.Data!) : new Operand(x.Name, x.Value!);
    }

    private Operand Dequantized(OnnxNode node, Operand x, Quantization quantization)
    {
        if (x.DType == DType.Bool) throw node.Fail($"operand '{x.Name}' holds truth values");
        int inner = 1, scales = quantization.Scales.Length;
        if (!quantization.IsPerTensor)
        {
            if (quantization.Axis >= x.Rank || x.Shape[quantization.Axis] != scales) throw node.Fail($"{scales} scales do not fit axis {quantization.Axis} of {x.Shape}");
            inner = x.Shape.Product(quantization.Axis + 1, x.Rank);
        }

        Charge(4L * x.Shape.ElementCount);
        float[] values = new float[x.Shape.ElementCount];
        ReadOnlySpan<byte> bytes = x.Data!.Bytes.Span;
        for (int i = 0; i < values.Length; i++)
        {
            int channel = scales == 1 ? 0 : i / inner % scales;
            long integer = x.DType switch
            {
                DType.I8 => (sbyte)bytes[i],
                DType.U8 => bytes[i],
                DType.I32 => x.Data.Ints[i],
                _ => x.Data.Longs[i],
            };
            values[i] = (integer - quantization.ZeroPoints[channel]) * quantization.Scales[channel];
        }

        return new Operand(x.Name, TensorData.FromFloats(x.Shape, values));
    }

    /// <summary>Rounds a real operand to a grid and remembers it.</summary>
    private Operand Rounded(OnnxNode node, Operand real, Grid grid, string name)
    {
        IsQuantized = true;
        if (real.Grid is not null || real.QuantizedInput is not null || real.IsInteger) throw node.Unsupported("on integers");
        Quantization quantization = grid.Quantization;
        int axis = quantization.Axis;
        if (quantization.IsPerTensor || axis == real.Rank - 1)
            return WithGrid(ApplyToReals(node, OpCatalog.FakeQuantize, [real], new FakeQuantizeAttributes(quantization, grid.Minimum, grid.Maximum), name, grid), grid);

        // The operator wants its scales along the last axis.
        int[] swap = new int[real.Rank];
        for (int i = 0; i < swap.Length; i++) swap[i] = i == axis ? real.Rank - 1 : i == real.Rank - 1 ? axis : i;
        TransposeAttributes transpose = new(new IntList(swap));
        FakeQuantizeAttributes attributes = new(new Quantization(quantization.Scales, quantization.ZeroPoints, real.Rank - 1), grid.Minimum, grid.Maximum);
        Operand last = Apply(node, OpCatalog.Transpose, [real], transpose, $"{name}/last");
        Operand rounded = Apply(node, OpCatalog.FakeQuantize, [last], attributes, $"{name}/rounded");
        return WithGrid(ApplyToReals(node, OpCatalog.Transpose, [rounded], transpose, name, grid), grid);
    }

    private static Operand WithGrid(Operand operand, Grid grid) =>
        operand.Data is TensorData data ? new Operand(operand.Name, data, grid) : operand;

    private static Quantization ReadQuantization(OnnxNode node, Operand scale, Operand? zeroPoint, int axis)
    {
        TensorData scales = RequireConstant(node, scale, "a scale");
        long[] zeros = zeroPoint is null ? new long[scales.Type.Shape.ElementCount] : Integers(node, zeroPoint);
        if (zeroPoint is { IsInteger: false }) throw node.Fail($"the zero point '{zeroPoint.Name}' is no integer");
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
    private Operand RealTriple(OnnxNode node, int i, int axis = 0) =>
        RealOf(node, node.Input(i), ReadQuantization(node, node.Input(i + 1), node.Optional(i + 2), axis));

    /// <summary>Rounds a result to the grid of operands i (scale) and i + 1 (zero point).</summary>
    private Operand RoundedTo(OnnxNode node, Operand real, int i) => Rounded(node, real, ReadGrid(node, node.Input(i), node.Optional(i + 1), 0), node.Name);

    private Operand QLinearConv(OnnxNode node)
    {
        Operand x = RealTriple(node, 0), filter = RealTriple(node, 3);
        Operand? bias = node.Optional(8) is Operand integers ? RealBias(node, integers, node.Input(1), node.Input(4)) : null;
        return RoundedTo(node, Convolution(node.Inner(Real), x, filter, bias), 6);
    }

    /// <summary>A 32-bit bias counts in steps of input scale times weight scale.</summary>
    private Operand RealBias(OnnxNode node, Operand bias, Operand inputScale, Operand weightScale)
    {
        ReadOnlySpan<float> input = RequireConstant(node, inputScale, "a scale").Floats, weights = RequireConstant(node, weightScale, "a scale").Floats;
        if (input.Length != 1) throw node.Unsupported("an input with several scales");
        float[] scales = new float[weights.Length];
        for (int i = 0; i < scales.Length; i++) scales[i] = input[0] * weights[i];
        if (!bias.IsInteger) throw node.Fail($"the bias '{bias.Name}' is no integer constant");
        return Dequantized(node, bias, new Quantization(scales, new int[scales.Length]));
    }

    private Operand QLinearMatMul(OnnxNode node) => RoundedTo(node, MatMul(node.Inner(Real), RealTriple(node, 0), RealTriple(node, 3, 1)), 6);

    private Operand QGemm(OnnxNode node)
    {
        int axis = node.Int("transB", 0) != 0 ? 0 : 1;
        Operand? bias = node.Optional(6) is Operand integers ? RealBias(node, integers, node.Input(1), node.Input(4)) : null;
        if (bias is not null && node.Float("alpha", 1) is float alpha and not 1) bias = Scaled(node, bias, alpha);
        bool rounds = node.Optional(7) is not null;
        Operand product = Gemm(rounds ? node.Inner(Real) : node, RealTriple(node, 0), RealTriple(node, 3, axis), bias);
        return rounds ? RoundedTo(node, product, 7) : product;
    }

    private Operand QLinearBinary(OnnxNode node, BinaryOp op) => RoundedTo(node, Apply(node.Inner(Real), op, [RealTriple(node, 0), RealTriple(node, 3)]), 6);

    private Operand QLinearActivation(OnnxNode node, Activation activation) =>
        RoundedTo(node, Apply(node.Inner(Real), OpCatalog.Activate, [RealTriple(node, 0)], new ActivateAttributes(activation)), 3);

    private Operand QLinearGlobalAveragePool(OnnxNode node)
    {
        if (node.Int("channels_last", 0) != 0) throw node.Unsupported("with channels last");
        return RoundedTo(node, GlobalPool(node.Inner(Real), RealTriple(node, 0), ReduceKind.Mean), 3);
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
