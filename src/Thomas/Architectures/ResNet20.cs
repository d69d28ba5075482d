using System;
using Thomas.Graphs;
using Thomas.Kernels.Activations;

namespace Thomas.Architectures;

/// <summary>
/// ResNet-20 for CIFAR: a 3x3 convolution, three stages of three residual blocks with 16, 32 and 64 channels. Shortcuts have no weights (the paper's option A):
/// where the size halves, every second row and column is taken and channels of zeros are added on both sides. <see cref="Projected"/> has option B.
/// </summary>
internal static class ResNet20
{
    private const int BlocksPerStage = 3;

    /// <summary>What it is and how to build it.</summary>
    public static Architecture Architecture { get; } = new(static options => Build(options, projected: false))
    {
        Name = "resnet20",
        Description = "ResNet-20 for 32x32 images; weights named as resnet20 of akamaster/pytorch_resnet_cifar10",
        Paper = "He, Zhang, Ren, Sun: Deep residual learning for image recognition, 2015 (arXiv 1512.03385), section 4.2",
        DefaultSize = 32,
        DefaultChannels = 3,
        DefaultClasses = 10,
        ParameterCount = 269_722,
        MinimumSize = 1,
    };

    /// <summary>With convolutions on the shortcuts (the paper's option B): what it is and how to build it.</summary>
    public static Architecture Projected { get; } = new(static options => Build(options, projected: true))
    {
        Name = "resnet20-b",
        Description = "ResNet-20 with 1x1 convolutions on the two shortcuts that change the size, as in chenyaofo/pytorch-cifar-models",
        Paper = Architecture.Paper,
        DefaultSize = 32,
        DefaultChannels = 3,
        DefaultClasses = 10,
        ParameterCount = 272_474,
        MinimumSize = 1,
    };

    private static Graph Build(ArchitectureOptions options, bool projected)
    {
        LayerBuilder layers = new(options) { Weights = Initializers.KaimingNormalFanIn, DenseWeights = Initializers.KaimingNormalFanIn };
        ReadOnlySpan<int> stages = [16, 32, 64];
        Value x = layers.ConvNorm(layers.Input(options), "conv1", "bn1", stages[0], kernel: 3, stride: 1, Activation.Relu);
        for (int stage = 0; stage < stages.Length; stage++)
        {
            for (int block = 0; block < BlocksPerStage; block++)
            {
                x = Block(layers, x, $"layer{stage + 1}.{block}", stages[stage], stride: stage > 0 && block == 0 ? 2 : 1, projected);
            }
        }

        return layers.Build(layers.Logits(layers.GlobalPool(x, "avgpool"), "linear", options.Classes));
    }

    private static Value Block(LayerBuilder layers, Value x, string layer, int channels, int stride, bool projected)
    {
        Value y = layers.ConvNorm(x, $"{layer}.conv1", $"{layer}.bn1", channels, kernel: 3, stride, Activation.Relu);
        y = layers.ConvNorm(y, $"{layer}.conv2", $"{layer}.bn2", channels, kernel: 3, stride: 1, Activation.None);
        Value shortcut = stride == 1 ? x
            : projected ? layers.ConvNorm(x, $"{layer}.shortcut.0", $"{layer}.shortcut.1", channels, kernel: 1, stride, Activation.None)
            : layers.HalveAndPadChannels(x, $"{layer}.shortcut", channels);
        return layers.Relu(layers.Add(y, shortcut, layer));
    }
}
