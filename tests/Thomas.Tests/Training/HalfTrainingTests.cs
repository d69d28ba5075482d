using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Thomas.Autodiff;
using Thomas.Data;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;
using Thomas.Tests.Data;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

/// <summary>A model with weights of 16 bits is trained as one of the same numbers in float32; what stays frozen stays 16-bit, bit for bit.</summary>
public sealed class HalfTrainingTests
{
    public static TheoryData<string, string> Policies => new()
    {
        { "last:1", "F16" }, { "last:2", "F16" }, { "bias", "F16" }, { "all", "F16" }, { "bias", "BF16" }, { "all", "BF16" },
    };

    [Theory]
    [MemberData(nameof(Policies))]
    public void Training_gives_the_bits_of_float32_and_leaves_what_is_frozen_as_it_was(string policy, string type)
    {
        DType half = Enum.Parse<DType>(type);
        Assert.True(UpdatePolicy.TryParse(policy, out UpdatePolicy parsed));
        (Model inHalves, Model inFloats) = Halves.Of(Network(), half);
        using TrainerJob job = new();
        TrainerOptions options = TrainerJob.Options with { Policy = parsed };
        TrainerResult actual = job.Run(options, inHalves), expected = job.Run(options, inFloats);
        Assert.Equal(expected.Epochs.Select(epoch => epoch.TrainLoss), actual.Epochs.Select(epoch => epoch.TrainLoss));
        Dictionary<string, byte[]> before = Halves.Constants(inHalves.Graph, half), frozen = Halves.Constants(actual.Model.Graph, half);
        foreach ((string name, byte[] bytes) in frozen) Assert.Equal(before[name], bytes);
        Dictionary<string, TensorData> floats = Named(expected.Model), halves = Named(actual.Model);
        Assert.Equal(floats.Keys.Order(), halves.Keys.Order());
        foreach ((string name, TensorData data) in floats) Assert.Equal(data.ToFloats(), halves[name].ToFloats());

        // What was trained is float32 from then on.
        IReadOnlyList<Parameter> trained = TrainableSet.Select(inHalves.Graph, parsed);
        Assert.NotEmpty(trained);
        Assert.Equal(before.Keys.Except(trained.Select(parameter => parameter.Constant.Name)).Order(), frozen.Keys.Order());
    }

    [Fact]
    public void A_new_last_layer_is_trained_on_the_same_features()
    {
        (Model inHalves, Model inFloats) = Halves.Of(Network("one", "two", "three"), DType.F16);
        Dataset images = TinyModels.Images(20, 1, "red", "green", "blue").ToDataset();
        foreach (bool keep in (bool[])[false, true])
        {
            TuningOptions options = new() { KeepClasses = keep };
            TuningResult actual = Tuner.Tune(inHalves, images, new NoDecoder(), options), expected = Tuner.Tune(inFloats, images, new NoDecoder(), options);
            Dictionary<string, TensorData> floats = Named(expected.Model), halves = Named(actual.Model);
            Assert.Equal(floats.Keys.Order(), halves.Keys.Order());
            foreach ((string name, TensorData data) in floats) Assert.Equal(data.ToFloats(), halves[name].ToFloats());
            Dictionary<string, byte[]> before = Halves.Constants(inHalves.Graph, DType.F16), after = Halves.Constants(actual.Model.Graph, DType.F16);
            Assert.Equal(["conv.bias", "conv.weight", "depthwise.bias", "depthwise.weight", "point.bias", "point.weight"], after.Keys.Order());
            foreach ((string name, byte[] bytes) in after) Assert.Equal(before[name], bytes);
        }
    }

    [Fact]
    public void A_stopped_run_is_resumed_with_the_same_bits()
    {
        (Model half, _) = Halves.Of(Network(), DType.F16);
        using TrainerJob job = new();
        using TemporaryFolder folder = new();
        TrainerOptions options = TrainerJob.Options with { Policy = new UpdatePolicy(UpdateKind.Last, 2) };
        TrainerResult expected = job.Run(options, half);
        using CancellationTokenSource source = new();
        int done = 0;
        Relay<StageProgress> progress = new(p =>
        {
            if (p.Stage == "train" && ++done == 5) source.Cancel();
        });
        TrainerOptions kept = options with { CheckpointPath = folder["run"], Resume = true };
        Assert.True(job.Run(kept, half, progress: progress, cancellation: source.Token).Cancelled);
        TrainerResult resumed = job.Run(kept, half);
        Assert.Contains(resumed.Notes, note => note.StartsWith("resumed", StringComparison.Ordinal));
        Assert.Equal(TrainerJob.Bits(expected.Model), TrainerJob.Bits(resumed.Model));
        Assert.Equal(Halves.Constants(expected.Model.Graph, DType.F16), Halves.Constants(resumed.Model.Graph, DType.F16));
    }

