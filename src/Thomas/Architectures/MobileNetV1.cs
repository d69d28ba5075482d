using System;
using Thomas.Graphs;
using Thomas.Kernels.Activations;

namespace Thomas.Architectures;

/// <summary>
/// MobileNet version 1: depthwise and pointwise convolutions in turn. Padding is 1 on all sides (TensorFlow pads below and to the right where the stride is 2)
/// and the activation is ReLU, as in the PyTorch port that names the weights. Channels are truncated to whole numbers, at least 8.
/// </summary>
internal static class MobileNetV1
{
    private const int FewestChannels = 8;

    // Channels and stride of each depthwise and pointwise pair.
    private static readonly (int Channels, int Stride)[] Pairs =
        [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1), (512, 1), (512, 1), (512, 1), (512, 1), (1024, 2), (1024, 1)];

    /// <summary>What it is and how to build it.</summary>
    public static Architecture Architecture { get; } = new(Build)
    {
        Name = "mobilenet-v1",
        Description = "MobileNetV1; weights named as in marvis/pytorch-mobilenet (model.0.0, model.1.3, fc)",
        Paper = "Howard et al.: MobileNets: Efficient convolutional neural networks for mobile vision applications, 2017 (arXiv 1704.04861)",
        DefaultSize = 224,
        DefaultChannels = 3,
        DefaultClasses = 1000,
        ParameterCount = 4_231_976,
        MinimumSize = 1,
        HasWidthMultiplier = true,
        Variants =
        [
            new(VariantWords.Relu6, "ReLU6 instead of ReLU (TensorFlow, timm)"),
            new(VariantWords.SmallImages, "strides for images of 32x32: the first convolution has none (kuangliu/pytorch-cifar)"),
            VariantWords.SameVariant, VariantWords.EpsilonVariant,
        ],
    };

    private static Graph Build(ArchitectureOptions options)
    {
        VariantWords words = new(options.Variant);
        Activation activation = words.Activation(Activation.Relu);
        LayerBuilder layers = new(options) { Epsilon = words.Epsilon(1e-5f) };
        double width = LayerBuilder.Widen(options.WidthMultiplier);
        int first = words.Has(VariantWords.SmallImages) ? 1 : 2;
        Value x = layers.ConvNorm(layers.Input(options), "model.0.0", "model.0.1", Scale(32, width), kernel: 3, stride: first, activation);
        for (int i = 0; i < Pairs.Length; i++)
        {
            string layer = $"model.{i + 1}";
            x = layers.DepthwiseNorm(x, $"{layer}.0", $"{layer}.1", kernel: 3, Pairs[i].Stride, activation);
            x = layers.ConvNorm(x, $"{layer}.3", $"{layer}.4", Scale(Pairs[i].Channels, width), kernel: 1, stride: 1, activation);
        }

        return layers.Build(layers.Logits(layers.GlobalPool(x, "avgpool"), "fc", options.Classes));
    }

    private static int Scale(int channels, double width) => Math.Max(FewestChannels, (int)(channels * width));
}
