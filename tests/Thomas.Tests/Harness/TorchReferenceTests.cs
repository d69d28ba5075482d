using System;
using System.Collections.Generic;
using System.IO.Hashing;
using System.Linq;
using System.Runtime.InteropServices;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;
using Thomas.Runtime;
using Xunit;

namespace Thomas.Tests.Harness;

/// <summary>The recorded networks can be made again here, and the comparison with a record notices what is wrong.</summary>
public sealed class TorchReferenceTests
{
    public static TheoryData<string> Nets => [.. TorchReference.Nets];

    [Theory]
    [MemberData(nameof(Nets))]
    public void Weights_and_images_are_made_again_bit_for_bit(string net)
    {
        TorchReference reference = TorchReference.Load(net);
        Assert.All(reference.Tensors, tensor => Assert.Equal(tensor.Crc32, Crc(reference.Initial(tensor.Name))));
        Assert.All(Enumerable.Range(0, reference.Batches), batch => Assert.Equal(reference.InputCrc32(batch), Crc(reference.Input(batch))));
    }

    [Theory]
    [InlineData("lenet5", 431_080)]
    [InlineData("mobilenet-v2", 402_533)]
    [InlineData("squeezenet", 725_061)]
    [InlineData("alexnet-like", 50_389)]
    public void Records_are_complete(string net, int parameters)
    {
        TorchReference reference = TorchReference.Load(net);
        TorchTensor[] trained = [.. reference.Tensors.Where(tensor => tensor.IsTrained)];
        Assert.Equal(parameters, trained.Sum(tensor => tensor.Shape.ElementCount));
        Assert.Equal(reference.InputShape[0] * reference.Classes, reference.Logits.Length);
        Assert.All(trained, tensor => Assert.True(double.IsFinite(reference.GradientError(tensor.Name, new float[tensor.Shape.ElementCount]))));
        foreach (TorchRun run in new[] { reference.Sgd, reference.AdamW })
        {
            Assert.Equal(20, run.Loss.Length);
            Assert.Equal(reference.Loss, run.Loss[0], 1e-8);
            Assert.Equal(trained.Select(tensor => tensor.Name), run.ParameterNorm.Keys.Order(StringComparer.Ordinal));
            Assert.Equal(reference.Tensors.Where(tensor => !tensor.IsTrained).Select(tensor => tensor.Name), run.Running.Keys);
            Assert.All(
                run.Running, statistic => Assert.Equal(reference.Tensors.Single(tensor => tensor.Name == statistic.Key).Shape[0], statistic.Value.Length));
        }
    }

    [Theory]
    [InlineData("lenet5")]
    [InlineData("alexnet-like")]
    public void Layouts_and_terms_are_as_described(string net)
    {
        TorchReference reference = TorchReference.Load(net);
        Shape input = reference.InputShape;
        using Executable executable = Executable.Compile(net == "lenet5" ? LeNet5(reference) : AlexNetLike(reference), input[0], TestGraphs.Oracle);
        TorchLayout.ToChannelsLast(reference.Input(0), input[0], input[1], input[2], input[3]).CopyTo(executable.Input(0));
        executable.Run();
        ReadOnlySpan<float> logits = executable.Output(0);
        double loss = 0;
        for (int i = 0; i < input[0]; i++)
        {
            double[] row = [.. Enumerable.Range(i * reference.Classes, reference.Classes).Select(at => reference.Logits[at])];
            loss += (Math.Log(row.Sum(Math.Exp)) - row[reference.Labels(0)[i]]) / input[0];
        }

        Assert.Equal(reference.Loss, loss, 1e-7);
        for (int i = 0; i < logits.Length; i++) Assert.Equal(reference.Logits[i], logits[i], 1e-5);
    }

    [Fact]
    public void Errors_of_the_expected_size_are_reported()
    {
        float[] exact = TestGraphs.Noise(5000, 1);
        float[] noise = TestGraphs.Noise(exact.Length, 2);
        double norm = Math.Sqrt(exact.Sum(value => (double)value * value));
        double projection = exact.Zip(noise, (a, b) => (double)a * b).Sum();
        TorchSummary whole = new(norm, 1, [.. exact.Select(value => (double)value)], null, 2);
        TorchSummary sampled = new(norm, 78, [.. Enumerable.Range(0, 64).Select(i => (double)exact[i * 78])], projection, 2);
        float[] errors = TestGraphs.Noise(exact.Length, 3);
        float[] off = [.. exact.Select((value, i) => value + (0.001f * errors[i]))];
        float[] unsampledOff = [.. exact];
        for (int i = 1; i < 77; i++) unsampledOff[i] = -unsampledOff[i];
        float[] broken = [.. exact];
        broken[1] = float.NaN;
        foreach (TorchSummary summary in new[] { whole, sampled })
        {
            Assert.InRange(summary.RelativeError(exact), 0, 1e-12);
            Assert.InRange(summary.RelativeError(off), 0.0005, 0.002);
            Assert.InRange(summary.RelativeError(unsampledOff), 0.005, 0.5);
            Assert.Equal(double.NaN, summary.RelativeError(broken));
        }
    }

