using System;
using System.Collections.Generic;
using System.Linq;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Kernels.Quantized;
using Thomas.Ops;
using Thomas.Tests.Harness;

namespace Thomas.Tests.Ops;

/// <summary>The cases of the sweep for operators on 8-bit tensors, and for those that move such elements. All results must be the same bytes.</summary>
internal static class QuantizedCases
{
    private static readonly RequantizationRule[] Rules = [RequantizationRule.Float, RequantizationRule.FixedPoint];

    private static readonly StepGrid Signed = new(0.05f, -7, -128, 127), Unsigned = new(0.031f, 131, 0, 255), Wide = new(0.9f, 3, -128, 127);

    public static IEnumerable<OpCase> All() => Convolutions().Concat(Depthwise()).Concat(Elementwise()).Concat(Pools()).Concat(Moves())
        .Concat(TrainedWeights()).Concat(Gradients()).Concat(MovingScales());

    private static Window2d Window(int kH, int kW, int sH = 1, int sW = 1, int dH = 1, int dW = 1, int top = 0, int left = 0, int bottom = 0, int right = 0) =>
        new(kH, kW, sH, sW, dH, dW, new Padding2d(top, left, bottom, right));

    private static Shape S(params int[] dims) => new(dims);

    /// <summary>Scales of which sums of so many products fill the grid and go beyond it; zero points only where there is one scale, as in files.</summary>
    private static Quantization Filter(int outputs, int terms, bool perChannel, int zero)
    {
        float scale = 0.4f * Wide.Scale / (Signed.Scale * 100 * MathF.Sqrt(terms));
        if (!perChannel) return new Quantization([scale], [zero]);
        return new Quantization([.. Enumerable.Range(0, outputs).Select(o => scale * (1 + (0.1f * (o % 7))))], new int[outputs]);
    }

    private static OpCase Conv(
        Shape x, int outputs, Window2d window, int groups = 1, bool perChannel = true, bool bias = true, RequantizationRule rule = default)
    {
        int terms = window.KernelH * window.KernelW * x[3] / groups;
        StepGrid from = perChannel ? Signed : Unsigned;
        QuantizedConv2dAttributes a = new(window, groups, bias, from, Filter(outputs, terms, perChannel, 119), Wide, -100, 127, rule);
        if (!perChannel) a = a with { Y = Unsigned with { Scale = Wide.Scale }, Lower = 20, Upper = 255 };
        List<Shape> shapes = [x, S(outputs, window.KernelH, window.KernelW, x[3] / groups)];
        if (bias) shapes.Add(S(outputs));
        return Case(OpCatalog.QuantizedConv2d, a, shapes, perChannel);
    }

    private static OpCase Case(Op op, QuantizedConv2dAttributes a, List<Shape> shapes, bool isSigned)
    {
        DType type = isSigned ? DType.I8 : DType.U8;
        return new OpCase(op, a, [.. shapes], Ulps: 0.5) { Types = [type, type, .. a.HasBias ? new[] { DType.I32 } : []] };
    }

    private static IEnumerable<OpCase> Convolutions()
    {
        foreach (RequantizationRule rule in Rules)
        {
            foreach (bool perChannel in (bool[])[true, false])
            {
                foreach (int channels in (int[])[1, 3, 8, 17, 36])
                {
                    foreach (int outputs in (int[])[1, 7, 16, 33]) yield return Conv(S(1, 5, 3, channels), outputs, Window(1, 1), 1, perChannel, rule: rule);
                }

                yield return Conv(S(2, 9, 7, 3), 10, Window(3, 3, 2, 2, 1, 1, 0, 0, 1, 1), 1, perChannel, rule: rule);
                yield return Conv(S(1, 6, 9, 12), 18, Window(3, 2, 1, 2, 2, 1, 2, 1, 1, 0), 3, perChannel, bias: false, rule);
                yield return Conv(S(3, 1, 1, 300), 40, Window(1, 1), 1, perChannel, rule: rule);
                yield return Conv(S(1, 6, 4, 24), 40, Window(1, 1, 2, 2), 1, perChannel, rule: rule);
            }
        }

        yield return Conv(S(1, 4, 4, 1100), 3, Window(1, 1));
        yield return Conv(S(2, 5, 6, 33), 20, Window(3, 3, 1, 1, 1, 1, 1, 1, 1, 1));
    }

