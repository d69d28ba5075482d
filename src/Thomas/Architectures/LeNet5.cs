using Thomas.Graphs;

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
    };

    private static Graph Build(ArchitectureOptions options)
    {
        LayerBuilder layers = new(options.Seed) { Weights = Initializers.XavierUniform, DenseWeights = Initializers.XavierUniform };
        Value x = layers.Input(options);
        x = layers.MaxPool(layers.Conv(x, "conv1", 20, kernel: 5), "pool1", kernel: 2, stride: 2);
        x = layers.MaxPool(layers.Conv(x, "conv2", 50, kernel: 5), "pool2", kernel: 2, stride: 2);
        x = layers.Relu(layers.Dense(layers.Flatten(x), "fc1", 500));
        return layers.Build(layers.Logits(x, "fc2", options.Classes));
    }
}
