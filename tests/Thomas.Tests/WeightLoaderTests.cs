using System;
using System.Linq;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;
using Thomas.Tests.Formats.Safetensors;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests;

public sealed class WeightLoaderTests
{
    private static readonly Window2d Same3x3 = new(3, 3, 1, 1, 1, 1, new Padding2d(1, 1, 1, 1));

    private static readonly (string Name, uint Seed, int[] Sizes)[] SmallNet =
    [
        ("conv.weight", 1, [4, 3, 3, 3]), ("bn.weight", 2, [4]), ("bn.bias", 3, [4]), ("bn.running_mean", 4, [4]), ("bn.running_var", 5, [4]),
        ("dw.weight", 6, [4, 1, 3, 3]), ("dw.bias", 7, [4]), ("fc.weight", 8, [5, 120]), ("fc.bias", 9, [5]),
    ];

    private static Value Zeros(GraphBuilder b, string name, params ReadOnlySpan<int> dims)
    {
        Shape shape = new(dims);
        return b.Constant(name, TensorData.FromFloats(shape, new float[shape.ElementCount]));
    }

    private static Value Input(GraphBuilder b, params ReadOnlySpan<int> dims) => b.Input("x", new TensorType(DType.F32, new Shape(dims)));

    private static Value Norm(GraphBuilder b, string name, Value x, float epsilon = 1e-5f)
    {
        int channels = x.Shape[-1];
        return b.Add(
            OpCatalog.BatchNorm,
            [x, Zeros(b, $"{name}.weight", channels), Zeros(b, $"{name}.bias", channels), Zeros(b, $"{name}.running_mean", channels), Zeros(
                b, $"{name}.running_var", channels)], new BatchNormAttributes(epsilon), name);
    }

    private static Value Flatten(GraphBuilder b, Value x) => b.Add(OpCatalog.Reshape, [x], new ReshapeAttributes(new IntList(0, -1)), "flatten");

    private static Value Dense(GraphBuilder b, string name, Value x, int outputs) =>
        b.Add(
            OpCatalog.Dense, [x, Zeros(b, $"{name}.weight", outputs, x.Shape[1]), Zeros(b, $"{name}.bias", outputs)], new DenseAttributes(HasBias: true), name);

    // conv, bn, relu, dw, relu, flatten, relu, fc on images of 5x6.
    private static Graph Net(int classes = 5)
    {
        GraphBuilder b = new();
        Value x = b.Add(OpCatalog.Conv2d, [Input(b, 1, 5, 6, 3), Zeros(b, "conv.weight", 4, 3, 3, 3)], new Conv2dAttributes(Same3x3), "conv");
        x = b.Add(OpCatalog.Activate, [Norm(b, "bn", x)], new ActivateAttributes(Activation.Relu));
        x = b.Add(
            OpCatalog.DepthwiseConv2d, [x, Zeros(b, "dw.weight", 1, 3, 3, 4), Zeros(b, "dw.bias", 4)], new DepthwiseConv2dAttributes(Same3x3, HasBias: true),
            "dw");
        x = b.Add(OpCatalog.Activate, [Flatten(b, x)], new ActivateAttributes(Activation.Relu));
        return b.Build(Dense(b, "fc", x, classes));
    }

    private static ReadOnlySpan<float> Constant(Graph graph, string name) => graph.Values.Single(value => value.Name == name).Constant!.Floats;

    private static string Problem(Graph graph, WeightFile weights, bool allowHeadMismatch = false)
    {
        WeightMismatchException e = Assert.Throws<WeightMismatchException>(() => WeightLoader.Load(graph, weights, allowHeadMismatch));
        Assert.StartsWith("weights: the weights do not fit the network", e.Message, StringComparison.Ordinal);
        return e.Message;
    }

    private static (string Name, uint Seed, int[] Sizes)[] Without(params string[] names) => [.. SmallNet.Where(tensor => !names.Contains(tensor.Name))];