    private static IEnumerable<OpCase> Depthwise()
    {
        (Shape X, int Multiplier, Window2d Window)[] layers =
        [
            (S(1, 9, 7, 8), 1, Window(3, 3, 1, 1, 1, 1, 1, 1, 1, 1)), (S(2, 8, 11, 17), 1, Window(3, 3, 2, 2, 1, 1, 0, 0, 1, 1)),
            (S(1, 10, 12, 35), 1, Window(5, 5, 1, 1, 1, 1, 2, 2, 2, 2)), (S(1, 10, 13, 20), 1, Window(5, 5, 2, 2, 1, 1, 1, 2, 2, 1)),
            (S(1, 9, 10, 6), 1, Window(3, 2, 1, 3, 2, 2, 1, 0, 2, 1)), (S(2, 6, 5, 4), 3, Window(3, 3, 1, 1, 1, 1, 1, 1, 1, 1)),
            (S(1, 7, 7, 64), 1, Window(7, 7, 1, 1, 1, 1, 3, 3, 3, 3)), (S(1, 3, 3, 1), 1, Window(3, 3)),
        ];
        foreach (RequantizationRule rule in Rules)
        {
            foreach (bool perChannel in (bool[])[true, false])
            {
                foreach ((Shape x, int multiplier, Window2d window) in layers)
                {
                    int outputs = x[3] * multiplier;
                    Quantization filter = Filter(outputs, window.KernelH * window.KernelW, perChannel, 140);
                    StepGrid from = perChannel ? Signed : Unsigned, to = perChannel ? Wide : Unsigned with { Scale = Wide.Scale };
                    QuantizedConv2dAttributes a = new(window, 1, true, from, filter, to, to.Minimum, to.Maximum - 3, rule);
                    yield return Case(OpCatalog.QuantizedDepthwiseConv2d, a, [x, S(1, window.KernelH, window.KernelW, outputs), S(outputs)], perChannel);
                }
            }
        }
    }

    private static IEnumerable<OpCase> Elementwise()
    {
        (Shape A, Shape B)[] pairs = [(S(1, 3, 5, 19), S(1, 3, 5, 19)), (S(2, 3, 4, 8), S(2, 1, 1, 8)), (S(2, 9), S()), (S(5, 1), S(1, 7)), (S(9000), S(9000))];
        foreach (RequantizationRule rule in Rules)
        {
            foreach ((Shape a, Shape b) in pairs)
            {
                DType[] types = [DType.I8, DType.U8];
                yield return new OpCase(
                    OpCatalog.QuantizedAdd, new QuantizedBinaryAttributes(Signed, Unsigned, Wide with { Scale = 0.07f }, -128, 120, rule), [a, b], Ulps: 0.5)
                {
                    Types = types,
                };
                yield return new OpCase(
                    OpCatalog.QuantizedMultiply, new QuantizedBinaryAttributes(Signed, Unsigned, Unsigned with { Scale = 0.1f }, 5, 255, rule), [a, b],
                    Ulps: 0.5)
                {
                    Types = types,
                };
            }
        }

        foreach (QuantizationRule rule in Enum.GetValues<QuantizationRule>())
        {
            yield return new OpCase(OpCatalog.Quantize, new QuantizeAttributes(Signed with { Scale = 0.25f }, rule), [S(3, 7, 35)], -70, 70, Ulps: 0.5);
            yield return new OpCase(OpCatalog.Quantize, new QuantizeAttributes(Unsigned, rule), [S(20_001)], -9, 9, Ulps: 0.5);
        }

        foreach (StepGrid grid in (StepGrid[])[Signed, Unsigned])
        {
            yield return new OpCase(OpCatalog.Dequantize, new DequantizeAttributes(grid), [S(3, 7, 35)], Ulps: 0.5) { Types = [grid.Type] };
            StepGrid other = grid == Signed ? Unsigned : Signed;
            yield return new OpCase(OpCatalog.LookUp, LookUpAttributes.Of(grid, other, "test", step => (step * step) - 90), [S(5, 333)], Ulps: 0.5)
            {
                Types = [grid.Type],
            };
            foreach (Shape shape in (Shape[])[S(1, 1), S(3, 10), S(2, 1001)])
            {
                StepGrid probabilities = new(1f / 256, -128, -128, 127);
                yield return new OpCase(OpCatalog.QuantizedSoftmax, new QuantizedSoftmaxAttributes(grid, probabilities), [shape], Ulps: 0.5)
                {
                    Types = [grid.Type],
                };
            }
        }
    }

