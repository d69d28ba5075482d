using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Thomas.Autodiff;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;
using Thomas.Passes;
using Thomas.Planning;
using Thomas.Runtime;
using Thomas.Tests.Data;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

/// <summary>Activations that are kept for the backward pass as 16-bit floats: half the memory, nearly the same losses, and no other bit changes.</summary>
public sealed class CompressionTests
{
    private const int Batch = 8, Steps = 8;
    private const float Rate = 0.02f;

    private static readonly CompileOptions Cpu = new() { Threads = 2 };

    private static readonly TrainingPlanOptions All = new() { Batch = Batch, Compile = Cpu };

    public static TheoryData<string, BatchNormMode> Policies { get; } = new()
    {
        { "all", BatchNormMode.Frozen }, { "all", BatchNormMode.Live }, { "norm", BatchNormMode.Live }, { "norm", BatchNormMode.Frozen },
        { "bias", BatchNormMode.Frozen }, { "last:3", BatchNormMode.Frozen }, { "sparse:4MiB", BatchNormMode.Frozen },
    };

    [Theory]
    [MemberData(nameof(Policies))]
    public void What_is_kept_takes_half_the_memory_as_planned_and_gradients_hardly_change(string policy, BatchNormMode batchNorm)
    {
        TrainingPlan plain = TrainingPlanner.Plan(TrainingSteps.SmallNetwork, Options(policy, batchNorm));
        (List<float> losses, Dictionary<string, float[]> expected) = Train(plain, 1);
        bool isLive = batchNorm == BatchNormMode.Live;
        (Compression, double)[] bounds = [(Compression.Half, 0.05), (Compression.HalfBinary16, 0.02)];
        foreach ((Compression compression, double bound) in bounds)
        {
            // Of the same tensors: with 'sparse' less memory is more of them.
            TrainingPlan plan = TrainingPlanner.PlanOne(plain.Trainee, plain.Options with { Compression = compression }, plain.MicroBatch, null);
            Assert.Equal(compression, plan.Compression);
            Assert.Empty(plan.Recomputed);
            GraphVerifier.Verify(plan.CompiledStep.Graph);
            using (VariableStore store = new(plan.Graph.Variables))
            {
                using StepProgram program = new(plan, store);
                Assert.Equal(plan.Memory.Allocated, store.UsedBytes + program.SizeBytes);
            }

            Dictionary<string, long> kept = Kept(plan);
            foreach (Node node in plan.CompiledStep.Graph.Nodes.Where(node => node is { Op: Cast, Stage: Stage.Forward }))
                Assert.Equal(LiveRanges.Align(2L * node.Output.Shape.ElementCount, 64), kept[node.Name]);
            Assert.Equal(plan.KeptInHalves, kept.Keys.Count(name => name.EndsWith(KeptHalves.Narrowed, StringComparison.Ordinal)));
            Expect.True(plan.KeptBytes < 0.55 * plain.KeptBytes, $"{plan.KeptBytes} of {plain.KeptBytes} bytes are kept");
            Expect.True(plan.Memory.StepArena < plain.Memory.StepArena, $"{plan.Memory.StepArena} against {plain.Memory.StepArena}");
            (List<float> same, Dictionary<string, float[]> actual) = Train(plan, 1);
            Assert.Equal(losses, same);

            // Without statistics of its own, an untrained network of this depth has activations that binary16 cannot tell from 0.
            if (compression == Compression.HalfBinary16 && !isLive) continue;
            double whole = Math.Sqrt(expected.Values.Sum(Square)), differences = 0;
            foreach ((string name, float[] values) in expected)
            {
                // Gradients of what is normalized afterwards are sums that cancel: their error is that of the terms, so there only all together are compared.
                double size = Math.Sqrt(Square(values)), difference = Math.Sqrt(Square([.. actual[name].Zip(values, (x, y) => x - y)]));
                differences += difference * difference;
                Expect.True(isLive || difference <= bound * size, $"{compression}: '{name}' of {size:E1} differs by {difference:E1}, all are {whole:E1}");
            }

            Assert.True(differences > 0, "no number is rounded");
            Expect.True(Math.Sqrt(differences) <= bound * whole, $"{compression}: the gradient of {whole:E1} differs by {Math.Sqrt(differences):E1}");
        }
    }

