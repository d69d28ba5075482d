using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;
using Thomas.Tests.Harness;

namespace Thomas.Tests.Ops;

/// <summary>The cases of the sweep: H != W, kH != kW, uneven pads, strides, dilation, groups, batch 1 and 3, sizes around vector widths.</summary>
internal static class OpCases
{
    internal static readonly Activation[] Activations = ActivationSamples.All;

    private static readonly Window2d[] PoolWindows =
    [
        Window(2, 2, 2, 2), Window(3, 3, 2, 2, 1, 1, 0, 0, 1, 1), Window(3, 2, 1, 2, 1, 1, 1, 0, 0, 1), Window(2, 3, 1, 1, 2, 2, 1, 2, 1, 2), Window(7, 6),
    ];

    public static IEnumerable<OpCase> All()
    {
        foreach (IEnumerable<OpCase> part in (IEnumerable<OpCase>[])[
            Convolutions(), Depthwise(), Moments(), ConvolutionGradients(), DenseLayers(), Products(), BatchedProducts(), TransposedConvolutions(), Pools(),
            GlobalPools(), Elementwise(), Shapes(), Others(), Gradients(), TrainingCases.All(), BlockCases.All(), QuantizedCases.All()])
        {
            foreach (OpCase test in part) yield return test;
        }
    }

    private static Window2d Window(int kH, int kW, int sH = 1, int sW = 1, int dH = 1, int dW = 1, int top = 0, int left = 0, int bottom = 0, int right = 0) =>
        new(kH, kW, sH, sW, dH, dW, new Padding2d(top, left, bottom, right));

    private static Shape S(params int[] dims) => new(dims);

    private static OpCase Conv(Shape x, int cOut, Window2d window, int groups = 1, bool bias = true, bool residual = false, Activation activation = default)
    {
        List<Shape> shapes = [x, S(cOut, window.KernelH, window.KernelW, x[3] / groups)];
        if (bias) shapes.Add(S(cOut));
        if (residual) shapes.Add(S(x[0], window.OutputH(x[1]), window.OutputW(x[2]), cOut));
        return new OpCase(OpCatalog.Conv2d, new Conv2dAttributes(window, groups, bias, residual, activation), [.. shapes]);
    }

    private static IEnumerable<OpCase> Convolutions()
    {
        foreach (int channels in (int[])[1, 3, 8, 17, 33])
        {
            foreach (int outputs in (int[])[1, 5, 16, 31, 65]) yield return Conv(S(1, 5, 3, channels), outputs, Window(1, 1));
        }

        yield return Conv(S(3, 9, 7, 3), 10, Window(3, 3, 2, 2, 1, 1, 1, 1, 1, 1));
        yield return Conv(S(1, 11, 6, 4), 9, Window(3, 2, 2, 1, 1, 1, 0, 1, 2, 0), bias: false);
        yield return Conv(S(1, 13, 12, 5), 7, Window(3, 5, 1, 3, 2, 1, 2, 3, 1, 0));
        yield return Conv(S(2, 8, 9, 12), 18, Window(3, 3, 1, 1, 1, 1, 1, 1, 1, 1), groups: 3);
        yield return Conv(S(2, 8, 9, 16), 48, Window(3, 3, 1, 1, 1, 1, 1, 1, 1, 1), residual: true, activation: Activations[0]);
        yield return Conv(S(1, 9, 11, 32), 32, Window(3, 3, 1, 1, 1, 1, 2, 0, 1, 1), bias: false);
        yield return Conv(S(2, 17, 23, 3), 8, Window(3, 3, 2, 2, 1, 1, 0, 0, 1, 1));
        yield return Conv(S(3, 10, 16, 9), 21, Window(5, 5, 1, 1, 1, 1, 2, 2, 2, 2), groups: 3);
        yield return Conv(S(1, 5, 18, 80), 40, Window(3, 3, 1, 1, 2, 1, 1, 2, 1, 0), residual: true);
        yield return Conv(S(1, 6, 7, 8), 8, Window(1, 1), groups: 4, residual: true);
        yield return Conv(S(1, 7, 5, 6), 4, Window(7, 5), bias: false);
        yield return Conv(S(1, 4, 4, 530), 3, Window(1, 1));
        yield return Conv(S(3, 6, 4, 24), 40, Window(1, 1, 2, 2));
        foreach (Activation activation in Activations)
        {
            yield return Conv(S(1, 5, 6, 7), 19, Window(1, 1), activation: activation);
            yield return Conv(S(2, 4, 5, 6), 11, Window(3, 3, 1, 1, 1, 1, 1, 1, 1, 1), residual: true, activation: activation);
        }
    }

