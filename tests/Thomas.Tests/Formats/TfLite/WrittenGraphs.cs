using System;
using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;
using Thomas.Tests.Harness;

namespace Thomas.Tests.Formats.TfLite;

/// <summary>Small graphs that use every operator with the attributes that its TFLite form depends on.</summary>
internal static class WrittenGraphs
{
    private static readonly Padding2d Uneven = new(1, 0, 2, 1);

    public static IReadOnlyDictionary<string, Func<Graph>> All { get; } = Create();

    private static Dictionary<string, Func<Graph>> Create()
    {
        Dictionary<string, Func<Graph>> graphs = new(StringComparer.Ordinal);
        AddElementwise(graphs);
        AddWindows(graphs);
        AddShapes(graphs);
        graphs["NchwBlock"] = TestGraphs.NchwBlock;
        return graphs;
    }

    private static void AddElementwise(Dictionary<string, Func<Graph>> graphs)
    {
        foreach (BinaryOp op in new BinaryOp[] { OpCatalog.Add, OpCatalog.Subtract, OpCatalog.Multiply, OpCatalog.Maximum, OpCatalog.Minimum, OpCatalog.PRelu })
        {
            graphs[$"{op.Name} of channels"] = () => Make((b, x) => b.Add(op, [x, b.Weights("w", 1, 3)]));
            graphs[$"{op.Name} swapped"] = () => Make((b, x) => b.Add(op, [b.Weights("w", 1, 1, 1, 1, 3), x]));
            graphs[$"{op.Name} of five axes"] = () => Make(
                (b, x) => b.Add(op, [b.Add(OpCatalog.Reshape, [x], new ReshapeAttributes(new IntList(0, 5, 7, 3, 1))), b.Weights("w", 1, 3, 1)]));
        }

        graphs["Divide"] = () => Make((b, x) => b.Add(OpCatalog.Divide, [x, b.Positive("w", 1, 3)]));
        graphs["Power"] = () => Make((b, x) => b.Add(OpCatalog.Power, [b.Add(OpCatalog.Abs, [x]), b.Positive("w", 1, 3)]));
        foreach (UnaryOp op in new UnaryOp[] { OpCatalog.Exp, OpCatalog.Negate, OpCatalog.Abs, OpCatalog.Sign, OpCatalog.Round, OpCatalog.Erf })
            graphs[op.Name] = () => Make((b, x) => b.Add(op, [x]));
        foreach (UnaryOp op in new UnaryOp[] { OpCatalog.Log, OpCatalog.Sqrt, OpCatalog.Rsqrt })
            graphs[op.Name] = () => Make((b, x) => b.Add(op, [b.Add(OpCatalog.Exp, [x])]));
        foreach (Activation activation in (Activation[])[
            .. ActivationSamples.All, Activation.Clip(0, 6), Activation.Clip(-0.3f, 0.4f), new(ActivationKind.HardSigmoid, 1f / 6, 0.5f)])
        {
            graphs[$"Activate {activation}"] = () => Make((b, x) => b.Add(OpCatalog.Activate, [x], new ActivateAttributes(activation)));
            graphs[$"Conv2d then {activation}"] = () => Make((b, x) =>
                b.Add(
                    OpCatalog.Conv2d, [x, b.Weights("w", 1, 4, 1, 1, 3), b.Weights("b", 2, 4)],
                    new Conv2dAttributes(new Window2d(1, 1), HasBias: true, Activation: activation)));
        }

        foreach ((int low, int high, int zero) in new[] { (-128, 127, -3), (0, 255, 128), (-127, 127, 0), (0, 15, 4), (-200, -100, -150), (-32768, 32767, 0) })
            graphs[$"FakeQuantize {low} to {high}"] = () => Make(
                (b, x) => b.Add(OpCatalog.FakeQuantize, [x], new FakeQuantizeAttributes(new Quantization([0.0173f], [zero]), low, high)));
        graphs["FakeQuantize of channels"] = () => Make(
            (b, x) => b.Add(OpCatalog.FakeQuantize, [x], new FakeQuantizeAttributes(new Quantization([0.01f, 0.02f, 0.005f], [0, 5, -7], 3), -120, 127)));
        graphs["BatchNorm"] = () => Make(
            (b, x) => b.Add(
                OpCatalog.BatchNorm, [x, b.Weights("g", 1, 3), b.Weights("s", 2, 3), b.Weights("m", 3, 3), b.Positive("v", 4, 3)],
                new BatchNormAttributes(1e-3f)));
        graphs["BatchNorm of computed statistics"] = () => Make((b, x) =>
            b.Add(
                OpCatalog.BatchNorm, [x, b.Weights("g", 1, 3), b.Weights("s", 2, 3), b.Weights("m", 3, 3), b.Add(OpCatalog.Abs, [b.Weights("v", 4, 3)])],
                new BatchNormAttributes(0.1f)));
        graphs["Softmax"] = () => Make((b, x) => b.Add(OpCatalog.Softmax, [x], new SoftmaxAttributes(Beta: 1.5f)));
        graphs["LogSoftmax"] = () => Make((b, x) => b.Add(OpCatalog.Softmax, [x], new SoftmaxAttributes(Logarithm: true)));
        graphs["LogSoftmax with beta"] = () => Make((b, x) => b.Add(OpCatalog.Softmax, [x], new SoftmaxAttributes(Logarithm: true, Beta: 0.5f)));
        foreach (int size in new[] { 1, 2, 3, 5 })
            graphs[$"LocalResponseNorm {size}"] = () => Make(
                (b, x) => b.Add(OpCatalog.LocalResponseNorm, [x], new LocalResponseNormAttributes(size, 0.3f, 0.75f, 1.5f)));
        graphs["LocalResponseNorm of rank 2"] = () => Make(
            (b, x) => b.Add(OpCatalog.LocalResponseNorm, [Flat(b, x)], new LocalResponseNormAttributes(3, 0.3f, 0.75f, 1.5f)));
    }

