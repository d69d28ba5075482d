using System;
using System.Collections.Generic;
using System.Linq;
using Thomas.Autodiff;
using Thomas.Graphs;
using Thomas.Imaging;
using Thomas.Ops;
using Thomas.Quantizing;
using Thomas.Runtime;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Quantizing;

/// <summary>The layers before the first trained one in 8 bits.</summary>
public sealed class FrozenPartTests(ITestOutputHelper output)
{
    private static readonly CompileOptions OneThread = new() { Threads = 1 };

    [Theory]
    [InlineData("mobile", "last", 1)]
    [InlineData("mobile", "last:2", 2)]
    [InlineData("mobile", "last:3", 3)]
    [InlineData("residual", "last:2", 2)]
    [InlineData("fire", "last:3", 3)]
    [InlineData("gates", "last", 1)]
    public void What_is_trained_stays_as_it_is_and_the_rest_becomes_integers(string kind, string policy, int trained)
    {
        Model model = SmallNetworks.Build(kind), frozen = Frozen(model, policy);
        Dictionary<string, TensorData> before = Weights(model), after = Weights(frozen);
        Assert.Equal(before.Count, after.Count);
        string[] kept = [.. before.Keys.TakeLast(trained)];
        foreach ((string name, TensorData data) in after)
        {
            bool isKept = kept.Contains(name);
            Assert.Equal(isKept, data.Quantization is null);
            Assert.Equal(isKept, data.Steps is null);
            if (isKept) Assert.True(before[name].Floats.SequenceEqual(data.Floats), name);
        }

        Graph compiled = CompiledGraph.Create(frozen.Graph, OneThread).Graph;
        Assert.Equal(before.Count - trained, compiled.Nodes.Count(static node => node.Op is QuantizedConv2d or QuantizedDepthwiseConv2d));

        double signal = 0, noise = 0;
        foreach (float[] input in QuantizerTests.Inputs())
        {
            float[] expected = QuantizerTests.Scores(model, input), actual = QuantizerTests.Scores(frozen, input);
            for (int i = 0; i < expected.Length; i++)
            {
                signal += expected[i] * expected[i];
                noise += (expected[i] - actual[i]) * (expected[i] - actual[i]);
            }
        }

        double decibels = 10 * Math.Log10(signal / noise);
        output.WriteLine($"{kind} {policy}: {decibels:F1} dB");
        Assert.InRange(decibels, 20, 90);
    }

    [Theory]
    [InlineData("bias")]
    [InlineData("all")]
    public void A_policy_that_trains_the_first_layer_leaves_nothing(string policy) => Assert.Contains(
        "no part of mobile is frozen",
        Assert.Throws<ThomasException>(() => Frozen(SmallNetworks.Build("mobile"), policy)).Message, StringComparison.Ordinal);

    // What is planned without images is what the run with them takes.
    [Theory]
    [InlineData("last:2")]
    [InlineData("last:3")]
    public void An_outline_has_the_memory_of_the_real_one(string policy)
    {
        Model model = SmallNetworks.Build("mobile", width: 32), real = Frozen(model, policy), outline = Quantizer.OutlineFrozen(model, Policy(policy));
        TrainingPlan of = Plan(real), planned = Plan(outline), full = Plan(model);
        Assert.Equal(of.Memory.Total, planned.Memory.Total);
        long eight = planned.Memory.FrozenConstants + planned.Memory.PackedConstants, float32 = full.Memory.FrozenConstants + full.Memory.PackedConstants;
        output.WriteLine($"frozen weights {eight} of {float32} bytes");
        Assert.InRange((double)eight / float32, 0.2, 0.55);

        TrainingPlan Plan(Model of) => TrainingPlanner.Plan(of, new TrainingPlanOptions { Policy = Policy(policy), Batch = 4, Compile = OneThread });
    }

    [Fact]
    public void Both_formats_keep_the_mixture()
    {
        Model frozen = Frozen(SmallNetworks.Build("mobile"), "last:2");
        foreach (ModelFormat format in (ModelFormat[])[ModelFormat.TfLite, ModelFormat.Onnx])
        {
            Model again = QuantizerTests.Again(frozen, format);
            CompileOptions compile = format == ModelFormat.TfLite ? OneThread : OneThread with { PassesOff = ["lower-quantized"] };
            foreach (float[] input in QuantizerTests.Inputs())
            {
                Assert.Equal(QuantizerTests.Scores(frozen, input, compile), QuantizerTests.Scores(again, input, compile));
            }
        }
    }

    // The CPU computes the integers of both, so their results are the same bits; what is trained differs by rounding.
    [Theory]
    [InlineData("last:2", Compression.None)]
    [InlineData("last:3", Compression.None)]
    [InlineData("last:3", Compression.Half)]
    public void Losses_on_OpenCL_are_those_of_the_CPU(string policy, Compression others)
    {
        Model frozen = Frozen(SmallNetworks.Build("mobile"), policy);
        TrainingPlanOptions options = new() { Policy = Policy(policy), Batch = 4, Compile = OneThread, Compression = others };
        TrainingPlan device = TrainingPlanner.Plan(frozen, options with { Compile = OneThread with { OtherDevice = OpenClTesting.RequireDevice() } });
        List<float> expected = TrainingSteps.Run(TrainingPlanner.Plan(frozen, options), 20, 1e-2f), actual = TrainingSteps.Run(device, 20, 1e-2f);
        float worst = expected.Zip(actual, static (a, b) => Math.Abs(a - b) / a).Max();
        output.WriteLine($"{policy}, {others}: {expected[0]} to {expected[^1]}, {worst:E1} apart");
        Expect.True(worst <= 1e-3f, $"{policy}: losses differ by {worst:E1}");
        Expect.True(expected[^1] < 0.9f * expected[0], $"the loss stays {expected[^1]} of {expected[0]}");
        Assert.Equal(actual[..5], TrainingSteps.Run(device, 5, 1e-2f));

        using VariableStore store = new(device.Graph.Variables, Device.Of(device.Compile));
        using StepProgram program = new(device, store);
        Assert.Contains(program.Step.Kernels, static kernel => kernel.StartsWith("i8_", StringComparison.Ordinal));
        Assert.Contains(program.Step.Kernels, static kernel => kernel.EndsWith("__opencl", StringComparison.Ordinal));
    }

    private static Model Frozen(Model model, string policy) => Quantizer.QuantizeFrozen(
        model, Policy(policy), QuantizerTests.Calibration(), new ManagedImageDecoder(), new QuantizerOptions { Compile = OneThread }, null,
        TestContext.Current.CancellationToken).Model;

    private static UpdatePolicy Policy(string text)
    {
        Assert.True(UpdatePolicy.TryParse(text, out UpdatePolicy policy));
        return policy;
    }

    /// <summary>Filters and matrices by their names, in the order of the layers.</summary>
    private static Dictionary<string, TensorData> Weights(Model model)
    {
        Dictionary<string, TensorData> weights = [];
        foreach (Node node in model.Graph.Nodes)
        {
            if (LinearNode.TryGet(node, out LinearNode layer)) weights.Add(layer.Weights.Name, layer.Weights.Constant!);
        }

        return weights;
    }
}
