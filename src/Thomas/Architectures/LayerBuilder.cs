using System;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;

namespace Thomas.Architectures;

/// <summary>
/// Adds layers with new weights to a graph. A layer's name is its PyTorch module's; its constants are named <c>layer.weight</c>, <c>layer.bias</c>,
/// <c>layer.running_mean</c> and <c>layer.running_var</c>. Padding is the same on all sides, as in PyTorch, unless the variant is TensorFlow's.
/// </summary>
internal sealed class LayerBuilder(ArchitectureOptions options)
{
    private readonly GraphBuilder _graph = new();
    private readonly Rng _rng = new(options.Seed);
    private ulong _tensors;

    /// <summary>How weights begin.</summary>
    public Initializer Weights { get; init; } = Initializers.KaimingNormalFanOut;

    /// <summary>How biases begin.</summary>
    public Initializer Biases { get; init; } = Initializers.Zeros;

    /// <summary>How the weights of dense layers begin.</summary>
    public Initializer DenseWeights { get; init; } = Initializers.SmallNormal;

    /// <summary>Added to the variance by batch normalization.</summary>
    public float Epsilon { get; init; } = 1e-5f;

    private readonly bool _isSame = new VariantWords(options.Variant).Has(VariantWords.Same);

    public Value Input(ArchitectureOptions options) =>
        _graph.Input("input", new TensorType(DType.F32, new Shape(1, options.Height, options.Width, options.Channels)));

    public Graph Build(Value logits) => _graph.Build(logits);

    public Value Conv(
        Value x, string layer, int channels, int kernel, int stride = 1, int padding = 0, bool bias = true, Initializer? weights = null, int groups = 1)
    {
        int inputs = x.Shape[3] / groups, fanIn = checked(kernel * kernel * inputs), fanOut = checked(kernel * kernel * channels);
        Value filter = Constant($"{layer}.weight", new Shape(channels, kernel, kernel, inputs), weights ?? Weights, fanIn, fanOut);
        Conv2dAttributes attributes = new(Window(x, kernel, stride, padding), groups, HasBias: bias);
        return bias
            ? _graph.Add(OpCatalog.Conv2d, [x, filter, Constant($"{layer}.bias", new Shape(channels), Biases, fanIn, fanOut)], attributes, layer)
            : _graph.Add(OpCatalog.Conv2d, [x, filter], attributes, layer);
    }

    /// <summary>Convolution of each channel by itself, without bias, padded so that stride 1 keeps the size.</summary>
    public Value Depthwise(Value x, string layer, int kernel, int stride)
    {
        int channels = x.Shape[3];
        Value filter = Constant($"{layer}.weight", new Shape(1, kernel, kernel, channels), Weights, kernel * kernel, checked(kernel * kernel * channels));
        return _graph.Add(OpCatalog.DepthwiseConv2d, [x, filter], new DepthwiseConv2dAttributes(Window(x, kernel, stride, kernel / 2)), layer);
    }

    public Value Norm(Value x, string layer)
    {
        Shape channels = new(x.Shape[3]);
        Value scale = Filled($"{layer}.weight", channels, 1), shift = Filled($"{layer}.bias", channels, 0);
        Value mean = Filled($"{layer}.running_mean", channels, 0), variance = Filled($"{layer}.running_var", channels, 1);
        return _graph.Add(OpCatalog.BatchNorm, [x, scale, shift, mean, variance], new BatchNormAttributes(Epsilon), layer);
    }

    /// <summary>Convolution without bias, batch normalization, activation.</summary>
    public Value ConvNorm(Value x, string conv, string norm, int channels, int kernel, int stride, Activation activation) =>
        Activate(Norm(Conv(x, conv, channels, kernel, stride, kernel / 2, bias: false), norm), activation);

    /// <summary>Depthwise convolution, batch normalization, activation.</summary>
    public Value DepthwiseNorm(Value x, string conv, string norm, int kernel, int stride, Activation activation) =>
        Activate(Norm(Depthwise(x, conv, kernel, stride), norm), activation);

    public Value Dense(Value x, string layer, int outputs, string? name = null)
    {
        int inputs = x.Shape[1];
        Value weights = Constant($"{layer}.weight", new Shape(outputs, inputs), DenseWeights, inputs, outputs);
        Value bias = Constant($"{layer}.bias", new Shape(outputs), Biases, inputs, outputs);
        return _graph.Add(OpCatalog.Dense, [x, weights, bias], new DenseAttributes(HasBias: true), name ?? layer);
    }

