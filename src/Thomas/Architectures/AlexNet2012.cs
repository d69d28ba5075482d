using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Architectures;

/// <summary>
/// AlexNet as it won in 2012, in one tower: 96, 256, 384, 384 and 256 filters, response normalization after the first two. In the variant <c>grouped</c> the
/// second, fourth and fifth convolution have two groups, the two towers of the paper, as in Caffe.
/// </summary>
/// <remarks>
/// <para>Images of 227 pixels are not padded, those of 224 get two zeros on every side, which gives the same 55x55 positions.</para>
/// <para>The last map [6,6,256] is flattened in NHWC order before <c>fc6</c>; see <see cref="Architecture.FlattenedWeight"/>.</para>
/// </remarks>
internal static class AlexNet2012
{
    private const string Grouped = "grouped", PoolFirst = "pool-first", NoNorm = "no-norm", NormBias1 = "norm-k1";
    private const int UnpaddedSize = 227;

    /// <summary>What it is and how to build it.</summary>
    public static Architecture Architecture { get; } = new(Build)
    {
        Name = "alexnet-2012",
        Description = "AlexNet with 96-256-384-384-256 filters and response normalization; weights conv1 to conv5, fc6, fc7, fc8 as in Caffe",
        Paper = "Krizhevsky, Sutskever, Hinton: ImageNet classification with deep convolutional neural networks, 2012",
        DefaultSize = UnpaddedSize,
        DefaultChannels = 3,
        DefaultClasses = 1000,
        ParameterCount = 62_378_344,
        MinimumSize = 63,
        Dropouts = [new DropoutPlace("fc6.weight", 0.5f), new DropoutPlace("fc7.weight", 0.5f)],
        FlattenedWeight = "fc6.weight",
        Variants =
        [
            new(Grouped, "two groups in convolutions 2, 4 and 5 (Caffe)"), new(PoolFirst, "pool before normalization (CaffeNet)"),
            new(NormBias1, "normalization with k = 1 (Caffe, default of PyTorch) instead of 2"), new(NoNorm, "no normalization"),
        ],
        Structures = ["", Grouped],
    };

    private static Graph Build(ArchitectureOptions options)
    {
        VariantWords words = new(options.Variant);
        LayerBuilder layers = new(options)
        {
            Weights = Initializers.TorchUniform,
            DenseWeights = Initializers.TorchUniform,
            Biases = Initializers.TorchUniform,
        };
        int groups = words.Has(Grouped) ? 2 : 1;
        int padding = options.Height < UnpaddedSize ? 2 : 0;
        Value x = layers.Relu(layers.Conv(layers.Input(options), "conv1", 96, kernel: 11, stride: 4, padding: padding));
        x = NormAndPool(layers, words, x, "norm1", "pool1");
        x = layers.Relu(layers.Conv(x, "conv2", 256, kernel: 5, padding: 2, groups: groups));
        x = NormAndPool(layers, words, x, "norm2", "pool2");
        x = layers.Relu(layers.Conv(x, "conv3", 384, kernel: 3, padding: 1));
        x = layers.Relu(layers.Conv(x, "conv4", 384, kernel: 3, padding: 1, groups: groups));
        x = layers.Relu(layers.Conv(x, "conv5", 256, kernel: 3, padding: 1, groups: groups));
        x = layers.Flatten(layers.MaxPool(x, "pool5", kernel: 3, stride: 2));
        x = layers.Relu(layers.Dense(x, "fc6", 4096));
        x = layers.Relu(layers.Dense(x, "fc7", 4096));
        return layers.Build(layers.Logits(x, "fc8", options.Classes));
    }

    // The paper's n = 5, alpha = 1e-4, beta = 0.75; frameworks divide alpha by n.
    private static Value NormAndPool(LayerBuilder layers, VariantWords words, Value x, string norm, string pool)
    {
        LocalResponseNormAttributes attributes = new(5, 1e-4f / 5, 0.75f, words.Has(NormBias1) ? 1 : 2);
        if (!words.Has(NoNorm) && !words.Has(PoolFirst)) x = layers.ResponseNorm(x, norm, attributes);
        x = layers.MaxPool(x, pool, kernel: 3, stride: 2);
        return words.Has(PoolFirst) && !words.Has(NoNorm) ? layers.ResponseNorm(x, norm, attributes) : x;
    }
}