    [Fact]
    public void A_gradient_in_another_layout_is_noticed()
    {
        TorchReference reference = TorchReference.Load("lenet5");
        Assert.Throws<ArgumentException>(() => reference.GradientError("conv1.weight", new float[499]));
        Assert.Throws<ArgumentException>(() => TorchReference.Load("vgg"));
        TorchReference deep = TorchReference.Load("mobilenet-v2");
        string zero = deep.ZeroGradients[0];
        int count = deep.Tensors.Single(tensor => tensor.Name == zero).Shape.ElementCount;
        Assert.Equal(0, deep.GradientError(zero, new float[count]));
        Assert.True(deep.GradientError(zero, TestGraphs.Noise(count, 1)) > 0.01);
    }

    [Fact]
    public void Channels_move_to_the_end_and_back()
    {
        // Two images of 3 channels, 1x2 pixels.
        float[] first = [0, 1, 10, 11, 20, 21, 100, 101, 110, 111, 120, 121];
        float[] last = [0, 10, 20, 1, 11, 21, 100, 110, 120, 101, 111, 121];
        Assert.Equal(last, TorchLayout.ToChannelsLast(first, 2, 3, 1, 2));
        Assert.Equal(first, TorchLayout.ToChannelsFirst(last, 2, 3, 1, 2));
        Assert.Throws<ArgumentException>(() => TorchLayout.ToChannelsLast(first, 2, 3, 2, 2));
    }

    private static uint Crc(float[] values) => Crc32.HashToUInt32(MemoryMarshal.AsBytes<float>(values));

    private static Graph LeNet5(TorchReference reference)
    {
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(1, 28, 28, 1)));
        x = MaxPool(b, Conv(b, reference, x, "conv1", new Window2d(5, 5)), 2);
        x = MaxPool(b, Conv(b, reference, x, "conv2", new Window2d(5, 5)), 2);
        x = b.Add(OpCatalog.Reshape, [x], new ReshapeAttributes(new IntList(0, -1)));
        x = Relu(b, Dense(b, reference, x, "fc1", 50, 4, 4));
        return b.Build(Dense(b, reference, x, "fc2", 500, 1, 1));
    }

    private static Graph AlexNetLike(TorchReference reference)
    {
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(1, reference.InputShape[2], reference.InputShape[3], 3)));
        x = Relu(b, Conv(b, reference, x, "features.0", new Window2d(11, 11, 4, 4, 1, 1, new Padding2d(2, 2, 2, 2))));
        x = MaxPool(b, Lrn(b, x), 3);
        x = Relu(b, Conv(b, reference, x, "features.4", new Window2d(5, 5, 1, 1, 1, 1, new Padding2d(2, 2, 2, 2)), 2));
        x = MaxPool(b, Lrn(b, x), 3);
        foreach ((string name, int groups) in new[] { ("features.8", 1), ("features.10", 2), ("features.12", 2) })
            x = Relu(b, Conv(b, reference, x, name, new Window2d(3, 3, 1, 1, 1, 1, new Padding2d(1, 1, 1, 1)), groups));
        x = MaxPool(b, x, 3);
        x = b.Add(OpCatalog.Reshape, [x], new ReshapeAttributes(new IntList(0, -1)));
        x = Relu(b, Dense(b, reference, x, "classifier.0", 32, 2, 3));
        return b.Build(Dense(b, reference, x, "classifier.2", 64, 1, 1));
    }

    private static Value Conv(GraphBuilder b, TorchReference reference, Value x, string name, Window2d window, int groups = 1)
    {
        TorchTensor filter = reference.Tensors.Single(tensor => tensor.Name == name + ".weight");
        (int o, int i, int h, int w) = (filter.Shape[0], filter.Shape[1], filter.Shape[2], filter.Shape[3]);
        float[] values = TorchLayout.ToChannelsLast(reference.Initial(filter.Name), o, i, h, w);
        return b.Add(
            OpCatalog.Conv2d, [x, b.Constant(filter.Name, TensorData.FromFloats(new Shape(o, h, w, i), values)), Bias(b, reference, name)],
            new Conv2dAttributes(window, groups, HasBias: true));
    }

    private static Value Dense(GraphBuilder b, TorchReference reference, Value x, string name, int c, int h, int w)
    {
        TorchTensor weight = reference.Tensors.Single(tensor => tensor.Name == name + ".weight");
        float[] values = TorchLayout.ToChannelsLast(reference.Initial(weight.Name), weight.Shape[0], c, h, w);
        return b.Add(
            OpCatalog.Dense, [x, b.Constant(weight.Name, TensorData.FromFloats(weight.Shape, values)), Bias(b, reference, name)],
            new DenseAttributes(HasBias: true));
    }

    private static Value Bias(GraphBuilder b, TorchReference reference, string name)
    {
        float[] values = reference.Initial(name + ".bias");
        return b.Constant(name + ".bias", TensorData.FromFloats(new Shape(values.Length), values));
    }

    private static Value Relu(GraphBuilder b, Value x) => b.Add(OpCatalog.Activate, [x], new ActivateAttributes(Activation.Relu));

    private static Value Lrn(GraphBuilder b, Value x) => b.Add(OpCatalog.LocalResponseNorm, [x], new LocalResponseNormAttributes(5, 1f / 5, 0.75f, 2));

    private static Value MaxPool(GraphBuilder b, Value x, int side) =>
        b.Add(OpCatalog.MaxPool2d, [x], new MaxPool2dAttributes(new Window2d(side, side, 2, 2, 1, 1, Padding2d.None)));
}
