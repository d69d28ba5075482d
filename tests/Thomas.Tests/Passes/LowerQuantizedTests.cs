using System;
using System.Collections.Generic;
using System.Linq;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;
using Thomas.Passes;
using Thomas.Runtime;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Passes;

/// <summary>What lies between two grids is computed in integers, and gives what the rounded reals give but for a last step.</summary>
public sealed class LowerQuantizedTests
{
    private static readonly CompileOptions Cpu = new() { Threads = 2 }, Serial = new() { Device = DeviceKind.Serial },
        Reals = new() { Threads = 1, PassesOff = ["lower-quantized"] };

    private static readonly FakeQuantizeAttributes Input = Grid(1f / 64, 0), Middle = Grid(0.05f, -20), Last = Grid(0.08f, 5);

    [Fact]
    public void A_network_of_all_kinds_is_integers_from_end_to_end()
    {
        Graph graph = Network(), lowered = LowerQuantized.Run(graph);
        GraphVerifier.Verify(lowered);
        Assert.All(lowered.Nodes, node => Assert.True(
            node.Op is Quantize or Dequantize || node.Inputs[0].Type.DType is DType.I8 or DType.U8, $"{node} computes with real numbers"));
        Assert.Equal(1, Count<Quantize>(lowered));
        Assert.Equal(1, Count<Dequantize>(lowered));
        Assert.Equal((4, 1), (Count<QuantizedConv2d>(lowered), Count<QuantizedDepthwiseConv2d>(lowered)));
        Assert.Equal((1, 1, 2), (Count<QuantizedAdd>(lowered), Count<QuantizedMultiply>(lowered), Count<QuantizedAveragePool2d>(lowered)));
        Assert.Equal((1, 1, 1), (Count<Concat>(lowered), Count<MaxPool2d>(lowered), Count<QuantizedSoftmax>(lowered)));
        Assert.True(Count<LookUp>(lowered) >= 2);
    }

    [Fact]
    public void Every_device_and_both_forms_agree()
    {
        Graph graph = Network(softmax: false);
        foreach (uint seed in (uint[])[1, 2, 3, 4, 5])
        {
            float[] reals = TestGraphs.Run(graph, Reals, seed: seed), integers = TestGraphs.Run(graph, Cpu, seed: seed);
            Assert.Equal(TestGraphs.Run(graph, Serial, seed: seed), integers);
            CompileOptions fixedPoint = Cpu with { QuantizedRounding = QuantizedRounding.FixedPoint };
            float[] other = TestGraphs.Run(graph, fixedPoint, seed: seed);
            Assert.Equal(TestGraphs.Run(graph, Serial with { QuantizedRounding = QuantizedRounding.FixedPoint }, seed: seed), other);

            // Each layer may round a step otherwise, and the next ones carry it on: a few steps of the scores, which spread over many.
            float step = Last.Quantization.Scales[0];
            Assert.True(reals.Max() - reals.Min() > 20 * step, "the scores do not differ");
            Assert.InRange(reals.Zip(integers, (x, y) => Math.Abs(x - y)).Average(), 0, 3 * step);
            Assert.InRange(reals.Zip(other, (x, y) => Math.Abs(x - y)).Average(), 0, 3 * step);
        }
    }

    [Fact]
    public void Batches_give_what_single_images_give()
    {
        Graph graph = Network();
        using Executable three = Executable.Compile(graph, 3, Cpu), one = Executable.Compile(graph, 1, Cpu);
        float[] images = TestGraphs.Noise(three.Input().Length, 11);
        images.CopyTo(three.Input());
        three.Run();
        int size = one.Input().Length, scores = one.Output().Length;
        for (int n = 0; n < 3; n++)
        {
            images.AsSpan(n * size, size).CopyTo(one.Input());
            one.Run();
            Assert.Equal(one.Output().ToArray(), three.Output().Slice(n * scores, scores).ToArray());
        }
    }

    [Fact]
    public void What_reads_real_numbers_gets_them()
    {
        GraphBuilder b = new();
        Value x = Rounded(b, b.Input("x", new TensorType(DType.F32, new Shape(1, 4, 4, 8))), Input, "in");
        Value y = Rounded(b, Conv(b, x, "conv", 8, 8), Middle, "mid");
        Graph graph = b.Build(b.Add(OpCatalog.Exp, [y]), y, x), lowered = LowerQuantized.Run(graph);
        Assert.Equal((1, 1, 1), (Count<QuantizedConv2d>(lowered), Count<Quantize>(lowered), Count<Exp>(lowered)));
        Assert.Equal(2, Count<Dequantize>(lowered));

        // Only the exponential is not the same bits on both.
        int exponentials = y.Shape.ElementCount;
        Assert.Equal(TestGraphs.Run(graph, Cpu)[exponentials..], TestGraphs.Run(graph, Serial)[exponentials..]);
    }

