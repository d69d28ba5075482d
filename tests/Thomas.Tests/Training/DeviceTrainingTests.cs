using System;
using System.Linq;
using System.Threading;
using Thomas.Autodiff;
using Thomas.Data;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Runtime;
using Thomas.Tests.Data;
using Thomas.Tests.Harness;
using Thomas.Tests.Runtime;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

/// <summary>Training on a device with memory and a queue of its own gives the bits of the host, whose kernels it has.</summary>
public sealed class DeviceTrainingTests
{
    private static readonly Op[] Missing = [OpCatalog.Softmax, OpCatalog.Conv2dFilterGradient, OpCatalog.SoftmaxCrossEntropy, OpCatalog.BatchNormTraining];

    private static readonly TrainerOptions Options = TrainerJob.Options with
    {
        Epochs = 4,
        Optimizer = new OptimizerOptions { Kind = OptimizerKind.AdamW, AverageDecay = 0.8f },
        BatchNorm = BatchNormMode.Live,
        LearningRate = 0.01f,
        Dropout = 0.2f,
        Mixup = 0.2f,
        Augmentation = new Augmentation { Flip = true },
        Compile = DeviceTests.WithoutCaches,
    };

    private static readonly TrainerOptions Pieces = Options with
    {
        Optimizer = new OptimizerOptions { ClipNorm = 1 },
        BatchNorm = BatchNormMode.Frozen,
        MicroBatch = 4,
    };

    private static readonly TrainerOptions Scratch = Options with { Policy = new UpdatePolicy(UpdateKind.Scratch), Dropout = 0 };

    public static TheoryData<string, bool> Runs =>
        new() { { "live", false }, { "live", true }, { "pieces", false }, { "pieces", true }, { "scratch", false }, { "scratch", true } };

