using System;
using System.Collections.Generic;
using Thomas.Autodiff;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;
using Thomas.Runtime;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

[Collection(nameof(ProcessMeasurements))]
public sealed class StepProgramTests
{
    private const int Classes = 5, Side = 6, Images = 12;

    [Theory]
    [InlineData(OptimizerKind.Sgd, 0.1f)]
    [InlineData(OptimizerKind.AdamW, 0.01f)]
    public void A_small_network_learns_its_images_by_heart(OptimizerKind kind, float rate)
    {
        List<float> losses = Train(UpdatePolicy.All, new OptimizerOptions { Kind = kind }, rate, steps: 80);
        Expect.True(losses[0] > 1, $"first loss {losses[0]}");
        Expect.True(losses[^1] < 0.05, $"last loss {losses[^1]}");
    }

    [Fact]
    public void Updating_at_once_or_at_the_end_gives_the_same_bits() =>
        Assert.Equal(Train(UpdatePolicy.All, new OptimizerOptions(), 0.1f, 10), Train(UpdatePolicy.All, new OptimizerOptions(), 0.1f, 10, immediate: false));

    [Fact]
    public void Memory_sharing_fusion_and_threads_change_nothing_that_matters()
    {
        List<float> plain = Train(UpdatePolicy.All, new OptimizerOptions(), 0.1f, 10, compile: new CompileOptions { Threads = 1 });
        Assert.Equal(plain, Train(UpdatePolicy.All, new OptimizerOptions(), 0.1f, 10, compile: new CompileOptions { Threads = 3 }));
        Assert.Equal(plain, Train(UpdatePolicy.All, new OptimizerOptions(), 0.1f, 10, compile: new CompileOptions { Threads = 1, ShareMemory = false }));
        Close(plain, Train(UpdatePolicy.All, new OptimizerOptions(), 0.1f, 10, compile: TestGraphs.Oracle));
    }

    [Theory]
    [InlineData(6)]
    [InlineData(3)]
    [InlineData(1)]
    public void Micro_batches_follow_the_same_curve(int micro) =>
        Close(Train(UpdatePolicy.All, new OptimizerOptions(), 0.1f, 20), Train(UpdatePolicy.All, new OptimizerOptions(), 0.1f, 20, micro: micro));

    [Fact]
    public void Clipping_by_a_bound_that_is_never_reached_changes_nothing_and_a_low_one_slows_down()
    {
        List<float> plain = Train(UpdatePolicy.All, new OptimizerOptions(), 0.1f, 20);
        Close(plain, Train(UpdatePolicy.All, new OptimizerOptions { ClipNorm = 1e6f }, 0.1f, 20));
        Assert.True(Train(UpdatePolicy.All, new OptimizerOptions { ClipNorm = 0.01f }, 0.1f, 20)[^1] > 2 * plain[^1]);
    }

    [Fact]
    public void What_a_policy_freezes_has_no_gradient_and_keeps_its_bits()
    {
        Model model = Network();
        Trainee trainee = Trainee.Create(model, UpdatePolicy.Last, BatchNormMode.Frozen);
        Assert.Equal(["dense.weight", "dense.bias"], Names(trainee));
        TrainingGraph graph = TrainingGraph.Build(trainee, new TrainingGraphOptions(Images, new OptimizerOptions()));
        Assert.DoesNotContain(graph.Step.Nodes, node => node.Stage == Stage.Backward && node.Name.Contains("conv", StringComparison.Ordinal));

        using VariableStore store = new(graph.Variables);
        Model after = trainee.ToModel(store);
        Assert.Equal(GraphDump.ToText(model.Graph), GraphDump.ToText(after.Graph));
    }

