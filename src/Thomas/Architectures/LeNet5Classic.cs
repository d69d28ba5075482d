using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;

namespace Thomas.Architectures;

/// <summary>
/// LeNet-5 as textbooks have it: 6 and 16 filters of 5x5, each followed by an activation and a 2x2 pool, then 120 and 84 units. Images of 28x28 get two zeros
/// on every side, so that the digits are as far from the edge as in LeCun's images of 32x32; larger ones are not padded.
/// </summary>
/// <remarks>The feature map [5,5,16] is flattened in NHWC order before <c>fc1</c>; see <see cref="Architecture.FlattenedWeight"/>.</remarks>
internal static class LeNet5Classic
{
    private const string Unpadded = "unpadded";
    private const int PaddedSize = 28;

    /// <summary>What it is and how to build it.</summary>
    public static Architecture Architecture { get; } = new(Build)
    {
        Name = "lenet5-classic",
        Description = "LeNet-5 of the textbooks, 6-16-120-84 with ReLU and maxima; weights conv1, conv2, fc1, fc2, fc3 as in PyTorch's tutorials",
        Paper = "LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document recognition, 1998",
        DefaultSize = PaddedSize,
        DefaultChannels = 1,
        DefaultClasses = 10,
        ParameterCount = 61_706,
        MinimumSize = 16,
        FlattenedWeight = "fc1.weight",
        Variants =
        [
            new(VariantWords.Tanh, "tanh instead of ReLU"), new(VariantWords.Sigmoid, "sigmoid instead of ReLU (Dive into Deep Learning)"),
            new(VariantWords.Average, "averages instead of maxima"), new(Unpadded, "no padding of 28x28: 16 maps of 4x4 instead of 5x5"),
        ],
        Structures = ["", Unpadded],
        Sizes = [28, 32],
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
        Activation activation = words.Activation(Activation.Relu);
        bool isPadded = options.Height == PaddedSize && options.Width == PaddedSize && !words.Has(Unpadded);
        Value x = layers.Input(options);
        x = Pool("pool1", layers.Activate(layers.Conv(x, "conv1", 6, kernel: 5, padding: isPadded ? 2 : 0), activation));
        x = Pool("pool2", layers.Activate(layers.Conv(x, "conv2", 16, kernel: 5), activation));
        x = layers.Activate(layers.Dense(layers.Flatten(x), "fc1", 120), activation);
        x = layers.Activate(layers.Dense(x, "fc2", 84), activation);
        return layers.Build(layers.Logits(x, "fc3", options.Classes));

        Value Pool(string layer, Value map) => words.Has(VariantWords.Average)
            ? layers.AveragePool(map, layer, new Window2d(2, 2, 2, 2, 1, 1, Padding2d.None))
            : layers.MaxPool(map, layer, kernel: 2, stride: 2);
    }
}
