using System;
using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;

namespace Thomas.Tests.Harness;

/// <summary>
/// Narrow and shallow members of the stock classifier families, written node by node as their exporters write them: torchvision in NCHW with
/// batch norm apart, Keras and TFLite in NHWC with SAME padding.
/// </summary>
internal static class StockNets
{
    private const int Classes = 6;

    public static IReadOnlyList<string> Names { get; } =
        ["LeNet", "AlexNet", "Vgg", "ResNetBottleneck", "SqueezeNet", "MobileNetV1", "MobileNetV2", "MobileNetV3Small", "EfficientNetLite"];

    public static Graph Create(string name) => name switch
    {
        "LeNet" => LeNet(new Layers(nchw: false)),
        "AlexNet" => AlexNet(new Layers(nchw: true)),
        "Vgg" => Vgg(new Layers(nchw: true)),
        "ResNetBottleneck" => ResNetBottleneck(new Layers(nchw: true)),
        "SqueezeNet" => SqueezeNet(new Layers(nchw: true)),
        "MobileNetV1" => MobileNetV1(new Layers(nchw: false)),
        "MobileNetV2" => MobileNetV2(new Layers(nchw: true)),
        "MobileNetV3Small" => MobileNetV3Small(new Layers(nchw: true)),
        "EfficientNetLite" => EfficientNetLite(new Layers(nchw: false)),
        _ => throw new ArgumentOutOfRangeException(nameof(name)),
    };

    private static Graph LeNet(Layers l)
    {
        Value x = l.Image(28, 28, 1);
        x = l.Activate(l.Conv(x, 6, 5, padding: 2), new Activation(ActivationKind.Tanh));
        x = l.AveragePool(x, 2, 2);
        x = l.Activate(l.Conv(x, 16, 5), new Activation(ActivationKind.Tanh));
        x = l.Flatten(l.AveragePool(x, 2, 2));
        x = l.Activate(l.Dense(x, 20), new Activation(ActivationKind.Tanh));
        return l.Build(l.Softmax(l.Dense(x, Classes)));
    }

    private static Graph AlexNet(Layers l)
    {
        Value x = l.Image(67, 63, 3);
        x = l.Relu(l.Conv(x, 8, 11, stride: 4));
        x = l.MaxPool(l.ResponseNorm(x), 3, 2);
        x = l.Relu(l.Conv(x, 12, 5, padding: 2, groups: 2));
        x = l.MaxPool(l.ResponseNorm(x), 3, 2);
        x = l.Relu(l.Conv(x, 12, 3, padding: 1));
        x = l.Relu(l.Conv(x, 8, 3, padding: 1, groups: 2));
        x = l.Relu(l.Dense(l.Flatten(x), 16));
        return l.Build(l.Dense(x, Classes));
    }

    private static Graph Vgg(Layers l)
    {
        Value x = l.Image(16, 20, 3);
        foreach (int channels in (int[])[8, 12])
        {
            x = l.Relu(l.Conv(x, channels, 3, padding: 1));
            x = l.MaxPool(l.Relu(l.Conv(x, channels, 3, padding: 1)), 2, 2);
        }

        x = l.Relu(l.Dense(l.Flatten(x), 16));
        return l.Build(l.Dense(l.Relu(l.Dense(x, 16)), Classes));
    }

    private static Graph ResNetBottleneck(Layers l)
    {
        Value x = l.Image(33, 35, 3);
        x = l.MaxPool(l.Relu(l.Norm(l.Conv(x, 8, 7, stride: 2, padding: 3, bias: false))), 3, 2, padding: 1);
        x = Block(x, 4, 16, 1, project: true);
        x = Block(x, 4, 16, 1, project: false);
        x = Block(x, 8, 24, 2, project: true);
        return l.Build(l.Dense(l.Flatten(l.GlobalPool(x)), Classes));

        Value Block(Value input, int inner, int outer, int stride, bool project)
        {
            Value y = l.Relu(l.Norm(l.Conv(input, inner, 1, bias: false)));
            y = l.Relu(l.Norm(l.Conv(y, inner, 3, stride, padding: 1, bias: false)));
            y = l.Norm(l.Conv(y, outer, 1, bias: false));
            return l.Relu(l.Add(y, project ? l.Norm(l.Conv(input, outer, 1, stride, bias: false)) : input));
        }
    }

    private static Graph SqueezeNet(Layers l)
    {
        Value x = l.MaxPool(l.Relu(l.Conv(l.Image(31, 35, 3), 8, 3, stride: 2)), 3, 2);
        for (int i = 0; i < 2; i++)
        {
            Value squeezed = l.Relu(l.Conv(x, 4, 1));
            x = l.Concat(l.Relu(l.Conv(squeezed, 8, 1)), l.Relu(l.Conv(squeezed, 8, 3, padding: 1)));
        }

        x = l.GlobalPool(l.Relu(l.Conv(x, Classes, 1)));
        return l.Build(l.Softmax(l.Flatten(x)));
    }

