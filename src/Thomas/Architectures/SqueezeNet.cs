using System;
using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Architectures;

/// <summary>SqueezeNet 1.1 and 1.0 as in torchvision: fire modules, no dense layer, the scores are the mean of a map after ReLU, so never negative.</summary>
internal static class SqueezeNet
{
    // Fire modules by their place in torchvision's list: squeeze channels, channels of each expansion. The places between are pools.
    private static readonly (int Place, int Squeeze, int Expand)[] Fires10 =
        [(3, 16, 64), (4, 16, 64), (5, 32, 128), (7, 32, 128), (8, 48, 192), (9, 48, 192), (10, 64, 256), (12, 64, 256)];
    private static readonly (int Place, int Squeeze, int Expand)[] Fires11 =
        [(3, 16, 64), (4, 16, 64), (6, 32, 128), (7, 32, 128), (9, 48, 192), (10, 48, 192), (11, 64, 256), (12, 64, 256)];

    /// <summary>What it is and how to build it.</summary>
    public static Architecture Architecture { get; } = new(static options => Build(options, Fires11, [5, 8], 64, 3))
    {
        Name = "squeezenet",
        Description = "SqueezeNet 1.1; weights named as torchvision's squeezenet1_1",
        Paper = "Iandola et al.: SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model size, 2016 (arXiv 1602.07360); version 1.1",
        DefaultSize = 224,
        DefaultChannels = 3,
        DefaultClasses = 1000,
        ParameterCount = 1_235_496,
        MinimumSize = 17,
        Dropouts = [new DropoutPlace("classifier.1.weight", 0.5f)],
    };

    /// <summary>Version 1.0, with a larger first convolution and later pools: what it is and how to build it.</summary>
    public static Architecture Version10 { get; } = new(static options => Build(options, Fires10, [6, 11], 96, 7))
    {
        Name = "squeezenet-1.0",
        Description = "SqueezeNet 1.0; weights named as torchvision's squeezenet1_0",
        Paper = "Iandola et al.: SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model size, 2016 (arXiv 1602.07360)",
        DefaultSize = 224,
        DefaultChannels = 3,
        DefaultClasses = 1000,
        ParameterCount = 1_248_424,
        MinimumSize = 21,
        Dropouts = [new DropoutPlace("classifier.1.weight", 0.5f)],
    };

    private static Graph Build(ArchitectureOptions options, (int Place, int Squeeze, int Expand)[] fires, int[] pools, int channels, int kernel)
    {
        LayerBuilder layers = new(options) { Weights = Initializers.KaimingUniform };
        Value x = layers.Relu(layers.Conv(layers.Input(options), "features.0", channels, kernel, stride: 2));
        x = Pool(layers, x, "features.2");
        foreach ((int place, int squeeze, int expand) in fires)
        {
            if (Array.IndexOf(pools, place - 1) >= 0) x = Pool(layers, x, $"features.{place - 1}");
            x = Fire(layers, x, $"features.{place}", squeeze, expand);
        }

        x = layers.Relu(layers.Conv(x, "classifier.1", options.Classes, kernel: 1, weights: Initializers.SmallNormal));
        return layers.Build(layers.GlobalPool(x, "logits"));
    }

    private static Value Fire(LayerBuilder layers, Value x, string layer, int squeeze, int expand)
    {
        Value squeezed = layers.Relu(layers.Conv(x, $"{layer}.squeeze", squeeze, kernel: 1));
        Value pointwise = layers.Relu(layers.Conv(squeezed, $"{layer}.expand1x1", expand, kernel: 1));
        Value spatial = layers.Relu(layers.Conv(squeezed, $"{layer}.expand3x3", expand, kernel: 3, padding: 1));
        return layers.ConcatChannels(pointwise, spatial, layer);
    }

    /// <summary>Maximum of 3x3 in steps of 2 whose last window may hang over the edge (PyTorch's <c>ceil_mode</c>).</summary>
    private static Value Pool(LayerBuilder layers, Value x, string layer) =>
        layers.MaxPool(x, layer, kernel: 3, stride: 2, new Padding2d(0, 0, Overhang(x.Shape[1]), Overhang(x.Shape[2])));

    private static int Overhang(int size) => size % 2 == 0 ? 1 : 0;
}