    [Fact]
    public void Policies_select_what_they_say()
    {
        Assert.Equal(
            ["conv1.bias", "conv2.bias", "dense.weight", "dense.bias"],
            Names(Trainee.Create(Network(), new UpdatePolicy(UpdateKind.Bias), BatchNormMode.Frozen)));
        Assert.Equal(
            ["conv2.weight", "conv2.bias", "dense.weight", "dense.bias"],
            Names(Trainee.Create(Network(), new UpdatePolicy(UpdateKind.LastLayers, 2), BatchNormMode.Frozen)));
        Assert.Equal(6, Names(Trainee.Create(Network(), UpdatePolicy.All, BatchNormMode.Frozen)).Count);
        ThomasException e = Assert.Throws<ThomasException>(() => Trainee.Create(Network(), new UpdatePolicy(UpdateKind.Norm), BatchNormMode.Frozen));
        Assert.Contains("'bias'", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_warm_step_allocates_nothing_on_any_thread()
    {
        Trainee trainee = Trainee.Create(Network(), UpdatePolicy.All, BatchNormMode.Frozen);
        TrainingGraphOptions options = new(Images, new OptimizerOptions());
        TrainingGraph graph = TrainingGraph.Build(trainee, options);
        using VariableStore store = new(graph.Variables);
        using StepProgram program = new(graph, options, store, new CompileOptions { Threads = 3 });
        Fill(program, 0);
        int step = 0;
        while (step < 3) Step(program, ++step);
        long allocated = ProcessMeasurements.LeastAllocated(() =>
        {
            for (int i = 0; i < 4; i++) Step(program, ++step);
        });
        Assert.Equal(0, allocated);
    }

    private static void Step(StepProgram program, int number)
    {
        program.Begin(number, 0.01f);
        program.Run();
        program.End();
    }

    private static List<string> Names(Trainee trainee)
    {
        List<string> names = [];
        foreach (TrainedParameter parameter in trainee.Parameters) names.Add(parameter.Variable.Name);
        return names;
    }

    private static void Close(List<float> expected, List<float> actual)
    {
        Assert.Equal(expected.Count, actual.Count);
        for (int i = 0; i < expected.Count; i++) Assert.Equal(expected[i], actual[i], Math.Max(1e-5f, 1e-4f * expected[i]));
    }

    private static List<float> Train(
        UpdatePolicy policy, OptimizerOptions optimizer, float rate, int steps, int micro = Images, bool immediate = true, CompileOptions? compile = null)
    {
        Trainee trainee = Trainee.Create(Network(), policy, BatchNormMode.Frozen);
        TrainingGraphOptions options = new(micro, optimizer, Accumulate: micro < Images, immediate);
        TrainingGraph graph = TrainingGraph.Build(trainee, options);
        GraphVerifier.Verify(graph.Step);
        using VariableStore store = new(graph.Variables);
        using StepProgram program = new(graph, options, store, compile ?? new CompileOptions { Threads = 2 });
        List<float> losses = [];
        for (int step = 1; step <= steps; step++)
        {
            float loss = 0;
            program.Begin(step, rate);
            for (int first = 0; first < Images; first += micro)
            {
                Fill(program, first);
                loss += program.Run();
            }

            program.End();
            losses.Add(loss);
        }

        return losses;
    }

    private static void Fill(StepProgram program, int first)
    {
        const int length = Side * Side * 2;
        TestGraphs.Noise(Images * length, 3).AsSpan(first * length, program.Batch * length).CopyTo(program.Stage([]).Inputs);
        program.Stage([]).Targets.Clear();
        for (int n = 0; n < program.Batch; n++) program.Stage([]).Targets[(n * Classes) + ((first + n) % Classes)] = 1;
        program.Stage([]).Weights.Fill(1f / Images);
        program.Send();
    }

    private static Model Network()
    {
        GraphBuilder builder = new();
        Value x = builder.Input("images", new TensorType(DType.F32, new Shape(1, Side, Side, 2)));
        Value y = Convolution(builder, x, "conv1", 8, new Window2d(3, 3, 1, 1, 1, 1, new Padding2d(1, 1, 1, 1)));
        y = builder.Add(OpCatalog.Activate, [y], new ActivateAttributes(Activation.Relu));
        y = Convolution(builder, y, "conv2", 8, new Window2d(3, 3, 2, 2, 1, 1, new Padding2d(0, 0, 1, 1)));
        y = builder.Add(OpCatalog.Activate, [y], new ActivateAttributes(new Activation(ActivationKind.HardSwish)));
        y = builder.Add(OpCatalog.Reshape, [y], new ReshapeAttributes(new IntList(0, -1)));
        y = builder.Add(
            OpCatalog.Dense, [y, Weights(builder, "dense.weight", Classes, y.Shape[1]), Weights(builder, "dense.bias", Classes)],
            new DenseAttributes(HasBias: true), "scores");
        return new Model(builder.Build(builder.Add(OpCatalog.Softmax, [y], new SoftmaxAttributes(), "probabilities")), new ModelInfo { Name = "tiny" });
    }

    private static Value Convolution(GraphBuilder builder, Value x, string name, int outputs, Window2d window) => builder.Add(
        OpCatalog.Conv2d,
        [x, Weights(builder, name + ".weight", outputs, window.KernelH, window.KernelW, x.Shape[3]), Weights(builder, name + ".bias", outputs)],
        new Conv2dAttributes(window, HasBias: true),
        name);

    private static Value Weights(GraphBuilder builder, string name, params int[] dims)
    {
        Shape shape = new(dims);
        float[] values = TestGraphs.Noise(shape.ElementCount, (uint)name.Length + 7);
        float scale = dims.Length == 1 ? 0.1f : MathF.Sqrt(3f / shape.Product(1, shape.Rank));
        for (int i = 0; i < values.Length; i++) values[i] *= scale;
        return builder.Constant(name, TensorData.FromFloats(shape, values));
    }
}