    /// <summary>Dense layer whose result is the graph's.</summary>
    public Value Logits(Value x, string layer, int classes) => Dense(x, layer, classes, "logits");

    public Value Activate(Value x, Activation activation) => activation == Activation.None
        ? x
        : _graph.Add(OpCatalog.Activate, [x], new ActivateAttributes(activation), $"{x.Name}.act");

    public Value Relu(Value x) => Activate(x, Activation.Relu);

    public Value MaxPool(Value x, string layer, int kernel, int stride, Padding2d padding = default) =>
        _graph.Add(OpCatalog.MaxPool2d, [x], new MaxPool2dAttributes(new Window2d(kernel, kernel, stride, stride, 1, 1, padding)), layer);

    public Value AveragePool(Value x, string layer, Window2d window) => _graph.Add(OpCatalog.AveragePool2d, [x], new AveragePool2dAttributes(window), layer);

    /// <summary>Mean over all pixels: [1,c], or [1,1,1,c] where the pixel axes are kept.</summary>
    public Value GlobalPool(Value x, string layer, bool keepAxes = false) =>
        _graph.Add(OpCatalog.Reduce, [x], new ReduceAttributes(ReduceKind.Mean, new IntList(1, 2), keepAxes), layer);

    public Value Flatten(Value x) => _graph.Add(OpCatalog.Reshape, [x], new ReshapeAttributes(new IntList(0, -1)), "flatten");

    public Value ResponseNorm(Value x, string layer, LocalResponseNormAttributes attributes) =>
        _graph.Add(OpCatalog.LocalResponseNorm, [x], attributes, layer);

    public Value Add(Value a, Value b, string layer) => _graph.Add(OpCatalog.Add, [a, b], null, $"{layer}.add");

    public Value Multiply(Value a, Value b, string layer) => _graph.Add(OpCatalog.Multiply, [a, b], null, $"{layer}.mul");

    public Value ConcatChannels(Value a, Value b, string layer) => _graph.Add(OpCatalog.Concat, [a, b], new ConcatAttributes(3), layer);

    /// <summary>Every second row and column, with as many channels of zeros before as after.</summary>
    public Value HalveAndPadChannels(Value x, string layer, int channels)
    {
        IntList none = new(0, 0, 0, 0), all = new(-1, -1, -1, -1), everySecond = new(1, 2, 2, 1);
        Value picked = _graph.Add(OpCatalog.Slice, [x], new SliceAttributes(none, all, everySecond), $"{layer}.slice");
        int before = (channels - x.Shape[3]) / 2, after = channels - x.Shape[3] - before;
        return _graph.Add(OpCatalog.Pad, [picked], new PadAttributes(new IntList(0, 0, 0, before), new IntList(0, 0, 0, after)), $"{layer}.pad");
    }

    /// <summary>
    /// Channels times the width multiplier, rounded to a multiple of 8 that is not below nine tenths of the product: <c>_make_divisible</c> of the MobileNet
    /// papers' code.
    /// </summary>
    public static int RoundChannels(double channels)
    {
        const int Multiple = 8;
        int rounded = Math.Max(Multiple, (int)(channels + (Multiple / 2)) / Multiple * Multiple);
        return rounded < 0.9 * channels ? rounded + Multiple : rounded;
    }

    /// <summary>The multiplier as it was written: 0.35f is 0.349999994, whose products round differently.</summary>
    public static double Widen(float widthMultiplier) => (double)(decimal)widthMultiplier;

    private Window2d Window(Value x, int kernel, int stride, int padding)
    {
        Padding2d sides = _isSame && padding == kernel / 2
            ? Window2d.Same(x.Shape[1], x.Shape[2], kernel, kernel, stride, stride)
            : new Padding2d(padding, padding, padding, padding);
        return new Window2d(kernel, kernel, stride, stride, 1, 1, sides);
    }

    private Value Constant(string name, Shape shape, Initializer initializer, int fanIn, int fanOut)
    {
        float[] values = GC.AllocateUninitializedArray<float>(shape.ElementCount);
        if (!options.IsBlank) initializer(_rng.Fork(_tensors++), values, fanIn, fanOut);
        return _graph.Constant(name, TensorData.FromFloats(shape, values));
    }

    private Value Filled(string name, Shape shape, float value)
    {
        float[] values = GC.AllocateUninitializedArray<float>(shape.ElementCount);
        Array.Fill(values, value);
        return _graph.Constant(name, TensorData.FromFloats(shape, values));
    }
}
