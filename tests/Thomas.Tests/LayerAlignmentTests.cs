using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Thomas.Architectures;
using Thomas.Graphs;
using Thomas.Tests.Architectures;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests;

/// <summary>What is matched by order and size, and what is not because nothing says for certain which is which.</summary>
public sealed class LayerAlignmentTests
{
    // Names, and sizes of [o,i,k,k], [o,i] or [c]; each tensor is filled with its place in the list.
    private static WeightFile File(params (string Name, int[] Sizes)[] tensors) => new(
        "weights", WeightFormat.PyTorch, [.. tensors.Select(static (tensor, i) => new NamedTensor(tensor.Name, "F32", Filled(tensor.Sizes, i + 1)))], []);

    private static TensorData Filled(int[] sizes, float value)
    {
        Shape shape = new(sizes);
        float[] values = new float[shape.ElementCount];
        Array.Fill(values, value);
        return TensorData.FromFloats(shape, values);
    }

    private static (string, int[])[] Conv(string name, int o, int i, int k) => [($"{name}.weight", [o, i, k, k])];

    private static (string, int[])[] Dense(string name, int o, int i) => [($"{name}.weight", [o, i]), ($"{name}.bias", [o])];

    private static (string, int[])[] Norm(string name, int c) =>
        [($"{name}.weight", [c]), ($"{name}.bias", [c]), ($"{name}.running_mean", [c]), ($"{name}.running_var", [c])];

    // ResNet-20 without shortcut weights: conv and norm of each block by the names given.
    private static List<(string, int[])> Resnet(Func<string, (string Conv1, string Norm1, string Conv2, string Norm2)> names)
    {
        List<(string, int[])> tensors = [.. Conv("conv1", 16, 3, 3), .. Norm("bn1", 16)];
        int channels = 16;
        foreach (int wide in new[] { 16, 32, 64 })
        {
            for (int block = 0; block < 3; block++)
            {
                (string conv1, string norm1, string conv2, string norm2) = names($"stage{wide}.{block}");
                tensors.AddRange(Conv(conv1, wide, channels, 3));
                tensors.AddRange(Norm(norm1, wide));
                tensors.AddRange(Conv(conv2, wide, wide, 3));
                tensors.AddRange(Norm(norm2, wide));
                channels = wide;
            }
        }

        tensors.AddRange(Dense("fc", 10, 64));
        return tensors;
    }

    private static Graph ResNet20 => NewNetwork.Build("resnet20", classes: 10);

    private static float Constant(Graph graph, string name) => NewNetwork.Constants(graph)[name].Constant!.Floats[0];

    private static WeightMismatchException Refused(Graph graph, WeightFile file) =>
        Assert.Throws<WeightMismatchException>(() => WeightLoader.Load(graph, file));

    [Fact]
    public void Layers_of_other_names_are_assigned_in_order()
    {
        WeightFile file = File([.. Resnet(static block => ($"{block}.a.conv", $"{block}.a.norm", $"{block}.b.conv", $"{block}.b.norm"))]);
        LoadedWeights loaded = WeightLoader.Load(ResNet20, file);
        Assert.Equal(file.Find("stage32.1.b.conv.weight")!.Data.Floats[0], Constant(loaded.Graph, "layer2.1.conv2.weight"));
        Assert.Equal(file.Find("stage64.2.b.norm.running_var")!.Data.Floats[0], Constant(loaded.Graph, "layer3.2.bn2.running_var"));
        Assert.Equal(file.Find("fc.bias")!.Data.Floats[0], Constant(loaded.Graph, "linear.bias"));
        Assert.StartsWith("19 layers have other names in the file and were matched by order and size: 'stage16.0.a.conv' is layer1.0.conv1", loaded.Notes[0],
            StringComparison.Ordinal);
    }

