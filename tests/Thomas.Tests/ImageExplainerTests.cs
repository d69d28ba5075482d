using System;
using System.Linq;
using Thomas.Architectures;
using Thomas.Autodiff;
using Thomas.Data;
using Thomas.Data.Handwriting;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;
using Thomas.Runtime;
using Thomas.Tests.Data;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests;

public sealed class ImageExplainerTests(ITestOutputHelper output)
{
    private const int Side = 12, Channels = 5, Classes = 3;

    private enum Head
    {
        Pooled, Flattened, Deep,
    }

    [Fact]
    public void With_pooling_and_one_layer_the_map_is_the_class_activation_map()
    {
        Model model = Small(Head.Pooled, out Value activation, out float[] weights, out float[] bias);
        RgbImage image = Images.Noise(Side, Side, 3);
        using ImageExplainer explainer = new(model);
        float[] a = Values(model, activation, image), logits = Values(model, Logits(model), image);
        int cells = explainer.MapWidth * explainer.MapHeight;
        for (int c = 0; c < Classes; c++)
        {
            ClassActivation map = explainer.Explain(image, c);
            double sum = bias[c];
            for (int i = 0; i < cells; i++)
            {
                double cam = 0;
                for (int k = 0; k < Channels; k++) cam += weights[(c * Channels) + k] * a[(i * Channels) + k] / cells;
                Assert.Equal(cam, map.Cells[i], 1e-5);
                sum += map.Cells[i];
            }

            Assert.Equal(logits[c], sum, 1e-4);
            Assert.Equal(c, map.Class.Index);
        }
    }

    [Fact]
    public void With_a_flattened_activation_the_cells_and_the_bias_add_up_to_the_logit()
    {
        Model model = Small(Head.Flattened, out Value activation, out float[] weights, out float[] bias);
        RgbImage image = Images.Noise(Side, Side, 4);
        using ImageExplainer explainer = new(model);
        float[] a = Values(model, activation, image), logits = Values(model, Logits(model), image);
        ClassActivation map = explainer.Explain(image, 1);
        double sum = bias[1];
        for (int i = 0; i < map.Cells.Length; i++)
        {
            double part = 0;
            for (int k = 0; k < Channels; k++) part += weights[a.Length + (i * Channels) + k] * (double)a[(i * Channels) + k];
            Assert.Equal(part, map.Cells[i], 1e-5);
            sum += map.Cells[i];
        }

        Assert.Equal(logits[1], sum, 1e-4);
        Assert.Equal(map.Cells.ToArray().Max(), map.Maximum);
        Assert.Equal(map.Cells[(1 * map.Width) + 2], map[1, 2]);
    }

    [Fact]
    public void The_gradient_is_that_of_central_differences()
    {
        Model model = Small(Head.Deep, out _, out _, out _);
        ActivationGradient graph = ActivationGradient.Build(model.Graph, model.Graph.Outputs[0], Logits(model))!;
        DoubleInterpreter run = new(graph.Graph);
        Rng rng = new(5);
        foreach (ref double x in run[graph.Graph.Inputs[0]]) x = rng.Uniform(0, 1);
        run[graph.Graph.Inputs[1]][2] = 1;
        run[graph.Graph.Inputs[1]][0] = run[graph.Graph.Inputs[1]][1] = 0;
        run[graph.Offset].Clear();
        run.Run();
        double[] gradient = run[graph.Graph.Outputs[3]].ToArray();
        Assert.Contains(gradient, g => Math.Abs(g) > 1e-3);
        for (int i = 0; i < gradient.Length; i += 7)
        {
            const double Step = 1e-6;
            double up = At(Step), down = At(-Step);
            run[graph.Offset][i] = 0;
            Assert.Equal((up - down) / (2 * Step), gradient[i], 1e-6);

            double At(double offset)
            {
                run[graph.Offset][i] = offset;
                run.Run();
                return run[graph.Graph.Outputs[0]][0];
            }
        }
    }