    /// <summary>Weights that are rounded anew in each pass, and made real again.</summary>
    private static IEnumerable<OpCase> TrainedWeights()
    {
        (Shape Shape, int Axis, int Channels)[] weights =
            [(S(7, 3, 3, 5), 0, 7), (S(1, 5, 3, 70), 3, 70), (S(33, 130), 0, 33), (S(6, 40), 0, 1), (S(3, 20, 4), 1, 20)];
        foreach (bool asSteps in (bool[])[true, false])
        {
            foreach ((Shape shape, int axis, int channels) in weights)
            {
                // Some scales hold, some must grow.
                float[] scales = [.. Enumerable.Range(0, channels).Select(c => c % 2 == 0 ? 0.017f : 0.003f)];
                Quantization grid = new(scales, new int[channels], axis), unsigned = new(scales, [.. Enumerable.Repeat(119, channels)], axis);
                yield return new OpCase(OpCatalog.RoundWeights, new RoundWeightsAttributes(grid, -127, 127, asSteps), [shape], Ulps: 0.5);
                yield return new OpCase(OpCatalog.RoundWeights, new RoundWeightsAttributes(unsigned, 0, 255, asSteps), [shape], Ulps: 0.5);
            }

            foreach (int channels in (int[])[1, 9])
                yield return new OpCase(OpCatalog.RoundBias, new RoundBiasAttributes(0.02f, asSteps), [S(9), S(channels)], 0.001f, 3, Ulps: 0.5);
        }

        Quantization filter = Filter(6, 9, perChannel: true, 0);
        yield return new OpCase(OpCatalog.DequantizeFilter, new DequantizeFilterAttributes(filter), [S(6, 3, 3, 4)], Ulps: 0.5) { Types = [DType.I8] };
        Quantization last = new(filter.Scales, filter.ZeroPoints, 3), one = Filter(1, 9, perChannel: false, 120);
        yield return new OpCase(OpCatalog.DequantizeFilter, new DequantizeFilterAttributes(last), [S(1, 3, 3, 6)], Ulps: 0.5) { Types = [DType.I8] };
        yield return new OpCase(OpCatalog.DequantizeFilter, new DequantizeFilterAttributes(one), [S(5, 77)], Ulps: 0.5) { Types = [DType.U8] };
    }