    private static OpCase Depth(Shape x, int multiplier, Window2d window, bool bias = true, Activation activation = default)
    {
        List<Shape> shapes = [x, S(1, window.KernelH, window.KernelW, x[3] * multiplier)];
        if (bias) shapes.Add(S(x[3] * multiplier));
        return new OpCase(OpCatalog.DepthwiseConv2d, new DepthwiseConv2dAttributes(window, bias, activation), [.. shapes]);
    }

    private static IEnumerable<OpCase> Depthwise()
    {
        foreach (int channels in (int[])[1, 3, 8, 15, 16, 17, 33, 48])
        {
            yield return Depth(S(1, 9, 7, channels), 1, Window(3, 3, 1, 1, 1, 1, 1, 1, 1, 1), activation: Activation.Relu6);
            yield return Depth(S(2, 8, 11, channels), 1, Window(3, 3, 2, 2, 1, 1, 0, 0, 1, 1));
        }

        yield return Depth(S(1, 10, 12, 20), 1, Window(5, 5, 1, 1, 1, 1, 2, 2, 2, 2), activation: new Activation(ActivationKind.HardSwish));
        yield return Depth(S(1, 10, 13, 20), 1, Window(5, 5, 2, 2, 1, 1, 1, 2, 2, 1), bias: false);
        yield return Depth(S(1, 9, 10, 6), 1, Window(3, 2, 1, 3, 2, 2, 1, 0, 2, 1));
        yield return Depth(S(2, 6, 5, 4), 3, Window(3, 3, 1, 1, 1, 1, 1, 1, 1, 1));
        yield return Depth(S(1, 3, 3, 64), 1, Window(3, 3));
        yield return Depth(S(2, 5, 4, 6), 1, Window(3, 3, 2, 2, 1, 1, 7, 4, 6, 5));
        yield return Depth(S(2, 4, 6, 10), 1, Window(5, 5, 1, 1, 1, 1, 6, 5, 4, 7));
        foreach (Activation activation in Activations) yield return Depth(S(1, 5, 6, 19), 1, Window(3, 3, 1, 1, 1, 1, 1, 1, 1, 1), activation: activation);
    }

    /// <summary>The cases of the convolutions, and some with several bands, blocks in a band and items of columns, with odd heights and by Winograd.</summary>
    private static IEnumerable<OpCase> Moments()
    {
        foreach (OpCase test in Convolutions()) yield return test with { Op = OpCatalog.Conv2dMoments };
        foreach (OpCase test in Depthwise()) yield return test with { Op = OpCatalog.DepthwiseConv2dMoments };
        OpCase[] larger =
        [
            Conv(S(1, 1, 1, 9), 40, Window(1, 1)), Conv(S(3, 23, 31, 7), 18, Window(1, 1)), Conv(S(2, 50, 49, 3), 70, Window(1, 1), bias: false),
            Conv(S(1, 14, 14, 5), 530, Window(1, 1)),
            Conv(S(2, 41, 37, 3), 24, Window(3, 3, 2, 2, 1, 1, 1, 1, 1, 1)), Conv(S(3, 9, 11, 32), 32, Window(3, 3, 1, 1, 1, 1, 1, 1, 1, 1)),
            Depth(S(3, 7, 7, 40), 1, Window(3, 3, 1, 1, 1, 1, 1, 1, 1, 1)), Depth(S(5, 47, 9, 20), 1, Window(3, 3, 1, 1, 1, 1, 1, 1, 1, 1), bias: false),
            Depth(S(2, 65, 12, 17), 1, Window(5, 5, 2, 2, 1, 1, 1, 2, 2, 1)), Depth(S(70, 1, 1, 3), 2, Window(1, 1)),
        ];
        foreach (OpCase test in larger)
            yield return test with { Op = test.Op == OpCatalog.Conv2d ? OpCatalog.Conv2dMoments : OpCatalog.DepthwiseConv2dMoments };
    }

