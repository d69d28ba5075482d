using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;

namespace Thomas.Architectures;

/// <summary>
/// LeNet-5 as Caffe and DeepLearning4j have it: 20 and 50 filters of 5x5 without padding and without activation, each followed by a 2x2 maximum; 500 units with
/// ReLU.
/// </summary>
/// <remarks>The feature map [4,4,50] (for 28x28) is flattened in NHWC order before <c>fc1</c>; see <see cref="Architecture.FlattenedWeight"/>.</remarks>
internal static class LeNet5
{
    /// <summary>What it is and how to build it.</summary>
    public static Architecture Architecture { get; } = new(Build)
    {
        Name = "lenet5",
        Description = "LeNet-5 in Caffe's form, for digits; weights conv1, conv2, fc1, fc2",
        Paper = "LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document recognition, 1998",
        DefaultSize = 28,
        DefaultChannels = 1,
        DefaultClasses = 10,
        ParameterCount = 431_080,
        MinimumSize = 16,
        FlattenedWeight = "fc1.weight",
        Variants =
        [
            new(VariantWords.Relu, "ReLU after the convolutions too (PyTorch's older MNIST example)"),
            new(VariantWords.Tanh, "tanh after the convolutions and the first dense layer"), new(VariantWords.Average, "averages instead of maxima"),
        ],
        Sizes = [28, 32],
    };

    private static Graph Build(ArchitectureOptions options)
    {
        LayerBuilder layers = new(options) { Weights = Initializers.XavierUniform, DenseWeights = Initializers.XavierUniform };
        VariantWords words = new(options.Variant);
        Activation activation = words.Activation(Activation.None);
        Value x = layers.Input(options);
        x = Pool("pool1", layers.Activate(layers.Conv(x, "conv1", 20, kernel: 5), activation));
        x = Pool("pool2", layers.Activate(layers.Conv(x, "conv2", 50, kernel: 5), activation));
        x = layers.Activate(layers.Dense(layers.Flatten(x), "fc1", 500), words.Activation(Activation.Relu));
        return layers.Build(layers.Logits(x, "fc2", options.Classes));

        Value Pool(string layer, Value map) => words.Has(VariantWords.Average)
            ? layers.AveragePool(map, layer, new Window2d(2, 2, 2, 2, 1, 1, Padding2d.None))
            : layers.MaxPool(map, layer, kernel: 2, stride: 2);
    }
}
