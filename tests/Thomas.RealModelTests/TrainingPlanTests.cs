using System.Diagnostics;
using Thomas.Autodiff;
using Thomas.Graphs;
using Thomas.Planning;
using Thomas.Runtime;
using Thomas.Training;
using Xunit;

namespace Thomas.RealModelTests;

/// <summary>
/// The memory of training MobileNetV2 1.0 at 224 x 224 with its 1000 classes, float32, SGD with momentum: weights, momentum, activations, gradients,
/// everything.
/// </summary>
public sealed class TrainingPlanTests(ITestOutputHelper output)
{
    private const long MiB = 1 << 20;

    [Theory]
    [InlineData(8, 320, 180)]
    [InlineData(1, 80, 56)]
    public void All_parameters_train_in(int batch, int mebibytes, int recomputing)
    {
        TrainingPlan free = Plan(new TrainingPlanOptions { Batch = batch });
        Assert.True(free.Memory.Total <= mebibytes * MiB, $"{free.Memory.Total} bytes");
        Assert.Empty(free.Recomputed);
        TrainingPlan bound = Plan(new TrainingPlanOptions { Batch = batch, MicroBatch = batch, MemoryBytes = recomputing * MiB });
        Assert.True(bound.Memory.Total <= recomputing * MiB, $"{bound.Memory.Total} bytes");
        Assert.Equal(3_487_816, bound.TrainedParameters);
        TrainingPlan smallest = TrainingPlanner.Smallest(Model(), bound.Options);
        output.WriteLine($"smallest {smallest.Memory.Total / (double)MiB:F1} MiB, {smallest.Recomputed.Count} values recomputed");
        Assert.True(smallest.Memory.Total < bound.Memory.Total);
    }

    [Fact]
    public void Sixty_four_mebibytes_train_batches_of_32_with_the_same_losses()
    {
        TrainingPlan small = Plan(new TrainingPlanOptions { Batch = 32, MemoryBytes = 64 * MiB }), whole = Plan(new TrainingPlanOptions { Batch = 32 });
        Assert.True(small.Memory.Total <= 64 * MiB);
        Assert.True(small.Runs > 1);
        float[] expected = Losses(whole), actual = Losses(small);
        output.WriteLine($"batch {string.Join(' ', expected)}\npieces {string.Join(' ', actual)}");
        for (int step = 0; step < expected.Length; step++) Assert.Equal(expected[step], actual[step], 1e-3f * expected[step]);
    }

    [Fact]
    public void The_last_layer_adds_little_to_inference()
    {
        foreach (int classes in new[] { 5, 1000 })
        {
            CompileOptions compile = new() { Threads = 2 };
            using Executable inference = Executable.Compile(Model().Graph, FeatureExtractor.DefaultBatch, compile);
            HeadPlan head = HeadPlan.Create(Model(), classes, TrainerOptions.LastLayer, 0, compile);
            long inferenceBytes = inference.SizeBytes + FrozenBytes(inference);
            output.WriteLine(
                $"{classes} classes: inference {inferenceBytes / (double)MiB:F1} MiB, tuning {head.Total / (double)MiB:F1} MiB, of it the layer "
                + $"{head.Head / (double)MiB:F1} MiB");
            Assert.True(head.Total <= inferenceBytes + (8 * MiB), $"{head}");
        }
    }

    [Fact]
    public void Planning_is_fast_and_wastes_little()
    {
        TrainingPlanOptions options = new() { Batch = 8, Compile = new CompileOptions { Threads = 2 } };
        TrainingPlan plan = TrainingPlanner.Plan(Model(), options);
        Assert.True(plan.Memory.Gaps <= plan.Step.LowerBoundBytes * 0.03);
        long best = long.MaxValue;
        for (int i = 0; i < 10; i++)
        {
            long start = Stopwatch.GetTimestamp();
            MemoryPlanner.Plan(plan.CompiledStep.Graph, new long[plan.CompiledStep.Graph.Nodes.Count]);
            best = long.Min(best, Stopwatch.GetElapsedTime(start).Ticks);
        }

        double milliseconds = best / 1e4;
        output.WriteLine($"{plan.CompiledStep.Graph.Nodes.Count} nodes planned in {milliseconds:F1} ms");
        Assert.True(milliseconds < 50, $"{milliseconds} ms");
    }

    [Theory]
    [InlineData("sparse:40MiB")]
    [InlineData("sparse:64MiB")]
    [InlineData("sparse:100MiB")]
    public void Sparse_policies_train_what_fits(string policy)
    {
        Assert.True(UpdatePolicy.TryParse(policy, out UpdatePolicy parsed));
        TrainingPlan plan = Plan(new TrainingPlanOptions { Policy = parsed, Batch = 32 });
        Assert.True(plan.Memory.Total <= parsed.MemoryBytes);
        Assert.True(plan.Memory.Total > 0.97 * parsed.MemoryBytes, "the bound is not made use of");
        Assert.True(plan.TrainedTensors.Count > 10);
    }

    private static Model Model() => Thomas.Model.Load(Assets.PathOf("models", "onnx", "mobilenet_v2_1.0_224.onnx"));

    private TrainingPlan Plan(TrainingPlanOptions options)
    {
        TrainingPlan plan = TrainingPlanner.Plan(Model(), options with { Compile = new CompileOptions { Threads = 2 } });
        output.WriteLine(plan.ToText());
        return plan;
    }

    private static long FrozenBytes(Executable executable)
    {
        long bytes = 0;
        foreach (Value value in executable.Graph.Values) bytes += value.IsConstant ? value.Type.SizeBytes : 0;
        return bytes;
    }

    private static float[] Losses(TrainingPlan plan)
    {
        using VariableStore store = new(plan.Graph.Variables);
        using StepProgram program = new(plan, store);
        int batch = plan.Options.Batch, length = program.Stage([]).Inputs.Length / program.Batch;
        float[] losses = new float[3];
        for (int step = 0; step < losses.Length; step++)
        {
            program.Begin(step + 1, 0.001f);
            for (int run = 0; run < plan.Runs; run++)
            {
                BatchSpans inputs = program.Stage([]);
                inputs.Targets.Clear();
                for (int n = 0; n < program.Batch; n++)
                {
                    int image = (run * program.Batch) + n;
                    Rng rng = new((ulong)image + 1);
                    float shade = rng.Uniform();
                    for (int i = 0; i < length; i++) inputs.Inputs[(n * length) + i] = (2 * shade) - 1 + (0.5f * rng.Uniform());
                    inputs.Targets[(n * (inputs.Targets.Length / program.Batch)) + (image * 31)] = 1;
                }

                inputs.Weights.Fill(1f / batch);
                program.Send();
                losses[step] += program.Run();
            }

            program.End();
        }

        return losses;
    }
}
