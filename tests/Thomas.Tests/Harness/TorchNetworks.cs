using System;
using System.Collections.Generic;
using Thomas.Architectures;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;
using Thomas.Passes;

namespace Thomas.Tests.Harness;

/// <summary>The networks of <see cref="TorchReference"/> in Thomas' layouts, with the recorded first weights.</summary>
internal static class TorchNetworks
{
    public static Model Build(TorchReference reference)
    {
        Shape input = reference.InputShape;
        ArchitectureOptions options = new()
        {
            Classes = reference.Classes,
            Height = input[2],
            Width = input[3],
            Channels = input[1],
            WidthMultiplier = reference.Net == "mobilenet-v2" ? 0.35f : 1,
        };
        Graph graph = ArchitectureCatalog.TryFind(reference.Net, out Architecture? architecture) ? architecture.Build(options) : AlexNetLike(reference);
        GraphRewriter rewriter = new(graph);
        HashSet<string> names = [];
        foreach (TorchTensor tensor in reference.Tensors) names.Add(tensor.Name);
        foreach (Value value in graph.Values)
        {
            if (!value.IsConstant || !names.Remove(value.Name)) continue;
            float[] values = ToThomas(reference, value.Name, value.Shape, reference.Initial(value.Name));
            rewriter.Set(value, rewriter.Builder.Constant(value.Name, TensorData.FromFloats(value.Shape, values)));
        }

        if (names.Count > 0) throw new InvalidOperationException($"{reference.Net} lacks {string.Join(", ", names)}");
        foreach (Node node in graph.Nodes) rewriter.Copy(node);
        return new Model(rewriter.Build(), new ModelInfo { Name = reference.Net });
    }

    /// <summary>A batch of the record, NHWC.</summary>
    public static float[] Images(TorchReference reference, int batch)
    {
        Shape s = reference.InputShape;
        return TorchLayout.ToChannelsLast(reference.Input(batch), s[0], s[1], s[2], s[3]);
    }

    /// <summary>A tensor in PyTorch's layout as Thomas has it.</summary>
    public static float[] ToThomas(TorchReference reference, string name, Shape shape, ReadOnlySpan<float> values) =>
        Axes(reference, name, shape) is var (n, c, h, w) ? TorchLayout.ToChannelsLast(values, n, c, h, w) : values.ToArray();

    /// <summary>A tensor of Thomas' in PyTorch's layout.</summary>
    public static float[] ToTorch(TorchReference reference, string name, Shape shape, ReadOnlySpan<float> values) =>
        Axes(reference, name, shape) is var (n, c, h, w) ? TorchLayout.ToChannelsFirst(values, n, c, h, w) : values.ToArray();

    /// <summary>The axes that are swapped; null for tensors that are the same in both. <paramref name="shape"/> is Thomas' own.</summary>
    private static (int N, int C, int H, int W)? Axes(TorchReference reference, string name, Shape shape) => (reference.Net, name) switch
    {
        ("lenet5", "fc1.weight") => (shape[0], 50, 4, 4),
        ("alexnet-like", "classifier.0.weight") => (shape[0], 32, 2, 3),
        _ when shape.Rank == 4 => (shape[0], shape[3], shape[1], shape[2]),
        _ => null,
    };

    private static Graph AlexNetLike(TorchReference reference)
    {
        Shape s = reference.InputShape;
        GraphBuilder builder = new();
        Value x = builder.Input("input", new TensorType(DType.F32, new Shape(1, s[2], s[3], s[1])));
        x = Convolution(builder, x, "features.0", 16, 11, 4, 2, 1);
        x = Pool(builder, Normalize(builder, x));
        x = Convolution(builder, x, "features.4", 32, 5, 1, 2, 2);
        x = Pool(builder, Normalize(builder, x));
        x = Convolution(builder, x, "features.8", 48, 3, 1, 1, 1);
        x = Convolution(builder, x, "features.10", 32, 3, 1, 1, 2);
        x = Pool(builder, Convolution(builder, x, "features.12", 32, 3, 1, 1, 2));
        x = builder.Add(OpCatalog.Reshape, [x], new ReshapeAttributes(new IntList(0, -1)));
        x = Dense(builder, x, "classifier.0", 64);
        x = Dense(builder, builder.Add(OpCatalog.Activate, [x], new ActivateAttributes(Activation.Relu)), "classifier.2", reference.Classes);
        return builder.Build(x);
    }

    private static Value Convolution(GraphBuilder builder, Value x, string name, int outputs, int kernel, int stride, int pad, int groups)
    {
        Value y = builder.Add(
            OpCatalog.Conv2d,
            [x, Zeros(builder, name + ".weight", outputs, kernel, kernel, x.Shape[3] / groups), Zeros(builder, name + ".bias", outputs)],
            new Conv2dAttributes(new Window2d(kernel, kernel, stride, stride, 1, 1, new Padding2d(pad, pad, pad, pad)), groups, HasBias: true),
            name);
        return builder.Add(OpCatalog.Activate, [y], new ActivateAttributes(Activation.Relu));
    }

    private static Value Normalize(GraphBuilder builder, Value x) =>
        builder.Add(OpCatalog.LocalResponseNorm, [x], new LocalResponseNormAttributes(5, 0.2f, 0.75f, 2));

    private static Value Pool(GraphBuilder builder, Value x) =>
        builder.Add(OpCatalog.MaxPool2d, [x], new MaxPool2dAttributes(new Window2d(3, 3, 2, 2, 1, 1, default)));

    private static Value Dense(GraphBuilder builder, Value x, string name, int outputs) =>
        builder.Add(
            OpCatalog.Dense, [x, Zeros(builder, name + ".weight", outputs, x.Shape[1]), Zeros(builder, name + ".bias", outputs)],
            new DenseAttributes(HasBias: true), name);

    private static Value Zeros(GraphBuilder builder, string name, params int[] dims)
    {
        Shape shape = new(dims);
        return builder.Constant(name, TensorData.FromFloats(shape, new float[shape.ElementCount]));
    }
}