    [Fact]
    public void A_digit_in_a_corner_is_where_the_heat_is()
    {
        const int Canvas = 2 * HandwrittenSet.Side;
        Assert.True(ArchitectureCatalog.TryFind("lenet5", out Architecture? lenet));
        Preprocessing preprocessing = Preprocessing.Preset("unit", Canvas, Canvas) with { ColorOrder = ColorOrder.Gray };
        ModelInfo info = new() { Name = "corners", Labels = ["0", "1", "4"], Preprocessing = preprocessing };
        Model model = new(
            lenet.Build(new ArchitectureOptions { Classes = 3, Height = Canvas, Width = Canvas, Channels = 1, Seed = 1 }), info);
        (RgbImage[] learned, int[] classes, _) = Corners(600, seed: 1);
        Sample[] samples = [.. learned.Select((image, i) => new Sample(ImageSource.FromPixels($"{i}", image), classes[i], Subset.Train))];
        Dataset data = new("corners", ["0", "1", "4"], samples);
        using PreparedSet set = PreparedSet.Create(data, new NoDecoder(), new PreparedSetOptions { Preprocessing = preprocessing });
        TrainerOptions options = new() { Policy = new UpdatePolicy(UpdateKind.Scratch), Epochs = 4, Seed = 1 };
        Model trained = Trainer.Train(model, set, null, options).Model;

        (RgbImage[] images, int[] truth, int[] corners) = Corners(60, seed: 2);
        using ImageExplainer explainer = new(trained);
        int right = 0, there = 0;
        for (int i = 0; i < images.Length; i++)
        {
            ClassActivation map = explainer.Explain(images[i]);
            if (map.Class.Index != truth[i]) continue;
            right++;
            float[] heat = map.ToHeat(Canvas, Canvas);
            int hottest = Array.IndexOf(heat, heat.Max());
            there += (hottest / Canvas >= Canvas / 2 ? 2 : 0) + (hottest % Canvas >= Canvas / 2 ? 1 : 0) == corners[i] ? 1 : 0;
        }

        output.WriteLine($"{right} of {images.Length} right, the heat in the digit's quarter in {there} of them");
        Assert.True(right >= 50, $"{right} right");
        Assert.Equal(right, there);
    }

    [Fact]
    public void Both_classes_of_a_single_output_have_opposite_maps()
    {
        Model model = Small(Head.Pooled, out _, out _, out _, isBinary: true);
        RgbImage image = Images.Noise(Side, Side, 6);
        using ImageExplainer explainer = new(model);
        float[] high = explainer.Explain(image, 1).Cells.ToArray();
        Assert.Equal(high.Select(x => -x), explainer.Explain(image, 0).Cells.ToArray());
        Assert.Contains(high, x => Math.Abs(x) > 1e-6);
    }

    [Fact]
    public void Without_a_class_the_most_likely_one_is_explained_with_its_probability()
    {
        Model model = Small(Head.Deep, out _, out _, out _);
        RgbImage image = Images.Noise(Side, Side, 8);
        using ImageExplainer explainer = new(model, options: new CompileOptions { Threads = 2 });
        using ImageClassifier classifier = new(model);
        ClassScore best = classifier.Classify(image, 1)[0];
        ClassActivation map = explainer.Explain(image);
        Assert.Equal(best.Index, map.Class.Index);
        Assert.Equal(best.Probability, map.Class.Probability, 1e-5f);
        Assert.Equal(explainer.Explain(image, best.Index).Cells.ToArray(), map.Cells.ToArray());
        Assert.Throws<ArgumentOutOfRangeException>(() => explainer.Explain(image, Classes));
        Assert.Throws<ArgumentOutOfRangeException>(() => map[map.Height, 0]);
    }