    [Fact]
    public void Tensors_are_moved_to_the_layout_of_the_graph()
    {
        WeightFile weights = SafetensorsFile.Weights(SmallNet);
        Graph before = Net();
        Graph graph = WeightLoader.Load(before, weights).Graph;
        ReadOnlySpan<float> conv = weights.Find("conv.weight")!.Data.Floats, dw = weights.Find("dw.weight")!.Data.Floats,
            fc = weights.Find("fc.weight")!.Data.Floats;
        for (int o = 0; o < 4; o++)
            for (int i = 0; i < 3; i++)
                for (int tap = 0; tap < 9; tap++)
                    Assert.Equal(conv[(((o * 3) + i) * 9) + tap], Constant(graph, "conv.weight")[(((o * 9) + tap) * 3) + i]);
        for (int c = 0; c < 4; c++)
            for (int tap = 0; tap < 9; tap++)
                Assert.Equal(dw[(c * 9) + tap], Constant(graph, "dw.weight")[(tap * 4) + c]);
        for (int o = 0; o < 5; o++)
            for (int c = 0; c < 4; c++)
                for (int pixel = 0; pixel < 30; pixel++)
                    Assert.Equal(fc[(o * 120) + (c * 30) + pixel], Constant(graph, "fc.weight")[(o * 120) + (pixel * 4) + c]);
        foreach (string name in new[] { "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var", "dw.bias", "fc.bias" })
            Assert.Equal(weights.Find(name)!.Data.Floats, Constant(graph, name));
        Assert.Equal(new float[108], Constant(before, "conv.weight"));
        Assert.Equal(before.Nodes.Select(node => node.ToString()), graph.Nodes.Select(node => node.ToString()));
    }

