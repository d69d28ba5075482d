using System;
using System.Linq;
using Thomas.Graphs;
using Thomas.Runtime;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests;

/// <summary>Weights as other repositories name them: recognized, put where they belong, and computing what PyTorch computes.</summary>
public sealed class ForeignWeightsTests
{
    public static TheoryData<string> Names => ForeignNetwork.Names;

    [Theory]
    [MemberData(nameof(Names))]
    public void A_state_dict_is_recognized_and_computes_what_PyTorch_computes(string name)
    {
        ForeignNetwork network = ForeignNetwork.Of(name);
        Check(network, network.File());
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void So_does_one_that_is_sorted_by_name_unless_that_hides_the_order(string name)
    {
        ForeignNetwork network = ForeignNetwork.Of(name);
        if (name != "kuangliu mobilenetv2")
        {
            Check(network, network.File(sorted: true));
            return;
        }

        // conv2 stands behind the blocks there, which its name does not say.
        WeightMismatchException e = Assert.Throws<WeightMismatchException>(() => WeightLoader.Recognize(network.File(sorted: true)));
        Assert.Contains("in another order than in the network", e.Message, StringComparison.Ordinal);
    }

    private static void Check(ForeignNetwork network, WeightFile file)
    {
        RecognizedNetwork recognized = WeightLoader.Recognize(file, variant: network.Words);
        Assert.Equal((network.Architecture, network.Width), (recognized.Architecture.Name, recognized.Options.WidthMultiplier));
        Assert.Equal(network.Logits.Length, recognized.Options.Classes);
        Graph graph = recognized.Architecture.Build(recognized.Options with { Height = network.Size, Width = network.Size });
        LoadedWeights loaded = WeightLoader.Load(graph, file);
        float[] logits = Run(loaded.Graph, network.Input());
        double range = network.Logits.Max() - network.Logits.Min();
        for (int i = 0; i < logits.Length; i++) Assert.Equal(network.Logits[i], logits[i], 2e-5 * range);
    }

    private static float[] Run(Graph graph, float[] input)
    {
        using Executable executable = Executable.Compile(graph);
        input.CopyTo(executable.Input());
        executable.Run();
        return [.. executable.Output()];
    }
}
