using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using Thomas.Autodiff;
using Thomas.Formats.TfLite.Writing;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Quantizing;
using Thomas.Runtime;
using Thomas.Tests.Data;
using Thomas.Tests.Harness;
using Thomas.Tests.Quantizing;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

/// <summary>
/// Networks of 8 bits that are trained in 8 bits: the forward pass is the inference of the file that comes out, gradients are those of real numbers.
/// </summary>
public sealed class Int8TrainingTests(ITestOutputHelper output)
{
    private const int Batch = 6;

    private static readonly CompileOptions Cpu = new() { Threads = 2 };

    private static readonly TrainingPlanOptions All = new() { Batch = Batch, Compile = Cpu, Compression = Compression.Int8, Optimizer = Plain };

    private static OptimizerOptions Plain => new() { Momentum = 0, WeightDecay = 0, BodyRate = 1 };

    [Theory]
    [InlineData("mobile", ModelFormat.TfLite)]
    [InlineData("excite", ModelFormat.TfLite)]
    [InlineData("fire", ModelFormat.TfLite)]
    [InlineData("residual", ModelFormat.TfLite)]
    [InlineData("unusual", ModelFormat.TfLite)]
    [InlineData("mobile", ModelFormat.Onnx)]
    [InlineData("residual", ModelFormat.Onnx)]
    public void The_forward_pass_is_the_inference_of_the_file_that_comes_out(string kind, ModelFormat format)
    {
        Model model = Again(QuantizerTests.Quantized(SmallNetworks.Build(kind)).Model, format);
        TrainingPlan plan = TrainingPlanner.Plan(model, All);
        GraphVerifier.Verify(plan.CompiledStep.Graph);
        using VariableStore store = new(plan.Graph.Variables);
        using StepProgram program = new(plan, store);
        Assert.Equal(Weights(model), Weights(plan.Trainee.ToModel(store, logits: true)));
        for (int round = 0; round < 3; round++)
        {
            Step(program, 1, 0);
            float[] trained = program.Probabilities.ToArray();
            Model written = Again(plan.Trainee.ToModel(store, logits: true), format);
            Assert.All(
                written.Graph.Values.Where(value => value.Constant is { Type.Shape.Rank: > 1 }), value => Assert.NotNull(value.Constant!.Quantization));
            float[] expected = Probabilities(written, program);
            for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], trained[i], 1e-6f);
            if (round > 0) Assert.NotEqual(Weights(model), Weights(written));
            List<float> losses = TrainingSteps.Run(program, 1, 4, 0.05f);
            output.WriteLine(string.Join(' ', losses));
            Assert.True(losses[^1] < losses[0], $"losses {string.Join(' ', losses)}");
        }
    }

    // Steps of real numbers are those of the float network up to rounding; steps of the integers are smaller by the square of a weight's step.
    [Fact]
    public void A_step_is_that_of_the_float_network_and_without_the_rule_it_is_not()
    {
        Model model = QuantizerTests.Quantized(SmallNetworks.Build("mobile", width: 16)).Model;
        Dictionary<string, float[]> real = Changes(All with { Compression = Compression.None }), scaled = Changes(All), unscaled = Changes(All, rule: false);
        foreach ((string name, float[] expected) in real)
        {
            double size = Norm(expected);
            double withRule = Norm(scaled[name]) / size, without = Norm(unscaled[name]) / size, cosine = Cosine(expected, scaled[name]);
            output.WriteLine($"{name}: {size:g3}, with the rule {withRule:F3} at {cosine:F4}, without {without:g3}");
            Assert.InRange(withRule, 0.97, 1.03);
            Assert.InRange(cosine, 0.995, 1.0001);
            Assert.InRange(without, 0, 0.01);
        }

        Dictionary<string, float[]> Changes(TrainingPlanOptions options, bool rule = true)
        {
            Trainee trainee = Trainee.Create(model, UpdatePolicy.All, BatchNormMode.Frozen, options.Compression);
            TrainingGraphOptions graphOptions = new(Batch, Plain) { ScalesGradients = rule };
            TrainingGraph graph = TrainingGraph.Build(trainee, graphOptions);
            using VariableStore store = new(graph.Variables);
            using StepProgram program = new(graph, graphOptions, store, Cpu);
            Step(program, 1, 0.01f);
            Dictionary<string, float[]> changes = [];
            foreach (TrainedParameter parameter in trainee.Parameters)
            {
                float[] now = new float[parameter.Variable.Shape.ElementCount], before = parameter.Variable.Initial!.ToFloats();
                store.Read(parameter.Variable, now);
                changes.Add(parameter.Variable.Name, [.. now.Zip(before, static (a, b) => a - b)]);
            }

            return changes;
        }
    }

    [Fact]
    public void Scales_grow_with_the_weights_so_that_none_is_clipped()
    {
        float[] weights = [0.3f, -0.31f, 0.02f, 0.5f, -0.1f, 0.26f];
        RoundWeightsAttributes grid = new(new Quantization([0.002f, 0.002f], [0, 0]), -127, 127);
        TensorData rounded = RoundWeights.Rounded(weights, new Shape(2, 3), grid);
        ReadOnlySpan<float> scales = rounded.Quantization!.Scales;
        Assert.Equal([0.31f / 127.5f, 0.5f / 127.5f], scales.ToArray());
        for (int i = 0; i < weights.Length; i++) Assert.InRange(Math.Abs(weights[i] - rounded.Floats[i]), 0, 0.5001f * scales[i / 3]);

        // Weights of the file fit as they are: its scales stay, to the bit.
        float[] given = [.. Enumerable.Range(0, 6).Select(i => new[] { 127, -127, 5, 0, 90, -3 }[i] * 0.002f)];
        TensorData same = RoundWeights.Rounded(given, new Shape(2, 3), grid);
        Assert.Equal(given, same.Floats.ToArray());
        Assert.Equal(grid.Grid.Scales.ToArray(), same.Quantization!.Scales.ToArray());
    }

    [Theory]
    [InlineData("last")]
    [InlineData("last:2")]
    [InlineData("bias")]
    [InlineData("all")]
    [InlineData("sparse:400KiB")]
    public void Every_policy_trains_within_what_its_plan_says(string policy)
    {
        Assert.True(UpdatePolicy.TryParse(policy, out UpdatePolicy parsed));
        Model model = QuantizerTests.Quantized(SmallNetworks.Build("mobile")).Model;
        TrainingPlan plan = TrainingPlanner.Plan(model, All with { Policy = parsed });
        Assert.Equal(Compression.Int8, plan.Compression);
        using VariableStore store = new(plan.Graph.Variables);
        using StepProgram program = new(plan, store);
        Assert.Equal(plan.Memory.Allocated, store.UsedBytes + program.SizeBytes);
        List<float> losses = TrainingSteps.Run(program, plan.Runs, 6, 0.05f);
        Assert.True(losses[^1] < losses[0], $"losses {string.Join(' ', losses)}");
        Assert.All(
            plan.Graph.Variables,
            variable => Assert.Contains(plan.TrainedTensors, name => variable.Name.StartsWith(name, StringComparison.Ordinal)));
    }

    [Fact]
    public void Activations_are_kept_in_8_bits()
    {
        Model model = QuantizerTests.Quantized(TrainingSteps.SmallNetwork).Model;
        TrainingPlan plan = TrainingPlanner.Plan(model, All), real = TrainingPlanner.Plan(model, All with { Compression = Compression.None });
        output.WriteLine(plan.ToText());
        Expect.True(plan.KeptBytes < 0.27 * real.KeptBytes, $"{plan.KeptBytes} of {real.KeptBytes} bytes are kept");
    }

    [Fact]
    public void Micro_batches_recomputation_and_threads_keep_to_the_same_curve()
    {
        Model model = QuantizerTests.Quantized(TrainingSteps.SmallNetwork).Model;
        TrainingPlan free = TrainingPlanner.Plan(model, All);
        List<float> plain = TrainingSteps.Run(free, 3);
        Assert.Equal(plain, TrainingSteps.Run(TrainingPlanner.Plan(model, All with { Compile = Cpu with { Threads = 1 } }), 3));
        TrainingPlan dropped = TrainingPlanner.PlanOne(free.Trainee, free.Options, Batch, 1);
        Assert.NotEmpty(dropped.Recomputed);
        Assert.True(dropped.Memory.StepArena < free.Memory.StepArena);
        Assert.Equal(plain, TrainingSteps.Run(dropped, 3));
        List<float> micro = TrainingSteps.Run(TrainingPlanner.Plan(model, All with { MicroBatch = 2 }), 3);
        for (int i = 0; i < plain.Count; i++) Assert.Equal(plain[i], micro[i], 0.05f * plain[i]);
        Assert.Equal(plain[0], micro[0], 1e-5f * plain[0]);
    }

    [Fact]
    public void The_serial_device_takes_the_same_steps()
    {
        Model model = QuantizerTests.Quantized(SmallNetworks.Build("excite")).Model;
        List<float> expected = TrainingSteps.Run(TrainingPlanner.Plan(model, All), 3);
        List<float> actual = TrainingSteps.Run(TrainingPlanner.Plan(model, All with { Compile = new CompileOptions { Device = DeviceKind.Serial } }), 3);
        for (int i = 0; i < expected.Count; i++) Assert.Equal(expected[i], actual[i], 0.01f * expected[i]);
        Assert.Equal(expected[0], actual[0], 1e-5f * expected[0]);
    }

    [Fact]
    public void Networks_without_grids_and_devices_without_integers_are_refused()
    {
        ThomasException e = Assert.Throws<ThomasException>(() => TrainingPlanner.Plan(TrainingSteps.SmallNetwork, All));
        Assert.Contains("convert --int8", e.Message, StringComparison.Ordinal);
        Model model = QuantizerTests.Quantized(SmallNetworks.Build("mobile")).Model;
        e = Assert.Throws<ThomasException>(
            () => TrainingPlanner.Plan(model, All with { Compile = new CompileOptions { OtherDevice = MockDevice.Serial(), Threads = 1 } }));
        Assert.Contains("'int8' computes on the CPU", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_stopped_run_is_resumed_with_the_same_bits_but_not_in_float32(bool bounded)
    {
        using TrainerJob job = new();
        using TemporaryFolder folder = new();
        Model model = QuantizerTests.Quantized(TrainerJob.Model(TinyModels.HeadStyle.Dense, known: true)).Model;
        TrainerOptions options = TrainerJob.Options with { Compression = Compression.Int8, Policy = UpdatePolicy.All, MemoryBytes = bounded ? 400_000 : null };
        TrainerResult expected = job.Run(options, model);
        Assert.Equal(Compression.Int8, expected.Compression);
        Assert.All(
            expected.Model.Graph.Values.Where(value => value.Constant is { Type.Shape.Rank: > 1 }), value => Assert.NotNull(value.Constant!.Quantization));
        TrainerOptions kept = options with { CheckpointPath = folder["run"], Resume = true };
        using CancellationTokenSource source = new();
        int done = 0;
        Relay<StageProgress> progress = new(p =>
        {
            if (p.Stage == "train" && ++done == 5) source.Cancel();
        });
        Assert.True(job.Run(kept, model, progress: progress, cancellation: source.Token).Cancelled);
        ThomasException e = Assert.Throws<ThomasException>(() => job.Run(kept with { Compression = Compression.None }, model));
        Assert.Contains("compression (there int8, here not set)", e.Message, StringComparison.Ordinal);
        Assert.Equal(TrainerJob.Bits(expected.Model), TrainerJob.Bits(job.Run(kept, model).Model));
    }

    // The accuracy that a run tells is that of the model that it returns.
    [Fact]
    public void What_validation_says_is_what_the_model_does()
    {
        using TrainerJob job = new();
        Model model = QuantizerTests.Quantized(TrainerJob.Model(TinyModels.HeadStyle.Dense, known: true)).Model;
        TrainerResult result = job.Run(TrainerJob.Options with { Compression = Compression.Int8, Policy = UpdatePolicy.All, Epochs = 4 }, model);
        IReadOnlyList<ImagePrediction> predictions = Evaluator.Predict(Again(result.Model), job.Validation, new EvaluationOptions { Compile = Cpu });
        Assert.Equal(result.After!.Correct, predictions.Count(prediction => prediction.IsCorrect));
        Assert.True(result.Epochs[^1].TrainLoss < result.Epochs[0].TrainLoss);
    }

    [Theory]
    [InlineData(ModelFormat.TfLite, false)]
    [InlineData(ModelFormat.TfLite, true)]
    [InlineData(ModelFormat.Onnx, false)]
    public void Tuning_ends_with_a_last_layer_in_8_bits_unless_memory_is_bounded(ModelFormat format, bool bounded)
    {
        Model model = Again(QuantizerTests.Quantized(TrainerJob.Model(TinyModels.HeadStyle.DenseSoftmax)).Model, format);
        TrainerOptions network = new() { Policy = UpdatePolicy.All, Compression = Compression.Int8, Epochs = 2, BatchSize = 8 };
        NoDecoder decoder = new();
        TuningOptions options = LastLayerGrid.With(
            new TuningOptions { Compile = Cpu, Network = network, MemoryBytes = bounded ? 64L << 20 : null, ValidationShare = 0.4 }, decoder);
        TuningResult result = Tuner.Tune(model, TinyModels.Images(15, 1, TrainerJob.Classes).ToDataset(), decoder, options);
        Model again = Again(result.Model);
        Assert.Equal(bounded ? 1 : 0, IntegerPlan.Of(again.Graph).FloatLayers().Count);
        Assert.Equal(bounded, result.Notes.Any(note => note.StartsWith("the new last layer is float32", StringComparison.Ordinal)));
        Assert.Equal(TrainerJob.Classes.Order(), again.Info.Labels!.Order());
    }

    private static void Step(StepProgram program, int number, float rate)
    {
        program.Begin(number, rate);
        TrainingSteps.Fill(program, 0, Batch);
        program.Run();
        program.End();
    }

    private static Model Again(Model model, ModelFormat format = ModelFormat.TfLite)
    {
        using MemoryStream stream = new();
        model.Save(stream, format);
        stream.Position = 0;
        return Model.Load(stream, $"again.{format}");
    }

    /// <summary>The softmax of a model's scores for the images of a step.</summary>
    private static float[] Probabilities(Model model, StepProgram program)
    {
        float[] images = TrainingSteps.Numbers(program.Step.Graph, 0, Batch).Images;
        using Executable executable = Executable.Compile(model.Graph, Batch, Cpu);
        images.CopyTo(executable.Input());
        executable.Run();
        float[] scores = executable.Output().ToArray();
        int classes = scores.Length / Batch;
        for (int n = 0; n < Batch; n++)
        {
            Span<float> row = scores.AsSpan(n * classes, classes);
            float most = row.ToArray().Max(), sum = 0;
            foreach (ref float score in row) sum += score = MathF.Exp(score - most);
            foreach (ref float score in row) score /= sum;
        }

        return scores;
    }

    /// <summary>Filters and biases by name.</summary>
    private static SortedDictionary<string, float[]> Weights(Model model)
    {
        SortedDictionary<string, float[]> weights = new(StringComparer.Ordinal);
        foreach (Node node in model.Graph.Nodes)
        {
            if (!LinearNode.TryGet(node, out LinearNode layer)) continue;
            weights.Add(layer.Weights.Name, layer.Weights.Constant!.ToFloats());
            if (layer.Bias is Value bias) weights.Add(bias.Name, bias.Constant!.ToFloats());
        }

        return weights;
    }

    private static double Norm(float[] values) => Math.Sqrt(values.Sum(static x => (double)x * x));

    private static double Cosine(float[] a, float[] b) => a.Zip(b, static (x, y) => (double)x * y).Sum() / (Norm(a) * Norm(b));
}
