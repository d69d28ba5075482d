using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using Thomas.Data;
using Thomas.Formats.TfLite.Schema;
using Thomas.Formats.TfLite.Writing;
using Thomas.Graphs;
using Thomas.Imaging;
using Thomas.Kernels.Activations;
using Thomas.Ops;
using Thomas.Passes;
using Thomas.Quantizing;
using Thomas.Runtime;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Quantizing;

public sealed class QuantizerTests(ITestOutputHelper output)
{
    private const int Side = 16, Classes = 6;

    private static readonly CompileOptions OneThread = new() { Threads = 1 };

    [Theory]
    [InlineData("mobile")]
    [InlineData("excite")]
    [InlineData("fire")]
    [InlineData("residual")]
    [InlineData("gates")]
    [InlineData("unusual")]
    public void Both_formats_give_the_bits_back(string kind)
    {
        QuantizedModel quantized = Quantized(Network(kind));
        foreach (ModelFormat format in (ModelFormat[])[ModelFormat.TfLite, ModelFormat.Onnx])
        {
            Model again = Again(quantized.Model, format);
            Assert.True(again.Info.IsQuantized);
            // In integers, an .onnx file is computed as ONNX Runtime does, which adds tensors in float32; the numbers of the graph are the same.
            CompileOptions compile = format == ModelFormat.TfLite ? OneThread : OneThread with { PassesOff = ["lower-quantized"] };
            foreach (float[] input in Inputs()) Assert.Equal(Scores(quantized.Model, input, compile), Scores(again, input, compile));
        }
    }

    [Theory]
    [InlineData("mobile", 0)]
    [InlineData("excite", 0)]
    [InlineData("fire", 0)]
    [InlineData("residual", 0)]
    [InlineData("gates", 0)]
    [InlineData("unusual", 0)]
    public void All_layers_compute_in_integers(string kind, int floatLayers)
    {
        Model quantized = Quantized(Network(kind)).Model;
        Assert.Equal(floatLayers, IntegerPlan.Of(quantized.Graph).FloatLayers().Count);
        FileGraph file = GraphEmitter.Emit(quantized, integers: true);
        foreach (FileOperator call in file.Operators) output.WriteLine($"{call.Code} {string.Join(' ', call.Inputs.Select(i => file.Tensors[i].Type))}");
        Assert.Equal(kind == "unusual" ? 2 : 1, file.Operators.Count(call => call.Code == BuiltinOperator.DEQUANTIZE));
    }

    [Theory]
    [InlineData("mobile", 22)]
    [InlineData("excite", 22)]
    [InlineData("fire", 22)]
    [InlineData("residual", 22)]
    [InlineData("gates", 20)]
    public void The_network_stays_nearly_the_same(string kind, double decibels)
    {
        foreach (CalibrationRange range in Enum.GetValues<CalibrationRange>())
        {
            QuantizedModel result = Quantized(Network(kind), new QuantizerOptions { Range = range, Percentile = 99.9, Compile = OneThread });
            output.WriteLine($"{kind} {range}: {result.SignalToNoise:F1} dB, {result.Agreement:P0}");
            Assert.InRange(result.SignalToNoise, decibels, 80);
        }
    }

    // Channels of very different size share one grid: without equalization the small ones are lost in its steps.
    [Fact]
    public void Equalization_saves_small_channels()
    {
        Model model = Uneven(Network("residual"));
        double with = Quantized(model).SignalToNoise, without = Quantized(model, new QuantizerOptions { Equalize = false, Compile = OneThread }).SignalToNoise;
        output.WriteLine($"with {with:F1} dB, without {without:F1}");
        Assert.True(with > without + 3, $"with {with:F1} dB, without {without:F1}");
    }