    /// <summary>Both gradients of a convolution; of a depthwise one if groups is 0.</summary>
    internal static IEnumerable<OpCase> Gradients(Shape x, int cOut, Window2d window, int groups = 1)
    {
        Shape dy = S(x[0], window.OutputH(x[1]), window.OutputW(x[2]), cOut);
        Conv2dGradientAttributes attributes = new(window, x[1], x[2], groups == 0 ? x[3] : groups);
        Shape filter = groups == 0 ? S(1, window.KernelH, window.KernelW, cOut) : S(cOut, window.KernelH, window.KernelW, x[3] / groups);
        yield return new OpCase(groups == 0 ? OpCatalog.DepthwiseConv2dInputGradient : OpCatalog.Conv2dInputGradient, attributes, [dy, filter]);
        yield return new OpCase(groups == 0 ? OpCatalog.DepthwiseConv2dFilterGradient : OpCatalog.Conv2dFilterGradient, attributes, [x, dy]);
        if (groups != 0 || !DepthwiseConv2dGradient.Fits(window, x, dy)) yield break;
        foreach (Activation activation in (Activation[])[default, Activation.Relu, Activation.Clip(-0.5f, 1.25f)])
            yield return new OpCase(OpCatalog.DepthwiseConv2dGradient, new DepthwiseConv2dGradientAttributes(window, x[1], x[2], activation), [x, dy, filter]);
    }

    private static IEnumerable<OpCase> ConvolutionGradients()
    {
        List<IEnumerable<OpCase>> cases = [];
        foreach (int channels in (int[])[1, 3, 8, 17, 33])
        {
            foreach (int outputs in (int[])[1, 5, 16, 31, 65]) cases.Add(Gradients(S(1, 5, 3, channels), outputs, Window(1, 1)));
        }

        foreach (int channels in (int[])[1, 3, 8, 15, 16, 17, 33, 48])
        {
            cases.Add(Gradients(S(1, 9, 7, channels), channels, Window(3, 3, 1, 1, 1, 1, 1, 1, 1, 1), groups: 0));
            cases.Add(Gradients(S(2, 8, 11, channels), channels, Window(3, 3, 2, 2, 1, 1, 0, 0, 1, 1), groups: 0));
        }

        // The last tell whether long sums are cut into ranges, rows and columns into items, and whether an input gradient may scatter.
        (Shape X, int Outputs, Window2d Window, int Groups)[] others =
        [
            (S(3, 9, 7, 3), 10, Window(3, 3, 2, 2, 1, 1, 1, 1, 1, 1), 1), (S(1, 11, 6, 4), 9, Window(3, 2, 2, 1, 1, 1, 0, 1, 2, 0), 1),
            (S(1, 13, 12, 5), 7, Window(3, 5, 1, 3, 2, 1, 2, 3, 1, 0), 1), (S(2, 8, 9, 12), 18, Window(3, 3, 1, 1, 1, 1, 1, 1, 1, 1), 3),
            (S(1, 12, 13, 6), 8, Window(4, 3, 3, 2, 2, 4, 3, 2, 1, 4), 2), (S(1, 6, 7, 8), 8, Window(1, 1), 4), (S(1, 7, 5, 6), 4, Window(7, 5), 1),
            (S(3, 6, 4, 24), 40, Window(1, 1, 2, 2), 1), (S(2, 7, 9, 8), 5, Window(2, 1, 4, 3, 1, 1, 1, 0, 0, 2), 1),
            (S(1, 3, 2, 3), 4, Window(1, 1, 5, 5, 1, 1, 1, 2, 4, 4), 1),
            (S(1, 10, 12, 20), 20, Window(5, 5, 1, 1, 1, 1, 2, 2, 2, 2), 0), (S(1, 10, 13, 20), 20, Window(5, 5, 2, 2, 1, 1, 1, 2, 2, 1), 0),
            (S(1, 9, 10, 6), 6, Window(3, 2, 1, 3, 2, 2, 1, 0, 2, 1), 0), (S(2, 6, 5, 4), 12, Window(3, 3, 1, 1, 1, 1, 1, 1, 1, 1), 0),
            (S(1, 9, 8, 3), 6, Window(2, 4, 3, 2, 2, 1, 1, 2, 0, 1), 0), (S(1, 3, 3, 64), 64, Window(3, 3), 0), (S(1, 9, 9, 5), 5, Window(1, 1, 2, 2), 0),
            (S(3, 23, 31, 7), 18, Window(3, 3, 1, 1, 1, 1, 1, 1, 1, 1), 1), (S(2, 25, 24, 40), 130, Window(1, 1), 1),
            (S(3, 12, 12, 20), 50, Window(5, 5), 1), (S(1, 24, 9, 6), 70, Window(5, 4, 2, 1, 1, 2, 1, 0, 0, 2), 2),
            (S(1, 15, 14, 3), 40, Window(7, 6, 3, 2, 2, 1, 0, 1, 2, 0), 1),
            (S(5, 67, 9, 20), 20, Window(3, 3, 1, 1, 1, 1, 1, 1, 1, 1), 0), (S(9, 62, 7, 32), 32, Window(5, 5, 2, 2, 1, 1, 1, 2, 2, 1), 0),
            (S(2, 5, 4, 6), 6, Window(3, 3, 2, 2, 1, 1, 7, 4, 6, 5), 0), (S(2, 4, 6, 10), 10, Window(5, 5, 1, 1, 1, 1, 6, 5, 4, 7), 0),
            (S(7, 19, 23, 5), 10, Window(2, 3, 2, 1, 1, 2, 1, 1, 0, 2), 0),
        ];
        foreach ((Shape x, int outputs, Window2d window, int groups) in others) cases.Add(Gradients(x, outputs, window, groups));
        foreach (IEnumerable<OpCase> pair in cases)
        {
            foreach (OpCase test in pair) yield return test;
        }
    }