    [Fact]
    public void Convolutions_that_all_stand_before_the_normalizations_are_paired_by_their_numbers()
    {
        List<(string Name, int[] Sizes)> tensors = Resnet(static block => ($"{block}.conv1", $"{block}.bn1", $"{block}.conv2", $"{block}.bn2"));
        List<(string Name, int[] Sizes)> sorted = [];
        foreach (IGrouping<string, (string Name, int[] Sizes)> block in tensors.GroupBy(static tensor => tensor.Name[..(tensor.Name.IndexOf('.') + 2)]))
        {
            sorted.AddRange(block.Where(static tensor => tensor.Name.Contains("conv", StringComparison.Ordinal)));
            sorted.AddRange(block.Where(static tensor => !tensor.Name.Contains("conv", StringComparison.Ordinal)));
        }

        WeightFile file = File([.. sorted]);
        Graph graph = WeightLoader.Load(ResNet20, file).Graph;
        Assert.Equal(file.Find("stage32.1.bn1.bias")!.Data.Floats[0], Constant(graph, "layer2.1.bn1.bias"));
        Assert.Equal(file.Find("stage32.1.bn2.bias")!.Data.Floats[0], Constant(graph, "layer2.1.bn2.bias"));
    }

    [Fact]
    public void An_order_that_contradicts_the_numbers_is_refused()
    {
        WeightFile file = File([.. Resnet(static block => ($"{block}.conv2", $"{block}.bn2", $"{block}.conv1", $"{block}.bn1"))]);
        Assert.Contains(
            "'stage16.0.conv2' and 'stage16.0.conv1' are of one size, and their order contradicts their names: which is which cannot be told",
            Refused(ResNet20, file).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_of_the_network_in_another_order_are_not_overruled()
    {
        // All of the right names but the last, and two blocks exchanged: by order and size alone this would be loaded.
        List<(string Name, int[] Sizes)> tensors = Resnet(
            static block => (
                $"{Own(block)}.conv1", $"{Own(block)}.bn1", $"{Own(block)}.conv2", $"{Own(block)}.bn2"));
        Assert.Contains("their order contradicts their names", Refused(ResNet20, File([.. tensors])).Message, StringComparison.Ordinal);

        static string Own(string block) => block switch
        {
            "stage16.1" => "layer1.2",
            "stage16.2" => "layer1.1",
            _ => block.Replace("stage16", "layer1", StringComparison.Ordinal).Replace("stage32", "layer2", StringComparison.Ordinal)
                .Replace("stage64", "layer3", StringComparison.Ordinal),
        };
    }

    [Fact]
    public void Layers_in_another_order_outside_a_block_are_refused()
    {
        List<(string Name, int[] Sizes)> tensors = Resnet(static block => ($"{block}.conv1", $"{block}.bn1", $"{block}.conv2", $"{block}.bn2"));
        List<(string Name, int[] Sizes)> turned = [.. tensors[^2..], .. tensors[..^2]];
        Assert.Contains("in another order than in the network", Refused(ResNet20, File([.. turned])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_bias_before_a_normalization_goes_into_its_mean()
    {
        List<(string Name, int[] Sizes)> tensors = Resnet(static block => ($"{block}.conv1", $"{block}.bn1", $"{block}.conv2", $"{block}.bn2"));
        tensors.Insert(1, ("conv1.bias", [16]));
        WeightFile file = File([.. tensors]);
        LoadedWeights loaded = WeightLoader.Load(ResNet20, file);
        float mean = file.Find("bn1.running_mean")!.Data.Floats[0], bias = file.Find("conv1.bias")!.Data.Floats[0];
        Assert.Equal(mean - bias, Constant(loaded.Graph, "bn1.running_mean"));
        Assert.Contains("1 biases before batch normalizations were moved into their means", loaded.Notes);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 7)]
    [InlineData(2, 7)]
    public void A_head_of_other_layers_is_left_out_where_it_may_be(int headLayers, int classes)
    {
        List<(string Name, int[] Sizes)> tensors = Resnet(static block => ($"{block}.conv1", $"{block}.bn1", $"{block}.conv2", $"{block}.bn2"));
        tensors.RemoveRange(tensors.Count - 2, 2);
        if (headLayers == 2) tensors.AddRange(Dense("head.0", 32, 64));
        if (headLayers > 0) tensors.AddRange(Dense("head.1", classes, headLayers == 2 ? 32 : 64));
        WeightFile file = File([.. tensors]);
        Refused(ResNet20, file);
        LoadedWeights loaded = WeightLoader.Load(ResNet20, file, allowHeadMismatch: true);
        Assert.Equal(file.Find("stage64.2.bn2.bias")!.Data.Floats[0], Constant(loaded.Graph, "layer3.2.bn2.bias"));
        Assert.Equal(Constant(ResNet20, "linear.weight"), Constant(loaded.Graph, "linear.weight"));
        Assert.Contains(loaded.Notes, static note => note.StartsWith("the last layer keeps its initial weights", StringComparison.Ordinal));
        Assert.Equal(
            headLayers > 0, loaded.Notes.Any(static note => note.StartsWith("left out, because the last layer is another one", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("model.")]
    [InlineData("backbone.net.")]
    public void A_prefix_and_what_stands_without_it_are_left_out(string prefix)
    {
        ForeignNetwork lenet = ForeignNetwork.Of("tutorial lenet");
        List<NamedTensor> state = [.. lenet.State().Select(tensor => tensor with { Name = prefix + tensor.Name })];
        state.Add(new NamedTensor("criterion.weight", "F32", Filled([10], 1)));
        WeightFile file = new("weights", WeightFormat.PyTorch, state, []);
        RecognizedNetwork network = WeightLoader.Recognize(file);
        Assert.Equal("lenet5-classic", network.Architecture.Name);
        LoadedWeights loaded = WeightLoader.Load(network.Architecture.Build(network.Options), file);
        Assert.Equal(file.Find(prefix + "fc3.bias")!.Data.Floats, NewNetwork.Constants(loaded.Graph)["fc3.bias"].Constant!.Floats);
        Assert.Contains($"the prefix '{prefix}' was removed from names; without it and left out: 1 of the tensors", loaded.Notes);
    }

    [Fact]
    public void Of_two_networks_in_one_file_the_average_is_taken_and_none_is_guessed()
    {
        Assert.Equal(2, Bias("teacher.", "student."));
        Assert.Equal(2, Bias("ema_model.", "online_model."));
        WeightMismatchException e = Assert.Throws<WeightMismatchException>(() => Bias("a.", "b."));
        Assert.Contains("two such networks, under ", e.Message, StringComparison.Ordinal);

        static float Bias(string doubled, string plain)
        {
            List<NamedTensor> state = [.. ForeignNetwork.Of("tutorial lenet").State()];
            WeightFile file = new(
                "weights", WeightFormat.PyTorch,
                [
                    .. state.Select(tensor => tensor with { Name = plain + tensor.Name }),
                    .. state.Select(tensor => new NamedTensor(doubled + tensor.Name, "F32", Filled([.. tensor.Shape.Dims], 2))),
                ],
                []);
            return Constant(WeightLoader.Load(NewNetwork.Build("lenet5-classic", classes: 10), file).Graph, "fc3.bias");
        }
    }

    [Fact]
    public void What_belongs_to_no_network_is_told_in_ten_lines_nearest_first()
    {
        List<(string Name, int[] Sizes)> tensors = Resnet(static block => ($"{block}.conv1", $"{block}.bn1", $"{block}.conv2", $"{block}.bn2"));
        tensors.RemoveAll(static tensor => tensor.Name.StartsWith("stage32.1.conv2", StringComparison.Ordinal));
        tensors.AddRange(Dense("extra", 10, 10));
        WeightMismatchException e = Assert.Throws<WeightMismatchException>(() => WeightLoader.Recognize(File([.. tensors])));
        Assert.InRange(e.Lines.Count, 5, 10);
        Assert.Equal("the weights belong to no network that Thomas builds", e.Lines[0]);
        Assert.Equal("nearest: resnet20, 3x32x32: 19 of 20 layers have its sizes in its order", e.Lines[1]);
        Assert.Equal("  the normalization 'stage32.1.bn2' follows no convolution of its size", e.Lines[2]);

        // By the sizes it could be any of five; the line before has the place.
        Assert.Equal("  the file lacks layer2.2.conv2 [32,32,3,3]", e.Lines[3]);
        Assert.Equal("  the network lacks 'extra' [10,10]", e.Lines[4]);
        e = Assert.Throws<WeightMismatchException>(() => WeightLoader.Recognize(File([.. tensors]), NewNetwork.Architecture("lenet5")));
        Assert.Equal("the weights do not fit lenet5", e.Lines[0]);
    }

    [Theory]
    [InlineData("conv")]
    [InlineData("bn")]
    public void Weights_of_a_far_larger_network_are_refused_without_much_work(string second)
    {
        // Numbered layers that no normalization follows were looked up among all others, for each network, width and size that was tried.
        const int Blocks = 1_000;
        List<(string Name, int[] Sizes)> tensors = [];
        for (int i = 0; i < Blocks; i++)
        {
            tensors.AddRange(Conv($"net.b{i}.conv1", 4, i == 0 ? 3 : 4, 1));
            if (second == "conv") tensors.AddRange(Conv($"net.b{i}.conv2", 4, 4, 1));
        }

        for (int i = 0; second == "bn" && i < Blocks; i++) tensors.AddRange(Norm($"net.b{i}.bn1", 4));
        WeightFile file = File([.. tensors]);
        long before = GC.GetAllocatedBytesForCurrentThread();
        WeightMismatchException e = Assert.Throws<WeightMismatchException>(() => WeightLoader.Recognize(file));
        Assert.Equal("the weights belong to no network that Thomas builds", e.Lines[0]);
        e = Assert.Throws<WeightMismatchException>(() => WeightLoader.Recognize(file, NewNetwork.Architecture("lenet5")));
        Assert.Equal(["the weights do not fit lenet5", $"the file has {(second == "conv" ? 2 : 1) * Blocks} layers, lenet5 has 4"], e.Lines);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 200L << 20);
    }

    [Fact]
    public void Recognizing_can_be_cancelled()
    {
        using CancellationTokenSource cancelled = new();
        cancelled.Cancel();
        WeightFile file = ForeignNetwork.Of("torchvision mobilenet_v2").File();
        Assert.Throws<OperationCanceledException>(() => WeightLoader.Recognize(file, null, "", false, cancelled.Token));
    }

    // A sort needs one order of all names, whichever two it compares, and the same one on every machine.
    [Theory]
    [InlineData("conv_stem", "blocks.0.0.conv_dw", "blocks.0.0.bn1", "blocks.0.0.extra2", "blocks.0.0.se", "blocks.0.0.conv_pw", "blocks.0.0.x")]
    [InlineData("conv_stem", "blocks.0.0.conv_dw", "zeta", "bn1", "alpha", "act3", "conv_head", "bn2", "head", "stem2", "classifier")]
    [InlineData("Zeta", "alpha", "alpha_1", "alphA", "a-b", "a_b", "aB", "fc", "stem")]
    public void Names_have_one_order(params string[] names)
    {
        NaturalOrder order = new([.. names.Select(static name => new FileLayer(name))]);
        foreach (string a in names)
        {
            foreach (string b in names)
            {
                Assert.Equal(a == b, order.Compare(a, b) == 0);
                Assert.Equal(Math.Sign(order.Compare(a, b)), -Math.Sign(order.Compare(b, a)));
                foreach (string c in names)
                {
                    if (order.Compare(a, b) < 0 && order.Compare(b, c) < 0) Assert.True(order.Compare(a, c) < 0, $"{a}, {b}, {c}");
                }
            }
        }
    }

    [Fact]
    public void Weights_without_their_last_layer_are_named_as_such()
    {
        List<NamedTensor> state = ForeignNetwork.Of("torchvision mobilenet_v2").State();
        WeightFile file = new("weights", WeightFormat.PyTorch, state[..^2], []);
        WeightMismatchException e = Assert.Throws<WeightMismatchException>(() => WeightLoader.Recognize(file));
        Assert.StartsWith(
            "the weights are those of mobilenet-v2, width 0.35, 3x224x224, but their last layer is missing", e.Lines[0], StringComparison.Ordinal);
        Assert.Equal(0.35f, WeightLoader.Recognize(file, allowHeadMismatch: true).Options.WidthMultiplier);
    }

    [Theory]
    [InlineData("mobilenet-v2", "relu6")]
    [InlineData("mobilenet-v1", "epsilon=0")]
    [InlineData("resnet20", "cifar")]
    public void A_variant_that_the_architecture_has_not_is_refused(string name, string variant)
    {
        Architecture architecture = NewNetwork.Architecture(name);
        ThomasException e = Assert.Throws<ThomasException>(() => architecture.Build(new ArchitectureOptions { Classes = 2, Variant = variant }));
        Assert.Contains($"{name} has no variant '{variant}'", e.Message, StringComparison.Ordinal);
    }
}
