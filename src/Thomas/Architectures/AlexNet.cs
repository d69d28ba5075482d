using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Architectures;

/// <summary>AlexNet in the one-tower form of "One weird trick", as torchvision has it: no response normalization, no groups.</summary>
/// <remarks>
/// <para>The last feature map is averaged to 6x6, which leaves it as it is for inputs of 224 to 255 pixels. Larger maps need windows of one size, so not every
/// larger input is possible. Smaller maps are taken as they are: torchvision repeats their elements up to 6x6, which adds weights and nothing to learn. So
/// published weights fit inputs from 224 pixels on.</para>
/// <para>The map is flattened in NHWC order before <c>classifier.1</c>; see <see cref="Architecture.FlattenedWeight"/>.</para>
/// </remarks>
internal static class AlexNet
{
    private const int PooledSize = 6;

    /// <summary>What it is and how to build it.</summary>
    public static Architecture Architecture { get; } = new(Build)
    {
        Name = "alexnet",
        Description = "AlexNet, the one-tower form; weights named as torchvision's alexnet",
        Paper = "Krizhevsky: One weird trick for parallelizing convolutional neural networks, 2014 (arXiv 1404.5997)",
        DefaultSize = 224,
        DefaultChannels = 3,
        DefaultClasses = 1000,
        ParameterCount = 61_100_840,
        MinimumSize = 63,
        Dropouts = [new DropoutPlace("classifier.1.weight", 0.5f), new DropoutPlace("classifier.4.weight", 0.5f)],
        FlattenedWeight = "classifier.1.weight",
    };

    private static Graph Build(ArchitectureOptions options)
    {
        LayerBuilder layers = new(options)
        {
            Weights = Initializers.TorchUniform,
            DenseWeights = Initializers.TorchUniform,
            Biases = Initializers.TorchUniform,
        };
        Value x = layers.Input(options);
        x = layers.Relu(layers.Conv(x, "features.0", 64, kernel: 11, stride: 4, padding: 2));
        x = layers.MaxPool(x, "features.2", kernel: 3, stride: 2);
        x = layers.Relu(layers.Conv(x, "features.3", 192, kernel: 5, padding: 2));
        x = layers.MaxPool(x, "features.5", kernel: 3, stride: 2);
        x = layers.Relu(layers.Conv(x, "features.6", 384, kernel: 3, padding: 1));
        x = layers.Relu(layers.Conv(x, "features.8", 256, kernel: 3, padding: 1));
        x = layers.Relu(layers.Conv(x, "features.10", 256, kernel: 3, padding: 1));
        x = layers.MaxPool(x, "features.12", kernel: 3, stride: 2);
        if (x.Shape[1] > PooledSize || x.Shape[2] > PooledSize) x = layers.AveragePool(x, "avgpool", PoolingWindow(options, x.Shape));
        x = layers.Relu(layers.Dense(layers.Flatten(x), "classifier.1", 4096));
        x = layers.Relu(layers.Dense(x, "classifier.4", 4096));
        return layers.Build(layers.Logits(x, "classifier.6", options.Classes));
    }

    private static Window2d PoolingWindow(ArchitectureOptions options, Shape map)
    {
        (int kernelH, int strideH) = PoolingAxis("height", options.Height, map[1]);
        (int kernelW, int strideW) = PoolingAxis("width", options.Width, map[2]);
        return new Window2d(kernelH, kernelW, strideH, strideW, 1, 1, Padding2d.None);
    }

    /// <summary>
    /// PyTorch's adaptive pooling takes rows floor(i*s/6) up to ceil((i+1)*s/6) of s. These windows are alike for s = 6k (k rows) and s = 6k + 1 (k + 1 rows)
    /// only.
    /// </summary>
    private static (int Kernel, int Stride) PoolingAxis(string axis, int pixels, int size)
    {
        if (size <= PooledSize) return (1, 1);
        int stride = size / PooledSize, rest = size % PooledSize;
        if (rest <= 1) return (stride + rest, stride);
        int below = pixels, above = pixels;
        while (MapSize(below) % PooledSize > 1) below--;
        while (MapSize(above) % PooledSize > 1) above++;
        throw new ThomasException(
            $"alexnet: a {axis} of {pixels} pixels leaves {size} rows or columns, which do not divide into {PooledSize} averages; the nearest sizes that "
            + $"fit are {below} and {above}.");
    }

    /// <summary>Rows of the last feature map for so many pixels.</summary>
    private static int MapSize(int pixels)
    {
        int size = ((pixels + 4 - 11) / 4) + 1;
        for (int pool = 0; pool < 3; pool++) size = ((size - 3) / 2) + 1;
        return size;
    }
}
