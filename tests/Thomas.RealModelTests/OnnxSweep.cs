using System;
using System.Collections.Generic;
using System.Linq;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;
using Thomas.Runtime;
using Xunit;

namespace Thomas.RealModelTests;

/// <summary>Small graphs, together every operator with its settings varied.</summary>
internal static class OnnxSweep
{
    /// <summary>One graph; <paramref name="ReadsBack"/> is false where the file uses operators that models do not contain.</summary>
    internal sealed record Case(string Name, Func<Graph> Build, float Low = -2, float High = 2, bool ReadsBack = true)
    {
        public float[] Input(Shape shape, uint seed) => Noise(shape.ElementCount, seed + 1, Low, High);
    }

    public static List<Case> Cases { get; } = [.. Elementwise(), .. Convolutions(), .. Pools(), .. Normalizations(), .. Shapes(), .. Mixed()];

    public static float[] Noise(int count, uint seed, float low, float high)
    {
        float[] values = new float[count];
        uint state = (seed * 2654435761u) + 12345u;
        for (int i = 0; i < count; i++)
        {
            state = (state * 1664525u) + 1013904223u;
            values[i] = low + ((high - low) * ((state >> 8) / 16777216f));
        }

        return values;
    }

    /// <summary>Runs the definitions; every input in the graph's own layout.</summary>
    public static float[][] RunOurs(Graph graph, params float[][] inputs)
    {
        bool small = graph.Nodes.Count < 20;
        CompileOptions options = new()
        {
            Device = small ? DeviceKind.Serial : DeviceKind.Cpu,
            Threads = 1,
            PassesOff = small
            ? ["fold-constants", "fuse-pad", "fold-batch-norm", "fuse-epilogue", "fuse-bias-gradient", "fuse-depthwise-gradients", "fuse-inverted-residual"]
            : [],
        };
        using Executable executable = Executable.Compile(graph, 1, options);
        for (int i = 0; i < inputs.Length; i++) inputs[i].CopyTo(executable.Input(i));
        executable.Run();
        float[][] outputs = new float[graph.Outputs.Count][];
        for (int i = 0; i < outputs.Length; i++) outputs[i] = executable.Output(i).ToArray();
        return outputs;
    }

    public static float[] ToNchw(float[] nhwc, Shape shape)
    {
        if (shape.Rank != 4) return nhwc;
        float[] result = new float[nhwc.Length];
        Transpose.Permute<float>(nhwc, shape, Transpose.NhwcToNchw, result);
        return result;
    }

    public static void AssertClose(float[] expected, float[] actual, double tolerance, string place)
    {
        Assert.Equal(expected.Length, actual.Length);
        double low = double.MaxValue, high = double.MinValue, worst = 0;
        int at = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.False(float.IsNaN(expected[i]) != float.IsNaN(actual[i]), $"{place}: element {i} is {actual[i]}, expected {expected[i]}");
            low = Math.Min(low, expected[i]);
            high = Math.Max(high, expected[i]);
            if (!(Math.Abs(expected[i] - (double)actual[i]) > worst)) continue;
            worst = Math.Abs(expected[i] - (double)actual[i]);
            at = i;
        }