    private static IEnumerable<OpCase> TransposedConvolutions()
    {
        (Shape Result, int Channels, Window2d Window, int Groups)[] cases =
        [
            (S(2, 8, 6, 5), 7, Window(2, 2, 2, 2), 1), (S(2, 9, 6, 17), 5, Window(3, 3, 2, 2, 1, 1, 1, 1, 1, 1), 1),
            (S(1, 7, 9, 6), 4, Window(4, 3, 2, 1, 1, 2, 1, 0, 0, 2), 2),
            (S(1, 5, 7, 8), 8, Window(3, 3, 1, 1, 1, 1, 1, 1, 1, 1), 8), (S(3, 4, 5, 3), 20, Window(1, 1), 1), (S(1, 11, 12, 4), 6, Window(3, 2, 3, 4), 1),
        ];
        foreach ((Shape result, int channels, Window2d window, int groups) in cases)
        {
            Shape x = S(result[0], window.OutputH(result[1]), window.OutputW(result[2]), channels);
            yield return new OpCase(
                OpCatalog.ConvTranspose2d, new Conv2dGradientAttributes(window, result[1], result[2], groups),
                [x, S(channels, window.KernelH, window.KernelW, result[3] / groups)]);
        }
    }

    private static IEnumerable<OpCase> Products()
    {
        foreach ((int m, int n, int k) in ((int, int, int)[])[(1, 1, 1), (3, 16, 7), (17, 33, 20), (9, 12, 515), (40, 31, 64), (33, 256, 12), (2, 1000, 40)])
        {
            foreach (bool a in (bool[])[false, true])
            {
                foreach (bool b in (bool[])[false, true])
                    yield return new OpCase(OpCatalog.MatMul, new MatMulAttributes(a, b), [a ? S(k, m) : S(m, k), b ? S(n, k) : S(k, n)]);
            }
        }
    }

    /// <summary>Many products: of as many matrices on both sides, of matrices that serve several, of one matrix that serves all.</summary>
    private static IEnumerable<OpCase> BatchedProducts()
    {
        foreach ((int[] a, int[] b) in ((int[], int[])[])[
            ([3], [3]), ([2, 3], [2, 3]), ([2, 1], [3]), ([1, 3], [2, 1]), ([4], []), ([], [4]), ([2, 2], [1, 1]), ([17], [17]), ([2, 1, 3], [2, 2, 1])])
        {
            foreach ((int m, int n, int k) in ((int, int, int)[])[(5, 7, 3), (1, 16, 9), (19, 12, 20)])
            {
                foreach (bool transA in (bool[])[false, true])
                {
                    foreach (bool transB in (bool[])[false, true])
                        yield return new OpCase(
                            OpCatalog.MatMul, new MatMulAttributes(transA, transB),
                            [transA ? S([.. a, k, m]) : S([.. a, m, k]), transB ? S([.. b, n, k]) : S([.. b, k, n])]);
                }
            }
        }
    }