    [Theory]
    [MemberData(nameof(Policies))]
    public void Kept_as_float32_nothing_changes_a_bit(string policy, BatchNormMode batchNorm)
    {
        TrainingPlan plan = TrainingPlanner.Plan(TrainingSteps.SmallNetwork, Options(policy, batchNorm));
        (List<float> losses, Dictionary<string, float[]> expected) = Train(plan, 3);
        foreach (CompileOptions compile in (CompileOptions[])[Cpu, Cpu with { ArenaBytes = plan.Memory.StepArena * 4 / 5 }])
        {
            using VariableStore store = new(plan.Graph.Variables);
            using StepProgram program = new(plan.Graph, plan.GraphOptions, store, compile with { KeptAs = DType.F32 });
            Assert.Contains(program.Step.Graph.Nodes, node => node.Op is Cast);
            Assert.Equal(losses, TrainingSteps.Run(program, plan.Runs, 3, Rate));
            AssertSame(expected, Moments(plan, store));
        }
    }

    /// <summary>On the mock every copy is made by a node of its own, and brought back by one; on the CPU by the kernels around it.</summary>
    [Theory]
    [InlineData(BatchNormMode.Frozen, Compression.Half)]
    [InlineData(BatchNormMode.Live, Compression.Half)]
    [InlineData(BatchNormMode.Frozen, Compression.HalfBinary16)]
    public void Kernels_that_make_and_read_copies_give_the_bits_of_conversions(BatchNormMode batchNorm, Compression compression)
    {
        string[] off = [.. CompilePasses.All.Where(pass => pass.ForCpuCaches).Select(pass => pass.Name)];
        foreach (string[] passesOff in (string[][])[[], off])
        {
            TrainingPlanOptions options = All with { BatchNorm = batchNorm, Compression = compression };
            TrainingPlan plan = TrainingPlanner.Plan(TrainingSteps.SmallNetwork, options with { Compile = Cpu with { PassesOff = passesOff } });
            MockDevice mock = new(HostDevice.Of(Cpu, 2)) { HasCaches = passesOff.Length == 0 };
            TrainingPlan there = TrainingPlanner.Plan(TrainingSteps.SmallNetwork, options with { Compile = new CompileOptions { OtherDevice = mock } });
            (List<float> losses, Dictionary<string, float[]> moments) = Train(there, 3);
            (List<float> same, Dictionary<string, float[]> others) = Train(plan, 3);
            Assert.Equal(losses, same);
            AssertSame(moments, others);
            Expect.True(Widened(there) > Widened(plan), $"on the mock {Widened(there)} results are brought back, on the CPU {Widened(plan)}");
        }

        static int Widened(TrainingPlan plan) => plan.CompiledStep.Graph.Nodes.Count(node => node is { Op: Cast, Stage: Stage.Recompute });
    }

    [Fact]
    public void Threads_memory_sharing_and_single_calls_change_no_bit()
    {
        TrainingPlan plan = TrainingPlanner.Plan(TrainingSteps.SmallNetwork, All with { Compression = Compression.Half });
        List<float> expected = TrainingSteps.Run(plan, 3, Rate);
        foreach (CompileOptions compile in (CompileOptions[])[new() { Threads = 1 }, new() { Threads = 3 }, Cpu with { ShareMemory = false }])
            Assert.Equal(expected, TrainingSteps.Run(TrainingPlanner.Plan(TrainingSteps.SmallNetwork, plan.Options with { Compile = compile }), 3, Rate));

        // A checked run makes every call by itself.
        using VariableStore store = new(plan.Graph.Variables);
        using StepProgram program = new(plan, store);
        program.Begin(1, Rate);
        TrainingSteps.Fill(program, 0, Batch);
        Assert.Null(program.RunChecked());
        program.End();
        program.Begin(2, Rate);
        TrainingSteps.Fill(program, 0, Batch);
        Assert.Equal(expected[1], program.Run());
    }

