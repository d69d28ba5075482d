using System;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;
using Thomas.Tests.Harness;

namespace Thomas.Tests.Quantizing;

/// <summary>Networks to be quantized.</summary>
internal static class SmallNetworks
{
    public const int Side = 16, Classes = 6;

    /// <summary>The words of <see cref="Build"/>.</summary>
    public static readonly string[] Kinds = ["mobile", "excite", "fire", "residual", "gates", "unusual"];

    /// <summary>Small networks with the blocks of known ones.</summary>
    public static Model Build(string kind, int width = 8)
    {
        GraphBuilder b = new();
        uint seed = 1;
        Value x = b.Input("image", new TensorType(DType.F32, new Shape(1, Side, Side, 3)));
        x = Conv(x, width, 3, Activation.Relu6, stride: 2);
        switch (kind)
        {
            case "mobile":
                Value before = x;
                x = Conv(x, 4 * width, 1, Activation.Relu6);
                x = Depthwise(x, Activation.Relu6);
                x = b.Add(OpCatalog.Add, [Conv(x, width, 1, default), before], null, "sum");
                break;
            case "excite":
                Value gate = b.Add(OpCatalog.Reduce, [x], new ReduceAttributes(ReduceKind.Mean, new IntList(1, 2), KeepDims: true), "squeezed");
                gate = Conv(Conv(gate, 4, 1, Activation.Relu), width, 1, default);
                gate = b.Add(OpCatalog.Activate, [gate], new ActivateAttributes(new Activation(ActivationKind.HardSigmoid, 1f / 6, 0.5f)), "gate");
                x = b.Add(OpCatalog.Multiply, [x, gate], null, "gated");
                x = b.Add(OpCatalog.Activate, [x], new ActivateAttributes(new Activation(ActivationKind.HardSwish)), "swished");
                break;
            case "fire":
                Value small = Conv(x, 4, 1, Activation.Relu);
                x = b.Add(
                    OpCatalog.Concat, [Conv(small, width, 1, Activation.Relu), Conv(small, width, 3, Activation.Relu)], new ConcatAttributes(3), "joined");
                x = b.Add(OpCatalog.MaxPool2d, [x], new MaxPool2dAttributes(new Window2d(3, 3, 2, 2, 1, 1, new Padding2d(1, 1, 1, 1))), "pooled");
                break;
            case "residual":
                Value kept = x;
                x = Conv(x, width, 3, Activation.Relu);
                x = b.Add(OpCatalog.Add, [Conv(x, width, 3, default), kept], null, "sum");
                x = b.Add(OpCatalog.Activate, [x], new ActivateAttributes(Activation.Relu), "rectified");
                x = b.Add(OpCatalog.AveragePool2d, [x], new AveragePool2dAttributes(new Window2d(2, 2, 2, 2, 1, 1, default)), "averaged");
                break;
            case "gates":
                Value open = b.Add(OpCatalog.Activate, [Conv(x, width, 1, default)], new ActivateAttributes(new Activation(ActivationKind.Sigmoid)), "open");
                Value turn = b.Add(OpCatalog.Activate, [Conv(x, width, 1, default)], new ActivateAttributes(new Activation(ActivationKind.Tanh)), "turn");
                Value leak = b.Add(
                    OpCatalog.Activate, [Conv(x, width, 1, default)], new ActivateAttributes(new Activation(ActivationKind.LeakyRelu, 0.1f)), "leak");
                x = b.Add(OpCatalog.Concat, [open, turn, leak, b.Add(OpCatalog.Subtract, [leak, x], null, "less")], new ConcatAttributes(3), "joined");
                x = b.Add(OpCatalog.Activate, [x], new ActivateAttributes(new Activation(ActivationKind.Silu)), "silu");
                break;
            case "unusual":
                x = b.Add(OpCatalog.Activate, [x], new ActivateAttributes(Activation.Clip(0.25f, 2)), "clipped");
                x = Conv(x, width, 3, Activation.Clip(-0.5f, 1.5f));
                break;
            default:
                throw new ArgumentException(kind);
        }

        x = b.Add(OpCatalog.Reduce, [x], new ReduceAttributes(ReduceKind.Mean, new IntList(1, 2), KeepDims: false), "features");
        x = b.Add(
            OpCatalog.Dense,
            [x, b.Constant("head", Weights(new Shape(Classes, x.Shape[1]), x.Shape[1])), b.Constant("head.bias", Weights(new Shape(Classes), 4))],
            new DenseAttributes(HasBias: true), "scores");
        return new Model(b.Build(x), new ModelInfo { Name = kind, Preprocessing = Preprocessing.Preset("unit", Side, Side) });

        TensorData Weights(Shape shape, int inputs)
        {
            float[] values = TestGraphs.Noise(shape.ElementCount, seed++);
            for (int i = 0; i < values.Length; i++) values[i] *= (float)(1.7 / Math.Sqrt(inputs));
            return TensorData.FromFloats(shape, values);
        }

        Value Conv(Value x, int outputs, int kernel, Activation activation, int stride = 1)
        {
            int inputs = x.Shape[3], pad = kernel / 2;
            Window2d window = new(kernel, kernel, stride, stride, 1, 1, new Padding2d(pad, pad, pad, pad));
            Value filter = b.Constant("filter", Weights(new Shape(outputs, kernel, kernel, inputs), inputs * kernel * kernel));
            return b.Add(
                OpCatalog.Conv2d, [x, filter, b.Constant("bias", Weights(new Shape(outputs), 16))],
                new Conv2dAttributes(window, HasBias: true, Activation: activation), "conv");
        }

        Value Depthwise(Value x, Activation activation)
        {
            Window2d window = new(3, 3, 1, 1, 1, 1, new Padding2d(1, 1, 1, 1));
            Value filter = b.Constant("filter", Weights(new Shape(1, 3, 3, x.Shape[3]), 9));
            return b.Add(
                OpCatalog.DepthwiseConv2d, [x, filter, b.Constant("bias", Weights(new Shape(x.Shape[3]), 16))],
                new DepthwiseConv2dAttributes(window, HasBias: true, Activation: activation), "depthwise");
        }
    }
}
