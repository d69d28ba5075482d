using System;
using Thomas.Data;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;

namespace Thomas.Tests.Harness;

/// <summary>Classifiers that tell colors apart by construction, with every kind of last layer that exporters write.</summary>
internal static class ColorModels
{
    public const int Side = 8;

    /// <summary>Mean red, green and blue, 0 to 1, then what the caller adds.</summary>
    public static Model Create(Func<GraphBuilder, Value, Value[]> end, params string[]? labels)
    {
        GraphBuilder b = new();
        Value x = b.Input("image", new TensorType(DType.F32, new Shape(1, Side, Side, 3)));
        Value colors = b.Add(OpCatalog.Reduce, [x], new ReduceAttributes(ReduceKind.Mean, new IntList(1, 2), KeepDims: false), "colors");
        ModelInfo info = new()
        {
            Name = "colors",
            Labels = labels is { Length: > 0 } ? labels : null,
            Preprocessing = Preprocessing.Preset("unit", Side, Side) with { CropMargin = 1 },
        };
        return new Model(b.Build(end(b, colors)), info);
    }

    /// <summary>One number, 10 (red - green), then what the caller adds: high for red.</summary>
    public static Model Binary(Func<GraphBuilder, Value, Value> end, params string[]? labels) =>
        Create((b, colors) => [end(b, Dense(b, colors, "logit", [10, -10, 0], [0.5f]))], labels);

    /// <summary>Keras' Dense(1, activation="sigmoid").</summary>
    public static Model Sigmoid(params string[]? labels) => Binary(static (b, z) => Activate(b, z, ActivationKind.Sigmoid, "dense_1/Sigmoid"), labels);

    /// <summary>Three numbers: how much more of a color there is than of the others.</summary>
    public static Value Three(GraphBuilder b, Value colors, string name = "logits") =>
        Dense(b, colors, name, [4, -2, -2, -2, 4, -2, -2, -2, 4], [0.25f, 0, -0.5f]);

    public static Value Dense(GraphBuilder b, Value x, string name, float[] weights, float[] bias)
    {
        Value w = b.Constant($"{name}/weights", TensorData.FromFloats(new Shape(bias.Length, weights.Length / bias.Length), weights));
        return b.Add(
            OpCatalog.Dense, [x, w, b.Constant($"{name}/bias", TensorData.FromFloats(new Shape(bias.Length), bias))], new DenseAttributes(HasBias: true), name);
    }

    public static Value Activate(GraphBuilder b, Value x, ActivationKind kind, string name) =>
        b.Add(OpCatalog.Activate, [x], new ActivateAttributes(new Activation(kind)), name);

    public static Value Softmax(GraphBuilder b, Value x, string name = "probabilities") => b.Add(OpCatalog.Softmax, [x], new SoftmaxAttributes(), name);

    public static Value Number(GraphBuilder b, float value) => b.Constant("number", TensorData.FromFloats(new Shape(1), [value]));

    public static Value Grid(GraphBuilder b, Value x, float scale, int zero, int low, int high) =>
        b.Add(OpCatalog.FakeQuantize, [x], new FakeQuantizeAttributes(new Quantization([scale], [zero]), low, high), "rounded");

    /// <summary>An image of one color.</summary>
    public static RgbImage Image(byte red, byte green, byte blue)
    {
        byte[] pixels = new byte[Side * Side * 3];
        for (int i = 0; i < pixels.Length; i += 3) (pixels[i], pixels[i + 1], pixels[i + 2]) = (red, green, blue);
        return new RgbImage(Side, Side, pixels);
    }

    /// <summary>Images around a color for each name of red, green or blue.</summary>
    public static ImageSet Images(int perClass, ulong seed, params ReadOnlySpan<string> classes)
    {
        ImageSet set = new();
        Rng rng = new(seed);
        foreach (string name in classes)
        {
            string color = name.Trim().ToLowerInvariant();
            for (int i = 0; i < perClass; i++)
            {
                byte high = (byte)(180 + rng.Next(60)), low = (byte)(20 + rng.Next(60));
                set.Add(name, Image(color == "red" ? high : low, color == "green" ? high : low, color == "blue" ? high : low).Pixels, Side, Side);
            }
        }

        return set;
    }
}