    [Fact]
    public void A_network_that_keeps_no_rows_and_columns_is_refused()
    {
        GraphBuilder b = new();
        Value x = b.Input("image", new TensorType(DType.F32, new Shape(1, Side, Side, 3)));
        x = b.Add(OpCatalog.Reshape, [x], new ReshapeAttributes(new IntList(0, Side * Side * 3)), "flat");
        x = b.Add(OpCatalog.Dense, [x, b.Weights("w", 1, 4, Side * Side * 3), b.Weights("b", 2, 4)], new DenseAttributes(HasBias: true), "scores");
        Model model = new(b.Build(x), new ModelInfo { Name = "flat net", Preprocessing = Preprocessing.Preset("unit", Side, Side) });
        ThomasException e = Assert.Throws<ThomasException>(() => new ImageExplainer(model));
        Assert.Contains("flat net: it cannot be shown where this model looks, because none of its layers keeps", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_architecture_can_be_explained()
    {
        foreach (Architecture architecture in ArchitectureCatalog.All)
        {
            int size = Math.Max(architecture.MinimumSize, Math.Min(architecture.DefaultSize, 64));
            Graph graph = architecture.Build(new ArchitectureOptions
            {
                Classes = 4,
                Height = size,
                Width = size,
                Channels = architecture.DefaultChannels,
                Seed = 1,
            });
            Preprocessing preprocessing = Preprocessing.Preset("unit", size, size);
            if (architecture.DefaultChannels == 1) preprocessing = preprocessing with { ColorOrder = ColorOrder.Gray };
            using ImageExplainer explainer = new(new Model(graph, new ModelInfo { Name = architecture.Name, Preprocessing = preprocessing }));
            ClassActivation map = explainer.Explain(Images.Noise(size, size, 9), 2);
            output.WriteLine($"{architecture.Name}: {map.Height}x{map.Width} of '{explainer.Layer}', {map.Maximum}");
            Assert.True(map.Width * map.Height > 1);
            Assert.All(map.Cells.ToArray(), cell => Assert.True(float.IsFinite(cell)));

            // With random weights the scores of a class can all be below 0, where a ReLU follows them.
            Assert.Contains(Enumerable.Range(0, 4), c => explainer.Explain(Images.Noise(size, size, 9), c).Cells.ContainsAnyExcept(0f));
        }
    }

    [Fact]
    public void Every_shape_of_a_last_layer_can_be_explained()
    {
        foreach (TinyModels.HeadStyle style in Enum.GetValues<TinyModels.HeadStyle>())
        {
            using ImageExplainer explainer = new(TinyModels.Create(style));
            ClassActivation map = explainer.Explain(Images.Noise(16, 16, 2), 1);
            output.WriteLine($"{style}: {map.Height}x{map.Width} of '{explainer.Layer}', {map.Maximum}");
            Assert.Contains(map.Cells.ToArray(), cell => float.IsFinite(cell) && cell != 0);
        }
    }

    [Fact]
    public void Heat_is_between_0_and_1_and_keeps_the_place_of_the_hottest_cell()
    {
        ClassActivation map = new(new ClassScore(0, "a", 1, 1), 3, 2, [-1, 0, 2, 1, 4, 0]);
        float[] heat = map.ToHeat(30, 20);
        Assert.All(heat, h => Assert.InRange(h, 0, 1));
        Assert.Equal(1, heat[(15 * 30) + 15], 0.06);
        Assert.Equal(0, heat[0]);
        Assert.Equal([0, 0, 0.5f, 0.25f, 1, 0], map.ToHeat(3, 2));
        Assert.All(new ClassActivation(new ClassScore(0, "a", 1, 1), 2, 1, [-1, 0]).ToHeat(4, 4), h => Assert.Equal(0, h));
        Assert.All(new ClassActivation(new ClassScore(0, "a", 1, 1), 2, 1, [float.NaN, float.NaN]).ToHeat(4, 4), h => Assert.Equal(0, h));
    }

    /// <summary>A convolution with ReLU, and a head behind it.</summary>
    private static Model Small(Head head, out Value activation, out float[] weights, out float[] bias, bool isBinary = false)
    {
        int classes = isBinary ? 1 : Classes;
        GraphBuilder b = new();
        Value x = b.Input("image", new TensorType(DType.F32, new Shape(1, Side, Side, 3)));
        activation = b.Add(
            OpCatalog.Conv2d, [x, b.Weights("filter", 1, Channels, 3, 3, 3)],
            new Conv2dAttributes(new Window2d(3, 3, 3, 3, 1, 1, default), Activation: new Activation(ActivationKind.Relu)), "activation");
        int cells = activation.Shape[1] * activation.Shape[2];
        Value y = head == Head.Pooled
            ? b.Add(OpCatalog.Reduce, [activation], new ReduceAttributes(ReduceKind.Mean, new IntList(1, 2), KeepDims: false), "pooled")
            : b.Add(OpCatalog.Reshape, [activation], new ReshapeAttributes(new IntList(0, cells * Channels)), "flat");
        if (head == Head.Deep)
        {
            Value hidden = b.Weights("hidden", 4, 6, cells * Channels);
            y = b.Add(OpCatalog.Dense, [y, hidden, b.Weights("shift", 5, 6)], new DenseAttributes(HasBias: true), "hidden.y");
            y = b.Add(OpCatalog.Activate, [y], new ActivateAttributes(new Activation(ActivationKind.Tanh)), "hidden.tanh");
        }

        int inputs = y.Shape[1];
        (weights, bias) = (TestGraphs.Noise(classes * inputs, 2), TestGraphs.Noise(classes, 3));
        Value w = b.Constant("head", TensorData.FromFloats(new Shape(classes, inputs), weights));
        Value shift = b.Constant("bias", TensorData.FromFloats(new Shape(classes), bias));
        y = b.Add(OpCatalog.Dense, [y, w, shift], new DenseAttributes(HasBias: true), "logits");
        y = isBinary
            ? b.Add(OpCatalog.Activate, [y], new ActivateAttributes(new Activation(ActivationKind.Sigmoid)), "probability")
            : b.Add(OpCatalog.Softmax, [y], new SoftmaxAttributes(), "probabilities");
        return new Model(b.Build(y), new ModelInfo { Name = "small", Preprocessing = Preprocessing.Preset("unit", Side, Side) with { CropMargin = 1 } });
    }

    private static Value Logits(Model model) => model.Graph.Values.First(value => value.Name == "logits");

    /// <summary>A value of the graph for an image, computed in double.</summary>
    private static float[] Values(Model model, Value value, RgbImage image)
    {
        Preprocessor preprocessor = new(model.Info.Preprocessing!);
        float[] input = new float[preprocessor.InputLength];
        preprocessor.Run(image, input);
        DoubleInterpreter run = new(model.Graph);
        for (int i = 0; i < input.Length; i++) run[model.Graph.Inputs[0]][i] = input[i];
        run.Run();
        return [.. run[model.Graph.Values[value.Id]].ToArray().Select(x => (float)x)];
    }

    /// <summary>Handwritten digits, each in one quarter of an otherwise empty canvas: 0 and 1 above, 2 and 3 below.</summary>
    private static (RgbImage[] Images, int[] Classes, int[] Corners) Corners(int count, ulong seed)
    {
        const int Digit = HandwrittenSet.Side, Canvas = 2 * Digit;
        HandwrittenSet set = HandwrittenSet.Create("014", count, seed);
        Rng rng = new(seed);
        RgbImage[] images = new RgbImage[count];
        int[] classes = new int[count], corners = new int[count];
        for (int i = 0; i < count; i++)
        {
            (classes[i], corners[i]) = (set.Label(i), rng.Next(4));
            byte[] pixels = new byte[Canvas * Canvas * 3];
            ReadOnlySpan<byte> digit = set.Pixels(i);
            for (int p = 0; p < digit.Length; p++)
            {
                int y = (p / Digit) + (corners[i] / 2 * Digit), x = (p % Digit) + (corners[i] % 2 * Digit);
                pixels.AsSpan(((y * Canvas) + x) * 3, 3).Fill(digit[p]);
            }

            images[i] = new RgbImage(Canvas, Canvas, pixels);
        }

        return (images, classes, corners);
    }

    private sealed class NoDecoder : IImageDecoder
    {
        public string Identity => "none";

        public RgbImage Decode(ReadOnlyMemory<byte> encoded, int minimumShortSide) => throw new NotSupportedException();
    }
}