    private static IEnumerable<OpCase> DenseLayers()
    {
        foreach (int batch in (int[])[1, 3, 17])
        {
            foreach (int k in (int[])[1, 7, 64, 515])
            {
                foreach (int outputs in (int[])[1, 10, 33])
                    yield return new OpCase(
                        OpCatalog.Dense, new DenseAttributes(k != 7, k == 64 ? Activation.Relu : default),
                        k != 7 ? [S(batch, k), S(outputs, k), S(outputs)] : [S(batch, k), S(outputs, k)]);
            }
        }
    }

    private static IEnumerable<OpCase> Pools()
    {
        foreach (Window2d window in PoolWindows)
        {
            foreach (int channels in (int[])[1, 5, 16, 35])
            {
                yield return new OpCase(OpCatalog.MaxPool2d, new MaxPool2dAttributes(window), [S(2, 7, 6, channels)], Ulps: 1);
                foreach (bool counted in (bool[])[false, true])
                    yield return new OpCase(
                        OpCatalog.AveragePool2d, new AveragePool2dAttributes(window, counted, counted ? Activation.Relu6 : default), [S(1, 8, 9, channels)]);
            }
        }
    }

    private static IEnumerable<OpCase> GlobalPools()
    {
        foreach (Shape shape in (Shape[])[S(3, 7, 6, 20), S(1, 31, 29, 5), S(2, 6, 7, 1)])
        {
            foreach (Activation activation in (Activation[])[default, Activation.Relu])
            {
                Window2d window = Window(shape[1], shape[2]);
                yield return new OpCase(OpCatalog.AveragePool2d, new AveragePool2dAttributes(window, Activation: activation), [shape]);
            }
        }
    }

    private static IEnumerable<OpCase> Elementwise()
    {
        foreach (Shape shape in (Shape[])[S(1), S(3, 5), S(1, 7, 9, 17), S(4097)])
        {
            foreach (Activation activation in Activations)
                yield return new OpCase(
                    OpCatalog.Activate, new ActivateAttributes(activation), [shape], -8, 8, Ulps: activation.Kind is ActivationKind.HardSigmoid ? 0 : 16);
            yield return new OpCase(OpCatalog.Exp, NoAttributes.Instance, [shape], Ulps: 8);
            yield return new OpCase(OpCatalog.Log, NoAttributes.Instance, [shape], 1.1f, 9, Ulps: 16);
            yield return new OpCase(OpCatalog.Sqrt, NoAttributes.Instance, [shape], 0, 9, Ulps: 1);
            yield return new OpCase(OpCatalog.Rsqrt, NoAttributes.Instance, [shape], 0.1f, 9, Ulps: 2);
            yield return new OpCase(OpCatalog.Negate, NoAttributes.Instance, [shape], Ulps: 0.5);
            yield return new OpCase(OpCatalog.Abs, NoAttributes.Instance, [shape], Ulps: 0.5);
            yield return new OpCase(OpCatalog.Round, NoAttributes.Instance, [shape], -8, 8, Ulps: 0.5);
            yield return new OpCase(OpCatalog.Sign, NoAttributes.Instance, [shape], -2, 2, Ulps: 0);
            yield return new OpCase(OpCatalog.Erf, NoAttributes.Instance, [shape], -5, 5, Ulps: 8);
        }

        (Shape A, Shape B)[] pairs =
        [
            (S(2, 3, 4, 17), S(2, 3, 4, 17)), (S(2, 3, 4, 17), S(17)), (S(17), S(2, 3, 4, 17)), (S(2, 3, 4, 17), S(2, 1, 1, 17)),
            (S(2, 1, 1, 17), S(2, 3, 4, 17)),
            (S(2, 3, 4, 17), S(1)), (S(1, 1), S(5, 6)), (S(2, 3, 1, 5), S(2, 1, 4, 5)), (S(5, 1), S(1, 9)), (S(3, 4, 1), S(4, 33)), (S(1), S(1)),
            (S(4100), S(4100)),
        ];
        foreach ((Shape a, Shape b) in pairs)
        {
            foreach (Op op in (Op[])[
                OpCatalog.Add, OpCatalog.Subtract, OpCatalog.Multiply, OpCatalog.Divide, OpCatalog.Maximum, OpCatalog.Minimum, OpCatalog.PRelu,
                OpCatalog.Heaviside])
                yield return new OpCase(op, NoAttributes.Instance, [a, b], Ulps: 1);
            yield return new OpCase(OpCatalog.Power, NoAttributes.Instance, [a, b], 0.2f, 2, Ulps: 2);
        }
    }