    [Theory]
    [MemberData(nameof(Runs))]
    public void A_run_has_the_bits_of_the_host(string kind, bool lacks)
    {
        TrainerOptions options = Of(kind);
        using TrainerJob job = new();
        TrainerResult expected = job.Run(options);
        MockDevice mock = MockDevice.Serial(lacks ? Missing : []);
        TrainerResult actual = job.Run(options with { Compile = DeviceTests.On(mock) });
        Assert.Equal(TrainerJob.Bits(expected.Model), TrainerJob.Bits(actual.Model));
        Assert.Equal(expected.BestEpoch, actual.BestEpoch);
        Assert.Equal(expected.After!.ToRows(), actual.After!.ToRows());
        for (int i = 0; i < expected.Epochs.Count; i++)
            Assert.Equal(expected.Epochs[i] with { Duration = default }, actual.Epochs[i] with { Duration = default });
        Assert.Equal(lacks, actual.Kernels.Contains("x32_transfer_mock_to_serial"));
        Assert.Contains(actual.Kernels, kernel => kernel.EndsWith("__mock", StringComparison.Ordinal));
        Assert.Equal(0, mock.Bytes);
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(6, true)]
    [InlineData(10, false)]
    public void A_stopped_run_is_resumed_with_the_same_bits(int stopAfter, bool lacks)
    {
        using TrainerJob job = new();
        using TemporaryFolder folder = new();
        TrainerResult expected = job.Run(Options);
        Op[] missing = lacks ? Missing : [];
        TrainerOptions options = Options with { CheckpointPath = folder["run"], Resume = true };
        using CancellationTokenSource source = new();
        int done = 0;
        Relay<StageProgress> progress = new(p =>
        {
            if (p.Stage == "train" && ++done == stopAfter) source.Cancel();
        });
        Assert.True(job.Run(options with { Compile = DeviceTests.On(MockDevice.Serial(missing)) }, progress: progress, cancellation: source.Token).Cancelled);
        TrainerResult resumed = job.Run(options with { Compile = DeviceTests.On(MockDevice.Serial(missing)) });
        Assert.Equal(TrainerJob.Bits(expected.Model), TrainerJob.Bits(resumed.Model));
        Assert.Contains(resumed.Notes, note => note.StartsWith("resumed", StringComparison.Ordinal));

        // Another device is another run.
        ThomasException e = Assert.Throws<ThomasException>(() => job.Run(options));
        Assert.Contains("device (there Mock, here Serial)", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_that_overflows_goes_back_and_names_the_same_value()
    {
        using TrainerJob job = new();
        TrainerOptions options = TrainerJob.Options with
        {
            Epochs = 40,
            LearningRate = 6,
            WarmupShare = 0,
            FinalLearningRateShare = 1,
            Optimizer = new OptimizerOptions { Momentum = 0, WeightDecay = 1 },
            Compile = DeviceTests.WithoutCaches,
        };
        TrainerResult expected = job.Run(options), actual = job.Run(options with { Compile = DeviceTests.On(MockDevice.Serial(Missing)) });
        Assert.Equal(1, expected.Restarts);
        Assert.Equal(expected.Notes, actual.Notes);
        Assert.Equal(TrainerJob.Bits(expected.Model), TrainerJob.Bits(actual.Model));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_memory_bound_is_kept_and_changes_no_bit(bool lacks)
    {
        MockDevice mock = MockDevice.Serial(lacks ? [OpCatalog.DepthwiseConv2dFilterGradient, OpCatalog.Reduce] : []);
        TrainingPlanOptions options = new() { Batch = 4, Compile = DeviceTests.On(mock) };
        TrainingPlan free = TrainingPlanner.Plan(TrainingSteps.Network, options);
        long bound = (long)(0.75 * free.Memory.Total);
        TrainingPlan plan = TrainingPlanner.PlanOne(free.Trainee, options, 4, free.Memory.StepArena - (free.Memory.Total - bound));
        Assert.True(plan.Memory.Total <= bound && plan.Recomputed.Count > 0);
        Assert.Equal(0, mock.Bytes);
        using (VariableStore store = new(plan.Graph.Variables, mock))
        using (StepProgram program = new(plan, store))
        {
            Assert.Equal(plan.Memory.Allocated, store.UsedBytes + program.Step.SizeBytes);
            Assert.Equal(plan.Memory.Allocated - plan.Step.Arenas[1].Bytes, mock.Bytes);
            Assert.Equal(lacks, plan.Step.Arenas[1].Bytes > 0);
        }

        Assert.Equal(
            TrainingSteps.Run(TrainingPlanner.Plan(TrainingSteps.Network, options with { Compile = DeviceTests.WithoutCaches })), TrainingSteps.Run(plan));
        Assert.Equal(0, mock.Bytes);
    }

    [Fact]
    public void Last_layers_are_tuned_and_images_classified_there()
    {
        Dataset taught = TinyModels.Images(6, 1, TrainerJob.Classes).ToDataset();
        TuningResult expected = Tuner.Tune(TrainerJob.Model(), taught, new NoDecoder(), new TuningOptions { Compile = DeviceTests.WithoutCaches });
        TuningResult actual = Tuner.Tune(
            TrainerJob.Model(), taught, new NoDecoder(), new TuningOptions { Compile = DeviceTests.On(MockDevice.Serial(Missing)) });
        Assert.Equal(TrainerJob.Bits(expected.Model), TrainerJob.Bits(actual.Model));

        MockDevice mock = MockDevice.Serial(Missing);
        using ImageClassifier host = new(expected.Model, null, DeviceTests.WithoutCaches, batch: 2),
            own = new(expected.Model, null, DeviceTests.On(mock), batch: 2);
        RgbImage[] images = [.. Enumerable.Range(0, 3).Select(i => TestImage(i))];
        Assert.Equal(host.Classify(images).SelectMany(scores => scores), own.Classify(images).SelectMany(scores => scores));
        Assert.Equal(host.Scores(images[0]), own.Scores(images[0]));
        Assert.True(mock.Copies.Writes > 0);
    }

    private static RgbImage TestImage(int seed)
    {
        byte[] pixels = new byte[TinyModels.Side * TinyModels.Side * 3];
        for (int i = 0; i < pixels.Length; i++) pixels[i] = (byte)(i * (seed + 3));
        return new RgbImage(TinyModels.Side, TinyModels.Side, pixels);
    }

    private static TrainerOptions Of(string kind) => kind switch { "live" => Options, "pieces" => Pieces, _ => Scratch };
}
