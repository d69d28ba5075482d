using System;
using System.Collections.Generic;
using System.Linq;
using Thomas.Graphs;
using Thomas.Kernels.Quantized;
using Thomas.Ops;
using Thomas.Tests.Harness;

namespace Thomas.Tests.Ops;

/// <summary>The cases of the sweep for operators on 8-bit tensors, and for those that move such elements. All results must be the same bytes.</summary>
internal static class QuantizedCases
{
    private static readonly RequantizationRule[] Rules = [RequantizationRule.Float, RequantizationRule.FixedPoint];

    private static readonly StepGrid Signed = new(0.05f, -7, -128, 127), Unsigned = new(0.031f, 131, 0, 255), Wide = new(0.9f, 3, -128, 127);

    public static IEnumerable<OpCase> All() => Convolutions().Concat(Depthwise()).Concat(Elementwise()).Concat(Pools()).Concat(Moves());

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
                    OpCatalog.QuantizedAdd, new QuantizedBinaryAttributes(Signed, Unsigned, Wide with { Scale = 0.07f }, -128, 120, rule, Subtracts: true),
                    [a, b], Ulps: 0.5)
                {
                    Types = types,
                };
                yield return new OpCase(
                    OpCatalog.QuantizedAdd,
                    new QuantizedBinaryAttributes(Signed, Unsigned, Wide with { Scale = 0.07f }, -128, 127, rule, Arithmetic: QuantizedArithmetic.Onnx), [a, b],
                    Ulps: 0.5)
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
