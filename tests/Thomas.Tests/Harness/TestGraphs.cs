using System;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;
using Thomas.Runtime;

namespace Thomas.Tests.Harness;

/// <summary>Small graphs with seeded contents, and ways to run them.</summary>
internal static class TestGraphs
{
    public static CompileOptions Oracle { get; } = new()
    {
        Device = DeviceKind.Serial,
        ShareMemory = false,
        PassesOff = [
            "fold-constants", "fuse-pad", "fold-batch-norm", "fuse-epilogue", "fuse-bias-gradient", "fuse-depthwise-gradients", "fuse-inverted-residual"],
    };

    /// <summary>A deterministic sequence in [-1, 1).</summary>
    public static float[] Noise(int count, uint seed)
    {
        float[] values = new float[count];
        uint state = (seed * 2654435761u) + 12345u;
        for (int i = 0; i < count; i++)
        {
            state = (state * 1664525u) + 1013904223u;
            values[i] = ((state >> 8) / 8388608f) - 1;
        }

        return values;
    }

    public static Value Weights(this GraphBuilder builder, string name, uint seed, params ReadOnlySpan<int> dims)
    {
        Shape shape = new(dims);
        return builder.Constant(name, TensorData.FromFloats(shape, Noise(shape.ElementCount, seed)));
    }

    public static Value Positive(this GraphBuilder builder, string name, uint seed, int count)
    {
        float[] values = Noise(count, seed);
        for (int i = 0; i < count; i++) values[i] = (values[i] * values[i]) + 0.1f;
        return builder.Constant(name, TensorData.FromFloats(new Shape(count), values));
    }

    public static Value Nchw(this GraphBuilder builder, Value x) =>
        builder.Add(OpCatalog.Transpose, [x], new TransposeAttributes(Transpose.NhwcToNchw));

    public static Value Nhwc(this GraphBuilder builder, Value x) =>
        builder.Add(OpCatalog.Transpose, [x], new TransposeAttributes(Transpose.NchwToNhwc));

    /// <summary>Runs a graph on seeded noise and returns all outputs, one after the other.</summary>
    public static float[] Run(Graph graph, CompileOptions? options = null, int batch = 1, uint seed = 7)
    {
        using Executable executable = Executable.Compile(graph, batch, options);
        for (int i = 0; i < executable.Graph.Inputs.Count; i++)
        {
            Span<float> input = executable.Input(i);
            Noise(input.Length, seed + (uint)i).CopyTo(input);
        }

        executable.Run();
        int total = 0;
        for (int i = 0; i < executable.Graph.Outputs.Count; i++) total += executable.Output(i).Length;
        float[] result = new float[total];
        int offset = 0;
        for (int i = 0; i < executable.Graph.Outputs.Count; i++)
        {
            executable.Output(i).CopyTo(result.AsSpan(offset));
            offset += executable.Output(i).Length;
        }

        return result;
    }

    /// <summary>
    /// An inverted residual with squeeze-and-excite as a PyTorch exporter would write it: everything NCHW, batch norm apart, flatten before the head.
    /// </summary>
    public static Graph NchwBlock()
    {
        GraphBuilder b = new();
        Value x = b.Nchw(b.Input("image", new TensorType(DType.F32, new Shape(1, 7, 9, 3))));
        Value stem = b.Nchw(
            b.Add(
                OpCatalog.Conv2d, [b.Nhwc(x), b.Weights("stem.w", 1, 8, 3, 3, 3)],
                new Conv2dAttributes(new Window2d(3, 3, 2, 2, 1, 1, new Padding2d(1, 1, 1, 1)))));
        Value norm = b.Nchw(
            b.Add(
                OpCatalog.BatchNorm, [b.Nhwc(stem), b.Positive("g", 2, 8), b.Weights("b", 3, 8), b.Weights("m", 4, 8), b.Positive("v", 5, 8)],
                new BatchNormAttributes(1e-5f)));
        Value act = b.Add(OpCatalog.Activate, [norm], new ActivateAttributes(Activation.Relu6));
        Value depthwise = b.Nchw(
            b.Add(
                OpCatalog.DepthwiseConv2d, [b.Nhwc(act), b.Weights("dw.w", 6, 1, 3, 3, 8), b.Weights("dw.b", 7, 8)],
                new DepthwiseConv2dAttributes(new Window2d(3, 3, 1, 1, 1, 1, new Padding2d(1, 1, 1, 1)), HasBias: true)));
        Value pooled = b.Add(OpCatalog.Reduce, [depthwise], new ReduceAttributes(ReduceKind.Mean, new IntList(2, 3), KeepDims: true));
        Value gate = b.Nchw(
            b.Add(
                OpCatalog.Conv2d, [b.Nhwc(pooled), b.Weights("se.w", 8, 8, 1, 1, 8)],
                new Conv2dAttributes(new Window2d(1, 1), Activation: new Activation(ActivationKind.HardSigmoid, 1f / 6, 0.5f))));
        Value gated = b.Add(OpCatalog.Multiply, [gate, depthwise]);
        Value project = b.Nchw(
            b.Add(
                OpCatalog.Conv2d, [b.Nhwc(gated), b.Weights("p.w", 9, 8, 1, 1, 8), b.Weights("p.b", 10, 8)],
                new Conv2dAttributes(new Window2d(1, 1), HasBias: true)));
        Value sum = b.Add(OpCatalog.Add, [act, project]);
        Value scaled = b.Add(OpCatalog.Multiply, [sum, b.Weights("scale", 11, 8, 1, 1)]);
        Value joined = b.Add(OpCatalog.Concat, [scaled, act], new ConcatAttributes(1));
        Value flat = b.Add(OpCatalog.Reshape, [joined], new ReshapeAttributes(new IntList(0, -1)));
        Value logits = b.Add(OpCatalog.Dense, [flat, b.Weights("fc.w", 12, 5, flat.Shape[1]), b.Weights("fc.b", 13, 5)], new DenseAttributes(HasBias: true));
        Value mean = b.Add(OpCatalog.Reduce, [joined], new ReduceAttributes(ReduceKind.Mean, new IntList(2, 3), KeepDims: false));
        return b.Build(logits, mean);
    }
}