    private static IEnumerable<(string Name, Window2d Window)> Windows
    {
        get
        {
            yield return ("valid", new Window2d(3, 2));
            yield return ("strided", new Window2d(3, 3, 2, 1, 1, 1, default));
            yield return ("same", new Window2d(3, 2, 2, 2, 1, 1, Window2d.Same(5, 7, 3, 2, 2, 2)));
            yield return ("uneven", new Window2d(3, 2, 1, 2, 1, 1, Uneven));
            yield return ("dilated", new Window2d(2, 3, 1, 1, 2, 2, default));
            yield return ("dilated same", new Window2d(3, 3, 1, 1, 2, 1, Window2d.Same(5, 7, 5, 3, 1, 1)));
            yield return ("dilated uneven", new Window2d(2, 2, 2, 1, 2, 3, Uneven));
        }
    }

    private static void AddWindows(Dictionary<string, Func<Graph>> graphs)
    {
        foreach ((string name, Window2d window) in Windows)
        {
            graphs[$"Conv2d {name}"] = () => Make(
                (b, x) => b.Add(
                    OpCatalog.Conv2d, [x, b.Weights("w", 1, 4, window.KernelH, window.KernelW, 3)], new Conv2dAttributes(window, Activation: Activation.Relu)));
            graphs[$"DepthwiseConv2d {name}"] = () => Make((b, x) =>
                b.Add(
                    OpCatalog.DepthwiseConv2d, [x, b.Weights("w", 1, 1, window.KernelH, window.KernelW, 6), b.Weights("b", 2, 6)],
                    new DepthwiseConv2dAttributes(window, HasBias: true, new Activation(ActivationKind.HardSwish))));
            graphs[$"MaxPool2d {name}"] = () => Make((b, x) => b.Add(OpCatalog.MaxPool2d, [x], new MaxPool2dAttributes(window)));
            foreach (bool counts in new[] { false, true })
                graphs[$"AveragePool2d {name}, padding counts: {counts}"] = () => Make(
                    (b, x) => b.Add(OpCatalog.AveragePool2d, [x], new AveragePool2dAttributes(window, counts, Activation.Relu6)));
        }

        graphs["Conv2d with residual"] = () => Make((b, x) =>
            b.Add(
                OpCatalog.Conv2d, [x, b.Weights("w", 1, 3, 3, 3, 3), b.Weights("b", 2, 3), x],
                new Conv2dAttributes(new Window2d(3, 3, 1, 1, 1, 1, new Padding2d(1, 1, 1, 1)), 1, HasBias: true, HasResidual: true, Activation.Relu)));
        graphs["Conv2d in groups"] = () => Make((b, x) =>
        {
            Value joined = b.Add(OpCatalog.Concat, [x, x], new ConcatAttributes(3));
            return b.Add(
                OpCatalog.Conv2d, [joined, b.Weights("w", 1, 4, 3, 3, 3)],
                new Conv2dAttributes(new Window2d(3, 3), Groups: 2, Activation: new Activation(ActivationKind.Tanh)));
        });
        graphs["Conv2d in single channels"] = () => Make(
            (b, x) => b.Add(OpCatalog.Conv2d, [x, b.Weights("w", 1, 6, 3, 2, 1)], new Conv2dAttributes(new Window2d(3, 2), Groups: 3)));
        foreach ((string name, Window2d window) in Windows)
        {
            foreach (int groups in new[] { 1, 3 })
            {
                int h = ((5 - 1) * window.StrideH) + window.ExtentH - window.Padding.Top - window.Padding.Bottom + (window.StrideH - 1),
                    w = ((7 - 1) * window.StrideW) + window.ExtentW - window.Padding.Left - window.Padding.Right;
                graphs[$"ConvTranspose2d {name}, {groups}"] = () => Make(
                    (b, x) => b.Add(
                        OpCatalog.ConvTranspose2d, [x, b.Weights("w", 1, 3, window.KernelH, window.KernelW, 2)],
                        new Conv2dGradientAttributes(window, h, w, groups)));
            }
        }

        graphs["ConvTranspose2d of doubled size"] = () => Make(
            (b, x) => b.Add(
                OpCatalog.ConvTranspose2d, [x, b.Weights("w", 1, 3, 3, 4, 5)],
                new Conv2dGradientAttributes(new Window2d(3, 4, 2, 2, 1, 1, Window2d.Same(10, 14, 3, 4, 2, 2)), 10, 14)));
        graphs["Dense"] = () => Make(
            (b, x) => b.Add(
                OpCatalog.Dense, [Flat(b, x), b.Weights("w", 1, 4, 105), b.Weights("b", 2, 4)],
                new DenseAttributes(HasBias: true, new Activation(ActivationKind.Sigmoid))));
        foreach (bool transA in new[] { false, true })
        {
            foreach (bool transB in new[] { false, true })
            {
                MatMulAttributes attributes = new(transA, transB);
                graphs[$"MatMul of two activations, {transA}, {transB}"] = () => Make(
                    (b, x) => b.Add(OpCatalog.MatMul, [x, transA == transB ? Turned(b, x) : x], attributes));
                graphs[$"MatMul by matrices, {transA}, {transB}"] = () => Make((b, x) =>
                    b.Add(
                        OpCatalog.MatMul,
                        [x, b.Weights(
                            "w", 1,
                            [1, 5,
                                .. (transA, transB) switch { (false, false) =>
                                    (int[])[3, 4], (false, true) =>
                                    [4, 3], (true, false) =>
                                    [7, 4], _ =>
                                    [4, 7] }])], attributes));
            }
        }

        graphs["MatMul that stretches"] = () => Make(
            (b, x) => b.Add(
                OpCatalog.MatMul,
                [b.Weights("w", 1, 5, 2, 7), b.Add(OpCatalog.Reduce, [x], new ReduceAttributes(ReduceKind.Mean, new IntList(1), KeepDims: true))],
                new MatMulAttributes()));
        graphs["MatMul of six axes"] = () => Make((b, x) =>
        {
            Value wide = b.Add(OpCatalog.Reshape, [x], new ReshapeAttributes(new IntList(0, 5, 1, 1, 7, 3)));
            return b.Add(OpCatalog.MatMul, [wide, wide], new MatMulAttributes(TransposeB: true));
        });
        graphs["Dense without bias"] = () => Make(
            (b, x) => b.Add(OpCatalog.Dense, [Flat(b, x), b.Weights("w", 1, 4, 105)], new DenseAttributes(Activation: Activation.Relu)));
    }

