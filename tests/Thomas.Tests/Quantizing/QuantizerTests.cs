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
using Thomas.Tests.Data;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Quantizing;

public sealed class QuantizerTests(ITestOutputHelper output)
{
    private const int Side = SmallNetworks.Side, Classes = SmallNetworks.Classes;

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
        QuantizedModel quantized = Quantized(SmallNetworks.Build(kind));
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
        Model quantized = Quantized(SmallNetworks.Build(kind)).Model;
        Assert.Equal(floatLayers, IntegerPlan.Of(quantized.Graph).FloatLayers().Count);
        FileGraph file = GraphEmitter.Emit(quantized, integers: true);
        foreach (FileOperator call in file.Operators) output.WriteLine($"{call.Code} {string.Join(' ', call.Inputs.Select(i => file.Tensors[i].Type))}");
        Assert.Equal(kind == "unusual" ? 2 : 1, file.Operators.Count(call => call.Code == BuiltinOperator.DEQUANTIZE));
    }

    // Unsigned grids of .onnx files become the signed ones of .tflite files: the same numbers, in integers again, that can be completed.
    [Theory]
    [InlineData("mobile")]
    [InlineData("excite")]
    [InlineData("fire")]
    [InlineData("residual")]
    [InlineData("gates")]
    public void A_QDQ_file_becomes_a_file_of_integers_again(string kind)
    {
        Model onnx = Again(Quantized(SmallNetworks.Build(kind)).Model, ModelFormat.Onnx);
        Assert.NotEmpty(IntegerPlan.Of(onnx.Graph).FloatLayers());
        Model lite = Again(onnx, ModelFormat.TfLite, new SaveOptions { Integers = true });
        Assert.Empty(IntegerPlan.Of(lite.Graph).FloatLayers());
        CompileOptions real = OneThread with { PassesOff = ["lower-quantized"] };
        foreach (float[] input in Inputs()) Assert.Equal(Scores(onnx, input, real), Scores(lite, input, real));
        foreach (Model complete in (Model[])[onnx, lite]) Assert.Empty(IntegerPlan.Of(Quantized(complete).Model.Graph).FloatLayers());
    }

    [Fact]
    public void Calibration_images_are_found_behind_links_and_once()
    {
        using TemporaryFolder folder = new();
        Directory.CreateDirectory(folder["images/inner"]);
        Data.Images.Save(folder["images/inner/a.png"], 1);
        Data.Images.Save(folder["b.png"], 2);
        File.CreateSymbolicLink(folder["images/b.png"], folder["b.png"]);
        Directory.CreateSymbolicLink(folder["images/loop"], folder["images"]);
        Directory.CreateSymbolicLink(folder["linked"], folder["images"]);
        foreach (string place in (string[])["images", "linked"])
        {
            Assert.Equal(["a.png", "b.png"], CalibrationImages.Load([folder[place]], 9).Samples.Select(s => Path.GetFileName(s.Image.Name)).Order());
        }
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
            QuantizedModel result = Quantized(SmallNetworks.Build(kind), new QuantizerOptions { Range = range, Percentile = 99.9, Compile = OneThread });
            output.WriteLine($"{kind} {range}: {result.SignalToNoise:F1} dB, {result.Agreement:P0}");
            Assert.InRange(result.SignalToNoise, decibels, 80);
        }
    }

    // Channels of very different size share one grid: without equalization the small ones are lost in its steps.
    [Fact]
    public void Equalization_saves_small_channels()
    {
        Model model = Uneven(SmallNetworks.Build("residual"));
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
        Model model = Uneven(SmallNetworks.Build("residual"));
        Graph graph = IntegerForm.Run(model.Graph);
        Dictionary<Value, ValueStatistics> statistics = [];
        foreach (Value value in Equalization.Candidates(graph)) statistics.Add(value, new ValueStatistics(value));
        Assert.NotEmpty(statistics);
        using PreparedSet set = PreparedSet.Create(
            Calibration(), new ManagedImageDecoder(), new PreparedSetOptions { Preprocessing = model.Info.Preprocessing!, MayLoseClasses = true },
            cancellation: TestContext.Current.CancellationToken);
        new Calibration(set, OneThread, Thomas.Quantizing.Calibration.MostTurnBytes, null, default).Run(
            graph, [.. statistics.Keys], "x", (_, value, numbers) => statistics[value].Add(numbers));
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
        Model model = SmallNetworks.Build("mobile");
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

    // Inputs that move together leave freedom to round: what the sum of two weights gives counts, not each.
    [Theory]
    [InlineData("conv")]
    [InlineData("depthwise")]
    [InlineData("dense")]
    public void Fitted_weights_give_closer_results(string kind)
    {
        const int Channels = 12;
        (int side, int kernel) = kind == "dense" ? (1, 1) : (9, 3);
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, kind == "dense" ? new Shape(1, Channels) : new Shape(1, side, side, Channels)));
        Window2d window = new(kernel, kernel, 1, 1, 1, 1, new Padding2d(1, 1, 1, 1));
        Shape shape = kind == "dense" ? new Shape(20, Channels) : kind == "conv" ? new Shape(20, 3, 3, Channels) : new Shape(1, 3, 3, Channels);
        Value filter = b.Constant("filter", TensorData.FromFloats(shape, TestGraphs.Noise(shape.ElementCount, 3)));
        Value y = kind == "dense" ? b.Add(OpCatalog.Dense, [x, filter], new DenseAttributes(), "y")
            : kind == "conv" ? b.Add(OpCatalog.Conv2d, [x, filter], new Conv2dAttributes(window), "y")
            : b.Add(OpCatalog.DepthwiseConv2d, [x, filter], new DepthwiseConv2dAttributes(window), "y");
        Assert.True(LinearNode.TryGet(b.Build(y).Nodes[0], out LinearNode layer));
        InputMoments moments = new(layer, 2048);
        float[][] images = new float[200][];
        double[] means = new double[Channels];
        for (int i = 0; i < images.Length; i++)
        {
            float[] own = TestGraphs.Noise(x.Shape.ElementCount, (uint)i), common = TestGraphs.Noise(1, (uint)i + 900);
            images[i] = Array.ConvertAll(own, number => 1 + common[0] + (0.1f * number));
            for (int k = 0; k < own.Length; k++) means[k % Channels] += images[i][k] / (images.Length * own.Length / Channels);
            moments.Add(i, images[i], 1);
        }

        RoundedLayer nearest = GridInsertion.Nearest(layer, 0.01f, means);
        RoundedLayer fitted = LayerRounding.Run(layer, moments, kind != "dense", 0.01f, corrects: true, 1, TestContext.Current.CancellationToken);
        double before = Error(nearest), after = Error(fitted);
        output.WriteLine($"{kind}: squared error {before:E2}, fitted {after:E2}");
        Assert.True(after < 0.6 * before, $"{after} and {before}");

        double Error(RoundedLayer rounded)
        {
            GraphBuilder again = new();
            Value input = again.Input("x", x.Type), bias = again.Constant("bias", TensorData.FromFloats(
                new Shape(rounded.Bias.Length), Array.ConvertAll(rounded.Bias, static number => (float)number)));
            Value w = again.Constant("w", TensorData.FromFloats(shape, rounded.Weights.ToFloats())), exact = again.Constant("exact", filter.Constant!);
            Value a = again.Add(layer.Node.Op, [input, w, bias], layer.With(hasBias: true, hasResidual: false, default), "rounded");
            Value c = again.Add(layer.Node.Op, [input, exact], layer.Node.Attributes, "exact/y");
            using Executable executable = Executable.Compile(again.Build(again.Add(OpCatalog.Subtract, [a, c], null, "difference")), 1, OneThread);
            double sum = 0;
            foreach (float[] image in images)
            {
                image.CopyTo(executable.Input());
                executable.Run();
                foreach (float number in executable.Output()) sum += (double)number * number;
            }

            return sum;
        }
    }

    // Each grid is chosen for the outputs alone, so what they lose together may vary; it must not be much more.
    [Fact]
    public void Ranges_by_output_are_no_worse()
    {
        foreach (string kind in SmallNetworks.Kinds)
        {
            QuantizerOptions options = new() { Compile = OneThread };
            double with = Quantized(SmallNetworks.Build(kind), options).SignalToNoise;
            double without = Quantized(SmallNetworks.Build(kind), options with { Range = CalibrationRange.LeastError }).SignalToNoise;
            output.WriteLine($"{kind}: {with:F2} dB, by the error of each value {without:F2}");
            Assert.True(with > without - 0.5, $"{kind}: {with} and {without}");
        }
    }

    [Theory]
    [InlineData(IntegerEnds.Int8)]
    [InlineData(IntegerEnds.UInt8)]
    public void Files_may_take_and_give_integers(IntegerEnds ends)
    {
        Model quantized = Quantized(SmallNetworks.Build("mobile")).Model;
        Model again = Again(quantized, ModelFormat.TfLite, new SaveOptions { Ends = ends });
        foreach (float[] input in Inputs()) Assert.Equal(Scores(quantized, input), Scores(again, input));
        FileGraph file = GraphEmitter.Emit(quantized, integers: true, ends);
        Assert.Equal(ends.ToString().ToUpperInvariant(), file.Tensors[file.Inputs[0]].Type.ToString());
        Assert.Equal(ends.ToString().ToUpperInvariant(), file.Tensors[file.Outputs[0]].Type.ToString());
    }

    [Fact]
    public void The_file_is_a_quarter_as_large()
    {
        Model model = SmallNetworks.Build("mobile", width: 64);
        using MemoryStream full = new(), small = new();
        model.Save(full, ModelFormat.TfLite);
        Quantized(model).Model.Save(small, ModelFormat.TfLite);
        Assert.InRange((double)small.Length / full.Length, 0.2, 0.4);
    }

    // Only what was trained has left its grid: the rest keeps it, bit for bit.
    [Fact]
    public void A_trained_8_bit_network_is_completed()
    {
        Model first = Again(Quantized(SmallNetworks.Build("mobile")).Model, ModelFormat.TfLite);
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
            () => Quantizer.Quantize(SmallNetworks.Build("mobile"), Calibration(), new ManagedImageDecoder(), null, null, source.Token));
    }

    [Fact]
    public void Images_are_needed()
    {
        Dataset none = new("none", ["x"], []);
        DataException error = Assert.Throws<DataException>(() => Quantizer.Quantize(SmallNetworks.Build("mobile"), none, new ManagedImageDecoder()));
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

    internal static Dataset Calibration()
    {
        List<Sample> samples = [];
        for (int i = 0; i < 12; i++) samples.Add(new Sample(ImageSource.FromPixels($"{i}", Data.Images.Noise(Side, Side, (ulong)i)), 0, Subset.Unassigned));
        return new Dataset("noise", ["x"], samples);
    }

    internal static IEnumerable<float[]> Inputs()
    {
        for (int i = 0; i < 8; i++) yield return Array.ConvertAll(TestGraphs.Noise(Side * Side * 3, (uint)i), static x => (x + 1) / 2);
    }

    internal static float[] Scores(Model model, float[] input, CompileOptions? compile = null)
    {
        using Executable executable = Executable.Compile(model.Graph, 1, compile ?? OneThread);
        input.CopyTo(executable.Input());
        executable.Run();
        return executable.Output().ToArray();
    }

    internal static Model Again(Model model, ModelFormat format, SaveOptions? options = null)
    {
        using MemoryStream stream = new();
        model.Save(stream, format, options ?? new SaveOptions());
        stream.Position = 0;
        return Model.Load(stream, $"again.{format}");
    }
}