    private static IEnumerable<OpCase> Shapes()
    {
        yield return new OpCase(OpCatalog.Transpose, new TransposeAttributes(Transpose.NhwcToNchw), [S(2, 5, 6, 19)], Ulps: 0.5);
        yield return new OpCase(OpCatalog.Transpose, new TransposeAttributes(Transpose.NchwToNhwc), [S(2, 19, 5, 6)], Ulps: 0.5);
        yield return new OpCase(OpCatalog.Transpose, new TransposeAttributes(new IntList(2, 0, 1)), [S(3, 17, 4)], Ulps: 0.5);
        yield return new OpCase(OpCatalog.Transpose, new TransposeAttributes(new IntList(4, 2, 0, 3, 1)), [S(2, 3, 4, 5, 6)], Ulps: 0.5);
        yield return new OpCase(OpCatalog.Reshape, new ReshapeAttributes(new IntList(0, -1)), [S(2, 5, 6, 7)], Ulps: 0.5);
        yield return new OpCase(OpCatalog.Concat, new ConcatAttributes(3), [S(2, 3, 4, 5), S(2, 3, 4, 16), S(2, 3, 4, 1)], Ulps: 0.5);
        yield return new OpCase(OpCatalog.Concat, new ConcatAttributes(1), [S(2, 3, 4), S(2, 1, 4)], Ulps: 0.5);
        yield return new OpCase(OpCatalog.Concat, new ConcatAttributes(0), [S(3), S(70), S(1)], Ulps: 0.5);
        yield return new OpCase(OpCatalog.Pad, new PadAttributes(new IntList(0, 1, 2, 0), new IntList(0, 3, 0, 5), -0.25f), [S(2, 3, 4, 5)], Ulps: 0.5);
        yield return new OpCase(OpCatalog.Pad, new PadAttributes(new IntList(2), new IntList(1)), [S(9)], Ulps: 0.5);
        yield return new OpCase(
            OpCatalog.Slice, new SliceAttributes(new IntList(0, 1, 0, 2), new IntList(-1, 2, -1, 3), new IntList(1, 1, 2, 1)), [S(2, 4, 5, 7)], Ulps: 0.5);
        yield return new OpCase(OpCatalog.Slice, new SliceAttributes(new IntList(0, 1), new IntList(-1, -1), new IntList(1, 3)), [S(3, 20)], Ulps: 0.5);
        foreach (OpCase test in LargerShapes()) yield return test;
    }

    /// <summary>Sizes of several tiles and of whole vectors, many operands, as many axes as there can be.</summary>
    private static IEnumerable<OpCase> LargerShapes()
    {
        (Shape X, int[] Perm)[] transposes =
        [
            (S(70, 45), [1, 0]), (S(33, 8), [1, 0]), (S(3, 33, 40), [0, 2, 1]), (S(3, 40, 9, 11), [0, 2, 3, 1]), (S(2, 3, 9, 4, 12), [1, 4, 0, 3, 2]),
            (S(2, 2, 3, 2, 9, 2, 2, 10), [3, 1, 7, 2, 0, 6, 5, 4]), (S(2, 3, 2, 3, 2, 3, 2, 3), [7, 6, 5, 4, 3, 2, 1, 0]), (S(3, 5, 8), [1, 0, 2]),
        ];
        foreach ((Shape x, int[] perm) in transposes)
            yield return new OpCase(OpCatalog.Transpose, new TransposeAttributes(new IntList(perm)), [x], Ulps: 0.5);
        yield return new OpCase(OpCatalog.Concat, new ConcatAttributes(1), [S(3, 8), S(3, 4), S(3, 12), S(3, 4), S(3, 16), S(3, 4)], Ulps: 0.5);
        yield return new OpCase(OpCatalog.Concat, new ConcatAttributes(1), [S(3, 5), S(3, 4), S(3, 1), S(3, 4), S(3, 16), S(3, 90), S(3, 7)], Ulps: 0.5);
        yield return new OpCase(OpCatalog.Pad, new PadAttributes(new IntList(0, 1, 0, 0), new IntList(0, 1, 2, 0), 1.5f), [S(2, 5, 6, 8)], Ulps: 0.5);
        yield return new OpCase(OpCatalog.Pad, new PadAttributes(new IntList(1, 4), new IntList(0, 8)), [S(3, 80)], Ulps: 0.5);
        yield return new OpCase(
            OpCatalog.Pad, new PadAttributes(new IntList(1, 0, 1, 0, 1, 0, 1, 1), new IntList(0, 1, 0, 1, 0, 1, 1, 0), 3), [S(2, 1, 2, 2, 1, 2, 1, 3)],
            Ulps: 0.5);
        yield return new OpCase(
            OpCatalog.Slice, new SliceAttributes(new IntList(1, 0, 4), new IntList(2, 3, 8), new IntList(1, 2, 1)), [S(4, 6, 20)], Ulps: 0.5);
        yield return new OpCase(
            OpCatalog.Slice, new SliceAttributes(new IntList(1, 0, 1, 0, 1), new IntList(2, 2, 2, 2, 2), new IntList(1, 2, 1, 2, 2)), [S(4, 3, 4, 3, 5)],
            Ulps: 0.5);
    }