    private static Graph MobileNetV1(Layers l)
    {
        Value x = l.Activate(l.Conv(l.Image(32, 32, 3), 8, 3, stride: 2, same: true), Activation.Relu6);
        x = l.Activate(l.Depthwise(x, 3, 1, same: true), Activation.Relu6);
        x = l.Activate(l.Conv(x, 16, 1), Activation.Relu6);
        x = l.Activate(l.Depthwise(l.PadBelowAndRight(x), 3, 2), Activation.Relu6);
        x = l.AveragePool(l.Activate(l.Conv(x, 24, 1), Activation.Relu6), 8, 2);
        return l.Build(l.Softmax(l.Flatten(l.Conv(x, Classes, 1))));
    }

    private static Graph MobileNetV2(Layers l)
    {
        Value x = l.Activate(l.Norm(l.Conv(l.Image(24, 28, 3), 8, 3, stride: 2, padding: 1, bias: false)), Activation.Clip(0, 6));
        x = Block(x, 24, 8, 1);
        x = Block(x, 24, 12, 2);
        x = Block(x, 36, 12, 1);
        Value features = l.Flatten(l.GlobalPool(x));

        // Features are handed out beside the scores, and once more behind a reshape.
        return l.Build(l.Dense(features, Classes), features, l.Reshape(features, 0, 3, -1));

        Value Block(Value input, int inner, int outer, int stride)
        {
            Value y = l.Activate(l.Norm(l.Conv(input, inner, 1, bias: false)), Activation.Clip(0, 6));
            y = l.Activate(l.Norm(l.Depthwise(y, 3, stride, padding: 1)), Activation.Clip(0, 6));
            y = l.Norm(l.Conv(y, outer, 1, bias: false));
            return l.ChannelsOf(input) == outer && stride == 1 ? l.Add(input, y) : y;
        }
    }

    private static Graph MobileNetV3Small(Layers l)
    {
        Activation hardSigmoid = new(ActivationKind.HardSigmoid, 1f / 6, 0.5f), hardSwish = new(ActivationKind.HardSwish);
        Value x = l.Norm(l.Conv(l.Image(32, 28, 3), 8, 3, stride: 2, padding: 1, bias: false));
        x = l.Multiply(x, l.Activate(x, hardSigmoid));
        x = Block(x, 16, 12, 5, 2, swish: true);
        x = Block(x, 24, 12, 3, 1, swish: false);
        x = l.Activate(l.Norm(l.Conv(x, 32, 1, bias: false)), hardSwish);
        x = l.Activate(l.Dense(l.Flatten(l.GlobalPool(x)), 20), hardSwish);
        return l.Build(l.Dense(x, Classes));

        Value Block(Value input, int inner, int outer, int kernel, int stride, bool swish)
        {
            Activation f = swish ? hardSwish : Activation.Relu;
            Value y = l.Activate(l.Norm(l.Conv(input, inner, 1, bias: false)), f);
            y = l.Activate(l.Norm(l.Depthwise(y, kernel, stride, padding: kernel / 2)), f);
            Value gate = l.Activate(l.Conv(l.Relu(l.Conv(l.GlobalPool(y), 8, 1)), inner, 1), hardSigmoid);
            y = l.Norm(l.Conv(l.Multiply(gate, y), outer, 1, bias: false));
            return l.ChannelsOf(input) == outer && stride == 1 ? l.Add(y, input) : y;
        }
    }

    private static Graph EfficientNetLite(Layers l)
    {
        Value x = l.Activate(l.Conv(l.Image(30, 34, 3), 8, 3, stride: 2, same: true), Activation.Relu6);
        x = Block(x, 24, 12, 5, 2);
        x = Block(x, 36, 12, 5, 1);
        x = l.Activate(l.Conv(x, 20, 1), Activation.Relu6);
        return l.Build(l.Softmax(l.Dense(l.Mean(x), Classes)));

        Value Block(Value input, int inner, int outer, int kernel, int stride)
        {
            Value y = l.Activate(l.Conv(input, inner, 1), Activation.Relu6);
            y = l.Conv(l.Activate(l.Depthwise(y, kernel, stride, same: true), Activation.Relu6), outer, 1);
            return l.ChannelsOf(input) == outer && stride == 1 ? l.Add(y, input) : y;
        }
    }

    /// <summary>
    /// Adds layers with seeded weights of a size that keeps activations near 1. In NCHW every operator that wants NHWC stands between two transposes.
    /// </summary>
    private sealed class Layers(bool nchw)
    {
        private readonly GraphBuilder _b = new();
        private uint _seed = 1;

        public int ChannelsOf(Value x) => x.Shape[nchw ? 1 : 3];

        public Graph Build(params ReadOnlySpan<Value> outputs) => _b.Build(outputs);

        public Value Image(int h, int w, int c)
        {
            Value x = _b.Input("image", new TensorType(DType.F32, new Shape(1, h, w, c)));
            return nchw ? _b.Nchw(x) : x;
        }

