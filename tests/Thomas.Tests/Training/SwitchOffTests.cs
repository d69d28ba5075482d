using System;
using System.Collections.Generic;
using System.Linq;
using Thomas.Autodiff;
using Thomas.Graphs;
using Thomas.Passes;
using Thomas.Runtime;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

/// <summary>
/// Everything that makes training fast or small can be switched off, and the trained weights stay what they were: docs/numerics.md says how exactly.
/// </summary>
public sealed class SwitchOffTests
{
    private const int Batch = 8, Steps = 5;
    private const float Rate = 0.05f;

    private static readonly CompileOptions Plain = new() { Threads = 1 };

    private static readonly Dictionary<string, CompileOptions> Exact = new()
    {
        // Without sharing nothing works in place either: every value has bytes of its own.
        ["sharing and work in place"] = Plain with { ShareMemory = false },
        ["order of the backward pass"] = Plain with { Reorder = false },
        ["recomputation"] = Plain with { ArenaBytes = 1 },
        ["threads"] = Plain with { Threads = 4 },
    };

    public static TheoryData<string, BatchNormMode> ExactSwitches
    {
        get
        {
            TheoryData<string, BatchNormMode> cases = [];
            foreach (string name in Exact.Keys)
            {
                cases.Add(name, BatchNormMode.Frozen);
                cases.Add(name, BatchNormMode.Live);
            }

            return cases;
        }
    }

    public static TheoryData<string> Passes => [.. CompilePasses.All.Select(pass => pass.Name), "all"];

    [Theory]
    [MemberData(nameof(ExactSwitches))]
    public void Memory_order_and_threads_change_no_bit(string name, BatchNormMode mode)
    {
        (TrainingGraph graph, float[] expected) = Train(mode, Plain);
        CompiledGraph on = CompiledGraph.Create(graph.Step, Plain), off = CompiledGraph.Create(graph.Step, Exact[name]);
        Assert.True(
            on.Plan.ArenaBytes != off.Plan.ArenaBytes || on.Threads != off.Threads || !Names(on).SequenceEqual(Names(off)),
            "the switch changes neither memory nor order nor threads of this network's step");
        Assert.Equal(expected, Train(mode, Exact[name]).Weights);
    }

    [Theory]
    [InlineData(BatchNormMode.Frozen)]
    [InlineData(BatchNormMode.Live)]
    public void Updates_at_the_end_of_a_step_give_the_bits_of_updates_at_once(BatchNormMode mode) =>
        Assert.Equal(Train(mode, Plain).Weights, Train(mode, Plain, immediate: false).Weights);

    // A pass rounds differently: 2e-5 of the largest value for one run, which the steps may add up. Live batch normalization leaves the passes nothing to do.
    [Theory]
    [MemberData(nameof(Passes))]
    public void Compile_passes_change_the_weights_by_rounding_only(string name)
    {
        CompileOptions off = Plain with { PassesOff = name == "all" ? [.. CompilePasses.All.Select(pass => pass.Name)] : [name] };
        (TrainingGraph graph, float[] expected) = Train(BatchNormMode.Frozen, Plain);
        if (name == "all")
        {
            Assert.True(
                CompiledGraph.Create(graph.Step, off).Graph.Nodes.Count > CompiledGraph.Create(graph.Step, Plain).Graph.Nodes.Count,
                "the passes change nothing");
        }

        float[] actual = Train(BatchNormMode.Frozen, off).Weights;
        float bound = Steps * 2e-5f * expected.Max(MathF.Abs);
        for (int i = 0; i < expected.Length; i++)
            Expect.True(Math.Abs(expected[i] - actual[i]) <= bound, $"weight {i} is {actual[i]}, with all passes {expected[i]}, bound {bound}");
    }

    private static IEnumerable<string> Names(CompiledGraph graph) => graph.Graph.Nodes.Select(node => node.Name);

    /// <returns>The step and, after training, every trained tensor and running statistic.</returns>
    private static (TrainingGraph Graph, float[] Weights) Train(BatchNormMode mode, CompileOptions compile, bool immediate = true)
    {
        Trainee trainee = Trainee.Create(TrainingSteps.SmallNetwork, UpdatePolicy.All, mode);
        TrainingGraphOptions options = new(Batch, new OptimizerOptions { Kind = OptimizerKind.Sgd }, Immediate: immediate);
        TrainingGraph graph = TrainingGraph.Build(trainee, options);
        using VariableStore store = new(graph.Variables);
        using StepProgram program = new(graph, options, store, compile);
        List<float> losses = TrainingSteps.Run(program, runs: 1, Steps, Rate);
        Assert.True(losses[^1] != losses[0], "nothing was learned");
        List<float> weights = [];
        foreach (TrainedParameter parameter in trainee.Parameters) weights.AddRange(store[parameter.Variable]);
        foreach (Variable statistic in trainee.Statistics) weights.AddRange(store[statistic]);
        return (graph, [.. weights]);
    }
}