    /// <summary>The same network with channels between two convolutions that get smaller and smaller, as folded batch normalization leaves them.</summary>
    private static Model Uneven(Model model)
    {
        GraphRewriter rewriter = new(model.Graph);
        double[] small = [.. Enumerable.Range(0, 8).Select(static c => Math.Pow(2, -c))], large = Array.ConvertAll(small, static s => 1 / s);
        foreach (Node node in model.Graph.Nodes)
        {
            bool gives = IsRectified(node), takes = node.Op is Conv2d && IsRectified(node.Inputs[0].Producer);
            if (gives || takes)
            {
                Value[] inputs = rewriter.MapInputs(node);
                TensorData weights = ConstantMath.Scale(node.Inputs[1].Constant!, gives ? 0 : 3, gives ? small : large);
                inputs[1] = rewriter.Builder.Constant(node.Inputs[1].Name, weights);
                if (gives) inputs[2] = rewriter.Builder.Constant(node.Inputs[2].Name, ConstantMath.Affine(node.Inputs[2].Constant, small, new double[8]));
                rewriter.Set(node.Output, rewriter.Builder.Add(node.Op, inputs, node.Attributes, node.Name));
            }
            else rewriter.Copy(node);
        }

        return new Model(rewriter.Build(), model.Info);

        static bool IsRectified(Node? node) => node?.Attributes is Conv2dAttributes a && a.Activation == Activation.Relu;
    }

    [Fact]
    public void Equalization_leaves_the_float_network_as_it_is()
    {
        Model model = Uneven(Network("residual"));
        Graph graph = IntegerForm.Run(model.Graph);
        Dictionary<Value, ValueStatistics> statistics = [];
        foreach (Value value in Equalization.Candidates(graph)) statistics.Add(value, new ValueStatistics(value));
        Assert.NotEmpty(statistics);
        using PreparedSet set = PreparedSet.Create(
            Calibration(), new ManagedImageDecoder(), new PreparedSetOptions { Preprocessing = model.Info.Preprocessing!, MayLoseClasses = true },
            cancellation: TestContext.Current.CancellationToken);
        new Calibration(set, OneThread, null, default).Run(graph, [.. statistics.Keys], "x", (_, value, numbers) => statistics[value].Add(numbers));
        Model equalized = new(Equalization.Run(graph, statistics), model.Info);
        float[] input = new float[set.InputLength];
        for (int i = 0; i < set.Count; i++)
        {
            set.Fill([i], 0, input);
            float[] expected = Scores(model, input), actual = Scores(equalized, input);
            for (int k = 0; k < expected.Length; k++) Assert.Equal(expected[k], actual[k], 1e-4f);
        }
    }

    [Fact]
    public void Corrected_biases_make_up_for_rounded_weights()
    {
        Model model = Network("mobile");
        double with = Offset(true), without = Offset(false);
        Assert.True(with < without, $"mean errors {with} and {without}");

        double Offset(bool correct)
        {
            Model quantized = Quantized(model, new QuantizerOptions { Equalize = false, CorrectBiases = correct, Compile = OneThread }).Model;
            float[] sum = new float[Classes];
            foreach (float[] input in Inputs())
            {
                float[] a = Scores(model, input), b = Scores(quantized, input);
                for (int i = 0; i < sum.Length; i++) sum[i] += b[i] - a[i];
            }

            return sum.Sum(static x => x * x);
        }
    }

    [Theory]
    [InlineData(IntegerEnds.Int8)]
    [InlineData(IntegerEnds.UInt8)]
    public void Files_may_take_and_give_integers(IntegerEnds ends)
    {
        Model quantized = Quantized(Network("mobile")).Model;
        Model again = Again(quantized, ModelFormat.TfLite, new SaveOptions { Ends = ends });
        foreach (float[] input in Inputs()) Assert.Equal(Scores(quantized, input), Scores(again, input));
        FileGraph file = GraphEmitter.Emit(quantized, integers: true, ends);
        Assert.Equal(ends.ToString().ToUpperInvariant(), file.Tensors[file.Inputs[0]].Type.ToString());
        Assert.Equal(ends.ToString().ToUpperInvariant(), file.Tensors[file.Outputs[0]].Type.ToString());
    }

    [Fact]
    public void The_file_is_a_quarter_as_large()
    {
        Model model = Network("mobile", width: 64);
        using MemoryStream full = new(), small = new();
        model.Save(full, ModelFormat.TfLite);
        Quantized(model).Model.Save(small, ModelFormat.TfLite);
        Assert.InRange((double)small.Length / full.Length, 0.2, 0.4);
    }