        public Value Conv(Value x, int channels, int kernel, int stride = 1, int padding = 0, int groups = 1, bool same = false, bool bias = true)
        {
            int perGroup = ChannelsOf(x) / groups;
            Value w = Random(MathF.Sqrt(6f / (kernel * kernel * perGroup)), channels, kernel, kernel, perGroup);
            Conv2dAttributes attributes = new(Window(x, kernel, stride, padding, same), groups, HasBias: bias);
            return InNhwc(x, y => _b.Add(OpCatalog.Conv2d, bias ? [y, w, Random(0.3f, channels)] : [y, w], attributes));
        }

        public Value Depthwise(Value x, int kernel, int stride, int padding = 0, bool same = false)
        {
            int channels = ChannelsOf(x);
            Value w = Random(2.4f / kernel, 1, kernel, kernel, channels), bias = Random(0.3f, channels);
            DepthwiseConv2dAttributes attributes = new(Window(x, kernel, stride, padding, same), HasBias: true);
            return InNhwc(x, y => _b.Add(OpCatalog.DepthwiseConv2d, [y, w, bias], attributes));
        }

        public Value Norm(Value x)
        {
            int c = ChannelsOf(x);
            Value scale = _b.Positive($"scale{_seed}", _seed++, c), shift = Random(0.3f, c), mean = Random(0.3f, c),
                variance = _b.Positive($"variance{_seed}", _seed++, c);
            return InNhwc(x, y => _b.Add(OpCatalog.BatchNorm, [y, scale, shift, mean, variance], new BatchNormAttributes(1e-5f)));
        }

        public Value MaxPool(Value x, int kernel, int stride, int padding = 0) =>
            InNhwc(x, y => _b.Add(OpCatalog.MaxPool2d, [y], new MaxPool2dAttributes(Window(x, kernel, stride, padding, same: false))));

        public Value AveragePool(Value x, int kernel, int stride) =>
            InNhwc(x, y => _b.Add(OpCatalog.AveragePool2d, [y], new AveragePool2dAttributes(Window(x, kernel, stride, 0, same: false))));

        public Value ResponseNorm(Value x) => InNhwc(x, y => _b.Add(OpCatalog.LocalResponseNorm, [y], new LocalResponseNormAttributes(5, 1e-1f / 5, 0.75f, 1)));

        public Value GlobalPool(Value x) =>
            _b.Add(OpCatalog.Reduce, [x], new ReduceAttributes(ReduceKind.Mean, nchw ? new IntList(2, 3) : new IntList(1, 2), KeepDims: true));

        public Value Mean(Value x) =>
            _b.Add(OpCatalog.Reduce, [x], new ReduceAttributes(ReduceKind.Mean, nchw ? new IntList(2, 3) : new IntList(1, 2), KeepDims: false));

        public Value PadBelowAndRight(Value x) =>
            _b.Add(OpCatalog.Pad, [x], new PadAttributes(new IntList(0, 0, 0, 0), nchw ? new IntList(0, 0, 1, 1) : new IntList(0, 1, 1, 0)));

        public Value Flatten(Value x) => Reshape(x, 0, -1);

        public Value Reshape(Value x, params ReadOnlySpan<int> dims) => _b.Add(OpCatalog.Reshape, [x], new ReshapeAttributes(new IntList(dims)));

        public Value Dense(Value x, int outputs) =>
            _b.Add(OpCatalog.Dense, [x, Random(MathF.Sqrt(6f / x.Shape[1]), outputs, x.Shape[1]), Random(0.3f, outputs)], new DenseAttributes(HasBias: true));

        public Value Activate(Value x, Activation f) => _b.Add(OpCatalog.Activate, [x], new ActivateAttributes(f));

        public Value Relu(Value x) => Activate(x, Activation.Relu);

        public Value Softmax(Value x) => _b.Add(OpCatalog.Softmax, [x], new SoftmaxAttributes());

        public Value Add(Value a, Value b) => _b.Add(OpCatalog.Add, [a, b]);

        public Value Multiply(Value a, Value b) => _b.Add(OpCatalog.Multiply, [a, b]);

        public Value Concat(Value a, Value b) => _b.Add(OpCatalog.Concat, [a, b], new ConcatAttributes(nchw ? 1 : 3));

        private Window2d Window(Value x, int kernel, int stride, int padding, bool same)
        {
            Padding2d pads = same
                ? Window2d.Same(x.Shape[nchw ? 2 : 1], x.Shape[nchw ? 3 : 2], kernel, kernel, stride, stride)
                : new Padding2d(padding, padding, padding, padding);
            return new Window2d(kernel, kernel, stride, stride, 1, 1, pads);
        }

        private Value InNhwc(Value x, Func<Value, Value> layer) => nchw ? _b.Nchw(layer(_b.Nhwc(x))) : layer(x);

        private Value Random(float scale, params ReadOnlySpan<int> dims)
        {
            Shape shape = new(dims);
            float[] values = TestGraphs.Noise(shape.ElementCount, _seed);
            for (int i = 0; i < values.Length; i++) values[i] *= scale;
            return _b.Constant($"w{_seed++}", TensorData.FromFloats(shape, values));
        }
    }
}
