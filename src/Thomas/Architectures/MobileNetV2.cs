using System;
using Thomas.Graphs;
using Thomas.Kernels.Activations;

namespace Thomas.Architectures;

/// <summary>
/// MobileNet version 2: inverted residuals with linear bottlenecks, ReLU6, padding 1 on all sides. Width multipliers above 1 also widen the last convolution,
/// smaller ones leave its 1280 channels.
/// </summary>
internal static class MobileNetV2
{
    private const string ExpandFirst = "expand-first", Shortcuts = "shortcuts";
    private const int LastChannels = 1280;

    // Table 2 of the paper: expansion, channels, repeats, stride of the first.
    private static readonly (int Expansion, int Channels, int Repeats, int Stride)[] Stages =
        [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)];

    /// <summary>What it is and how to build it.</summary>
    public static Architecture Architecture { get; } = new(Build)
    {
        Name = "mobilenet-v2",
        Description = "MobileNetV2; weights named as torchvision's mobilenet_v2",
        Paper = "Sandler, Howard, Zhu, Zhmoginov, Chen: MobileNetV2: Inverted residuals and linear bottlenecks, 2018 (arXiv 1801.04381)",
        DefaultSize = 224,
        DefaultChannels = 3,
        DefaultClasses = 1000,
        ParameterCount = 3_504_872,
        MinimumSize = 1,
        HasWidthMultiplier = true,
        Variants =
        [
            new(VariantWords.Relu, "ReLU instead of ReLU6"),
            new(
                VariantWords.SmallImages,
                "strides for images of 32x32: the first convolution and the second stage have none (chenyaofo/pytorch-cifar-models, kuangliu/pytorch-cifar)"),
            new(ExpandFirst, "the first block has an expansion too (osmr/imgclsmob)"),
            new(Shortcuts, "as expand-first, and a convolution where a block of stride 1 changes the channels (kuangliu/pytorch-cifar)"),
            VariantWords.SameVariant, VariantWords.EpsilonVariant,
        ],
        Structures = ["", ExpandFirst, VariantWords.SmallImages + "," + Shortcuts],
        Dropouts = [new DropoutPlace("classifier.1.weight", 0.2f)],
    };

    private static Graph Build(ArchitectureOptions options)
    {
        VariantWords words = new(options.Variant);
        Activation activation = words.Activation(Activation.Relu6);
        LayerBuilder layers = new(options) { Epsilon = words.Epsilon(1e-5f) };
        double width = LayerBuilder.Widen(options.WidthMultiplier);
        bool isSmall = words.Has(VariantWords.SmallImages);
        Value x = layers.ConvNorm(
            layers.Input(options), "features.0.0", "features.0.1", LayerBuilder.RoundChannels(32 * width), kernel: 3, isSmall ? 1 : 2, activation);
        int place = 1;
        foreach ((int expansion, int channels, int repeats, int stride) in Stages)
        {
            for (int i = 0; i < repeats; i++)
            {
                int step = i > 0 || (isSmall && place == 2) ? 1 : stride;
                x = Block(layers, words, x, $"features.{place++}", expansion, LayerBuilder.RoundChannels(channels * width), step);
            }
        }

        x = layers.ConvNorm(
            x, $"features.{place}.0", $"features.{place}.1", LayerBuilder.RoundChannels(LastChannels * Math.Max(1, width)), kernel: 1, stride: 1,
            activation);
        return layers.Build(layers.Logits(layers.GlobalPool(x, "avgpool"), "classifier.1", options.Classes));
    }

    private static Value Block(LayerBuilder layers, VariantWords words, Value x, string layer, int expansion, int channels, int stride)
    {
        Activation activation = words.Activation(Activation.Relu6);
        Value y = x;
        int place = 0;
        if (expansion != 1 || words.Has(ExpandFirst) || words.Has(Shortcuts))
        {
            y = layers.ConvNorm(y, $"{layer}.conv.0.0", $"{layer}.conv.0.1", x.Shape[3] * expansion, kernel: 1, stride: 1, activation);
            place = 1;
        }

        y = layers.DepthwiseNorm(y, $"{layer}.conv.{place}.0", $"{layer}.conv.{place}.1", kernel: 3, stride, activation);
        y = layers.ConvNorm(y, $"{layer}.conv.{place + 1}", $"{layer}.conv.{place + 2}", channels, kernel: 1, stride: 1, Activation.None);
        if (stride == 1 && x.Shape[3] == channels) return layers.Add(x, y, layer);
        if (stride != 1 || !words.Has(Shortcuts)) return y;
        Value shortcut = layers.ConvNorm(x, $"{layer}.shortcut.0", $"{layer}.shortcut.1", channels, kernel: 1, stride: 1, Activation.None);
        return layers.Add(y, shortcut, layer);
    }
}