    [Fact]
    public void The_definitions_agree()
    {
        TrainingPlanOptions options = All with { Compression = Compression.Half, Batch = 2 };
        List<float> actual = TrainingSteps.Run(TrainingPlanner.Plan(TrainingSteps.SmallNetwork, options), 3, Rate);
        List<float> expected = TrainingSteps.Run(
            TrainingPlanner.Plan(TrainingSteps.SmallNetwork, options with { Compile = new CompileOptions { Device = DeviceKind.Serial } }), 3, Rate);
        for (int i = 0; i < 3; i++) Assert.Equal(expected[i], actual[i], 1e-3f * expected[i]);
    }

    [Fact]
    public void A_maximum_is_found_again_and_bounds_that_16_bits_do_not_hold_are_kept_exactly()
    {
        // A pooled image of 4x4 pixels is too small to be compressed, so the image that it was found in is not either; and 0.1 is no 16-bit float.
        foreach ((int side, float bound, int kept) in ((int, float, int)[])[(16, 6, 2), (8, 6, 0), (16, 0.1f, 0)])
        {
            Model model = Pooled(side, bound);
            TrainingPlanOptions options = new() { Batch = 2, Compression = Compression.Half, Compile = new CompileOptions { Threads = 1 } };
            TrainingPlan plan = TrainingPlanner.Plan(model, options), plain = TrainingPlanner.Plan(model, options with { Compression = Compression.None });
            Assert.Equal(kept, plan.KeptInHalves);
            List<float> expected = TrainingSteps.Run(plain, 4, 0.1f), actual = TrainingSteps.Run(plan, 4, 0.1f);
            for (int i = 0; i < expected.Count; i++) Assert.Equal(expected[i], actual[i], 0.01f * expected[i]);
        }
    }

    [Fact]
    public void Under_a_bound_half_needs_less_and_auto_takes_it_only_where_it_must()
    {
        TrainingPlanOptions micro = All with { MicroBatch = Batch };
        TrainingPlan free = TrainingPlanner.Plan(TrainingSteps.SmallNetwork, micro);
        TrainingPlanOptions auto = micro with { Compression = Compression.Auto };
        Assert.Equal(Compression.None, TrainingPlanner.Plan(TrainingSteps.SmallNetwork, auto).Compression);
        Assert.Equal(Compression.None, TrainingPlanner.Plan(TrainingSteps.SmallNetwork, auto with { MemoryBytes = free.Memory.Total }).Compression);

        // Whatever is predicted to be faster is taken; where only one fits, that one.
        long least = TrainingPlanner.Smallest(TrainingSteps.SmallNetwork, micro).Memory.Total;
        TrainingPlan smallest = TrainingPlanner.Smallest(TrainingSteps.SmallNetwork, auto);
        Expect.True(smallest.Compression == Compression.Half && smallest.Memory.Total < least, $"{smallest.Memory.Total} against {least}");
        List<Compression> chosen = [];
        foreach (long bound in (long[])[free.Memory.Total - 1000, (free.Memory.Total + least) / 2, least, smallest.Memory.Total])
        {
            TrainingPlan plan = TrainingPlanner.Plan(TrainingSteps.SmallNetwork, auto with { MemoryBytes = bound });
            Assert.True(plan.Memory.Total <= bound);
            chosen.Add(plan.Compression);
            if (bound < least) continue;
            double none = Seconds(Compression.None), half = Seconds(Compression.Half);
            Assert.Equal(half < none ? Compression.Half : Compression.None, plan.Compression);

            double Seconds(Compression one) =>
                TrainingPlanner.Plan(TrainingSteps.SmallNetwork, micro with { Compression = one, MemoryBytes = bound }).Seconds();
        }

        Assert.Equal(Compression.Half, chosen[^1]);

        // With recomputation besides, it goes further down than either alone.
        Assert.NotEmpty(smallest.Recomputed);
        Assert.True(smallest.KeptInHalves > 0);
        List<float> expected = TrainingSteps.Run(free, Steps, Rate), losses = TrainingSteps.Run(smallest, Steps, Rate);
        for (int i = 0; i < losses.Count; i++) Assert.Equal(expected[i], losses[i], 0.01f * expected[i]);
    }