    private static void AddShapes(Dictionary<string, Func<Graph>> graphs)
    {
        foreach (ReduceKind kind in Enum.GetValues<ReduceKind>())
        {
            graphs[$"Reduce {kind}"] = () => Make((b, x) => b.Add(OpCatalog.Reduce, [x], new ReduceAttributes(kind, new IntList(1, 2), KeepDims: false)));
            graphs[$"Reduce {kind} keeping axes"] = () => Make(
                (b, x) => b.Add(OpCatalog.Reduce, [x], new ReduceAttributes(kind, new IntList(3), KeepDims: true)));
            graphs[$"Reduce {kind} of nothing"] = () => Make((b, x) => b.Add(OpCatalog.Reduce, [x], new ReduceAttributes(kind, default, KeepDims: true)));
        }

        graphs["Concat"] = () => Make((b, x) => b.Add(OpCatalog.Concat, [x, b.Weights("w", 1, 1, 5, 7, 2), x], new ConcatAttributes(3)));
        graphs["Pad"] = () => Make((b, x) => b.Add(OpCatalog.Pad, [x], new PadAttributes(new IntList(0, 1, 0, 2), new IntList(0, 0, 3, 1))));
        graphs["Pad with a value"] = () => Make(
            (b, x) => b.Add(OpCatalog.Pad, [x], new PadAttributes(new IntList(0, 1, 0, 2), new IntList(0, 0, 3, 1), -2.5f)));
        graphs["Slice"] = () => Make(
            (b, x) => b.Add(OpCatalog.Slice, [x], new SliceAttributes(new IntList(0, 1, 2, 0), new IntList(-1, 3, -1, 2), new IntList(1, 1, 1, 1))));
        graphs["Slice with steps"] = () => Make(
            (b, x) => b.Add(OpCatalog.Slice, [x], new SliceAttributes(new IntList(0, 1, 2, 0), new IntList(-1, 2, -1, 3), new IntList(1, 2, 3, 1))));
        graphs["Slice of five axes"] = () => Make((b, x) =>
            b.Add(
                OpCatalog.Slice, [b.Add(OpCatalog.Reshape, [x], new ReshapeAttributes(new IntList(0, 5, 7, 3, 1)))],
                new SliceAttributes(new IntList(0, 1, 2, 0, 0), new IntList(-1, 2, 1, -1, 1), new IntList(1, 1, 1, 2, 1))));
        graphs["Reshape"] = () => Make((b, x) => b.Add(OpCatalog.Reshape, [x], new ReshapeAttributes(new IntList(0, -1, 3))));
        graphs["Reshape of the batch axis"] = () => Make((b, x) => b.Add(OpCatalog.Reshape, [x], new ReshapeAttributes(new IntList(35, 3))));
        graphs["Transpose"] = () => Make((b, x) => b.Add(OpCatalog.Transpose, [x], new TransposeAttributes(new IntList(0, 3, 2, 1))));
        graphs["Transpose of six axes"] = () => Make((b, x) =>
            b.Add(
                OpCatalog.Transpose, [b.Add(OpCatalog.Reshape, [x], new ReshapeAttributes(new IntList(0, 5, 7, 3, 1, 1)))],
                new TransposeAttributes(new IntList(0, 3, 2, 1, 5, 4))));
        foreach ((int[] dims, int[] perm) in ((int[], int[])[])[
            ([0, 5, 1, 7, 1, 3], [0, 3, 2, 1, 4, 5]), ([0, 1, 5, 7, 3, 1], [0, 4, 2, 3, 1, 5]), ([0, 5, 1, 7, 3, 1], [0, 5, 2, 4, 3, 1]),
            ([0, 1, 1, 5, 7, 1, 3], [0, 2, 1, 3, 5, 4, 6]), ([5, 1, 7, 1, 1, 3], [0, 3, 5, 1, 2, 4])])
            graphs[$"Transpose of {new IntList(dims)} by {new IntList(perm)}"] = () => Make(
                (b, x) => b.Add(
                    OpCatalog.Transpose, [b.Add(OpCatalog.Reshape, [x], new ReshapeAttributes(new IntList(dims)))],
                    new TransposeAttributes(new IntList(perm))));
        graphs["Outputs that are inputs and constants"] = static () =>
        {
            GraphBuilder b = new();
            Value x = b.Input("x", new TensorType(DType.F32, new Shape(1, 5, 7, 3)));
            Value y = b.Add(OpCatalog.Abs, [x]);
            return b.Build(y, x, b.Weights("w", 1, 2, 2), y);
        };
    }

    private static Value Turned(GraphBuilder b, Value x) => b.Add(OpCatalog.Transpose, [x], new TransposeAttributes(new IntList(0, 1, 3, 2)));

    private static Value Flat(GraphBuilder b, Value x) => b.Add(OpCatalog.Reshape, [x], new ReshapeAttributes(new IntList(0, -1)));

    private static Graph Make(Func<GraphBuilder, Value, Value> body)
    {
        GraphBuilder builder = new();
        Value x = builder.Input("x", new TensorType(DType.F32, new Shape(1, 5, 7, 3)));
        return builder.Build(body(builder, x));
    }
}