    [Fact]
    public void Operands_of_a_flattened_image_follow_its_order()
    {
        GraphBuilder b = new();
        Value flat = Norm(b, "bn", Flatten(b, Input(b, 1, 2, 3, 2)));
        flat = b.Add(OpCatalog.PRelu, [flat, Zeros(b, "slope.weight", 12)]);
        Graph graph = b.Build(Dense(b, "square", flat, 12));
        float[] count = [.. Enumerable.Range(0, 12).Select(i => (float)i)], matrix = [.. Enumerable.Range(0, 144).Select(i => (float)i)];
        WeightFile weights = WeightFile.Load(
            SafetensorsFile.Of(
                ("bn.weight", [12], count), ("bn.bias", [12], count), ("bn.running_mean", [12], count), ("bn.running_var", [12], count),
                ("slope.weight", [12], count), ("square.weight", [12, 12], matrix), ("square.bias", [12], count)),
            "weights");
        Graph loaded = WeightLoader.Load(graph, weights).Graph;
        float[] pixelByPixel = [0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11];
        Assert.Equal(pixelByPixel, Constant(loaded, "bn.running_mean"));
        Assert.Equal(pixelByPixel, Constant(loaded, "slope.weight"));
        Assert.Equal(pixelByPixel, Constant(loaded, "square.weight")[..12]);
        Assert.Equal(count, Constant(loaded, "square.bias"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_image_that_is_channels_first_or_one_pixel_is_flattened_as_in_PyTorch(bool onePixel)
    {
        GraphBuilder b = new();
        Value x = onePixel ? Input(b, 1, 1, 1, 12) : b.Add(OpCatalog.Activate, [b.Nchw(Input(b, 1, 2, 3, 2))], new ActivateAttributes(Activation.Relu));
        WeightFile weights = SafetensorsFile.Weights(("fc.weight", 1, [4, 12]), ("fc.bias", 2, [4]));
        Graph graph = WeightLoader.Load(b.Build(Dense(b, "fc", Flatten(b, x), 4)), weights).Graph;
        Assert.Equal(weights.Find("fc.weight")!.Data.Floats, Constant(graph, "fc.weight"));
    }

    [Fact]
    public void A_pointwise_filter_may_stand_for_a_matrix_and_the_other_way()
    {
        GraphBuilder b = new();
        Value x = b.Add(OpCatalog.Conv2d, [Input(b, 1, 2, 2, 3), Zeros(b, "a.weight", 4, 1, 1, 3)], new Conv2dAttributes(new Window2d(1, 1)));
        x = b.Add(OpCatalog.Reduce, [x], new ReduceAttributes(ReduceKind.Mean, new IntList(1, 2), KeepDims: false));
        Graph graph = b.Build(Dense(b, "b", x, 2));
        WeightFile weights = SafetensorsFile.Weights(("a.weight", 1, [4, 3]), ("b.weight", 2, [2, 4, 1, 1]), ("b.bias", 3, [2]));
        Graph loaded = WeightLoader.Load(graph, weights).Graph;
        Assert.Equal(weights.Find("a.weight")!.Data.Floats, Constant(loaded, "a.weight"));
        Assert.Equal(weights.Find("b.weight")!.Data.Floats, Constant(loaded, "b.weight"));
    }

    [Fact]
    public void Everything_that_does_not_fit_is_listed_at_once()
    {
        string problem = Problem(
            Net(),
            SafetensorsFile.Weights(
                [.. Without("conv.weight", "fc.bias", "fc.weight"), ("conv.wieght", 1, [4, 3, 3, 3]), ("extra", 1, [2]), ("fc.weight", 1, [10, 120])]));
        Assert.Contains("2 missing from the file: 'conv.weight' [4,3,3,3], 'fc.bias' [5].", problem, StringComparison.Ordinal);
        Assert.Contains("2 in the file but not in the network: 'conv.wieght' [4,3,3,3], 'extra' [2].", problem, StringComparison.Ordinal);
        Assert.EndsWith("1 with a different shape: 'fc.weight' is [10,120], the network needs [5,120]", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void A_filter_in_the_order_of_the_graph_is_of_another_shape() =>
        Assert.Contains(
            "'dw.weight' is [1,3,3,4], the network needs [4,1,3,3]",
            Problem(Net(), SafetensorsFile.Weights([.. Without("dw.weight"), ("dw.weight", 1, [1, 3, 3, 4])])), StringComparison.Ordinal);

    [Fact]
    public void Step_counters_are_passed_over() =>
        Assert.Empty(WeightLoader.Load(Net(), SafetensorsFile.Weights([.. SmallNet, ("bn.num_batches_tracked", 1, [])])).Notes);

    [Fact]
    public void A_network_of_other_classes_keeps_its_last_layer()
    {
        Graph graph = Net(classes: 7);
        WeightFile weights = SafetensorsFile.Weights(SmallNet);
        Assert.Contains("'fc.weight' is [5,120], the network needs [7,120]", Problem(graph, weights), StringComparison.Ordinal);
        LoadedWeights loaded = WeightLoader.Load(graph, weights, allowHeadMismatch: true);
        Assert.Equal(new float[7 * 120], Constant(loaded.Graph, "fc.weight"));
        Assert.Equal(new float[7], Constant(loaded.Graph, "fc.bias"));
        Assert.Equal(weights.Find("dw.bias")!.Data.Floats, Constant(loaded.Graph, "dw.bias"));
        Assert.Equal(["the last layer keeps its initial weights, because those in the file do not fit: fc.weight, fc.bias"], loaded.Notes);
    }

    [Fact]
    public void A_last_layer_that_is_not_whole_in_the_file_is_kept_whole()
    {
        WeightFile weights = SafetensorsFile.Weights(Without("fc.bias"));
        Assert.Contains("'fc.bias'", Problem(Net(), weights), StringComparison.Ordinal);
        Assert.Equal(new float[600], Constant(WeightLoader.Load(Net(), weights, allowHeadMismatch: true).Graph, "fc.weight"));
        Assert.Equal(
            new float[600],
            Constant(WeightLoader.Load(Net(), SafetensorsFile.Weights(Without("fc.bias", "fc.weight")), allowHeadMismatch: true).Graph, "fc.weight"));
    }

    [Fact]
    public void A_last_layer_that_fits_is_loaded_and_others_must_fit_in_any_case()
    {
        LoadedWeights loaded = WeightLoader.Load(Net(), SafetensorsFile.Weights(SmallNet), allowHeadMismatch: true);
        Assert.Equal(TestGraphs.Noise(5, 9), Constant(loaded.Graph, "fc.bias"));
        Assert.Empty(loaded.Notes);
        string problem = Problem(Net(7), SafetensorsFile.Weights([.. Without("dw.bias"), ("other.bias", 1, [4])]), allowHeadMismatch: true);
        Assert.Contains("1 missing from the file: 'dw.bias' [4]. 1 in the file but not in the network: 'other.bias' [4]", problem, StringComparison.Ordinal);
        Assert.DoesNotContain("fc", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void A_bias_that_batch_norm_was_folded_into_is_what_the_network_adds()
    {
        (string, uint, int[])[] folded = [.. Without("bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"), ("conv.bias", 11, [4])];
        LoadedWeights loaded = WeightLoader.Load(Net(), SafetensorsFile.Weights(folded));
        Assert.Equal(["the file has 1 batch normalizations folded into the layers before them; those of the network only add the bias"], loaded.Notes);
        Assert.Equal(TestGraphs.Noise(4, 11), Constant(loaded.Graph, "bn.bias"));

        GraphBuilder b = new();
        Value x = b.Add(
            OpCatalog.Conv2d, [Input(b, 1, 5, 6, 3), Zeros(b, "conv.weight", 4, 3, 3, 3), Zeros(b, "conv.bias", 4)],
            new Conv2dAttributes(Same3x3, HasBias: true, Activation: Activation.Relu), "conv");
        x = b.Add(
            OpCatalog.DepthwiseConv2d, [x, Zeros(b, "dw.weight", 1, 3, 3, 4), Zeros(b, "dw.bias", 4)], new DepthwiseConv2dAttributes(Same3x3, HasBias: true),
            "dw");
        x = b.Add(OpCatalog.Activate, [Flatten(b, x)], new ActivateAttributes(Activation.Relu));
        Graph without = WeightLoader.Load(b.Build(Dense(b, "fc", x, 5)), SafetensorsFile.Weights(folded)).Graph;
        float[] expected = TestGraphs.Run(without, TestGraphs.Oracle), actual = TestGraphs.Run(loaded.Graph, TestGraphs.Oracle);
        for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], 1e-5f);
    }

    [Fact]
    public void A_batch_norm_with_an_entry_in_the_file_is_not_taken_for_folded()
    {
        string problem = Problem(Net(), SafetensorsFile.Weights([.. Without("bn.bias", "bn.running_mean", "bn.running_var"), ("conv.bias", 11, [4])]));
        Assert.Contains("3 missing from the file: 'bn.bias' [4], 'bn.running_mean' [4], 'bn.running_var' [4]", problem, StringComparison.Ordinal);
        Assert.Contains("'conv.bias'", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void An_element_wise_constant_is_loaded_where_the_file_names_it()
    {
        GraphBuilder b = new();
        Value x = b.Add(OpCatalog.Multiply, [Input(b, 1, 2, 3, 2), Zeros(b, "gamma", 1, 1, 1, 2)]);
        Graph graph = b.Build(b.Add(OpCatalog.Multiply, [x, b.Constant("sixth", TensorData.FromFloats(new Shape(), [1f / 6]))]));
        Graph loaded = WeightLoader.Load(graph, SafetensorsFile.Weights(("gamma", 1, [2, 1, 1]))).Graph;
        Assert.Equal(TestGraphs.Noise(2, 1), Constant(loaded, "gamma"));
        Assert.Equal([1f / 6], Constant(loaded, "sixth"));
    }
}