    [Fact]
    public void Sparse_trains_more_in_the_same_memory()
    {
        TrainingPlanOptions options = Options("sparse:4MiB", BatchNormMode.Frozen);
        TrainingPlan plain = TrainingPlanner.Plan(TrainingSteps.SmallNetwork, options);
        TrainingPlan half = TrainingPlanner.Plan(TrainingSteps.SmallNetwork, options with { Compression = Compression.Auto });
        Assert.Equal(Compression.Half, half.Compression);
        Expect.True(half.TrainedParameters > plain.TrainedParameters, $"{half.TrainedParameters} against {plain.TrainedParameters}");
        Assert.True(half.Memory.Total <= options.Policy.MemoryBytes);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_stopped_run_is_resumed_with_the_same_bits_but_not_with_another_compression(bool bounded)
    {
        using TrainerJob job = new();
        using TemporaryFolder folder = new();
        TrainerOptions options = TrainerJob.Options with
        {
            Compression = Compression.Half,
            MemoryBytes = bounded ? 400_000 : null,
        };
        TrainerResult expected = job.Run(options);
        Assert.Equal(Compression.Half, expected.Compression);
        Assert.NotEqual(TrainerJob.Bits(expected.Model), TrainerJob.Bits(job.Run(options with { Compression = Compression.None }).Model));
        TrainerOptions kept = options with { CheckpointPath = folder["run"], Resume = true };
        using CancellationTokenSource source = new();
        int done = 0;
        Relay<StageProgress> progress = new(p =>
        {
            if (p.Stage == "train" && ++done == 5) source.Cancel();
        });
        Assert.True(job.Run(kept, progress: progress, cancellation: source.Token).Cancelled);
        foreach ((Compression other, string text) in ((Compression, string)[])[
            (Compression.None, "compression (there half, here not set)"), (Compression.HalfBinary16, "compression (there half, here half:fp16)")])
        {
            ThomasException e = Assert.Throws<ThomasException>(() => job.Run(kept with { Compression = other }));
            Assert.Contains(text, e.Message, StringComparison.Ordinal);
        }

        TrainerResult resumed = job.Run(kept);
        Assert.Contains(resumed.Notes, note => note.StartsWith("resumed", StringComparison.Ordinal));
        Assert.Equal(TrainerJob.Bits(expected.Model), TrainerJob.Bits(resumed.Model));
    }

    [Fact]
    public void Auto_says_what_it_chose()
    {
        using TrainerJob job = new();
        TrainerOptions auto = TrainerJob.Options with { Compression = Compression.Auto, Epochs = 1 };
        TrainerResult free = job.Run(auto);
        Assert.Equal(Compression.None, free.Compression);
        Assert.Contains(free.Notes, note => note.Contains("without a memory bound the compression 'auto' changes nothing", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("mobilenet", false)]
    [InlineData("mobilenet", true)]
    public void Losses_on_OpenCL_are_those_of_the_CPU(string name, bool live)
    {
        Assert.Equal("mobilenet", name);
        TrainingPlanOptions options = All with { BatchNorm = live ? BatchNormMode.Live : BatchNormMode.Frozen, Compression = Compression.Half };
        float rate = live ? 2e-6f : 1e-3f;
        List<float> expected = TrainingSteps.Run(TrainingPlanner.Plan(TrainingSteps.Network, options), 20, rate);
        TrainingPlan plan = TrainingPlanner.Plan(
            TrainingSteps.Network, options with { Compile = new CompileOptions { OtherDevice = OpenClTesting.RequireDevice(), Threads = 1 } });
        Assert.True(plan.KeptInHalves > 0);
        List<float> actual = TrainingSteps.Run(plan, 20, rate);
        for (int i = 0; i < 20; i++) Assert.Equal(expected[i], actual[i], 1e-3f * expected[i]);
        Assert.Equal(actual, TrainingSteps.Run(plan, 20, rate));
    }

    [Fact]
    public void Values_that_a_device_stores_in_16_bits_anyway_are_not_converted()
    {
        CompileOptions compile = new() { OtherDevice = OpenClTesting.Open(words: "no-self-test storage=half"), Threads = 1 };
        TrainingPlan stored = TrainingPlanner.Plan(TrainingSteps.SmallNetwork, All with { Compile = compile });
        TrainingPlan both = TrainingPlanner.Plan(TrainingSteps.SmallNetwork, All with { Compile = compile, Compression = Compression.Half });
        Expect.True(both.KeptInHalves < 5, $"{both.KeptInHalves} results are converted");
        Assert.True(both.Memory.StepArena <= stored.Memory.StepArena);
    }

    private static TrainingPlanOptions Options(string policy, BatchNormMode batchNorm)
    {
        Assert.True(UpdatePolicy.TryParse(policy, out UpdatePolicy parsed));
        return All with { Policy = parsed, BatchNorm = batchNorm };
    }

    private static Dictionary<string, long> Kept(TrainingPlan plan) =>
        plan.Step.Blocks.Where(block => block.Kind == MemoryKind.SavedActivation).ToDictionary(block => block.Name, block => block.Size);

    /// <summary>The losses of some steps, and the moments of the optimizer, which are the gradients after the first step.</summary>
    private static (List<float> Losses, Dictionary<string, float[]> Moments) Train(TrainingPlan plan, int steps)
    {
        using VariableStore store = new(plan.Graph.Variables, Device.Of(plan.Compile));
        using StepProgram program = new(plan, store);
        return (TrainingSteps.Run(program, plan.Runs, steps, Rate), Moments(plan, store));
    }

    private static Dictionary<string, float[]> Moments(TrainingPlan plan, VariableStore store)
    {
        Dictionary<string, float[]> moments = [];
        foreach (Variable variable in plan.Graph.Variables.Where(variable => variable.Kind == VariableKind.OptimizerState))
        {
            float[] values = new float[variable.Shape.ElementCount];
            store.Read(variable, values);
            moments.Add(variable.Name, values);
        }

        return moments;
    }

    private static void AssertSame(Dictionary<string, float[]> expected, Dictionary<string, float[]> actual)
    {
        Assert.Equal(expected.Count, actual.Count);
        foreach ((string name, float[] values) in expected) Assert.True(values.AsSpan().SequenceEqual(actual[name]), $"'{name}' differs");
    }

    private static double Square(float[] values) => values.Sum(value => (double)value * value);

    /// <summary>Convolutions that are clipped, each with the largest of every 2x2 pixels, and a dense layer.</summary>
    private static Model Pooled(int side, float bound, int layers = 1)
    {
        const int Channels = 12;
        GraphBuilder b = new();
        Value x = b.Input("image", new TensorType(DType.F32, new Shape(1, side, side, 3)));
        for (int i = 0; i < layers; i++)
        {
            Conv2dAttributes convolution = new(
                new Window2d(3, 3, 1, 1, 1, 1, new Padding2d(1, 1, 1, 1)), HasBias: true, Activation: Activation.Clip(0, bound));
            Value filter = b.Weights($"conv{i}.weight", (uint)(2 * i), Channels, 3, 3, x.Shape[3]);
            Value bias = b.Weights($"conv{i}.bias", (uint)(2 * i) + 1, Channels);
            x = b.Add(OpCatalog.Conv2d, [x, filter, bias], convolution, $"conv{i}");
            x = b.Add(OpCatalog.MaxPool2d, [x], new MaxPool2dAttributes(new Window2d(2, 2, 2, 2, 1, 1, default)), $"pool{i}");
        }

        int features = x.Shape.Product(1, 4);
        x = b.Add(OpCatalog.Reshape, [x], ReshapeAttributes.To(new Shape(1, features)), "flat");
        x = b.Add(OpCatalog.Dense, [x, b.Weights("fc.weight", 8, 3, features), b.Weights("fc.bias", 9, 3)], new DenseAttributes(HasBias: true), "fc");
        return new Model(b.Build(x), new ModelInfo { Name = "pooled", Preprocessing = Preprocessing.Preset("unit", side, side) });
    }
}