    // Only what was trained has left its grid: the rest keeps it, bit for bit.
    [Fact]
    public void A_trained_8_bit_network_is_completed()
    {
        Model first = Again(Quantized(Network("mobile")).Model, ModelFormat.TfLite);
        GraphRewriter rewriter = new(first.Graph);
        string? trained = null;
        foreach (Node node in first.Graph.Nodes)
        {
            if (node.Op is Dense)
            {
                float[] moved = Array.ConvertAll(node.Inputs[1].Constant!.ToFloats(), static w => w * 1.01f);
                trained = node.Inputs[1].Name;
                rewriter.Set(node.Inputs[1], rewriter.Builder.Constant(trained, TensorData.FromFloats(node.Inputs[1].Shape, moved)));
            }

            rewriter.Copy(node);
        }

        Model tuned = new(rewriter.Build(), first.Info);
        Assert.Single(IntegerPlan.Of(tuned.Graph).FloatLayers());
        Model completed = Quantized(tuned).Model;
        Assert.Empty(IntegerPlan.Of(completed.Graph).FloatLayers());
        Dictionary<string, TensorData> kept = completed.Graph.Values.Where(static v => v.IsConstant).ToDictionary(static v => v.Name, static v => v.Constant!);
        foreach (Value value in tuned.Graph.Values)
        {
            if (value.Constant is not { Type.Shape.Rank: > 1 } data || value.Name == trained) continue;
            Assert.True(data.Floats.SequenceEqual(kept[value.Name].Floats), value.Name);
        }
    }

    [Fact]
    public void Cancelling_ends_it()
    {
        using CancellationTokenSource source = new();
        source.Cancel();
        Assert.Throws<OperationCanceledException>(
            () => Quantizer.Quantize(Network("mobile"), Calibration(), new ManagedImageDecoder(), null, null, source.Token));
    }

    [Fact]
    public void Images_are_needed()
    {
        Dataset none = new("none", ["x"], []);
        DataException error = Assert.Throws<DataException>(() => Quantizer.Quantize(Network("mobile"), none, new ManagedImageDecoder()));
        Assert.Contains("no images", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Grids_of_other_kinds_are_refused()
    {
        GraphBuilder b = new();
        Value x = b.Input("image", new TensorType(DType.F32, new Shape(1, Side, Side, 3)));
        x = b.Add(OpCatalog.Activate, [x], new ActivateAttributes(Activation.Relu));
        x = b.Add(OpCatalog.FakeQuantize, [x], new FakeQuantizeAttributes(new Quantization([1f / 255], [0]), 0, 255));
        Model model = new(b.Build(x), new ModelInfo { Name = "unsigned", Preprocessing = Preprocessing.Preset("unit", Side, Side) });
        Assert.Contains("8-bit network already", Assert.Throws<ThomasException>(() => Quantized(model)).Message, StringComparison.Ordinal);
    }

    internal static QuantizedModel Quantized(Model model, QuantizerOptions? options = null) => Quantizer.Quantize(
        model, Calibration(), new ManagedImageDecoder(), options ?? new QuantizerOptions { Compile = OneThread }, null, TestContext.Current.CancellationToken);

    private static Dataset Calibration()
    {
        List<Sample> samples = [];
        for (int i = 0; i < 12; i++) samples.Add(new Sample(ImageSource.FromPixels($"{i}", Data.Images.Noise(Side, Side, (ulong)i)), 0, Subset.Unassigned));
        return new Dataset("noise", ["x"], samples);
    }

    private static IEnumerable<float[]> Inputs()
    {
        for (int i = 0; i < 8; i++) yield return Array.ConvertAll(TestGraphs.Noise(Side * Side * 3, (uint)i), static x => (x + 1) / 2);
    }

    private static float[] Scores(Model model, float[] input, CompileOptions? compile = null)
    {
        using Executable executable = Executable.Compile(model.Graph, 1, compile ?? OneThread);
        input.CopyTo(executable.Input());
        executable.Run();
        return executable.Output().ToArray();
    }

    private static Model Again(Model model, ModelFormat format, SaveOptions? options = null)
    {
        using MemoryStream stream = new();
        model.Save(stream, format, options ?? new SaveOptions());
        stream.Position = 0;
        return Model.Load(stream, $"again.{format}");
    }

    /// <summary>Small networks with the blocks of known ones.</summary>
    internal static Model Network(string kind, int width = 8)
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
