using System;
using System.Collections.Generic;
using Thomas.Data;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;

namespace Thomas.Tests.Harness;

/// <summary>Classifiers small enough to run in a unit test, in the shapes that stock models have, and images that they can learn.</summary>
internal static class TinyModels
{
    public const int Side = 12;

    /// <summary>How the last layers look.</summary>
    public enum HeadStyle
    {
        /// <summary>Pooling, dense, softmax (MobileNetV2 from TensorFlow).</summary>
        DenseSoftmax,

        /// <summary>Pooling, dense (torchvision).</summary>
        Dense,

        /// <summary>Pooling, 1x1 convolution, reshape, softmax (MobileNetV1).</summary>
        PooledConvolution,

        /// <summary>1x1 convolution, ReLU, pooling, softmax (SqueezeNet).</summary>
        ConvolutionThenPooling,

        /// <summary>Flatten, dense (LeNet, AlexNet).</summary>
        Flatten,

        /// <summary>Dense, the bias as a sum of its own, softmax (MatMul and Add from TensorFlow).</summary>
        DenseThenBias,

        /// <summary>Dense in integer steps, scaled, rounded to a grid and scaled again (QLinear operators).</summary>
        DenseInSteps,

        /// <summary>Dense, then a reshape that drops the batch axis.</summary>
        WithoutBatchAxis,

        /// <summary>Pooled activations, no classifier.</summary>
        Features,
    }

    public static Model Create(HeadStyle style, int classes = 4, IReadOnlyList<string>? labels = null)
    {
        GraphBuilder b = new();
        Value x = b.Input("image", new TensorType(DType.F32, new Shape(1, Side, Side, 3)));
        Conv2dAttributes stem = new(new Window2d(3, 3, 2, 2, 1, 1, new Padding2d(0, 0, 1, 1)), HasBias: true, Activation: Activation.Relu6);
        x = b.Add(OpCatalog.Conv2d, [x, b.Weights("stem.weight", 1, 16, 3, 3, 3), b.Weights("stem.bias", 2, 16)], stem, "stem");
        Value norm = b.Add(
            OpCatalog.BatchNorm, [x, b.Positive("gamma", 3, 16), b.Weights("beta", 4, 16), b.Weights("mean", 5, 16), b.Positive("variance", 6, 16)],
            new BatchNormAttributes(1e-3f), "norm");
        x = b.Add(OpCatalog.Activate, [norm], new ActivateAttributes(Activation.Relu), "relu");
        Value output = style switch
        {
            HeadStyle.DenseSoftmax => Softmax(b, Dense(b, Pool(b, x, keep: false), classes)),
            HeadStyle.Dense => Dense(b, Pool(b, x, keep: false), classes),
            HeadStyle.PooledConvolution => Softmax(b, Flat(b, Convolution(b, Pool(b, x, keep: true), classes))),
            HeadStyle.ConvolutionThenPooling =>
                Softmax(b, Pool(b, b.Add(OpCatalog.Activate, [Convolution(b, x, classes)], new ActivateAttributes(Activation.Relu)), keep: false)),
            HeadStyle.Flatten => Dense(b, Flat(b, x), classes),
            HeadStyle.DenseThenBias =>
                Softmax(
                    b, b.Add(
                        OpCatalog.Add,
                        [b.Add(OpCatalog.Dense, [Pool(b, x, keep: false), b.Weights("fc.weight", 7, classes, 16)], new DenseAttributes()), b.Weights(
                            "fc.bias", 8, 1, classes)])),
            HeadStyle.DenseInSteps => InSteps(b, Dense(b, Pool(b, x, keep: false), classes), classes),
            HeadStyle.WithoutBatchAxis =>
                b.Add(OpCatalog.Reshape, [Dense(b, Pool(b, x, keep: false), classes)], new ReshapeAttributes(new IntList(classes)), "scores"),
            _ => Pool(b, x, keep: false),
        };
        return new Model(b.Build(output), new ModelInfo
        {
            Name = style.ToString(),
            Labels = labels,
            Preprocessing = Preprocessing.Preset("tf", Side, Side) with { CropMargin = 1 },
        });
    }

    /// <summary>Noise around a color for each class.</summary>
    public static ImageSet Images(int perClass, ulong seed, params ReadOnlySpan<string> classes)
    {
        ImageSet set = new();
        Rng rng = new(seed);
        for (int c = 0; c < classes.Length; c++)
        {
            int color = classes[c] switch { "red" => 0, "green" => 1, "blue" => 2, _ => c };
            for (int i = 0; i < perClass; i++) set.Add(classes[c], Image(color, rng), Side, Side);
        }

        return set;
    }

    public static byte[] Image(int color, Rng rng)
    {
        byte[] pixels = new byte[Side * Side * 3];
        for (int k = 0; k < pixels.Length; k++) pixels[k] = (byte)(60 + rng.Next(60) + (k % 3 == color % 3 ? 100 : 0) - (color >= 3 ? 50 : 0));
        return pixels;
    }

    private static Value Pool(GraphBuilder b, Value x, bool keep) =>
        b.Add(OpCatalog.Reduce, [x], new ReduceAttributes(ReduceKind.Mean, new IntList(1, 2), keep), "pool");

    private static Value InSteps(GraphBuilder b, Value sums, int classes)
    {
        Value scaled = b.Add(OpCatalog.Multiply, [sums, b.Positive("factor", 9, classes)], null, "scaled");
        Value steps = b.Add(OpCatalog.FakeQuantize, [scaled], new FakeQuantizeAttributes(new Quantization([1], [3]), -128, 127), "steps");
        return b.Add(OpCatalog.Multiply, [steps, b.Constant("scale", TensorData.FromFloats(new Shape(), [0.5f]))], null, "real");
    }

    private static Value Flat(GraphBuilder b, Value x) => b.Add(OpCatalog.Reshape, [x], new ReshapeAttributes(new IntList(0, -1)), "flat");

    private static Value Softmax(GraphBuilder b, Value x) => b.Add(OpCatalog.Softmax, [x], new SoftmaxAttributes(), "softmax");

    private static Value Dense(GraphBuilder b, Value x, int classes) =>
        b.Add(OpCatalog.Dense, [x, b.Weights("fc.weight", 7, classes, x.Shape[1]), b.Weights("fc.bias", 8, classes)], new DenseAttributes(HasBias: true), "fc");

    private static Value Convolution(GraphBuilder b, Value x, int classes) =>
        b.Add(
            OpCatalog.Conv2d, [x, b.Weights("fc.weight", 7, classes, 1, 1, 16), b.Weights("fc.bias", 8, classes)],
            new Conv2dAttributes(new Window2d(1, 1), HasBias: true), "fc");
}

/// <summary>Decodes nothing: for data sets of raw pixels.</summary>
internal sealed class NoDecoder : IImageDecoder
{
    public string Identity => "none";

    public RgbImage Decode(ReadOnlyMemory<byte> encoded, int minimumShortSide = 0) => throw new ImageFormatException("there are no encoded images here");
}
