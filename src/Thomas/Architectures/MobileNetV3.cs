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
    private const string Minimal = "minimal", TimmWidths = "timm-widths", ExciteFirst = "excite-first";
    private const string FullPaper = "Howard et al.: Searching for MobileNetV3, 2019 (arXiv 1905.02244)";

    private static readonly Activation HardSwish = new(ActivationKind.HardSwish);
    private static readonly Activation HardSigmoid = new(ActivationKind.HardSigmoid, 1f / 6, 0.5f);

    private static readonly ArchitectureVariant[] Choices =
    [
        VariantWords.EpsilonVariant, VariantWords.SameVariant,
        new(ExciteFirst, "squeeze-and-excitation before the activation instead of behind it (d-li14/mobilenetv3.pytorch)"),
        new(Minimal, "3x3 kernels, ReLU, no squeeze-and-excitation (tf_mobilenetv3_*_minimal of timm)"),
        new(TimmWidths, "below width 1: expansions follow the rounded channels, the hidden layer keeps its size, below 0.75 the first convolution too"),
    ];

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
        Variants = Choices,
        Structures = ["", Minimal, TimmWidths],
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
        Variants = Choices,
        Structures = ["", Minimal, TimmWidths],
        Dropouts = [new DropoutPlace("classifier.3.weight", 0.2f)],
    };

    private static Graph Build(ArchitectureOptions options, ReadOnlySpan<Bneck> bnecks, int hidden)
    {
        VariantWords words = new(options.Variant);
        LayerBuilder layers = new(options) { Epsilon = words.Epsilon(NormEpsilon) };
        double width = LayerBuilder.Widen(options.WidthMultiplier);
        bool isTimm = words.Has(TimmWidths);
        Activation activation = words.Has(Minimal) ? Activation.Relu : HardSwish;
        int stem = LayerBuilder.RoundChannels(isTimm && width < 0.75 ? Stem : Stem * width);
        Value x = layers.ConvNorm(layers.Input(options), "features.0.0", "features.0.1", stem, kernel: 3, stride: 2, activation);
        int before = Stem;
        for (int i = 0; i < bnecks.Length; i++)
        {
            Bneck bneck = words.Has(Minimal) ? bnecks[i] with { Kernel = 3, Excite = false, Swish = false } : bnecks[i];
            int expanded = LayerBuilder.RoundChannels(isTimm ? x.Shape[3] * (double)bneck.Expanded / before : bneck.Expanded * width);
            before = bneck.Channels;
            x = Block(layers, words, x, $"features.{i + 1}", bneck with { Expanded = expanded, Channels = LayerBuilder.RoundChannels(before * width) });
        }

        string last = $"features.{bnecks.Length + 1}";
        x = layers.ConvNorm(x, $"{last}.0", $"{last}.1", 6 * x.Shape[3], kernel: 1, stride: 1, activation);
        x = layers.Dense(layers.GlobalPool(x, "avgpool"), "classifier.0", LayerBuilder.RoundChannels(hidden * (isTimm ? Math.Max(1, width) : width)));
        return layers.Build(layers.Logits(layers.Activate(x, activation), "classifier.3", options.Classes));
    }

    private static Value Block(LayerBuilder layers, VariantWords words, Value x, string layer, Bneck bneck)
    {
        Activation activation = bneck.Swish ? HardSwish : Activation.Relu;
        int place = 0;
        Value y = x;
        bool expands = bneck.Expanded != x.Shape[3];
        if (expands)
        {
            y = layers.ConvNorm(y, $"{layer}.block.0.0", $"{layer}.block.0.1", bneck.Expanded, kernel: 1, stride: 1, activation);
            place++;
        }

        // The repository with excitation first has it behind the activation where a block does not expand.
        bool exciteFirst = bneck.Excite && expands && words.Has(ExciteFirst);
        Activation between = exciteFirst ? Activation.None : activation;
        y = layers.DepthwiseNorm(y, $"{layer}.block.{place}.0", $"{layer}.block.{place}.1", bneck.Kernel, bneck.Stride, between);
        place++;
        if (bneck.Excite) y = Excite(layers, y, $"{layer}.block.{place++}");
        if (exciteFirst) y = layers.Activate(y, activation);
        y = layers.ConvNorm(y, $"{layer}.block.{place}.0", $"{layer}.block.{place}.1", bneck.Channels, kernel: 1, stride: 1, Activation.None);
        return bneck.Stride == 1 && x.Shape[3] == bneck.Channels ? layers.Add(x, y, layer) : y;
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