    [Theory]
    [InlineData("weights off their grid")]
    [InlineData("weights without a grid")]
    [InlineData("bias off its grid")]
    [InlineData("no grid before")]
    [InlineData("an activation that is no clipping")]
    [InlineData("16 bits")]
    public void What_is_not_8_bits_stays_real(string what)
    {
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(1, 4, 4, 8)));
        if (what != "no grid before") x = Rounded(b, x, what == "16 bits" ? Input with { Minimum = -32768, Maximum = 32767 } : Input, "in");
        float[] numbers = TestGraphs.Noise(64, 3);
        Quantization grid = new([0.01f], [0]);
        if (what != "weights off their grid") numbers = Array.ConvertAll(numbers, w => MathF.Round(w * 100) * 0.01f);
        Value w = b.Constant("w", TensorData.FromFloats(new Shape(8, 1, 1, 8), numbers, what == "weights without a grid" ? null : grid));
        float step = Input.Quantization.Scales[0] * 0.01f;
        float[] shift = Array.ConvertAll(TestGraphs.Noise(8, 4), v => what == "bias off its grid" ? v : MathF.Round(v / step) * step);
        Value bias = b.Constant("b", TensorData.FromFloats(new Shape(8), shift, null));
        Activation activation = what == "an activation that is no clipping" ? new Activation(ActivationKind.HardSwish) : Activation.Relu6;
        Value y = b.Add(OpCatalog.Conv2d, [x, w, bias], new Conv2dAttributes(new Window2d(1, 1), HasBias: true, Activation: activation), "conv");
        Graph graph = b.Build(Rounded(b, y, Middle, "out"));
        Assert.Equal(0, Count<QuantizedConv2d>(LowerQuantized.Run(graph)));
        Assert.Equal(TestGraphs.Run(graph, Reals), TestGraphs.Run(graph, Cpu));
    }

    [Fact]
    public void The_bias_of_a_file_is_taken_as_it_was_stored()
    {
        // 30,000,001 steps are no float32.
        int[] stored = [30_000_001, -5, 0, 7];
        float step = Input.Quantization.Scales[0] * 0.01f;
        TensorData bias = TensorData.FromFloats(
            new Shape(4), Array.ConvertAll(stored, q => q * step), new Quantization([step], [0]),
            System.Runtime.InteropServices.MemoryMarshal.AsBytes(stored.AsSpan()).ToArray());
        TensorData steps = StoredSteps.OfBias(bias, Input.Quantization.Scales[0], new Quantization([0.01f], [0]))!;
        Assert.Equal(stored, steps.Ints.ToArray());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(119)]
    public void Weights_come_back_as_the_integers_of_the_file(int zero)
    {
        int[] q = [.. Enumerable.Range(0, 240).Select(i => zero == 0 ? (i % 256) - 128 : i)];
        float[] scales = [0.013f, 0.7f, 1e-6f];
        int channels = zero == 0 ? 3 : 1;
        float[] real = [.. q.Select((step, i) => (step - zero) * scales[channels == 1 ? 0 : i / 80])];
        Quantization grid = new(scales.AsSpan(0, channels), new int[channels].Select(_ => zero).ToArray());
        TensorData steps = StoredSteps.Of(TensorData.FromFloats(new Shape(3, 80), real, grid), 0)!;
        Assert.Equal(zero == 0 ? DType.I8 : DType.U8, steps.Type.DType);
        Assert.Equal(q, zero == 0 ? steps.Bytes.ToArray().Select(x => (int)(sbyte)x) : steps.Bytes.ToArray().Select(x => (int)x));
        real[17] *= 1.0001f;
        Assert.Null(StoredSteps.Of(TensorData.FromFloats(new Shape(3, 80), real, grid), 0));
    }

    private static FakeQuantizeAttributes Grid(float scale, int zero) => new(new Quantization([scale], [zero]), -128, 127);

    private static int Count<TOp>(Graph graph) => graph.Nodes.Count(node => node.Op is TOp);

    private static Value Rounded(GraphBuilder b, Value x, FakeQuantizeAttributes grid, string name) => b.Add(OpCatalog.FakeQuantize, [x], grid, name);

    /// <summary>Weights on a grid for each output channel.</summary>
    private static Value Weights(GraphBuilder b, string name, int axis, params int[] dims)
    {
        Shape shape = new(dims);
        int channels = dims[axis], inner = shape.Product(axis + 1, shape.Rank);
        float[] scales = [.. Enumerable.Range(0, channels).Select(c => 0.004f + (0.0005f * (c % 5)))];
        float[] real = TestGraphs.Noise(shape.ElementCount, (uint)name.Length);
        for (int i = 0; i < real.Length; i++)
        {
            float scale = scales[i / inner % channels];
            real[i] = Math.Clamp(MathF.Round(real[i] * 0.5f / scale), -127, 127) * scale;
        }

        return b.Constant(name, TensorData.FromFloats(shape, real, new Quantization(scales, new int[channels], axis)));
    }

    private static Value Conv(GraphBuilder b, Value x, string name, int cIn, int cOut, Activation activation = default) => b.Add(
        OpCatalog.Conv2d, [x, Weights(b, $"{name}/w", 0, cOut, 1, 1, cIn)], new Conv2dAttributes(new Window2d(1, 1), Activation: activation), name);

    private static Graph Network(bool softmax = true)
    {
        GraphBuilder b = new();
        Value x = Rounded(b, b.Input("x", new TensorType(DType.F32, new Shape(1, 12, 10, 3))), Input, "in");
        Window2d window = new(3, 3, 2, 2, 1, 1, new Padding2d(0, 0, 1, 1)), same = new(3, 3, 1, 1, 1, 1, new Padding2d(1, 1, 1, 1));
        x = b.Add(OpCatalog.Conv2d, [x, Weights(b, "first", 0, 16, 3, 3, 3)], new Conv2dAttributes(window, Activation: Activation.Relu6), "c1");
        Value a = Rounded(b, x, Middle, "a");
        Value d = b.Add(
            OpCatalog.DepthwiseConv2d, [a, Weights(b, "depth", 3, 1, 3, 3, 16)], new DepthwiseConv2dAttributes(same), "d1");
        ActivateAttributes hardSwish = new(new Activation(ActivationKind.HardSwish));
        Value deep = Rounded(b, b.Add(OpCatalog.Activate, [Rounded(b, d, Last, "deep")], hardSwish), Middle, "hs");
        Value sum = Rounded(b, b.Add(OpCatalog.Add, [a, Rounded(b, Conv(b, deep, "project", 16, 16), Last, "p")]), Middle, "sum");
        Value mean = b.Add(OpCatalog.Reduce, [sum], new ReduceAttributes(ReduceKind.Mean, new IntList(1, 2), true), "squeeze");
        Value gate = b.Add(
            OpCatalog.Activate, [Rounded(b, Conv(b, Rounded(b, mean, Last, "m"), "excite", 16, 16), Last, "e")],
            new ActivateAttributes(new Activation(ActivationKind.Sigmoid)), "gate");
        Value scaled = Rounded(b, b.Add(OpCatalog.Multiply, [sum, Rounded(b, gate, Grid(1f / 256, -128), "g")]), Last, "scaled");
        Value pooled = b.Add(OpCatalog.MaxPool2d, [scaled], new MaxPool2dAttributes(new Window2d(2, 2)), "max");
        Value average = b.Add(OpCatalog.AveragePool2d, [scaled], new AveragePool2dAttributes(new Window2d(2, 2)), "mean");
        Value[] parts = [pooled, Rounded(b, average, Last, "avg"), Rounded(b, pooled, Middle, "other")];
        Value joined = Rounded(b, b.Add(OpCatalog.Concat, parts, new ConcatAttributes(3)), Middle, "cat");
        Value flat = b.Add(OpCatalog.Reshape, [joined], new ReshapeAttributes(new IntList(0, -1)), "flat");
        int features = flat.Shape[1];
        Value y = b.Add(OpCatalog.Dense, [flat, Weights(b, "head", 0, 7, features)], new DenseAttributes(), "scores");
        y = Rounded(b, y, Last, "out");
        if (softmax) y = Rounded(b, b.Add(OpCatalog.Softmax, [y], new SoftmaxAttributes()), Grid(1f / 256, -128), "probabilities");
        return b.Build(y);
    }
}