    private static IEnumerable<OpCase> Gradients()
    {
        foreach (Window2d window in PoolWindows)
        {
            foreach (int channels in (int[])[1, 5, 16, 35])
            {
                Shape x = S(2, 19, 8, channels), y = S(2, window.OutputH(19), window.OutputW(8), channels);
                yield return new OpCase(OpCatalog.MaxPool2dGradient, new MaxPool2dAttributes(window), [x, y, y]);
                foreach (bool counted in (bool[])[false, true])
                    yield return new OpCase(OpCatalog.AveragePool2dGradient, new AveragePool2dGradientAttributes(window, 19, 8, counted), [y]);
            }
        }

        foreach ((int reduced, int inner) in ((int, int)[])[(7, 1), (7, 4), (7, 19), (7, 33), (1, 5), (900, 1), (700, 9), (300, 68)])
            yield return new OpCase(OpCatalog.ReduceMaxGradient, NoAttributes.Instance, [S(3, reduced, inner), S(3, inner), S(3, inner)], Ulps: 0.5);
        foreach (int size in (int[])[1, 4, 5, 100])
        {
            foreach (float beta in (float[])[0.75f, 0.5f, 1f, 0.6f])
                yield return new OpCase(
                    OpCatalog.LocalResponseNormGradient, new LocalResponseNormAttributes(size, 0.02f, beta, 1), [S(1, 3, 4, 21), S(1, 3, 4, 21)]);
            yield return new OpCase(
                OpCatalog.LocalResponseNormGradient, new LocalResponseNormAttributes(size, 0.02f, 0.75f, 2), [S(2, 9, 7, 33), S(2, 9, 7, 33)]);
        }

        yield return new OpCase(
            OpCatalog.SliceGradient, new SliceGradientAttributes(new IntList(0, 1, 0, 2), new IntList(1, 1, 2, 1), new IntList(2, 4, 5, 7)), [S(2, 2, 3, 3)],
            Ulps: 0.5);
        yield return new OpCase(
            OpCatalog.SliceGradient, new SliceGradientAttributes(new IntList(0, 1), new IntList(1, 3), new IntList(3, 20)), [S(3, 7)], Ulps: 0.5);
        yield return new OpCase(
            OpCatalog.SliceGradient, new SliceGradientAttributes(new IntList(0, 1, 0), new IntList(1, 2, 1), new IntList(3, 9, 8)), [S(3, 4, 8)], Ulps: 0.5);
        foreach ((Shape from, int[] to) in ((Shape, int[])[])[
            (S(2, 1, 1, 17), [2, 3, 4, 17]), (S(17), [2, 3, 17]), (S(3, 4, 1), [3, 4, 9]), (S(), [2, 5]), (S(2, 1, 4), [6, 2, 5, 4]), (S(5), [5]),
            (S(2, 1, 8), [2, 5, 8]), (S(1, 3, 1, 4, 1, 2, 1, 3), [2, 3, 2, 4, 3, 2, 2, 3])])
            yield return new OpCase(OpCatalog.BroadcastTo, new BroadcastToAttributes(new IntList(to)), [from], Ulps: 0.5);
    }

