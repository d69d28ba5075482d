using System;
using Thomas.Graphs;
using Thomas.Kernels.Activations;

namespace Thomas.Architectures;

/// <summary>
/// MobileNet version 3, small and large: inverted residuals with squeeze-and-excitation and hard swish, padding of half the kernel on all sides, batch
/// normalization with epsilon 0.001.
/// </summary>
internal static class MobileNetV3
{
    private const int Stem = 16;
    private const float NormEpsilon = 1e-3f;
    private const string FullPaper = "Howard et al.: Searching for MobileNetV3, 2019 (arXiv 1905.02244)";

    private static readonly Activation HardSwish = new(ActivationKind.HardSwish);
    private static readonly Activation HardSigmoid = new(ActivationKind.HardSigmoid, 1f / 6, 0.5f);

    // Table 2 of the paper.
    private static readonly Bneck[] SmallBnecks =
    [
        new(3, 16, 16, true, false, 2), new(3, 72, 24, false, false, 2), new(3, 88, 24, false, false, 1), new(5, 96, 40, true, true, 2),
        new(5, 240, 40, true, true, 1), new(5, 240, 40, true, true, 1), new(5, 120, 48, true, true, 1), new(5, 144, 48, true, true, 1),
        new(5, 288, 96, true, true, 2), new(5, 576, 96, true, true, 1), new(5, 576, 96, true, true, 1),
    ];

    // Table 1 of the paper.
    private static readonly Bneck[] LargeBnecks =
    [
        new(3, 16, 16, false, false, 1), new(3, 64, 24, false, false, 2), new(3, 72, 24, false, false, 1), new(5, 72, 40, true, false, 2),
        new(5, 120, 40, true, false, 1), new(5, 120, 40, true, false, 1), new(3, 240, 80, false, true, 2), new(3, 200, 80, false, true, 1),
        new(3, 184, 80, false, true, 1), new(3, 184, 80, false, true, 1), new(3, 480, 112, true, true, 1), new(3, 672, 112, true, true, 1),
        new(5, 672, 160, true, true, 2), new(5, 960, 160, true, true, 1), new(5, 960, 160, true, true, 1),
    ];

    /// <summary>The small one: what it is and how to build it.</summary>
    public static Architecture Small { get; } = new(static options => Build(options, SmallBnecks, 1024))
    {
        Name = "mobilenet-v3-small",
        Description = "MobileNetV3-Small; weights named as torchvision's mobilenet_v3_small",
        Paper = FullPaper,
        DefaultSize = 224,
        DefaultChannels = 3,
        DefaultClasses = 1000,
        ParameterCount = 2_542_856,
        MinimumSize = 1,
        HasWidthMultiplier = true,
        Dropouts = [new DropoutPlace("classifier.3.weight", 0.2f)],
    };

    /// <summary>The large one: what it is and how to build it.</summary>
    public static Architecture Large { get; } = new(static options => Build(options, LargeBnecks, 1280))
    {
        Name = "mobilenet-v3-large",
        Description = "MobileNetV3-Large; weights named as torchvision's mobilenet_v3_large",
        Paper = FullPaper,
        DefaultSize = 224,
        DefaultChannels = 3,
        DefaultClasses = 1000,
        ParameterCount = 5_483_032,
        MinimumSize = 1,
        HasWidthMultiplier = true,
        Dropouts = [new DropoutPlace("classifier.3.weight", 0.2f)],
    };

    private static Graph Build(ArchitectureOptions options, ReadOnlySpan<Bneck> bnecks, int hidden)
    {
        LayerBuilder layers = new(options.Seed) { Epsilon = NormEpsilon };
        double width = LayerBuilder.Widen(options.WidthMultiplier);
        Value x = layers.ConvNorm(
            layers.Input(options), "features.0.0", "features.0.1", LayerBuilder.RoundChannels(Stem * width), kernel: 3, stride: 2, HardSwish);
        for (int i = 0; i < bnecks.Length; i++) x = Block(layers, x, $"features.{i + 1}", bnecks[i], width);
        string last = $"features.{bnecks.Length + 1}";
        x = layers.ConvNorm(x, $"{last}.0", $"{last}.1", 6 * x.Shape[3], kernel: 1, stride: 1, HardSwish);
        x = layers.Dense(layers.GlobalPool(x, "avgpool"), "classifier.0", LayerBuilder.RoundChannels(hidden * width));
        return layers.Build(layers.Logits(layers.Activate(x, HardSwish), "classifier.3", options.Classes));
    }

    private static Value Block(LayerBuilder layers, Value x, string layer, Bneck bneck, double width)
    {
        Activation activation = bneck.Swish ? HardSwish : Activation.Relu;
        int expanded = LayerBuilder.RoundChannels(bneck.Expanded * width), channels = LayerBuilder.RoundChannels(bneck.Channels * width);
        int place = 0;
        Value y = x;
        if (expanded != x.Shape[3])
        {
            y = layers.ConvNorm(y, $"{layer}.block.0.0", $"{layer}.block.0.1", expanded, kernel: 1, stride: 1, activation);
            place++;
        }

        y = layers.DepthwiseNorm(y, $"{layer}.block.{place}.0", $"{layer}.block.{place}.1", bneck.Kernel, bneck.Stride, activation);
        place++;
        if (bneck.Excite) y = Excite(layers, y, $"{layer}.block.{place++}");
        y = layers.ConvNorm(y, $"{layer}.block.{place}.0", $"{layer}.block.{place}.1", channels, kernel: 1, stride: 1, Activation.None);
        return bneck.Stride == 1 && x.Shape[3] == channels ? layers.Add(x, y, layer) : y;
    }

    /// <summary>Squeeze-and-excitation (Hu et al. 2018): each channel times a number between 0 and 1 that depends on the means of all.</summary>
    private static Value Excite(LayerBuilder layers, Value x, string layer)
    {
        int channels = x.Shape[3];
        Value y = layers.GlobalPool(x, $"{layer}.avgpool", keepAxes: true);
        y = layers.Relu(layers.Conv(y, $"{layer}.fc1", LayerBuilder.RoundChannels(channels / 4), kernel: 1));
        y = layers.Activate(layers.Conv(y, $"{layer}.fc2", channels, kernel: 1), HardSigmoid);
        return layers.Multiply(x, y, layer);
    }

    /// <summary>A row of the paper's tables: kernel, expanded and output channels, squeeze-and-excitation, hard swish instead of ReLU, stride.</summary>
    private readonly record struct Bneck(int Kernel, int Expanded, int Channels, bool Excite, bool Swish, int Stride);
}
