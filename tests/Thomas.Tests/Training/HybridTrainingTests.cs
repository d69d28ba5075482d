using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Thomas.Autodiff;
using Thomas.Data;
using Thomas.Runtime;
using Thomas.Runtime.OpenCl;
using Thomas.Tests.Data;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

/// <summary>Steps that a device and the CPU share give the results of either alone, but for rounding.</summary>
public sealed class HybridTrainingTests
{
    private const int Rows = 7, Steps = 20;

    private static readonly OptimizerOptions AdamW = new() { Kind = OptimizerKind.AdamW, AverageDecay = 0.8f };

    private static readonly TrainerOptions Options = TrainerJob.Options with
    {
        Epochs = 4,
        Optimizer = AdamW,
        LearningRate = 0.01f,
        Mixup = 0.2f,
        Augmentation = new Augmentation { Flip = true },
    };

    public static TheoryData<string, int> Cases => new() { { "sgd", 1 }, { "sgd", 4 }, { "sgd", 6 }, { "adamw", 3 }, { "clip", 2 } };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Losses_are_those_of_the_CPU(string optimizer, int deviceRows) => CompareLosses(optimizer, deviceRows, Hybrid(MockDevice.Serial()));

    [Theory]
    [InlineData("sgd", 5)]
    [InlineData("adamw", 2)]
    public void Losses_on_OpenCL_are_those_of_the_CPU(string optimizer, int deviceRows) =>
        CompareLosses(optimizer, deviceRows, Hybrid(OpenClTesting.RequireDevice()));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Losses_with_compression_are_those_of_the_CPU_with_it(bool onOpenCl) =>
        CompareLosses("sgd", 4, Hybrid(onOpenCl ? OpenClTesting.RequireDevice() : MockDevice.Serial()), Compression.Half);