    /// <summary>Gradients that read steps.</summary>
    private static IEnumerable<OpCase> Gradients()
    {
        foreach (StepGrid grid in (StepGrid[])[Signed, Unsigned])
        {
            (int, int)[] bounds = [(grid.Minimum, grid.Maximum), (grid.ZeroPoint, grid.Maximum - 9), (grid.Minimum + 40, grid.Minimum + 41)];
            foreach ((int lower, int upper) in bounds)
            {
                Activation clip = Activation.Clip(grid.Real(lower), grid.Real(upper));
                yield return new OpCase(OpCatalog.ActivateGradient, new ActivateAttributes(clip, grid), [S(3, 7, 35), S(3, 7, 35)], Ulps: 0.5)
                {
                    Types = [DType.F32, grid.Type],
                };
                Activation all = Activation.Clip(float.NegativeInfinity, float.PositiveInfinity);
                OpCase sums = new(OpCatalog.ActivateBiasGradient, new ActivateAttributes(clip, grid), [S(3, 7, 35), S(3, 7, 35)])
                {
                    Types = [DType.F32, grid.Type],
                };
                yield return sums with { Terms = Sizes(sums, 1, grid, new ActivateAttributes(all)) };

                Window2d window = Window(3, 3, 2, 2, 1, 1, 0, 0, 1, 1);
                OpCase both = new(
                    OpCatalog.DepthwiseConv2dGradient, new DepthwiseConv2dGradientAttributes(window, 8, 6, clip, grid),
                    [S(2, 8, 6, 20), S(2, 4, 3, 20), S(1, 3, 3, 20)])
                {
                    Types = [grid.Type, DType.F32, DType.F32],
                };
                yield return both with { Terms = Sizes(both, 0, grid, new DepthwiseConv2dGradientAttributes(window, 8, 6, all)) };
            }

            OpCase filters = new(
                OpCatalog.Conv2dFilterGradient, new Conv2dGradientAttributes(Window(1, 1), 5, 4, 1, grid), [S(2, 5, 4, 19), S(2, 5, 4, 33)])
            {
                Types = [grid.Type, DType.F32],
            };
            yield return filters with { Terms = Sizes(filters, 0, grid, new Conv2dGradientAttributes(Window(1, 1), 5, 4)) };
            LookUpAttributes square = LookUpAttributes.Of(grid, grid, "test", step => grid.Step(grid.Real(step) * grid.Real(step)))
                .WithSlopes(grid, grid, x => (x * x, 2 * x));
            yield return new OpCase(OpCatalog.LookUpGradient, square, [S(5, 333), S(5, 333)], Ulps: 0.5) { Types = [DType.F32, grid.Type] };
        }

        foreach (bool perChannel in (bool[])[true, false])
        {
            foreach (int channels in (int[])[1, 20, 130])
            {
                Quantization grid = Filter(33, 30, perChannel, 119);
                (int low, int high) = perChannel ? (-127, 127) : (0, 255);
                Shape[] shapes = [S(2, 3, 4, 33), S(33, 1, 1, channels), S(grid.Scales.Length)];
                DType type = perChannel ? DType.I8 : DType.U8;
                OpCase real = new(OpCatalog.RoundedInputGradient, new RoundedInputGradientAttributes(grid, low, high), shapes)
                {
                    Prepare = operands => grid.Scales.CopyTo(operands[2]),
                };
                yield return real with { Terms = Sums(null) };
                yield return real with { Types = [DType.F32, type, DType.F32], Terms = Sums(grid) };
            }
        }
    }

    /// <summary>Layers whose scales are an operand.</summary>
    private static IEnumerable<OpCase> MovingScales()
    {
        foreach (RequantizationRule rule in Rules)
        {
            foreach (bool perChannel in (bool[])[true, false])
            {
                StepGrid from = perChannel ? Signed : Unsigned;
                Quantization scales = Filter(10, 27, perChannel, 119);
                QuantizedConv2dAttributes a = new(Window(3, 3), 1, true, from, scales, Wide, -100, 127, rule, HasScales: true);
                float scale = scales.Scales[0];
                int count = scales.Scales.Length;
                yield return Moving(OpCatalog.QuantizedConv2d, a, [S(2, 6, 5, 3), S(10, 3, 3, 3), S(10), S(count)], perChannel, scale);
                a = a with { HasBias = false };
                yield return Moving(OpCatalog.QuantizedDepthwiseConv2d, a, [S(2, 6, 5, 10), S(1, 3, 3, 10), S(count)], perChannel, scale);
            }
        }
    }

    /// <summary>The sums of the terms' sizes of a gradient that reads steps: those of the same gradient by real numbers.</summary>
    private static Func<float[][], double[][]> Sizes(OpCase test, int steps, StepGrid grid, OpAttributes real) => operands =>
    {
        float[][] sizes = Array.ConvertAll(operands, static values => Array.ConvertAll(values, Math.Abs));
        sizes[steps] = Array.ConvertAll(operands[steps], step => Math.Abs(grid.Real((int)step)));
        return OpSweep.Reference(test with { Types = [], Attributes = real }, sizes);
    };