    private static IEnumerable<OpCase> Others()
    {
        foreach (ReduceKind kind in (ReduceKind[])[ReduceKind.Mean, ReduceKind.Sum, ReduceKind.Max])
        {
            foreach (bool keep in (bool[])[false, true])
            {
                yield return new OpCase(OpCatalog.Reduce, new ReduceAttributes(kind, new IntList(1, 2), keep), [S(2, 7, 6, 19)]);
                yield return new OpCase(OpCatalog.Reduce, new ReduceAttributes(kind, new IntList(2, 3), keep), [S(2, 19, 7, 6)]);
                yield return new OpCase(OpCatalog.Reduce, new ReduceAttributes(kind, new IntList(0, 2), keep), [S(3, 4, 5)]);
                yield return new OpCase(OpCatalog.Reduce, new ReduceAttributes(kind, new IntList(1), keep), [S(4, 33)]);
                yield return new OpCase(OpCatalog.Reduce, new ReduceAttributes(kind, new IntList(), keep), [S(4, 3)]);
                yield return new OpCase(OpCatalog.Reduce, new ReduceAttributes(kind, new IntList(0, 1, 2), keep), [S(3, 31, 17, 67)]);
                yield return new OpCase(OpCatalog.Reduce, new ReduceAttributes(kind, new IntList(0, 1), keep), [S(131, 130)]);
            }
        }

        // Long rows and columns with and without whole vectors, in several parts; axes that take turns.
        (Shape Shape, IntList Axes)[] longer =
        [
            (S(64, 1024), new IntList(0, 1)), (S(3, 9001), new IntList(1)), (S(5, 8004), new IntList(1)), (S(1, 4100, 4), new IntList(0, 1)),
            (S(2, 1101, 68), new IntList(1)), (S(131, 2003), new IntList(1)), (S(3, 97, 911), new IntList(1)), (S(2, 3, 600, 5, 4), new IntList(0, 2, 4)),
            (S(3, 4, 2, 5, 3, 2, 7, 2), new IntList(1, 3, 5, 7)), (S(3, 4, 2, 5, 3, 2, 7, 2), new IntList(0, 2, 4, 6)), (S(2000, 3, 5), new IntList(0, 1)),
        ];
        foreach ((Shape shape, IntList axes) in longer)
        {
            yield return new OpCase(OpCatalog.Reduce, new ReduceAttributes(ReduceKind.Sum, axes, false), [shape]);
            yield return new OpCase(OpCatalog.Reduce, new ReduceAttributes(ReduceKind.Max, axes, false), [shape]);
        }

        foreach (Shape shape in (Shape[])[S(1, 1), S(3, 10), S(2, 3, 35), S(1, 1001), S(300, 10), S(24, 300)])
        {
            yield return new OpCase(OpCatalog.Softmax, new SoftmaxAttributes(), [shape], -5, 5, Ulps: 32);
            yield return new OpCase(OpCatalog.Softmax, new SoftmaxAttributes(Beta: 0.5f), [shape], -60, 60, Ulps: 64);
            if (shape[-1] > 1) yield return new OpCase(OpCatalog.Softmax, new SoftmaxAttributes(Logarithm: true), [shape], -5, 5, Ulps: 64);
        }

        foreach (int size in (int[])[1, 4, 5])
        {
            foreach (float beta in (float[])[0.75f, 0.5f, 1f, 0.6f])
                yield return new OpCase(OpCatalog.LocalResponseNorm, new LocalResponseNormAttributes(size, 0.02f, beta, 1), [S(1, 3, 4, 21)], Ulps: 24);
        }

        yield return new OpCase(OpCatalog.BatchNorm, new BatchNormAttributes(1e-3f), [S(2, 3, 5, 19), S(19), S(19), S(19), S(19)]);
        yield return new OpCase(OpCatalog.BatchNorm, new BatchNormAttributes(1e-5f), [S(4, 3), S(3), S(3), S(3), S(3)]);
        yield return new OpCase(OpCatalog.FakeQuantize, new FakeQuantizeAttributes(new Quantization([0.0123f], [3]), -128, 127), [S(2, 5, 7, 19)], Ulps: 0.5);
        yield return new OpCase(
            OpCatalog.FakeQuantize, new FakeQuantizeAttributes(new Quantization([0.5f, 0.03f, 0.011f], [0, 128, 255]), 0, 255), [S(2, 5, 3)], Ulps: 0.5);
        float[] scales = new float[37];
        int[] zeros = new int[scales.Length];
        for (int c = 0; c < scales.Length; c++) (scales[c], zeros[c]) = (0.01f + (0.003f * c), (c % 5) - 2);
        yield return new OpCase(
            OpCatalog.FakeQuantize, new FakeQuantizeAttributes(new Quantization(scales, zeros), -128, 127), [S(3, scales.Length)], Ulps: 0.5);
    }
}