    [Fact]
    public void A_step_waits_for_the_device_where_weights_and_loss_are_fetched()
    {
        MockDevice mock = MockDevice.Serial();
        CompileOptions compile = Hybrid(mock);
        using VariableStore store = Create(TrainingSteps.SmallNetwork, new OptimizerOptions(), 3, compile, out HybridStep step);
        using (step)
        {
            for (int i = 1; i < 4; i++)
            {
                int before = mock.Waits;
                step.Begin(i, 0.01f);
                Assert.Equal(0, mock.Pending);
                Fill(step, 1);
                Assert.True(float.IsFinite(step.Run()));
                Assert.Equal(Rows * TrainingSteps.Classes, step.Probabilities.Length);
                step.End();
                Assert.Equal(before + 2, mock.Waits);
                Assert.True(mock.Pending > 0);
            }

            Assert.Contains(step.Kernels, kernel => kernel.EndsWith("__mock", StringComparison.Ordinal));
            Assert.Contains(step.Kernels, kernel => kernel.Contains("gemm", StringComparison.Ordinal) && !kernel.EndsWith("__mock", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void The_first_number_that_is_not_finite_is_found_in_either_part()
    {
        foreach (int row in (int[])[0, Rows - 1])
        {
            using VariableStore store = Create(TrainingSteps.SmallNetwork, new OptimizerOptions(), 3, Hybrid(MockDevice.Serial()), out HybridStep step);
            using (step)
            {
                step.Begin(1, 0.01f);
                Fill(step, 1);
                Assert.Null(step.RunChecked());
                Assert.Null(step.EndChecked());
                step.Begin(2, 0.01f);
                BatchSpans inputs = step.Stage(new int[Rows]);
                inputs.Inputs[row * (inputs.Inputs.Length / Rows)] = float.NaN;
                step.Send();
                Assert.NotNull(step.RunChecked());
            }
        }
    }

    [Fact]
    public void A_failure_of_the_device_reaches_the_thread_that_trains()
    {
        MockDevice mock = MockDevice.Serial();
        using VariableStore store = Create(TrainingSteps.SmallNetwork, new OptimizerOptions(), 3, Hybrid(mock), out HybridStep step);
        using (step)
        {
            step.Begin(1, 0.01f);
            Fill(step, 1);
            mock.FailOnce(new ThomasException("the device is lost"));
            Assert.Equal("the device is lost", Assert.Throws<ThomasException>(() => step.Run()).Message);
            Fill(step, 1);
            Assert.True(float.IsFinite(step.Run()));
        }
    }

    /// <summary>The thread that trains may be kept from ending a run: it prepares the next batch before that.</summary>
    [Fact]
    public void A_run_that_was_begun_and_not_ended_is_waited_for()
    {
        OpenClDevice device = OpenClTesting.Open(words: "no-self-test upload=ahead");
        List<float> usual = Losses(isDisturbed: false);
        Assert.Equal(usual, Losses(isDisturbed: true));
        Assert.NotEqual(usual[0], usual[1]);
        Assert.Equal(0, device.Bytes);

        List<float> Losses(bool isDisturbed)
        {
            List<float> losses = [];
            using VariableStore store = Create(TrainingSteps.SmallNetwork, new OptimizerOptions(), 3, Hybrid(device), out HybridStep step);
            using (step)
            {
                foreach (bool isAhead in (bool[])[false, true])
                {
                    step.Begin(1, 0.1f);
                    Fill(step, 1);
                    Assert.True(step.GoesAhead);
                    if (isDisturbed)
                    {
                        step.Start();
                        step.Stage(new int[Rows]).Inputs.Fill(0.5f);
                        if (isAhead) step.SendAhead();
                        step.Begin(1, 0.1f);
                        Fill(step, 1);
                    }

                    losses.Add(step.Run());
                    step.End();
                }

                step.Begin(2, 0.1f);
                Fill(step, 2);
                step.Start();
                return losses;
            }
        }
    }

    [Theory]
    [InlineData(0.5)]
    [InlineData(0.3)]
    [InlineData(0.001)]
    [InlineData(0.999)]
    public void A_run_has_the_results_of_the_CPU(double share) => CompareRuns(Options, Hybrid(MockDevice.Serial(), share));

    [Fact]
    public void A_run_in_micro_batches_has_the_results_of_the_CPU() =>
        CompareRuns(Options with { Optimizer = new OptimizerOptions { ClipNorm = 1 }, MicroBatch = 4 }, Hybrid(MockDevice.Serial(), 0.3));

    [Fact]
    public void A_run_on_OpenCL_has_the_results_of_the_CPU() => CompareRuns(Options, Hybrid(OpenClTesting.RequireDevice(), 0.4));

    [Fact]
    public void A_run_without_a_share_measures_it()
    {
        TrainerResult result = CompareRuns(Options, Hybrid(MockDevice.Serial()));
        string note = Assert.Single(result.Notes, note => note.StartsWith("8 images of a step take ", StringComparison.Ordinal));
        Assert.Matches("^8 images of a step take [0-9.]+ ms on the CPU and [0-9.]+ ms on mock, which gets [1-7] of them$", note);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(6)]
    [InlineData(10)]
    public void A_stopped_run_is_resumed_with_the_same_bits(int stopAfter)
    {
        using TrainerJob job = new();
        using TemporaryFolder folder = new();
        TrainerOptions options = Options with { Compile = Hybrid(MockDevice.Serial(), 0.3), Dropout = 0.2f };
        TrainerResult expected = job.Run(options);
        options = options with { CheckpointPath = folder["run"], Resume = true };
        using CancellationTokenSource source = new();
        int done = 0;
        Relay<StageProgress> progress = new(p =>
        {
            if (p.Stage == "train" && ++done == stopAfter) source.Cancel();
        });
        Assert.True(job.Run(options, progress: progress, cancellation: source.Token).Cancelled);
        TrainerResult resumed = job.Run(options);
        Assert.Equal(TrainerJob.Bits(expected.Model), TrainerJob.Bits(resumed.Model));
        Assert.Contains(resumed.Notes, note => note.StartsWith("resumed", StringComparison.Ordinal));

        // One device alone is another run.
        ThomasException e = Assert.Throws<ThomasException>(() => job.Run(options with { Compile = options.Compile with { Device = DeviceKind.Cpu } }));
        Assert.Contains("device (there Hybrid of Cpu and Mock, here Mock)", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_that_overflows_goes_back()
    {
        using TrainerJob job = new();
        TrainerOptions options = TrainerJob.Options with
        {
            Epochs = 40,
            LearningRate = 6,
            WarmupShare = 0,
            FinalLearningRateShare = 1,
            Optimizer = new OptimizerOptions { Momentum = 0, WeightDecay = 1 },
        };
        TrainerResult cpu = job.Run(options), hybrid = job.Run(options with { Compile = Hybrid(MockDevice.Serial(), 0.5) });
        Assert.Equal((1, 1), (cpu.Restarts, hybrid.Restarts));
        Assert.Equal(cpu.Epochs.Count, hybrid.Epochs.Count);
        Assert.Contains(hybrid.Notes, note => note.Contains("first non-finite value", StringComparison.Ordinal));
    }

    [Fact]
    public void More_than_the_last_layer_is_tuned()
    {
        Dataset taught = TinyModels.Images(6, 1, TrainerJob.Classes).ToDataset();
        TuningOptions options = new() { Network = TrainerJob.Options, Compile = TrainerJob.Options.Compile };
        TuningResult cpu = Tuner.Tune(TrainerJob.Model(), taught, new NoDecoder(), options),
            hybrid = Tuner.Tune(TrainerJob.Model(), taught, new NoDecoder(), options with { Compile = Hybrid(MockDevice.Serial(), 0.5) });
        Assert.Equal(cpu.After.ToRows(), hybrid.After.ToRows());
        Close(cpu.Epochs, hybrid.Epochs);
    }

    [Fact]
    public void What_cannot_be_split_is_refused()
    {
        using TrainerJob job = new();
        CompileOptions compile = Hybrid(MockDevice.Serial(), 0.5);
        Refuse("live batch normalization", Options with { BatchNorm = BatchNormMode.Live });
        Refuse("no memory bound", Options with { MemoryBytes = 1L << 30 });
        Refuse("at least two images", Options with { BatchSize = 1 });
        Refuse("at least two images", Options with { MicroBatch = 1 });
        Assert.Throws<ArgumentOutOfRangeException>(() => job.Run(Options with { Compile = compile with { DeviceShare = 1 } }));
        Assert.Throws<ArgumentOutOfRangeException>(() => job.Run(Options with { Compile = compile with { DeviceShare = double.NaN } }));
        TuningOptions tuning = new() { Compile = compile, MemoryBytes = 1L << 30, Network = TrainerJob.Options };
        Dataset taught = TinyModels.Images(6, 1, TrainerJob.Classes).ToDataset();
        ThomasException bound = Assert.Throws<ThomasException>(() => Tuner.Tune(TrainerJob.Model(), taught, new NoDecoder(), tuning));
        Assert.Contains("no memory bound", bound.Message, StringComparison.Ordinal);

        void Refuse(string why, TrainerOptions options) =>
            Assert.Contains(why, Assert.Throws<ThomasException>(() => job.Run(options with { Compile = compile })).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(8, 0.5, 4)]
    [InlineData(8, 0.01, 1)]
    [InlineData(8, 0.99, 7)]
    [InlineData(7, 0.5, 4)]
    [InlineData(2, 0.1, 1)]
    [InlineData(2, 0.9, 1)]
    [InlineData(64, 0.8, 51)]
    public void Rows_are_divided_by_the_share(int rows, double share, int expected) => Assert.Equal(expected, HybridSplit.DeviceRows(rows, share));

    [Fact]
    public void Both_take_the_same_time_at_the_measured_share()
    {
        Assert.Equal(0.75, HybridSplit.ShareOf(host: 30, device: 10));
        Assert.Equal(0.5, HybridSplit.ShareOf(host: 20, device: 20));
    }

    [Fact]
    public void A_device_is_slowed_without_a_change_of_any_bit()
    {
        OpenClDevice device = OpenClTesting.RequireDevice();
        CompileOptions compile = new() { Device = DeviceKind.OpenCl, DeviceNumber = Number(device) };
        TrainingPlanOptions options = new() { Batch = 4, Optimizer = AdamW, Compile = compile };
        Model model = TrainerJob.Model(known: true);
        (List<float> once, int calls) = Run(options);
        (List<float> thrice, int slowCalls) = Run(options with { Compile = options.Compile with { DeviceSettings = "slow=3" } });
        Assert.Equal(once, thrice);
        Assert.InRange(slowCalls, (3 * calls / 2) + 1, (3 * calls) - 1);

        (List<float> Losses, int Calls) Run(TrainingPlanOptions options)
        {
            TrainingPlan plan = TrainingPlanner.Plan(model, options);
            using VariableStore store = new(plan.Graph.Variables, Device.Of(options.Compile));
            using StepProgram program = new(plan, store);
            return (TrainingSteps.Run(program, 1, 5, 0.05f), program.Step.Calls);
        }
    }

    private static int Number(OpenClDevice device) => int.Parse(device.Name["opencl:".Length..], System.Globalization.CultureInfo.InvariantCulture);

    private static CompileOptions Hybrid(Device device, double? share = null) =>
        new() { Threads = 1, Device = DeviceKind.Hybrid, OtherDevice = device, DeviceShare = share };

    private static VariableStore Create(Model model, OptimizerOptions optimizer, int deviceRows, CompileOptions compile, out HybridStep step)
    {
        Trainee trainee = Trainee.Create(model, UpdatePolicy.All, BatchNormMode.Frozen);
        TrainingGraphOptions options = new(deviceRows, optimizer, Meets: true);
        TrainingGraph graph = TrainingGraph.Build(trainee, options);
        VariableStore store = new(graph.Variables, compile.OtherDevice);
        step = new HybridStep(trainee, graph, options, store, compile, Rows);
        return store;
    }

    private static void Fill(ITrainingStep step, int seed)
    {
        BatchSpans inputs = step.Stage(new int[Rows]);
        TestGraphs.Noise(inputs.Inputs.Length, (uint)seed).CopyTo(inputs.Inputs);
        inputs.Targets.Clear();

        // Rows that weigh differently, one of them nothing: as in a last step that is not full.
        for (int row = 0; row < Rows; row++)
        {
            inputs.Targets[(row * TrainingSteps.Classes) + (row % TrainingSteps.Classes)] = 1;
            inputs.Weights[row] = row == 2 ? 0 : (row + 1) / 25f;
        }

        step.Send();
    }

    private static void CompareLosses(string optimizer, int deviceRows, CompileOptions compile, Compression compression = Compression.None)
    {
        compile = compile with { KeptAs = compression.KeptType() };
        OptimizerOptions options = optimizer switch { "sgd" => new(), "adamw" => AdamW, _ => new() { ClipNorm = 0.5f } };
        Model model = TrainingSteps.SmallNetwork;
        float rate = optimizer == "adamw" ? 3e-3f : 0.1f;
        CompileOptions threads = new() { Threads = 1 };
        TrainingPlanOptions whole = new() { Batch = Rows, Optimizer = options, Compression = compression, Compile = threads };
        TrainingPlan plan = TrainingPlanner.Plan(model, whole);
        using VariableStore cpuStore = new(plan.Graph.Variables);
        using StepProgram cpu = new(plan, cpuStore);
        using VariableStore store = Create(model, options, deviceRows, compile, out HybridStep hybrid);
        using (hybrid)
        {
            float[] expected = Losses(cpu, rate), actual = Losses(hybrid, rate);
            for (int i = 0; i < Steps; i++) Assert.Equal(expected[i], actual[i], 1e-3f * Math.Max(1, expected[i]));
            Assert.True(expected[^1] < expected[0] - 0.1f, $"{expected[0]} to {expected[^1]}: the weights must matter");
        }
    }

    private static float[] Losses(ITrainingStep step, float rate)
    {
        float[] losses = new float[Steps];
        for (int i = 0; i < Steps; i++)
        {
            step.Begin(i + 1, rate);
            Fill(step, 1 + (i % 2));
            losses[i] = step.Run();
            step.End();
        }

        return losses;
    }

    private static TrainerResult CompareRuns(TrainerOptions options, CompileOptions compile)
    {
        using TrainerJob job = new();
        TrainerResult cpu = job.Run(options), hybrid = job.Run(options with { Compile = compile });
        Close(cpu.Epochs, hybrid.Epochs);
        Assert.Equal(cpu.After!.ToRows(), hybrid.After!.ToRows());
        float[] expected = Weights(cpu.Model), actual = Weights(hybrid.Model);
        for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], 2e-3f * Math.Max(1, Math.Abs(expected[i])));
        if (compile.OtherDevice is MockDevice mock) Assert.Equal(0, mock.Bytes);
        return hybrid;
    }

    private static void Close(IReadOnlyList<EpochReport> cpu, IReadOnlyList<EpochReport> hybrid)
    {
        Assert.Equal(cpu.Count, hybrid.Count);
        for (int i = 0; i < cpu.Count; i++)
        {
            Assert.Equal(cpu[i].TrainLoss, hybrid[i].TrainLoss, 1e-3 * Math.Max(1, cpu[i].TrainLoss));
            Assert.Equal(cpu[i].ValidationLoss!.Value, hybrid[i].ValidationLoss!.Value, 1e-3 * Math.Max(1, cpu[i].ValidationLoss!.Value));
            Assert.Equal(cpu[i].TrainAccuracy, hybrid[i].TrainAccuracy, 1e-9);
        }
    }

    private static float[] Weights(Model model) => [.. TrainerJob.Bits(model).Select(BitConverter.Int32BitsToSingle)];
}