    [Fact]
    public void Batch_normalization_is_folded_into_halves_as_into_float32()
    {
        (Model inHalves, Model inFloats) = Halves.Of(TrainerJob.Model(known: true), DType.F16);
        using TrainerJob job = new();
        TrainerOptions options = TrainerJob.Options with { Policy = UpdatePolicy.Last };
        TrainerResult actual = job.Run(options, inHalves), expected = job.Run(options, inFloats);
        Dictionary<string, TensorData> floats = Named(expected.Model), halves = Named(actual.Model);
        Assert.Equal(floats.Keys.Order(), halves.Keys.Order());
        foreach ((string name, TensorData data) in floats) Assert.Equal(data.ToFloats(), halves[name].ToFloats());
    }

    [Fact]
    public void A_plan_counts_frozen_halves_as_halves_and_trained_ones_as_float32()
    {
        (Model inHalves, Model inFloats) = Halves.Of(Network(), DType.F16);
        foreach (string policy in (string[])["bias", "all"])
        {
            Assert.True(UpdatePolicy.TryParse(policy, out UpdatePolicy parsed));
            TrainingMemory halves = TrainingPlanner.Plan(inHalves, new TrainingPlanOptions { Policy = parsed, Batch = 4 }).Memory,
                floats = TrainingPlanner.Plan(inFloats, new TrainingPlanOptions
                {
                    Policy = parsed,
                    Batch = 4,
                }).Memory;
            Assert.Equal(floats.TrainedWeights, halves.TrainedWeights);
            if (policy == "all") Assert.Equal(floats.FrozenConstants, halves.FrozenConstants);
            else Assert.InRange(halves.FrozenConstants, floats.FrozenConstants / 2, floats.FrozenConstants * 0.6);
        }
    }

    [Fact]
    public void Numbers_that_are_not_finite_are_found_in_halves()
    {
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(1, 40)));
        float[] weights = TestGraphs.Noise(120, 1);
        weights[77] = 1e6f;
        Model model = new(
            b.Build(
                b.Add(OpCatalog.Dense, [x, b.Constant("w", Halves.To(TensorData.FromFloats(new Shape(3, 40), weights), DType.F16))], new DenseAttributes())),
                    new ModelInfo { Name = "dense" });
        Assert.Equal(["w"], ModelChecks.NonFiniteConstants(model));
    }

    private static Model Network(params string[] labels)
    {
        GraphBuilder b = new();
        Value x = b.Input("image", new TensorType(DType.F32, new Shape(1, TinyModels.Side, TinyModels.Side, 3)));
        Window2d window = new(3, 3, 2, 2, 1, 1, new Padding2d(0, 0, 1, 1));
        x = b.Add(
            OpCatalog.Conv2d, [x, b.Weights("conv.weight", 1, 16, 3, 3, 3), b.Weights("conv.bias", 2, 16)],
            new Conv2dAttributes(window, HasBias: true, Activation: Activation.Relu6), "conv");
        x = b.Add(
            OpCatalog.DepthwiseConv2d, [x, b.Weights("depthwise.weight", 3, 1, 3, 3, 16), b.Weights("depthwise.bias", 4, 16)],
            new DepthwiseConv2dAttributes(new Window2d(3, 3), HasBias: true, Activation: Activation.Relu6), "depthwise");
        x = b.Add(
            OpCatalog.Conv2d, [x, b.Weights("point.weight", 5, 24, 1, 1, 16), b.Weights("point.bias", 6, 24)],
            new Conv2dAttributes(new Window2d(1, 1), HasBias: true, Activation: Activation.Relu), "point");
        x = b.Add(OpCatalog.Reduce, [x], new ReduceAttributes(ReduceKind.Mean, new IntList(1, 2), KeepDims: false), "pool");
        x = b.Add(OpCatalog.Dense, [x, b.Weights("fc.weight", 7, 3, 24), b.Weights("fc.bias", 8, 3)], new DenseAttributes(HasBias: true), "fc");
        x = b.Add(OpCatalog.Softmax, [x], new SoftmaxAttributes(), "probabilities");
        return new Model(b.Build(x), new ModelInfo
        {
            Name = "small",
            Labels = labels.Length > 0 ? labels : TrainerJob.Classes,
            Preprocessing = Preprocessing.Preset("tf", TinyModels.Side, TinyModels.Side) with { CropMargin = 1 },
        });
    }

    private static Dictionary<string, TensorData> Named(Model model) =>
        model.Graph.Values.Where(value => value.IsConstant).ToDictionary(value => value.Name, value => value.Constant!);
}