        double range = Math.Max(1e-3, Math.Max(high - low, Math.Abs(high)));
        Assert.True(worst <= tolerance * range, $"{place}: element {at} is {actual[at]}, expected {expected[at]}, range {range}");
    }

    private static Case One(string name, Op op, OpAttributes? attributes, int[] input, params int[][] constants) =>
        new(name, () =>
        {
            GraphBuilder b = new();
            List<Value> operands = [b.Input("x", Type(input))];
            for (int i = 0; i < constants.Length; i++) operands.Add(Weights(b, $"w{i}", (uint)(i + 5), constants[i]));
            return b.Build(b.Add(op, operands.ToArray(), attributes, "y"));
        });

    private static Case Two(string name, Op op, int[] left, int[] right, OpAttributes? attributes = null) =>
        new(name, () =>
        {
            GraphBuilder b = new();
            return b.Build(b.Add(op, [b.Input("a", Type(left)), b.Input("b", Type(right))], attributes, "y"));
        });

    private static TensorType Type(params int[] dims) => new(DType.F32, new Shape(dims));

    private static Value Weights(GraphBuilder b, string name, uint seed, params int[] dims)
    {
        Shape shape = new(dims);
        return b.Constant(name, TensorData.FromFloats(shape, Noise(shape.ElementCount, seed, -1, 1)));
    }

    private static Value Positive(GraphBuilder b, string name, uint seed, int count) =>
        b.Constant(name, TensorData.FromFloats(new Shape(count), Noise(count, seed, 0.1f, 2)));

    private static IEnumerable<Case> Elementwise()
    {
        int[] x = [1, 4, 6, 5];
        foreach (BinaryOp op in (BinaryOp[])[
            OpCatalog.Add, OpCatalog.Subtract, OpCatalog.Multiply, OpCatalog.Divide, OpCatalog.Maximum, OpCatalog.Minimum, OpCatalog.PRelu])
        {
            yield return One($"{op.Name} by channel", op, null, x, [5]);
            yield return One($"{op.Name} by column and channel", op, null, x, [6, 5]);
            yield return One($"{op.Name} by row", op, null, x, [4, 1, 1]);
            yield return One($"{op.Name} with a number", op, null, x, [[]]);
            yield return One($"{op.Name} that stretches the activation", op, null, [1, 4, 1, 5], [1, 1, 6, 1]);
            yield return One($"{op.Name} of matrices", op, null, [1, 5], [3, 5]);
            yield return Two($"{op.Name} of images", op, x, x);
            yield return Two($"{op.Name} of an image and a gate", op, x, [1, 1, 1, 5]);
        }

        yield return One("Power", OpCatalog.Power, null, x, [5]) with { Low = 0.1f };
        foreach (Op op in (Op[])[
            OpCatalog.Exp, OpCatalog.Log, OpCatalog.Sqrt, OpCatalog.Rsqrt, OpCatalog.Negate, OpCatalog.Abs, OpCatalog.Sign, OpCatalog.Round, OpCatalog.Erf])
            yield return One(op.Name, op, null, x) with
            {
                Low = op == OpCatalog.Abs || op == OpCatalog.Sign || op == OpCatalog.Negate || op == OpCatalog.Round
                || op == OpCatalog.Erf ? -2 : 0.1f
            };
        foreach (Activation activation in Activations)
        {
            yield return One($"Activate {activation}", OpCatalog.Activate, new ActivateAttributes(activation), x) with { Low = -8, High = 8 };
            yield return One($"Activate {activation} of a matrix", OpCatalog.Activate, new ActivateAttributes(activation), [1, 7]) with { Low = -8, High = 8 };
        }

        foreach ((int low, int high, int zero) in ((int, int, int)[])[
            (0, 255, 128), (-128, 127, -3), (-127, 127, 0), (-100, 155, -7), (0, 15, 8), (-32768, 32767, 0), (0, 255, -5)])
        {
            FakeQuantizeAttributes perTensor = new(new Quantization([0.02f], [zero]), low, high);
            yield return One($"FakeQuantize {low} to {high}, zero {zero}", OpCatalog.FakeQuantize, perTensor, x);
            FakeQuantizeAttributes perChannel = new(new Quantization([0.02f, 0.01f, 0.03f, 0.005f, 0.5f], [zero, zero, zero, zero, zero], 3), low, high);
            yield return One($"FakeQuantize by channel {low} to {high}, zero {zero}", OpCatalog.FakeQuantize, perChannel, x);
        }
    }

    private static Activation[] Activations =>
    [
        .. ActivationCatalog.All.SelectMany(static function => function.Samples), Activation.Clip(float.NegativeInfinity, 1),
        Activation.Clip(-1, float.PositiveInfinity),
        Activation.Clip(float.NegativeInfinity, float.PositiveInfinity), new(ActivationKind.HardSigmoid, 0.3f, 0.4f),
    ];

    private static IEnumerable<Case> Convolutions()
    {
        int[] x = [1, 9, 7, 6];
        Window2d uneven = new(3, 2, 2, 1, 1, 2, new Padding2d(0, 1, 2, 1)), plain = new(3, 3), same = new(3, 3, 1, 1, 1, 1, new Padding2d(1, 1, 1, 1));
        yield return One("Conv2d uneven", OpCatalog.Conv2d, new Conv2dAttributes(uneven), x, [5, 3, 2, 6]);
        yield return One("Conv2d with bias", OpCatalog.Conv2d, new Conv2dAttributes(plain, HasBias: true), x, [5, 3, 3, 6], [5]);
        yield return One("Conv2d 1x1", OpCatalog.Conv2d, new Conv2dAttributes(new Window2d(1, 1), HasBias: true), x, [5, 1, 1, 6], [5]);
        yield return One("Conv2d in groups", OpCatalog.Conv2d, new Conv2dAttributes(same, Groups: 3, HasBias: true), x, [9, 3, 3, 2], [9]);
        yield return One("Conv2d of one channel", OpCatalog.Conv2d, new Conv2dAttributes(plain), [1, 5, 6, 1], [4, 3, 3, 1]);
        yield return One("DepthwiseConv2d uneven", OpCatalog.DepthwiseConv2d, new DepthwiseConv2dAttributes(uneven, HasBias: true), x, [1, 3, 2, 6], [6]);
        yield return One("DepthwiseConv2d times two", OpCatalog.DepthwiseConv2d, new DepthwiseConv2dAttributes(same), x, [1, 3, 3, 12]);
        yield return One("DepthwiseConv2d 1x1", OpCatalog.DepthwiseConv2d, new DepthwiseConv2dAttributes(new Window2d(1, 1)), x, [1, 1, 1, 6]);
        yield return One("DepthwiseConv2d of one channel", OpCatalog.DepthwiseConv2d, new DepthwiseConv2dAttributes(plain), [1, 5, 6, 1], [1, 3, 3, 2]);
        foreach ((Window2d window, int h, int w, int groups) in ((Window2d, int, int, int)[])[
            (new(2, 2, 2, 2, 1, 1, default), 18, 14, 1), (new(3, 3, 2, 2, 1, 1, new Padding2d(1, 1, 1, 1)), 18, 13, 2),
            (new(3, 2, 1, 3, 2, 1, new Padding2d(2, 0, 1, 1)), 10, 19, 6)])
            yield return One(
                $"ConvTranspose2d {window}, {groups}", OpCatalog.ConvTranspose2d, new Conv2dGradientAttributes(window, h, w, groups), x,
                [6, window.KernelH, window.KernelW, 2]);
        yield return One("Dense", OpCatalog.Dense, new DenseAttributes(), [1, 7], [4, 7]);
        yield return One("Dense with bias", OpCatalog.Dense, new DenseAttributes(HasBias: true), [1, 7], [4, 7], [4]);
        foreach ((bool transA, bool transB, int[] b) in ((bool, bool, int[])[])[
            (false, false, [1, 4, 5, 3]), (false, true, [1, 1, 3, 5]), (true, false, [4, 6, 3]), (true, true, [3, 6])])
            yield return One($"MatMul {transA} {transB} by {new IntList(b)}", OpCatalog.MatMul, new MatMulAttributes(transA, transB), [1, 4, 6, 5], b);
        yield return Two("MatMul of two activations", OpCatalog.MatMul, [1, 3, 4, 6], [1, 3, 6, 5], new MatMulAttributes());
        yield return Two("MatMul of matrices", OpCatalog.MatMul, [1, 6], [6, 5], new MatMulAttributes());
        foreach (Activation activation in Activations)
        {
            yield return One(
                $"Conv2d then {activation}", OpCatalog.Conv2d, new Conv2dAttributes(plain, HasBias: true, Activation: activation), x, [5, 3, 3, 6], [5]);
            yield return One(
                $"DepthwiseConv2d then {activation}", OpCatalog.DepthwiseConv2d, new DepthwiseConv2dAttributes(plain, Activation: activation), x, [1, 3, 3, 6]);
            yield return One($"Dense then {activation}", OpCatalog.Dense, new DenseAttributes(HasBias: true, Activation: activation), [1, 7], [4, 7], [4]);
            yield return One(
                $"AveragePool2d then {activation}", OpCatalog.AveragePool2d, new AveragePool2dAttributes(new Window2d(2, 2), Activation: activation), x);
        }

        yield return new Case("Conv2d plus a residual", () =>
        {
            GraphBuilder b = new();
            Value input = b.Input("x", Type(x));
            Conv2dAttributes attributes = new(same, HasBias: true, HasResidual: true, Activation: Activation.Relu);
            return b.Build(b.Add(OpCatalog.Conv2d, [input, Weights(b, "w", 3, 6, 3, 3, 6), Weights(b, "b", 4, 6), input], attributes, "y"));
        });
        foreach (bool depthwise in (bool[])[false, true])
        {
            yield return new Case($"Filters that are computed, depthwise {depthwise}", () =>
            {
                GraphBuilder b = new();
                Value input = b.Input("x", Type(x)), scale = b.Input("s", Type(1));
                Value filter = b.Add(OpCatalog.Multiply, [depthwise ? Weights(b, "w", 3, 1, 3, 3, 6) : Weights(b, "w", 3, 5, 3, 3, 6), scale], null, "scaled");
                return b.Build(depthwise
                    ? b.Add(OpCatalog.DepthwiseConv2d, [input, filter], new DepthwiseConv2dAttributes(plain), "y")
                    : b.Add(OpCatalog.Conv2d, [input, filter], new Conv2dAttributes(plain), "y"));
            }, ReadsBack: false);
        }
    }

    private static IEnumerable<Case> Pools()
    {
        int[] x = [1, 9, 7, 5];
        Window2d[] windows =
        [
            new(2, 3), new(3, 2, 2, 1, 1, 1, new Padding2d(1, 0, 2, 1)), new(3, 3, 2, 2, 1, 1, new Padding2d(0, 0, 1, 1)),
            new(2, 3, 1, 2, 3, 2, new Padding2d(1, 1, 1, 2)), new(2, 2, 2, 1, 3, 3, new Padding2d(3, 2, 1, 3)),
        ];
        foreach (Window2d window in windows)
        {
            yield return One($"MaxPool2d {window}", OpCatalog.MaxPool2d, new MaxPool2dAttributes(window), x);
            yield return One($"AveragePool2d {window}", OpCatalog.AveragePool2d, new AveragePool2dAttributes(window), x);
            yield return One(
                $"AveragePool2d with padding counted {window}", OpCatalog.AveragePool2d, new AveragePool2dAttributes(window, CountPadding: true), x);
        }

        foreach (ReduceKind kind in Enum.GetValues<ReduceKind>())
        {
            foreach (int[] axes in (int[][])[[1, 2], [3], [1], [2, 3], [1, 2, 3], [0], []])
            {
                yield return One($"Reduce {kind} {new IntList(axes)}", OpCatalog.Reduce, new ReduceAttributes(kind, new IntList(axes), KeepDims: true), x);
                yield return One(
                    $"Reduce {kind} {new IntList(axes)} away", OpCatalog.Reduce, new ReduceAttributes(kind, new IntList(axes), KeepDims: false), x);
            }

            yield return One($"Reduce {kind} of a matrix", OpCatalog.Reduce, new ReduceAttributes(kind, new IntList(1), KeepDims: false), [1, 4]);
        }
    }

    private static IEnumerable<Case> Normalizations()
    {
        foreach (int[] x in (int[][])[[1, 4, 6, 5], [1, 5], [1, 3, 5]])
        {
            string rank = $"of rank {x.Length}";
            yield return new Case($"BatchNorm {rank}", () =>
            {
                GraphBuilder b = new();
                Value[] operands = [b.Input("x", Type(x)), Positive(b, "g", 1, 5), Weights(b, "b", 2, 5), Weights(b, "m", 3, 5), Positive(b, "v", 4, 5)];
                return b.Build(b.Add(OpCatalog.BatchNorm, operands, new BatchNormAttributes(1e-3f), "y"));
            });
            foreach (int size in (int[])[1, 3, 5, 9])
                yield return One(
                    $"LocalResponseNorm over {size} {rank}", OpCatalog.LocalResponseNorm, new LocalResponseNormAttributes(size, 0.3f, 0.75f, 1.5f), x);
            foreach (SoftmaxAttributes a in (SoftmaxAttributes[])[new(), new(Logarithm: true), new(Beta: 0.5f), new(Logarithm: true, Beta: 2)])
                yield return One($"Softmax {a} {rank}", OpCatalog.Softmax, a, x);
        }
    }

    private static IEnumerable<Case> Shapes()
    {
        int[] x = [1, 4, 6, 5];
        for (int axis = 0; axis < 4; axis++)
        {
            int at = axis;
            yield return new Case($"Concat along {axis}", () =>
            {
                GraphBuilder b = new();
                Value input = b.Input("x", Type(x));
                int[] other = [1, 4, 6, 5];
                other[at] = 2;
                return b.Build(b.Add(OpCatalog.Concat, [input, Weights(b, "w", 3, other), input], new ConcatAttributes(at), "y"));
            });
        }

        yield return One("Pad", OpCatalog.Pad, new PadAttributes(new IntList(0, 1, 0, 2), new IntList(0, 0, 3, 1), 0.5f), x);
        yield return One("Pad with zeros", OpCatalog.Pad, new PadAttributes(new IntList(0, 1, 1, 0), new IntList(0, 2, 1, 0)), x);
        yield return One("Slice", OpCatalog.Slice, new SliceAttributes(new IntList(0, 1, 0, 2), new IntList(-1, 2, 3, -1), new IntList(1, 1, 2, 1)), x);
        yield return One(
            "Slice to the end by steps", OpCatalog.Slice, new SliceAttributes(new IntList(0, 1, 0, 0), new IntList(-1, -1, -1, -1), new IntList(1, 2, 3, 2)),
            x);
        yield return One(
            "Slice of everything", OpCatalog.Slice, new SliceAttributes(new IntList(0, 0, 0, 0), new IntList(-1, -1, -1, -1), new IntList(1, 1, 1, 1)), x);
        yield return One("Reshape to a row", OpCatalog.Reshape, new ReshapeAttributes(new IntList(0, -1)), x);
        yield return One("Reshape to an image", OpCatalog.Reshape, new ReshapeAttributes(new IntList(0, 6, 5, -1)), x);
        yield return One("Reshape that copies axes", OpCatalog.Reshape, new ReshapeAttributes(new IntList(0, 0, -1)), x);
        yield return One("Reshape of one pixel", OpCatalog.Reshape, new ReshapeAttributes(new IntList(0, 5)), [1, 1, 1, 5]);
        yield return One("Reshape to one pixel", OpCatalog.Reshape, new ReshapeAttributes(new IntList(0, 1, 1, -1)), [1, 5]);
        yield return One("Reshape of one channel", OpCatalog.Reshape, new ReshapeAttributes(new IntList(0, 0, 0)), [1, 4, 5, 1]);
        foreach (int[] perm in (int[][])[[0, 3, 1, 2], [0, 2, 3, 1], [0, 1, 2, 3], [0, 2, 1, 3], [3, 2, 1, 0], [0, 3, 2, 1]])
            yield return One($"Transpose {new IntList(perm)}", OpCatalog.Transpose, new TransposeAttributes(new IntList(perm)), x);
        yield return One("Transpose of a matrix", OpCatalog.Transpose, new TransposeAttributes(new IntList(1, 0)), [1, 4]);
    }

    private static IEnumerable<Case> Mixed()
    {
        Window2d same = new(3, 3, 1, 1, 1, 1, new Padding2d(1, 1, 1, 1));
        yield return new Case("Squeeze and excite, two outputs, one of them twice", () =>
        {
            GraphBuilder b = new();
            Value x = b.Input("x", Type(1, 6, 5, 3));
            Value conv = b.Add(OpCatalog.Conv2d, [x, Weights(b, "w", 1, 8, 3, 3, 3)], new Conv2dAttributes(same), "conv");
            Value mean = b.Add(OpCatalog.Reduce, [conv], new ReduceAttributes(ReduceKind.Mean, new IntList(1, 2), KeepDims: false), "mean");
            Value gate = b.Add(
                OpCatalog.Dense, [mean, Weights(b, "fc", 2, 8, 8)], new DenseAttributes(Activation: new Activation(ActivationKind.Sigmoid)), "gate");
            Value pixel = b.Add(OpCatalog.Reshape, [gate], new ReshapeAttributes(new IntList(0, 1, 1, -1)), "pixel");
            Value gated = b.Add(OpCatalog.Multiply, [conv, pixel], null, "gated");
            Value flat = b.Add(OpCatalog.Reshape, [gated], new ReshapeAttributes(new IntList(0, -1)), "flat");
            return b.Build(flat, gated, flat);
        });
        yield return new Case("An image that is handed out in NCHW order and an input that is handed out", () =>
        {
            GraphBuilder b = new();
            Value x = b.Input("x", Type(1, 6, 5, 3));
            Value nchw = b.Add(OpCatalog.Transpose, [x], new TransposeAttributes(Transpose.NhwcToNchw), "nchw");
            Value back = b.Add(OpCatalog.Transpose, [b.Add(OpCatalog.Abs, [nchw], null, "abs")], new TransposeAttributes(Transpose.NchwToNhwc), "back");
            return b.Build(nchw, x, back, b.Constant("c", TensorData.FromFloats(new Shape(2), [1, 2])));
        });
    }
}