    /// <summary>The sums of the terms' sizes of the gradient of an input, from above: real weights lie within a step of the rounded ones.</summary>
    private static Func<float[][], double[][]> Sums(Quantization? steps) => operands =>
    {
        int outputs = 33, channels = operands[1].Length / outputs, pixels = operands[0].Length / outputs;
        double[] sums = new double[pixels * channels];
        for (int i = 0; i < sums.Length; i++)
        {
            for (int o = 0; o < outputs; o++)
            {
                int row = operands[2].Length == 1 ? 0 : o;
                double weight = operands[1][(o * channels) + (i % channels)], scale = operands[2][row];
                double size = steps is null ? Math.Abs(weight) + scale : Math.Abs(weight - steps.ZeroPoints[row]) * scale;
                sums[i] += 3 * Math.Abs(operands[0][(i / channels * outputs) + o]) * size;
            }
        }

        return [sums];
    };

    private static OpCase Moving(Op op, QuantizedConv2dAttributes a, List<Shape> shapes, bool isSigned, float scale)
    {
        OpCase test = Case(op, a, shapes, isSigned);
        return test with { Types = [.. test.Types, DType.F32], Low = scale, High = 200 * scale };
    }

    private static IEnumerable<OpCase> Pools()
    {
        (Shape X, Window2d Window)[] windows =
        [
            (S(2, 9, 8, 19), Window(2, 2, 2, 2)), (S(1, 9, 8, 33), Window(3, 3, 2, 2, 1, 1, 0, 0, 1, 1)), (S(1, 7, 7, 70), Window(7, 7)),
            (S(3, 49, 1, 5), Window(49, 1)),
        ];
        foreach ((Shape x, Window2d window) in windows)
        {
            foreach (StepGrid grid in (StepGrid[])[Signed, Unsigned])
            {
                foreach (RequantizationRule? rule in (RequantizationRule?[])[null, RequantizationRule.Float, RequantizationRule.FixedPoint])
                {
                    if (rule is not null && window.Padding != default) continue;
                    StepGrid to = rule is null ? grid : Wide with { Scale = 0.04f };
                    QuantizedAveragePool2dAttributes a = new(window, grid, to, to.Minimum + 10, to.Maximum, rule);
                    yield return new OpCase(OpCatalog.QuantizedAveragePool2d, a, [x], Ulps: 0.5) { Types = [grid.Type] };
                }

                yield return new OpCase(OpCatalog.MaxPool2d, new MaxPool2dAttributes(window), [x], Ulps: 0.5) { Types = [grid.Type] };
            }
        }
    }

    private static IEnumerable<OpCase> Moves()
    {
        OpCase[] cases =
        [
            new(OpCatalog.Concat, new ConcatAttributes(3), [S(1, 3, 4, 5), S(1, 3, 4, 16), S(1, 3, 4, 1)], Ulps: 0.5),
            new(OpCatalog.Concat, new ConcatAttributes(0), [S(1, 7), S(3, 7)], Ulps: 0.5),
            new(OpCatalog.Pad, new PadAttributes(new IntList(0, 1, 2, 0), new IntList(0, 0, 1, 3), -5), [S(2, 3, 4, 7)], Ulps: 0.5),
            new(
                OpCatalog.Slice, new SliceAttributes(new IntList(0, 1, 0, 2), new IntList(-1, 2, -1, -1), new IntList(1, 2, 1, 3)), [S(2, 6, 3, 20)],
                Ulps: 0.5),
            new(OpCatalog.Slice, new SliceAttributes(new IntList(1, 4), new IntList(2, 9), new IntList(1, 1)), [S(4, 20)], Ulps: 0.5),
            new(OpCatalog.Transpose, new TransposeAttributes(new IntList(0, 3, 1, 2)), [S(2, 5, 4, 3)], Ulps: 0.5),
            new(OpCatalog.Transpose, new TransposeAttributes(new IntList(1, 0)), [S(33, 8)], Ulps: 0.5),
        ];
        foreach (OpCase test in cases) yield return test with { Types = [.. test.Shapes.Select(_ => DType.I8)] };
    }
}
